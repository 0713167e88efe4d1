package eventstore

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// clockTolerance is the time by which the newest event may be ahead of the database's clock before recorded_at steps back.
	// It covers small corrections of the clock, and differences between the clocks of a primary and its standby.
	clockTolerance = 5 * time.Second

	// clockResolution is the difference between two measurements that is taken for noise.
	clockResolution = 50 * time.Millisecond
)

// clock measures how far the clock of this process is ahead of the database's clock.
type clock struct {
	log *slog.Logger

	mu     sync.Mutex
	skew   time.Duration
	logged bool // the skew is above clockTolerance
}

// Now returns the time of the database, as far as this process knows it: the clock of the process, corrected by ClockSkew. It
// does no I/O. Compare times of the log with it, and not with the clock of the process.
func (s *Store) Now() time.Time {
	if s.fixed != nil {
		return s.fixed()
	}
	return s.now().Add(-s.ClockSkew())
}

// ClockSkew returns how far the clock of this process is ahead of the database's clock; it is negative if it is behind.
// Listen measures it at intervals.
func (s *Store) ClockSkew() time.Duration {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	return s.clock.skew
}

// measure takes the clock of the database, which was read between begun and ended on the clock of this process. A change of the
// skew that the duration of the query explains is ignored, so that Now does not jitter.
func (c *clock) measure(ctx context.Context, begun, ended, database time.Time) {
	skew := begun.Add(ended.Sub(begun) / 2).Sub(database)
	uncertain := ended.Sub(begun)/2 + clockResolution
	c.mu.Lock()
	if (skew - c.skew).Abs() <= uncertain {
		c.mu.Unlock()
		return
	}
	c.skew = skew
	large := skew.Abs() > clockTolerance
	report := large != c.logged
	c.logged = large
	c.mu.Unlock()
	switch {
	case report && large:
		c.log.WarnContext(ctx, "clock of this process differs from the database's clock: the database's clock is used; synchronize both hosts (NTP)",
			slog.Duration("duration", skew))
	case report:
		c.log.InfoContext(ctx, "clock of this process agrees with the database's clock again", slog.Duration("duration", skew))
	}
}

// setTimes sets the time at which the requests of b are decided and the recorded_at of its events. Decisions use the clock of the
// database. recorded_at does not decrease, except when the newest event is too far ahead of that clock: then it steps back once,
// and the first event of the batch has Metadata.ClockSetBack.
func (b *batch) setTimes(now, newest time.Time) {
	b.now = now.UTC().Truncate(time.Microsecond)
	b.at = b.now
	switch ahead := newest.Sub(b.now); {
	case ahead <= 0:
	case ahead <= clockTolerance:
		b.at = newest.UTC()
	default:
		b.setBack = ahead
	}
}
