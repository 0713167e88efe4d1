package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/waittest"
)

func TestFullQueueReturnsErrBusy(t *testing.T) {
	t.Parallel()
	l := openLog(t, pgtest.New(t), eventstore.SequencerConfig{QueueSize: 3})
	release := l.holdLock()
	list := domain.Request{Command: domain.AddGift{Name: "rose", Price: 1}, Actor: operator}
	accepted := []<-chan answer{l.begin(list)}
	eventually(t, "the sequencer waits for the lock", func() bool { return l.lockWaiters() == 1 })
	for i := range 3 {
		accepted = append(accepted, l.begin(list))
		eventually(t, "the request is in the queue", func() bool { return l.sequencer.Stats().Queued == i+1 })
	}
	if _, err := l.sequencer.Execute(t.Context(), list); !errors.Is(err, eventstore.ErrBusy) { // the queue is full while the lock is held
		t.Fatalf("got %v", err)
	}
	release()
	for _, pending := range accepted {
		if a := waittest.Receive(t, pending, "an answer"); a.err != nil {
			t.Error(a.err)
		}
	}
	if gifts := len(l.verified()); gifts != 4 {
		t.Fatalf("%d events, want the 4 that were accepted", gifts)
	}
	l.execute(list) // the queue is no longer full
}

