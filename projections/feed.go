package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"golang.org/x/sync/errgroup"

	"roomlog/eventstore"
)

// Defaults of a feed.
const (
	gaugeEvery    = 250 * time.Millisecond
	waitingPoll   = 250 * time.Millisecond // while something waits for the tables and nobody rings
	tailPoll      = time.Second            // while nobody rings for the log
	rememberNames = 10_000
	holdBack      = 20_000
	releaseAtMost = 1000
	deaf          = 5 * time.Second // how long a subscriber may not read
	subscriberLag = 256             // batches that a subscriber may be behind before it holds up the others
	idleWait      = time.Hour       // a ring ends it
)

// FeedConfig says how a feed works; the zero value is usable.
type FeedConfig struct {
	Log               *slog.Logger  // nil: silent
	GaugeInterval     time.Duration // gauges of one room at most this often; default 250 ms
	CheckpointPoll    time.Duration // how often the checkpoint is looked at without being woken while something waits; default 250 ms
	LogPoll           time.Duration // how often the log is looked at without being woken; default 1 s
	ProfileCache      int           // remembered profiles; default 10,000
	MaxPending        int           // events held back while the tables lag, before the tail waits; default 20,000
	SubscriberTimeout time.Duration // how long a subscriber may not read before it is cut off; default 5 s
}

func (c *FeedConfig) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for d, standard := range map[*time.Duration]time.Duration{&c.GaugeInterval: gaugeEvery, &c.CheckpointPoll: waitingPoll, &c.LogPoll: tailPoll, &c.SubscriberTimeout: deaf} {
		if *d <= 0 {
			*d = standard
		}
	}
	for n, standard := range map[*int]int{&c.ProfileCache: rememberNames, &c.MaxPending: holdBack} {
		if *n <= 0 {
			*n = standard
		}
	}
}

// Feed tails the log and releases deltas as soon as the tables have what they tell: whoever reads a table
// after seeing a delta finds it there. Wherever the projector runs, nothing is lost or doubled,
// because the log is where deltas come from; NOTIFY only makes it fast.
type Feed struct {
	store    *eventstore.Store
	queries  *Queries
	c        FeedConfig
	profiles *profiles
	channel  *gochannel.GoChannel
	kick     chan struct{} // there may be something to release
	begun    chan struct{} // Run has read where to begin
	closed   chan struct{} // Run has ended

	mu      sync.Mutex
	pending []eventstore.Record // tailed, not released
	room    chan struct{}       // closed when pending got shorter
	tables  int64               // the newest checkpoint seen
	moved   chan struct{}       // closed when tables moved
	waiting int                 // callers of WaitFor

	publishing sync.Mutex   // orders batches
	released   atomic.Int64 // where the newest batch ended; written under publishing

	gauges *gaugeKeeper
}

// NewFeed makes a feed; Run runs it.
func NewFeed(store *eventstore.Store, queries *Queries, c FeedConfig) *Feed {
	c.setDefaults()
	f := &Feed{
		store: store, queries: queries, c: c, profiles: newProfiles(queries, c.ProfileCache),
		// A message is sent when every subscriber has taken the one before: the only way to keep the order.
		channel: gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: true, PreserveContext: true}, watermill.NopLogger{}),
		kick:    make(chan struct{}, 1), begun: make(chan struct{}), closed: make(chan struct{}),
		room: make(chan struct{}), moved: make(chan struct{}),
	}
	f.gauges = newGaugeKeeper(f)
	return f
}

// Run tails the log until ctx ends, and then returns nil and closes all subscriptions. It begins at
// the checkpoint: what is older is in the tables. It may be called once.
func (f *Feed) Run(ctx context.Context) error {
	defer func() {
		close(f.closed)
		_ = f.channel.Close()
	}()
	f.begin(ctx)
	g, ctx := errgroup.WithContext(ctx)
	for _, work := range []func(context.Context){f.follow, f.listen, f.release, f.gauges.run} {
		g.Go(func() error { work(ctx); return nil })
	}
	return g.Wait()
}

// Checkpoint answers up to where everything has been released.
func (f *Feed) Checkpoint() int64 { return f.released.Load() }

// ErrFeedEnded means that the feed does not run any more.
var ErrFeedEnded = errors.New("the feed has ended")

// WaitFor returns when the tables have position. It needs a running feed.
func (f *Feed) WaitFor(ctx context.Context, position int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.tables < position {
		moved := f.moved
		f.waiting++
		f.mu.Unlock()
		f.look()
		var err error
		select {
		case <-moved:
		case <-ctx.Done():
			err = fmt.Errorf("wait for the tables to reach %d: %w", position, ctx.Err())
		case <-f.closed:
			err = fmt.Errorf("wait for the tables to reach %d: %w", position, ErrFeedEnded)
		}
		f.mu.Lock()
		f.waiting--
		if err != nil {
			return err
		}
	}
	return nil
}
