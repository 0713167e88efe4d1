package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/internal/pgsession"
	"roomlog/internal/wait"
)

const (
	application = "roomlog admin" // application_name of the connections of a command
	servers     = "roomlog"       // application_name of the connections of servers

	lockPoll   = time.Second      // interval between two looks for a session that blocks the command
	lockNotice = 5 * time.Second  // wait after which the blocking session is logged
	lockRepeat = 30 * time.Second // interval between two log messages about the same blocking session
)

// lockWatch watches the waits of a command for locks of other database sessions.
type lockWatch struct {
	db      *pgxpool.Pool
	log     *slog.Logger
	timeout time.Duration
}

// during calls work. If a connection with the given application_name waits for a lock of another session, during logs
// that session. If the wait exceeds the timeout, during interrupts work and returns a *pgsession.LockHeldError.
func (w lockWatch) during(ctx context.Context, application string, work func(context.Context) error) error {
	ctx, interrupt := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		interrupt(w.run(ctx, application))
	}()
	err := work(ctx)
	interrupt(nil)
	<-ended
	var held *pgsession.LockHeldError
	if cause := context.Cause(ctx); err != nil && !errors.As(err, &held) && errors.As(cause, &held) {
		return cause
	}
	return err
}

// run blocks until ctx ends, and then returns nil, or until a connection has waited for a lock longer than the timeout.
func (w lockWatch) run(ctx context.Context, application string) error {
	unlogged := lockRepeat
	for wait.Sleep(ctx, lockPoll) {
		holder, waited, err := pgsession.Blocker(ctx, w.db, application)
		unlogged += lockPoll
		switch {
		case err != nil || holder.PID == 0: // the command reports the error of an unreachable database itself
		case waited >= w.timeout:
			return &pgsession.LockHeldError{Holder: holder, Waited: w.timeout}
		case waited >= min(lockNotice, w.timeout/2) && unlogged >= lockRepeat:
			unlogged = 0
			w.log.WarnContext(ctx, "waiting for another session that holds a lock",
				slog.Int("pid", holder.PID), slog.String("application", holder.Application), slog.Time("since", holder.Since))
		}
	}
	return nil
}

// stalled returns a *pgsession.LockHeldError with the session for which a server or a command waits. If none waits, it
// returns err.
func (w lockWatch) stalled(ctx context.Context, err error) error {
	holder, _, queryErr := pgsession.Blocker(ctx, w.db, servers+"%")
	if queryErr != nil || holder.PID == 0 {
		return err
	}
	return &pgsession.LockHeldError{Holder: holder, Waited: w.timeout}
}

// notInTables returns the error for a command that is in the log, if waiting for the tables has failed with err.
func notInTables(position int64, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the command is executed, at position %d of the log, but the tables do not contain it yet: %w", position, err)
}
