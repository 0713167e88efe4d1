package eventstore_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

const (
	shortLog = 100_000
	longLog  = 100 * shortLog
)

// BenchmarkFigureLongLog compares a log of ten million events with one of 100,000: the rate of commands whose states are
// not cached, and the time to read the first page of a replay. It needs 8 GB of disk and several minutes.
func BenchmarkFigureLongLog(b *testing.B) {
	for b.Loop() {
		short, long := newBenchLog(b, 1000), newBenchLog(b, 1000)
		short.grow(shortLog)
		long.grow(longLog)
		// A new sequencer has no cached states.
		cold := func(l *benchLog) func() float64 {
			return func() float64 {
				q := *l
				q.testLog = &testLog{t: b, db: l.db, store: l.store}
				q.run(eventstore.SequencerConfig{})
				defer q.stop()
				return q.comments(32)()
			}
		}
		got := measureInTurns(b, contender{"short log", cold(short)}, contender{"long log", cold(long)})
		got = append(got, measureInTurns(b, contender{"long log", cold(long)}, contender{"short log", cold(short)})...)
		b.ReportMetric(got.ratio("short log", "long log"), "decisions_growth")
		b.ReportMetric(replayGrowth(b, short, long), "replay_start_growth")
	}
}

// grow appends comments of 10,000 other lives until the log has n events. The sequencer is stopped.
func (l *benchLog) grow(n int64) {
	l.t.Helper()
	l.stop()
	head, err := l.store.Head(context.Background())
	if err != nil {
		l.t.Fatal(err)
	}
	l.owner("ALTER TABLE events DISABLE TRIGGER USER")
	for head < n { // in parts, so that the write-ahead log can be recycled
		to := min(n, head+1_000_000)
		l.owner(fmt.Sprintf(`INSERT INTO events (position, stream, version, event_id, type, payload, metadata, live_id, recorded_at)
			SELECT n, 'comment-' || 1000 + n %% 10000, 1 + n / 10000, gen_random_uuid(), 'comment.posted.v1',
				format('{"live":%%s,"user":1,"text":"erased"}', 1000 + n %% 10000)::json, '{"actor":"user-1"}', 1000 + n %% 10000, now()
			FROM generate_series(%d::bigint, %d) AS n`, head+1, to))
		head = to
	}
	l.owner("ALTER TABLE events ENABLE TRIGGER USER")
	l.owner("VACUUM ANALYZE events")
	l.owner("CHECKPOINT")
	var bytes float64
	if err := l.db.Owner.QueryRow(context.Background(), "SELECT pg_total_relation_size('events')").Scan(&bytes); err != nil {
		l.t.Fatal(err)
	}
	l.t.Logf("%d events, %.0f bytes for each with its indexes", n, bytes/float64(n))
}

// replayGrowth returns the time until replays have their first page on the long log, divided by that on the short log. The
// replays start at the beginning, in the middle, at the end, with one live, and with one type. The ratio is the largest of
// the five.
func replayGrowth(b *testing.B, short, long *benchLog) (largest float64) {
	b.Helper()
	for _, start := range []struct {
		name  string
		query func(head int64) eventstore.Query
	}{
		{"from the beginning", func(int64) eventstore.Query { return eventstore.Query{} }},
		{"from the middle", func(head int64) eventstore.Query { return eventstore.Query{After: head / 2} }},
		{"from the end", func(head int64) eventstore.Query { return eventstore.Query{After: head - 10} }},
		{"of a live", func(int64) eventstore.Query { return eventstore.Query{Live: 1500, Limit: 10} }},
		{"of a type", func(int64) eventstore.Query { return eventstore.Query{Types: []string{domain.CommentPosted{}.Type()}} }},
	} {
		var times [2][]time.Duration
		for range 101 {
			for i, l := range []*benchLog{short, long} {
				head, err := l.store.Head(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				begun := time.Now()
				page, err := l.store.Read(b.Context(), start.query(head))
				if err != nil || len(page.Events) == 0 {
					b.Fatalf("%s: %d events, %v", start.name, len(page.Events), err)
				}
				times[i] = append(times[i], time.Since(begun))
			}
		}
		for i := range times {
			slices.Sort(times[i])
		}
		b.Logf("a replay %s: %s on the short log, %s on the long log", start.name, times[0][50], times[1][50])
		largest = max(largest, times[1][50].Seconds()/times[0][50].Seconds())
	}
	return largest
}
