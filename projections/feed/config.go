package feed

import (
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"roomlog/internal/settings"
	"roomlog/internal/tracing"
)

// Config configures a Feed. The zero value is valid.
type Config struct {
	Log    *slog.Logger    // receives the messages of the program; nil: none
	Tracer *tracing.Tracer // records when events are released; nil: nothing is recorded

	// NATS carries the batches of the relay to all processes. nil: the feed reads the log in PostgreSQL.
	NATS *nats.Conn
	// Listen means that other parts of the process need notifications of PostgreSQL, too. If it is false, the feed
	// switches them off while it receives batches over NATS.
	Listen bool
	// RelayInterval is the interval between two heartbeats of the relay, and between two attempts to become the relay.
	RelayInterval time.Duration `default:"1s"`
	// RelayTimeout is the time without a message of the relay after which the feed reads the log in PostgreSQL.
	RelayTimeout time.Duration `default:"3s"`

	// GaugeInterval is the minimum time between two gauges of one live.
	GaugeInterval time.Duration `default:"250ms"`
	// CheckpointPoll is the interval at which the checkpoint is read while events or callers wait for the tables and no
	// notification arrives.
	CheckpointPoll time.Duration `default:"250ms"`
	// MaxLead is the maximum time for which the tables may lack an event whose deltas were released. After it, the feed
	// releases no events early until the tables have caught up.
	MaxLead time.Duration `default:"1s"`
	// ReadTimeout is the maximum time that UpToDate waits for the tables.
	ReadTimeout time.Duration `default:"5s"`
	// ProfileCache is the number of profiles that are kept in memory.
	ProfileCache int `default:"10000"`
	// MaxPending is the maximum number of events that the feed has read and not released yet. When it is reached, the
	// feed stops reading the log.
	MaxPending int `default:"20000"`
	// MaxViewerEvents is the maximum number of profile changes, of all users, that LiveDeltas searches for those of the
	// viewers of a live.
	MaxViewerEvents int64 `default:"10000"`
	// SubscriberTimeout is the maximum time for which a subscriber with a full queue may read nothing. After it, its
	// subscription ends.
	SubscriberTimeout time.Duration `default:"5s"`
}

func (c *Config) setDefaults() {
	settings.Defaults(c)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}
