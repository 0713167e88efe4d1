package pgsession

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/internal/wait"
)

const (
	leasePing     = 2 * time.Second  // interval between two pings of the session
	leaseValid    = 6 * time.Second  // time after a ping for which the lease is valid
	leaseDead     = 10 * time.Second // time after which the database closes the session of a process that sends no ping
	leaseTimeout  = 3 * time.Second  // time in which the database must respond
	unlockTimeout = time.Second
)

// A Lease is a session that holds an advisory lock. The database ends it if the process dies, is frozen or cannot be reached.
type Lease struct {
	conn *pgx.Conn
	key  int64
	now  func() time.Time
	last atomic.Int64 // time of the last ping that the database has answered, in nanoseconds: when it was sent
}

// TakeLease takes the advisory lock key with a new session, or returns nil if another session holds it. config leads to the
// database; application becomes the application name of the session.
func TakeLease(ctx context.Context, config *pgx.ConnConfig, key int64, application string, now func() time.Time) (*Lease, error) {
	c := config.Copy()
	Set(c, map[string]string{
		"application_name":        application,
		"idle_session_timeout":    fmt.Sprint(leaseDead.Milliseconds()), // closes the connection of a frozen process
		"tcp_keepalives_idle":     "5",                                  // closes the connection of an unreachable process
		"tcp_keepalives_interval": "2",
		"tcp_keepalives_count":    "3",
	})
	within, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	l := &Lease{key: key, now: now}
	l.last.Store(now().UnixNano())
	var err error
	if l.conn, err = pgx.ConnectConfig(within, c); err != nil {
		return nil, fmt.Errorf("connect for a lock: %w", err)
	}
	mine, err := TryLock(within, l.conn, key)
	if err == nil && mine {
		return l, nil
	}
	_ = l.conn.Close(context.WithoutCancel(within))
	if err != nil {
		return nil, fmt.Errorf("take a lock: %w", err)
	}
	return nil, nil //nolint:nilnil // another process holds the lock
}

// Valid reports whether the database certainly still holds the lock for this process.
func (l *Lease) Valid() bool { return l.now().UnixNano()-l.last.Load() < leaseValid.Nanoseconds() }

// Hold sends pings until ctx ends, and then returns nil. It returns an error if the lease is lost.
func (l *Lease) Hold(ctx context.Context) error {
	for wait.Sleep(ctx, leasePing) {
		within, cancel := context.WithTimeout(ctx, leaseTimeout)
		sent := l.now().UnixNano()
		err := l.conn.Ping(within)
		cancel()
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("hold a lock: %w", err)
		}
		if err == nil {
			l.last.Store(sent)
		}
	}
	return nil
}

// Release releases the lock. Hold must have returned.
func (l *Lease) Release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	_ = Unlock(ctx, l.conn, l.key) // also behind a pooler, which keeps the session
	_ = l.conn.Close(ctx)
}
