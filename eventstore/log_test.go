package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/internal/waittest"
)

var readAll = eventstore.Query{Limit: 5000}

var (
	operator = domain.Actor{Kind: domain.Operator}
	provider = domain.Actor{Kind: domain.PaymentProvider}
)

// snapshotKeys are the keys of the checksums of snapshots. All processes of a test share them.
var snapshotKeys = [][]byte{[]byte("the key of the snapshots")}

// testLog is a log with a running sequencer.
type testLog struct {
	t         testing.TB
	db        *pgtest.DB
	store     *eventstore.Store
	sequencer *eventstore.Sequencer
	prepare   func(*eventstore.Sequencer) // called before the sequencer runs; may be nil
	stop      func()                      // stops the sequencer and waits for it, as the end of the test does
	impatient bool                        // whether the test has set SequencerConfig.Timeout
}

func newLog(t testing.TB) *testLog {
	t.Helper()
	return openLog(t, pgtest.New(t), eventstore.SequencerConfig{})
}

// openLog opens the log in db with its own pool and its own sequencer, as another process would.
func openLog(t testing.TB, db *pgtest.DB, c eventstore.SequencerConfig) *testLog {
	t.Helper()
	return openLogAs(t, db, eventstore.Config{Now: time.Now}, c)
}

func openLogAs(t testing.TB, db *pgtest.DB, c eventstore.Config, sc eventstore.SequencerConfig) *testLog {
	t.Helper()
	l := openStore(t, db, c)
	l.run(sc)
	return l
}

// openStore opens the log in db with its own pool, as a server would.
func openStore(t testing.TB, db *pgtest.DB, c eventstore.Config) *testLog {
	t.Helper()
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 8, Name: "roomlog test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if c.SnapshotKeys == nil {
		c.SnapshotKeys = snapshotKeys
	}
	store, err := eventstore.Open(t.Context(), pool, c)
	if err != nil {
		t.Fatal(err)
	}
	return &testLog{t: t, db: db, store: store}
}

