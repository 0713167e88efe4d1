package tree

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
	"roomlog/eventstore/transparency"
	"roomlog/internal/loglimit"
	"roomlog/internal/settings"
	"roomlog/internal/wait"
)

// begin begins the transaction that extends the tree. The commit waits for the disk, because a signed checkpoint must not
// be lost. A process that is frozen during the transaction loses it.
const begin = `BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL synchronous_commit = on;
SET LOCAL enable_seqscan = off;
SET LOCAL jit = off;
SET LOCAL idle_in_transaction_session_timeout = '5s'`

// Config configures a Follower.
type Config struct {
	Store     *eventstore.Store
	Pool      *pgxpool.Pool           // connections that extend the tree; nil: the pool of the store
	Secrets   []string                // secrets of the keys that sign checkpoints, newest first; nil: nothing is signed
	Memory    *Memory                 // remembers the newest checkpoint outside the database; nil: only in memory
	Witnesses *transparency.Witnesses // witnesses whose cosignatures count; nil: no event counts as anchored
	Log       *slog.Logger            // receives the messages of the program; nil: none

	Interval    time.Duration `default:"250ms"` // minimum time between two extensions of the tree
	Poll        time.Duration `default:"1s"`    // interval at which the tree is compared with the log if nothing is appended
	HaltedRetry time.Duration `default:"5s"`    // interval between attempts after an error, or while the tree is halted
	BatchSize   int           `default:"16384"` // maximum number of events that one transaction adds
}

// Status is the state of the tree as a Follower last saw it.
type Status struct {
	State
	Anchored int64 // position up to which witnesses have cosigned the tree
	Err      error // why the last attempt failed; nil if it succeeded. A *HaltError if the tree is halted.
}

// HaltError means that the tree cannot continue, because it does not fit the log or what was signed before.
type HaltError struct{ Reason string }

func (e *HaltError) Error() string { return "the transparency log is halted: " + e.Reason }

// Follower extends the tree as the log grows, and signs its checkpoints. Several followers may run on one database; only
// one of them extends the tree at a time. All of them compare what was signed with what they remember.
type Follower struct {
	c      Config
	number int64
	keys   *transparency.Keys // keys of tree number; nil if nothing is signed
	edge   *transparency.Edge // edge of the tree after the last extension by this follower; nil if unknown
	last   uuid.UUID          // id of the newest event in edge
	unsure *signing           // the signed checkpoint whose commit had no reply; nil if there is none
	signed bool               // whether this follower has signed a checkpoint of tree number, or has found one with all its keys

	warned transparency.Checkpoint // the remembered checkpoint of another tree that was logged

	cause  loglimit.Cause // why the last attempt failed
	unread loglimit.Cause // why the last attempt to read cosignatures failed

	mu     sync.Mutex
	status Status
}

// signing is a checkpoint that was signed, and that others may have seen if its transaction was committed.
type signing struct {
	transparency.Checkpoint
	eventID uuid.UUID // id of the newest event that the checkpoint covers
}

// NewFollower returns a Follower. It does nothing until Run is called.
func NewFollower(c Config) (*Follower, error) {
	settings.Defaults(&c)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Pool == nil {
		c.Pool = c.Store.Pool()
	}
	if c.Memory == nil {
		c.Memory = &Memory{}
	}
	if c.Secrets != nil {
		if err := transparency.CheckSecrets(c.Secrets); err != nil {
			return nil, err
		}
	}
	return &Follower{c: c}, nil
}

// Status returns the state of the tree as the follower last saw it.
func (f *Follower) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

// Run extends the tree until ctx ends, and then returns nil. It retries after every error.
func (f *Follower) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		seen := f.c.Store.Appended().Count()
		more, err := f.step(ctx)
		if err == nil && f.cause.Changed(nil) {
			f.c.Log.InfoContext(ctx, "transparency log is extended again")
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			f.failed(ctx, err)
			wait.Sleep(ctx, f.c.HaltedRetry)
		case !more:
			f.c.Store.Appended().Wait(ctx, seen, f.c.Poll)
			wait.Sleep(ctx, f.c.Interval)
		}
	}
	return nil
}

// failed records and logs an error, unless the previous attempt had the same one.
func (f *Follower) failed(ctx context.Context, err error) {
	f.edge = nil
	var halt *HaltError
	halted := errors.As(err, &halt)
	if halted {
		err = halt // the attempt that halts the tree adds where it found the cause
	}
	f.mu.Lock()
	f.status.Err = err
	f.mu.Unlock()
	switch changed := f.cause.Changed(err); {
	case changed && halted:
		f.c.Log.ErrorContext(ctx, "transparency log is halted, no checkpoint is signed: find out why, then run: roomlog audit restart", slog.Any("error", err))
	case changed:
		f.c.Log.WarnContext(ctx, "extending the transparency log failed, retrying", slog.Any("error", err))
	}
}

