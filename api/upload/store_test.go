package upload_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"roomlog/api/upload"
	"roomlog/internal/disk"
)

func open(t *testing.T, c upload.Config) *upload.Store {
	t.Helper()
	s, err := upload.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func gif(size int) io.Reader { return strings.NewReader("GIF89a" + strings.Repeat("x", size-6)) }

func TestQuota(t *testing.T) {
	t.Parallel()
	const size = 600 << 10
	c := upload.Config{Folder: t.TempDir(), MaxBytes: 1 << 20, Quota: 2 * size}
	s := open(t, c)
	first, n, err := s.Save(gif(size))
	if err != nil || n != size || s.Bytes() != size {
		t.Fatalf("%d bytes, %v; %d in all", n, err, s.Bytes())
	}
	for range 3 { // a refused upload leaves nothing behind
		if _, _, err := s.Save(gif(size + 1)); !errors.Is(err, upload.ErrFull) {
			t.Fatalf("above the quota: %v", err)
		}
		if _, _, err := s.Save(gif(1<<20 + 1)); !errors.Is(err, upload.ErrFull) && !errors.Is(err, upload.ErrTooLarge) {
			t.Fatalf("too large: %v", err)
		}
		if _, _, err := s.Save(io.MultiReader(gif(1000), broken{})); !errors.Is(err, errBroken) {
			t.Fatalf("interrupted: %v", err)
		}
	}
	if files, _ := s.Files(); len(files) != 1 || s.Bytes() != size {
		t.Fatalf("%d files with %d bytes are left", len(files), s.Bytes())
	}
	if again := open(t, c); again.Bytes() != size {
		t.Errorf("%d bytes are counted after a restart", again.Bytes())
	}
	if err := s.Remove(first); err != nil || s.Bytes() != 0 {
		t.Errorf("%v, %d bytes are counted after the deletion", err, s.Bytes())
	}
	if err := s.Remove(first); err != nil {
		t.Errorf("a second deletion: %v", err)
	}
}

func TestReserve(t *testing.T) {
	t.Parallel()
	s := open(t, upload.Config{Folder: t.TempDir(), MaxBytes: 1 << 20, Settings: disk.Settings{DiskReserve: 1 << 60}})
	if _, _, err := s.Save(gif(1000)); !errors.Is(err, upload.ErrFull) || !errors.Is(err, disk.ErrFull) {
		t.Fatalf("got %v", err)
	}
}

var errBroken = errors.New("the connection is broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

func TestCleaner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now()
	file := func(letter string, suffix string, age time.Duration) string {
		name := strings.Repeat(letter, 32) + ".gif" + suffix
		if err := os.WriteFile(filepath.Join(dir, name), []byte("GIF89a"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		return name
	}
	open(t, upload.Config{Folder: dir, MaxBytes: 1000}) // creates the marker
	marker := filepath.Join(dir, ".since")
	if err := os.Chtimes(marker, time.Time{}, now.Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	kept := []string{file("a", "", 2*time.Hour), file("b", "", time.Minute), file("c", ".part", time.Minute), file("d", "", 48*time.Hour)}
	gone := []string{file("e", "", time.Minute), file("f", "", 2*time.Hour), file("0", ".part", 2*time.Hour)}
	s := open(t, upload.Config{Folder: dir, MaxBytes: 1000})
	known := map[string]upload.Status{kept[0]: upload.Kept, gone[0]: upload.Deleted}
	c := upload.Cleaner{Store: s, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Interval: time.Millisecond,
		Find: func(context.Context, []string) (map[string]upload.Status, error) { return known, nil }}
	if n, err := c.Clean(t.Context()); n != len(gone) || err != nil {
		t.Fatalf("%d files are deleted, %v", n, err)
	}
	for _, name := range kept {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s is deleted", name)
		}
	}
	for _, name := range gone {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is kept", name)
		}
	}
	t.Run("deletes nothing when the log cannot be read", func(t *testing.T) {
		c.Find = func(context.Context, []string) (map[string]upload.Status, error) { return nil, errBroken }
		file("1", "", 2*time.Hour)
		if n, err := c.Clean(t.Context()); n != 0 || !errors.Is(err, errBroken) {
			t.Fatalf("%d files are deleted, %v", n, err)
		}
	})
}
