package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"roomlog/cmd/roomlog/eventtable"
	"roomlog/domain"
	"roomlog/internal/filelock"
)

// ManifestName is the name of the manifest in the folder of an export.
const ManifestName = "manifest.json"

const (
	lockName = ".lock" // locked while an export writes to the folder
	draft    = ".tmp"  // suffix of a file that is being written
)

// isTable reports whether a folder with this name contains the files of a table.
func isTable(name string) bool {
	return name == eventtable.LogName || slices.ContainsFunc(domain.Events, func(s domain.EventSpec) bool { _, earlier := s.Upcasters[name]; return earlier || s.Type == name })
}

// lock creates the folder of an export and excludes other exports from it.
func lock(dir string) (*filelock.Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	held, err := filelock.TryLock(file)
	if errors.Is(err, filelock.ErrLocked) {
		return nil, fmt.Errorf("another export is writing to %s: stop it, or wait until it has ended", dir)
	}
	return held, err
}

// filePath returns the path of a file of a segment, relative to the folder of the export.
func filePath(table, day string, from int64, format Format) string {
	return filepath.Join(table, "day="+day, fmt.Sprintf("%019d.%s", from, format))
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, fs.ErrInvalid) {
		err = nil // file systems without this operation
	}
	return errors.Join(err, d.Close())
}

// checkEmpty returns an error if a folder contains other files than those that an export leaves behind when it is
// killed before its first manifest.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if name := e.Name(); name != lockName && !isTable(name) && !strings.HasPrefix(name, ".new-") {
			return fmt.Errorf("%s is not an export of roomlog: it contains %s but no %s. Choose another folder", dir, name, ManifestName)
		}
	}
	return err
}
