package feed

import (
	"log/slog"
	"time"

	"roomlog/internal/settings"
)

// Config configures a Feed. The zero value is valid.
type Config struct {
	Log *slog.Logger // nil: silent

	// GaugeInterval is the shortest time between two gauges of one live.
	GaugeInterval time.Duration `default:"250ms"`
	// CheckpointPoll is the interval between reads of the checkpoint while events or callers wait for the tables and no
	// notification arrives.
	CheckpointPoll time.Duration `default:"250ms"`
	// ProfileCache is the number of profiles that are kept in memory.
	ProfileCache int `default:"10000"`
	// MaxPending is the number of events that the feed holds back for the tables. Above it, the feed stops reading the
	// log.
	MaxPending int `default:"20000"`
	// SubscriberTimeout is the time after which the subscription of a subscriber with a full queue, which reads
	// nothing, is ended.
	SubscriberTimeout time.Duration `default:"5s"`
}

func (c *Config) setDefaults() {
	settings.Defaults(c)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}
