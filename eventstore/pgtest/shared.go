package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/jackc/pgx/v5"
)

const (
	serverEnv = "TEST_DATABASE_URL"
	dirEnv    = "ROOMLOG_PGTEST_DIR" // names another folder for the shared server
	layout    = 1                    // of the folder; another one gets another folder
	minMemory = 4 << 30
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
	if err := syscall.Statfs(memory, &fs); err == nil && fs.Blocks*uint64(fs.Bsize) >= minMemory {
		return memory
	}
	return os.TempDir()
}

// admin runs a statement as administrator, on a connection that is kept for the
// next one. A kept one may have been cut by a test meanwhile: then it tries another.
func (c *cluster) admin(ctx context.Context, sql string) error {
	for {
		conn, kept, err := c.take(ctx)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, sql)
		if err == nil {
			c.mu.Lock()
			c.spare = append(c.spare, conn)
			c.mu.Unlock()
			return nil
		}
		cut := conn.IsClosed()
		_ = conn.Close(ctx)
		if !kept || !cut || ctx.Err() != nil {
			return err
		}
	}
}

func (c *cluster) take(ctx context.Context) (conn *pgx.Conn, kept bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.spare); n > 0 {
		conn, c.spare = c.spare[n-1], c.spare[:n-1]
		return conn, true, nil
	}
	conn, err = pgx.Connect(ctx, c.dsn)
	return conn, false, err
}
