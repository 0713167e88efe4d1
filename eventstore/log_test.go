package eventstore_test

import (
	"context"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

var readAll = eventstore.Query{Limit: 5000}

// testLog is a log with a running sequencer.
type testLog struct {
	t         testing.TB
	db        *pgtest.DB
	store     *eventstore.Store
	sequencer *eventstore.Sequencer
}

func newLog(t testing.TB) *testLog {
	t.Helper()
	return openLog(t, pgtest.New(t), eventstore.SequencerConfig{})
}

func openLog(t testing.TB, db *pgtest.DB, c eventstore.SequencerConfig) *testLog {
	t.Helper()
	store, err := eventstore.Open(t.Context(), db.Pool, eventstore.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	l := &testLog{t, db, store, eventstore.NewSequencer(store, c)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan error)
	go func() { stopped <- l.sequencer.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return l
}

func (l *testLog) execute(r domain.Request) eventstore.Receipt {
	l.t.Helper()
	receipt, err := l.sequencer.Execute(l.t.Context(), r)
	if err != nil {
		l.t.Fatalf("%s: %v", r.Command.Type(), err)
	}
	return receipt
}
