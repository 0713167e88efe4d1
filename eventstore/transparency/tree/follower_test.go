package tree_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"go.uber.org/goleak"
	"golang.org/x/mod/sumdb/tlog"

	"roomlog/domain"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
	"roomlog/internal/logtest"
	"roomlog/projections/projtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var secrets = []string{strings.Repeat("s", 32)}

// world is a log whose tree the tests extend.
type world struct {
	*projtest.World
	gifts int
}

func newWorld(t *testing.T) *world { return &world{World: projtest.New(t)} }

// append appends n events.
func (w *world) append(n int) {
	w.Helper()
	for range n {
		w.gifts++
		w.AddGift(fmt.Sprintf("gift %d", w.gifts), 10)
	}
}

// follower returns a follower that does not wait.
func (w *world) follower(change ...func(*tree.Config)) *tree.Follower {
	w.Helper()
	c := tree.Config{Store: w.Store, Secrets: secrets, Interval: time.Microsecond, HaltedRetry: time.Millisecond, BatchSize: 5,
		Log: slog.New(slog.NewTextHandler(logtest.Output(w), nil))}
	for _, f := range change {
		f(&c)
	}
	f, err := tree.NewFollower(c)
	if err != nil {
		w.Fatal(err)
	}
	return f
}

// extend calls Step until the follower has nothing to do.
func (w *world) extend(f *tree.Follower) {
	w.Helper()
	if err := w.tryExtend(f); err != nil {
		w.Fatal(err)
	}
}

func (w *world) tryExtend(f *tree.Follower) error {
	for {
		if more, err := f.Step(w.Context()); err != nil || !more {
			return err
		}
	}
}

func (w *world) state() tree.State {
	w.Helper()
	s, err := tree.ReadState(w.Context(), w.Pool)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// root returns the root of the tree over all events, computed by a second implementation from the columns of the table.
func (w *world) root() []byte {
	w.Helper()
	events, err := tree.ReadEvents(w.Context(), w.Pool, 0, w.Head(), 1_000_000)
	if err != nil {
		w.Fatal(err)
	}
	r := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for _, e := range events {
		if err := r.Append(rfc6962.DefaultHasher.HashLeaf(e.AppendEntry(nil)), nil); err != nil {
			w.Fatal(err)
		}
	}
	root, err := r.GetRootHash(nil)
	if err != nil {
		w.Fatal(err)
	}
	return root
}

// check fails the test unless the newest checkpoint is signed and is that of all events.
func (w *world) check() transparency.Checkpoint {
	w.Helper()
	s := w.state()
	keys, err := transparency.NewKeys(secrets, transparency.Origin(w.Store.ID(), s.Number))
	if err != nil {
		w.Fatal(err)
	}
	known, err := transparency.ParseKeys(keys.Public()[0])
	if err != nil {
		w.Fatal(err)
	}
	c, err := transparency.OpenCheckpoint(s.Signed, known)
	if err != nil {
		w.Fatal(err)
	}
	if c.Origin != keys.Origin() || c.N != w.Head() || s.Size != c.N || !bytes.Equal(c.Hash[:], w.root()) {
		w.Fatalf("the checkpoint is %s, the tree has size %d, the log ends at %d and has the root %x", c, s.Size, w.Head(), w.root())
	}
	return c
}

// TestTreeFollowsTheLog checks the signed tree after every few events, with a follower that runs on and with new ones.
func TestTreeFollowsTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.follower()
	w.extend(f)
	if s := w.state(); s.Signed != nil {
		t.Errorf("the empty log has the checkpoint %s", s.Signed)
	}
	for _, n := range []int{1, 1, 2, 3, 4, 5, 9, 300} {
		w.append(n)
		w.extend(f)
		w.check()
		if n%2 == 0 {
			f = w.follower()
		}
	}
	if n := w.Int("SELECT count(*) FROM tlog_checkpoint"); n > 2 { // the hour may have changed during the test
		t.Errorf("%d checkpoints are kept, want one per hour", n)
	}
	if n := w.Int("SELECT count(*) FROM tlog_tile"); n != 3 {
		t.Errorf("%d tiles, want 3", n)
	}
}

// TestFollowersTakeTurns runs several followers while the log grows. Each event is in the tree once.
func TestFollowersTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var stops []func()
	var all []*tree.Follower
	for range 3 {
		f := w.follower()
		all, stops = append(all, f), append(stops, w.Start(f.Run))
	}
	w.append(120)
	w.Eventually(func() error {
		for _, f := range all {
			if s := f.Status(); s.Err != nil || s.SignedSize < w.Head() {
				return fmt.Errorf("size %d of %d, %w", s.SignedSize, w.Head(), s.Err)
			}
		}
		return nil
	})
	for _, stop := range stops {
		stop()
	}
	w.check()
}

