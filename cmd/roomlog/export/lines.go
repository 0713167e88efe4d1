package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// filterPath returns the path of the file that contains the filter of an export.
func filterPath(path string) string { return path + ".filter" }

// write stores f as the filter of a file that has no line yet.
func (f Filter) write(path string) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return os.WriteFile(filterPath(path), append(text, '\n'), 0o600)
}

// check returns an error unless a file was made with the filter f.
func (f Filter) check(path string) error {
	text, err := os.ReadFile(filterPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: it remembers the filter with which %s was made. Restore it, or export to another file", filterPath(path), path)
	}
	if err != nil {
		return err
	}
	var made Filter
	if err := json.Unmarshal(text, &made); err != nil {
		return fmt.Errorf("%s cannot be read: %w", filterPath(path), err)
	}
	if made.String() != f.String() {
		return fmt.Errorf("%s was made with %s and cannot be continued with %s: events would be missing. Use the same flags, or another file", path, made, f)
	}
	return nil
}

// maxLine is the maximum size in bytes of the last line of an existing file. An event has at most a few kilobytes.
const maxLine = 1 << 20

// OpenLines opens a file to which events of a filter are appended. It removes an incomplete line at the end. It returns
// the cursor in the last complete line, or "" for an empty or new file. It does not change a file that is not an
// export, or that was made with another filter.
func OpenLines(path string, filter Filter) (file *os.File, after string, err error) {
	if file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil { // mode 0600, because the file will contain personal texts
		return nil, "", err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, "", err
	}
	tail := make([]byte, min(size, maxLine))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil {
		return nil, "", err
	}
	whole := bytes.LastIndexByte(tail, '\n') + 1
	half := tail[whole:]
	last := bytes.TrimSuffix(tail[:whole], []byte{'\n'})
	last = last[bytes.LastIndexByte(last, '\n')+1:]
	var line struct {
		Cursor string `json:"cursor"`
	}
	switch {
	case whole == 0 && (len(half) == 0 || bytes.HasPrefix(half, []byte(`{"cursor":`))): // an empty file, or a file with one incomplete line
	case json.Unmarshal(last, &line) != nil || line.Cursor == "":
		return nil, "", fmt.Errorf("%s is not an export of roomlog: choose another file", path)
	}
	if line.Cursor != "" {
		err = filter.check(path)
	} else {
		err = filter.write(path)
	}
	if err != nil {
		return nil, "", err
	}
	end := size - int64(len(half))
	if err := file.Truncate(end); err != nil {
		return nil, "", err
	}
	_, err = file.Seek(end, io.SeekStart)
	return file, line.Cursor, err
}
