package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
	"roomlog/internal/wait"
)

// MaxBehind is the maximum age of the oldest event that the standby lacks. If the event is older, the standby counts
// as too far behind: it still serves what it has, but most readers of new events use the primary.
const MaxBehind = 30 * time.Second

// checkInterval is the interval between two comparisons of the standby with the log. A standby that could not be used is used
// again after the next comparison that succeeds.
const checkInterval = time.Second

// busyWait is the maximum time that a read waits for a free connection to the standby. It then uses the primary.
const busyWait = 5 * time.Second

// Reader reads events from a standby if it can, and otherwise from the log. It is safe for concurrent use.
type Reader struct {
	store *eventstore.Store
	pool  *pgxpool.Pool // connections to the standby; nil: there is none
	slots chan struct{} // has an element for each read of the standby
	log   *slog.Logger

	maxBehind time.Duration // MaxBehind, except in tests

	mu  sync.Mutex
	now eventstore.Copy // state of the standby at the last comparison
	err error           // why the standby is not used; nil if it is used
	far bool            // whether the standby was too far behind at the last comparison

	reads, fallbacks, conflicts atomic.Int64
}

// errNotCompared is the state of a Reader before the first comparison.
var errNotCompared = errors.New("the standby was not compared with the primary yet")

// New returns a Reader. pool leads to the standby; nil: everything is read from the log. log may be nil.
func New(store *eventstore.Store, pool *pgxpool.Pool, log *slog.Logger) *Reader {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Reader{store: store, pool: pool, log: log, maxBehind: MaxBehind, err: errNotCompared}
	if pool != nil {
		r.slots = make(chan struct{}, max(1, pool.Config().MaxConns-1))
	}
	return r
}

// OpenPool returns a pool for a standby, with one connection more than o.MaxConns, for comparisons with the log. It does not connect:
// a standby that is away must not keep a process from starting. Sessions cannot write, also after the standby was promoted.
func OpenPool(ctx context.Context, dsn string, o eventstore.PoolOptions) (*pgxpool.Pool, error) {
	o.ReadOnly = true
	if o.MaxConns > 0 {
		o.MaxConns++
	}
	c, err := eventstore.PoolConfig(dsn, o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open the standby: %w", err)
	}
	return pool, nil
}

// Run compares the standby with the log at intervals, until ctx ends.
func (r *Reader) Run(ctx context.Context) error {
	if r.pool == nil {
		<-ctx.Done()
		return nil
	}
	for r.Check(ctx); wait.Sleep(ctx, checkInterval); r.Check(ctx) {
	}
	return nil
}

// Check compares the standby with the log. Reads use the standby only after a comparison that succeeded.
func (r *Reader) Check(ctx context.Context) {
	if r.pool == nil {
		return
	}
	now, err := r.store.CheckCopy(ctx, r.pool)
	if copied := (*eventstore.CopyError)(nil); ctx.Err() != nil || err != nil && !errors.As(err, &copied) {
		return // the log cannot be read: that says nothing about the standby
	}
	if isConflict(err) {
		r.conflicts.Add(1)
		return
	}
	r.set(ctx, now, err)
}

// Read reads like eventstore.Store.Read.
func (r *Reader) Read(ctx context.Context, q eventstore.Query) (eventstore.Page, error) {
	if upTo := r.position(); q.After < upTo && r.enter(ctx) {
		defer r.leave()
		page, err := r.store.ReadCopy(ctx, r.pool, upTo, q)
		if r.served(ctx, err) {
			return page, err
		}
	}
	return r.store.Read(ctx, q)
}

// Count counts like eventstore.Store.Count. Events that the standby does not have yet are counted in the log.
func (r *Reader) Count(ctx context.Context, q eventstore.Query) (int64, error) {
	if q.UpTo <= 0 {
		q.UpTo = math.MaxInt64
	}
	upTo := min(r.position(), q.UpTo)
	if q.After >= upTo {
		return r.store.Count(ctx, q)
	}
	if !r.enter(ctx) {
		return r.store.Count(ctx, q)
	}
	n, err := r.store.CountCopy(ctx, r.pool, upTo, q)
	r.leave()
	if !r.served(ctx, err) {
		return r.store.Count(ctx, q)
	}
	if q.After = upTo; err != nil || q.After >= q.UpTo {
		return n, err
	}
	rest, err := r.store.Count(ctx, q)
	return n + rest, err
}

