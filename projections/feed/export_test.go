package feed

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"roomlog/internal/pgsession"
)

// Lease is the lease of a relay that a test imitates.
type Lease struct{ *pgsession.Lease }

// TakeLease takes the lock of the relay.
func TakeLease(ctx context.Context, pool *pgxpool.Pool, token string) (Lease, error) {
	l, err := takeLease(ctx, pool, token, time.Now)
	return Lease{l}, err
}

// Hold holds the lock until ctx ends, and then releases it.
func (l Lease) Hold(ctx context.Context) error {
	defer l.Release(ctx)
	return l.Lease.Hold(ctx)
}

// Pending returns the number of events that a feed holds until the tables have applied them.
func Pending(f *Feed) int {
	switch s := f.current.Load().source.(type) {
	case *tail:
		return s.pending.size()
	case *relayed:
		return s.tail.pending.size()
	}
	return 0
}

// Signed returns a message that the relay with a token has signed.
func Signed(subject, token string, data []byte) *nats.Msg { return signed(subject, token, data) }

// Program returns the fingerprint that messages of the relay bear.
func Program() string { return program() }
