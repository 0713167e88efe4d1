package projections

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/internal/loglimit"
	"roomlog/internal/wait"
)

const statusInterval = time.Second

// ProjectorStatus is the state of the read tables and of one projector.
type ProjectorStatus struct {
	Position   int64   // position of the tables, whichever process has written them
	Head       int64   // position of the newest event of the log
	LagSeconds float64 // age in seconds of the oldest event that the tables do not contain yet
	Poisoned   int64   // number of rows of table poison that are not set aside
	Closed     CoinsClosed
	Halted     error // why this projector is halted; nil if it is not
}

// statusTracker keeps the status of a projector current.
type statusTracker struct {
	now  func() time.Time
	log  *slog.Logger
	pool *pgxpool.Pool

	mu     sync.Mutex
	status ProjectorStatus // status, at most statusInterval old; Halted is always current
	cause  loglimit.Cause  // why the projector is halted
}

func (t *statusTracker) get() ProjectorStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// halted records why the projector is halted, and logs each cause once.
func (t *statusTracker) halted(ctx context.Context, err error) {
	t.mu.Lock()
	changed := t.cause.Changed(err)
	t.status.Halted = err
	t.mu.Unlock()
	if changed {
		t.log.ErrorContext(ctx, "projector halted", slog.Any("error", err))
	}
}

// continues records that the projector is not halted any more. The caller must hold mu.
func (t *statusTracker) continues() {
	t.cause.Changed(nil)
	t.status.Halted = nil
}

// resumed records that the projector has passed the event that had halted it.
func (t *statusTracker) resumed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.continues()
}

// idle records that the log was read and has no new events. It clears a halt, unless an event caused the halt.
func (t *statusTracker) idle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	var halt *HaltError
	if !errors.As(t.status.Halted, &halt) {
		t.continues()
	}
}

// run refreshes the status until ctx ends. It does not write to the database, so an idle server writes nothing.
func (t *statusTracker) run(ctx context.Context) {
	for {
		if err := t.refresh(ctx); err != nil && !isCanceled(ctx, err) {
			t.log.WarnContext(ctx, "reading the position of the tables failed, retrying", slog.Any("error", err))
		}
		if !wait.Sleep(ctx, statusInterval) {
			return
		}
	}
}

// refresh reads the status of the tables.
func (t *statusTracker) refresh(ctx context.Context) error {
	lag, err := readLag(ctx, t.pool)
	if err != nil {
		return err
	}
	now := ProjectorStatus{Position: lag.Position, Head: lag.Head, Poisoned: lag.Poisoned, Closed: lag.Closed}
	if !lag.Oldest.IsZero() {
		now.LagSeconds = max(0, t.now().Sub(lag.Oldest).Seconds())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var halt *HaltError
	if errors.As(t.status.Halted, &halt) && now.Position >= halt.Position { // another process has passed the position of the halt
		t.continues()
	}
	now.Halted = t.status.Halted
	t.status = now
	return nil
}