// openFailover opens the log of a database that can fail over.
func openFailover(t testing.TB, d *failover.Database, c eventstore.Config) *testLog {
	t.Helper()
	pool, err := eventstore.OpenPool(t.Context(), d.DSN(), eventstore.PoolOptions{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := eventstore.Open(t.Context(), pool, c)
	if err != nil {
		t.Fatal(err)
	}
	return &testLog{t: t, store: store}
}

// run starts a sequencer.
func (l *testLog) run(c eventstore.SequencerConfig) {
	l.sequencer, l.impatient = eventstore.NewSequencer(l.store, c), c.Timeout > 0
	if l.prepare != nil {
		l.prepare(l.sequencer)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if err := l.sequencer.Run(ctx); err != nil {
			l.t.Error(err)
		}
	}()
	l.stop = func() { cancel(); <-stopped }
	l.t.Cleanup(l.stop)
}

// execute executes a request. If the test has set the timeout, a slow machine may need longer: after ErrUnavailable the command was not
// executed, and execute repeats it.
func (l *testLog) execute(r domain.Request) eventstore.Receipt {
	l.t.Helper()
	deadline := time.Now().Add(waittest.Timeout)
	receipt, err := l.sequencer.Execute(context.Background(), r)
	for l.impatient && errors.Is(err, eventstore.ErrUnavailable) && time.Now().Before(deadline) {
		l.t.Logf("%s is executed again: %v", r.Command.Type(), err)
		receipt, err = l.sequencer.Execute(context.Background(), r)
	}
	if err != nil {
		l.t.Fatalf("%s: %v", r.Command.Type(), err)
	}
	return receipt
}

// refused executes a request and checks that it is refused with code.
func (l *testLog) refused(r domain.Request, code domain.Code) {
	l.t.Helper()
	_, err := l.sequencer.Execute(context.Background(), r)
	if no := domain.AsRefusal(err); no == nil || no.Code != code {
		l.t.Fatalf("%s: got %v, want %s", r.Command.Type(), err, code)
	}
}

// do executes a command as an operator.
func (l *testLog) do(c domain.Command) eventstore.Receipt {
	l.t.Helper()
	return l.execute(domain.Request{Command: c, Actor: operator})
}

// testUser is a user who is signed in.
type testUser struct {
	id domain.UserID
	by domain.Actor
}

// request returns a request with the command, issued by the user.
func (p testUser) request(c domain.Command) domain.Request {
	return domain.Request{Command: c, Actor: p.by}
}

// keyedRequest returns a request with the command and an idempotency key, issued by the user.
func (p testUser) keyedRequest(key string, c domain.Command) domain.Request {
	return domain.Request{Command: c, Actor: p.by, IdempotencyKey: key}
}

// register creates a user and signs the user in.
func (l *testLog) register(name string) testUser {
	l.t.Helper()
	r := l.execute(domain.Request{Command: domain.RegisterUser{
		Username: name, NameKey: l.store.NameKey(name), Credential: "00000000-0000-4000-8000-000000000000",
	}})
	id := r.Events[0].Event.(domain.UserRegistered).User
	return l.signIn(id, "session of "+name)
}

func (l *testLog) signIn(id domain.UserID, session string) testUser {
	l.t.Helper()
	l.execute(domain.Request{Command: domain.SignIn{User: id, Session: session}})
	return testUser{id, domain.AuthenticatedActor(id, session)}
}

// onAir creates a live and starts it.
func (l *testLog) onAir(streamer testUser) domain.LiveID {
	l.t.Helper()
	r := l.execute(streamer.request(domain.CreateLive{Title: "cooking", StreamKey: strings.Repeat("k", 20)}))
	live := r.Events[0].Event.(domain.LiveCreated).Live
	l.execute(streamer.request(domain.ChangeLiveStatus{Live: live, To: domain.LivePlay}))
	return live
}

// list adds a gift to the gift catalogue.
func (l *testLog) list(price domain.Coins) domain.GiftID {
	l.t.Helper()
	return l.do(domain.AddGift{Name: "rose", Price: price, Image: "https://x/rose.png"}).Events[0].Event.(domain.GiftAdded).Gift
}

// credit adds coins to the wallet of a user.
func (l *testLog) credit(p testUser, coins domain.Coins, order string) {
	l.t.Helper()
	l.do(domain.CreditCoins{Order: domain.OrderID(order), User: p.id, Coins: coins})
}

// fixture is a live on air, a gift, and users with coins.
type fixture struct {
	live  domain.LiveID
	gift  domain.GiftID
	users []testUser
}

// fixture creates a live on air, a gift of 10 coins, and users with coins.
func (l *testLog) fixture(users int, coins domain.Coins) fixture {
	l.t.Helper()
	p := fixture{live: l.onAir(l.register("streamer")), gift: l.list(10)}
	for i := range users {
		u := l.register(fmt.Sprintf("user %d", i))
		if coins > 0 {
			l.credit(u, coins, fmt.Sprintf("party-%d", i))
		}
		p.users = append(p.users, u)
	}
	return p
}

// give returns a command that sends num gifts to the live.
func (p fixture) give(num int) domain.SendGift {
	return domain.SendGift{Live: p.live, Gift: p.gift, Num: num}
}

// say returns a command that posts a comment in the live.
func (p fixture) say(text string) domain.PostComment {
	return domain.PostComment{Live: p.live, Text: text}
}

// recovered waits until the log can be read after a fault. It retries, because a pool notices its dead connections one
// by one.
func (l *testLog) recovered() {
	l.t.Helper()
	eventually(l.t, "the log can be read again", func() bool {
		_, err := l.store.Head(context.Background())
		return err == nil
	})
}

// all returns all events of the log.
func (l *testLog) all() []eventstore.Record {
	l.t.Helper()
	var events []eventstore.Record
	for {
		page, err := l.store.Read(context.Background(), eventstore.Query{After: int64(len(events)), Limit: 5000})
		if err != nil {
			l.t.Fatal(err)
		}
		if events = append(events, page.Events...); page.Next == page.Head {
			return events
		}
	}
}

// eventually waits until is() returns true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}
