package eventstore_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

// counter counts the rows that statements return.
type counter struct {
	mu   sync.Mutex
	rows map[string]int64 // number of rows by a unique part of the statement
}

// The statements that load states for decisions.
const (
	loadsStates   = "LEFT JOIN LATERAL"
	loadsVersions = "SELECT version FROM events"
)

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c *counter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}
func (c *counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (c *counter) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for part := range c.rows {
		if strings.Contains(data.SQL, part) {
			c.rows[part] += data.CommandTag.RowsAffected()
		}
	}
}

// take returns the number of rows of a statement since the last call.
func (c *counter) take(part string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.rows[part]
	c.rows[part] = 0
	return n
}

// openCounted opens the log in db as a new process would, and counts the rows of its statements.
func openCounted(t testing.TB, db *pgtest.DB, c eventstore.SequencerConfig) (*testLog, *counter) {
	t.Helper()
	config, err := eventstore.PoolConfig(db.DSN, eventstore.PoolOptions{Serving: db.Serving})
	if err != nil {
		t.Fatal(err)
	}
	count := &counter{rows: map[string]int64{loadsStates: 0, loadsVersions: 0}}
	config.ConnConfig.Tracer = count
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := eventstore.Open(t.Context(), pool, eventstore.Config{Now: time.Now, SnapshotKeys: snapshotKeys})
	if err != nil {
		t.Fatal(err)
	}
	l := &testLog{t: t, db: db, store: store}
	l.run(c)
	return l, count
}

