package native

import (
	"roomlog/domain"
	"roomlog/projections"

	"roomlog/realtime/ws"
)

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
