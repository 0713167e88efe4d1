package eventstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore"
	"roomlog/internal/tracing"
	"roomlog/internal/tracing/tracetest"
)

const remark = "nice cut, where is that knife from?"

// BenchmarkFigureAppend measures comments. They are the most frequent events, and their texts must be encrypted.
func BenchmarkFigureAppend(b *testing.B) {
	for b.Loop() {
		l := newBenchLog(b, 1000)
		l.owner(bareTable)
		got := measureInTurns(b,
			contender{"bare, 32 connections", l.bare(32, l.say(remark))},
			contender{"append, 256 callers", l.comments(256)},
			contender{"append, 32 callers", l.comments(32)},
			contender{"bare, 1 connection", l.bare(1, l.say(remark))},
			contender{"append, 1 caller", l.comments(1)},
		)
		b.ReportMetric(got.ratio("append, 256 callers", "bare, 32 connections"), "append_256_ratio")
		b.ReportMetric(got.ratio("append, 32 callers", "bare, 32 connections"), "append_32_ratio")
		b.ReportMetric(got.ratio("append, 1 caller", "bare, 1 connection"), "append_1_ratio")
	}
}

// BenchmarkFigureHistoryCheck measures what the check of the history costs. The check is a part of the statement that
// reads the head of the log.
func BenchmarkFigureHistoryCheck(b *testing.B) {
	for b.Loop() {
		l := newBenchLog(b, 1000)
		l.stop()
		with := func(checked bool) func() float64 {
			return func() float64 {
				q := *l
				q.testLog = &testLog{t: b, db: l.db, store: l.store}
				q.prepare = func(s *eventstore.Sequencer) {
					if !checked {
						eventstore.SkipHistoryCheck(s)
					}
				}
				q.run(eventstore.SequencerConfig{})
				defer q.stop()
				return q.comments(256)()
			}
		}
		checked, unchecked := contender{"with the check", with(true)}, contender{"without", with(false)}
		got := append(measureInTurns(b, checked, unchecked), measureInTurns(b, unchecked, checked)...) // measured in both orders, so that neither is always the first
		b.ReportMetric(got.ratio("with the check", "without"), "history_check_ratio")
	}
}

// BenchmarkFigureOldSnapshot measures appends while an old database snapshot prevents PostgreSQL from removing dead
// rows. A row that is updated for every batch would become slow; inserted rows do not. The benchmark compares appends
// with plain inserts before and during the snapshot, so that the load of the machine cancels out.
func BenchmarkFigureOldSnapshot(b *testing.B) {
	for b.Loop() {
		l := newBenchLog(b, 1000)
		l.owner(bareTable)
		bare, appended := contender{"bare, 32 connections", l.bare(32, l.say(remark))}, contender{"append, 256 callers", l.comments(256)}
		before := measureInTurns(b, bare, appended).ratio(appended.name, bare.name)
		old, err := l.db.Owner.BeginTx(context.Background(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := old.Exec(context.Background(), "SELECT count(*) FROM events"); err != nil {
			b.Fatal(err)
		}
		for opened := time.Now(); time.Since(opened) < 60*time.Second; {
			appended.rate()
		}
		under := measureInTurns(b, bare, appended).ratio(appended.name, bare.name)
		if err := old.Rollback(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(under/before, "append_old_snapshot_ratio")
	}
}

// BenchmarkFigureTraces measures what traces cost an append: without a tracer, with one that samples a tenth, and with one that samples
// everything. The spans are sent to a receiver in the same process, so that its work counts, too.
func BenchmarkFigureTraces(b *testing.B) {
	for b.Loop() {
		l := newBenchLog(b, 1000)
		l.stop()
		receiver := tracetest.Start(b)
		with := func(ratio float64) func() float64 {
			return func() float64 {
				config := tracing.Config{Now: time.Now}
				if ratio > 0 {
					config.Settings = tracing.Settings{OTLPEndpoint: receiver.URL, OTLPSampleRatio: ratio}
				}
				tracer, err := tracing.New(config)
				if err != nil {
					b.Fatal(err)
				}
				ctx, stop := context.WithCancel(context.Background())
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					if tracer != nil {
						_ = tracer.Run(ctx)
					}
				}()
				q := *l
				q.testLog = &testLog{t: b, db: l.db, store: l.store}
				q.run(eventstore.SequencerConfig{Tracer: tracer})
				defer func() { q.stop(); stop(); <-ended }()
				return q.comments(256)()
			}
		}
		off, tenth, all := contender{"off", with(0)}, contender{"a tenth", with(0.1)}, contender{"all", with(1)}
		got := append(measureInTurns(b, off, tenth, all), measureInTurns(b, all, tenth, off)...) // measured in both orders, so that neither is always the first
		b.ReportMetric(got.ratio("a tenth", "off"), "append_traces_tenth_ratio")
		b.ReportMetric(got.ratio("all", "off"), "append_traces_all_ratio")
	}
}
