package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"roomlog/eventstore/transparency"
)

const manifestFormat = 1

// Manifest describes the content of the folder of an export.
type Manifest struct {
	Format     int    `json:"format"`
	Log        string `json:"log"`         // id of the log
	FileFormat Format `json:"file_format"` // format of all files
	Filter     Filter `json:"filter"`
	Personal   bool   `json:"personal"` // whether the files contain private fields

	Position int64  `json:"position"` // the export contains every event up to this position
	Cursor   string `json:"cursor"`   // cursor of the event at Position
	Events   int64  `json:"events"`   // number of events in the folder

	// ErasedUpTo is the position up to which the texts of forgotten people are erased in all files, if Personal is set.
	ErasedUpTo int64 `json:"erased_up_to,omitempty"`

	// Checkpoint is the newest signed checkpoint of the transparency log when the manifest was written, or "".
	Checkpoint string `json:"checkpoint,omitempty"`

	Segments []Segment `json:"segments"`
}

// Segment contains consecutive events of one day, whose files have the same name in the folders of their tables.
type Segment struct {
	Day      string `json:"day"`  // day of the events in UTC
	From     int64  `json:"from"` // position of the first event
	To       int64  `json:"to"`   // position of the last event
	Events   int64  `json:"events"`
	Complete bool   `json:"complete"` // whether no later event will be added
	Files    []File `json:"files"`
}

// File is one file of a segment.
type File struct {
	Path   string `json:"path"`  // path relative to the folder of the export
	Table  string `json:"table"` // event type, or "events" for the whole log
	First  int64  `json:"first"` // position of the first event
	Last   int64  `json:"last"`  // position of the last event
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Tables returns the names of the tables that have files, sorted.
func (m *Manifest) Tables() []string {
	var names []string
	for _, s := range m.Segments {
		for _, f := range s.Files {
			names = append(names, f.Table)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ReadManifest returns the manifest in a folder, or nil if the folder contains no file or does not exist. A folder with
// other files is an error.
func ReadManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, ManifestName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, checkEmpty(dir)
	}
	if err != nil {
		return nil, err
	}
	m := new(Manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if m.Format != manifestFormat {
		return nil, fmt.Errorf("%s has format %d, this program knows format %d: export to another folder", path, m.Format, manifestFormat)
	}
	return m, nil
}

// check returns an error unless an export with options o may continue in the folder.
func (m *Manifest) check(o Options, log string) error {
	was, is := describe(m.Filter, m.Personal, m.FileFormat), describe(o.Filter, o.Personal, o.Format)
	switch {
	case m.Log != log:
		return fmt.Errorf("%s contains another log (%s): export to another folder", o.Dir, m.Log)
	case was != is:
		return fmt.Errorf("%s was made with %s and cannot be continued with %s: events or fields would be missing. Use the same flags, or another folder", o.Dir, was, is)
	}
	return nil
}

func describe(f Filter, personal bool, format Format) string {
	text := f.String() + " --format " + string(format)
	if personal {
		text += " --personal"
	}
	return text
}

// write replaces the manifest in a folder.
func (m *Manifest) write(dir string) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	if err := transparency.ReplaceFile(filepath.Join(dir, ManifestName), append(text, '\n')); err != nil {
		return err
	}
	return syncDir(dir)
}

// removeLeftovers removes the files in the folders of tables that the manifest does not name: a killed export has left
// them behind.
func removeLeftovers(dir string, m *Manifest) error {
	known := make(map[string]bool)
	for _, s := range m.Segments {
		for _, f := range s.Files {
			known[filepath.Join(dir, f.Path)] = true
		}
	}
	found, err := filepath.Glob(filepath.Join(escape(dir), "*", "day=*", "*"))
	if err != nil {
		return err
	}
	for _, path := range found {
		table, err := filepath.Rel(dir, path)
		if err != nil || known[path] || !isTable(strings.Split(filepath.ToSlash(table), "/")[0]) {
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// escape returns a path as a pattern that matches only this path.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
