package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/transparency"
	"roomlog/internal/filelock"
)

const (
	stagingFolder = "restore.new" // folder in the data folder with the files that were read and not yet put in their place
	restoreLock   = "restore.lock"
)

// placed are the folders of a data folder that a restore writes.
var placed = []string{uploadsFolder, recordingsFolder, indexFolder, secretsFolder}

// target is the data folder into which a backup is restored. Between begin and finish it contains the file cli.RestoreMarker, and no
// other command uses it.
type target struct {
	dir     string
	root    *os.Root
	staging *os.Root
	lock    *filelock.Lock
	begun   bool      // whether the marker is there
	earlier *Manifest // manifest of the backup whose files are in their place, perhaps since an earlier run that was killed; or nil
}

// openTarget opens a data folder, which it creates if necessary. It fails if another restore uses the folder.
func openTarget(dir string) (t *target, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	t = &target{dir: dir}
	if t.root, err = os.OpenRoot(dir); err != nil {
		return nil, err
	}
	file, err := t.root.OpenFile(restoreLock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errors.Join(err, t.root.Close())
	}
	if t.lock, err = filelock.TryLock(file); err != nil {
		return nil, errors.Join(fmt.Errorf("another restore into %s is running: %w", dir, err), t.root.Close())
	}
	text, err := t.root.ReadFile(cli.RestoreMarker)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return t, nil
	case err != nil:
		return nil, errors.Join(err, t.close())
	}
	t.begun = true
	if m := new(Manifest); json.Unmarshal(text, m) == nil && m.ID != "" {
		t.earlier = m
	}
	return t, nil
}

// restored returns the manifest of an earlier run that was killed after it had put the files in their place, or nil. The
// database may then be restored already.
func (t *target) restored() *Manifest { return t.earlier }

// begin writes the marker. It fails if the folder is not empty. If an earlier run was killed, begin removes what it has left.
func (t *target) begin() error {
	if t.begun {
		if err := t.clean(); err != nil {
			return err
		}
	}
	for _, name := range []string{uploadsFolder, recordingsFolder, indexFolder} {
		found, err := names(t.root, name)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return fmt.Errorf("%s is not empty: restore into a new data folder (--data), or move it away; nothing was changed", filepath.Join(t.dir, name))
		}
	}
	if err := t.mark([]byte("{}\n")); err != nil {
		return err
	}
	if err := t.root.Mkdir(stagingFolder, 0o700); err != nil {
		return err
	}
	var err error
	t.staging, err = t.root.OpenRoot(stagingFolder)
	return err
}

func (t *target) mark(text []byte) error {
	t.begun = true
	return errors.Join(transparency.ReplaceFile(filepath.Join(t.dir, cli.RestoreMarker), text), syncFolder(t.dir))
}

// receive writes a file of the backup to the staging folder.
func (t *target) receive(e entry, r io.Reader) error {
	if strings.HasPrefix(e.path, secretsFolder+"/") {
		e.mode = 0o600
	}
	return writeEntry(t.staging, e, r)
}

// place writes the manifest to the marker, and puts the staged files in their place. Then the database can be restored.
func (t *target) place(m *Manifest) error {
	found, err := names(t.root, secretsFolder)
	if err != nil {
		return err
	}
	if m.Secrets && len(found) > 0 {
		return fmt.Errorf("%s is not empty, and the backup contains secrets: move the folder away; nothing was changed", filepath.Join(t.dir, secretsFolder))
	}
	kept := *m
	kept.Files = nil // only the state of the log matters
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := t.mark(text); err != nil {
		return err
	}
	t.earlier = &kept
	for _, name := range placed {
		if _, err := t.staging.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := t.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty folder
			return err
		}
		if err := t.root.Rename(path.Join(stagingFolder, name), name); err != nil {
			return err
		}
	}
	return syncTree(t.dir, placed...)
}

func (t *target) dump(m *Manifest) (io.ReadCloser, error) {
	var paths []string
	for _, f := range m.Files {
		if strings.HasPrefix(f.Path, databaseFolder+"/") {
			paths = append(paths, f.Path)
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%w: it contains no dump of the database", errDamaged)
	}
	return &joined{root: t.staging, paths: paths}, nil
}

// clean removes what a restore has written, and at last the marker.
func (t *target) clean() error {
	if t.staging != nil {
		_ = t.staging.Close()
		t.staging = nil
	}
	remove := []string{stagingFolder, uploadsFolder, recordingsFolder, indexFolder}
	if t.earlier != nil && t.earlier.Secrets {
		remove = append(remove, secretsFolder)
	}
	for _, name := range remove {
		if err := t.root.RemoveAll(name); err != nil {
			return err
		}
	}
	t.earlier = nil
	return t.unmark()
}

func (t *target) unmark() error {
	err := t.root.Remove(cli.RestoreMarker)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	t.begun = false
	return errors.Join(err, syncFolder(t.dir))
}

// finish removes the staging folder and the marker. From then on servers may use the data folder.
func (t *target) finish() error {
	if err := t.root.RemoveAll(stagingFolder); err != nil {
		return err
	}
	return t.unmark()
}

// close releases the folder.
func (t *target) close() error {
	if t.staging != nil {
		_ = t.staging.Close()
	}
	return errors.Join(t.root.Remove(restoreLock), t.lock.Unlock(), t.root.Close())
}

// joined reads files one after another.
type joined struct {
	root  *os.Root
	paths []string
	file  *os.File
}

func (j *joined) Read(b []byte) (int, error) {
	for {
		if j.file == nil {
			if len(j.paths) == 0 {
				return 0, io.EOF
			}
			var err error
			if j.file, err = j.root.Open(filepath.FromSlash(j.paths[0])); err != nil {
				return 0, err
			}
			j.paths = j.paths[1:]
		}
		n, err := j.file.Read(b)
		if n > 0 || err == nil {
			return n, nil
		}
		if !errors.Is(err, io.EOF) {
			return 0, err
		}
		if err := j.Close(); err != nil {
			return 0, err
		}
	}
}

func (j *joined) Close() error {
	if j.file == nil {
		return nil
	}
	file := j.file
	j.file = nil
	return file.Close()
}
