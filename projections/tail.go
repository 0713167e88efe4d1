package projections

import (
	"context"
	"errors"
	"log/slog"
	"math"

	"roomlog/eventstore"
)

// begin waits until the checkpoint can be read, and begins there.
func (f *Feed) begin(ctx context.Context) {
	for ctx.Err() == nil {
		position, err := f.checkpoint(ctx)
		if err == nil {
			f.released.Store(position)
			close(f.begun)
			return
		}
		if ctx.Err() == nil {
			f.c.Log.WarnContext(ctx, "feed: trying again", slog.Any("err", err))
		}
		pause(ctx, f.c.CheckpointPoll)
	}
}

// follow reads the log from where the feed begins, until ctx ends.
func (f *Feed) follow(ctx context.Context) {
	for after := f.released.Load(); ctx.Err() == nil; {
		bell := f.store.Appended()
		seen := bell.Count()
		events, err := f.store.ReadRaw(ctx, 0, after, math.MaxInt64, releaseAtMost)
		if err == nil {
			err = f.decode(ctx, events)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			f.c.Log.WarnContext(ctx, "feed: trying again", slog.Any("err", err))
			pause(ctx, f.c.CheckpointPoll)
		case err == nil && len(events) == 0:
			bell.Wait(ctx, seen, f.c.LogPoll)
		case err == nil:
			f.tail(ctx, events)
			after = events[len(events)-1].Position
		}
	}
}

// decode makes events ready to use. One that this program cannot read is nothing that people see: it stays
// without Event, and the projector says what becomes of it.
func (f *Feed) decode(ctx context.Context, events []eventstore.Record) error {
	err := f.store.Decode(ctx, events)
	var unreadable *eventstore.DecodeError
	if errors.As(err, &unreadable) {
		f.c.Log.ErrorContext(ctx, "feed: passing over", slog.Any("err", err))
		return nil
	}
	return err
}

// tail takes events of the log. It waits while too many are held back.
func (f *Feed) tail(ctx context.Context, events []eventstore.Record) {
	f.mu.Lock()
	for len(f.pending) >= f.c.MaxPending {
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
