package main_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
)

// BenchmarkFigureStart measures how the time until a server is ready grows with the log. It starts servers in turns on a
// database with ten thousand events and on one with a million.
func BenchmarkFigureStart(b *testing.B) {
	for b.Loop() {
		few, many := fillLog(b, 10_000), fillLog(b, 1_000_000)
		var ofFew, ofMany []time.Duration
		for range 5 {
			ofFew, ofMany = append(ofFew, startOn(b, few)), append(ofMany, startOn(b, many))
		}
		slices.Sort(ofFew)
		slices.Sort(ofMany)
		b.Logf("with few events %s, with many %s", ofFew, ofMany)
		b.ReportMetric(ofMany[0].Seconds()/ofFew[0].Seconds(), "start_growth")
	}
}

// fillLog returns a database with a log of n comments in 1000 streams, which the tables and the transparency log contain.
func fillLog(b *testing.B, n int) *pgtest.DB {
	b.Helper()
	db := pgtest.Server(b, pgtest.Durable).Open()
	startOn(b, db)
	for _, sql := range []string{
		"ALTER TABLE events DISABLE TRIGGER USER",
		fmt.Sprintf(`INSERT INTO events (position, stream, version, event_id, type, payload, metadata, live_id, recorded_at)
			SELECT h.position + n, 'comment-' || 1000 + n %% 1000, 1 + n / 1000, gen_random_uuid(), 'comment.posted.v1',
				format('{"live":%%s,"user":1,"text":"erased"}', 1000 + n %% 1000)::json, format('{"actor":"user-1","key":"%%s"}', n)::json, 1000 + n %% 1000, now()
			FROM generate_series(1, %d) AS n, (SELECT max(position) AS position FROM events) AS h`, n),
		"ALTER TABLE events ENABLE TRIGGER USER",
		"INSERT INTO command (actor, key, hash, position, events, coins, recorded_at) SELECT 'user-1', metadata ->> 'key', sha256(''), position, 1, false, recorded_at FROM events WHERE type = 'comment.posted.v1'",
		"INSERT INTO read.comment (position, id, live_id, user_id, text, at) SELECT position, right(event_id::text, 10), live_id, 1, 'erased', recorded_at FROM events WHERE type = 'comment.posted.v1'",
		"UPDATE checkpoint SET position = e.position, event_id = e.event_id FROM (SELECT position, event_id FROM events ORDER BY position DESC LIMIT 1) AS e",
		"VACUUM ANALYZE",
	} {
		if _, err := db.Owner.Exec(b.Context(), sql); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
	}
	at := serve(b, append(sharedSecrets, "DATABASE_URL="+db.DSN), "--data", dataDir(b))
	for behind := int64(1); behind > 0; {
		if err := db.Owner.QueryRow(b.Context(), "SELECT (SELECT max(position) FROM events) - size FROM tlog_tree").Scan(&behind); err != nil {
			b.Fatal(err)
		}
		<-time.After(100 * time.Millisecond)
	}
	at.stop()
	return db
}

// startOn starts a server, waits until it is ready, and stops it. It returns how long the server took to become ready.
func startOn(b *testing.B, db *pgtest.DB) time.Duration {
	b.Helper()
	begun := time.Now()
	p := serve(b, append(sharedSecrets, "DATABASE_URL="+db.DSN), "--data", dataDir(b))
	for ready := false; !ready; {
		response, err := http.Get("http://" + p.addr + "/readyz")
		if err != nil {
			b.Fatal(err)
		}
		_ = response.Body.Close()
		if ready = response.StatusCode == http.StatusOK; !ready {
			<-time.After(5 * time.Millisecond)
		}
	}
	took := time.Since(begun)
	p.stop()
	return took
}
