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

// Miss makes the rooms believe that the feed went on by one position without them.
func (d *Door) Miss(ctx context.Context) { d.hub.reach(ctx, d.hub.asOf.Load()+1) }

// Recount makes the chat count again who is in it, while a delta that it counts is still to be told.
func (d *Door) Recount(ctx context.Context, late ...projections.Delta) error {
	err := d.chat.load(ctx, d.cfg.Feed.Checkpoint())
	for _, delta := range late {
		d.chat.tell(delta)
	}
	return err
}

// Holds says how many rooms, people and visits a door remembers.
func (d *Door) Holds() (rooms, people, visits int) {
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	d.presence.mu.Lock()
	defer d.presence.mu.Unlock()
	return len(d.hub.rooms), len(d.hub.people), len(d.presence.visits)
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
type Room struct{ of *room }

// NewRoom makes an empty room.
func NewRoom(s *ws.Server, live domain.LiveID) Room {
	return Room{&room{live: live, fan: s.NewFanout()}}
}

// Tell tells everybody in the room.
func (r Room) Tell(d projections.Delta) { r.of.tell(d) }

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
