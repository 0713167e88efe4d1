package replica_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/eventstore/replica"
	"roomlog/internal/logtest"
	"roomlog/internal/waittest"
)

// longest is the maximum duration of a wait.
const longest = 3 * time.Minute

// world is a log on a primary with a standby, and a reader of both.
type world struct {
	testing.TB
	database  *failover.Database
	store     *eventstore.Store
	sequencer *eventstore.Sequencer
	log       *logtest.Buffer
	added     int
}

func open(t testing.TB, options ...pgtest.Option) *world {
	t.Helper()
	w := &world{TB: t, database: failover.Start(t, options...), log: &logtest.Buffer{}}
	pool, err := eventstore.OpenPool(t.Context(), w.database.DSN(), eventstore.PoolOptions{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if w.store, err = eventstore.Open(t.Context(), pool, eventstore.Config{Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	w.sequencer = eventstore.NewSequencer(w.store, eventstore.SequencerConfig{Timeout: longest})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.sequencer.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w
}

// reader returns a reader over a standby, which was compared with the log once.
func (w *world) reader(s *failover.Standby) *replica.Reader {
	w.Helper()
	pool, err := replica.OpenPool(w.Context(), s.DSN(), eventstore.PoolOptions{MaxConns: 4})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(pool.Close)
	r := replica.New(w.store, pool, slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	r.Check(w.Context())
	return r
}

// execute executes a command, and repeats it while the database cannot be reached.
func (w *world) execute(r domain.Request) eventstore.Receipt {
	w.Helper()
	for deadline := time.Now().Add(longest); ; {
		receipt, err := w.sequencer.Execute(w.Context(), r)
		if err == nil {
			return receipt
		}
		if time.Now().After(deadline) {
			w.Fatal(err)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// add appends events.
func (w *world) add(n int) {
	w.Helper()
	for range n {
		w.added++
		name := fmt.Sprint("gift ", w.added)
		w.execute(domain.Request{Command: domain.AddGift{Name: name, Price: 3}, Actor: domain.Actor{Kind: domain.Operator}, IdempotencyKey: name})
	}
}

// expect reads the whole log through a reader, and checks that it delivers every event once, in order.
func (w *world) expect(r *replica.Reader, events int) {
	w.Helper()
	q := eventstore.Query{Limit: 7, History: w.store.History().Number}
	for seen := int64(0); ; {
		page, err := r.Read(w.Context(), q)
		if err != nil {
			w.Fatal(err)
		}
		for _, e := range page.Events {
			if seen++; e.Position != seen || e.Event == nil {
				w.Fatalf("got position %d (%v), want %d", e.Position, e.Fault, seen)
			}
		}
		if q.After = page.Next; page.Next >= page.Head {
			if seen != int64(events) || page.Head != seen {
				w.Fatalf("got %d events and the head %d, want %d", seen, page.Head, events)
			}
			break
		}
	}
	n, err := r.Count(w.Context(), eventstore.Query{})
	if err != nil || n != int64(events) {
		w.Fatalf("counted %d events, want %d (%v)", n, events, err)
	}
	n, err = r.Count(w.Context(), eventstore.Query{After: 2, UpTo: 4, Types: []string{"gift.added.v1"}})
	if err != nil || n != 2 {
		w.Fatalf("counted %d gifts, want 2 (%v)", n, err)
	}
}

// expectUse checks whether the standby has served reads since before, and why it is not used.
func (w *world) expectUse(r *replica.Reader, before replica.Status, used bool, cause error) {
	w.Helper()
	now := r.Status()
	if (now.Reads > before.Reads) != used || !errors.Is(now.Err, cause) {
		w.Errorf("the standby has served %d reads (state %v), want %t and %v\n%s", now.Reads-before.Reads, now.Err, used, cause, w.log)
	}
}

func TestReaderUsesTheStandby(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.add(20)
	standby := w.database.Standby()
	r := w.reader(standby)
	w.expect(r, 20)
	w.expectUse(r, replica.Status{}, true, nil)
	if s := r.Status(); s.Position != 20 || s.Lacks != 0 || s.Behind != 0 || s.Fallbacks != 0 {
		t.Errorf("the state is %+v", s)
	}

	standby.Pause()
	w.add(5)
	r.Far(time.Nanosecond)
	r.Check(t.Context())
	before := r.Status()
	if before.Position != 20 || before.Lacks != 5 || before.Behind <= 0 || !before.Far || before.Err != nil {
		t.Errorf("a paused standby has the state %+v", before)
	}
	w.expect(r, 25) // the end comes from the primary
	w.expectUse(r, before, true, nil)
	page, err := r.Read(t.Context(), eventstore.Query{After: 22}) // a cursor that is newer than the standby
	if err != nil || len(page.Events) != 3 || page.Head != 25 {
		t.Errorf("got %+v, %v", page, err)
	}
	if n := w.log.Count("read replica is far behind"); n != 1 {
		t.Errorf("%d messages that it is far behind, want 1:\n%s", n, w.log)
	}

	standby.Kill()
	before = r.Status()
	for r.Status().Err == nil { // the processes of a killed server end a moment later
		w.expect(r, 25)
	}
	if s := r.Status(); s.Fallbacks != before.Fallbacks+1 {
		t.Errorf("after a killed standby the state is %+v", s)
	}
	r.Check(t.Context())
	logged := w.log.Count("read replica is not used")
	for range 3 {
		r.Check(t.Context())
		w.expect(r, 25)
	}
	if n := w.log.Count("read replica is not used"); n != logged || n == 0 {
		t.Errorf("%d messages that it is not used, want %d, one for each cause:\n%s", n, logged, w.log)
	}

	standby.Start()
	standby.CatchUp()
	before = r.Status()
	r.Check(t.Context())
	w.expect(r, 25)
	w.expectUse(r, before, true, nil)
	if s := r.Status(); s.Position != 25 {
		t.Errorf("after a restart the state is %+v", s)
	}

	standby.Detach()
	before = r.Status()
	w.expect(r, 25)
	w.expectUse(r, before, false, eventstore.ErrNotStandby)
	w.add(2)
	r.Check(t.Context())
	w.expect(r, 27)
	w.expectUse(r, before, false, eventstore.ErrNotStandby)
}

func TestStandbyOfAnotherLogIsRefused(t *testing.T) {
	t.Parallel()
	w, other := open(t), open(t)
	w.add(10)
	other.add(15)
	r := w.reader(other.database.Standby())
	w.expect(r, 10)
	w.expectUse(r, replica.Status{}, false, eventstore.ErrAnotherCopy)
	if n := w.log.Count("level=ERROR msg=\"read replica is not used"); n != 1 {
		t.Errorf("%d errors are logged, want 1:\n%s", n, w.log)
	}
}

// TestStandbyOfALostHistoryIsRefused promotes a standby that lacks events. Another standby has these events.
func TestStandbyOfALostHistoryIsRefused(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.add(10)
	next, kept := w.database.Standby(), w.database.Standby()
	next.HoldBack()
	w.add(5)
	kept.CatchUp()
	r := w.reader(kept)
	w.expect(r, 15)
	w.expectUse(r, replica.Status{}, true, nil)
	former, before := w.store.History().Number, r.Status()
	w.database.Promote(next)
	read := func(q eventstore.Query) (err error) {
		t.Helper()
		for deadline := time.Now().Add(longest); time.Now().Before(deadline); {
			if _, err = r.Read(t.Context(), q); !eventstore.IsUnavailable(err) { // the connections of the former primary are broken
				break
			}
		}
		return err
	}
	if err := read(eventstore.Query{After: 12, History: former}); !errors.Is(err, eventstore.ErrCursorLost) {
		t.Errorf("a read after a lost event returns %v, want ErrCursorLost", err)
	}
	if err := read(eventstore.Query{History: former}); !errors.Is(err, eventstore.ErrCursorLost) {
		t.Errorf("a read in the former history returns %v, want ErrCursorLost", err)
	}
	w.expect(r, 10)
	w.added = 10
	w.add(1)
	r.Check(t.Context())
	before.Reads = r.Status().Reads
	w.expect(r, 11)
	w.expectUse(r, before, false, eventstore.ErrAnotherCopy)
}

// TestErasedTextsAreErasedOnAStandbyThatIsBehind forgets a user while the standby still has the key.
func TestErasedTextsAreErasedOnAStandbyThatIsBehind(t *testing.T) {
	t.Parallel()
	w := open(t)
	user := w.execute(domain.Request{Command: domain.RegisterUser{Username: "secret-name", NameKey: w.store.NameKey("secret-name")}}).Events[0].Event.(domain.UserRegistered).User
	standby := w.database.Standby()
	r := w.reader(standby)
	name := func() string {
		t.Helper()
		before := r.Status()
		page, err := r.Read(t.Context(), eventstore.Query{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		w.expectUse(r, before, true, nil)
		return page.Events[0].Event.(domain.UserRegistered).Username
	}
	if got := name(); got != "secret-name" {
		t.Errorf("the name is %q", got)
	}
	standby.Pause()
	w.execute(domain.Request{Command: domain.ForgetUser{User: user}, Actor: domain.Actor{Kind: domain.Operator}})
	if got := name(); got != eventstore.ErasedText {
		t.Errorf("the name is %q, want %q", got, eventstore.ErasedText)
	}
}

// TestCancelledQueriesAreRepeated makes the standby cancel queries, because it replays the removal of rows that they could read.
func TestCancelledQueriesAreRepeated(t *testing.T) {
	t.Parallel()
	w := open(t, pgtest.Setting("max_standby_streaming_delay", "0"))
	w.add(20)
	conn, err := pgx.Connect(t.Context(), w.database.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	do := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	// On the standby, a query of the log takes 20 ms for each event. The search path begins with the schema read.
	do("CREATE VIEW read.events AS SELECT * FROM public.events WHERE CASE WHEN pg_is_in_recovery() THEN pg_sleep(0.02) IS NOT NULL ELSE true END")
	do("CREATE TABLE junk (n int)")
	standby := w.database.Standby()
	r := w.reader(standby)
	ctx, stop := context.WithCancel(t.Context())
	vacuumed := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			for _, sql := range []string{"INSERT INTO junk SELECT generate_series(1, 100)", "DELETE FROM junk", "VACUUM junk"} {
				if _, err := conn.Exec(context.WithoutCancel(ctx), sql); err != nil {
					vacuumed <- err
					return
				}
			}
		}
		vacuumed <- nil
	}()
	for deadline := time.Now().Add(longest); r.Status().Conflicts < 5; {
		w.expect(r, 20)
		r.Check(t.Context())
		if time.Now().After(deadline) {
			t.Fatalf("the standby has cancelled too few queries: %+v\n%s", r.Status(), w.log)
		}
	}
	stop()
	if err := waittest.Receive(t, vacuumed, "the end of the vacuums"); err != nil {
		t.Fatal(err)
	}
	if s := r.Status(); s.Err != nil || s.Fallbacks == 0 {
		t.Errorf("the state is %+v", s)
	}
	standby.CatchUp()
	before := r.Status()
	w.expect(r, 20)
	w.expectUse(r, before, true, nil)
	if strings.Contains(w.log.String(), "not used") {
		t.Errorf("a cancelled query counts as a failure of the standby:\n%s", w.log)
	}
}

// TestLongCountsLeaveTheStandbyInUse counts on a standby that does not finish: the primary counts instead, within the time of the
// caller. While such counts use all connections for reads, the standby is still compared with the log, and is not given up.
func TestLongCountsLeaveTheStandbyInUse(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.add(20)
	conn, err := pgx.Connect(t.Context(), w.database.DSN())
	if err != nil {
		t.Fatal(err)
	}
	// On the standby, a query that reads the first event does not end. The search path begins with the schema read.
	_, err = conn.Exec(t.Context(), "CREATE VIEW read.events AS SELECT * FROM public.events"+
		" WHERE CASE WHEN pg_is_in_recovery() AND position = 1 THEN pg_sleep(3600) IS NOT NULL ELSE true END")
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	standby := w.database.Standby()
	r := w.reader(standby)
	if page, err := r.Read(t.Context(), eventstore.Query{After: 5, UpTo: 3}); err != nil || page.Next != 5 || len(page.Events) != 0 {
		t.Errorf("a page that ends before its beginning: got %+v, %v", page, err)
	}

	short, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if n, err := r.Count(short, eventstore.Query{}); n != 20 || err != nil {
		t.Errorf("counted %d events, want 20 (%v)", n, err)
	}
	if s := r.Status(); s.Fallbacks != 1 || s.Err == nil {
		t.Errorf("after a count that did not end the state is %+v", s)
	}

	watch, err := pgx.Connect(t.Context(), standby.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close(context.WithoutCancel(t.Context()))
	await := func(sql string, want int) {
		t.Helper()
		for n, deadline := -1, time.Now().Add(longest); n != want; {
			if err := watch.QueryRow(t.Context(), sql).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d counts are in progress, want %d", n, want)
			}
			<-time.After(5 * time.Millisecond)
		}
	}
	await("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", 0) // the session of the first count

	r = w.reader(standby)
	counting, stop := context.WithCancel(t.Context())
	defer stop()
	const connections = 4 // of the pool
	ended := make(chan error, connections)
	for range connections {
		go func() {
			_, err := r.Count(counting, eventstore.Query{})
			ended <- err
		}()
	}
	await("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", connections)
	w.add(3)
	standby.CatchUp()
	r.Check(t.Context())
	if s := r.Status(); s.Err != nil || s.Position != 23 {
		t.Errorf("while counts use the connections the state is %+v", s)
	}
	page, err := r.Read(t.Context(), eventstore.Query{After: 3})
	if s := r.Status(); err != nil || len(page.Events) != 20 || s.Fallbacks != 1 || s.Err != nil {
		t.Errorf("a read beside the counts: %d events, %v, state %+v", len(page.Events), err, s)
	}
	stop()
	for range connections {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled count returns %v", err)
		}
	}
	if s := r.Status(); s.Err != nil {
		t.Errorf("after cancelled counts the state is %+v", s)
	}
}
