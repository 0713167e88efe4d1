package socketio

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// heraldRetry is when a list that could not be read is tried again.
const heraldRetry = time.Second

// herald sends the lists that were put off.
type herald struct {
	door *Door
	wake chan struct{}

	mu  sync.Mutex
	due map[*room]time.Time
}

func newHerald(d *Door) *herald {
	return &herald{door: d, wake: make(chan struct{}, 1), due: make(map[*room]time.Time)}
}

// later has a list sent at a time, if none is to be sent anyway. It does not wait.
func (h *herald) later(r *room, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.due[r]; known {
		return
	}
	h.due[r] = at
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// run sends until ctx ends.
func (h *herald) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		case <-timer.C:
		}
		ready, next := h.take()
		for _, r := range ready {
			h.send(ctx, r)
		}
		timer.Reset(next)
	}
}

// take removes the rooms whose time has come, and answers when to look again.
func (h *herald) take() (ready []*room, next time.Duration) {
	now, next := h.door.cfg.Now(), time.Hour
	h.mu.Lock()
	defer h.mu.Unlock()
	for r, at := range h.due {
		if wait := at.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		ready = append(ready, r)
		delete(h.due, r)
	}
	return ready, next
}

func (h *herald) send(ctx context.Context, r *room) {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := r.refresh(within); err != nil && ctx.Err() == nil {
		h.door.cfg.Log.WarnContext(ctx, "a list could not be read, trying again", slog.Int64("live", int64(r.live)), slog.Any("err", err))
		h.later(r, h.door.cfg.Now().Add(heraldRetry))
	}
}
