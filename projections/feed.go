package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"golang.org/x/sync/errgroup"

	"roomlog/domain"
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
	Log      *slog.Logger  // nil: silent
	Gauge    time.Duration // gauges of one room at most this often; default 250 ms
	Poll     time.Duration // how often the checkpoint is looked at without being woken while something waits; default 250 ms
	Tail     time.Duration // how often the log is looked at without being woken; default 1 s
	Profiles int           // remembered profiles; default 10,000
	Pending  int           // events held back while the tables lag, before the tail waits; default 20,000
	Deaf     time.Duration // how long a subscriber may not read before it is cut off; default 5 s
}

func (c *FeedConfig) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for d, standard := range map[*time.Duration]time.Duration{&c.Gauge: gaugeEvery, &c.Poll: waitingPoll, &c.Tail: tailPoll, &c.Deaf: deaf} {
		if *d <= 0 {
			*d = standard
		}
	}
	for n, standard := range map[*int]int{&c.Profiles: rememberNames, &c.Pending: holdBack} {
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
	closed   chan struct{} // Run has ended

	mu      sync.Mutex
	pending []eventstore.Recorded // tailed, not released
	room    chan struct{}         // closed when pending got shorter
	tables  int64                 // the newest checkpoint seen
	moved   chan struct{}         // closed when tables moved
	waiting int                   // callers of WaitFor

	publishing sync.Mutex   // orders batches
	released   atomic.Int64 // where the newest batch ended; written under publishing

	gauges *gaugeKeeper
}

// NewFeed makes a feed; Run runs it.
func NewFeed(store *eventstore.Store, queries *Queries, c FeedConfig) *Feed {
	c.setDefaults()
	f := &Feed{
		store: store, queries: queries, c: c, profiles: newProfiles(queries, c.Profiles),
		// A message is sent when every subscriber has taken the one before: the only way to keep the order.
		channel: gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: true, PreserveContext: true}, watermill.NopLogger{}),
		kick:    make(chan struct{}, 1), closed: make(chan struct{}),
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

// begin waits until the checkpoint can be read, and begins there.
func (f *Feed) begin(ctx context.Context) {
	for ctx.Err() == nil {
		position, err := f.checkpoint(ctx)
		if err == nil {
			f.released.Store(position)
			return
		}
		if ctx.Err() == nil {
			f.c.Log.WarnContext(ctx, "feed: trying again", slog.Any("err", err))
		}
		pause(ctx, f.c.Poll)
	}
}

// follow reads the log from where the feed begins, until ctx ends.
func (f *Feed) follow(ctx context.Context) {
	for after := f.released.Load(); ctx.Err() == nil; {
		bell := f.store.Appended()
		seen := bell.Seen()
		events, err := f.store.ReadBare(ctx, 0, after, math.MaxInt64, releaseAtMost)
		if err == nil {
			err = f.decode(ctx, events)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			f.c.Log.WarnContext(ctx, "feed: trying again", slog.Any("err", err))
			pause(ctx, f.c.Poll)
		case err == nil && len(events) == 0:
			bell.Wait(ctx, seen, f.c.Tail)
		case err == nil:
			f.tail(ctx, events)
			after = events[len(events)-1].Position
		}
	}
}

// decode makes events ready to use. One that this program cannot read is nothing that people see: it stays
// without Event, and the projector says what becomes of it.
func (f *Feed) decode(ctx context.Context, events []eventstore.Recorded) error {
	err := f.store.Decode(ctx, events)
	var unreadable *eventstore.DecodeError
	if errors.As(err, &unreadable) {
		f.c.Log.ErrorContext(ctx, "feed: passing over", slog.Any("err", err))
		return nil
	}
	return err
}

// tail takes events of the log. It waits while too many are held back.
func (f *Feed) tail(ctx context.Context, events []eventstore.Recorded) {
	f.mu.Lock()
	for len(f.pending) >= f.c.Pending {
		room := f.room
		f.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return
		}
		f.mu.Lock()
	}
	f.pending = append(f.pending, events...)
	f.mu.Unlock()
	f.look()
}

