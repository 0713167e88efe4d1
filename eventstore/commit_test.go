package eventstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/waittest"
)

// unclear counts how often a sequencer had to find out the outcome of a commit.
type unclear struct {
	slog.Handler
	count atomic.Int64
}

func newUnclear() *unclear { return &unclear{Handler: slog.DiscardHandler} }

func (u *unclear) Enabled(context.Context, slog.Level) bool { return true }

func (u *unclear) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "status" && a.Value.String() == "unknown" {
			u.count.Add(1)
		}
		return true
	})
	return nil
}

func (u *unclear) config() eventstore.Config {
	return eventstore.Config{Now: time.Now, Log: slog.New(u)}
}

// TestLostReplyToACommit checks that commands are executed once although every third reply to a commit is lost.
func TestLostReplyToACommit(t *testing.T) {
	t.Parallel()
	proxy := startProxy(t, pgtest.New(t))
	var commits, cut atomic.Int64
	proxy.reply = func(b []byte) bool {
		if !isCommitReply(b) || commits.Add(1)%3 != 0 {
			return true
		}
		cut.Add(1)
		return false
	}
	heard := newUnclear()
	l := proxy.open(heard.config(), eventstore.SequencerConfig{})
	direct := openLog(t, proxy.db, eventstore.SequencerConfig{}) // a sequencer of another process, with a connection that is not cut
	p := direct.fixture(8, 1_000_000)
	traffic := startTraffic(t, p, l, direct)
	traffic.flows(400)
	traffic.end()
	if len(traffic.errs) != 0 {
		t.Errorf("errors were told although the outcome can be known: %v, want 0 elements", traffic.errs)
	}
	if cut.Load() < 10 || heard.count.Load() < 10 {
		t.Fatalf("got %d commits that were cut and %d unclear outcomes: too few for this test", cut.Load(), heard.count.Load())
	}
	for text, acknowledged := range traffic.comments {
		if !acknowledged {
			t.Errorf("%q was not acknowledged", text)
		}
	}
}

// TestLostReplyToACommitWithoutEvents loses the reply to the commit of a batch without events. Such a batch cannot be
// found in the log.
func TestLostReplyToACommitWithoutEvents(t *testing.T) {
	t.Parallel()
	proxy := startProxy(t, pgtest.New(t))
	var cutNext atomic.Bool
	proxy.reply = func(b []byte) bool { return !isCommitReply(b) || !cutNext.CompareAndSwap(true, false) }
	l := proxy.open(newUnclear().config(), eventstore.SequencerConfig{})
	p := l.fixture(1, 5)
	who := p.users[0]
	cutNext.Store(true)
	l.refused(who.keyedRequest("k1", p.give(1)), domain.CodeCoinsTooFew) // only the row of the command was committed
	l.credit(who, 100, "o1")
	l.refused(who.keyedRequest("k1", p.give(1)), domain.CodeCoinsTooFew)
	cutNext.Store(true)
	l.refused(who.request(p.give(100)), domain.CodeCoinsTooFew) // nothing was committed
	if cutNext.Load() {
		t.Error("no commit was cut")
	}
	l.recovered()
	l.verified()
}

// TestLostReplyWhileTheOldBackendIsStillCommitting reconnects the sequencer while the old backend is still committing.
// If the sequencer queried the log without the lock, it would find nothing and execute the command twice.
func TestLostReplyWhileTheOldBackendIsStillCommitting(t *testing.T) {
	t.Parallel()
	proxy := startProxy(t, pgtest.New(t))
	heard := newUnclear()
	l := proxy.open(heard.config(), eventstore.SequencerConfig{})
	p := l.fixture(2, 1000)
	_, err := proxy.db.Owner.Exec(t.Context(), `
		CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.7); RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW WHEN (NEW.payload::text LIKE '%slow%') EXECUTE FUNCTION slow_commit()`)
	if err != nil {
		t.Fatal(err)
	}
	slow := domain.Request{Command: domain.AddGift{Name: "slow", Price: 1}, Actor: operator, IdempotencyKey: "k1"}
	keyless := domain.Request{Command: domain.AddGift{Name: "slow too", Price: 1}, Actor: operator}
	for _, r := range []domain.Request{slow, keyless} {
		pending := l.begin(r)
		eventually(t, "the backend is committing", func() bool { return l.committing() })
		proxy.cut()
		after := l.begin(p.users[0].request(p.give(1))) // this command waits until the old backend has committed
		got := waittest.Receive(t, pending, "the answer")
		if got.err != nil || got.receipt.Repeated || len(got.receipt.Events) != 1 {
			t.Fatalf("got %+v", got)
		}
		if a := waittest.Receive(t, after, "the answer to the next command"); a.err != nil || a.receipt.Position <= got.receipt.Position {
			t.Fatalf("what came after got %+v", a)
		}
	}
	if n := heard.count.Load(); n < 2 {
		t.Fatalf("%d outcomes were unclear", n)
	}
	l.recovered()
	listed := 0
	for _, r := range l.verified() {
		if e, ok := r.Event.(domain.GiftAdded); ok && strings.HasPrefix(e.Name, "slow") {
			listed++
		}
	}
	if listed != 2 {
		t.Fatalf("the slow gifts were listed %d times, want 2", listed)
	}
	l.again(l.execute(slow), slow)
}

