package localpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// Server is a PostgreSQL server that runs as a child of this process.
type Server struct {
	folder  folder
	install installation
	child   *child
	done    chan struct{}
}

// Start starts the server and returns when the server accepts connections. ctx bounds only the start: the server runs
// until Stop, or until this process ends.
func Start(ctx context.Context, c Config) (*Server, error) {
	s, err := start(ctx, c)
	if err != nil {
		if errors.Is(err, ErrNoDatabase) {
			return nil, err
		}
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, c Config) (_ *Server, err error) {
	if c, err = c.withDefaults(); err != nil {
		return nil, err
	}
	if c.Existing {
		major, err := folder{dir: c.DataDir}.major()
		if err == nil && major == 0 {
			err = fmt.Errorf("%w %s", ErrNoDatabase, c.DataDir)
		}
		if err != nil {
			return nil, err
		}
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
			_ = lock.Unlock()
		}
	}()
	s := &Server{folder: f, done: make(chan struct{})}
	if s.install, err = prepare(ctx, c, f, as); err != nil {
		return nil, err
	}
	if s.child, err = spawn(ctx, c, f, s.install, as); err != nil {
		return nil, err
	}
	go func() {
		<-s.child.exited
		_ = lock.Unlock() // released before done closes, so that a caller that waits for done can start a server again
		close(s.done)
	}()
	c.Log.InfoContext(ctx, "PostgreSQL started", slog.String("path", s.install.bin), slog.Int("version", s.install.major),
		slog.Int("pid", s.child.pid), slog.String("address", f.socket))
	return s, nil
}

// prepare creates a database if there is none, and stops a server that was left running on an existing one. It returns
// an installation with the version of the data.
func prepare(ctx context.Context, c Config, f folder, as *account) (installation, error) {
	removeLeftovers(ctx, f, c.Log)
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
			return in, fmt.Errorf("create a data directory: %w", err)
		}
		c.Log.InfoContext(ctx, "PostgreSQL data directory created", slog.String("data_dir", f.data()), slog.Int("version", in.major))
	}
	return in, stopOrphan(ctx, f, c.Log)
}

// DSN returns the connection string of a database of the server, for pgx and for psql.
func (s *Server) DSN(database string) string { return dsn(s.folder.socket, port, database) }

// SocketDir returns the folder of the socket, for option -h of psql.
func (s *Server) SocketDir() string { return s.folder.socket }

// PID returns the process id of PostgreSQL's main process.
func (s *Server) PID() int { return s.child.pid }

// Major returns the major version of the running PostgreSQL, such as 17.
func (s *Server) Major() int { return s.install.major }

// Done returns a channel that is closed when PostgreSQL has ended for any reason. The lock of the data folder is
// released before.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop starts a fast shutdown, which closes open connections. It kills PostgreSQL if the shutdown takes longer than 30
// seconds. It returns nil when PostgreSQL has ended, and an error if PostgreSQL does not end. It may be called more
// than once.
func (s *Server) Stop() error {
	if s.child.stop() {
		<-s.done
		return nil
	}
	return fmt.Errorf("stop PostgreSQL: process %d does not end", s.child.pid)
}