func TestShutdownExecutesQueuedRequests(t *testing.T) {
	t.Parallel()
	l := openLog(t, pgtest.New(t), eventstore.SequencerConfig{BatchSize: 4})
	release := l.holdLock()
	list := func(i int) domain.Request {
		return domain.Request{Command: domain.AddGift{Name: fmt.Sprint("gift ", i), Price: 1}, Actor: operator}
	}
	accepted := []<-chan answer{l.begin(list(0))}
	eventually(t, "the sequencer waits for the lock", func() bool { return l.lockWaiters() == 1 })
	for i := range 20 {
		accepted = append(accepted, l.begin(list(i+1)))
	}
	eventually(t, "the requests are in the queue", func() bool { return l.sequencer.Stats().Queued == 20 })
	stopped := make(chan struct{})
	go func() { l.stop(); close(stopped) }()
	release()
	waittest.Receive(t, stopped, "the end of the sequencer")
	for _, pending := range accepted {
		if a := waittest.Receive(t, pending, "an answer"); a.err != nil {
			t.Error(a.err)
		}
	}
	if n := len(l.verified()); n != 21 {
		t.Errorf("%d events, want 21", n)
	}
	if _, err := l.sequencer.Execute(t.Context(), list(99)); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

func TestAbandonedRequestIsNotExecuted(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	release := l.holdLock()
	decoy := l.begin(domain.Request{Command: domain.AddGift{Name: "decoy", Price: 1}, Actor: operator})
	eventually(t, "the sequencer waits for the lock", func() bool { return l.lockWaiters() == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := l.sequencer.Execute(ctx, domain.Request{Command: domain.AddGift{Name: "rose", Price: 1}, Actor: operator})
		left <- err
	}()
	eventually(t, "the request is in the queue", func() bool { return l.sequencer.Stats().Queued == 1 })
	cancel()
	if err := waittest.Receive(t, left, "the end of the request"); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	release()
	waittest.Receive(t, decoy, "the answer to the decoy")
	l.do(domain.AddGift{Name: "tulip", Price: 1})
	events := l.verified()
	if len(events) != 2 || events[1].Event.(domain.GiftAdded).Name != "tulip" {
		t.Fatalf("got %+v", events)
	}
}

func TestInvalidRequestsAreNotQueued(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store, err := eventstore.Open(t.Context(), db.Pool, eventstore.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	idle := eventstore.NewSequencer(store, eventstore.SequencerConfig{QueueSize: 1}) // a sequencer that never runs
	for name, r := range map[string]domain.Request{
		"no command":           {Actor: operator},
		"a NUL in a name":      {Command: domain.RegisterUser{Username: "a", NameKey: "\x00"}},
		"a long order":         {Command: domain.PayOrder{Order: domain.OrderID(make([]byte, 1000))}, Actor: provider},
		"a NUL in a key":       {Command: domain.AddGift{Name: "a", Price: 1}, Actor: operator, IdempotencyKey: "a\x00"},
		"a long key":           {Command: domain.AddGift{Name: "a", Price: 1}, Actor: operator, IdempotencyKey: fmt.Sprintf("%65d", 1)},
		"a NUL as a cause":     {Command: domain.AddGift{Name: "a", Price: 1}, Actor: operator, Causation: "\x00"},
		"a long correlation":   {Command: domain.AddGift{Name: "a", Price: 1}, Actor: operator, Correlation: fmt.Sprintf("%201d", 1)},
		"a key of just anyone": {Command: domain.SignIn{User: 1, Session: "s"}, IdempotencyKey: "k"},
	} {
		if _, err := idle.Execute(t.Context(), r); domain.AsRefusal(err) == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := idle.Stats().Queued; n != 0 {
		t.Errorf("%d are in the queue, want 0", n)
	}
}

// TestUnreachableDatabaseReturnsErrUnavailableAfterTheTimeout uses a pool for an address without a server.
func TestUnreachableDatabaseReturnsErrUnavailableAfterTheTimeout(t *testing.T) {
	t.Parallel()
	proxy := startProxy(t, pgtest.New(t))
	l := proxy.open(eventstore.Config{Now: time.Now}, eventstore.SequencerConfig{Timeout: 500 * time.Millisecond, BatchSize: 2})
	list := domain.Request{Command: domain.AddGift{Name: "rose", Price: 1}, Actor: operator}
	l.execute(list)
	proxy.shut()
	began := time.Now()
	var pending []<-chan answer
	for range 10 {
		pending = append(pending, l.begin(list))
	}
	for _, p := range pending {
		if a := waittest.Receive(t, p, "an answer"); !errors.Is(a.err, eventstore.ErrUnavailable) && !errors.Is(a.err, eventstore.ErrOutcomeUnknown) {
			t.Fatalf("got %+v", a)
		}
	}
	if took := time.Since(began); took < 400*time.Millisecond { // time passes: a slow machine needs longer
		t.Errorf("it took %s only", took)
	}
	before := l.sequencer.Stats().Retries
	if _, err := l.sequencer.Execute(t.Context(), list); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if tries := l.sequencer.Stats().Retries - before; tries > 1 {
		t.Errorf("the sequencer tried the unreachable database %d times", tries)
	}
	proxy.reopen()
	eventually(t, "the server works again", func() bool {
		_, err := l.sequencer.Execute(t.Context(), list)
		return err == nil
	})
	l.recovered()
	l.verified()
}

func TestShutdownWithoutADatabase(t *testing.T) {
	t.Parallel()
	proxy := startProxy(t, pgtest.New(t))
	l := proxy.open(eventstore.Config{Now: time.Now}, eventstore.SequencerConfig{Timeout: time.Hour, DrainTimeout: 300 * time.Millisecond})
	list := domain.Request{Command: domain.AddGift{Name: "rose", Price: 1}, Actor: operator}
	l.execute(list)
	proxy.shut()
	pending := []<-chan answer{l.begin(list), l.begin(list)}
	eventually(t, "the sequencer has tried", func() bool { return l.sequencer.Stats().Retries > 0 })
	l.stop() // the sequencer is stopped long before the timeout
	for _, p := range pending {
		if a := waittest.Receive(t, p, "an answer"); a.err == nil {
			t.Error("carried out without a database")
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	if _, err := eventstore.Open(t.Context(), db.Pool, eventstore.Config{}); err == nil {
		t.Error("opened without a clock")
	}
	blank, err := eventstore.OpenPool(t.Context(), pgtest.Blank(t), eventstore.PoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer blank.Close()
	if _, err := eventstore.Open(t.Context(), blank, eventstore.Config{Now: time.Now}); err == nil {
		t.Error("opened a database without a log")
	}
	if _, err := db.Owner.Exec(t.Context(), "ALTER TABLE store DISABLE TRIGGER ALL; UPDATE store SET format = 2"); err != nil {
		t.Fatal(err)
	}
	if _, err := eventstore.Open(t.Context(), db.Pool, eventstore.Config{Now: time.Now}); err == nil {
		t.Error("opened a log of another format")
	}
}

func TestOpenPool(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 3, Name: "a door"})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var user, path, zone, name string
	err = pool.QueryRow(t.Context(), `SELECT current_user, current_setting('search_path'), current_setting('timezone'),
		current_setting('application_name')`).Scan(&user, &path, &zone, &name)
	if err != nil || db.Serving && user != eventstore.ServingRole || path != "read,public" || zone != "UTC" || name != "a door" {
		t.Fatalf("got %s %s %s %s, %v", user, path, zone, name, err)
	}
	if n := pool.Config().MaxConns; n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	if _, err := eventstore.OpenPool(t.Context(), "postgres://"+closed.Addr().String()+"/x?sslmode=disable", eventstore.PoolOptions{}); err == nil {
		t.Error("a pool was opened without a database")
	}
	if _, err := eventstore.OpenPool(t.Context(), "host=", eventstore.PoolOptions{MaxConns: -1}); err == nil {
		t.Error("opened a pool without an address")
	}
}
