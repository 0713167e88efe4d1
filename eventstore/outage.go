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
	timer   *time.Timer // nil while the database is reachable
	expired bool        // the timeout has passed
}

// begin starts the measurement if it is not running.
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

// level returns the log level of a failure: debug after the timeout, because the outage has been logged, and warn before.
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