// giveMany sends gifts of 10 coins one after another.
func (l *testLog) giveMany(p fixture, who testUser, gifts int) {
	l.t.Helper()
	var group sync.WaitGroup
	for worker := range 32 {
		group.Go(func() {
			for n := worker; n < gifts; n += 32 {
				if _, err := l.sequencer.Execute(context.Background(), who.request(p.give(1))); err != nil {
					l.t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func TestLongStreamIsLoadedFromASnapshot(t *testing.T) {
	t.Parallel()
	const every = 50
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{SnapshotEvery: every, BatchSize: 8})
	p := l.fixture(1, 1_000_000)
	who := p.users[0]
	l.giveMany(p, who, 4*every-3)
	stored := func() (n int) {
		if err := db.Owner.QueryRow(t.Context(), "SELECT count(*) FROM snapshot WHERE stream = $1", domain.WalletStream(who.id)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := stored(); n != 1 {
		t.Fatalf("%d snapshots are kept of one wallet, want 1", n)
	}
	left := domain.Coins(1_000_000 - (4*every-3)*10)
	gift := func(l *testLog, where string) {
		t.Helper()
		left -= 10
		e := l.execute(who.request(p.give(1))).Events[0]
		if got := e.Event.(domain.GiftSent).BalanceAfter; got != left {
			t.Fatalf("%s: %d coins are left, want %d", where, got, left)
		}
	}
	few := func(l *testLog, count *counter, where string) {
		t.Helper()
		gift(l, where)
		// Besides the rows of the wallet: 2 of the live, 1 of the gift, 1 of the user, 1 of the sign-in session, and
		// the snapshot itself.
		if n := count.take(loadsStates); n < 5 || n > every+8+6 {
			t.Fatalf("%s: %d rows were read to load the states", where, n)
		}
		gift(l, where+", once more")
		if n := count.take(loadsStates); n != 0 {
			t.Fatalf("%s: %d rows were read although the states are remembered, want 0", where, n)
		}
	}
	restarted, count := openCounted(t, db, eventstore.SequencerConfig{SnapshotEvery: every})
	few(restarted, count, "after a restart")

	if _, err := db.Owner.Exec(t.Context(), "DELETE FROM snapshot"); err != nil {
		t.Fatal(err)
	}
	restarted, count = openCounted(t, db, eventstore.SequencerConfig{SnapshotEvery: every})
	gift(restarted, "without snapshots")
	if n := count.take(loadsStates); n < 4*every {
		t.Fatalf("without snapshots only %d rows were read", n)
	}
	if n := stored(); n != 1 {
		t.Fatal("a stream that had to be read from its beginning got no new snapshot")
	}
	restarted, count = openCounted(t, db, eventstore.SequencerConfig{SnapshotEvery: every})
	few(restarted, count, "with a new snapshot")

	// A snapshot with another format is not used, and is replaced.
	_, err := db.Owner.Exec(t.Context(), `UPDATE snapshot SET format = 99, state = '{"balance":"many"}'`)
	if err != nil {
		t.Fatal(err)
	}
	gift(openLog(t, db, eventstore.SequencerConfig{SnapshotEvery: every}), "with a snapshot of another format")
	var format int
	if err := db.Owner.QueryRow(t.Context(), "SELECT format FROM snapshot WHERE stream = $1", domain.WalletStream(who.id)).Scan(&format); err != nil || format != 1 {
		t.Fatalf("the snapshot kept has format %d, %v, want 1", format, err)
	}
	l.verified()
}

// TestStreamThatIsOnlyReadGetsASnapshot checks that a stream gets a snapshot even if decisions only read it. Lives are
// read all the time and rarely change.
func TestStreamThatIsOnlyReadGetsASnapshot(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	p := l.fixture(1, 0)
	streamer := l.signIn(1, "a session")
	for n := range 30 {
		l.execute(streamer.request(domain.ChangeLiveStatus{Live: p.live, To: []domain.LiveChange{domain.LivePause, domain.LivePlay}[n%2]}))
	}
	other, count := openCounted(t, db, eventstore.SequencerConfig{SnapshotEvery: 20})
	other.execute(p.users[0].request(p.say("hello")))
	if n := count.take(loadsStates); n < 30 {
		t.Fatalf("%d rows were read, the room alone has 32", n)
	}
	other, count = openCounted(t, db, eventstore.SequencerConfig{SnapshotEvery: 20})
	other.execute(p.users[0].request(p.say("hello")))
	if n := count.take(loadsStates); n > 10 {
		t.Fatalf("%d rows were read although the room has a snapshot", n)
	}
}

func TestInvalidSnapshotsAreIgnoredAndReplaced(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]string{
		"an edited balance":            `UPDATE snapshot SET state = '{"balance":999999}'`,
		"an unreadable state":          `UPDATE snapshot SET state = '{"balance":"many"}'`,
		"no checksum":                  `UPDATE snapshot SET checksum = ''`,
		"the snapshot of another user": `UPDATE snapshot s SET state = o.state, checksum = o.checksum FROM snapshot o WHERE o.stream <> s.stream`,
		"an older version":             `UPDATE snapshot SET version = version - 1`,
		"a version to come":            `UPDATE snapshot SET version = 1000000, state = '{"balance":999999}'`,
		"a snapshot of no event":       `INSERT INTO snapshot SELECT stream, version + 1, format, '{"balance":999999}', checksum FROM snapshot`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			l := openLog(t, db, eventstore.SequencerConfig{SnapshotEvery: 3})
			p := l.fixture(2, 100)
			for _, who := range p.users {
				for range 3 {
					l.execute(who.request(p.give(1))) // one gift of 10 coins
				}
			}
			if _, err := db.Owner.Exec(t.Context(), "DELETE FROM snapshot WHERE stream NOT LIKE 'wallet-%'"); err != nil {
				t.Fatal(err)
			}
			tag, err := db.Owner.Exec(t.Context(), edit)
			if err != nil || tag.RowsAffected() != 2 {
				t.Fatalf("%v rows are edited, %v", tag.RowsAffected(), err)
			}
			var logged strings.Builder
			log := slog.New(slog.NewTextHandler(&logged, nil))
			other := openLogAs(t, db, eventstore.Config{Now: time.Now, Log: log}, eventstore.SequencerConfig{SnapshotEvery: 3})
			for _, who := range p.users {
				other.refused(who.request(p.give(8)), domain.CodeCoinsTooFew)
				e := other.execute(who.request(p.give(7))).Events[0]
				if got := e.Event.(domain.GiftSent).BalanceAfter; got != 0 {
					t.Errorf("%d coins are left, want 0", got)
				}
			}
			if n := other.sequencer.Stats().InvalidSnapshots; n != 2 {
				t.Errorf("%d snapshots were ignored, want 2", n)
			}
			other.stop()
			if n := strings.Count(logged.String(), "snapshot is not valid"); n != 2 {
				t.Errorf("logged %d times, want 2:\n%s", n, &logged)
			}
			again := openLog(t, db, eventstore.SequencerConfig{SnapshotEvery: 3})
			for _, who := range p.users {
				again.refused(who.request(p.give(1)), domain.CodeCoinsTooFew)
			}
			if n := again.sequencer.Stats().InvalidSnapshots; n != 0 {
				t.Errorf("%d snapshots were not replaced", n)
			}
			l.verified()
		})
	}
}

// TestSnapshotsAreNotUsedWithoutKeys checks that a command line without the secrets of the servers neither uses their
// snapshots nor replaces them.
func TestSnapshotsAreNotUsedWithoutKeys(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{SnapshotEvery: 3})
	p := l.fixture(1, 100)
	who := p.users[0]
	for range 3 {
		l.execute(who.request(p.give(1)))
	}
	stored := func() (all string) {
		if err := db.Owner.QueryRow(t.Context(), "SELECT string_agg(s::text, ' ' ORDER BY stream) FROM snapshot s").Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := stored()
	without := openLogAs(t, db, eventstore.Config{Now: time.Now, SnapshotKeys: [][]byte{}}, eventstore.SequencerConfig{SnapshotEvery: 1})
	if got := without.execute(who.request(p.give(1))).Events[0].Event.(domain.GiftSent).BalanceAfter; got != 60 {
		t.Errorf("%d coins are left, want 60", got)
	}
	if after := stored(); after != before || without.sequencer.Stats().InvalidSnapshots != 0 {
		t.Errorf("snapshots %s, before %s", after, before)
	}
	rotated := [][]byte{[]byte("a new key"), snapshotKeys[0]}
	again := openLogAs(t, db, eventstore.Config{Now: time.Now, SnapshotKeys: rotated}, eventstore.SequencerConfig{})
	again.execute(who.request(p.give(1)))
	if n := again.sequencer.Stats().InvalidSnapshots; n != 0 {
		t.Errorf("%d snapshots of the old key were ignored", n)
	}
}

// TestStatelessStreamIsNotReadToAppend uses the stream of comments, which grows without bound and which no decision
// reads.
func TestStatelessStreamIsNotReadToAppend(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	p := l.fixture(8, 0)
	var group sync.WaitGroup
	for _, who := range p.users {
		group.Go(func() {
			for range 40 {
				if _, err := l.sequencer.Execute(context.Background(), who.request(p.say("hello"))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	other, count := openCounted(t, db, eventstore.SequencerConfig{})
	r := other.execute(p.users[0].request(p.say("hello")))
	if v := r.Events[0].Version; v != 321 {
		t.Errorf("version %d of the chat, want 321", v)
	}
	states, versions := count.take(loadsStates), count.take(loadsVersions)
	if states > 6 || versions != 1 {
		t.Fatalf("%d rows of states and %d of versions were read, want at most 6 and 1", states, versions)
	}
}
