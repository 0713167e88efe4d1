package native

import (
	"roomlog/domain"
	"roomlog/projections"

	"roomlog/realtime/ws"
)

// Channel is a room that no door keeps, for measuring the way of a fact to its connections alone.
type Channel struct{ of *channel }

// NewChannel creates a channel without connections.
func NewChannel(s *ws.Server, live domain.LiveID) Channel {
	return Channel{&channel{live: live, fan: s.NewFanout()}}
}

// Deliver sends a delta to all connections.
func (r Channel) Deliver(d projections.Delta) { r.of.Deliver(d) }

// Add adds a connection.
func (r Channel) Add(c *ws.Conn) { r.of.fan.Add(c) }

// Len returns the number of connections.
func (r Channel) Len() int { return r.of.fan.Len() }

// EncodeFact returns the text of a fact's frame.
func EncodeFact(d projections.Delta, prev int64) (text []byte) {
	for payload := range factFrame(d, prev).Messages {
		text = payload
	}
	return text
}
