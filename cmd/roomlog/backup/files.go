package backup

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"roomlog/media/record"
	"roomlog/media/rtmp"
)

// copier copies files of a data folder to a backup.
type copier struct {
	add func(e entry, r io.Reader) error
}

// file adds one file of root under another path. A file that has been deleted meanwhile is left out. A file that grows is copied
// up to its present size.
func (c copier) file(root *os.Root, name, as string) error {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	if err != nil {
		return err
	}
	file, err := root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info, err = file.Stat(); err != nil {
		return errors.Join(err, file.Close())
	}
	e := entry{as, info.Mode().Perm(), info.ModTime(), info.Size()}
	return errors.Join(c.add(e, io.LimitReader(file, e.size)), file.Close())
}

// inFolder calls copy with the open folder dir, unless there is none.
func inFolder(dir string, copy func(root *os.Root) error) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(copy(root), root.Close())
}

// names returns the names in a folder of root, sorted.
func names(root *os.Root, dir string) ([]string, error) {
	found, err := fs.ReadDir(root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []string
	for _, one := range found {
		all = append(all, one.Name())
	}
	return all, err
}

// uploads adds the uploaded files, except those that are not complete.
func (c copier) uploads(dir string) error {
	return inFolder(dir, func(root *os.Root) error {
		all, err := names(root, ".")
		if err != nil {
			return err
		}
		for _, name := range all {
			if strings.HasSuffix(name, ".part") {
				continue
			}
			if err := c.file(root, name, path.Join(uploadsFolder, name)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c copier) secrets(dir string) error {
	return inFolder(dir, func(root *os.Root) error {
		all, err := names(root, ".")
		if err != nil {
			return err
		}
		for _, name := range all {
			if strings.HasPrefix(name, ".") {
				continue
			}
			if err := c.file(root, name, path.Join(secretsFolder, name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// recordings adds the recordings, or only their indexes. The index of a running recording is copied before its files, so that the
// files contain everything that the copy of the index mentions.
func (c copier) recordings(dir string, whole bool) error {
	return inFolder(dir, func(root *os.Root) error {
		folders, err := recordingFolders(root, ".")
		if err != nil {
			return err
		}
		for _, folder := range folders {
			ids, err := recordingFolders(root, folder)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := c.recording(root, path.Join(folder, id), whole); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// recordingFolders returns the names of the folders in dir that can belong to recordings. Like the recorder, it ignores what others
// have put there, such as lost+found.
func recordingFolders(root *os.Root, dir string) ([]string, error) {
	found, err := fs.ReadDir(root.FS(), dir)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, one := range found {
		if one.IsDir() && rtmp.ValidName(one.Name()) {
			all = append(all, one.Name())
		}
	}
	return all, nil
}

func (c copier) recording(root *os.Root, dir string, whole bool) error {
	to := indexFolder
	if whole {
		to = recordingsFolder
	}
	if err := c.file(root, path.Join(dir, record.IndexFile), path.Join(to, dir, record.IndexFile)); err != nil || !whole {
		return err
	}
	parts, err := names(root, dir)
	if err != nil {
		return err
	}
	parts = slices.DeleteFunc(parts, func(name string) bool { return strings.HasPrefix(name, record.IndexFile) })
	for _, name := range parts {
		if err := c.file(root, path.Join(dir, name), path.Join(recordingsFolder, dir, name)); err != nil {
			return err
		}
	}
	return nil
}
