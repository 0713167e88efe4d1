package eventstore

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// outage measures how long the database has been unreachable.
type outage struct {
	timeout time.Duration
	timer   *time.Timer // fires after the timeout; nil while the database is reachable
	expired bool        // whether the timeout has passed
}

// begin starts the measurement, unless it is running.
func (o *outage) begin() {
	if o.timer == nil {
		o.timer = time.NewTimer(o.timeout)
	}
}

// tooLong reports whether the timeout has passed.
func (o *outage) tooLong() bool {
	select {
	case <-o.timer.C:
		o.expired = true
	default:
	}
	return o.expired
}

// level returns the log level for a failure: warn until the timeout has passed, then debug, because the outage has been
// logged.
func (o *outage) level() slog.Level {
	if o.expired {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

func (o *outage) end() {
	o.timer.Stop()
	o.timer, o.expired = nil, false
}

// writability contains the results of the recent appends of the sequencer, for CheckWritable.
type writability struct {
	failure atomic.Pointer[appendFailure] // error of the last attempt; nil if it succeeded
	since   atomic.Pointer[time.Time]     // time when the batch that is being executed was begun; nil if there is none

	mu      sync.Mutex
	holders [2]lockHolder // holders of the lock of the log and of a table at the last check
}

type appendFailure struct {
	err error
	at  time.Time
}

// lockHolder is a database session that holds the lock of the log, or a lock on a table. It may be in a transaction or
// idle.
type lockHolder struct {
	pid         int
	transaction string
	application string
	table       string    // table whose lock is held; empty: the lock of the log is held
	since       time.Time // time when this process first noticed the holder
}

// lockRow is a lockHolder as the database returns it.
type lockRow struct {
	pid                      *int
	transaction, application *string
}

func (r lockRow) holder(now time.Time) (h lockHolder) {
	if r.pid == nil || r.transaction == nil {
		return h
	}
	h.pid, h.transaction, h.since = *r.pid, *r.transaction, now
	if r.application != nil {
		h.application = *r.application
	}
	return h
}

// begin records the start of a batch. Call end when the batch is finished.
func (w *writability) begin(now time.Time) { w.since.Store(&now) }

func (w *writability) end() { w.since.Store(nil) }

// failed records that an attempt to append failed.
func (w *writability) failed(err error, now time.Time) { w.failure.Store(&appendFailure{err, now}) }

// succeeded records that the database can be written.
func (w *writability) succeeded() { w.failure.Store(nil) }

// notice records the current holders, and sets the times when they were first noticed.
func (w *writability) notice(holders ...*lockHolder) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, now := range holders {
		if before := w.holders[i]; before.pid == now.pid && before.transaction == now.transaction {
			now.since = before.since
		}
		w.holders[i] = *now
	}
}
