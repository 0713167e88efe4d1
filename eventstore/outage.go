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

// end stops the measurement.
func (o *outage) end() {
	o.timer.Stop()
	o.timer, o.expired = nil, false
}

// writability is what CheckWritable knows about the appends of the sequencer.
type writability struct {
	failure atomic.Pointer[appendFailure] // error of the last attempt; nil if it succeeded
	since   atomic.Pointer[time.Time]     // time when the batch that is being executed was begun; nil if there is none

	mu     sync.Mutex
	holder lockHolder // holder of the lock at the last check
}

type appendFailure struct {
	err error
	at  time.Time
}

// lockHolder is a database session that holds the lock of the log. It may be in a transaction or idle.
type lockHolder struct {
	pid         int
	transaction string
	application string
	since       time.Time // time when this process first noticed the holder
}

// begin records the start of a batch. Call end when the batch is finished.
func (w *writability) begin(now time.Time) { w.since.Store(&now) }

func (w *writability) end() { w.since.Store(nil) }

// failed records that an attempt to append failed.
func (w *writability) failed(err error, now time.Time) { w.failure.Store(&appendFailure{err, now}) }

// succeeded records that the database can be written.
func (w *writability) succeeded() { w.failure.Store(nil) }

// notice records the current holder of the lock. It returns the holder with the time when it was first noticed.
func (w *writability) notice(now lockHolder) lockHolder {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holder.pid == now.pid && w.holder.transaction == now.transaction {
		now.since = w.holder.since
	}
	w.holder = now
	return now
}