// TestFollowerIsCutAtAnyMoment ends the database sessions of a follower again and again while the log grows.
func TestFollowerIsCutAtAnyMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.Another()
	f := w.follower(func(c *tree.Config) { c.Pool = other.Pool })
	w.Start(f.Run)
	for range 40 {
		w.append(7)
		w.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'another'")
	}
	w.Eventually(func() error {
		if s := w.state(); s.SignedSize < w.Head() {
			return fmt.Errorf("size %d of %d", s.SignedSize, w.Head())
		}
		return nil
	})
	w.check()
}

// TestIdleFollowerWritesNothing checks that a follower without new events does not lock or write a row.
func TestIdleFollowerWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(3)
	f := w.follower()
	w.extend(f)
	const row = "SELECT concat(ctid, xmin, xmax) FROM tlog_tree"
	before := w.Text(row)
	for range 10 {
		w.extend(f)
	}
	if after := w.Text(row); after != before {
		t.Errorf("the row was %s and is %s", before, after)
	}
}

// TestNothingIsSignedWithoutASecret checks that the tree grows without a secret, and is signed when there is one.
func TestNothingIsSignedWithoutASecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(9)
	w.extend(w.follower(func(c *tree.Config) { c.Secrets = nil }))
	if s := w.state(); s.Size != w.Head() || s.Signed != nil {
		t.Errorf("size %d of %d, signed %q", s.Size, w.Head(), s.Signed)
	}
	w.extend(w.follower())
	w.check()
	if _, err := tree.NewFollower(tree.Config{Store: w.Store, Secrets: []string{"short"}}); err == nil {
		t.Error("a short secret is accepted")
	}
}

// TestReplacedSecretSignsAtOnce checks that a follower with other keys than the newest checkpoint signs it again,
// although the log does not grow. Two followers with different keys must not replace each other's checkpoints without
// end.
func TestReplacedSecretSignsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(9)
	older := w.follower()
	w.extend(older)
	before := w.check()
	newSecret := strings.Repeat("n", 32)
	var newer *tree.Follower
	for _, all := range [][]string{{secrets[0], newSecret}, {newSecret, secrets[0]}, {newSecret}} {
		newer = w.follower(func(c *tree.Config) { c.Secrets = all })
		w.extend(newer)
		keys, err := transparency.NewKeys(all, before.Origin)
		if err != nil {
			t.Fatal(err)
		}
		s := w.state()
		if want := strings.Join(keys.Public(), " "); s.Keys != want {
			t.Errorf("keys %s, want %s", s.Keys, want)
		}
		known, err := transparency.ParseKeys(keys.Public()[0])
		if err != nil {
			t.Fatal(err)
		}
		if c, err := transparency.OpenCheckpoint(s.Signed, known); err != nil || c != before {
			t.Errorf("the checkpoint is %s, want %s, %v", c, before, err)
		}
	}
	signed := w.state().Signed
	for range 3 {
		w.extend(older)
		w.extend(newer)
	}
	if s := w.state(); !bytes.Equal(s.Signed, signed) {
		t.Errorf("the checkpoint was replaced by %s", s.Signed)
	}
}

// tables are the tables that belong to the history of a log.
var tables = []string{"events", "tlog_tile", "tlog_tree", "tlog_checkpoint"}

// TestTreeThatDoesNotFitTheLogHalts edits tables so that the tree and the log contradict each other.
func TestTreeThatDoesNotFitTheLogHalts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, edit, reason string }{
		{"the newest event is another one", "UPDATE events SET event_id = gen_random_uuid() WHERE position = 12", "at position 12, but the log, which ends at 13, has event"},
		{"the log is shorter", "DELETE FROM events WHERE position > 11", "at position 12, but the log, which ends at 11, has event"},
		{"the log has a gap", "UPDATE events SET position = 14 WHERE position = 13", "position 13 is missing"},
		{"a tile has changed", "UPDATE tlog_tile SET hashes = set_byte(hashes, 40, 255 - get_byte(hashes, 40))", "the tree at this size has another root"},
		{"a tile is missing", "DELETE FROM tlog_tile", "tiles are missing"},
		{"the checkpoint is of a larger tree", "UPDATE tlog_checkpoint SET size = 20", "does not belong to the tree of size 12"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.append(12)
			w.extend(w.follower())
			w.append(1)
			w.Exec("BEGIN; SET LOCAL session_replication_role = replica; " + tt.edit + "; COMMIT")
			err := w.tryExtend(w.follower())
			var halt *tree.HaltError
			if !errors.As(err, &halt) || !strings.Contains(halt.Reason, tt.reason) {
				t.Errorf("got %v, want %s", err, tt.reason)
			}
			if s := w.state(); s.Halted != halt.Reason || s.SignedSize > 12 && s.SignedSize != 20 {
				t.Errorf("halted %q, signed size %d", s.Halted, s.SignedSize)
			}
		})
	}
}

