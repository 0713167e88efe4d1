package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/internal/waittest"
)

// messages collects log messages with their attributes.
type messages struct {
	slog.Handler
	mu  sync.Mutex
	all []string
}

func (m *messages) Enabled(context.Context, slog.Level) bool { return true }

func (m *messages) Handle(_ context.Context, r slog.Record) error {
	text := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, text)
	return nil
}

// with returns the messages that contain part.
func (m *messages) with(part string) (found []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, text := range m.all {
		if strings.Contains(text, part) {
			found = append(found, text)
		}
	}
	return found
}

func loggedTo(m *messages) eventstore.Config {
	m.Handler = slog.DiscardHandler
	return eventstore.Config{Now: time.Now, Log: slog.New(m), PollInterval: 50 * time.Millisecond}
}

func TestNothingOfALostHistoryIsUsed(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	heard := &messages{}
	l := openLogAs(t, db, loggedTo(heard), eventstore.SequencerConfig{})
	p := l.fixture(1, 100)
	who := p.users[0]
	b := takeBackup(t, db)
	l.execute(who.request(p.give(3)))
	l.execute(who.request(p.say("lost")))
	before := l.register("anna")
	lost := l.execute(before.request(domain.ChangeProfile{Nickname: new("Lost Anna")})).Events[0]
	all(t, l) // the readers have cached the keys, too
	b.restore()
	after := l.register("berta")
	l.execute(after.request(domain.ChangeProfile{Nickname: new("Berta")}))
	if after.id != before.id {
		t.Fatalf("user %d follows the restored log, want %d", after.id, before.id)
	}
	l.execute(who.keyedRequest("k1", p.give(10))) // the wallet has its 100 coins again
	l.refused(who.request(p.give(1)), domain.CodeCoinsTooFew)
	h := l.store.History()
	if h.Number != 2 || h.Lost != lost.Position || h.LostID != lost.ID || h.Head != b.head {
		t.Errorf("the history is %+v, want number 2, lost %d, head %d", h, lost.Position, b.head)
	}
	for _, text := range all(t, l) {
		if text == eventstore.ErasedText || strings.Contains(text, "Lost") {
			t.Errorf("this process reads %q", text)
		}
	}
	readable(t, db)
	found := heard.with("log has another history")
	if len(found) != 1 || !strings.Contains(found[0], fmt.Sprintf("lost_position=%d ", lost.Position)) || !strings.Contains(found[0], fmt.Sprintf(" position=%d ", b.head)) {
		t.Errorf("logged %q, want one message with both positions", found)
	}
	l.verified()
}

// all returns the personal texts of the log, as l reads them.
func all(t testing.TB, l *testLog) []string {
	t.Helper()
	events := l.all()
	for _, r := range events {
		if r.Fault != nil {
			t.Errorf("position %d: %v", r.Position, r.Fault)
		}
	}
	return textsOf(events)
}

