package media

import (
	"slices"
	"sync"
	"time"

	"roomlog/internal/limit"
	"roomlog/media/flv"
	"roomlog/media/timeline"
)

// cutMemory is the time for which a cut is remembered. It is longer than the time that a client needs from its
// authorization until it joins its stream.
const cutMemory = time.Minute

// hub contains the streams by key. Its lock is taken before the lock of a stream.
type hub struct {
	cfg      Config
	notifier *notifier

	mu       sync.Mutex
	streams  map[string]*stream
	viewers  map[*stream]int // number of players that are viewers; streams without viewers are missing
	cuts     map[string]time.Time
	userCuts map[userKey]time.Time
	revoked  map[string]time.Time // stream key → time of the newest revocation: publishers authorized before must not publish
	closed   bool
	past     totals
}

// allUsers in a userKey stands for all players, also anonymous ones.
const allUsers = -1

// userKey identifies the players of a user in the stream with a key; if key is "", in every stream.
type userKey struct {
	key  string
	user int64
}

// totals contains the counters of streams that have ended.
type totals struct{ frames, in, out, skips, drops, ignored, jumps uint64 }

func newHub(cfg Config) *hub {
	return &hub{cfg: cfg, notifier: newNotifier(cfg), streams: make(map[string]*stream), viewers: make(map[*stream]int), cuts: make(map[string]time.Time), userCuts: make(map[userKey]time.Time), revoked: make(map[string]time.Time)}
}

// publication is the claim of one publisher to a stream key.
type publication struct {
	hub       *hub
	stream    *stream
	publisher *publisher
}

// publish claims a key for a client that was authorized after requestedAt. It returns ErrAlreadyPublishing if another
// publisher has the key. If it replaces a publisher, it disconnects that publisher.
func (h *hub) publish(key string, client Client, requestedAt time.Time, disconnect func()) (*publication, error) {
	if h.notifier.overloaded() {
		return nil, ErrLimitReached
	}
	p := &publisher{client: client, disconnect: disconnect}
	s, replaced, err := h.claim(key, p, requestedAt)
	if replaced != nil {
		replaced.disconnect()
	}
	if err != nil {
		return nil, err
	}
	return &publication{h, s, p}, nil
}

