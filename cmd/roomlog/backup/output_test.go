package backup

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"roomlog/internal/waittest"
)

// write writes a backup with one upload to an output, up to its commit.
func write(t *testing.T, to output) *writer {
	t.Helper()
	b := &writer{to: to, progress: &progress{}, manifest: Manifest{Format: manifestFormat}}
	if err := b.add(entry{path: "uploads/a", mode: 0o600, size: 4}, strings.NewReader("text")); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBackupWithoutManifestIsNotCompleted(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "backup")
	f, err := createFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := write(t, f)
	if err := f.root.WriteFile(manifestName, nil, 0o600); err != nil { // The manifest can then not be added.
		t.Fatal(err)
	}
	if err := b.commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want that the manifest exists", err)
	}
	f.abort()
	if left, err := filepath.Glob(dir + "*"); err != nil || len(left) > 0 {
		t.Errorf("%q are left, %v", left, err)
	}
}

// TestBackupsToOneFolder checks that a backup that begins at any moment of another one to the same folder does not harm it.
func TestBackupsToOneFolder(t *testing.T) {
	t.Parallel()
	for range 20 {
		dir := filepath.Join(t.TempDir(), "new", "backup")
		f, err := createFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		b := write(t, f)
		if _, err := createFolder(dir); err == nil || !strings.Contains(err.Error(), "another backup is being written") {
			t.Fatalf("got %v, want that another backup is being written", err)
		}
		refused := make(chan error, 1)
		go func() {
			for {
				second, err := createFolder(dir)
				if err == nil {
					second.abort()
				}
				if err == nil || strings.Contains(err.Error(), "is not empty: choose a new folder") {
					refused <- err
					return
				}
			}
		}()
		if err := b.commit(); err != nil {
			t.Error(err)
		}
		if err := waittest.Receive(t, refused, "the refusal"); err == nil {
			t.Error("two backups were written to one folder")
		}
		if m, err := read(folderInput{dir}, &progress{}, func(_ entry, r io.Reader) error { return nil }); err != nil || len(m.Files) != 1 {
			t.Fatalf("the backup was harmed: %+v, %v", m, err)
		}
		if left, err := filepath.Glob(dir + "*"); err != nil || len(left) != 1 {
			t.Fatalf("%q are left, %v", left, err)
		}
	}
}

func TestStrayFilesBetweenRecordings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"film/r-1/index.jsonl", "film/note.txt", "film/.r-2/index.jsonl", "note.txt", "lost+found/1/index.jsonl", "plain"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, whole := range []bool{false, true} {
		var got []string
		c := copier{func(e entry, _ io.Reader) error {
			got = append(got, e.path)
			return checkPath(e.path)
		}}
		want := []string{"recordings-index/film/r-1/index.jsonl"}
		if whole {
			want = []string{"recordings/film/r-1/index.jsonl"}
		}
		if err := c.recordings(dir, whole); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}
