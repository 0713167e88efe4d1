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

// output receives the files of a backup.
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
	lockSuffix    = ".lock"    // suffix of the lock file of a running backup, beside its folder, which is renamed at the end
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
	f := &folder{final: filepath.Clean(dir), partial: filepath.Clean(dir) + partialSuffix}
	if err := os.MkdirAll(filepath.Dir(f.final), 0o700); err != nil {
		return nil, err
	}
	if err := f.takeLock(); err != nil {
		return nil, err
	}
	if err := f.open(); err != nil {
		return nil, errors.Join(err, f.release())
	}
	return f, nil
}

// takeLock locks the folder. It fails if another backup is being written to it.
func (f *folder) takeLock() error {
	running := fmt.Errorf("another backup is being written to %s: wait until it has ended", f.partial)
	file, err := os.OpenFile(f.partial+lockSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	opened, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if f.lock, err = filelock.TryLock(file); errors.Is(err, filelock.ErrLocked) {
		return running
	} else if err != nil {
		return err
	}
	if present, err := os.Stat(f.partial + lockSuffix); err != nil || !os.SameFile(opened, present) { // a backup has ended meanwhile, and removed the file
		return errors.Join(running, f.lock.Unlock())
	}
	return nil
}

func (f *folder) release() error {
	return errors.Join(os.Remove(f.partial+lockSuffix), f.lock.Unlock())
}

// open opens the folder, which is locked, and empties it.
func (f *folder) open() error {
	if found, err := os.ReadDir(f.final); err == nil && len(found) > 0 {
		return fmt.Errorf("%s is not empty: choose a new folder for each backup", f.final)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(f.partial, 0o700); err != nil {
		return err
	}
	var err error
	if f.root, err = os.OpenRoot(f.partial); err != nil {
		return err
	}
	if err := f.empty(); err != nil {
		return errors.Join(err, f.root.Close())
	}
	return nil
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

// commit gives the folder its final name. Until the end no other backup is written to it.
func (f *folder) commit() error {
	if err := syncTree(f.partial, "."); err != nil {
		return err
	}
	if err := os.Rename(f.partial, f.final); err != nil {
		return err
	}
	f.done = true
	return errors.Join(syncFolder(filepath.Dir(f.final)), f.root.Close(), f.release())
}

func (f *folder) abort() {
	if f.done {
		return
	}
	_ = os.RemoveAll(f.partial)
	_ = f.root.Close()
	_ = f.release()
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