// TestTilesOnlyGrow checks that the role of the servers can neither change nor delete a hash in a tile, the row of the
// tree, or the size of a checkpoint.
func TestTilesOnlyGrow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(3)
	w.extend(w.follower())
	for _, edit := range []string{
		"UPDATE tlog_tile SET hashes = set_byte(hashes, 0, 255 - get_byte(hashes, 0))", "UPDATE tlog_tile SET hashes = substr(hashes, 1, 32)",
		"UPDATE tlog_tile SET index = 1", "DELETE FROM tlog_tile", "DELETE FROM tlog_tree", "UPDATE tlog_checkpoint SET size = 1",
	} {
		if _, err := w.Pool.Exec(t.Context(), edit); err == nil {
			t.Errorf("%s: is possible", edit)
		}
	}
	w.check()
}

// TestErasureKeepsTheTree checks that the hash of an event is the same after the key of its texts was destroyed.
func TestErasureKeepsTheTree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Register("anna")
	live := anna.GoLive("a personal title")
	anna.Send(domain.PostComment{Live: live, Text: "a personal text"})
	w.extend(w.follower())
	before := w.check()
	w.Do(domain.ForgetUser{User: anna.ID})
	w.extend(w.follower())
	after := w.check()
	if before.N >= after.N {
		t.Errorf("the tree had size %d and has size %d", before.N, after.N)
	}
	events, err := tree.ReadEvents(context.WithoutCancel(t.Context()), w.Pool, 0, after.N, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if bytes.Contains(e.AppendEntry(nil), []byte("a personal")) {
			t.Errorf("position %d: the entry contains a personal text", e.Position)
		}
	}
}

// TestCheckpointOfAnotherTreeIsLoggedOnce lets a follower without a secret remember a checkpoint of another log. Nothing
// replaces it, because nothing is signed.
func TestCheckpointOfAnotherTreeIsLoggedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys, err := transparency.NewKeys(secrets, transparency.Origin("another", 1))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := keys.Sign(transparency.Checkpoint{Origin: keys.Origin(), Tree: tlog.Tree{N: 7}})
	if err != nil {
		t.Fatal(err)
	}
	memory := &tree.Memory{}
	if err := memory.Remember(signed); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	f := w.follower(func(c *tree.Config) {
		c.Secrets, c.Memory, c.Log = nil, memory, slog.New(slog.NewTextHandler(&log, nil))
	})
	for range 3 {
		w.append(1)
		w.extend(f)
	}
	if n := strings.Count(log.String(), "belongs to another log"); n != 1 {
		t.Errorf("%d messages, want 1:\n%s", n, log.String())
	}
}

func TestMemoryReportsADamagedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.OpenMemory(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

// TestEachCauseOfAHaltIsLoggedOnce checks that a follower that tries again and again logs each reason for which the tree
// is halted once, and that it continues.
func TestEachCauseOfAHaltIsLoggedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	logged := &logtest.Buffer{}
	f := w.follower(func(c *tree.Config) { c.Log = slog.New(slog.NewTextHandler(logged, nil)) })
	w.Start(f.Run)
	w.append(3)
	for _, reason := range []string{"one", "two", "one"} {
		w.Exec("UPDATE tlog_tree SET halted = '" + reason + "'")
		w.Eventually(func() error {
			var halt *tree.HaltError
			if err := f.Status().Err; !errors.As(err, &halt) || halt.Reason != reason {
				return fmt.Errorf("the status is %q, want %s", fmt.Sprint(err), reason)
			}
			return nil
		})
		w.append(1) // takes longer than many attempts
	}
	if n := logged.Count("transparency log is halted"); n != 3+3 { // in the message and in the error
		t.Errorf("three causes are logged %d times:\n%s", n/2, logged)
	}
	w.Exec("UPDATE tlog_tree SET halted = NULL")
	w.Eventually(func() error {
		if n := logged.Count("transparency log is extended again"); n != 1 {
			return fmt.Errorf("the end of the halt is logged %d times: %w", n, f.Status().Err)
		}
		return nil
	})
	w.Eventually(func() error {
		if s := w.state(); s.SignedSize != w.Head() {
			return fmt.Errorf("signed up to %d of %d", s.SignedSize, w.Head())
		}
		return nil
	})
}
