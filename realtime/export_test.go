package realtime

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/projections"

	"roomlog/realtime/ws"
)

// Miss makes the hub believe that the feed went on by one position without it.
func (h *Hub) Miss(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.skipToLocked(ctx, h.Position()+1)
}

// Recount makes the chat count again who is in it, while deltas that it counts are still to be told.
func (c *Chat) Recount(ctx context.Context, late ...projections.Delta) error {
	err := c.Load(ctx, c.hub.cfg.Feed.Checkpoint())
	for _, delta := range late {
		c.tell(delta)
	}
	return err
}

// Holds returns how many lives, users and visits a hub remembers.
func (h *Hub) Holds() (lives, users, visits int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.presence.mu.Lock()
	defer h.presence.mu.Unlock()
	return len(h.subscribers), len(h.clients), len(h.presence.visits)
}

// SayLeft says that a guest has left, as nameKey knows it when the log refuses; it waits until that is said, or ctx ends.
func SayLeft(ctx context.Context, commands Executor, c domain.LeaveChat, nameKey func(domain.ParticipantID, string) string) {
	l := newLeaves(commands, slog.New(slog.DiscardHandler), nameKey)
	l.retry = time.Millisecond
	running, end := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { _ = l.run(running) })
	l.add(c)
	l.settle(ctx)
	end()
	all.Wait()
}

// Room is a room that no door keeps, for measuring the way of a fact to its connections alone.
type Room struct{ of *channel }

// NewRoom makes an empty room.
func NewRoom(s *ws.Server, live domain.LiveID) Room {
	return Room{&channel{live: live, fan: s.NewFanout()}}
}

// Tell tells everybody in the room.
func (r Room) Tell(d projections.Delta) { r.of.Deliver(d) }

// Add puts a connection into the room.
func (r Room) Add(c *ws.Conn) { r.of.fan.Add(c) }

// Len is the number of connections in the room.
func (r Room) Len() int { return r.of.fan.Len() }

// TextOf is a fact as clients get it.
func TextOf(d projections.Delta, prev int64) (text []byte) {
	for payload := range factFrame(d, prev).Messages {
		text = payload
	}
	return text
}
