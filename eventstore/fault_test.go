package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/waittest"
)

func TestBackendsAreTerminated(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})}
	p := logs[0].fixture(16, 1_000_000)
	traffic := startTraffic(t, p, logs...)
	for range 30 {
		traffic.flows(20)
		_, err := db.Owner.Exec(t.Context(), `
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name LIKE 'roomlog%'`)
		if err != nil {
			t.Fatal(err)
		}
	}
	traffic.flows(20)
	traffic.end()
	if n := logs[0].sequencer.Stats().Retries; n == 0 {
		t.Error("no connection was cut")
	}
}

func TestPostgreSQLIsKilled(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, pgtest.Durable)
	db := server.Open()
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{Timeout: time.Second}), openLog(t, db, eventstore.SequencerConfig{})}
	p := logs[0].fixture(16, 1_000_000)
	traffic := startTraffic(t, p, logs...)
	for range 3 {
		traffic.flows(100)
		server.Kill()
		server.Start()
	}
	traffic.flows(100) // the sequencer recovers without help
	traffic.end()
}

// TestLockThatIsNeverReleased freezes the process that holds the lock and its backend, so that no timeout ends the
// database session.
func TestLockThatIsNeverReleased(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	db := server.Open()
	l := openLog(t, db, eventstore.SequencerConfig{Timeout: time.Second})
	list := domain.Request{Command: domain.AddGift{Name: "rose", Price: 1}, Actor: operator}
	l.execute(list)
	holder, err := pgx.Connect(t.Context(), db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(context.Background())
	var pid int
	if err := holder.QueryRow(t.Context(), "SELECT pg_backend_pid() FROM pg_advisory_lock($1)", logLock).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Skip("the server's processes cannot be stopped: ", err)
	}
	pending := []<-chan answer{l.begin(list), l.begin(list)}
	for _, p := range pending { // the events can be read while the lock is held
		if a := waittest.Receive(t, p, "an answer"); !errors.Is(a.err, eventstore.ErrUnavailable) {
			t.Errorf("got %+v", a)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	holder.Close(context.Background())
	l.execute(list)
	l.verified()
}

// TestOpenTransactionsOfOthersDelayNothing checks that a transaction that another user of the database leaves open
// delays no command.
func TestOpenTransactionsOfOthersDelayNothing(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	list := domain.AddGift{Name: "rose", Price: 1}
	l.do(list)
	foreign, err := l.db.Owner.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.Serializable})
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Rollback(context.Background())
	for _, statement := range []string{
		"CREATE TABLE foreign_work AS SELECT txid_current()", "SELECT count(*) FROM events",
		"INSERT INTO credential VALUES (gen_random_uuid(), 'x', now())",
	} {
		if _, err := foreign.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	heard := make(chan int64, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- l.store.Follow(ctx, 0, func(_ context.Context, events []eventstore.Record) error {
			for _, r := range events {
				heard <- r.Position
			}
			return nil
		})
	}()
	for n := int64(2); n < 12; n++ {
		l.do(list)
		for position := int64(0); position < n; { // while the other transaction is still open
			position = waittest.Receive(t, heard, "an event")
		}
	}
	cancel()
	if err := waittest.Receive(t, done, "the end of Follow"); err != nil {
		t.Error(err)
	}
}

// TestDefaultsOfTheDatabaseHaveNoEffect sets defaults of the database that would break the sequencer: transactions
// would be read-only, and a statement after the lock would not see the events that were committed while it waited.
func TestDefaultsOfTheDatabaseHaveNoEffect(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, setting := range []string{
		"default_transaction_isolation = 'serializable'", "default_transaction_read_only = on",
		"synchronous_commit = off", "lock_timeout = 1000", "statement_timeout = 1000",
	} {
		u, err := url.Parse(db.DSN)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(u.Path, "/")
		if _, err := db.Owner.Exec(t.Context(), fmt.Sprintf("ALTER DATABASE %s SET %s", name, setting)); err != nil {
			t.Fatal(err)
		}
	}
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})}
	p := logs[0].fixture(8, 500)
	traffic := startTraffic(t, p, logs...)
	traffic.flows(50)
	release := logs[0].holdLock()
	<-time.After(1200 * time.Millisecond) // time passes: it is longer than the timeouts that the database has as defaults
	release()
	traffic.flows(50)
	traffic.end()
	if n := logs[0].sequencer.Stats().Retries + logs[1].sequencer.Stats().Retries; n != 0 {
		t.Errorf("%d transactions had to be done again, want 0", n)
	}
}

// TestDiskIsFull puts the log into a tablespace on a disk of 40 MB and fills the disk.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	small := pgtest.Dir(t)
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=40m"); err != nil {
		t.Skip("no small disk can be had here: ", err)
	}
	defer syscall.Unmount(small, syscall.MNT_DETACH)
	server := pgtest.Server(t)
	db := server.Open()
	space := filepath.Join(small, "space")
	owner, err := os.Stat(filepath.Dir(socketOf(t, db)))
	if err != nil {
		t.Fatal(err)
	}
	uid, gid := owner.Sys().(*syscall.Stat_t).Uid, owner.Sys().(*syscall.Stat_t).Gid
	if err := errors.Join(os.Mkdir(space, 0o700), os.Chown(space, int(uid), int(gid)), os.Chmod(small, 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"CREATE TABLESPACE small LOCATION '" + space + "'",
		"ALTER TABLE events SET TABLESPACE small", "ALTER TABLE command SET TABLESPACE small",
		"ALTER INDEX events_pkey SET TABLESPACE small", "ALTER INDEX command_pkey SET TABLESPACE small",
	} {
		if _, err := db.Owner.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{Timeout: 300 * time.Millisecond}), openLog(t, db, eventstore.SequencerConfig{})}
	p := logs[0].fixture(8, 1_000_000)
	traffic := startTraffic(t, p, logs...)
	for range 2 {
		traffic.flows(200)
		ballast := filepath.Join(small, "ballast")
		fill(t, ballast)
		eventually(t, "the disk is full", func() bool { return traffic.saw(eventstore.ErrUnavailable) })
		eventually(t, "the check names the full disk", func() bool {
			return errors.Is(logs[0].sequencer.CheckWritable(t.Context()), eventstore.ErrDiskFull)
		})
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
	traffic.flows(200) // the sequencer recovers without help
	logs[0].writable()
	traffic.end()
}

// fill writes to a file until the disk is full.
func fill(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
