package serve

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"roomlog/eventstore/localpg"
	"roomlog/internal/wait"
)

const (
	restartMin   = 100 * time.Millisecond
	restartMax   = 10 * time.Second // maximum wait between restarts, which limits the downtime after the cause of a failure is removed
	restartReset = time.Minute      // time after which a run counts as successful and resets the wait
)

// supervisor runs a private PostgreSQL and restarts it at the same address when it dies. Connection pools then
// reconnect without help.
type supervisor struct {
	config   localpg.Config
	log      *slog.Logger
	restarts atomic.Int64

	mu     sync.Mutex
	server *localpg.Server // the newest server, which may have ended
}

// startPostgres starts the private PostgreSQL of a data folder. Call Run to supervise it.
func startPostgres(ctx context.Context, c localpg.Config, log *slog.Logger) (*supervisor, error) {
	server, err := localpg.Start(ctx, c)
	if err != nil {
		return nil, err
	}
	return &supervisor{config: c, log: log, server: server}, nil
}

// DSN returns the connection string of the database with the rights of its owner. It does not change after a restart.
func (s *supervisor) DSN() string { return s.current().DSN(localpg.Database) }

func (s *supervisor) current() *localpg.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server
}

// Run restarts PostgreSQL whenever it dies, until ctx ends. It never gives up: /readyz reports the failure, and an
// operator can remove its cause without ending this process.
func (s *supervisor) Run(ctx context.Context) error {
	backoff := wait.Backoff{Min: restartMin, Max: restartMax}
	for {
		started := time.Now()
		select {
		case <-ctx.Done():
			return nil
		case <-s.current().Done():
		}
		if time.Since(started) > restartReset {
			backoff.Reset()
		}
		s.log.ErrorContext(ctx, "private PostgreSQL died, restarting")
		for backoff.Wait(ctx) {
			err := s.restart(ctx)
			if err == nil {
				break
			}
			if ctx.Err() == nil {
				s.log.ErrorContext(ctx, "private PostgreSQL failed to start, retrying", slog.Any("error", err))
			}
		}
	}
}

func (s *supervisor) restart(ctx context.Context) error {
	server, err := localpg.Start(ctx, s.config)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.server = server
	s.mu.Unlock()
	s.restarts.Add(1)
	return nil
}

// Stop ends PostgreSQL. Run must have returned.
func (s *supervisor) Stop() error {
	if err := s.current().Stop(); err != nil {
		return fmt.Errorf("stop the private PostgreSQL: %w", err)
	}
	return nil
}
