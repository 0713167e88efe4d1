package media

import (
	"maps"
	"slices"
	"time"
)

// cut ends the broadcast of a key and disconnects all its players. From now on it refuses clients that were authorized
// before the call.
func (h *hub) cut(key string, reason Reason) {
	h.mu.Lock()
	now := h.cfg.Now()
	h.cuts[key] = now
	var disconnects []func()
	if s := h.streams[key]; s != nil {
		disconnects = h.endStream(s, reason, now)
	}
	h.mu.Unlock()
	for _, disconnect := range disconnects {
		disconnect()
	}
}

// cutUser disconnects the players of key that a user plays; key "" means every stream. From now on it refuses players of
// the user that were authorized before the call.
func (h *hub) cutUser(key string, user int64, reason Reason) {
	h.mu.Lock()
	h.userCuts[userKey{key, user}] = h.cfg.Now()
	var cut []*Player
	for _, s := range h.streams {
		if key != "" && s.key != key {
			continue
		}
		s.mu.Lock()
		for p := range s.players {
			if p.client.User == user {
				cut = append(cut, p)
			}
		}
		s.mu.Unlock()
	}
	h.mu.Unlock()
	for _, p := range cut {
		h.leave(p, reason)
		p.cutOff()
	}
}

// cutAnonymous disconnects the players of key that name no user, unless keep reports true for a player. From now on it refuses
// players that were authorized before the call.
func (h *hub) cutAnonymous(key string, reason Reason, keep func(Client) bool) {
	h.mu.Lock()
	h.userCuts[userKey{key, allUsers}] = h.cfg.Now()
	var cut []*Player
	if s := h.streams[key]; s != nil {
		s.mu.Lock()
		for p := range s.players {
			if p.client.User == 0 && p.client.isViewer() && !keep(p.client) {
				cut = append(cut, p)
			}
		}
		s.mu.Unlock()
	}
	h.mu.Unlock()
	for _, p := range cut {
		h.leave(p, reason)
		p.cutOff()
	}
}

// cutPublisher ends the broadcast of the publisher of key, if match reports true for the publisher. From now on it refuses
// publishers that were authorized before the call.
func (h *hub) cutPublisher(key string, reason Reason, match func(Client) bool) {
	h.mu.Lock()
	now := h.cfg.Now()
	h.revoked[key] = now
	var disconnect func()
	if s := h.streams[key]; s != nil {
		s.mu.Lock()
		if p := s.publisher; p != nil && match(p.client) {
			disconnect = p.disconnect
			if s.broadcast.ID != "" {
				h.endBroadcast(s, reason, now)
			}
			s.publisher = nil
			h.removeIfIdle(s)
		}
		s.mu.Unlock()
	}
	h.mu.Unlock()
	if disconnect != nil {
		disconnect()
	}
}

// endStream ends a stream and returns the functions that close its connections. The caller holds the lock of the hub.
func (h *hub) endStream(s *stream, reason Reason, now time.Time) []func() {
	var disconnects []func()
	s.mu.Lock()
	players := slices.Collect(maps.Keys(s.players))
	isCut := func(p *Player) bool { return !p.readsToEnd && (reason != ReasonEnded || !p.finishes) }
	for _, p := range players {
		if isCut(p) {
			p.stop() // called before the player notices the end of the broadcast and reads the remaining frames
		}
	}
	if s.publisher != nil {
		disconnects = append(disconnects, s.publisher.disconnect)
	}
	if s.broadcast.ID != "" {
		h.endBroadcast(s, reason, now)
	}
	s.publisher, s.ended = nil, true
	delete(h.streams, s.key)
	h.keepCounters(s)
	s.wakeAll() // a stream without a broadcast may have players that read the remaining frames, too
	s.mu.Unlock()
	for _, p := range players {
		h.remove(p, reason)
		if isCut(p) {
			disconnects = append(disconnects, p.cutOff)
		}
	}
	return disconnects
}

// kick ends the connection of the publisher or player with Client.ID id, and reports whether it was found.
func (h *hub) kick(id string) bool {
	publication, player := h.find(id)
	switch {
	case publication != nil:
		publication.close(ReasonKicked)
		publication.publisher.disconnect()
	case player != nil:
		h.leave(player, ReasonKicked)
		player.cutOff()
	}
	return publication != nil || player != nil
}

// keyOf returns the stream key of a connection, and reports whether the connection was found.
func (h *hub) keyOf(id string) (string, bool) {
	publication, player := h.find(id)
	switch {
	case publication != nil:
		return publication.stream.key, true
	case player != nil:
		return player.stream.key, true
	}
	return "", false
}

// find returns the publication or the player with Client.ID id. Both are nil if the connection was not found.
func (h *hub) find(id string) (*publication, *Player) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.streams {
		if publisher, player := s.find(id); publisher != nil {
			return &publication{h, s, publisher}, nil
		} else if player != nil {
			return nil, player
		}
	}
	return nil, nil
}

func (s *stream) find(id string) (*publisher, *Player) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.publisher != nil && s.publisher.client.ID == id {
		return s.publisher, nil
	}
	for p := range s.players {
		if p.client.ID == id {
			return nil, p
		}
	}
	return nil, nil
}

// running returns the stream of a key, or nil, and reports whether it has a broadcast.
func (h *hub) running(key string) (s *stream, broadcast bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s = h.streams[key]; s == nil {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.broadcast.ID != ""
}

// sweep deletes old cuts, passes on payloads whose wait for an earlier payload is over, and settles new streams. It
// ends broadcasts whose publisher has not reconnected in time. If measure is true, it also measures bit rates.
func (h *hub) sweep(measure bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.cfg.Now()
	maps.DeleteFunc(h.cuts, func(_ string, at time.Time) bool { return now.Sub(at) > cutMemory })
	maps.DeleteFunc(h.revoked, func(_ string, at time.Time) bool { return now.Sub(at) > cutMemory })
	maps.DeleteFunc(h.userCuts, func(_ userKey, at time.Time) bool { return now.Sub(at) > cutMemory })
	for _, s := range h.streams {
		s.mu.Lock()
		if measure {
			s.meter.measure(now)
		}
		if s.publisher != nil && s.expire(s.publisher, now) {
			s.wake()
		}
		s.settle(now)
		if s.publisher == nil && s.broadcast.ID != "" && now.Sub(s.lostAt) >= h.cfg.StreamGrace {
			h.endBroadcast(s, ReasonLost, now)
		}
		s.mu.Unlock()
	}
}

// close ends all streams and refuses new ones.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	now := h.cfg.Now()
	var disconnects []func()
	for _, s := range slices.Collect(maps.Values(h.streams)) {
		disconnects = append(disconnects, h.endStream(s, ReasonShutdown, now)...)
	}
	h.mu.Unlock()
	for _, disconnect := range disconnects {
		disconnect()
	}
}

// sessions returns the play sessions of a key, in the order in which they started.
func (h *hub) sessions(key string) []PlaySession {
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
		if p.client.Protocol != Relay {
			all = append(all, p.session())
		}
	}
	slices.SortFunc(all, func(a, b PlaySession) int { return a.StartedAt.Compare(b.StartedAt) })
	return all
}