// seen records the state of the tree, and why it does not grow; nil if it does.
func (f *Follower) seen(s State, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status = Status{State: s, Anchored: f.status.Anchored, Err: err}
}

// step compares the tree with the log and with the remembered checkpoint, and extends the tree by at most one batch. It
// reports whether more events may be waiting.
func (f *Follower) step(ctx context.Context) (more bool, err error) {
	s, err := ReadState(ctx, f.c.Pool)
	if err != nil || s.standby { // a standby may lack what was signed
		return false, err
	}
	defer f.readAnchored(ctx, s.Number)
	if s.Halted != "" {
		halt := &HaltError{s.Halted}
		f.seen(s, halt)
		return false, halt
	}
	if err := f.use(ctx, s.Number); err != nil {
		return false, err
	}
	if err := f.compare(ctx, f.c.Pool, s); err != nil {
		return false, f.halt(ctx, s.Number, err)
	}
	if s.Size == s.Head && !f.mustSign(s) {
		f.seen(s, nil)
		return false, nil
	}
	more, err = f.extend(ctx)
	return more, f.halt(ctx, s.Number, err)
}

// readAnchored reads the position up to which witnesses have cosigned a tree. After an error, for example because the
// table of the cosignatures is locked, the known position stays, and the tree continues to grow.
func (f *Follower) readAnchored(ctx context.Context, number int64) {
	reading, cancel := context.WithTimeout(ctx, cosignaturesTimeout)
	defer cancel()
	_, anchored, err := ReadWitnesses(reading, f.c.Pool, number, f.c.Witnesses)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if f.unread.Changed(err) {
			f.c.Log.WarnContext(ctx, "reading cosignatures failed, no further events count as anchored", slog.Any("error", err))
		}
	default:
		f.unread.Changed(nil)
		f.mu.Lock()
		f.status.Anchored = anchored
		f.mu.Unlock()
	}
}

// mustSign reports whether the newest checkpoint does not cover the tree, or was signed with other keys before this
// follower has signed. Otherwise nobody could check the tree with a new key before the log grows.
func (f *Follower) mustSign(s State) bool {
	switch {
	case f.keys == nil || s.Size == 0:
		return false
	case s.SignedSize != s.Size:
		return true
	}
	f.signed = f.signed || s.Keys == f.publicKeys()
	return !f.signed
}

// publicKeys returns the public keys of the signatures, newest first, as the table stores them.
func (f *Follower) publicKeys() string { return strings.Join(f.keys.Public(), " ") }

// use prepares the keys of a tree.
func (f *Follower) use(ctx context.Context, number int64) error {
	if f.number == number {
		return nil
	}
	f.edge, f.keys, f.unsure, f.signed = nil, nil, nil, false
	f.mu.Lock()
	f.status.Anchored = 0
	f.mu.Unlock()
	if f.c.Secrets != nil {
		keys, err := transparency.NewKeys(f.c.Secrets, transparency.Origin(f.c.Store.ID(), number))
		if err != nil {
			return err
		}
		f.keys = keys
		f.c.Log.InfoContext(ctx, "signing the transparency log", slog.String("public_key", keys.Public()[0]))
	}
	f.number = number
	return nil
}

// halt stops the tree for all processes if err is a *HaltError. It returns err.
func (f *Follower) halt(ctx context.Context, number int64, err error) error {
	var halt *HaltError
	if !errors.As(err, &halt) {
		return err
	}
	if _, updateErr := f.c.Pool.Exec(ctx, haltTree, halt.Reason, number); updateErr != nil {
		return errors.Join(err, fmt.Errorf("record that the transparency log is halted: %w", updateErr))
	}
	return err
}

