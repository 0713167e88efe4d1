package localpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// Server is a PostgreSQL that runs as a child of this process.
type Server struct {
	folder  folder
	install installation
	child   *child
	done    chan struct{}
}

// Start brings the server up and returns when it accepts connections. The context
// bounds the start only; the server runs until Stop, or until this process ends.
func Start(ctx context.Context, c Config) (*Server, error) {
	s, err := start(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("start postgresql: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, c Config) (_ *Server, err error) {
	if c, err = c.withDefaults(); err != nil {
		return nil, err
	}
	as, err := childAccount()
	if err != nil {
		return nil, err
	}
	f, err := openFolder(c.DataDir, as)
	if err != nil {
		return nil, err
	}
	lock, err := f.acquire()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = lock.Close()
		}
	}()
	s := &Server{folder: f, done: make(chan struct{})}
	if s.install, err = prepare(ctx, c, f, as); err != nil {
		return nil, err
	}
	if s.child, err = s.spawn(ctx, c, as); err != nil {
		return nil, err
	}
	go func() {
		<-s.child.exited
		_ = lock.Close() // before done closes, so that who sees it can start again
		close(s.done)
	}()
	c.Log.InfoContext(ctx, "postgresql is up", slog.String("bin", s.install.bin), slog.Int("major", s.install.major),
		slog.Int("pid", s.child.pid), slog.String("socket", f.socket))
	return s, nil
}

// prepare leaves a cluster that nobody runs, and the installation that fits it.
func prepare(ctx context.Context, c Config, f folder, as *account) (installation, error) {
	sweep(ctx, f, c.Log)
	major, err := f.major()
	if err != nil {
		return installation{}, err
	}
	in, err := locate(ctx, c, f, as, major)
	if err != nil {
		return in, err
	}
	if err := f.access(as); err != nil {
		return in, err
	}
	if major == 0 {
		if err := initdb(ctx, f, as, in, c.Unsafe); err != nil {
			return in, fmt.Errorf("make a cluster: %w", err)
		}
		c.Log.InfoContext(ctx, "made a postgresql cluster", slog.String("data", f.data()), slog.Int("major", in.major))
	}
	return in, stopOrphan(ctx, f, c.Log)
}

// DSN is a connection string to one database of the server, for pgx and for psql.
func (s *Server) DSN(database string) string { return dsn(s.folder.socket, port, database) }

func dsn(socket, port, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(User), Path: "/" + database}
	u.RawQuery = url.Values{"host": {socket}, "port": {port}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// SocketDir is the folder of the socket, what psql takes after -h.
func (s *Server) SocketDir() string { return s.folder.socket }

// PID is the process id of PostgreSQL's main process.
func (s *Server) PID() int { return s.child.pid }

// Major is the version of PostgreSQL that runs, like 17.
func (s *Server) Major() int { return s.install.major }

// Done is closed when PostgreSQL has gone, whoever stopped it. The data folder is free then.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop asks for a fast shutdown, which cuts open connections, and insists when
// that takes too long. It returns when PostgreSQL has gone, and may be called twice.
func (s *Server) Stop() error {
	if s.child.stop() {
		<-s.done
		return nil
	}
	return fmt.Errorf("stop postgresql: process %d does not end", s.child.pid)
}

// stop walks up the signals of a shutdown and tells whether the child has gone.
func (c *child) stop() bool {
	for _, step := range []struct {
		signal  syscall.Signal
		patient time.Duration
	}{
		{syscall.SIGINT, 30 * time.Second}, // fast: finishes with a checkpoint
		{syscall.SIGQUIT, 5 * time.Second}, // immediate: the next start replays the log
		{syscall.SIGKILL, 5 * time.Second},
	} {
		select {
		case <-c.exited:
			return true
		default:
		}
		_ = c.process.Signal(step.signal) // never reaches a stranger who got the same pid
		select {
		case <-c.exited:
			return true
		case <-time.After(step.patient):
		}
	}
	return false
}

// Attach finds the server that another process runs on a data folder, and returns
// a connection string to its Database. It answers ErrNotRunning if there is none
// that is ready.
func Attach(dir string) (string, error) {
	dir, err := resolve(dir)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("attach to postgresql: %w", ErrNotRunning)
	}
	if err != nil {
		return "", fmt.Errorf("attach to postgresql: %w", err)
	}
	f := folder{dir: dir}
	p, err := f.postmaster()
	switch {
	case err != nil:
		return "", fmt.Errorf("attach to postgresql: %w", err)
	case p.pid == 0 || !isPostmaster(context.Background(), p.pid, f.data()):
		return "", fmt.Errorf("attach to postgresql in %s: %w", dir, ErrNotRunning)
	case p.status != "ready":
		return "", fmt.Errorf("attach to postgresql in %s: %w: it is %s", dir, ErrNotRunning, strings.TrimSpace(p.status))
	}
	return dsn(p.socket, p.port, Database), nil
}