// look has the releasing goroutine look.
func (f *Feed) look() {
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// listen passes the bell of the tables on.
func (f *Feed) listen(ctx context.Context) {
	bell := f.store.Projected()
	for seen := bell.Seen(); ctx.Err() == nil; {
		now := bell.Wait(ctx, seen, idleWait)
		if now != seen {
			f.look()
		}
		seen = now
	}
}

// release sends what the tables have, until ctx ends.
func (f *Feed) release(ctx context.Context) {
	poll := time.NewTimer(idleWait)
	defer poll.Stop()
	for ctx.Err() == nil {
		wait := idleWait
		if f.anybodyWaits() {
			if err := f.releaseOnce(ctx); err != nil && ctx.Err() == nil {
				f.c.Log.WarnContext(ctx, "feed: trying again", slog.Any("err", err))
			}
			if f.anybodyWaits() {
				wait = f.c.Poll
			}
		}
		poll.Reset(wait)
		select {
		case <-f.kick:
		case <-poll.C:
		case <-ctx.Done():
		}
	}
}

func (f *Feed) anybodyWaits() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pending) > 0 || f.waiting > 0
}

// releaseOnce looks where the tables are and releases everything up to there.
func (f *Feed) releaseOnce(ctx context.Context) error {
	position, err := f.checkpoint(ctx)
	if err != nil {
		return err
	}
	for {
		events := f.due(position)
		if len(events) == 0 {
			return nil
		}
		if err := f.send(ctx, events); err != nil {
			return err
		}
		f.drop(len(events))
	}
}

// due answers the next events that the tables have.
func (f *Feed) due(position int64) []eventstore.Recorded {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for n < len(f.pending) && n < releaseAtMost && f.pending[n].Position <= position {
		n++
	}
	return f.pending[:n:n]
}

// drop forgets the oldest n pending events: they are released.
func (f *Feed) drop(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending = f.pending[n:]
	if len(f.pending) == 0 {
		f.pending = nil // lets the memory of a burst go
	}
	close(f.room)
	f.room = make(chan struct{})
}

// send makes a batch of events and publishes it.
func (f *Feed) send(ctx context.Context, events []eventstore.Recorded) error {
	f.profiles.forget(events)
	var deltas []Delta
	for _, r := range events {
		deltas = append(deltas, DeltasOf(r)...)
	}
	if err := f.profiles.fill(ctx, deltas, true); err != nil {
		return err
	}
	err := f.publish(ctx, Batch{Checkpoint: events[len(events)-1].Position, Deltas: deltas})
	if err == nil {
		f.gauges.touch(deltas)
	}
	return err
}

// publish sends a batch to every subscriber; its facts begin where the batch before ended. A batch of
// gauges alone ends where it begins.
func (f *Feed) publish(ctx context.Context, b Batch) error {
	f.publishing.Lock()
	defer f.publishing.Unlock()
	b.After = f.released.Load()
	b.Checkpoint = max(b.Checkpoint, b.After)
	m := message.NewMessageWithContext(context.WithValue(ctx, batchKey{}, b), watermill.NewShortUUID(), nil)
	if err := f.channel.Publish(topic, m); err != nil {
		return fmt.Errorf("publish a batch: %w", err)
	}
	f.released.Store(b.Checkpoint)
	return nil
}

// checkpoint reads where the tables are, and tells whoever waits for it.
func (f *Feed) checkpoint(ctx context.Context) (int64, error) {
	at, err := one(ctx, f.queries, "the checkpoint", scanCheckpoint, selectCheckpoint)
	if err != nil && !errors.Is(err, ErrNotFound) { // no projector has ever run: 0
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tables != at.position {
		f.tables = at.position
		close(f.moved)
		f.moved = make(chan struct{})
	}
	return at.position, nil
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

// Facts answers the first limit deltas of a room after one position up to another, from the log: what a
// subscriber would have seen of it. KindMoved is not among them.
func (f *Feed) Facts(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]Delta, error) {
	if live == 0 || upTo <= after {
		return nil, nil
	}
	limit = min(max(limit, 1), releaseAtMost)
	var facts []Delta
	for len(facts) < limit {
		events, err := f.store.ReadBare(ctx, live, after, upTo, limit)
		if err == nil {
			err = f.decode(ctx, events)
		}
		if err != nil {
			return nil, fmt.Errorf("read the facts of live %d: %w", live, err)
		}
		for _, r := range events {
			for _, d := range DeltasOf(r) {
				if d.Public() && len(facts) < limit {
					facts = append(facts, d)
				}
			}
		}
		if len(events) < limit {
			break // there are no more
		}
		after = events[len(events)-1].Position
	}
	return facts, f.profiles.fill(ctx, facts, false)
}
