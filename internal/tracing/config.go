package tracing

import (
	"log/slog"
	"time"
)

// Config configures a Tracer.
type Config struct {
	Settings
	Headers  map[string]string // headers for the collector, see ParseHeaders
	Version  string            // version of the program
	Instance string            // name of this process
	Now      func() time.Time  // clock of this process; required
	// Skew returns how far the clock of this process is ahead of a clock that all processes share; nil means 0.
	Skew func() time.Duration
	Log  *slog.Logger // receives the messages of the program; nil: none
}
