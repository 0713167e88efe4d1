package projections

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// topic is what the feed's channel calls its one stream of batches.
const topic = "batches"

// batchKey is where a message's context holds its batch: nothing is written out and read again inside a process.
type batchKey struct{}

// Subscribe answers batches in order from now on: each begins where the one before ended. It waits until the
// feed runs and Checkpoint says where that is. The channel closes
// when ctx ends, when the feed ends, or when the subscriber has not read for FeedConfig.Deaf although
// hundreds of batches waited: then the others go on without it, and it has to begin anew.
func (f *Feed) Subscribe(ctx context.Context) (<-chan Batch, error) {
	select {
	case <-f.begun:
	case <-f.closed:
		return nil, fmt.Errorf("subscribe to the feed: %w", ErrFeedEnded)
	case <-ctx.Done():
		return nil, fmt.Errorf("subscribe to the feed: %w", ctx.Err())
	}
	ctx, cancel := context.WithCancel(ctx)
	f.publishing.Lock() // a batch is released, or this subscriber gets it
	messages, err := f.channel.Subscribe(ctx, topic)
	f.publishing.Unlock()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("subscribe to the feed: %w", err)
	}
	batches := make(chan Batch, subscriberLag)
	go func() {
		defer close(batches)
		defer cancel()
		for m := range messages {
			if !f.hand(ctx, m, batches) {
				return
			}
			m.Ack()
		}
	}()
	return batches, nil
}

// hand puts a message's batch into a subscriber's channel, unless it has stopped reading.
func (f *Feed) hand(ctx context.Context, m *message.Message, batches chan<- Batch) bool {
	b, ok := m.Context().Value(batchKey{}).(Batch)
	if !ok {
		return true // nobody else publishes here
	}
	select {
	case batches <- b:
		return true
	default:
	}
	timer := time.NewTimer(f.c.SubscriberTimeout)
	defer timer.Stop()
	select {
	case batches <- b:
		return true
	case <-ctx.Done():
	case <-timer.C:
		f.c.Log.ErrorContext(ctx, "a subscriber of the feed does not read and is cut off", slog.Int64("position", b.Checkpoint))
	}
	return false
}