// enter waits until a connection to the standby is free, and reports whether it is. All reads together leave one connection to Check,
// so that many long reads do not look like a standby that does not respond. Call leave afterwards.
func (r *Reader) enter(ctx context.Context) bool {
	select {
	case r.slots <- struct{}{}:
		return true
	default:
	}
	longest := busyWait
	if end, ok := ctx.Deadline(); ok {
		longest = min(longest, time.Until(end)/2)
	}
	timeout := time.NewTimer(longest)
	defer timeout.Stop()
	select {
	case r.slots <- struct{}{}:
		return true
	case <-timeout.C:
	case <-ctx.Done():
	}
	r.fallbacks.Add(1)
	return false
}

func (r *Reader) leave() { <-r.slots }

// position returns the position up to which the standby may be read, or 0 if it may not.
func (r *Reader) position() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0
	}
	return r.now.Position
}

// served reports whether a read of the standby has the final result. Otherwise the read must be repeated in the log.
func (r *Reader) served(ctx context.Context, err error) bool {
	copied := (*eventstore.CopyError)(nil)
	switch {
	case err == nil:
		r.reads.Add(1)
		return true
	case !errors.As(err, &copied):
		return true
	}
	r.fallbacks.Add(1)
	if isConflict(err) { // the standby cancels a query that keeps it from replaying; the next one may succeed
		r.conflicts.Add(1)
		return false
	}
	r.set(ctx, eventstore.Copy{}, err)
	return false
}

// isConflict reports whether a standby has cancelled a query because it conflicts with the replay of changes of the primary.
func isConflict(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "40001"
}

// set records the result of a comparison, or the failure of a read, and logs changes.
func (r *Reader) set(ctx context.Context, now eventstore.Copy, err error) {
	r.mu.Lock()
	before, wasFar := r.err, r.far
	r.now, r.err, r.far = now, err, err == nil && now.Behind > r.maxBehind
	far := r.far
	r.mu.Unlock()
	if err != nil {
		r.pool.Reset() // other connections may lead to the same server
	}
	attributes := []any{slog.Int64("position", now.Position), slog.Int64("count", now.Lacks)}
	switch {
	case err != nil && (before == nil || errors.Is(before, errNotCompared) || Cause(before) != Cause(err)):
		level := slog.LevelWarn
		if errors.Is(err, eventstore.ErrAnotherCopy) || errors.Is(err, eventstore.ErrNotStandby) {
			level = slog.LevelError
		}
		r.log.Log(ctx, level, "read replica is not used, reading from the primary", slog.Any("error", err))
	case err == nil && before != nil:
		r.log.InfoContext(ctx, "read replica is used", attributes...)
	case far && !wasFar:
		r.log.WarnContext(ctx, "read replica is far behind, newer events are read from the primary", append(attributes, slog.Duration("duration", now.Behind))...)
	}
}

// Cause returns why a standby is not used, without addresses.
func Cause(err error) string {
	for _, known := range []error{eventstore.ErrNotStandby, eventstore.ErrAnotherCopy, eventstore.ErrCopyBehind, errNotCompared} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return fmt.Sprintf("it refuses queries (SQLSTATE %s)", refused.Code)
	}
	return "it cannot be reached, or does not respond in time"
}

// Status is the state of a Reader.
type Status struct {
	eventstore.Copy       // state of the standby at the last comparison
	Err             error // why the standby is not used; nil if it is used
	Far             bool  // whether the standby is more than MaxBehind behind

	Reads     int64 // reads that the standby has served
	Fallbacks int64 // reads that the standby should have served, and that the log has served
	Conflicts int64 // queries that the standby has cancelled because they conflict with its replay
}

// Status returns whether the standby is used, and why not.
func (r *Reader) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Status{r.now, r.err, r.far, r.reads.Load(), r.fallbacks.Load(), r.conflicts.Load()}
}

// Configured reports whether there is a standby.
func (r *Reader) Configured() bool { return r.pool != nil }
