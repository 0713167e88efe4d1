package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/pgtest"
)

// anyTime is the time of the files of the data folders in these tests.
var anyTime = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// dataFiles are the files of a data folder: those that a backup contains, and some that it does not.
var dataFiles = map[string]string{
	"uploads/.since": "",
	"uploads/0123456789abcdef0123456789abcdef.gif":    "GIF89a and more",
	"uploads/0123456789abcdef0123456789abcdef.x.part": "half of an up",
	"recordings/.lock":                "",
	"recordings/film/r-1/index.jsonl": `{"kind":"recording"}`,
	"recordings/film/r-1/1.mp4":       strings.Repeat("film", 1000),
	"secrets/jwt":                     "a-secret-of-these-tests",
	"secrets/.new-1":                  "half of a secret",
	"tlog/checkpoint":                 "newer than the backup",
}

// original is a database with some events, and a data folder.
type original struct{ dsn, data string }

func newOriginal(t *testing.T) original {
	t.Helper()
	o := original{pgtest.Blank(t), t.TempDir()}
	for name, content := range dataFiles {
		path := filepath.Join(o.data, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o640), os.Chtimes(path, anyTime, anyTime)); err != nil {
			t.Fatal(err)
		}
	}
	o.roomlog(t, "migrate")
	if err := register(o.dsn, []string{"anna", "bert"}); err != nil {
		t.Fatal(err)
	}
	o.roomlog(t, "coins", "credit", "--user", "1", "--amount", "100", "--order", "O1")
	o.query(t, "INSERT INTO gift_delivery VALUES (4, '00000000-0000-4000-8000-000000000004', '2026-03-04 05:06:07Z', 9, 7, 2, 1)")
	o.query(t, "INSERT INTO live_delivery VALUES (6, 3, 29, 27, 4, 3)")
	return o
}

// query executes a statement and returns the rows of its result as lines.
func (o original) query(t *testing.T, statement string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), o.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// hasDeliveries checks that a database has the deliveries of gifts of the original, which no log contains.
func (o original) hasDeliveries(t *testing.T) {
	t.Helper()
	const query = "SELECT concat(g.event_id, ' ', g.sent_at = '2026-03-04 05:06:07Z', ' ', (to_jsonb(g) - 'event_id' - 'sent_at')::text, ' ', to_jsonb(l)::text) FROM gift_delivery g, live_delivery l"
	const want = `00000000-0000-4000-8000-000000000004 t {"sent": 9, "position": 4, "acknowledged": 7, "streamer_sent": 2, "streamer_acknowledged": 1} ` +
		`{"sent": 29, "gifts": 3, "live_id": 6, "acknowledged": 27, "streamer_sent": 4, "streamer_acknowledged": 3}`
	if got := o.query(t, query); got != want {
		t.Errorf("got the deliveries %s, want %s", got, want)
	}
}

func (o original) env() map[string]string {
	return map[string]string{"DATABASE_URL": o.dsn, "ROOMLOG_DATA": o.data, "PATH": os.Getenv("PATH")}
}

// roomlog runs a command that must succeed, and returns the standard output.
func (o original) roomlog(t *testing.T, args ...string) string {
	t.Helper()
	got := runIn(t.Context(), o.env(), args...)
	if got.code != exitOK {
		t.Fatalf("roomlog %s: %d\n%s", strings.Join(args, " "), got.code, got.stderr)
	}
	return got.stdout
}

// copyOf returns an empty database and an empty data folder.
func copyOf(t *testing.T) original {
	return original{pgtest.Blank(t), filepath.Join(t.TempDir(), "data")}
}

// restore runs "roomlog restore" with a stream on standard input.
func (o original) restore(ctx context.Context, stdin io.Reader, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(ctx, append([]string{"restore"}, args...), cli.Shell{Stdin: stdin, Stdout: &stdout, Stderr: &stderr, Environ: environ(o.env()), Now: time.Now, Execute: run})
	return result{code, stdout.String(), stderr.String()}
}

// tree returns the content of the files below dir.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		content, err := os.ReadFile(path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

