package hub

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/internal/settings"
	"roomlog/internal/tracing"
	"roomlog/projections"
	"roomlog/projections/feed"
)

const (
	// CommandTimeout is the maximum duration of one command. It is longer than the timeout of the sequencer, so that
	// the sequencer's own error reaches the client.
	CommandTimeout = 15 * time.Second
	// tablesTimeout is the maximum wait for tables that are behind the log.
	tablesTimeout = 5 * time.Second
)

// Executor decides commands and appends their events. It is the sequencer, a rate limiter that passes commands on to
// the sequencer, or a fake in tests.
type Executor interface {
	Execute(ctx context.Context, r domain.Request) (eventstore.Receipt, error)
}

// Feed delivers deltas in the order of the log; see feed.Feed for when they are released. It is an interface so that
// tests can lose batches.
type Feed interface {
	Subscribe(ctx context.Context) (<-chan feed.Batch, error)
	// History returns the number of the history of the log that the subscriptions belong to. When the history changes,
	// subscriptions end.
	History() int64
	Checkpoint() int64
	WaitFor(ctx context.Context, position int64) error
	LiveDeltas(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]projections.Delta, error)
}

// Config contains the dependencies and settings of a hub. The fields of the first group are required.
type Config struct {
	Store          *eventstore.Store
	Commands       Executor // executes the commands of the node itself: the sequencer
	ClientCommands Executor // executes the commands of clients within their rates
	Queries        *projections.Queries
	Feed           Feed
	Admission      *projections.Admission
	Cluster        *cluster.Cluster // the cluster, which this node joins under its name; the caller runs it
	Verify         func(token string) (Identity, error)
	Now            func() time.Time

	Log    *slog.Logger    // receives the messages of the program; nil: none
	Tracer *tracing.Tracer // records requests of clients, and pushes; nil: nothing is recorded

	MaxConnectionsPerUser int           `default:"10" max:"100000" zero:"no limit" unit:"connections" help:"Maximum number of connections of one user to this process, native and Socket.IO together."`
	MaxLivesPerConnection int           `default:"16" min:"1" max:"10000" unit:"lives" help:"Maximum number of lives that one connection may be in at the same time."`
	CommentRate           float64       `default:"5" min:"0.001" max:"1000000" unit:"comments/s" help:"Maximum rate of comments of one user."`
	CommentBurst          int           `default:"20" min:"1" max:"1000000" unit:"comments" help:"Number of comments that one user may send at once, before the rate applies."`
	GiftRate              float64       `default:"20" min:"0.001" max:"1000000" unit:"gifts/s" help:"Maximum rate of gifts of one user. A combo consists of many single gifts."`
	GiftBurst             int           `default:"50" min:"1" max:"1000000" unit:"gifts" help:"Number of gifts that one user may send at once, before the rate applies."`
	LargeLive             int           `default:"50" max:"1000000" zero:"joins and leaves are never sent in batches" unit:"viewers" help:"Number of viewers above which a live is large: joins and leaves are sent to its clients in batches."`
	JoinBatchInterval     time.Duration `default:"1s" min:"10ms" max:"1m" help:"Time between two batches of joins and leaves in a large live."`
	PresenceGrace         time.Duration `default:"30s" min:"1ms" max:"1h" help:"Time that the clients of a lost server process have to reconnect to another process. After it, their users leave the lives."`
	// Renewal is the time from a new sign-in until the clients of the previous sign-in session are revoked.
	Renewal time.Duration `default:"3s" min:"1ns" max:"1h"`
}

func (c *Config) prepare() error {
	switch {
	case c.Store == nil || c.Commands == nil || c.ClientCommands == nil || c.Queries == nil || c.Feed == nil:
		return errors.New("hub: Store, Commands, ClientCommands, Queries and Feed are required")
	case c.Admission == nil || c.Cluster == nil || c.Verify == nil || c.Now == nil:
		return errors.New("hub: Admission, Cluster, Verify and Now are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	settings.Defaults(c)
	return settings.Check(c)
}
