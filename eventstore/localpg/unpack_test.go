package localpg_test

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"roomlog/eventstore/localpg"
	"roomlog/eventstore/pgtest"
)

type entry struct {
	name, text string
	mode       int64
	link       string // target of a symbolic link; "" for a file
}

// pack writes a tarball with the given entries.
func pack(t *testing.T, dir string, entries ...entry) string {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "package.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.text)), Typeflag: tar.TypeReg}
		if e.link != "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []interface{ Close() error }{w, z, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return f.Name()
}

func TestUnpack(t *testing.T) { // not parallel: the umask belongs to the whole process
	defer syscall.Umask(syscall.Umask(0o077))
	dir := pgtest.Dir(t)
	into := filepath.Join(dir, "into")
	err := localpg.Unpack(pack(t, dir,
		entry{name: "package/package.json", text: "{}", mode: 0o644},
		entry{name: "package/native/bin/postgres", text: "program", mode: 0o755},
		entry{name: "package/native/lib/libpq.so.5.17", text: "library", mode: 0o600},
		entry{name: "package/native/pg-symlinks.json", mode: 0o644,
			text: `[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"},{"source":"native/lib/libpq.so.5.17","target":"native/libpq.so"}]`},
	), dir, into)
	if err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]fs.FileMode{
		".": fs.ModeDir | 0o755, "bin": fs.ModeDir | 0o755, "bin/postgres": 0o755, "lib/libpq.so.5.17": 0o644, "lib/libpq.so.5": 0o644, "libpq.so": 0o644,
	} {
		if info, err := os.Stat(filepath.Join(into, path)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v", path, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(into, "libpq.so")); string(b) != "library" {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(into, "package.json")); err == nil {
		t.Error("more than the native part was unpacked")
	}
}

func TestUnpack_writes_nothing_outside(t *testing.T) {
	t.Parallel()
	links := func(source, target string) entry {
		return entry{name: "package/native/pg-symlinks.json", text: fmt.Sprintf(`[{"source":%q,"target":%q}]`, source, target), mode: 0o644}
	}
	many := make([]entry, localpg.MaxFiles+1)
	for i := range many {
		many[i] = entry{name: fmt.Sprintf("package/native/%d", i), mode: 0o644}
	}
	for _, c := range []struct {
		name    string
		entries []entry
	}{
		{"above", []entry{{name: "package/native/../../../evil", text: "x", mode: 0o644}}},
		{"above, from a folder", []entry{{name: "package/native/a/../../evil", text: "x", mode: 0o644}}},
		{"at the root", []entry{{name: "package/native//evil", text: "x", mode: 0o644}}},
		{"twice", []entry{{name: "package/native/a", mode: 0o644}, {name: "package/native/a", mode: 0o644}}},
		{"a link from above", []entry{links("native/a", "native/../../evil")}},
		{"a link to above", []entry{links("native/../../a", "native/evil")}},
		{"a link to the root", []entry{links("/etc/passwd", "native/evil")}},
		{"a link list that is none", []entry{{name: "package/native/pg-symlinks.json", text: "no", mode: 0o644}}},
		{"too many files", many},
		{"too many bytes", []entry{{name: "package/native/big", text: strings.Repeat("x", localpg.MaxUnpacked), mode: 0o644}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := pgtest.Dir(t)
			parent := filepath.Join(dir, "a", "b", "c")
			if err := os.MkdirAll(parent, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := localpg.Unpack(pack(t, dir, c.entries...), parent, filepath.Join(parent, "into")); err == nil {
				t.Error("it was accepted")
			}
			for _, place := range []string{dir, filepath.Dir(filepath.Dir(parent)), filepath.Dir(parent), parent} {
				found, err := filepath.Glob(filepath.Join(place, "*"))
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range found {
					if base := filepath.Base(path); base != "a" && base != "b" && base != "c" && base != "package.tgz" {
						t.Errorf("left behind: %s", path)
					}
				}
			}
		})
	}
	t.Run("a link in the tarball", func(t *testing.T) { // left out, because npm packs no links
		dir := pgtest.Dir(t)
		outside := t.TempDir()
		err := localpg.Unpack(pack(t, dir, entry{name: "package/native/a", link: outside}, entry{name: "package/native/a/evil", text: "x", mode: 0o644}), dir, filepath.Join(dir, "into"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(outside, "evil")); err == nil {
			t.Error("it was followed")
		}
	})
}
