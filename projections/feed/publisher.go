package feed

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/google/uuid"

	"roomlog/projections"
)

// queueSize is the number of batches that can wait for one subscriber. A subscriber with a full queue delays the other
// subscribers.
const queueSize = 256

// topic is the only topic of the watermill channel.
const topic = "batches"

// A Batch contains all deltas with After < position ≤ Checkpoint, in order. Its gauges may be newer than Checkpoint.
// Each batch of a subscription begins where the previous one ended.
type Batch struct {
	History    int64 // number of the history of the log, see eventstore.History; all batches of a subscription have the same
	After      int64
	Checkpoint int64
	EventID    uuid.UUID // id of the event at Checkpoint; zero if the batch contains only gauges
	Deltas     []projections.Delta
	Gauges     []projections.Gauges
}

// A sink receives batches in the order of the log. It sets After of each batch to the end of the previous one.
type sink interface {
	publish(ctx context.Context, b Batch) error
}

// batchKey is the context key of the batch in a message. Batches are not serialized inside a process.
type batchKey struct{}

// publisher sends batches to all subscribers in the same order.
type publisher struct {
	c        Config
	channel  *gochannel.GoChannel
	begun    chan struct{} // closed when released is set for the first time
	closed   chan struct{}
	mu       sync.Mutex   // locked while a batch is published, so that batches have one order
	released atomic.Int64 // end of the newest batch; written only with mu locked
	history  atomic.Int64 // number of the history of the log

	subscribing sync.Mutex // locked to add to subscribers and to close closed, so that none is added after closed is closed
	subscribers sync.WaitGroup
}

func newPublisher(c Config) *publisher {
	return &publisher{
		c: c, begun: make(chan struct{}), closed: make(chan struct{}),
		// The channel sends a message after all subscribers have taken the previous one. Without this setting, the
		// order could change.
		channel: gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: true, PreserveContext: true}, watermill.NopLogger{}),
	}
}

// begin sets the position at which the first batch begins, and the number of the history to which it belongs.
func (p *publisher) begin(position, history int64) {
	p.released.Store(position)
	p.history.Store(history)
	close(p.begun)
}

// close ends all subscriptions and waits for their goroutines.
func (p *publisher) close() {
	p.subscribing.Lock()
	close(p.closed)
	p.subscribing.Unlock()
	_ = p.channel.Close()
	p.subscribers.Wait()
}

// publish sends a batch to every subscriber. The batch begins where the previous batch ended. A batch that contains
// only gauges also ends there.
func (p *publisher) publish(ctx context.Context, b Batch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.History, b.After = p.history.Load(), p.released.Load()
	b.Checkpoint = max(b.Checkpoint, b.After)
	m := message.NewMessageWithContext(context.WithValue(ctx, batchKey{}, b), watermill.NewShortUUID(), nil)
	if err := p.channel.Publish(topic, m); err != nil {
		return fmt.Errorf("publish a batch: %w", err)
	}
	p.released.Store(b.Checkpoint)
	return nil
}

// subscribe does the work of Feed.Subscribe.
func (p *publisher) subscribe(ctx context.Context) (<-chan Batch, error) {
	select {
	case <-p.begun:
	case <-p.closed:
		return nil, fmt.Errorf("subscribe to the feed: %w", ErrEnded)
	case <-ctx.Done():
		return nil, fmt.Errorf("subscribe to the feed: %w", ctx.Err())
	}
	ctx, cancel := context.WithCancel(ctx)
	p.mu.Lock() // a batch is either released before the subscription begins, or delivered to it
	messages, err := p.channel.Subscribe(ctx, topic)
	p.mu.Unlock()
	p.subscribing.Lock()
	defer p.subscribing.Unlock()
	select {
	case <-p.closed:
		err = ErrEnded
	default:
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("subscribe to the feed: %w", err)
	}
	batches := make(chan Batch, queueSize)
	p.subscribers.Go(func() {
		defer close(batches)
		defer cancel()
		for m := range messages {
			if !p.deliver(ctx, m, batches) {
				return
			}
			m.Ack()
		}
	})
	return batches, nil
}

// deliver puts the batch in a message into the queue of a subscriber. It reports false if the subscriber has stopped
// reading.
func (p *publisher) deliver(ctx context.Context, m *message.Message, batches chan<- Batch) bool {
	b, ok := m.Context().Value(batchKey{}).(Batch)
	if !ok {
		return true // cannot happen: only the publisher sends messages
	}
	select {
	case batches <- b:
		return true
	default:
	}
	timer := time.NewTimer(p.c.SubscriberTimeout)
	defer timer.Stop()
	select {
	case batches <- b:
		return true
	case <-ctx.Done():
	case <-p.closed:
	case <-timer.C:
		p.c.Log.ErrorContext(ctx, "feed: subscriber cut off because it stopped reading", slog.Int64("position", b.Checkpoint))
	}
	return false
}
