package backup

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"roomlog/internal/filelock"
)

// output is what a backup is written to.
type output interface {
	// add writes a file with the content of r, which has e.size bytes.
	add(e entry, r io.Reader) error
	// commit completes the backup.
	commit() error
	// abort removes what was written, unless the backup is complete.
	abort()
}

// stream is an output in the format tar.
type stream struct{ to *tar.Writer }

func (s stream) add(e entry, r io.Reader) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: e.path, Mode: int64(e.mode.Perm()), ModTime: e.modified, Size: e.size, Format: tar.FormatPAX}
	if err := s.to.WriteHeader(h); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	if _, err := io.Copy(s.to, r); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}

func (s stream) commit() error { return s.to.Close() }
func (stream) abort()          {}

const (
	partialSuffix = ".partial" // suffix of the folder of a backup that is not complete
	lockName      = ".lock"
)

// folder is an output in a folder, which has another name until it is complete.
type folder struct {
	final, partial string
	root           *os.Root
	lock           *filelock.Lock
	done           bool
}

// createFolder creates the folder of a backup under a temporary name. It removes the rest of a backup that was killed.
func createFolder(dir string) (_ *folder, err error) {
	dir = filepath.Clean(dir)
	if found, err := os.ReadDir(dir); err == nil && len(found) > 0 {
		return nil, fmt.Errorf("%s is not empty: choose a new folder for each backup", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f := &folder{final: dir, partial: dir + partialSuffix}
	if err := os.MkdirAll(f.partial, 0o700); err != nil {
		return nil, err
	}
	if f.root, err = os.OpenRoot(f.partial); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = f.root.Close()
		}
	}()
	file, err := f.root.OpenFile(lockName, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if f.lock, err = filelock.TryLock(file); errors.Is(err, filelock.ErrLocked) {
		return nil, fmt.Errorf("another backup is being written to %s: wait until it has ended", f.partial)
	} else if err != nil {
		return nil, err
	}
	return f, f.empty()
}

// empty removes what a killed backup has left. It refuses a folder with anything else.
func (f *folder) empty() error {
	found, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return err
	}
	var left []string
	for _, one := range found {
		switch one.Name() {
		case lockName:
		case databaseFolder, uploadsFolder, recordingsFolder, indexFolder, secretsFolder, manifestName:
			left = append(left, one.Name())
		default:
			return fmt.Errorf("%s contains %s, which no backup has: move it away", f.partial, one.Name())
		}
	}
	for _, name := range left {
		if err := f.root.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) add(e entry, r io.Reader) error { return writeEntry(f.root, e, r) }

// writeEntry writes a file below root and makes it durable.
func writeEntry(root *os.Root, e entry, r io.Reader) error {
	name := filepath.FromSlash(e.path)
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(file, r)
	if err == nil && n != e.size {
		err = fmt.Errorf("%s has %d bytes, expected are %d: %w", e.path, n, e.size, io.ErrUnexpectedEOF)
	}
	if err == nil {
		err = errors.Join(file.Chmod(e.mode.Perm()), file.Sync())
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return root.Chtimes(name, e.modified, e.modified)
}

// commit gives the folder its final name.
func (f *folder) commit() error {
	err := errors.Join(f.root.Remove(lockName), syncTree(f.partial, "."))
	if err != nil {
		return err
	}
	if err := os.Rename(f.partial, f.final); err != nil {
		return err
	}
	f.done = true
	return errors.Join(syncFolder(filepath.Dir(f.final)), f.root.Close(), f.lock.Unlock())
}

func (f *folder) abort() {
	if f.done {
		return
	}
	_ = os.RemoveAll(f.partial)
	_ = f.root.Close()
	_ = f.lock.Unlock()
}

// syncTree makes the names in dir, and in all folders below some folders in it, durable.
func syncTree(dir string, folders ...string) error {
	for _, one := range folders {
		err := filepath.WalkDir(filepath.Join(dir, one), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = syncFolder(path)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncFolder(dir)
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
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
