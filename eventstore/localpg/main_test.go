package localpg_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/localpg"
	"roomlog/eventstore/pgtest"
)

const (
	ownerEnv = "ROOMLOG_LOCALPG_OWNER" // environment variable that makes the test binary a process that owns a server on this data folder
	timeout  = 2 * time.Minute
	idleTime = 3 * time.Second
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerEnv); dir != "" {
		if err := own(dir, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if dir, err := blank(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// blank is a data folder with a database that Start has created and that no test has used.
var blank = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp(os.TempDir(), "roomlog-blank-")
	if err != nil {
		return "", err
	}
	server, err := localpg.Start(context.Background(), localpg.Config{DataDir: dir, Unsafe: true})
	if err != nil {
		return dir, err
	}
	return dir, server.Stop()
})

// used returns a data folder in which a server has run. It copies the folder, which is faster than creating a new one.
func used(t *testing.T) string {
	t.Helper()
	from, err := blank()
	if err != nil {
		t.Fatal(err)
	}
	dir := pgtest.Dir(t)
	if out, err := exec.Command("cp", "-Rp", filepath.Join(from, "postgres"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// own runs a server and inserts rows until the process is killed or interrupted. It prints the number of each row after
// the commit.
func own(dir string, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	server, err := localpg.Start(ctx, localpg.Config{DataDir: dir, Unsafe: true})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "pid", server.PID())
	if err := write(ctx, server.DSN(localpg.Database), out); err != nil && ctx.Err() == nil {
		return errors.Join(err, server.Stop())
	}
	return server.Stop()
}

func write(ctx context.Context, dsn string, out io.Writer) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS fact (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"); err != nil {
		return err
	}
	for {
		var n int64
		if err := conn.QueryRow(ctx, "INSERT INTO fact DEFAULT VALUES RETURNING n").Scan(&n); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, n); err != nil {
			return err
		}
	}
}

// owner is another process that owns a server.
type owner struct {
	cmd        *exec.Cmd
	out        *bufio.Scanner
	postmaster int
	acked      []int64 // numbers of the rows that the process has acknowledged
}

// startOwner starts a process from exe that runs a PostgreSQL server in dir, and waits until the server is up.
func startOwner(t *testing.T, exe, dir string, as *syscall.SysProcAttr, args ...string) *owner {
	t.Helper()
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), ownerEnv+"="+dir)
	cmd.Dir, cmd.SysProcAttr = "/", as
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	o := &owner{cmd: cmd, out: bufio.NewScanner(pipe)}
	if !o.out.Scan() {
		t.Fatalf("the owner ended: %v\n%s", cmd.Wait(), complaint.String())
	}
	o.postmaster, err = strconv.Atoi(strings.TrimPrefix(o.out.Text(), "pid "))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *owner) line(t *testing.T) string {
	t.Helper()
	if !o.out.Scan() {
		t.Fatalf("the owner ended: %v", o.out.Err())
	}
	return o.out.Text()
}

// acknowledged waits until n more rows are acknowledged.
func (o *owner) acknowledged(t *testing.T, n int) {
	t.Helper()
	for range n {
		row, err := strconv.ParseInt(o.line(t), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		o.acked = append(o.acked, row)
	}
}

// end waits for the end of the process after it was killed or interrupted, and reads the rest of its output.
func (o *owner) end(t *testing.T) error {
	t.Helper()
	for o.out.Scan() {
		if row, err := strconv.ParseInt(o.out.Text(), 10, 64); err == nil {
			o.acked = append(o.acked, row)
		}
	}
	return o.cmd.Wait()
}

func executable(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// start starts a server. The end of the test stops the server.
func start(t *testing.T, c localpg.Config) *localpg.Server {
	t.Helper()
	server, err := localpg.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// query runs one statement on its own connection and returns the value of the only column and row.
func query[T any](t *testing.T, dsn, sql string, args ...any) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func execute(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// eventually waits until ok returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("not within %s: %s", timeout, what)
		case <-tick.C:
		}
	}
}

// alive reports whether a process is running. A zombie is not.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && len(b) > 0
}

func gone(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(timeout):
		t.Fatal("PostgreSQL does not end")
	}
}