func (l *testLog) committing() (is bool) {
	l.t.Helper()
	err := l.db.Owner.QueryRow(context.Background(), `
		SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')`).Scan(&is)
	if err != nil {
		l.t.Fatal(err)
	}
	return is
}

// TestOutcomeIsUnknownWhileTheDatabaseIsUnreachable checks that Execute returns ErrOutcomeUnknown if the database is
// unreachable after a commit, and that a later request with the same key gets the outcome.
func TestOutcomeIsUnknownWhileTheDatabaseIsUnreachable(t *testing.T) {
	t.Parallel()
	proxy := startProxy(t, pgtest.New(t))
	l := proxy.open(newUnclear().config(), eventstore.SequencerConfig{Timeout: 300 * time.Millisecond})
	p := l.fixture(2, 1000)
	var away atomic.Bool
	var once sync.Once
	down := make(chan struct{})
	proxy.reply = func(b []byte) bool {
		if away.Load() && isCommitReply(b) {
			once.Do(func() { close(down) })
			return false
		}
		return true
	}
	away.Store(true)
	gift := p.users[0].keyedRequest("k1", p.give(1))
	pending := l.begin(gift)
	waittest.Receive(t, down, "the lost reply")
	proxy.shut()
	if got := waittest.Receive(t, pending, "the answer"); got.err == nil || !strings.Contains(got.err.Error(), eventstore.ErrOutcomeUnknown.Error()) {
		t.Fatalf("got %+v", got)
	}
	away.Store(false)
	proxy.reopen()
	var got eventstore.Receipt
	eventually(t, "the server works again", func() (ok bool) {
		r, err := l.sequencer.Execute(t.Context(), gift)
		got = r
		return err == nil
	})
	if !got.Repeated || len(got.Events) != 1 {
		t.Fatalf("got %+v", got)
	}
	l.recovered()
	l.verified()
}

// TestConnectionsAreCutAtAnyMoment cuts connections in either direction at random moments. Half of the cuts lose the
// reply to a commit.
func TestConnectionsAreCutAtAnyMoment(t *testing.T) {
	t.Parallel()
	proxy := startProxy(t, pgtest.New(t))
	var holdNext atomic.Bool // whether the reply to the next commit waits until the connection is cut
	committed, lose := make(chan struct{}), make(chan struct{})
	proxy.reply = func(b []byte) bool {
		if isCommitReply(b) && holdNext.CompareAndSwap(true, false) {
			for _, step := range []chan struct{}{committed, lose} {
				select {
				case step <- struct{}{}:
				case <-t.Context().Done():
					return false
				}
			}
		}
		return true
	}
	toxic := startToxic(t, proxy.address)
	heard := newUnclear()
	l := proxy.openAt(toxic.Listen, heard.config(), eventstore.SequencerConfig{})
	direct := openLog(t, proxy.db, eventstore.SequencerConfig{})
	p := direct.fixture(8, 1_000_000)
	traffic := startTraffic(t, p, l, direct)
	lost := int64(0)
	for round := range 40 {
		traffic.flows(3 + round%7)
		direction := []string{"downstream", "upstream"}[round%2]
		if direction == "downstream" {
			holdNext.Store(true)
			waittest.Receive(t, committed, "a commit")
		}
		before := l.sequencer.Stats().Retries
		// Everything that is sent in this direction is lost; then the connection ends.
		_, err := toxic.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
			`{"name": "cut", "type": "timeout", "stream": %q, "attributes": {"timeout": %d}}`, direction, 1+round%3)))
		if err != nil {
			t.Fatal(err)
		}
		if direction == "downstream" {
			waittest.Receive(t, lose, "the lost reply to a commit")
			lost++
		}
		eventually(t, "the connection is cut", func() bool { return l.sequencer.Stats().Retries > before })
		if err := toxic.Toxics.RemoveToxic(t.Context(), "cut"); err != nil {
			t.Fatal(err)
		}
	}
	traffic.flows(20)
	traffic.end()
	if n := heard.count.Load(); n < lost {
		t.Errorf("%d outcomes were unclear although %d replies to a commit were lost", n, lost)
	}
}

func startToxic(t testing.TB, upstream string) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "way", "127.0.0.1:0", upstream)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	return proxy
}
