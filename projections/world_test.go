package projections_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/projections"
)

// patience bounds every wait of a test.
const patience = 20 * time.Second

var operator = domain.Actor{Kind: domain.Operator}

// world is one log with a sequencer, and what a process has to do with its tables.
type world struct {
	testing.TB
	db        *pgtest.DB
	pool      *pgxpool.Pool
	store     *eventstore.Store
	sequencer *eventstore.Sequencer
	queries   *projections.Queries
}

func newWorld(t testing.TB) *world { return openWorld(t, pgtest.New(t), eventstore.Config{}, "first") }

// another opens the same database as another process: its pool, store, sequencer and bells are its own.
func (w *world) another() *world {
	w.Helper()
	return openWorld(w, w.db, eventstore.Config{}, "another")
}

func openWorld(t testing.TB, db *pgtest.DB, c eventstore.Config, name string) *world {
	t.Helper()
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 8, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if c.Now == nil {
		c.Now = time.Now
	}
	store, err := eventstore.Open(t.Context(), pool, c)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, db: db, pool: pool, store: store, queries: projections.NewQueries(pool)}
	w.sequencer = eventstore.NewSequencer(store, eventstore.SequencerConfig{})
	w.start(w.sequencer.Run)
	return w
}

// start runs something until the test ends, or until the returned function is called.
func (w *world) start(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil {
			w.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	w.Cleanup(stop)
	return stop
}

// owner answers a pool of the database's owner.
func (w *world) owner() *pgxpool.Pool {
	w.Helper()
	pool, err := eventstore.OpenPool(w.Context(), w.db.DSN, eventstore.PoolOptions{MaxConns: 4})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(pool.Close)
	return pool
}

// quiet is a configuration for tests: it logs where a failing test shows it.
func (w *world) projector(c projections.ProjectorConfig) *projections.Projector {
	c.Now = time.Now
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(testLog{w}, nil))
	}
	return projections.NewProjector(w.store, c)
}

// project runs a projector until the test ends.
func (w *world) project() (stop func()) {
	return w.start(w.projector(projections.ProjectorConfig{}).Run)
}

type testLog struct{ testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	if l.Context().Err() == nil {
		l.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

var _ io.Writer = testLog{}

// execute has a command carried out.
func (w *world) execute(r domain.Request) eventstore.Receipt {
	w.Helper()
	receipt, err := w.sequencer.Execute(context.Background(), r)
	if err != nil {
		w.Fatalf("%s: %v", r.Command.Type(), err)
	}
	return receipt
}

// do carries out what an operator asks for.
func (w *world) do(c domain.Command) eventstore.Receipt {
	w.Helper()
	return w.execute(domain.Request{Command: c, Actor: operator})
}

// person is somebody who is signed in.
type person struct {
	*world
	id      domain.UserID
	session string
}

func (p person) actor() domain.Actor { return domain.AuthenticatedActor(p.id, p.session) }

func (p person) asks(c domain.Command) eventstore.Receipt {
	p.Helper()
	return p.execute(domain.Request{Command: c, Actor: p.actor()})
}

// register makes a person and signs them in.
func (w *world) register(name string) person {
	w.Helper()
	r := w.execute(domain.Request{Command: domain.RegisterUser{
		Username: name, NameKey: w.store.NameKey(name), Credential: uuid.NewString(),
	}})
	id := r.Events[0].Event.(domain.UserRegistered).User
	return w.signIn(id)
}

func (w *world) signIn(id domain.UserID) person {
	w.Helper()
	session := uuid.NewString()
	w.execute(domain.Request{Command: domain.SignIn{User: id, Session: session}})
	return person{w, id, session}
}

// goLive makes a room of p's and puts it on air.
func (p person) goLive(title string) domain.LiveID {
	p.Helper()
	id := p.create(title)
	p.asks(domain.ChangeLiveStatus{Live: id, To: domain.LivePlay})
	return id
}

func (p person) create(title string) domain.LiveID {
	p.Helper()
	key := strings.ReplaceAll(uuid.NewString(), "-", "")[:20]
	r := p.asks(domain.CreateLive{Title: title, Cover: "https://example.com/c.png", StreamKey: key})
	return r.Events[0].Event.(domain.LiveCreated).Live
}

// credit gives p coins.
func (p person) credit(coins domain.Coins) eventstore.Receipt {
	p.Helper()
	return p.do(domain.CreditCoins{Order: domain.OrderID(uuid.NewString()), User: p.id, Coins: coins})
}

// list puts a gift on the shelf.
func (w *world) list(name string, price domain.Coins) domain.GiftID {
	w.Helper()
	return w.do(domain.AddGift{Name: name, Price: price}).Events[0].Event.(domain.GiftAdded).Gift
}

// head answers the end of the log.
func (w *world) head() int64 {
	w.Helper()
	head, err := w.store.Head(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return head
}

// checkpoint answers where the tables are.
func (w *world) checkpoint() (position, generation int64) {
	w.Helper()
	err := w.db.Owner.QueryRow(w.Context(), "SELECT coalesce(max(position), 0), coalesce(max(generation), 0) FROM public.checkpoint WHERE consumer_group = 'projections'").Scan(&position, &generation)
	if err != nil {
		w.Fatal(err)
	}
	return position, generation
}

// caughtUp waits until the tables have everything that is in the log now.
func (w *world) caughtUp() {
	w.Helper()
	head := w.head()
	w.eventually(func() error {
		if position, _ := w.checkpoint(); position < head {
			return fmt.Errorf("the tables are at %d of %d", position, head)
		}
		return nil
	})
}

// eventually asks again and again until the answer is nil.
func (w *world) eventually(ask func() error) {
	w.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("after %v still: %v", patience, err)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// exec changes the database behind roomlog's back, as its owner.
func (w *world) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.db.Owner.Exec(context.Background(), sql, args...); err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
}

// tables are the read tables, in the order of their names; poison and projection are the program's own.
var tables = []string{
	"broadcast", "chat_membership", "chat_room", "coin", "coin_movement", "comment", "email", "gift", "gift_record",
	"live", "live_coin", "live_online", "look_count", "message", "message_chat_room", "participant", "poison", "projection",
	"recording", "session", "user_account", "viewer",
}

// dump answers all rows of all read tables in a schema.
func (w *world) dump(schema string) string {
	w.Helper()
	var b strings.Builder
	for _, table := range tables {
		rows, err := w.db.Owner.Query(w.Context(), fmt.Sprintf("SELECT to_jsonb(t)::text FROM %s.%s t ORDER BY 1", schema, table))
		if err != nil {
			w.Fatal(err)
		}
		for rows.Next() {
			var row string
			if err := rows.Scan(&row); err != nil {
				w.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s\n", table, row)
		}
		if err := rows.Err(); err != nil {
			w.Fatal(err)
		}
	}
	return b.String()
}
