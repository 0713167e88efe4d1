package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
)

// The baseline is a wallet table: one statement updates the balance in place and inserts the event and the idempotency
// key.
const (
	walletTable = `
CREATE TABLE purse (user_id bigint PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0), version bigint NOT NULL);
INSERT INTO purse SELECT n, 1000000000000, 0 FROM generate_series(0, 999) n;
CREATE TABLE purse_key (user_id bigint, key text, PRIMARY KEY (user_id, key))`

	spend = `
WITH paid AS (UPDATE purse SET balance = balance - $2, version = version + 1 WHERE user_id = $1 AND balance >= $2 RETURNING version),
     seen AS (INSERT INTO purse_key SELECT $1, $8 FROM paid)
INSERT INTO bare (stream, version, event_id, type, payload, metadata, live_id, recorded_at)
SELECT 'wallet-' || $1, version, $3, $4, $5, $6, $7, now() FROM paid`
)

func BenchmarkFigureGift(b *testing.B) {
	for b.Loop() {
		l := newBenchLog(b, 1000)
		l.owner(bareTable)
		l.owner(walletTable)
		got := measureInTurns(b,
			contender{"update, 1 user", l.updates(32, 1)},
			contender{"gift, 1 user", l.gifts(256, 1)},
			contender{"update, 1000 users", l.updates(32, 1000)},
			contender{"gift, 1000 users", l.gifts(256, 1000)},
		)
		b.ReportMetric(got.ratio("gift, 1 user", "update, 1 user"), "gift_one_user_ratio")
		b.ReportMetric(got.ratio("gift, 1000 users", "update, 1000 users"), "gift_1000_users_ratio")
	}
}

var errNotSpent = errors.New("nothing was spent")

// updates returns a function that measures the rate of the baseline.
func (l *benchLog) updates(connections, users int) func() float64 {
	b := l.t.(*testing.B)
	sample := l.execute(l.users[0].keyedRequest("sample", l.give(1))).Events[0]
	stored := l.stored(sample.Position)
	conns := l.connections(connections)
	var keys atomic.Int64
	return func() float64 {
		return rate(b, connections, func(caller, n int) error {
			tag, err := conns[caller].Exec(context.Background(), spend, int64((caller*31+n)%users), int64(1), uuid.New(),
				sample.Type, stored.payload, stored.metadata, int64(sample.LiveID), fmt.Sprintf("%d-%016x", users, keys.Add(1)))
			if err == nil && tag.RowsAffected() != 1 {
				return errNotSpent
			}
			return err
		})
	}
}
