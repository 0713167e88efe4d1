package media

import (
	"maps"
	"slices"
	"time"
)

// cut ends the show and all players of a key at once. Whoever asked a gate before now does not come in
// any more, whatever the gate said.
func (h *hub) cut(key string, why Reason) {
	h.mu.Lock()
	now := h.cfg.Now()
	h.cuts[key] = now
	var hangUps []func()
	if s := h.streams[key]; s != nil {
		hangUps = h.clear(s, why, now)
	}
	h.mu.Unlock()
	for _, hangUp := range hangUps {
		hangUp()
	}
}

// clear ends a stream and returns what ends its connections; the hub's lock is held.
func (h *hub) clear(s *stream, why Reason, now time.Time) []func() {
	var hangUps []func()
	s.mu.Lock()
	players := slices.Collect(maps.Keys(s.players))
	for _, p := range players {
		if !p.whole {
			p.stop() // before they can see an end that they would play out
		}
	}
	if s.feed != nil {
		hangUps = append(hangUps, s.feed.hangUp)
	}
	if s.show.ID != "" {
		h.end(s, why, now)
	}
	s.feed, s.over = nil, true
	delete(h.streams, s.key)
	s.mu.Unlock()
	for _, p := range players {
		h.remove(p, why)
		if !p.whole {
			hangUps = append(hangUps, p.cutOff)
		}
	}
	return hangUps
}

// kick ends the connection of a publisher or player, and says whether there was one.
func (h *hub) kick(id string) bool {
	f, p := h.find(id)
	switch {
	case f != nil:
		f.close(ReasonKicked)
		f.hangUp()
	case p != nil:
		h.leave(p, ReasonKicked)
		p.cutOff()
	}
	return f != nil || p != nil
}

func (h *hub) find(id string) (*feed, *Player) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.streams {
		if f, p := s.find(id); f != nil || p != nil {
			return f, p
		}
	}
	return nil, nil
}

func (s *stream) find(id string) (*feed, *Player) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed != nil && s.feed.client.ID == id {
		return s.feed, nil
	}
	for p := range s.players {
		if p.client.ID == id {
			return nil, p
		}
	}
	return nil, nil
}

// onAir says whether the key has a show.
func (h *hub) onAir(key string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[key]
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.show.ID != ""
}

// sweep does what time brings about.
func (h *hub) sweep(measure bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.cfg.Now()
	maps.DeleteFunc(h.cuts, func(_ string, at time.Time) bool { return now.Sub(at) > cutMemory })
	for _, s := range h.streams {
		s.mu.Lock()
		if measure {
			s.meter.measure(now)
		}
		s.settle(now)
		if s.feed == nil && s.show.ID != "" && now.Sub(s.lostAt) >= h.cfg.StreamGrace {
			h.end(s, ReasonLost, now)
		}
		s.mu.Unlock()
	}
}

// close ends everything, and nothing begins any more.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	now := h.cfg.Now()
	var hangUps []func()
	for _, s := range slices.Collect(maps.Values(h.streams)) {
		hangUps = append(hangUps, h.clear(s, ReasonShutdown, now)...)
	}
	h.mu.Unlock()
	for _, hangUp := range hangUps {
		hangUp()
	}
}

// stats reads all meters.
func (h *hub) stats() Snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.cfg.Now()
	past := h.past
	shot := Snapshot{Time: now, FramesIn: past.frames, BytesIn: past.in, BytesOut: past.out, Skips: past.skips, Drops: past.drops}
	for _, key := range slices.Sorted(maps.Keys(h.streams)) {
		st := h.streams[key].stats(now)
		shot.Streams = append(shot.Streams, st)
		if st.Publishing {
			shot.Publishers++
		}
		for _, n := range st.Players {
			shot.Players += n
		}
		shot.FramesIn += st.FramesIn
		shot.BytesIn += st.BytesIn
		shot.BytesOut += st.BytesOut
		shot.Skips += st.Skips
		shot.Drops += st.Drops
	}
	h.notices.mu.Lock()
	shot.DroppedNotifications = h.notices.lost
	h.notices.mu.Unlock()
	return shot
}

// viewings lists the players of a key.
func (h *hub) viewings(key string) []PlaySession {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[key]
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []PlaySession
	for p := range s.players {
		all = append(all, p.viewing())
	}
	slices.SortFunc(all, func(a, b PlaySession) int { return a.StartedAt.Compare(b.StartedAt) })
	return all
}
