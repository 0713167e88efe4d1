package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"roomlog/eventstore"
)

// listen passes the bell of the tables on.
func (f *Feed) listen(ctx context.Context) {
	bell := f.store.Projected()
	for seen := bell.Count(); ctx.Err() == nil; {
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
				wait = f.c.CheckpointPoll
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
func (f *Feed) due(position int64) []eventstore.Record {
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
func (f *Feed) send(ctx context.Context, events []eventstore.Record) error {
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
