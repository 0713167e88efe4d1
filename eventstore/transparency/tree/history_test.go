package tree_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore/transparency/tree"
)

// save copies the state of the database.
func (w *world) save() {
	w.Helper()
	w.Exec("DROP SCHEMA IF EXISTS saved CASCADE; CREATE SCHEMA saved")
	for _, table := range tables {
		w.Exec(fmt.Sprintf("CREATE TABLE saved.%[1]s AS TABLE %[1]s", table))
	}
}

// restore lets the database fall back to the saved state.
func (w *world) restore() {
	w.Helper()
	statements := []string{"SET LOCAL session_replication_role = replica"}
	for _, table := range tables {
		statements = append(statements, fmt.Sprintf("DELETE FROM %[1]s; INSERT INTO %[1]s SELECT * FROM saved.%[1]s", table))
	}
	w.Exec("BEGIN; " + strings.Join(statements, "; ") + "; COMMIT")
	_, _ = w.Store.CheckHistory(w.Context())
}

// TestLostHistoryIsNotSignedOver lets the database fall back after a checkpoint was signed. A follower that remembers
// the checkpoint, in memory or in a file, must halt the tree, before and after the log has grown again. Then no
// process may sign until an operator begins a new tree.
func TestLostHistoryIsNotSignedOver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		inMemory bool
		grow     int    // events after the restore
		reason   string // part of the reason
	}{
		{"in memory, the log is shorter", true, 0, "a checkpoint was signed that the database has lost"},
		{"in memory, another history is longer", true, 20, "a checkpoint was signed that the database has lost"},
		{"in a file, the log is shorter", false, 0, "a checkpoint was signed that the database has lost"},
		{"in a file, another history is longer", false, 20, "a checkpoint was signed that the database has lost"},
		{"in a file, another process has signed another history", false, -20, "the tree at this size has another root"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			path := filepath.Join(t.TempDir(), "tlog", "checkpoint")
			remembering := func() *tree.Follower {
				memory, err := tree.OpenMemory(path)
				if err != nil {
					t.Fatal(err)
				}
				return w.follower(func(c *tree.Config) { c.Memory = memory })
			}
			f := remembering()
			w.append(4)
			w.extend(f)
			w.save()
			w.append(8)
			w.extend(f)
			lost := w.check()
			w.restore()
			if tt.grow < 0 {
				w.append(-tt.grow)
				w.extend(w.follower()) // a process that remembers nothing
			} else {
				w.append(tt.grow)
			}
			if !tt.inMemory {
				f = remembering()
			}
			signed := w.state().Signed
			err := w.tryExtend(f)
			var halt *tree.HaltError
			if !errors.As(err, &halt) || !strings.Contains(halt.Reason, tt.reason) || !strings.Contains(halt.Reason, lost.String()) {
				t.Fatalf("got %v, want %s and %s", err, tt.reason, lost)
			}
			w.append(1)
			if err := w.tryExtend(w.follower()); !errors.As(err, &halt) {
				t.Errorf("another process continues: %v", err)
			}
			if s := w.state(); s.Halted == "" || !bytes.Equal(s.Signed, signed) {
				t.Errorf("halted %q, signed %s", s.Halted, s.Signed)
			}

			if number, err := tree.Restart(t.Context(), w.OwnerPool(), 0); number != 2 || err != nil {
				t.Fatalf("the new tree has number %d, %v", number, err)
			}
			w.extend(f)
			if c := w.check(); c.Origin == lost.Origin {
				t.Errorf("the new tree has the old name %s", c.Origin)
			}
			remembered, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(remembered, w.state().Signed) {
				t.Errorf("remembered %s, %v", remembered, err)
			}
			w.extend(remembering())
		})
	}
}

// onQuery calls f before the first query that begins with prefix.
type onQuery struct {
	prefix string
	once   sync.Once
	f      func(*pgx.Conn)
}

func (o *onQuery) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.HasPrefix(strings.ToUpper(data.SQL), o.prefix) {
		o.once.Do(func() { o.f(conn) })
	}
	return ctx
}

