package engineio

import (
	"context"
	"time"

	"roomlog/realtime/ws"
)

const (
	maxTendInterval = time.Second
	minTendInterval = time.Millisecond
)

// tend looks at every session now and then: one goroutine instead of a timer for each. Deadlines do not move
// when it comes late.
func (e *Engine) tend(ctx context.Context) {
	interval := maxTendInterval
	for _, timeout := range []time.Duration{e.cfg.Sockets.PingInterval, e.cfg.PingTimeout, e.cfg.UpgradeTimeout, e.cfg.SettleTimeout} {
		interval = min(interval, timeout/8)
	}
	ticks := time.NewTicker(max(interval, minTendInterval))
	defer ticks.Stop()
	var all []*Session
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		all = e.all(all[:0])
		now := e.cfg.Now()
		for _, s := range all {
			s.tend(now)
		}
		clear(all)
	}
}

func (s *Session) tend(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg := &s.engine.cfg
	if s.probe != nil && now.Sub(s.probe.since) > cfg.UpgradeTimeout {
		s.probe.conn.Close(ws.CloseNormal, "the upgrade takes too long")
		s.probe = nil
	}
	switch {
	case s.ended:
		if s.farewell != "" && now.After(s.until) {
			s.forgetFarewell()
		}
	case !s.settled && now.Sub(s.opened) > cfg.SettleTimeout:
		s.endLocked("transport close", packetClose)
	case s.silent(now):
		if s.receiving.TryLock() { // else what it said last is still being handled
			s.receiving.Unlock()
			s.endLocked("ping timeout", "")
		}
	case s.version == V4 && !s.pinged && !now.Before(s.due):
		s.pinged, s.due = true, s.due.Add(cfg.PingTimeout)
		s.sendLocked(ws.TextFrame([]byte(packetPing)))
	}
}

// silent says that a sign of life is overdue.
func (s *Session) silent(now time.Time) bool {
	deadline := s.due
	if s.version == V4 && !s.pinged {
		deadline = deadline.Add(s.engine.cfg.PingTimeout)
	}
	return !now.Before(deadline)
}

// heard notes a sign of life, unless the session has ended.
func (s *Session) heard(kind byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.engine.cfg.Now()
	switch {
	case s.ended:
		return false
	case s.version == V3 || kind == typePong:
		s.heardAt(now)
	case s.pinged: // the answer is still to come, but somebody is there
		s.due = now.Add(s.engine.cfg.PingTimeout)
	}
	return true
}

// heardAt sets the next deadline: of version 3 for a ping of the client's, of version 4 for one of ours.
func (s *Session) heardAt(now time.Time) {
	s.pinged, s.due = false, now.Add(s.engine.cfg.Sockets.PingInterval)
	if s.version == V3 {
		s.due = s.due.Add(s.engine.cfg.PingTimeout)
	}
}
