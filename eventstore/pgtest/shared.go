package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/localpg"
)

const (
	serverEnv   = "TEST_DATABASE_URL"
	dirEnv      = "ROOMLOG_PGTEST_DIR" // names another folder for the shared server
	layout      = 1                    // of the folder; another one gets another folder
	startWait   = 90 * time.Second
	startPoll   = 10 * time.Millisecond
	maxLogShown = 4 << 10
	minMemory   = 4 << 30
)

// cluster is the server that this process's tests share with those of other processes.
type cluster struct {
	dsn   string // of its administrator, in a database that is not a test's
	dir   string // where notes for the supervisor go; empty with TEST_DATABASE_URL
	users *os.File

	mu    sync.Mutex
	spare []*pgx.Conn // administrators' connections; no pool, because a pool has goroutines that a leak test would see
}

// shared finds or starts the server, once per process. It holds the lock file open
// until the process ends, however it ends.
var shared = sync.OnceValues(func() (*cluster, error) {
	if url := os.Getenv(serverEnv); url != "" {
		_, err := withDatabase(url, "postgres") // can it be done at all?
		return &cluster{dsn: url}, err
	}
	dir, err := sharedDir()
	if err != nil {
		return nil, err
	}
	users, err := os.OpenFile(usersFile(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(users.Fd()), syscall.LOCK_SH); err != nil { // waits for a supervisor that is ending
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	dsn, err := await(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, users.Close())
	}
	return &cluster{dsn: dsn, dir: dir, users: users}, nil
})

// sharedDir is the folder of the shared server, one for each user.
func sharedDir() (string, error) {
	if dir := os.Getenv(dirEnv); dir != "" {
		return dir, os.MkdirAll(doneDir(dir), 0o700)
	}
	dir := filepath.Join(fastDir(), fmt.Sprintf("roomlog-pgtest%d-%d", layout, os.Getuid()))
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(st.Uid) != os.Getuid() {
		return "", fmt.Errorf("%s is not a folder of ours: remove it", dir)
	}
	return dir, os.MkdirAll(doneDir(dir), 0o700)
}

// fastDir is where copying a few hundred files costs least: in memory if there is
// room. It looks at the size and not at what is free, so that all processes agree.
func fastDir() string {
	const memory = "/dev/shm"
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && int64(fs.Blocks)*int64(fs.Bsize) >= minMemory {
		return memory
	}
	return os.TempDir()
}

// await returns the server's address when it takes connections, and starts the
// supervisor if nobody else has.
func await(ctx context.Context, dir string) (string, error) {
	var ended chan error
	for {
		dsn, err := ready(ctx, dir)
		if err == nil {
			return dsn, nil
		}
		if ended == nil && errors.Is(err, localpg.ErrNotRunning) {
			if ended, err = startSupervisor(dir); err != nil {
				return "", err
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("wait for the test server: %w\n%s", err, logTail(dir))
		case err := <-ended:
			if err != nil {
				return "", fmt.Errorf("start the test server: %w\n%s", err, logTail(dir))
			}
			ended = nil // another process's supervisor won
		case <-time.After(startPoll):
		}
	}
}

func ready(ctx context.Context, dir string) (string, error) {
	dsn, err := localpg.Attach(dir)
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	return dsn, conn.Close(ctx)
}

// startSupervisor runs this executable once more, detached: not in the terminal's
// process group, and without the pipes of `go test`, which waits for whoever holds them.
func startSupervisor(dir string) (chan error, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(supervisorLog(dir), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), superviseEnv+"="+dir)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return ended, nil
}

func supervisorLog(dir string) string { return filepath.Join(dir, "supervisor.log") }

func logTail(dir string) string {
	b, err := os.ReadFile(supervisorLog(dir))
	if err != nil {
		return ""
	}
	return string(b[max(0, len(b)-maxLogShown):])
}

// admin runs statements as administrator, on a connection that is kept for the next one.
func (c *cluster) admin(ctx context.Context, run func(*pgx.Conn) error) error {
	conn, err := c.take(ctx)
	if err != nil {
		return err
	}
	if err := run(conn); err != nil {
		_ = conn.Close(ctx)
		return err
	}
	c.mu.Lock()
	c.spare = append(c.spare, conn)
	c.mu.Unlock()
	return nil
}

func (c *cluster) take(ctx context.Context) (*pgx.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.spare); n > 0 {
		conn := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return conn, nil
	}
	return pgx.Connect(ctx, c.dsn)
}
