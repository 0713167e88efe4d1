package projtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/logtest"
	"roomlog/projections"
	"roomlog/projections/holds"
	"roomlog/projections/rebuild"
)

// Timeout is the maximum duration of every wait in a test.
const Timeout = 3 * time.Minute

// The actors of commands that no user sends.
var (
	Operator = domain.Actor{Kind: domain.Operator}
	System   = domain.Actor{Kind: domain.System}
)

// World is an open log with a sequencer, as one process uses it.
type World struct {
	testing.TB
	DB        *pgtest.DB
	Pool      *pgxpool.Pool
	Store     *eventstore.Store
	Sequencer *eventstore.Sequencer
	Queries   *projections.Queries
}

// New returns a World with an empty log.
func New(t testing.TB) *World { return Open(t, pgtest.New(t), eventstore.Config{}, "first") }

// Another opens the same database, as another process would.
func (w *World) Another() *World {
	w.Helper()
	return Open(w, w.DB, eventstore.Config{}, "another")
}

// Open returns a World with the log in a database. name is the name of its database connections. The default clock is
// time.Now.
func Open(t testing.TB, db *pgtest.DB, c eventstore.Config, name string) *World {
	t.Helper()
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 8, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.SnapshotKeys == nil {
		c.SnapshotKeys = [][]byte{[]byte("the key of the snapshots")}
	}
	store, err := eventstore.Open(t.Context(), pool, c)
	if err != nil {
		t.Fatal(err)
	}
	w := &World{TB: t, DB: db, Pool: pool, Store: store, Queries: projections.NewQueries(pool)}
	w.Sequencer = eventstore.NewSequencer(store, eventstore.SequencerConfig{Timeout: Timeout})
	w.Start(w.Sequencer.Run)
	return w
}

// Start calls run in a goroutine. The context of run ends when the test ends or stop is called; stop also waits for
// run.
func (w *World) Start(run func(context.Context) error) (stop func()) {
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

// OwnerPool returns a pool with the rights of the database owner.
func (w *World) OwnerPool() *pgxpool.Pool {
	w.Helper()
	pool, err := eventstore.OpenPool(w.Context(), w.DB.DSN, eventstore.PoolOptions{MaxConns: 4})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(pool.Close)
	return pool
}

// Projector returns a projector that logs to the test.
func (w *World) Projector(c projections.ProjectorConfig) *projections.Projector {
	c.Now = time.Now
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(logtest.Output(w), nil))
	}
	return projections.NewProjector(w.Store, c)
}

// Project runs a projector until the test ends or stop is called.
func (w *World) Project() (stop func()) {
	return w.Start(w.Projector(projections.ProjectorConfig{}).Run)
}

// RecordHolds runs a holds.Recorder until the test ends or stop is called.
func (w *World) RecordHolds() (stop func()) {
	return w.Start(holds.NewRecorder(holds.Config{Queries: w.Queries, Execute: w.Sequencer.Execute, Projected: w.Store.Projected()}).Run)
}

// Execute executes a request. A refusal fails the test.
func (w *World) Execute(r domain.Request) eventstore.Receipt {
	w.Helper()
	receipt, err := w.Sequencer.Execute(context.Background(), r)
	if err != nil {
		w.Fatalf("%s: %v", r.Command.Type(), err)
	}
	return receipt
}

// Do executes a command as an operator.
func (w *World) Do(c domain.Command) eventstore.Receipt {
	w.Helper()
	return w.Execute(domain.Request{Command: c, Actor: Operator})
}

// DoAsSystem executes a command as the system.
func (w *World) DoAsSystem(c domain.Command) eventstore.Receipt {
	w.Helper()
	return w.Execute(domain.Request{Command: c, Actor: System})
}

// AddGift adds a gift to the catalogue.
func (w *World) AddGift(name string, price domain.Coins) domain.GiftID {
	w.Helper()
	return w.Do(domain.AddGift{Name: name, Price: price}).Events[0].Event.(domain.GiftAdded).Gift
}

// EnterChat adds an anonymous participant whose connection is on node p1.
func (w *World) EnterChat(connection string, profile domain.ChatProfile, nickname, key string) domain.ParticipantID {
	w.Helper()
	r := w.Execute(domain.Request{Command: domain.EnterChat{Connection: connection, Profile: profile, Nickname: nickname, NameKey: key, Node: "p1"}})
	return r.Events[0].Event.(domain.ParticipantEntered).Participant
}

