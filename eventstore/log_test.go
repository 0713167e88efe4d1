package eventstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

var readAll = eventstore.Query{Limit: 5000}

var (
	operator = domain.Actor{Kind: domain.Operator}
	provider = domain.Actor{Kind: domain.PaymentProvider}
)

// testLog is a log with a running sequencer.
type testLog struct {
	t         testing.TB
	db        *pgtest.DB
	store     *eventstore.Store
	sequencer *eventstore.Sequencer
	stop      func() // ends the sequencer and waits for it; the end of the test does so too
}

func newLog(t testing.TB) *testLog {
	t.Helper()
	return openLog(t, pgtest.New(t), eventstore.SequencerConfig{})
}

// openLog opens the log in db as another process would: with a pool and a sequencer of its own.
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

// openStore opens the log in db with a pool of its own, as a serving process does.
func openStore(t testing.TB, db *pgtest.DB, c eventstore.Config) *testLog {
	t.Helper()
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 8, Name: "roomlog test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := eventstore.Open(t.Context(), pool, c)
	if err != nil {
		t.Fatal(err)
	}
	return &testLog{t: t, db: db, store: store}
}

// run starts a sequencer.
func (l *testLog) run(c eventstore.SequencerConfig) {
	l.sequencer = eventstore.NewSequencer(l.store, c)
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

func (l *testLog) execute(r domain.Request) eventstore.Receipt {
	l.t.Helper()
	receipt, err := l.sequencer.Execute(context.Background(), r)
	if err != nil {
		l.t.Fatalf("%s: %v", r.Command.Type(), err)
	}
	return receipt
}

// refused executes what the rules refuse.
func (l *testLog) refused(r domain.Request, code domain.Code) {
	l.t.Helper()
	_, err := l.sequencer.Execute(context.Background(), r)
	if no := domain.AsRefusal(err); no == nil || no.Code != code {
		l.t.Fatalf("%s: got %v, want %s", r.Command.Type(), err, code)
	}
}

// do executes what an operator asks for.
func (l *testLog) do(c domain.Command) eventstore.Receipt {
	l.t.Helper()
	return l.execute(domain.Request{Command: c, Actor: operator})
}

// person is somebody who is signed in.
type person struct {
	id domain.UserID
	by domain.Actor
}

// asks is a request of a person.
func (p person) asks(c domain.Command) domain.Request { return domain.Request{Command: c, Actor: p.by} }

// keyed is a request with an idempotency key.
func (p person) keyed(key string, c domain.Command) domain.Request {
	return domain.Request{Command: c, Actor: p.by, IdempotencyKey: key}
}

// register makes an account and signs it in.
func (l *testLog) register(name string) person {
	l.t.Helper()
	r := l.execute(domain.Request{Command: domain.RegisterUser{
		Username: name, NameKey: l.store.NameKey(name), Credential: "00000000-0000-4000-8000-000000000000",
	}})
	id := r.Events[0].Event.(domain.UserRegistered).User
	return l.signIn(id, "session of "+name)
}

func (l *testLog) signIn(id domain.UserID, session string) person {
	l.t.Helper()
	l.execute(domain.Request{Command: domain.SignIn{User: id, Session: session}})
	return person{id, domain.AuthenticatedActor(id, session)}
}

// onAir makes a room and puts it on air.
func (l *testLog) onAir(streamer person) domain.LiveID {
	l.t.Helper()
	r := l.execute(streamer.asks(domain.CreateLive{Title: "cooking", StreamKey: strings.Repeat("k", 20)}))
	live := r.Events[0].Event.(domain.LiveCreated).Live
	l.execute(streamer.asks(domain.ChangeLiveStatus{Live: live, To: domain.LivePlay}))
	return live
}

// list puts a gift on the shelf.
func (l *testLog) list(price domain.Coins) domain.GiftID {
	l.t.Helper()
	return l.do(domain.AddGift{Name: "rose", Price: price, Image: "rose.png"}).Events[0].Event.(domain.GiftAdded).Gift
}

// credit gives somebody coins.
func (l *testLog) credit(p person, coins domain.Coins, order string) {
	l.t.Helper()
	l.do(domain.CreditCoins{Order: domain.OrderID(order), User: p.id, Coins: coins})
}

// party is a room on air with a gift on the shelf and people with coins in it.
type party struct {
	live   domain.LiveID
	gift   domain.GiftID
	people []person
}

// party gives so many people so many coins each; a gift costs 10.
func (l *testLog) party(people int, coins domain.Coins) party {
	l.t.Helper()
	p := party{live: l.onAir(l.register("streamer")), gift: l.list(10)}
	for i := range people {
		guest := l.register(fmt.Sprintf("guest %d", i))
		if coins > 0 {
			l.credit(guest, coins, fmt.Sprintf("party-%d", i))
		}
		p.people = append(p.people, guest)
	}
	return p
}

// give is one gift in the party's room.
func (p party) give(num int) domain.SendGift {
	return domain.SendGift{Live: p.live, Gift: p.gift, Num: num}
}

// say is a comment in the party's room.
func (p party) say(text string) domain.PostComment {
	return domain.PostComment{Live: p.live, Text: text}
}

// recovered waits until the log can be read again after a fault: a pool finds out one connection after
// another which of them are dead.
func (l *testLog) recovered() {
	l.t.Helper()
	eventually(l.t, "the log can be read again", func() bool {
		_, err := l.store.Head(context.Background())
		return err == nil
	})
}

// all answers the whole log.
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

// eventually waits until something is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}
