package localpg_test

import (
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"roomlog/eventstore/localpg"
	"roomlog/eventstore/pgtest"
)

func TestStart_in_a_folder_with_a_long_name(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(pgtest.Dir(t), strings.Repeat("very", 25), "it's a \"folder\" & more") // a path that also needs quoting in a connection string
	server := start(t, localpg.Config{DataDir: dir, Unsafe: true})
	t.Cleanup(func() { _ = os.RemoveAll(server.SocketDir()) })
	if path := filepath.Join(server.SocketDir(), ".s.PGSQL.5432"); len(path) > 100 {
		t.Errorf("the socket's path has %d bytes: %s", len(path), path)
	}
	dsn, err := localpg.Attach(dir)
	if err != nil {
		t.Fatal(err)
	}
	if query[int](t, dsn, "SELECT 1") != 1 {
		t.Error("the server cannot be queried")
	}
}

// TestStart_refuses_the_socket_folder_of_another_user checks a socket folder in /tmp that another user has created
// first.
func TestStart_refuses_the_socket_folder_of_another_user(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(run string) error{
		"open to others": func(run string) error { return os.Mkdir(run, 0o777) },
		"a link":         func(run string) error { return os.Symlink(t.TempDir(), run) },
		"a file":         func(run string) error { return os.WriteFile(run, nil, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := pgtest.Dir(t)
			if err := prepare(filepath.Join(dir, "run")); err != nil {
				t.Fatal(err)
			}
			if _, err := localpg.Start(t.Context(), localpg.Config{DataDir: dir, Unsafe: true}); err == nil || !strings.Contains(err.Error(), "mode 0700") {
				t.Fatal(err)
			}
		})
	}
}

func TestStart_as_root(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("this is not root")
	}
	t.Parallel()
	t.Run("names the folder that PostgreSQL may not enter", func(t *testing.T) {
		shut := pgtest.Dir(t)
		if err := os.Chmod(shut, 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := localpg.Start(t.Context(), localpg.Config{DataDir: filepath.Join(shut, "data"), Unsafe: true})
		if err == nil || !strings.Contains(err.Error(), "may not enter "+shut+":") {
			t.Fatal(err)
		}
		if info, err := os.Stat(shut); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("a folder that is not ours was opened: %v %v", info.Mode(), err)
		}
	})
	t.Run("permits PostgreSQL to enter the data folder, but not to list it", func(t *testing.T) {
		dir := used(t)
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		secret := filepath.Join(dir, "secret")
		if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		start(t, localpg.Config{DataDir: dir, Unsafe: true})
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o711 {
			t.Errorf("got %v %v", info.Mode(), err)
		}
		if info, err := os.Stat(secret); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("got %v %v", info.Mode(), err)
		}
	})
	t.Run("works under a tight umask", func(t *testing.T) {
		dir := filepath.Join(pgtest.Dir(t), "data")
		o := startOwner(t, "/bin/sh", dir, nil, "-c", "umask 077; exec "+executable(t))
		o.acknowledged(t, 1)
	})
}

// TestStart_as_another_user runs the program as an unprivileged user, as recommended.
func TestStart_as_another_user(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can run PostgreSQL as another user")
	}
	t.Parallel()
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("this system has no user nobody")
	}
	uid, err1 := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(nobody.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	dir := filepath.Join(pgtest.Dir(t), "nobody")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	exe := copyExecutable(t)
	o := startOwner(t, exe, dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}})
	o.acknowledged(t, 10)
	info, err := os.Stat(filepath.Join(dir, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != uint32(uid) || info.Mode().Perm() != 0o700 {
		t.Errorf("the data directory is %v of user %v", info.Mode(), st.Uid)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder was opened: %v %v", info.Mode(), err)
	}
}

// copyExecutable copies the test binary to a folder in which every user can run it.
func copyExecutable(t *testing.T) string {
	t.Helper()
	from, err := os.Open(executable(t))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(pgtest.Dir(t), "roomlog.test")
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultDir(t *testing.T) {
	t.Parallel()
	env := func(vars map[string]string) func(string) string {
		return func(name string) string { return vars[name] }
	}
	if os.Getuid() == 0 {
		if dir, err := localpg.DefaultDir(env(map[string]string{"HOME": "/root"})); err != nil || dir != "/var/lib/roomlog" {
			t.Error(dir, err)
		}
		return
	}
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"HOME": "/home/a"}, "/home/a/.local/state/roomlog"},
		{map[string]string{"HOME": "/home/a", "XDG_STATE_HOME": "/state"}, "/state/roomlog"},
		{map[string]string{"HOME": "/home/a", "XDG_STATE_HOME": "not/absolute"}, "/home/a/.local/state/roomlog"},
	} {
		if dir, err := localpg.DefaultDir(env(c.env)); err != nil || dir != c.want {
			t.Error(dir, err, c.want)
		}
	}
	if dir, err := localpg.DefaultDir(env(nil)); err == nil {
		t.Error(dir)
	}
}