func TestIdleProcessNoticesAnotherHistory(t *testing.T) {
	t.Parallel()
	for _, grown := range []bool{false, true} {
		t.Run(fmt.Sprintf("the log has grown beyond it: %t", grown), func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			writer := openLog(t, db, eventstore.SequencerConfig{})
			writer.list(1)
			b := takeBackup(t, db)
			writer.list(2)
			heard := &messages{}
			idle := openStore(t, db, loggedTo(heard))
			writer.list(3)
			ctx, cancel := context.WithCancel(t.Context())
			listening := make(chan error, 1)
			go func() { listening <- idle.store.Listen(ctx) }()
			f := startTail(t, idle.store, 0)
			f.reaches(3)
			if _, err := idle.store.CheckHistory(t.Context()); err != nil {
				t.Fatal(err)
			}
			seen := idle.store.HistoryChanged().Count()
			b.restore()
			for range 5 {
				if grown {
					writer.list(9)
				}
			}
			idle.store.HistoryChanged().Wait(t.Context(), seen, time.Minute)
			if h := idle.store.History(); h.Number != 2 || h.Lost != 3 {
				t.Errorf("the history is %+v, want number 2, lost 3", h)
			}
			if err := waittest.Receive(t, f.done, "the end of the tail"); !errors.Is(err, eventstore.ErrCursorLost) {
				t.Errorf("the tail ended with %v", err)
			}
			if found := heard.with("log has another history"); len(found) != 1 {
				t.Errorf("logged %q, want one message", found)
			}
			cancel()
			if err := waittest.Receive(t, listening, "the end of Listen"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestHistoryStaysTheSameWhileOthersAppend checks that neither a restart of a process nor appends of other processes
// change the history.
func TestHistoryStaysTheSameWhileOthersAppend(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})}
	traffic := startTraffic(t, logs[0].fixture(8, 1_000_000), logs...)
	for range 20 {
		traffic.flows(30)
		if _, err := logs[0].store.CheckHistory(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	traffic.end()
	for _, l := range logs {
		if h := l.store.History(); h.Number != 1 {
			t.Errorf("the history is %+v, want number 1", h)
		}
	}
}

// TestLostReplyToALostCommit loses the reply to the commit of a batch. Then the database falls back to a state before
// the batch, so that the commit is lost as well.
func TestLostReplyToALostCommit(t *testing.T) {
	t.Parallel()
	proxy := startProxy(t, pgtest.New(t))
	var b backup
	var armed atomic.Bool
	proxy.reply = func(reply []byte) bool {
		if !isCommitReply(reply) || !armed.CompareAndSwap(true, false) {
			return true
		}
		b.restore()
		return false
	}
	heard := newUnclear()
	l := proxy.open(heard.config(), eventstore.SequencerConfig{})
	p := l.fixture(1, 100)
	who := p.users[0]
	b = takeBackup(t, proxy.db)
	l.execute(who.request(p.give(9)))
	armed.Store(true)
	r := l.execute(who.request(p.give(1))) // 10 coins are left after these gifts; after the fallback, 90 again
	if left := r.Events[0].Event.(domain.GiftSent).BalanceAfter; left != 90 || r.Position != b.head+1 {
		t.Errorf("%d coins are left at position %d, want 90 at %d", left, r.Position, b.head+1)
	}
	if heard.count.Load() != 1 || l.store.History().Number != 2 {
		t.Errorf("%d outcomes were unclear, the history is %+v", heard.count.Load(), l.store.History())
	}
	l.recovered()
	events := l.verified()
	if newest := events[len(events)-1]; newest.ID != r.Events[0].ID {
		t.Errorf("the acknowledged event %s is not in the log, want newest.ID %v", r.Events[0].ID, r.Events[0].ID)
	}
}

// acknowledged contains the events whose requests got a receipt, by the number of fallbacks before the request.
type acknowledged struct {
	mu       sync.Mutex
	restores int
	events   map[int][]eventstore.Record
}

func (a *acknowledged) round() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.restores
}

func (a *acknowledged) add(round int, events []eventstore.Record) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events[round] = append(a.events[round], events...)
	return len(a.events[round])
}

func (a *acknowledged) restored(restore func()) {
	restore()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.restores++
}

func (a *acknowledged) count(round int) int { return a.add(round, nil) }

// TestLogFallsBackUnderLoad lets two processes write while the log falls back again and again.
func TestLogFallsBackUnderLoad(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{SnapshotEvery: 5}), openLog(t, db, eventstore.SequencerConfig{SnapshotEvery: 5})}
	p := logs[0].fixture(8, 1_000_000)
	acked := &acknowledged{events: make(map[int][]eventstore.Record)}
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i, who := range p.users {
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				l, name := logs[(i+n)%2], fmt.Sprintf("guest %d of %d", n, i)
				request := []domain.Request{
					who.keyedRequest(fmt.Sprintf("%d of %d", n, i), p.give(1)),
					who.request(p.say("comment of " + name)),
					{Command: domain.RegisterUser{Username: name, NameKey: l.store.NameKey(name), Credential: "00000000-0000-4000-8000-000000000000"}},
				}[n%3]
				round := acked.round()
				r, err := l.sequencer.Execute(context.Background(), request)
				if err != nil {
					t.Errorf("%s: %v", request.Command.Type(), err)
					return
				}
				acked.add(round, r.Events)
				if _, err := l.store.Read(context.Background(), eventstore.Query{After: r.Position - 3}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	flows := func(events int) {
		round := acked.round()
		before := acked.count(round)
		eventually(t, "requests are executed", func() bool { return t.Failed() || acked.count(round) >= before+events })
	}
	for range 6 {
		flows(20 + rand.IntN(40))
		b := takeBackup(t, db)
		flows(20 + rand.IntN(40))
		acked.restored(b.restore)
	}
	flows(100)
	close(stop)
	group.Wait()
	events := logs[0].verified()
	for _, r := range acked.events[acked.restores] {
		if events[r.Position-1].ID != r.ID {
			t.Errorf("the event %s was acknowledged at position %d and is not in the log, want events[r.Position-1].ID %v", r.Type, r.Position, r.ID)
		}
	}
	readable(t, db)
	for _, l := range logs {
		if h := l.store.History(); h.Number < 2 {
			t.Errorf("the history is %+v", h)
		}
		all(t, l)
	}
}

// TestPromotionOfAStandbyThatIsBehind promotes a standby that is behind, and restores a dump.
func TestPromotionOfAStandbyThatIsBehind(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	open := func() *testLog {
		return openFailover(t, d, eventstore.Config{Now: time.Now, PollInterval: 50 * time.Millisecond})
	}
	l := open()
	l.run(eventstore.SequencerConfig{Timeout: time.Minute})
	p := l.fixture(1, 100)
	dump := d.Dump()
	standby := d.Standby()
	standby.CatchUp()
	standby.HoldBack()
	step := func(name string, fallBack func()) {
		t.Helper()
		number := l.store.History().Number
		before := l.register("before " + name)
		l.execute(before.request(p.say("lost " + name)))
		fallBack()
		after := l.register("after " + name)
		l.execute(after.request(p.say("kept " + name)))
		if after.id != p.users[0].id+1 || l.store.History().Number != number+1 {
			t.Errorf("%s: user %d, history %d; want user %d, history %d", name, after.id, l.store.History().Number, p.users[0].id+1, number+1)
		}
		l.recovered()
		events := open().verified()
		if texts := strings.Join(textsOf(events), " "); strings.Contains(texts, eventstore.ErasedText) || strings.Contains(texts, "lost") || !strings.Contains(texts, "kept "+name) {
			t.Errorf("%s: the log has the texts %q", name, texts)
		}
	}
	step("a promotion", func() { d.Promote(standby) })
	step("a dump", func() { d.RestoreDump(dump) })
}

// TestAnotherLogIsRefused lets the address point to the database of another roomlog.
func TestAnotherLogIsRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLogAs(t, db, loggedTo(&messages{}), eventstore.SequencerConfig{Timeout: 50 * time.Millisecond})
	b := takeBackup(t, db)
	l.list(1)
	listening := make(chan error, 1)
	go func() { listening <- l.store.Listen(t.Context()) }()
	b.locked("ALTER TABLE store DISABLE TRIGGER ALL; UPDATE store SET id = gen_random_uuid()")
	b.restore()
	for range 3 {
		_, err := l.sequencer.Execute(t.Context(), domain.Request{Command: domain.AddGift{Name: "rose", Price: 1}, Actor: operator})
		if !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("got %v, want that nothing is written", err)
		}
	}
	if err := waittest.Receive(t, listening, "the end of Listen"); !errors.Is(err, eventstore.ErrAnotherLog) {
		t.Errorf("listening ended with %v", err)
	}
	if head, err := l.store.Head(t.Context()); err != nil || head != b.head {
		t.Errorf("the log ends at %d, %v, want %d", head, err, b.head)
	}
}

