package eventstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Errors of Sequencer.CheckWritable.
var (
	// ErrReadOnly means that the address leads to a standby.
	ErrReadOnly = errors.New("the database is read-only (a standby): promote it, or let the address of the database lead to the primary")
	// ErrDiskFull means that the database could not store events.
	ErrDiskFull = errors.New("the disk of the database is full: free space or enlarge it")
)

// LockHeldError means that another session has held the lock of the log for longer than a transaction of a sequencer takes.
type LockHeldError struct {
	PID         int
	Application string    // empty if the database does not show it
	Since       time.Time // when this process first noticed it
}

// Error names the session and the cure.
func (e *LockHeldError) Error() string {
	application := e.Application
	if application == "" {
		application = "unknown"
	}
	return fmt.Sprintf("another database session (pid %d, application %s, since %s) holds the lock of the log: end it, for example with pg_terminate_backend",
		e.PID, application, e.Since.UTC().Format(time.RFC3339))
}

// refusalRetry is the time after which a sequencer that the server refuses to store events for is reported as writable again, so
// that a request tries. An empty transaction would not meet the cause, for example a full disk.
const refusalRetry = 30 * time.Second

// writability is what CheckWritable knows of the appends.
type writability struct {
	failure atomic.Pointer[appendFailure] // of the last attempt; nil if it succeeded
	since   atomic.Pointer[time.Time]     // when the batch was begun that is being executed; nil: none

	mu     sync.Mutex
	holder lockHolder // at the last check
}

type appendFailure struct {
	err error
	at  time.Time
}

// lockHolder is a transaction, or an idle session, that holds the lock of the log.
type lockHolder struct {
	pid         int
	transaction string
	application string
	since       time.Time // when it was first noticed
}

// begin records the start of a batch. Call end when it is finished.
func (w *writability) begin(now time.Time) { w.since.Store(&now) }

func (w *writability) end() { w.since.Store(nil) }

// failed records that an attempt to append failed.
func (w *writability) failed(err error, now time.Time) { w.failure.Store(&appendFailure{err, now}) }

// succeeded records that the database can be written.
func (w *writability) succeeded() { w.failure.Store(nil) }

// notice records the present holder of the lock, and returns it with the time when it was first noticed.
func (w *writability) notice(now lockHolder) lockHolder {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holder.pid == now.pid && w.holder.transaction == now.transaction {
		now.since = w.holder.since
	}
	w.holder = now
	return now
}

// CheckWritable returns nil if events can be appended, as far as that is known without appending one. It fails if the last attempt
// to append failed, if a batch has been executed for longer than SequencerConfig.Timeout, if the database is a standby
// (ErrReadOnly), and if it noticed the same holder of the lock that long before (*LockHeldError). While the last attempt has failed,
// Run repeats it without events. CheckWritable is safe for concurrent use. It makes one query.
func (q *Sequencer) CheckWritable(ctx context.Context) error {
	standby, holder, err := q.lockHolder(ctx)
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
	switch {
	case standby:
		return ErrReadOnly
	case holder.pid != 0 && (blocked || now.Sub(holder.since) > q.config.Timeout):
		return &LockHeldError{holder.pid, holder.application, holder.since}
	case failure != nil:
		return failure.cause()
	case waiting > q.config.Timeout:
		return fmt.Errorf("commands have been waiting for %s to be appended", waiting.Round(time.Second))
	}
	return nil
}

// lockHolder reports whether the database is a standby, and returns the holder of the lock of the log; its pid is 0 if nobody holds
// the lock.
func (q *Sequencer) lockHolder(ctx context.Context) (standby bool, holder lockHolder, err error) {
	var pid *int
	var transaction, application *string
	if err := q.store.pool.QueryRow(ctx, selectLockHolder, lockKey).Scan(&standby, &pid, &transaction, &application); err != nil {
		return false, lockHolder{}, fmt.Errorf("look for the holder of the lock of the log: %w", err)
	}
	if pid != nil && transaction != nil {
		holder = lockHolder{pid: *pid, transaction: *transaction, since: q.store.now()}
	}
	if application != nil {
		holder.application = *application
	}
	return standby, q.writable.notice(holder), nil
}

// cause returns an error that names the cause and the cure, if the cause is a known one.
func (f *appendFailure) cause() error {
	switch {
	case hasCode(f.err, "25006"), errors.Is(f.err, errStandby):
		return ErrReadOnly
	case hasCode(f.err, "53100"):
		return ErrDiskFull
	}
	return fmt.Errorf("the last append failed: %w", f.err)
}

// refused reports whether the server has refused to store the events for a reason that an empty transaction does not meet: a lack
// of resources (class 53) or of a right or relation (class 42).
func (f *appendFailure) refused() bool {
	var pg *pgconn.PgError
	return errors.As(f.err, &pg) && refusedByServer(f.err) && (strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "42"))
}

// retryIdle repeats a failed attempt without events, so that CheckWritable notices that the database can be written again although
// no request comes.
func (q *Sequencer) retryIdle(ctx context.Context) {
	failure := q.writable.failure.Load()
	if failure == nil || (failure.refused() && q.store.now().Sub(failure.at) < refusalRetry) {
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
