package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go/compress/zstd"

	"roomlog/api/replay"
	"roomlog/cmd/roomlog/eventtable"
)

// file is a file that is being written, under a name that readers ignore.
type file struct {
	File
	path    string // final path of the file
	file    *os.File
	buffer  *bufio.Writer
	sum     hash.Hash
	encoder encoder
}

// createFile creates the file of a table in the folder dir. path is relative to dir.
func createFile(dir, path string, t *eventtable.Table, format Format, codec *zstd.Codec) (*file, error) {
	full := filepath.Join(dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		return nil, err
	}
	f := &file{File: File{Path: filepath.ToSlash(path), Table: t.Name}, path: full, sum: sha256.New()}
	var err error
	if f.file, err = os.OpenFile(full+draft, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	f.buffer = bufio.NewWriter(f.file)
	if f.encoder, err = newEncoder(format, t, io.MultiWriter(f.buffer, f.sum, (*counter)(&f.Bytes)), codec); err != nil {
		f.abort()
		return nil, err
	}
	return f, nil
}

// write adds the row of an event.
func (f *file) write(line *replay.EventLine) error {
	if f.Rows == 0 {
		f.First = line.Position
	}
	f.Rows, f.Last = f.Rows+1, line.Position
	return f.encoder.write(line)
}

// complete makes the content of the file durable. The file keeps its temporary name.
func (f *file) complete() error {
	err := f.encoder.close()
	if err == nil {
		err = f.buffer.Flush()
	}
	if err == nil {
		err = f.file.Sync()
	}
	f.SHA256 = hex.EncodeToString(f.sum.Sum(nil))
	return errors.Join(err, f.file.Close())
}

// publish gives the file its final name.
func (f *file) publish() error { return os.Rename(f.path+draft, f.path) }

// abort removes the file, if it was not published.
func (f *file) abort() {
	_ = f.file.Close()
	_ = os.Remove(f.path + draft)
}

// counter counts the bytes that are written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