func (*onQuery) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// poolThatCalls returns another pool of connections, which calls f before the first query that begins with prefix.
func (w *world) poolThatCalls(prefix string, f func(*pgx.Conn)) *pgxpool.Pool {
	w.Helper()
	config := w.Pool.Config()
	config.ConnConfig.Tracer = &onQuery{prefix: prefix, f: f}
	pool, err := pgxpool.NewWithConfig(w.Context(), config)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(pool.Close)
	return pool
}

// TestHistoryIsLostBetweenComparingAndSigning lets the database fall back after a follower has compared the tree with the
// remembered checkpoint, and before it signs the next one.
func TestHistoryIsLostBetweenComparingAndSigning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.follower()
	w.append(4)
	w.extend(first)
	w.save()
	w.append(8)
	w.extend(first)
	lost := w.check()
	memory := &tree.Memory{}
	if err := memory.Remember(w.state().Signed); err != nil {
		t.Fatal(err)
	}
	w.append(1)

	pool := w.poolThatCalls("BEGIN", func(*pgx.Conn) { w.restore() })
	f := w.follower(func(c *tree.Config) { c.Pool, c.Memory = pool, memory })
	err := w.tryExtend(f)
	var halt *tree.HaltError
	if !errors.As(err, &halt) || !strings.Contains(halt.Reason, lost.String()) {
		t.Errorf("got %v, want a halt because of %s", err, lost)
	}
	if newest, _ := memory.Newest(); newest != lost {
		t.Errorf("the follower remembers %s, want %s", newest, lost)
	}
}

// TestNameOfALostTreeIsNotUsedAgain lets the database fall back to the time before an operator began a new tree. The next
// tree has another name than the lost one, although the operator's machine has not remembered it.
func TestNameOfALostTreeIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.follower()
	w.append(4)
	w.extend(f)
	w.save()
	if _, err := tree.Restart(t.Context(), w.OwnerPool(), 0); err != nil {
		t.Fatal(err)
	}
	w.extend(f)
	lost := w.check()
	w.restore()
	w.append(8)
	var halt *tree.HaltError
	for range 2 {
		if err := w.tryExtend(f); !errors.As(err, &halt) || !strings.Contains(halt.Reason, lost.String()) {
			t.Fatalf("got %v, want %s", err, lost)
		}
	}
	if faults := w.verify(); len(faults) != 1 || !strings.Contains(faults[0].Text, lost.String()) {
		t.Errorf("verify reports %+v, want the lost checkpoint", faults)
	}
	if number, err := tree.Restart(t.Context(), w.OwnerPool(), 0); number != 3 || err != nil {
		t.Fatalf("the new tree has number %d, %v", number, err)
	}
	w.extend(f)
	w.check()
}

// TestReplyToACommitIsLost ends the session of a follower while it commits a checkpoint. The follower does not learn
// whether others have seen the checkpoint. It continues if the log still has the events, and halts if it has lost them.
func TestReplyToACommitIsLost(t *testing.T) {
	t.Parallel()
	for _, fallsBack := range []bool{false, true} {
		t.Run(fmt.Sprintf("the log falls back %t", fallsBack), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			pool := w.poolThatCalls("COMMIT", func(conn *pgx.Conn) {
				w.Exec(fmt.Sprintf("SELECT pg_terminate_backend(%d, 60000)", conn.PgConn().PID()))
			})
			f := w.follower(func(c *tree.Config) { c.Pool, c.BatchSize = pool, 100 })
			w.append(4)
			w.extend(w.follower())
			w.save()
			w.append(8)
			if err := w.tryExtend(f); err == nil {
				t.Fatal("the commit has a reply")
			}
			if fallsBack {
				w.restore()
				w.append(20)
			}
			err := w.tryExtend(f)
			var halt *tree.HaltError
			if fallsBack != errors.As(err, &halt) || !fallsBack && err != nil {
				t.Fatalf("got %v", err)
			}
			if fallsBack && w.state().SignedSize > 4 {
				t.Errorf("signed %s", w.state().Signed)
			}
			if !fallsBack {
				w.check()
			}
		})
	}
}
