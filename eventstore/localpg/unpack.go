package localpg

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	maxUnpacked = 256 << 20
	maxFiles    = 4_000
	linksFile   = "pg-symlinks.json"
)

// bounds limits the content of a tarball.
type bounds struct {
	bytes int64
	files int
}

// unpack extracts the platform's files from an npm tarball into the folder into. The folder appears complete or not at
// all. Whatever paths the tarball contains, unpack writes nothing outside this folder.
func unpack(tarball, parent, into string, most bounds) error {
	file, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, "postgresql.new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	root, err := os.OpenRoot(tmp)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := unpackFiles(tar.NewReader(io.LimitReader(plain, most.bytes)), root, most.files); err != nil {
		return err
	}
	if err := link(root); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil { // the PostgreSQL process may run as another user
		return err
	}
	if err := os.RemoveAll(into); err != nil {
		return err
	}
	return os.Rename(tmp, into)
}

func unpackFiles(r *tar.Reader, root *os.Root, most int) error {
	for n := 0; ; n++ {
		h, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case n == most:
			return fmt.Errorf("more than %d files", most)
		case h.Typeflag != tar.TypeReg:
			continue // npm packs only files; a file in the tarball lists the links
		}
		name, ok := strings.CutPrefix(h.Name, "package/native/")
		if !ok {
			continue
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("a file is outside of the folder: %.200q", h.Name)
		}
		if err := unpackFile(r, root, name, fs.FileMode(h.Mode)); err != nil {
			return err
		}
	}
}

func unpackFile(r io.Reader, root *os.Root, name string, mode fs.FileMode) error {
	if err := makeDirs(root, path.Dir(path.Clean(name))); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Chmod(0o644|mode&0o111), f.Close()) // sets the mode regardless of the umask
}

func makeDirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	if err := makeDirs(root, path.Dir(dir)); err != nil {
		return err
	}
	err := root.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return root.Chmod(dir, 0o755)
}

// link creates the symbolic links of the shared libraries. npm cannot pack links, so the package contains a list of
// them.
func link(root *os.Root) error {
	f, err := root.Open(linksFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var links []struct{ Source, Target string }
	if err := json.NewDecoder(io.LimitReader(f, maxSmallFile)).Decode(&links); err != nil {
		return fmt.Errorf("%s: %w", linksFile, err)
	}
	for _, l := range links {
		source, okSource := strings.CutPrefix(l.Source, "native/")
		target, okTarget := strings.CutPrefix(l.Target, "native/")
		if !okSource || !okTarget || !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return fmt.Errorf("%s: a link is outside of the folder: %.200q to %.200q", linksFile, l.Target, l.Source)
		}
		to, err := filepath.Rel(path.Dir(target), source)
		if err != nil {
			return err
		}
		if err := root.Symlink(to, target); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}
