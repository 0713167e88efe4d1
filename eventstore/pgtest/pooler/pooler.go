package pooler

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/pgtest"
	"roomlog/internal/wait"
)

// Mode is the value of pool_mode.
type Mode string

// The pool modes. They differ in when a client gives its database session back: after its connection, after each
// transaction, or after each statement.
const (
	Session     Mode = "session"
	Transaction Mode = "transaction"
	Statement   Mode = "statement"
)

const (
	longest      = 3 * time.Minute // maximum time for the pooler to start or to end
	pollInterval = 10 * time.Millisecond
	port         = "6432" // the port is only a part of the name of the socket
)

// Start starts PgBouncer in front of the database dsn and returns the address of the database behind it. The pooler ends with
// the test. settings are lines of its configuration, such as "default_pool_size = 1".
func Start(t testing.TB, dsn string, mode Mode, settings ...string) string {
	t.Helper()
	program := find(t)
	target, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatalf("pooler: %v", err)
	}
	dir := pgtest.Dir(t)
	as := credential(t)
	config := filepath.Join(dir, "pgbouncer.ini")
	database := fmt.Sprintf("* = host=%s port=%d user=%s", target.Host, target.Port, target.User)
	if target.Password != "" {
		database += " password=" + target.Password
	}
	lines := append([]string{
		"[databases]",
		database,
		"[pgbouncer]",
		"pool_mode = " + string(mode),
		"listen_port = " + port,
		"unix_socket_dir = " + dir,
		"unix_socket_mode = 0777",
		"auth_type = any",
		"logfile =",
		"default_pool_size = 60",
	}, settings...)
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatalf("pooler: %v", err)
	}
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatalf("pooler: %v", err)
		}
	}
	run(t, program, config, as)
	u := url.URL{Scheme: "postgres", User: url.User(target.User), Path: "/" + target.Database}
	u.RawQuery = url.Values{"host": {dir}, "port": {port}, "sslmode": {"disable"}}.Encode()
	await(t, u.String())
	return u.String()
}

// find returns the path of PgBouncer. It fails the test if PgBouncer is not installed.
func find(t testing.TB) string {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("ROOMLOG_SKIP"), ","), "pgbouncer") {
		t.Skip("pgbouncer is left out by ROOMLOG_SKIP")
	}
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("pgbouncer is missing; install it with `make deps`, or leave it out with ROOMLOG_SKIP=pgbouncer")
	return ""
}

// credential returns the user to run PgBouncer as, nil for the user of this process. PgBouncer refuses to run as root, and the
// test's PostgreSQL then runs as this user as well and accepts it.
func credential(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Fatal("pooler: PgBouncer does not run as root, and this system has neither a user postgres nor a user nobody")
	return nil
}

// run starts the program, and ends it with the test.
func run(t testing.TB, program, config string, as *syscall.Credential) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(program, "-q", config)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if err := cmd.Start(); err != nil {
		t.Fatalf("pooler: %v", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // SIGTERM closes all connections at once.
		select {
		case <-ended:
		case <-time.After(longest):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("output of PgBouncer:\n%s", out.String())
		}
	})
}

// await blocks until the pooler accepts connections.
func await(t testing.TB, dsn string) {
	t.Helper()
	deadline := time.Now().Add(longest)
	for {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err == nil {
			if err := conn.Close(t.Context()); err != nil {
				t.Fatalf("pooler: %v", err)
			}
			return
		}
		if time.Now().After(deadline) || !wait.Sleep(t.Context(), pollInterval) {
			t.Fatalf("pooler: %v", err)
		}
	}
}