// compare checks that the log contains the newest event of the tree, and that the tree contains the tree of the
// remembered checkpoint. Then it remembers the newest checkpoint. s was read from db.
func (f *Follower) compare(ctx context.Context, db Querier, s State) error {
	if s.eventID != s.found {
		return &HaltError{fmt.Sprintf("the tree contains event %s at position %d, but the log, which ends at %d, has event %s there", s.eventID, s.Size, s.Head, s.found)}
	}
	if err := f.compareUnsure(ctx, db); err != nil {
		return err
	}
	known, ok := f.c.Memory.Newest()
	logID, number, err := transparency.ParseOrigin(known.Origin)
	switch {
	case !ok:
		return f.remember(ctx, s)
	case err != nil || logID != f.c.Store.ID():
		if f.isUnlogged(known) {
			f.c.Log.WarnContext(ctx, "remembered checkpoint belongs to another log, forgetting it", slog.String("checkpoint", known.String()))
		}
		return f.remember(ctx, s)
	case number < s.Number:
		if f.isUnlogged(known) {
			f.c.Log.WarnContext(ctx, "an operator has begun a new tree of the transparency log", slog.String("checkpoint", known.String()))
		}
		return f.remember(ctx, s)
	case number > s.Number:
		if err := f.storeLost(ctx, number); err != nil {
			return err
		}
		fallthrough
	case known.N > s.SignedSize:
		return &HaltError{fmt.Sprintf("a checkpoint was signed that the database has lost (%s): the database has fallen back to an earlier state, or its tables were edited", known)}
	case known.N == s.SignedSize && string(f.c.Memory.signed) == string(s.Signed):
		return nil
	}
	if err := contains(ctx, db, known); err != nil {
		return err
	}
	return f.remember(ctx, s)
}

// isUnlogged reports whether known, a remembered checkpoint of another tree, was not logged before, and marks it as
// logged.
func (f *Follower) isUnlogged(known transparency.Checkpoint) bool {
	before := f.warned
	f.warned = known
	return before != known
}

// storeLost stores the remembered checkpoint of a tree that the database has lost, so that Restart gives the next tree
// another number. It does nothing if the secrets of this process have not signed the checkpoint.
func (f *Follower) storeLost(ctx context.Context, number int64) error {
	if f.c.Secrets == nil {
		return nil
	}
	known, _ := f.c.Memory.Newest()
	lost, err := transparency.NewKeys(f.c.Secrets, known.Origin)
	if err != nil {
		return err
	}
	keys := strings.Join(lost.Public(), " ")
	verifiers, err := transparency.ParseKeys(keys)
	if err != nil {
		return err
	}
	if _, err := transparency.OpenCheckpoint(f.c.Memory.signed, verifiers); err != nil {
		f.c.Log.WarnContext(ctx, "remembered checkpoint was signed with another secret", slog.Any("error", err))
		return nil
	}
	if _, err := f.c.Pool.Exec(ctx, insertLostCheckpoint, number, known.N, string(f.c.Memory.signed), keys); err != nil {
		return fmt.Errorf("store the checkpoint of a lost tree: %w", err)
	}
	return nil
}

// compareUnsure checks that the log still contains the events of a checkpoint that may have been committed. If it does,
// the tree of the log contains the checkpoint, or will contain it.
func (f *Follower) compareUnsure(ctx context.Context, db Querier) error {
	if f.unsure == nil {
		return nil
	}
	events, err := ReadEvents(ctx, db, f.unsure.N-1, f.unsure.N, 1)
	if err != nil {
		return err
	}
	if len(events) == 0 || events[0].ID != f.unsure.eventID {
		return &HaltError{fmt.Sprintf("a checkpoint was signed, and others may have seen it, but the log has lost its events (%s)", f.unsure)}
	}
	f.unsure = nil
	return nil
}

// contains returns a *HaltError unless the tree, at the size of c, has the hash of c.
func contains(ctx context.Context, db Querier, c transparency.Checkpoint) error {
	edge, err := loadEdge(ctx, db, c.N)
	switch {
	case errors.Is(err, ErrNoTile):
		return &HaltError{fmt.Sprintf("tiles are missing, so the tree cannot be compared with the signed checkpoint (%s)", c)}
	case err != nil:
		return err
	case edge.Tree() != c.Tree:
		return &HaltError{fmt.Sprintf("a checkpoint was signed (%s), but the tree at this size has another root: the history of the log has changed", c)}
	}
	return nil
}

// remember remembers the newest checkpoint of the tree.
func (f *Follower) remember(ctx context.Context, s State) error {
	if s.Signed == nil {
		return nil
	}
	if err := f.c.Memory.Remember(s.Signed); err != nil {
		f.c.Log.WarnContext(ctx, "remembering a checkpoint failed, a restore of the database may go unnoticed after a restart", slog.Any("error", err))
	}
	return nil
}

