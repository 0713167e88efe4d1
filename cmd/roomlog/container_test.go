package main_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/pooler"
)

// anyUser is a uid without an entry in /etc/passwd, as container platforms choose one.
const anyUser = 54321

// inContainer starts a server as a container platform would: as anyUser, with nothing in the environment but env, and after the
// commands of setup in a mount namespace of its own. It returns when the server has ended or prints until.
func inContainer(t *testing.T, until, setup string, env []string, args ...string) (output string, code int) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can start a process as another user")
	}
	dir := dataDir(t)
	binary := filepath.Join(dir, "roomlog") // the folder of the built program excludes other users
	copied, err := os.ReadFile(program(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, copied, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	args = append([]string{binary, "serve", "--log-format=text", "--http-addr=127.0.0.1:0", "--rtmp-addr=127.0.0.1:0", "--flv-addr=127.0.0.1:0"}, args...)
	script := "set -e; mount --make-rprivate /; " + setup + `exec setpriv --reuid 54321 --regid 54321 --clear-groups env -i "$@"`
	cmd := exec.CommandContext(ctx, "unshare", slices.Concat([]string{"--mount", "sh", "-c", script, "sh", "GORACE=" + os.Getenv("GORACE")}, env, args)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	out := &stopWriter{until: until, stop: cancel}
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	if strings.Contains(out.String(), "unshare failed") || strings.Contains(out.String(), "mount: ") {
		t.Skipf("this machine permits no mount namespaces: %s", out.String())
	}
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// stopWriter is a buffer that calls stop when it contains until. exec calls Write from one goroutine, because standard output and
// error are the same writer.
type stopWriter struct {
	written bytes.Buffer // not embedded: its ReadFrom would bypass Write
	until   string
	stop    func()
}

func (w *stopWriter) String() string { return w.written.String() }

func (w *stopWriter) Write(p []byte) (int, error) {
	n, err := w.written.Write(p)
	if w.until != "" && strings.Contains(w.String(), w.until) {
		w.stop()
	}
	return n, err
}

func TestContainers(t *testing.T) {
	t.Parallel()
	const (
		readOnly    = "mount -o remount,bind,ro /; "
		noShm       = "mount -o ro,remount,bind /dev/shm; "
		hideWrapper = "for f in /usr/lib/*/libnss_wrapper.so /usr/lib64/libnss_wrapper.so; do if [ -e $f ]; then mount --bind /dev/null $f; fi; done; "
		path        = "PATH=/usr/local/bin:/usr/bin:/bin"
		listens     = "msg=listening address="
	)
	tests := map[string]struct {
		setup, until string
		env          []string
		data         bool // whether the data folder belongs to the user
		want         []string
		absent       string
	}{
		"a database, secrets and nothing else": {
			env: sharedSecrets, until: listens, want: []string{listens, "data folder cannot be written, uploads and recordings are off"}},
		"a read-only root with a tmpfs": {
			setup: readOnly, env: append([]string{"HOME=/nowhere", "TMPDIR=/dev/shm"}, sharedSecrets...), until: listens,
			want: []string{listens, "data folder cannot be written"}},
		"a read-only root and nothing that can be written": {
			setup: readOnly + noShm, env: append([]string{"HOME=/nowhere"}, sharedSecrets...),
			want: []string{"roomlog: neither the data folder nor a temporary folder can be written", "mount a volume and name it with --data (ROOMLOG_DATA), or mount a tmpfs at /tmp"}},
		"a folder for uploads": {
			env: sharedSecrets, data: true, until: listens, want: []string{listens}, absent: "cannot be written"},
		"no secrets and no folder": {
			want: []string{"choose a data folder with --data (ROOMLOG_DATA): HOME is not set"}},
		"no secrets and a folder that cannot be written": {
			env: []string{"HOME=/proc"}, want: []string{"Set ROOMLOG_JWT_SECRET (or ROOMLOG_JWT_SECRET_FILE), or choose a data folder that can be written (--data)"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := append([]string{path, "DATABASE_URL=" + pooler.Start(t, pgtest.Blank(t), pooler.Session)}, tt.env...)
			if tt.data {
				env = append(env, "ROOMLOG_DATA="+ownedDir(t))
			}
			out, code := inContainer(t, tt.until, tt.setup, env)
			checkContainer(t, out, code, tt.until != "", tt.want...)
			if tt.absent != "" && strings.Contains(out, tt.absent) {
				t.Errorf("%q in:\n%s", tt.absent, out)
			}
		})
	}
	t.Run("neither PostgreSQL nor npm", func(t *testing.T) {
		t.Parallel()
		hide := "if [ -d /usr/lib/postgresql ]; then mount -t tmpfs none /usr/lib/postgresql; fi; "
		out, code := inContainer(t, "", hide, []string{"PATH=/nowhere", "ROOMLOG_DATA=" + ownedDir(t)})
		checkContainer(t, out, code, false, "no PostgreSQL found: install it (")
	})
	t.Run("a private PostgreSQL of a user without a name", func(t *testing.T) {
		t.Parallel()
		needWrapper(t)
		out, code := inContainer(t, listens, "", []string{path, "ROOMLOG_DATA=" + ownedDir(t)})
		checkContainer(t, out, code, true, "PostgreSQL data directory created", listens)
	})
	t.Run("a private PostgreSQL of a user without a name, and no way to give it one", func(t *testing.T) {
		t.Parallel()
		out, code := inContainer(t, "", hideWrapper, []string{path, "ROOMLOG_DATA=" + ownedDir(t)})
		checkContainer(t, out, code, false, "uid 54321: the user of this process has no entry in /etc/passwd, which initdb needs: install libnss-wrapper")
	})
}

func checkContainer(t *testing.T, out string, code int, runs bool, want ...string) {
	t.Helper()
	if (code == 0) != runs {
		t.Errorf("exit code %d", code)
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("want %q in:\n%s", w, out)
		}
	}
}

// ownedDir returns a folder that belongs to anyUser.
func ownedDir(t *testing.T) string {
	t.Helper()
	dir := dataDir(t)
	if os.Getuid() == 0 {
		if err := os.Chown(dir, anyUser, anyUser); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// needWrapper fails the test if nss_wrapper is not installed, unless ROOMLOG_SKIP leaves it out.
func needWrapper(t *testing.T) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("ROOMLOG_SKIP"), ","), "nss-wrapper") {
		t.Skip("nss-wrapper is left out by ROOMLOG_SKIP")
	}
	for _, pattern := range []string{"/usr/lib*/libnss_wrapper.so", "/usr/lib/*/libnss_wrapper.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return
		}
	}
	t.Fatal("libnss_wrapper.so is missing; install it with `make deps`, or leave it out with ROOMLOG_SKIP=nss-wrapper")
}

// TestServerWithoutAFolderRefusesUploads checks that a server without a folder refuses uploads instead of losing them.
func TestServerWithoutAFolderRefusesUploads(t *testing.T) {
	t.Parallel()
	at := serve(t, withDatabase(t), "--data", "/proc/roomlog")
	anna := join(t, at, "anna")
	if address, code := anna.upload(1000); code != "storage_full" {
		t.Errorf("an upload is answered %s, %s", address, code)
	}
}
