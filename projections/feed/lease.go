package feed

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/internal/pgsession"
	"roomlog/internal/wait"
)

const (
	relayPrefix   = "roomlog relay " // begins the application_name of the session of the relay; its token follows
	leasePing     = 2 * time.Second  // interval between two pings of the session of the relay
	leaseValid    = 6 * time.Second  // time after a ping for which the relay may publish
	leaseDead     = 10 * time.Second // time after which the database closes the session of a relay that sends no ping
	leaseTimeout  = 3 * time.Second  // time in which the database must respond
	unlockTimeout = time.Second
)

// relayLock is the key of the advisory lock that the relay of a database holds.
func relayLock() int64 {
	h := fnv.New64a()
	h.Write([]byte("roomlog relay"))
	return int64(h.Sum64())
}

// relayOf returns the token of the relay of the database, or "" if there is none.
func relayOf(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return "", fmt.Errorf("look for the relay: %w", err)
	}
	defer conn.Release()
	h, err := pgsession.HolderOf(ctx, conn.Conn(), relayLock())
	if err != nil {
		return "", fmt.Errorf("look for the relay: %w", err)
	}
	token, _ := strings.CutPrefix(h.Application, relayPrefix)
	return token, nil
}

// A lease is the session that holds the lock of the relay. The database ends it if the process dies, is frozen or cannot be reached.
type lease struct {
	conn *pgx.Conn
	now  func() time.Time
	last atomic.Int64 // time of the last ping that the database has answered, in nanoseconds: when it was sent
}

// takeLease takes the lock of the relay, or returns nil if another process holds it.
func takeLease(ctx context.Context, pool *pgxpool.Pool, token string, now func() time.Time) (*lease, error) {
	c := pool.Config().ConnConfig.Copy()
	pgsession.Set(c, map[string]string{
		"application_name":        relayPrefix + token,
		"idle_session_timeout":    fmt.Sprint(leaseDead.Milliseconds()), // closes the connection of a frozen process
		"tcp_keepalives_idle":     "5",                                  // closes the connection of an unreachable process
		"tcp_keepalives_interval": "2",
		"tcp_keepalives_count":    "3",
	})
	within, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	l := &lease{now: now}
	l.last.Store(now().UnixNano())
	var err error
	if l.conn, err = pgx.ConnectConfig(within, c); err != nil {
		return nil, fmt.Errorf("connect as relay: %w", err)
	}
	mine, err := pgsession.TryLock(within, l.conn, relayLock())
	if err == nil && mine {
		return l, nil
	}
	_ = l.conn.Close(context.WithoutCancel(within))
	if err != nil {
		return nil, fmt.Errorf("take the lock of the relay: %w", err)
	}
	return nil, nil //nolint:nilnil // another process is the relay
}

// valid reports whether the database certainly still holds the lock for this process.
func (l *lease) valid() bool { return l.now().UnixNano()-l.last.Load() < leaseValid.Nanoseconds() }

// hold sends pings until ctx ends, and then returns nil. It returns an error if the lease is lost.
func (l *lease) hold(ctx context.Context) error {
	for wait.Sleep(ctx, leasePing) {
		within, cancel := context.WithTimeout(ctx, leaseTimeout)
		sent := l.now().UnixNano()
		err := l.conn.Ping(within)
		cancel()
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("hold the lock of the relay: %w", err)
		}
		if err == nil {
			l.last.Store(sent)
		}
	}
	return nil
}

// release releases the lock. hold must have returned.
func (l *lease) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	_ = pgsession.Unlock(ctx, l.conn, relayLock()) // also behind a pooler, which keeps the session
	_ = l.conn.Close(ctx)
}
