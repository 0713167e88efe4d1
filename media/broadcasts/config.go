package broadcasts

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/media"
	"roomlog/projections"
	"roomlog/projections/feed"
)

// The values that a zero Config means.
const (
	// DefaultStreamGrace is how long a process may be missing before its shows are said to have ended: it may only
	// have lost the database for a moment.
	DefaultGrace = 30 * time.Second
	// DefaultKickCooldown is how long a room takes no stream after an operator ended one: encoders come back within
	// seconds by themselves.
	DefaultKickCooldown = time.Minute
)

// Executor decides commands and makes what follows durable: the sequencer.
type Executor interface {
	Execute(ctx context.Context, r domain.Request) (eventstore.Receipt, error)
}

// Config is what a Stage is made of. The first group has to be given; of the rest zero means the default.
type Config struct {
	Store    *eventstore.Store
	Commands Executor
	Queries  *projections.Queries
	Feed     *feed.Feed
	Signer   *media.Signer
	Node     string // names this process in the log; it has to beat, see eventstore.Store.Beat
	Now      func() time.Time

	Log          *slog.Logger  // nil: silent
	AutoLive     bool          // a room that has not started goes on air with its stream
	Grace        time.Duration // until the shows of a dead process have ended
	KickCooldown time.Duration // after an operator ended a stream
	// Told hears of what the log has been told, in order: a show that began or ended, and where that is in the
	// log. A show is told to begin once and to end once, and if the log did not take it not at all. nil: nobody
	// hears.
	OnChange func(ctx context.Context, t Change)
}

// Change is a show's beginning or end that is in the log.
type Change struct {
	Broadcast media.Broadcast
	Reason    media.Reason // of an end; "" of a beginning
	Live      domain.LiveID
	Position  int64 // 0 of an end that somebody else has told the log of, and was not heard yet
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Store == nil || c.Commands == nil || c.Queries == nil || c.Feed == nil:
		return c, errors.New("stage: Store, Commands, Queries and Feed are required")
	case c.Signer == nil || c.Node == "" || c.Now == nil:
		return c, errors.New("stage: Signer, Process and Now are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnChange == nil {
		c.OnChange = func(context.Context, Change) {}
	}
	c.Grace = cmp.Or(c.Grace, DefaultGrace)
	c.KickCooldown = cmp.Or(c.KickCooldown, DefaultKickCooldown)
	return c, nil
}
