package native

import (
	"sync"

	"roomlog/domain"
	"roomlog/projections"

	"roomlog/realtime/ws"
)

// Channel is a channel without a hub. Benchmarks use it to measure how a fact reaches the connections.
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

// EncodeFact returns the payload of the frame of a fact.
func EncodeFact(d projections.Delta, prev int64) (text []byte) {
	for payload := range factFrame(d, prev).Messages {
		text = payload
	}
	return text
}

// Hold keeps every open connection as busy as a running request does, until release is called.
func (s *Server) Hold() (release func()) {
	done := make(chan struct{})
	var entered, running sync.WaitGroup
	for _, c := range s.sockets.Conns() {
		session := c.Peer().(*peer).session
		entered.Add(1)
		running.Go(func() {
			session.serial.Do(func() {
				entered.Done()
				<-done
			})
		})
	}
	entered.Wait()
	return func() {
		close(done)
		running.Wait()
	}
}