// untouched checks that a database and a data folder are still empty.
func (o original) untouched(t *testing.T) {
	t.Helper()
	if files := tree(t, o.data); len(files) > 0 {
		t.Errorf("the data folder contains %v", slices.Sorted(maps.Keys(files)))
	}
	if got := runIn(t.Context(), o.env(), "verify"); !strings.Contains(got.stderr, "has no tables of roomlog") {
		t.Errorf("the database is not empty: %s%s", got.stdout, got.stderr)
	}
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	o := newOriginal(t)
	dir := filepath.Join(t.TempDir(), "backup")
	o.roomlog(t, "backup", "--with-secrets", "--with-recordings", dir)
	stream := o.roomlog(t, "backup", "-")
	// What happens after the backup is not in it.
	o.roomlog(t, "coins", "credit", "--user", "2", "--amount", "7", "--order", "O2")
	if left, _ := filepath.Glob(dir + "*"); len(left) != 1 {
		t.Errorf("%q are left", left)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the backup can be read by others: %v, %v", info.Mode(), err)
	}

	t.Run("is checked", func(t *testing.T) {
		if got := o.restore(t.Context(), nil, "--check", dir); got.code != exitOK || !strings.HasPrefix(got.stdout, "ok: log ") || !strings.Contains(got.stdout, "up to position 7 ") {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a folder with everything is restored", func(t *testing.T) {
		t.Parallel()
		c := copyOf(t)
		got := c.restore(t.Context(), nil, "--recordings", filepath.Join(c.data, "recordings"), dir)
		if got.code != exitOK || !strings.Contains(got.stdout, "\nrestored: log ") || !strings.HasPrefix(got.stdout, "ok: 7 events up to position 7, ") {
			t.Fatalf("%+v", got)
		}
		want := map[string]string{}
		for _, name := range []string{"uploads/.since", "uploads/0123456789abcdef0123456789abcdef.gif", "recordings/film/r-1/index.jsonl", "recordings/film/r-1/1.mp4", "secrets/jwt"} {
			want[name] = dataFiles[name]
		}
		if files := tree(t, c.data); !maps.Equal(files, want) {
			t.Errorf("the data folder contains %q", files)
		}
		info, err := os.Stat(filepath.Join(c.data, "secrets/jwt"))
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("a secret has mode %v, %v", info.Mode(), err)
		}
		if info, err = os.Stat(filepath.Join(c.data, "uploads/.since")); err != nil || !info.ModTime().Equal(anyTime) {
			t.Errorf("an upload has time %v, %v", info.ModTime(), err)
		}
		if list := c.roomlog(t, "user", "list"); !strings.Contains(list, "anna") || strings.Contains(list, " 7 ") {
			t.Errorf("%s", list)
		}
		c.hasDeliveries(t)
		// A second restore is refused, and changes nothing.
		if got := c.restore(t.Context(), nil, dir); got.code != exitFailed || !strings.Contains(got.stderr, "the database is not empty: ") {
			t.Errorf("%+v", got)
		}
		if files := tree(t, c.data); !maps.Equal(files, want) {
			t.Errorf("the data folder contains %q", files)
		}
		c.roomlog(t, "coins", "credit", "--user", "1", "--amount", "1", "--order", "O3")
		c.roomlog(t, "verify")
	})
	t.Run("a stream without secrets and recordings is restored", func(t *testing.T) {
		t.Parallel()
		c := copyOf(t)
		if got := c.restore(t.Context(), strings.NewReader(stream), "-"); got.code != exitOK {
			t.Fatalf("%+v", got)
		}
		names := slices.Sorted(maps.Keys(tree(t, c.data)))
		if want := []string{"recordings-index/film/r-1/index.jsonl", "uploads/.since", "uploads/0123456789abcdef0123456789abcdef.gif"}; !slices.Equal(names, want) {
			t.Errorf("the data folder contains %q", names)
		}
		c.hasDeliveries(t)
	})
	t.Run("a folder that is not empty is refused", func(t *testing.T) {
		t.Parallel()
		c := copyOf(t)
		upload := filepath.Join(c.data, "uploads", "mine.gif")
		if err := errors.Join(os.MkdirAll(filepath.Dir(upload), 0o700), os.WriteFile(upload, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		if got := c.restore(t.Context(), nil, dir); got.code != exitFailed || !strings.Contains(got.stderr, "uploads is not empty: restore into a new data folder") {
			t.Errorf("%+v", got)
		}
		if files := tree(t, c.data); len(files) != 1 {
			t.Errorf("the data folder contains %q", files)
		}
		if got := c.restore(t.Context(), nil, "--check", c.data); got.code != exitFailed || !strings.Contains(got.stderr, "is no complete backup") {
			t.Errorf("%+v", got)
		}
		if got := runIn(t.Context(), o.env(), "backup", c.data); got.code != exitFailed || !strings.Contains(got.stderr, "is not empty: choose a new folder") {
			t.Errorf("%+v", got)
		}
	})
	t.Run("secrets are not overwritten", func(t *testing.T) {
		t.Parallel()
		c := copyOf(t)
		secret := filepath.Join(c.data, "secrets", "jwt")
		if err := errors.Join(os.MkdirAll(filepath.Dir(secret), 0o700), os.WriteFile(secret, []byte("mine"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if got := c.restore(t.Context(), nil, dir); got.code != exitFailed || !strings.Contains(got.stderr, "secrets is not empty") {
			t.Errorf("%+v", got)
		}
		if files := tree(t, c.data); !maps.Equal(files, map[string]string{"secrets/jwt": "mine"}) {
			t.Errorf("the data folder contains %q", files)
		}
	})
	t.Run("recordings are not restored where servers do not look for them", func(t *testing.T) {
		t.Parallel()
		c := copyOf(t)
		got := c.restore(t.Context(), nil, "--recordings", t.TempDir(), dir)
		if got.code != exitFailed || !strings.Contains(got.stderr, "the backup contains recordings, which are restored into "+filepath.Join(c.data, "recordings")) {
			t.Errorf("%+v", got)
		}
		c.untouched(t)
	})
	t.Run("a damaged backup is refused and leaves nothing", func(t *testing.T) {
		t.Parallel()
		c := copyOf(t)
		for name, damaged := range damage(t, stream) {
			got := c.restore(t.Context(), bytes.NewReader(damaged), "-")
			if got.code != exitFailed || got.stdout != "" {
				t.Errorf("%s: %+v", name, got)
			}
			c.untouched(t)
		}
	})
	t.Run("a backup of a newer roomlog is refused", func(t *testing.T) {
		t.Parallel()
		c := copyOf(t)
		newer := retar(t, stream, func(h *tar.Header, content []byte) []byte {
			if h.Name == "manifest.json" {
				return bytes.Replace(content, []byte(`"migration": `), []byte(`"migration": 9`), 1)
			}
			return content
		})
		if got := c.restore(t.Context(), bytes.NewReader(newer), "-"); got.code != exitFailed || !strings.Contains(got.stderr, "the database is newer than this roomlog: the backup is of migration 9") {
			t.Errorf("%+v", got)
		}
		c.untouched(t)
	})
}

// damage returns damaged versions of a backup, by what is wrong with them.
func damage(t *testing.T, stream string) map[string][]byte {
	t.Helper()
	damaged := map[string][]byte{
		"nothing":      nil,
		"no tar":       []byte(strings.Repeat("x", 2000)),
		"a cut stream": []byte(stream[:len(stream)/2]),
	}
	flip := func(name string) {
		damaged["a changed byte in "+name] = retar(t, stream, func(h *tar.Header, content []byte) []byte {
			if h.Name == name {
				content[len(content)/2] ^= 1
			}
			return content
		})
	}
	rename := func(what, name, to string) {
		damaged[what] = retar(t, stream, func(h *tar.Header, content []byte) []byte {
			if h.Name == name {
				h.Name = to
			}
			return content
		})
	}
	flip("database/000001")
	flip("uploads/0123456789abcdef0123456789abcdef.gif")
	rename("no manifest", "manifest.json", "uploads/manifest.json")
	rename("a path outside", "uploads/.since", "uploads/../../evil")
	rename("an absolute path", "uploads/.since", "/tmp/evil")
	rename("an unknown folder", "uploads/.since", "postgres/base/1/2")
	rename("a file that the manifest does not name", "uploads/.since", "uploads/other")
	damaged["a missing file"] = retar(t, stream, func(h *tar.Header, content []byte) []byte {
		if h.Name == "uploads/.since" {
			h.Name = ""
		}
		return content
	})
	damaged["a link"] = retar(t, stream, func(h *tar.Header, content []byte) []byte {
		if h.Name == "uploads/.since" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, "/etc/passwd"
		}
		return content
	})
	return damaged
}

// retar writes a tar stream again, with changes. A file whose name becomes empty is left out.
func retar(t *testing.T, stream string, change func(h *tar.Header, content []byte) []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	r, w := tar.NewReader(strings.NewReader(stream)), tar.NewWriter(&out)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		content = change(h, content)
		if h.Name == "" {
			continue
		}
		h.Size, h.PAXRecords = int64(len(content)), nil
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestRestoreRefusesALogWithAFault checks that a backup of a database with a fault is restored, but that nothing starts on it until
// the operator decides so.
func TestRestoreRefusesALogWithAFault(t *testing.T) {
	t.Parallel()
	o, c := newOriginal(t), copyOf(t)
	if err := execute(o.dsn, "UPDATE read.coin SET balance = 101 WHERE account = 'user-1'"); err != nil {
		t.Fatal(err)
	}
	stream := o.roomlog(t, "backup", "-")
	got := c.restore(t.Context(), strings.NewReader(stream), "-")
	if got.code != exitFault || !strings.Contains(got.stdout, "fault: table coin: ") || !strings.Contains(got.stderr, "run the command again, or with --no-verify") {
		t.Fatalf("%+v", got)
	}
	served := runIn(t.Context(), c.env(), "serve", "--log-format=text", "--http-addr=127.0.0.1:0", "--rtmp-addr=127.0.0.1:0", "--flv-addr=127.0.0.1:0")
	if served.code != exitFailed || !strings.Contains(served.stderr, "a restore into the data folder has not ended") || !strings.Contains(served.stderr, "Run roomlog restore again") {
		t.Errorf("%+v", served)
	}
	if got = c.restore(t.Context(), strings.NewReader(stream), "--no-verify", "-"); got.code != exitOK || !strings.HasPrefix(got.stdout, "restored: ") {
		t.Fatalf("%+v", got)
	}
	c.roomlog(t, "rebuild", "--force")
	c.roomlog(t, "verify")
}

// TestBackupOfAnotherFolder names a folder of recordings that does not exist: the backup would lack all of them.
func TestBackupOfAnotherFolder(t *testing.T) {
	t.Parallel()
	o := newOriginal(t)
	missing := filepath.Join(t.TempDir(), "nothing")
	dir := filepath.Join(t.TempDir(), "backup")
	if got := runIn(t.Context(), o.env(), "backup", "--with-recordings", "--recordings", missing, dir); got.code == exitOK {
		t.Errorf("without the folder of the recordings: %s", got.stderr)
	}
}
