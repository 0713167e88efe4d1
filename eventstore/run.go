package eventstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// smallBatch is the number of waiting requests from which on gather no longer waits for callers to queue more.
const smallBatch = 64

// refusalRetry is the time after which CheckWritable no longer fails because the server has refused to store events.
// The next request then shows whether the cause lasts: an empty transaction would not detect it, for example a full
// disk.
const refusalRetry = 30 * time.Second

// Run executes requests until ctx ends. After a failed append it also checks at intervals of Config.PollInterval
// whether the database can be written again, see CheckWritable. When ctx ends, it accepts no more requests, executes
// the queued requests and returns nil.
func (q *Sequencer) Run(ctx context.Context) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx)) // a shutdown interrupts a transaction only after DrainTimeout
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(q.config.DrainTimeout, cut) })()
	defer q.disconnect()
	retry := time.NewTicker(q.store.poll)
	defer retry.Stop()
	for {
		select {
		case c := <-q.queue:
			q.flush(work, q.gather(c))
		case <-retry.C:
			q.retryIdle(work)
		case <-ctx.Done():
			q.drain(work)
			return nil
		}
	}
}

// drain closes the queue and executes the requests in it.
func (q *Sequencer) drain(ctx context.Context) {
	q.mu.Lock()
	q.closing = true
	q.mu.Unlock()
	for {
		select {
		case c := <-q.queue:
			q.flush(ctx, q.gather(c))
		default:
			return
		}
	}
}

// gather returns first and the queued requests, at most BatchSize. It does not block until more requests arrive. But
// callers that have just got their results may be about to send the next request: while requests arrive and fewer than
// smallBatch are queued, gather yields the processor to the callers.
func (q *Sequencer) gather(first *call) []*call {
	for n := -1; n < len(q.queue) && n < smallBatch; runtime.Gosched() {
		n = len(q.queue)
	}
	calls := append(make([]*call, 0, 1+len(q.queue)), first)
	for len(calls) < q.config.BatchSize {
		select {
		case c := <-q.queue:
			calls = append(calls, c)
		default:
			return calls
		}
	}
	return calls
}

// CheckWritable returns nil if events can be appended, as far as this is known without appending one. It fails in these
// cases:
//
//   - The last attempt to append failed.
//   - A batch has been executing for longer than SequencerConfig.Timeout.
//   - The database is a standby (ErrReadOnly).
//   - One session has held the lock of the log, or a lock on a table that commands write, for longer than that timeout
//     (*LockHeldError).
//   - This process may not write such a table (*NotPermittedError).
//   - CheckStandby fails.
//
// While the last attempt has failed, Run repeats it without events. The queries of CheckWritable wait for no lock. It is
// safe for concurrent use.
func (q *Sequencer) CheckWritable(ctx context.Context) error {
	database, err := q.databaseState(ctx)
	if err != nil {
		return err
	}
	now := q.store.now()
	waiting := time.Duration(0)
	if since := q.writable.since.Load(); since != nil {
		waiting = now.Sub(*since)
	}
	failure := q.writable.failure.Load()
	blocked := waiting > q.config.Timeout || (failure != nil && hasCode(failure.err, "55P03"))
	if database.standby {
		return ErrReadOnly
	}
	if err := q.CheckStandby(ctx); err != nil {
		return err
	}
	for _, holder := range []lockHolder{database.log, database.table} {
		if holder.pid != 0 && (blocked || now.Sub(holder.since) > q.config.Timeout) {
			return &LockHeldError{holder.pid, holder.application, holder.table, holder.since}
		}
	}
	switch {
	case database.noRight != "":
		return &NotPermittedError{database.noRight}
	case failure != nil:
		return cause(failure)
	case waiting > q.config.Timeout:
		return fmt.Errorf("commands wait longer than %s to be appended", q.config.Timeout)
	}
	return nil
}

// CheckStandby returns nil if a synchronous standby is connected to the primary, or if SequencerConfig.RequireSynchronous is
// off. Otherwise it returns ErrNoSynchronousStandby, a *StandbysHiddenError or an error of the database. It is safe for
// concurrent use.
func (q *Sequencer) CheckStandby(ctx context.Context) error {
	if !q.config.RequireSynchronous {
		return nil
	}
	return new(standbyState).scan(q.store.pool.QueryRow(ctx, selectStandby))
}

// writtenTables are the tables that the sequencer and Store.InsertCredential write.
var writtenTables = []string{"events", "command", "snapshot", "user_key", "credential"}

// databaseState contains the facts that CheckWritable reads from the database.
type databaseState struct {
	standby bool
	log     lockHolder // holder of the lock of the log
	table   lockHolder // holder of a lock on one of writtenTables that blocks writes
	noRight string     // one of writtenTables that this process may not write; empty if there is none
}

// databaseState reads who holds the locks. If nobody holds a lock, the pid of its holder is 0.
func (q *Sequencer) databaseState(ctx context.Context) (databaseState, error) {
	var state databaseState
	var log, blocked lockRow
	var table, noRight *string
	row := q.store.pool.QueryRow(ctx, selectWritability, lockKey, writtenTables)
	err := row.Scan(&state.standby, &log.pid, &log.transaction, &log.application, &blocked.pid, &blocked.transaction, &blocked.application, &table, &noRight)
	if err != nil {
		return state, fmt.Errorf("look for the holder of the lock of the log: %w", err)
	}
	state.log, state.table = log.holder(q.store.now()), blocked.holder(q.store.now())
	if table != nil {
		state.table.table = *table
	}
	if noRight != nil {
		state.noRight = *noRight
	}
	q.writable.notice(&state.log, &state.table)
	return state, nil
}

// cause returns an error with the cause and the cure, if the cause of the failure is known.
func cause(f *appendFailure) error {
	switch {
	case hasCode(f.err, "25006"), errors.Is(f.err, errStandby):
		return ErrReadOnly
	case hasCode(f.err, "53100"):
		return ErrDiskFull
	case errors.Is(f.err, ErrNoSynchronousStandby):
		return ErrNoSynchronousStandby
	}
	if hidden := (*StandbysHiddenError)(nil); errors.As(f.err, &hidden) {
		return hidden
	}
	return fmt.Errorf("the last append failed: %w", f.err)
}

// refused reports whether the server has refused to store events for a reason that an empty transaction does not
// detect: a lack of resources (class 53), or of a right or relation (class 42).
func refused(f *appendFailure) bool {
	var pg *pgconn.PgError
	return errors.As(f.err, &pg) && refusedByServer(f.err) && (strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "42"))
}

// retryIdle repeats a failed attempt without events. CheckWritable thereby notices that the database can be written
// again even if no request arrives.
func (q *Sequencer) retryIdle(ctx context.Context) {
	failure := q.writable.failure.Load()
	if failure == nil || (refused(failure) && q.store.now().Sub(failure.at) < refusalRetry) {
		return
	}
	if _, err := q.attempt(ctx, nil, nil); err != nil {
		q.outage.tooLong()
		q.writable.failed(err, q.store.now())
		return
	}
	q.reached(ctx)
}

// hasCode reports whether err is an error of the server with this SQLSTATE code.
func hasCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}
