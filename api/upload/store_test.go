package upload_test

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color/palette"
	imagegif "image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
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

// gif returns a GIF with one pixel and size bytes.
func gif(size int) io.Reader {
	const header = "GIF89a\x01\x00\x01\x00\x00\x00\x00"
	return strings.NewReader(header + strings.Repeat("x", size-len(header)))
}

func TestQuota(t *testing.T) {
	t.Parallel()
	const size = 600 << 10
	c := upload.Config{Folder: t.TempDir(), MaxBytes: 1 << 20, Quota: 2 * size}
	s := open(t, c)
	first, err := s.Save(gif(size))
	if err != nil || first.Bytes != size || s.Bytes() != size {
		t.Fatalf("%d bytes, %v; %d in all", first.Bytes, err, s.Bytes())
	}
	for range 3 { // a refused upload leaves nothing behind
		if _, err := s.Save(gif(size + 1)); !errors.Is(err, upload.ErrFull) {
			t.Fatalf("above the quota: %v", err)
		}
		if _, err := s.Save(gif(1<<20 + 1)); !errors.Is(err, upload.ErrFull) && !errors.Is(err, upload.ErrTooLarge) {
			t.Fatalf("too large: %v", err)
		}
		if _, err := s.Save(io.MultiReader(gif(1000), broken{})); !errors.Is(err, errBroken) {
			t.Fatalf("interrupted: %v", err)
		}
	}
	if files, _ := s.Files(); len(files) != 1 || s.Bytes() != size {
		t.Fatalf("%d files with %d bytes are left", len(files), s.Bytes())
	}
	if again := open(t, c); again.Bytes() != size {
		t.Errorf("%d bytes are counted after a restart", again.Bytes())
	}
	if deleted, err := s.Remove(first.Name); !deleted || err != nil || s.Bytes() != 0 {
		t.Errorf("%v, %v, %d bytes are counted after the deletion", deleted, err, s.Bytes())
	}
	if deleted, err := s.Remove(first.Name); deleted || err != nil {
		t.Errorf("a second deletion: %v, %v", deleted, err)
	}
}

func TestReserve(t *testing.T) {
	t.Parallel()
	s := open(t, upload.Config{Folder: t.TempDir(), MaxBytes: 1 << 20, Settings: disk.Settings{DiskReserve: 1 << 60}})
	if _, err := s.Save(gif(1000)); !errors.Is(err, upload.ErrFull) || !errors.Is(err, disk.ErrFull) {
		t.Fatalf("got %v", err)
	}
}

