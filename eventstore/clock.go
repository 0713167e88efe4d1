package eventstore

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// clockTolerance is the maximum time by which the newest event may be ahead of the database's clock before
	// recorded_at steps back. It allows for small corrections of the clock, and for the difference between the clocks
	// of a primary and its standby.
	clockTolerance = 5 * time.Second

	// clockResolution is the largest difference between two measurements that counts as measurement noise.
	clockResolution = 50 * time.Millisecond
)

// clock measures how far the clock of this process is ahead of the database's clock.
type clock struct {
	log *slog.Logger

	mu     sync.Mutex
	skew   time.Duration
	logged bool // whether a log message has reported that the skew is above clockTolerance
}

// ahead returns how far the clock of this process is ahead of the database's clock.
func (c *clock) ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew
}

// measure compares the clocks. database is the time of the database's clock, which was read between begun and ended on
// the clock of this process. If the duration of the query explains a change of the skew, measure ignores the change, so
// that Now does not jitter.
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