// claim makes p the publisher of key. It returns the stream, and the silent publisher that p has replaced, or nil if
// there is none.
func (h *hub) claim(key string, p *publisher, requestedAt time.Time) (s *stream, replaced *publisher, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, err = h.lookup(key, requestedAt)
	revokedAt, revoked := h.revoked[key]
	switch {
	case err != nil:
		return nil, nil, err
	case revoked && !requestedAt.After(revokedAt):
		return nil, nil, ErrEnded
	case (s == nil || !s.active()) && h.activeStreams() >= h.cfg.Limits.MaxStreams:
		return nil, nil, ErrLimitReached
	case s == nil:
		s = h.add(key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := h.cfg.Now()
	switch replaced = s.publisher; {
	case replaced == nil:
	case s.relayed:
		s.leaveRelay()
	default:
		if now.Sub(s.mediaAt) < h.cfg.TakeoverAfter || now.Sub(replaced.startedAt) < h.cfg.TakeoverAfter {
			return nil, nil, ErrAlreadyPublishing
		}
		s.resetForPublisher()
	}
	p.startedAt, s.publisher = now, p
	return s, replaced, nil
}

// lookup returns the stream of a key, or nil if there is none. It returns ErrEnded if the key was cut after
// requestedAt.
func (h *hub) lookup(key string, requestedAt time.Time) (*stream, error) {
	cutAt, cut := h.cuts[key]
	switch {
	case h.closed:
		return nil, ErrServerClosed
	case cut && !requestedAt.After(cutAt):
		return nil, ErrEnded
	}
	return h.streams[key], nil
}

// newestKeyFrame returns an FLV file with the newest key frame of a stream and the headers that its decoder needs.
func (h *hub) newestKeyFrame(key string) ([]byte, error) {
	h.mu.Lock()
	s := h.streams[key]
	h.mu.Unlock()
	if s == nil {
		return nil, ErrNoBroadcast
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ring.contains(s.ring.last) {
		return nil, ErrNoBroadcast
	}
	file := flv.FileHeader(true, false)
	for _, header := range s.ring.last.headers {
		if header.info.Kind == flv.Video {
			file = append(file, header.tag...)
		}
	}
	return append(file, s.ring.frames[s.ring.last.at-s.ring.base].tag...), nil
}

func (h *hub) add(key string) *stream {
	s := newStream(h.cfg, h.notifier, key)
	h.streams[key] = s
	return s
}

// activeStreams returns the number of streams that have a publisher, or a broadcast that waits for its publisher.
func (h *hub) activeStreams() (n int) {
	for _, s := range h.streams {
		if s.active() {
			n++
		}
	}
	return n
}

// write relays a payload. It returns ErrEnded when the publication has ended.
func (p *publication) write(kind byte, at uint32, payload []byte) error {
	return p.stream.ingest(p.publisher, kind, at, payload)
}

// close ends the publication. reason determines whether the broadcast ends, too, or waits for the publisher to
// reconnect.
func (p *publication) close(reason Reason) {
	h, s := p.hub, p.stream
	h.mu.Lock()
	defer h.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.publisher != p.publisher { // the publisher was replaced, or the stream has ended
		return
	}
	now := h.cfg.Now()
	s.flush(now)
	s.publisher, s.lostAt = nil, now
	if s.broadcast.ID != "" && (reason.final() || h.cfg.StreamGrace <= 0) {
		h.endBroadcast(s, reason, now)
		return
	}
	s.resetForPublisher()
	h.removeIfIdle(s)
}

// endBroadcast ends a broadcast and removes its stream. The caller must hold h.mu and s.mu.
func (h *hub) endBroadcast(s *stream, reason Reason, now time.Time) {
	s.flush(now)
	s.publisher = nil
	if reason == ReasonShutdown {
		s.stopRelays()
	}
	s.end(reason, now)
	delete(h.streams, s.key)
	h.keepCounters(s)
}

// keepCounters adds the counters of a stream that has been removed to the totals, and resets them. The caller must hold h.mu and s.mu.
func (h *hub) keepCounters(s *stream) {
	h.past.frames += s.meter.frames
	h.past.in += s.meter.bytes
	h.past.out += s.meter.sent
	h.past.skips += s.meter.skips
	h.past.drops += s.meter.drops
	h.past.ignored += s.meter.ignored
	h.past.jumps += s.timeline.Jumps()
	s.meter, s.timeline = meter{}, timeline.Timeline{}
}

// removeIfIdle removes a stream that has no publisher, no broadcast and no players. The caller must hold h.mu and s.mu.
func (h *hub) removeIfIdle(s *stream) {
	if s.idle() && h.streams[s.key] == s {
		delete(h.streams, s.key)
		h.keepCounters(s)
	}
}

// playRequest describes a player that is added to a stream.
type playRequest struct {
	key         string
	client      Client
	requestedAt time.Time // time at which the client sent its request, before the authorization
	disconnect  func()
	slot        *limit.Slot // slot that the player gives to others until it has received a frame; may be nil
	complete    bool        // whether the player should miss no frame, see cursor
	broadcast   string      // broadcast that the player may join and reads to its end; "": any
	finishes    bool        // whether the player reads the remaining frames if the stream is cut because its live has ended
	running     bool        // whether the player may join only a stream that has a broadcast
	spared      bool        // whether cuts of all users no longer apply, because they have spared the play session of the player
}

// join adds an authorized player to its stream. If the stream has no publisher yet, the player waits.
func (h *hub) join(r playRequest) (*Player, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[r.key]
	if r.broadcast == "" {
		if err := h.admits(r); err != nil {
			return nil, err
		}
	}
	switch {
	case s != nil:
	case r.broadcast != "":
		return nil, ErrEnded
	case r.client.Protocol == Relay, r.running:
		return nil, ErrNoBroadcast
	default: // The slots of players bound the streams that have only waiting players.
		s = h.add(r.key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.broadcast != "" && s.broadcast.ID != r.broadcast:
		return nil, ErrEnded
	case r.client.Protocol == Relay && (s.relayed || s.broadcast.ID == ""):
		return nil, ErrNoBroadcast // a node that relays a stream itself is never a source, so that there are no loops
	case r.running && s.broadcast.ID == "":
		return nil, ErrNoBroadcast
	case r.client.isViewer() && h.viewers[s] >= h.cfg.Limits.MaxStreamPlayers:
		return nil, ErrLimitReached
	}
	p := &Player{stream: s, client: r.client, startedAt: h.cfg.Now(), disconnect: r.disconnect, slot: r.slot, readsToEnd: r.broadcast != "", finishes: r.finishes,
		cursor: cursor{complete: r.complete}, wake: make(chan struct{}, 1), closed: make(chan struct{})}
	p.leave = func(reason Reason) { h.leave(p, reason) }
	s.players[p] = struct{}{}
	if r.complete {
		s.complete = append(s.complete, p)
	}
	if h.cfg.Relay != nil && r.client.isViewer() && s.publisher == nil && s.broadcast.ID == "" {
		h.cfg.Relay.Want(r.key)
	}
	if r.client.isViewer() {
		h.viewers[s]++
		p.announced = h.notifier.playStarted(p.session())
	}
	p.slot.Wait(p.cutOff)
	return p, nil
}

// addKeys adds the keys of all streams.
func (h *hub) addKeys(keys map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.streams {
		keys[key] = true
	}
}

// checkCuts returns an error if a player was cut after its authorization.
func (h *hub) checkCuts(r playRequest) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.admits(r)
}

// admits returns an error if a player was cut after its authorization: errUserCut if its user was cut, ErrEnded if the stream
// was. The caller holds the lock.
func (h *hub) admits(r playRequest) error {
	if h.wasCut(r) {
		return errUserCut
	}
	_, err := h.lookup(r.key, r.requestedAt)
	return err
}

// wasCut reports whether a player was authorized before a cut of its user. The caller holds the lock.
func (h *hub) wasCut(r playRequest) bool {
	if at, cut := h.userCuts[userKey{r.key, allUsers}]; cut && r.client.isViewer() && !r.spared && !r.requestedAt.After(at) {
		return true
	}
	if r.client.User == 0 {
		return false
	}
	for _, key := range []string{r.key, ""} {
		if at, cut := h.userCuts[userKey{key, r.client.User}]; cut && !r.requestedAt.After(at) {
			return true
		}
	}
	return false
}

// leave removes a player from its stream and makes Player.Next return.
func (h *hub) leave(p *Player, reason Reason) {
	h.mu.Lock()
	h.remove(p, reason)
	h.mu.Unlock()
	p.stop()
}

// remove removes a player from its stream. The caller must hold the lock of the hub. Only the first call has an effect.
func (h *hub) remove(p *Player, reason Reason) {
	s := p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.players[p]; !found {
		return
	}
	delete(s.players, p)
	s.complete = slices.DeleteFunc(s.complete, func(other *Player) bool { return other == p })
	if p.client.isViewer() {
		if h.viewers[s]--; h.viewers[s] == 0 {
			delete(h.viewers, s)
		}
	}
	if reason == ReasonStalled {
		s.meter.drops++
	}
	s.meter.sent += p.bytes.Load()
	if s.ended {
		h.keepCounters(s)
	}
	h.removeIfIdle(s)
	if p.announced {
		session := p.session()
		session.EndedAt = h.cfg.Now()
		h.notifier.playStopped(session, reason)
	}
}