// TestFullDisk uploads to a disk that is full, and again when there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("UPLOAD_TO_A_FULL_DISK")
	if dir == "" {
		script := `mount -t tmpfs -o size=256k none "$UPLOAD_TO_A_FULL_DISK" || exit 42; exec "$0" -test.run '^TestFullDisk$'`
		cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, os.Args[0])
		cmd.Env = append(os.Environ(), "UPLOAD_TO_A_FULL_DISK="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(string(out), "FAIL") {
			t.Skipf("cannot mount a file system here: %v, %s", err, out)
		}
		if err != nil {
			t.Errorf("%s", out)
		}
		return
	}
	s := open(t, upload.Config{Folder: dir, MaxBytes: 1 << 20})
	first, err := s.Save(gif(100 << 10))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Save(gif(200 << 10)); !errors.Is(err, upload.ErrFull) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("on a full disk: %v", err)
		}
	}
	if files, err := s.Files(); len(files) != 1 || err != nil || s.Bytes() != first.Bytes {
		t.Errorf("%d files with %d bytes are left, %v", len(files), s.Bytes(), err)
	}
	if _, err := s.Remove(first.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(gif(200 << 10)); err != nil {
		t.Errorf("when there is room: %v", err)
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
	open(t, upload.Config{Folder: dir, MaxBytes: 1000}) // the first start creates the marker
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

// TestSweeps checks that the whole folder is compared at the start and every hour. Other sweeps must ask only for the
// uploads that were deleted since the last one.
func TestSweeps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, upload.Config{Folder: dir, MaxBytes: 1000})
	var names []string
	for range 3 {
		saved, err := s.Save(gif(100))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, saved.Name)
	}
	now := time.Now()
	type deletion struct {
		name string
		at   time.Time
	}
	var deleted []deletion
	compared, searched := 0, 0
	var failure error
	c := upload.Cleaner{Store: s, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Interval: time.Millisecond,
		Find: func(_ context.Context, requested []string) (map[string]upload.Status, error) {
			compared += len(requested)
			known := make(map[string]upload.Status)
			for _, name := range requested {
				known[name] = upload.Kept
			}
			for _, d := range deleted {
				known[d.name] = upload.Deleted
			}
			return known, nil
		},
		Deleted: func(_ context.Context, since time.Time) (found []string, _ error) {
			searched++
			for _, d := range deleted {
				if !d.at.Before(since) {
					found = append(found, d.name)
				}
			}
			return found, failure
		}}
	for _, step := range []struct {
		name                                    string
		after                                   time.Duration
		deleted                                 string
		failure                                 error
		wantRemoved, wantCompared, wantSearched int
	}{
		{name: "the first sweep", wantCompared: 3},
		{name: "nothing new", after: time.Minute, wantSearched: 1},
		{name: "one upload was deleted", after: time.Minute, deleted: names[0], wantRemoved: 1, wantSearched: 1},
		{name: "its file is gone", after: time.Minute, wantSearched: 1},
		{name: "the log cannot be read", after: time.Minute, deleted: names[1], failure: errBroken, wantSearched: 1},
		{name: "the log can be read again, half an hour later", after: 30 * time.Minute, wantRemoved: 1, wantSearched: 1},
		{name: "an hour after the first sweep", after: 26 * time.Minute, deleted: names[2], wantRemoved: 1, wantCompared: 1},
		{name: "after that", after: time.Minute, wantSearched: 1},
	} {
		now = now.Add(step.after)
		if failure = step.failure; step.deleted != "" {
			deleted = append(deleted, deletion{step.deleted, now.Add(-time.Second)})
		}
		compared, searched = 0, 0
		removed, err := c.Sweep(t.Context())
		if removed != step.wantRemoved || compared != step.wantCompared || searched != step.wantSearched || !errors.Is(err, step.failure) {
			t.Errorf("%s: %d files are deleted, %d are looked up, %d searches, %v; want %d, %d, %d, %v", step.name,
				removed, compared, searched, err, step.wantRemoved, step.wantCompared, step.wantSearched, step.failure)
		}
	}
}

