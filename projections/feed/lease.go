package feed

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/internal/pgsession"
)

const (
	relayPrefix  = "roomlog relay " // beginning of the application_name of the session of the relay; the token of the relay follows
	leaseTimeout = 3 * time.Second  // time in which the database must respond
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

// takeLease takes the lock of the relay, or returns nil if another process holds it.
func takeLease(ctx context.Context, pool *pgxpool.Pool, token string, now func() time.Time) (*pgsession.Lease, error) {
	l, err := pgsession.TakeLease(ctx, pool.Config().ConnConfig, relayLock(), relayPrefix+token, now)
	if err != nil {
		return nil, fmt.Errorf("become the relay: %w", err)
	}
	return l, nil
}
