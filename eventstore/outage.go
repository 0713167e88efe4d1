package eventstore

import (
	"log/slog"
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
