package eventstore_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/waittest"
)

// logLock is the key of the advisory lock of the log.
const logLock = 0x6c6f67

// verified checks the invariants that hold for every log, and returns the events of the log.
func (l *testLog) verified() []eventstore.Record {
	l.t.Helper()
	events := l.all()
	if err := verifyEvents(events); err != nil {
		l.t.Fatal(err)
	}
	return events
}

func verifyEvents(events []eventstore.Record) error {
	versions := make(map[domain.Stream]int)
	balances := make(map[domain.Account]domain.Coins)
	ids := make(map[string]bool)
	var newest time.Time
	for i, r := range events {
		versions[r.Stream]++
		switch {
		case r.Position != int64(i)+1:
			return fmt.Errorf("position %d follows %d", r.Position, i)
		case r.Version != versions[r.Stream]:
			return fmt.Errorf("position %d: version %d of %s where %d was due", r.Position, r.Version, r.Stream, versions[r.Stream])
		case r.RecordedAt.Before(newest) && !r.Metadata.ClockSetBack:
			return fmt.Errorf("position %d was recorded at %s, before the one it follows, %s", r.Position, r.RecordedAt, newest)
		case ids[r.ID.String()]:
			return fmt.Errorf("position %d has the id of another event", r.Position)
		}
		newest, ids[r.ID.String()] = r.RecordedAt, true
		if err := post(r, balances); err != nil {
			return fmt.Errorf("position %d: %w", r.Position, err)
		}
	}
	return nil
}

// post adds the postings of an event to the balances of the accounts.
func post(r eventstore.Record, balances map[domain.Account]domain.Coins) error {
	moves, ok := r.Event.(domain.CoinEvent)
	if !ok {
		return nil
	}
	sum := domain.Coins(0)
	for _, p := range moves.EventPostings() {
		sum += p.Amount
		balances[p.Account] += p.Amount
		if balances[p.Account] < 0 && !slices.Contains([]domain.Account{domain.ProviderAccount, domain.OperatorAccount, domain.CorrectionAccount}, p.Account) {
			return fmt.Errorf("%s has %d coins", p.Account, balances[p.Account])
		}
	}
	if sum != 0 {
		return fmt.Errorf("the postings do not balance: %d", sum)
	}
	var of domain.UserID
	var results domain.Coins
	switch e := r.Event.(type) {
	case domain.GiftSent:
		of, results = e.Sender, e.BalanceAfter
	case domain.CoinsCredited:
		of, results = e.User, e.BalanceAfter
	}
	if has := balances[domain.WalletAccount(of)]; has != results {
		return fmt.Errorf("user %d has %d coins, want %d as in the event", of, has, results)
	}
	return nil
}

// holdLock takes the lock of the log, which blocks all sequencers until release is called.
func (l *testLog) holdLock() (release func()) {
	l.t.Helper()
	tx, err := l.db.Owner.Begin(context.Background())
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := tx.Exec(context.Background(), "SELECT pg_advisory_xact_lock($1)", logLock); err != nil {
		l.t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(context.Background()); err != nil {
			l.t.Error(err)
		}
	}
}

// lockWaiters returns how many database backends wait for the lock of the log.
func (l *testLog) lockWaiters() (n int) {
	l.t.Helper()
	err := l.db.Owner.QueryRow(context.Background(), `
		SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND objid = $1`, logLock).Scan(&n)
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

// answer is the result of Execute.
type answer struct {
	receipt eventstore.Receipt
	err     error
}

// executeTogether executes the requests in one batch, in this order.
func (l *testLog) executeTogether(requests ...domain.Request) []answer {
	l.t.Helper()
	release := l.holdLock()
	before := l.sequencer.Stats()
	decoy := l.begin(domain.Request{Command: domain.AddGift{Name: "decoy", Price: 1}, Actor: operator})
	eventually(l.t, "the sequencer waits for the lock", func() bool { return l.lockWaiters() > 0 })
	pending := make([]<-chan answer, len(requests))
	for i, r := range requests {
		pending[i] = l.begin(r)
		eventually(l.t, "the request is in the queue", func() bool { return l.sequencer.Stats().Queued == i+1 })
	}
	release()
	waittest.Receive(l.t, decoy, "the answer to the decoy")
	answers := make([]answer, len(requests))
	for i := range pending {
		answers[i] = waittest.Receive(l.t, pending[i], "an answer")
	}
	if after := l.sequencer.Stats(); after.Retries == before.Retries && after.Batches != before.Batches+2 {
		l.t.Fatalf("%d batches instead of 2: the requests were not together", after.Batches-before.Batches)
	}
	return answers
}

// begin executes a request in the background.
func (l *testLog) begin(r domain.Request) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		receipt, err := l.sequencer.Execute(context.Background(), r)
		done <- answer{receipt, err}
	}()
	return done
}

func TestVerifyDetectsInvalidLogs(t *testing.T) {
	t.Parallel()
	good := func() []eventstore.Record {
		l := newLog(t)
		user := l.register("user")
		l.credit(user, 10, "o1")
		return l.all()
	}()
	for name, spoil := range map[string]func(events []eventstore.Record){
		"a position is missing": func(events []eventstore.Record) { events[3].Position++ },
		"a version is missing":  func(events []eventstore.Record) { events[3].Version++ },
		"time runs backwards":   func(events []eventstore.Record) { events[3].RecordedAt = events[3].RecordedAt.Add(-time.Hour) },
		"an event comes twice":  func(events []eventstore.Record) { events[3].ID = events[2].ID },
		"coins come from nowhere": func(events []eventstore.Record) {
			e := events[5].Event.(domain.CoinsCredited)
			e.Postings = e.Postings[:1]
			events[5].Event = e
		},
		"a balance is wrong": func(events []eventstore.Record) {
			e := events[5].Event.(domain.CoinsCredited)
			e.BalanceAfter++
			events[5].Event = e
		},
	} {
		events := append([]eventstore.Record(nil), good...)
		if err := verifyEvents(events); err != nil {
			t.Fatal(err)
		}
		if spoil(events); verifyEvents(events) == nil {
			t.Errorf("not noticed: %s", name)
		}
	}
}
