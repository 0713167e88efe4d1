package feed

import (
	"sync"
	"sync/atomic"
	"time"
)

// RelayStatus describes where the batches of a feed come from.
type RelayStatus struct {
	Configured bool      // whether Config.NATS is set
	Received   bool      // whether the batches come from the relay; otherwise the feed reads the log in PostgreSQL
	Since      time.Time // time since which Received has this value; zero before the feed has begun
	Cause      string    // why the batches do not come from the relay
	Active     bool      // whether this process is the relay

	Messages int64 // number of messages of the relay that were received and believed
	Refused  int64 // number of messages that were not believed, or could not be decoded
	Holes    int64 // number of holes that were read from the log
	Sent     int64 // number of messages that this process has sent as relay
}

// relayState is the RelayStatus of a feed.
type relayState struct {
	changed  func(needsNotifications bool) // called when the need for notifications of PostgreSQL may have changed
	messages atomic.Int64
	refused  atomic.Int64
	holes    atomic.Int64
	sent     atomic.Int64
	heard    atomic.Int64 // time of the newest message that was believed, in nanoseconds

	mu     sync.Mutex
	status RelayStatus
}

func (s *relayState) set(change func(*RelayStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.status)
	s.changed(!s.status.Received || s.status.Active)
}

func (s *relayState) get() RelayStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.status
	now.Messages, now.Refused, now.Holes, now.Sent = s.messages.Load(), s.refused.Load(), s.holes.Load(), s.sent.Load()
	return now
}
