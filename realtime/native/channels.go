package native

import (
	"math"
	"sync"

	"roomlog/domain"
	"roomlog/projections/delivery"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// channels contains the channels of the lives that connections of a server are in.
type channels struct {
	hub     *hub.Hub
	sockets *ws.Server
	restore func(c *channel, history int64) // see channel.restore
	recover func()                          // logs a panic of restore

	deliveries *delivery.Recorder

	mu     sync.Mutex // locked before the locks of channels and of the hub
	byLive map[domain.LiveID]*channel
}

func newChannels(h *hub.Hub, sockets *ws.Server, deliveries *delivery.Recorder, restore func(*channel, int64), recoverPanic func()) *channels {
	return &channels{hub: h, sockets: sockets, restore: restore, recover: recoverPanic, deliveries: deliveries, byLive: make(map[domain.LiveID]*channel)}
}

// hold returns the channel of a live. The channel stays subscribed until release was called as often as hold.
func (s *channels) hold(live domain.LiveID) *channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byLive[live]
	if c == nil || c.wasReset() {
		c = s.open(live)
		s.byLive[live] = c
	}
	c.holds++
	return c
}

// open creates a channel and subscribes it to its live.
func (s *channels) open(live domain.LiveID) *channel {
	c := &channel{
		live: live, fan: s.sockets.NewFanout(), largeLive: s.hub.LargeLive(), batchInterval: s.hub.JoinBatchInterval(),
		restore: s.restore, serial: s.sockets.NewSerial(s.recover), reading: make(chan struct{}, 1), snapshotting: make(chan struct{}, 1), wanted: math.MaxInt64,
		deliveries: s.deliveries, acknowledged: make(map[*ws.Conn]int64),
	}
	c.mu.Lock() // delivery waits until start is set
	defer c.mu.Unlock()
	c.history, c.start = s.hub.Subscribe(live, c)
	c.last = c.start
	return c
}

// release ends one hold. A channel without holds is unsubscribed and removed.
func (s *channels) release(c *channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.holds--
	if c.holds > 0 {
		return
	}
	if s.byLive[c.live] == c {
		delete(s.byLive, c.live)
	}
	s.hub.Unsubscribe(c.live, c)
	c.Reset() // also stops the timer of the batch
}

// count returns the number of lives with a channel.
func (s *channels) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byLive)
}
