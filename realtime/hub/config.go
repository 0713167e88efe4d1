package hub

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/projections/feed"
)

const (
	// CommandTimeout bounds one command. It is longer than the sequencer's own timeout, which replies before.
	CommandTimeout = 15 * time.Second
	// tablesTimeout bounds the wait for tables that are behind the log.
	tablesTimeout = 5 * time.Second
)

// The defaults of Config.
const (
	DefaultMaxConnectionsPerUser = 10
	DefaultMaxLivesPerConnection = 16
	DefaultCommentRate           = 5
	DefaultCommentBurst          = 20
	DefaultGiftRate              = 20 // combos are many single gifts
	DefaultGiftBurst             = 50
	DefaultLargeLive             = 50
	DefaultJoinBatchInterval     = time.Second
	DefaultPresenceGrace         = 30 * time.Second
	DefaultRenewal               = 3 * time.Second
)

// Executor decides commands and appends their events: the sequencer, or a fake in tests.
type Executor interface {
	Execute(ctx context.Context, r domain.Request) (eventstore.Receipt, error)
}

// Feed releases deltas once the tables contain them. It is an interface so that tests can lose batches.
type Feed interface {
	Subscribe(ctx context.Context) (<-chan feed.Batch, error)
	Checkpoint() int64
	WaitFor(ctx context.Context, position int64) error
	LiveDeltas(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]projections.Delta, error)
}

// Config holds the dependencies and settings of a hub. The first group is required.
type Config struct {
	Store    *eventstore.Store
	Commands Executor
	Queries  *projections.Queries
	Feed     Feed
	Verify   func(token string) (Identity, error) // refuses with a *domain.Refusal
	Now      func() time.Time

	Log  *slog.Logger // nil: no logs
	Node string       // name of this node in the log; default: a random UUID

	MaxConnectionsPerUser int           // below 0: no bound
	MaxLivesPerConnection int           // lives that one connection is in
	CommentRate           float64       // comments per second of one user on this node
	CommentBurst          int           // comments at once
	GiftRate              float64       // gifts per second of one user on this node
	GiftBurst             int           // gifts at once
	LargeLive             int           // viewers above which joins and leaves are sent in batches; below 0: never
	JoinBatchInterval     time.Duration // between two batches if nothing else happens
	PresenceGrace         time.Duration // from the loss of a node until its viewers have left
	Renewal               time.Duration // from a new sign-in until clients with the old session are revoked
}

func (c *Config) check() error {
	switch {
	case c.Store == nil || c.Commands == nil || c.Queries == nil || c.Feed == nil:
		return errors.New("realtime: Store, Commands, Queries and Feed are required")
	case c.Verify == nil || c.Now == nil:
		return errors.New("realtime: Verify and Now are required")
	}
	return nil
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Node == "" {
		c.Node = uuid.NewString()
	}
	c.MaxConnectionsPerUser = cmp.Or(c.MaxConnectionsPerUser, DefaultMaxConnectionsPerUser)
	c.MaxLivesPerConnection = cmp.Or(c.MaxLivesPerConnection, DefaultMaxLivesPerConnection)
	c.CommentRate = cmp.Or(c.CommentRate, DefaultCommentRate)
	c.CommentBurst = cmp.Or(c.CommentBurst, DefaultCommentBurst)
	c.GiftRate = cmp.Or(c.GiftRate, DefaultGiftRate)
	c.GiftBurst = cmp.Or(c.GiftBurst, DefaultGiftBurst)
	c.LargeLive = cmp.Or(c.LargeLive, DefaultLargeLive)
	c.JoinBatchInterval = cmp.Or(c.JoinBatchInterval, DefaultJoinBatchInterval)
	c.PresenceGrace = cmp.Or(c.PresenceGrace, DefaultPresenceGrace)
	c.Renewal = cmp.Or(c.Renewal, DefaultRenewal)
}