// JoinChatRoom makes a participant join a chat room.
func (w *World) JoinChatRoom(p domain.ParticipantID, room domain.ChatRoomID) {
	w.Helper()
	w.Execute(domain.Request{Command: domain.JoinChatRoom{Participant: p, ChatRoom: room}})
}

// Post posts a message as an anonymous participant.
func (w *World) Post(p domain.ParticipantID, nickname string, c domain.PostMessage) {
	w.Helper()
	c.Participant, c.Nickname = p, nickname
	w.Execute(domain.Request{Command: c})
}

// Forge inserts an event into the log without the sequencer.
func (w *World) Forge(position int64, stream string, version int, eventType, payload string, live domain.LiveID) {
	w.Helper()
	w.Exec(`INSERT INTO public.events (position, stream, version, event_id, type, payload, metadata, live_id, recorded_at)
		VALUES ($1, $2, $3, $4, $5, $6, '{"actor":"forger"}', nullif($7, 0::bigint), now())`, position, stream, version, uuid.Must(uuid.NewV7()), eventType, payload, int64(live))
	w.Store.Appended().Notify()
}

// Head returns the position of the newest event of the log.
func (w *World) Head() int64 {
	w.Helper()
	head, err := w.Store.Head(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return head
}

// Checkpoint returns the checkpoint of the tables.
func (w *World) Checkpoint() projections.Checkpoint {
	w.Helper()
	c, err := projections.ReadCheckpoint(w.Context(), w.DB.Owner)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// CatchUp waits until the tables have reached the current head of the log.
func (w *World) CatchUp() {
	w.Helper()
	head := w.Head()
	w.Eventually(func() error {
		if at := w.Checkpoint(); at.Position < head {
			return fmt.Errorf("the tables are at %d of %d", at.Position, head)
		}
		return nil
	})
}

// WaitHalted waits until an event has halted a projector, and returns the error.
func (w *World) WaitHalted(p *projections.Projector) (halt *projections.HaltError) {
	w.Helper()
	w.Eventually(func() error {
		if !errors.As(p.Status().Halted, &halt) {
			return fmt.Errorf("not halted: %+v", p.Status())
		}
		return nil
	})
	return halt
}

// Eventually calls check until it returns nil.
func (w *World) Eventually(check func() error) {
	w.Helper()
	deadline := time.Now().Add(Timeout)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("after %v still: %v", Timeout, err)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// Rebuild rebuilds the tables.
func (w *World) Rebuild() rebuild.Report {
	w.Helper()
	report, err := rebuild.Run(w.Context(), w.OwnerPool(), w.Store, rebuild.Config{Now: time.Now})
	if err != nil {
		w.Fatal(err)
	}
	return report
}

// RebuildForced rebuilds the tables although they differ from those in use.
func (w *World) RebuildForced() {
	w.Helper()
	if _, err := rebuild.Run(w.Context(), w.OwnerPool(), w.Store, rebuild.Config{Now: time.Now, Force: true}); err != nil {
		w.Fatal(err)
	}
}

// Verify fails the test if the log or the tables have a fault.
func (w *World) Verify() {
	w.Helper()
	report, err := rebuild.Verify(w.Context(), w.Store, w.Pool, rebuild.VerifyConfig{Now: time.Now})
	if err != nil {
		w.Fatal(err)
	}
	if report.FaultCount > 0 {
		w.Fatalf("%v", report.Faults)
	}
}

// Exec executes a statement as the owner of the database.
func (w *World) Exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.DB.Owner.Exec(context.Background(), sql, args...); err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
}

// Int returns the number that a query with one column and row returns.
func (w *World) Int(sql string, args ...any) (n int64) {
	w.Helper()
	if err := w.DB.Owner.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
	return n
}

// Text returns the values that a query with one column returns, separated by spaces.
func (w *World) Text(sql string) string {
	w.Helper()
	var all string
	if err := w.DB.Owner.QueryRow(w.Context(), "SELECT string_agg(t, ' ') FROM ("+sql+") AS texts (t)").Scan(&all); err != nil {
		w.Fatal(err)
	}
	return all
}
