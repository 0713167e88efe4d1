package pgsession

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed select_lock_holder.sql
var selectLockHolder string

const (
	lockPoll   = 20 * time.Millisecond
	lockNotice = time.Second      // time after which OnWait is called for the first time
	lockRepeat = 30 * time.Second // time between two later calls of OnWait
)

// Holder is the session of PostgreSQL that holds an advisory lock.
type Holder struct {
	PID         int       // process id of the session; 0: no session held the lock when the database was asked
	Application string    // application name; empty if the database does not show it
	Since       time.Time // time at which the session connected; zero if the database does not show it
}

// String describes the session for an operator.
func (h Holder) String() string {
	if h.PID == 0 {
		return "a session that has ended"
	}
	text := fmt.Sprintf("the database session with pid %d", h.PID)
	if h.Application != "" {
		text += fmt.Sprintf(", application %q", h.Application)
	}
	if !h.Since.IsZero() {
		text += ", connected since " + h.Since.UTC().Format(time.RFC3339)
	}
	return text
}

// Wait configures how Lock waits.
type Wait struct {
	Timeout time.Duration // time after which Lock fails with a *LockHeldError
	OnWait  func(Holder)  // called when the wait takes long, and at intervals; nil: not called
}

// LockHeldError means that a lock was not free within the timeout.
type LockHeldError struct {
	Holder
	Waited time.Duration
}

// Error returns a message with the holder of the lock and with what an operator can do about it.
func (e *LockHeldError) Error() string {
	text := fmt.Sprintf("%s has held the lock for more than %s: wait until it has finished", e.Holder, e.Waited)
	if e.PID != 0 {
		text += fmt.Sprintf(", or end it: SELECT pg_terminate_backend(%d)", e.PID)
	}
	return text
}

// Lock takes an advisory lock for the session of conn. It polls, because a statement that waits for a lock holds a snapshot,
// and a CREATE INDEX CONCURRENTLY of the holder would wait for that snapshot.
func Lock(ctx context.Context, conn *pgx.Conn, key int64, w Wait) error {
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	notice := time.NewTimer(min(lockNotice, w.Timeout/2))
	defer notice.Stop()
	timeout := time.NewTimer(w.Timeout)
	defer timeout.Stop()
	for {
		if mine, err := TryLock(ctx, conn, key); err != nil || mine {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			holder, err := HolderOf(ctx, conn, key)
			if err != nil {
				return err
			}
			return &LockHeldError{holder, w.Timeout}
		case <-notice.C:
			if err := report(ctx, conn, key, w); err != nil {
				return err
			}
			notice.Reset(lockRepeat)
		case <-poll.C:
		}
	}
}

// report calls OnWait with the holder of the lock.
func report(ctx context.Context, conn *pgx.Conn, key int64, w Wait) error {
	if w.OnWait == nil {
		return nil
	}
	holder, err := HolderOf(ctx, conn, key)
	if err == nil && holder.PID != 0 {
		w.OnWait(holder)
	}
	return err
}

// TryLock takes an advisory lock for the session of conn if it is free, and reports whether it was.
func TryLock(ctx context.Context, conn *pgx.Conn, key int64) (mine bool, err error) {
	err = conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&mine)
	return mine, err
}

// Unlock releases a lock that Lock or TryLock has taken. The end of the connection releases the lock as well, but a
// moment later. Behind a pooler that does not reset its sessions, the end of the connection never releases it.
func Unlock(ctx context.Context, conn *pgx.Conn, key int64) error {
	_, err := conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", key)
	return err
}

// HolderOf returns the session that holds an advisory lock.
func HolderOf(ctx context.Context, conn *pgx.Conn, key int64) (h Holder, err error) {
	var since *time.Time
	err = conn.QueryRow(ctx, selectLockHolder, key).Scan(&h.PID, &h.Application, &since)
	if errors.Is(err, pgx.ErrNoRows) {
		return Holder{}, nil
	}
	if since != nil {
		h.Since = *since
	}
	return h, err
}