// TestConnectionsAreReplacedWhenTheHistoryChanges checks that old connections are closed. They may still be open to the
// former server, which may accept commits.
func TestConnectionsAreReplacedWhenTheHistoryChanges(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLogAs(t, db, loggedTo(&messages{}), eventstore.SequencerConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	listening := make(chan error, 1)
	go func() { listening <- l.store.Listen(ctx) }()
	b := takeBackup(t, db)
	l.list(1)
	const connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('roomlog sequencer', 'roomlog test')"
	eventually(t, "the server listens", func() bool { return l.number(connections+" AND query LIKE 'LISTEN%'") == 1 })
	old := l.number("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
	b.restore()
	if h, err := l.store.CheckHistory(t.Context()); err != nil || h.Number != 2 {
		t.Fatalf("the history is %+v, %v, want Number 2", h, err)
	}
	l.list(1)
	eventually(t, "all connections are new", func() bool {
		return l.number(fmt.Sprintf("%s AND extract(epoch FROM backend_start) * 1000000 < %d", connections, old)) == 0
	})
	eventually(t, "the server listens again", func() bool { return l.number(connections+" AND query LIKE 'LISTEN%'") == 1 })
	cancel()
	if err := waittest.Receive(t, listening, "the end of Listen"); err != nil {
		t.Error(err)
	}
}

// TestStandbyThatIsBehindIsNoOtherHistory lets the address point to a standby for a while, for example before its
// promotion.
func TestStandbyThatIsBehindIsNoOtherHistory(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	l := openFailover(t, d, eventstore.Config{Now: time.Now})
	l.run(eventstore.SequencerConfig{Timeout: time.Minute})
	standby := d.Standby()
	standby.HoldBack()
	l.list(1)
	newest := l.list(1)
	f := startTail(t, l.store, 0)
	f.reaches(int64(newest))
	cursor, err := l.store.Cursor(t.Context(), int64(newest))
	if err != nil {
		t.Fatal(err)
	}
	d.LeadTo(standby)
	for name, read := range map[string]func() error{
		"CheckHistory": func() error { _, err := l.store.CheckHistory(t.Context()); return err },
		"Head":         func() error { _, err := l.store.Head(t.Context()); return err },
		"Read":         func() error { _, err := l.store.Read(t.Context(), eventstore.Query{}); return err },
		"ParseCursor":  func() error { _, err := l.store.ParseCursor(t.Context(), cursor); return err },
	} {
		eventually(t, name+" refuses the standby", func() bool { return errors.Is(read(), eventstore.ErrUnavailable) })
	}
	d.LeadBack()
	f.reaches(l.do(domain.AddGift{Name: "rose", Price: 1}).Position)
	f.end()
	if h := l.store.History(); h.Number != 1 {
		t.Errorf("the history is %+v, want number 1", h)
	}
}

// TestFactsOfAnotherHistoryAreRefused checks that a command with facts from another history of the log is not decided.
func TestFactsOfAnotherHistoryAreRefused(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(1, 100)
	r := p.users[0].request(p.give(1))
	r.History = l.store.History().Number
	l.execute(r)
	for _, number := range []int64{r.History - 1, r.History + 1} {
		if r.History = number; number == 0 { // 0 means that the command contains no facts
			r.History = -1
		}
		if _, err := l.sequencer.Execute(t.Context(), r); !errors.Is(err, eventstore.ErrBusy) {
			t.Errorf("history %d: got %v, want ErrBusy", r.History, err)
		}
	}
}
