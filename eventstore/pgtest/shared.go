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
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	layout    = 1       // number in the name of the shared server's folder; increment it when the content of the folder changes
	minMemory = 4 << 30 // size in bytes that /dev/shm must have so that the folder is created in it
)

// cluster is the PostgreSQL server that the tests of all processes share.
type cluster struct {
	dsn   string // connection string of the administrator, for a database that no test uses
	dir   string // folder of the supervisor; "" if TEST_DATABASE_URL is set
	users *os.File

	mu    sync.Mutex
	spare []*pgx.Conn // unused connections of the administrator; not a pool, because a leak test would find its goroutines
	idle  *time.Timer // closes the spare connections
}

// spareIdle is the time after the last statement of the administrator after which spare connections are closed. On a busy machine,
// pgx may leave a goroutine that reads from an unused connection. A leak test finds it if the connection is still open at the end of
// the process; goleak waits for about 400 ms.
const spareIdle = 100 * time.Millisecond

// shared finds or starts the server, once per process, and holds the lock file until the process ends for any reason.
// It is a variable, because New has no parameter that could hold the server.
var shared = sync.OnceValues(func() (*cluster, error) {
	if url := os.Getenv(serverEnv); url != "" {
		_, err := withDatabase(url, "postgres") // checks that the address can be parsed
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

// sharedDir creates and returns the folder of the shared server. Each operating system user has a separate folder.
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
		return "", fmt.Errorf("%s is not a folder of this user: remove it", dir)
	}
	return dir, os.MkdirAll(doneDir(dir), 0o700)
}

// fastDir returns the parent folder in which copying a few hundred files is fastest: /dev/shm if it is large enough,
// otherwise the temporary folder. The choice does not depend on the free memory, so all processes choose the same
// folder.
func fastDir() string {
	const memory = "/dev/shm"
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && fs.Blocks*uint64(fs.Bsize) >= minMemory {
		return memory
	}
	return os.TempDir()
}

// admin executes a statement as the administrator, and keeps the connection for later statements. If a test has cut a
// kept connection, admin tries the next connection.
func (c *cluster) admin(ctx context.Context, sql string) error {
	for {
		conn, kept, err := c.take(ctx)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, sql)
		if err == nil {
			c.keep(conn)
			return nil
		}
		cut := conn.IsClosed()
		_ = conn.Close(ctx)
		if !kept || !cut || ctx.Err() != nil {
			return err
		}
	}
}

// keep keeps a connection for the next statement, until there was none for some time.
func (c *cluster) keep(conn *pgx.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spare = append(c.spare, conn)
	if c.idle == nil {
		c.idle = time.AfterFunc(spareIdle, c.closeSpare)
	}
	c.idle.Reset(spareIdle)
}

func (c *cluster) closeSpare() {
	c.mu.Lock()
	spare := c.spare
	c.spare = nil
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	for _, conn := range spare {
		_ = conn.Close(ctx)
	}
}

// take returns a connection, and reports whether the connection was kept from an earlier statement.
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