// TestOneFileCannotBeDeleted checks that a file that cannot be deleted does not keep the files of other deleted uploads.
func TestOneFileCannotBeDeleted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, upload.Config{Folder: dir, MaxBytes: 1000})
	save := func() string {
		t.Helper()
		saved, err := s.Save(gif(100))
		if err != nil {
			t.Fatal(err)
		}
		return saved.Name
	}
	// block puts a folder with a file in the place of an upload.
	block := func(name string) {
		t.Helper()
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, name, "full"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	var deleted []string
	compared := 0
	c := upload.Cleaner{Store: s, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Interval: time.Millisecond,
		Find: func(_ context.Context, names []string) (map[string]upload.Status, error) {
			compared++
			block(names[0]) // the file is already in the list of files
			known := make(map[string]upload.Status)
			for _, name := range names {
				known[name] = upload.Deleted
			}
			return known, nil
		},
		Deleted: func(context.Context, time.Time) ([]string, error) { return deleted, nil }}
	for range 3 {
		save()
	}
	if n, err := c.Sweep(t.Context()); n != 2 || err == nil || s.Bytes() != 100 {
		t.Errorf("the comparison deletes %d files, %v, %d bytes are left; want 2 files, an error, 100 bytes", n, err, s.Bytes())
	}
	deleted = []string{save(), save(), save()}
	block(deleted[0])
	if n, err := c.Sweep(t.Context()); n != 2 || err == nil || compared != 1 {
		t.Errorf("the sweep deletes %d files, %v, after %d comparisons; want 2 files, an error, 1 comparison", n, err, compared)
	}
	if err := os.Remove(filepath.Join(dir, deleted[0], "full")); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Sweep(t.Context()); n != 1 || err != nil || compared != 1 {
		t.Errorf("the next sweep deletes %d files, %v, after %d comparisons; want 1 file after 1 comparison", n, err, compared)
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	s := open(t, upload.Config{Folder: t.TempDir(), MaxBytes: 1 << 20})
	encoded := func(encode func(io.Writer, image.Image) error, width, height int) string {
		t.Helper()
		var b strings.Builder
		if err := encode(&b, image.NewPaletted(image.Rect(0, 0, width, height), palette.Plan9)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	asJPEG := func(w io.Writer, i image.Image) error { return jpeg.Encode(w, i, nil) }
	asGIF := func(w io.Writer, i image.Image) error { return imagegif.Encode(w, i, nil) }
	// header returns the first bytes of a PNG that is width pixels wide and height pixels high.
	header := func(width, height uint32) string {
		chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
		chunk = append(binary.BigEndian.AppendUint32(chunk, height), 8, 0, 0, 0, 0)
		return "\x89PNG\r\n\x1a\n\x00\x00\x00\x0d" + string(binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk)))
	}
	const webp = "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
	exif := encoded(asJPEG, 40, 30) // with 60 KiB of metadata before the size
	exif = exif[:2] + "\xff\xe1\xf0\x00" + strings.Repeat("x", 0xf000-2) + exif[2:]
	for _, tt := range []struct {
		name, content string
		want          error
	}{
		{"a PNG", encoded(png.Encode, 40, 30), nil},
		{"a JPEG", encoded(asJPEG, 40, 30), nil},
		{"a JPEG with metadata", exif, nil},
		{"a GIF", encoded(asGIF, 40, 30), nil},
		{"a WebP", webp, nil},
		{"the signature of a PNG", "\x89PNG\r\n\x1a\n", upload.ErrDamaged},
		{"half a header of a PNG", encoded(png.Encode, 40, 30)[:20], upload.ErrDamaged},
		{"a PNG whose header is damaged", strings.Replace(header(40, 30), "\x28", "\x29", 1), upload.ErrDamaged},
		{"the signature of a JPEG", "\xff\xd8\xff", upload.ErrDamaged},
		{"a JPEG that ends in its metadata", exif[:1000], upload.ErrDamaged},
		{"the signature of a GIF", "GIF89a", upload.ErrDamaged},
		{"a GIF without width", "GIF89a\x00\x00\x01\x00\x00\x00\x00", upload.ErrDamaged},
		{"the signature of a WebP", webp[:16], upload.ErrDamaged},
		{"as many pixels as allowed", header(8000, 8000), nil},
		{"one row more", header(8000, 8001), upload.ErrTooManyPixels},
		{"a side as long as allowed", header(16384, 1), nil},
		{"a side that is longer", header(1, 16385), upload.ErrTooManyPixels},
		{"a side of a million", header(1<<20, 1<<20), upload.ErrTooManyPixels},
		{"a GIF of the largest size", "GIF89a\xff\xff\xff\xff\x00\x00\x00", upload.ErrTooManyPixels},
	} {
		before := s.Bytes()
		saved, err := s.Save(strings.NewReader(tt.content))
		if !errors.Is(err, tt.want) || (err == nil) != (saved.Name != "" && s.Bytes() > before) {
			t.Errorf("%s: %q, %v, %d bytes; want %v", tt.name, saved.Name, err, s.Bytes()-before, tt.want)
		}
	}
	files, err := s.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".part") {
			t.Errorf("a refused image is left: %s", f.Name())
		}
	}
}