// extend adds one batch of events to the tree and signs it, in one transaction. It does nothing while another process
// does the same. It compares the tree again, because the transaction may be in another database than the reads before it,
// after a failover.
func (f *Follower) extend(ctx context.Context) (more bool, err error) {
	var s State
	var edge *transparency.Edge
	err = pgx.BeginTxFunc(ctx, f.c.Pool, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error {
		var size int64
		switch err := tx.QueryRow(ctx, lockTree).Scan(&size); {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil:
			return fmt.Errorf("lock the transparency log: %w", err)
		}
		if s, err = ReadState(ctx, tx); err != nil {
			return err
		}
		if s.Number != f.number || s.Halted != "" { // changed meanwhile: the next step decides
			return nil
		}
		if err := f.compare(ctx, tx, s); err != nil {
			return err
		}
		if edge, err = f.open(ctx, tx, s); err != nil {
			return err
		}
		before := s.Size
		if err := f.append(ctx, tx, &s, edge); err != nil {
			return err
		}
		more = s.Size-before == int64(f.c.BatchSize)
		if err := f.write(ctx, tx, &s, edge, s.Size > before); err != nil {
			return err
		}
		if f.keys != nil && s.Size > 0 {
			f.unsure = &signing{transparency.Checkpoint{Origin: f.keys.Origin(), Tree: edge.Tree()}, s.eventID}
		}
		return nil
	})
	f.edge = nil
	if err != nil {
		return false, fmt.Errorf("extend the transparency log: %w", err)
	}
	f.unsure = nil
	if edge != nil {
		f.signed = true
		f.edge, f.last = edge, s.eventID
		f.seen(s, nil)
		return more, f.remember(ctx, s)
	}
	return false, nil
}

// open returns the edge of the tree. If this follower was not the last one to extend the tree, open reads the edge and
// compares the tree with its newest checkpoint.
func (f *Follower) open(ctx context.Context, tx pgx.Tx, s State) (*transparency.Edge, error) {
	if f.edge != nil && f.edge.Size() == s.Size && f.last == s.eventID {
		return f.edge, nil
	}
	if s.Signed != nil {
		newest, err := transparency.ParseCheckpoint(s.Signed)
		if err != nil || newest.N != s.SignedSize || newest.N > s.Size {
			return nil, &HaltError{fmt.Sprintf("the newest checkpoint in the database, of size %d, does not belong to the tree of size %d", s.SignedSize, s.Size)}
		}
		if err := contains(ctx, tx, newest); err != nil {
			return nil, err
		}
	}
	edge, err := loadEdge(ctx, tx, s.Size)
	if errors.Is(err, ErrNoTile) {
		return nil, &HaltError{fmt.Sprintf("tiles of the tree of size %d are missing", s.Size)}
	}
	return edge, err
}

// append appends at most one batch of events to edge. It updates s.
func (f *Follower) append(ctx context.Context, tx pgx.Tx, s *State, edge *transparency.Edge) error {
	return eachEvent(ctx, tx, s.Size, s.Head, f.c.BatchSize, func(e *transparency.Event) error {
		if want := s.Size + 1; e.Position != want {
			return &HaltError{fmt.Sprintf("the log has a gap: position %d is missing", want)}
		}
		edge.Append(e.Hash())
		s.Size, s.eventID = e.Position, e.ID
		return nil
	})
}

// write writes the changed tiles and the size if the tree has grown, and a signed checkpoint, with one round trip to the
// database. It updates s.
func (f *Follower) write(ctx context.Context, tx pgx.Tx, s *State, edge *transparency.Edge, grown bool) error {
	var statements pgx.Batch
	if grown {
		var levels []int32
		var indexes []int64
		var hashes [][]byte
		for _, t := range edge.Flush() {
			levels, indexes, hashes = append(levels, int32(t.Level)), append(indexes, t.Index), append(hashes, t.Hashes)
		}
		statements.Queue(upsertTiles, levels, indexes, hashes)
		statements.Queue(updateTree, s.Size, s.eventID)
	}
	if f.mustSign(*s) {
		signed, err := f.keys.Sign(transparency.Checkpoint{Origin: f.keys.Origin(), Tree: edge.Tree()})
		if err != nil {
			return fmt.Errorf("sign a checkpoint: %w", err)
		}
		statements.Queue(deleteCheckpoint, f.number, s.Size)
		statements.Queue(insertCheckpoint, f.number, s.Size, string(signed), f.publicKeys())
		statements.Queue(updateSigned, s.Size)
		s.SignedSize, s.Signed, s.Keys = s.Size, signed, f.publicKeys()
	}
	if err := tx.SendBatch(ctx, &statements).Close(); err != nil {
		return fmt.Errorf("write tiles and a checkpoint: %w", err)
	}
	return nil
}
