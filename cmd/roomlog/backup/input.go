package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// input is a backup that is being read.
type input interface {
	// each calls visit for every file, the manifest last. visit reads the content to its end.
	each(visit func(e entry, r io.Reader) error) error
}

// tarInput is an input in the format tar.
type tarInput struct{ from io.Reader }

func (t tarInput) each(visit func(entry, io.Reader) error) error {
	r := tar.NewReader(t.from)
	for {
		h, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the backup: %w", err)
		case h.Typeflag != tar.TypeReg:
			return fmt.Errorf("%w: %.200q is not a file", errDamaged, h.Name)
		}
		if err := visit(entry{h.Name, fs.FileMode(h.Mode).Perm(), h.ModTime, h.Size}, r); err != nil {
			return err
		}
	}
}

// folderInput is an input in a folder.
type folderInput struct{ dir string }

func (o folderInput) each(visit func(entry, io.Reader) error) error {
	if _, err := os.Stat(filepath.Join(o.dir, manifestName)); err != nil {
		return fmt.Errorf("%s is no complete backup: %w", o.dir, err)
	}
	err := filepath.WalkDir(o.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == manifestName && filepath.Dir(path) == filepath.Clean(o.dir) {
			return err
		}
		return o.visit(path, visit)
	})
	if err != nil {
		return err
	}
	return o.visit(filepath.Join(o.dir, manifestName), visit)
}

func (o folderInput) visit(path string, visit func(entry, io.Reader) error) error {
	name, err := filepath.Rel(o.dir, path)
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is not a file", errDamaged, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(visit(entry{filepath.ToSlash(name), info.Mode().Perm(), info.ModTime(), info.Size()}, file), file.Close())
}

// read reads a backup to its end, compares it with its manifest, and returns the manifest. It calls keep with every file, which
// reads the content or leaves it.
func read(from input, p *progress, keep func(e entry, r io.Reader) error) (*Manifest, error) {
	var manifest *Manifest
	var files []File
	err := from.each(func(e entry, r io.Reader) (err error) {
		if err := checkPath(e.path); err != nil {
			return err
		}
		if manifest != nil {
			return fmt.Errorf("%w: %s comes after the manifest", errDamaged, e.path)
		}
		if e.path == manifestName {
			manifest, err = readManifest(r)
			return err
		}
		sum := sha256.New()
		content := io.TeeReader(r, io.MultiWriter(sum, p))
		p.step("reading " + e.path)
		if err := keep(e, content); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return fmt.Errorf("read the backup: %w", err)
		}
		files = append(files, File{e.path, e.size, hex.EncodeToString(sum.Sum(nil))})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if manifest == nil {
		return nil, fmt.Errorf("the backup is not complete: it has no %s", manifestName)
	}
	return manifest, manifest.compare(files)
}
