package media

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"roomlog/media/flv"
)

const (
	maxRelays = 64 // maximum number of nodes that relay one stream
	argNode   = "node"
)

// Relayed is the claim of this node to a stream whose publisher is at another node. The frames of that node are passed on with
// their times, and nothing in them is repaired again. Only one goroutine may call Begin and Write.
type Relayed struct {
	hub       *hub
	stream    *stream
	publisher *publisher

	caughtUp uint32 // time of the frame from which on players may start
}

// Relayed claims a stream that another node publishes. disconnect is called when a publisher at this node replaces it, or the
// stream is cut; Write then returns ErrEnded. Relayed returns ErrAlreadyPublishing if the stream has a publisher.
func (s *Server) Relayed(key string, disconnect func()) (*Relayed, error) {
	h := s.core.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.cfg.Now()
	found := h.streams[key]
	switch {
	case h.closed:
		return nil, ErrServerClosed
	case (found == nil || !found.active()) && h.activeStreams() >= h.cfg.Limits.MaxStreams:
		return nil, ErrLimitReached
	case found == nil:
		found = h.add(key)
	}
	found.mu.Lock()
	defer found.mu.Unlock()
	if found.publisher != nil || found.broadcast.ID != "" {
		return nil, ErrAlreadyPublishing
	}
	p := &publisher{client: Client{ID: newID(), Protocol: Relay}, disconnect: disconnect, startedAt: now, relay: &relayClock{}}
	found.publisher, found.relayed = p, true
	return &Relayed{hub: h, stream: found, publisher: p}, nil
}

// Source describes a connection to the node with the publisher.
type Source struct {
	Broadcast    string // id of the broadcast
	Time         uint32 // time of the newest frame when the connection began, in milliseconds
	Video, Audio bool   // the tracks of the stream
}

// Begin begins a connection to the node with the publisher. If an earlier connection was to the same broadcast, frames that it has
// delivered are left out, and so are the headers of kinds that the stream no longer has. Otherwise the times of the players go on with the
// new broadcast.
func (r *Relayed) Begin(from Source) error {
	s := r.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.publisher != r.publisher {
		return ErrEnded
	}
	continues := s.broadcast.ID == from.Broadcast
	r.publisher.relay.connected(continues)
	if !continues {
		now := s.cfg.Now()
		if s.broadcast.ID != "" {
			s.resetForPublisher()
		}
		s.broadcast = Broadcast{ID: from.Broadcast, Key: s.key, StartedAt: now, Publisher: r.publisher.client, Frames: s.broadcast.Frames, Bytes: s.broadcast.Bytes}
		s.hasVideo, s.hasAudio, r.caughtUp = from.Video, from.Audio, from.Time
		r.publisher.lengthSize = 0
		return nil
	}
	s.hasVideo, s.hasAudio = from.Video, from.Audio
	if !from.Video {
		s.ring.withdraw(flv.Video)
	}
	if !from.Audio {
		s.ring.withdraw(flv.Audio)
	}
	return nil
}

// Write passes an FLV tag on to the players. The tag belongs to the stream from then on. Write never waits for a player. It
// reports whether players can start, and returns ErrEnded when the claim has ended.
func (r *Relayed) Write(tag []byte) (startable bool, err error) {
	s, p := r.stream, r.publisher
	m := p.parseRelayed(tag)
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.publisher != p {
		return false, ErrEnded
	}
	at := flv.Time(tag)
	if placed, repeated := p.relay.place(m.info, at, now); !repeated && !s.ring.hasHeader(m.info, m.payload) {
		frame := &Frame{info: m.info, time: placed, tag: tag, readable: m.readable}
		if placed != at {
			frame.setTime(placed)
		}
		s.mediaAt = now
		s.describeTrack(frame, m.size, m.sound)
		s.ring.push(frame, s.unread())
		s.meter.countFrame(frame)
		s.meter.pushed(frame)
		s.broadcast.Frames, s.broadcast.Bytes = s.broadcast.Frames+1, s.broadcast.Bytes+uint64(len(tag))
	}
	if !s.settled && m.info.Coded && int32(at-r.caughtUp) >= 0 {
		s.firstAt, s.settled = now, true
		s.wakeAll()
	}
	s.wake()
	return s.settled, nil
}

// parseRelayed describes a tag of another node, which has checked and repaired its payload.
func (p *publisher) parseRelayed(tag []byte) (m parsed) {
	m.payload = flv.Payload(tag)
	m.info = flv.Describe(tag[0], m.payload)
	switch small := len(m.payload) <= maxHeader; {
	case m.info.Kind == flv.Video && m.info.Coded:
		m.info.Key = m.info.Key && m.info.Track == 0 && !m.info.Mixed && flv.IsComplete(m.info.Codec, m.payload[m.info.Body:], cmp.Or(p.lengthSize, usualLengthSize))
	case m.info.Kind == flv.Video && m.info.Header && small:
		size, err := flv.ParseSize(m.payload)
		m.size, m.readable = size, err == nil
		if n := lengthSize(m.payload); n > 0 && m.info.Track == 0 {
			p.lengthSize = n
		}
	case m.info.Kind == flv.Audio && small && (m.info.Header || m.info.Codec == flv.MP3):
		sound, err := flv.ParseSound(m.payload)
		m.sound, m.readable = sound, err == nil
	}
	return m
}

// hasHeader reports whether the ring contains a header with the same payload for the same track.
func (r *ring) hasHeader(info flv.Info, payload []byte) bool {
	if !info.Header {
		return false
	}
	for _, other := range r.headers {
		if other.info.Kind == info.Kind && other.info.Track == info.Track {
			return bytes.Equal(other.Payload(), payload)
		}
	}
	return false
}

// Players returns the number of players of the stream in this node.
func (r *Relayed) Players() int {
	r.stream.mu.Lock()
	defer r.stream.mu.Unlock()
	return len(r.stream.players)
}

// EndIfUnused ends the claim if the stream has no players, and reports whether it did.
func (r *Relayed) EndIfUnused() bool {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	s := r.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.publisher != r.publisher || len(s.players) > 0 {
		return false
	}
	r.hub.endBroadcast(s, ReasonStopped, r.hub.cfg.Now())
	return true
}

// End ends the claim. The players can read the remaining frames and see the end of the stream.
func (r *Relayed) End() {
	(&publication{r.hub, r.stream, r.publisher}).close(ReasonEnded)
}

// Waiting returns the keys of the streams whose players wait for a publisher.
func (s *Server) Waiting() (keys []string) {
	h := s.core.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, one := range h.streams {
		if one.waits() {
			keys = append(keys, key)
		}
	}
	return keys
}

// IsWaiting reports whether the players of a stream wait for a publisher.
func (s *Server) IsWaiting(key string) bool {
	h := s.core.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.streams[key]
	return one != nil && one.waits()
}

// waits reports whether players wait for a publisher.
func (s *stream) waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.publisher == nil && s.broadcast.ID == "" && len(s.players) > 0
}

// ServeRelay sends the stream of key to another node, over HTTP/1.1 and with HeaderBroadcast and HeaderTime. The caller has
// authorized the node. The response has the status 404 if the publisher is not at this node. If the node relays the stream already,
// the older connection ends.
func (s *Server) ServeRelay(w http.ResponseWriter, r *http.Request, key, node string) {
	c := s.core
	a := admission{client: Client{ID: newID(), Address: c.cfg.Address(r), Protocol: Relay, Args: url.Values{argNode: {node}}}, key: key, requestedAt: c.cfg.Now()}
	err := c.hub.replaceRelay(key, node)
	if err == nil && !c.conns.enter() {
		err = ErrServerClosed
	}
	if err != nil {
		c.refusePlay(w, r, a.client, err)
		return
	}
	conn, early, err := hijack(w)
	if err != nil {
		c.conns.exit()
		c.cfg.Log.ErrorContext(r.Context(), "hijacking an HTTP connection failed", slog.Any("error", err))
		writeStatus(w, http.StatusHTTPVersionNotSupported)
		return
	}
	request := r.WithContext(context.WithoutCancel(r.Context()))
	go func() {
		defer c.conns.exit()
		defer conn.Close()
		defer c.recoverConn(a.client)
		c.playFLV(request, conn, early, a)
	}()
}

// replaceRelay ends an older relay of a stream to a node. It returns an error if the stream cannot be relayed.
func (h *hub) replaceRelay(key, node string) error {
	h.mu.Lock()
	s := h.streams[key]
	h.mu.Unlock()
	if s == nil {
		return ErrNoBroadcast
	}
	s.mu.Lock()
	relays, older := 0, (*Player)(nil)
	broadcast := s.broadcast.ID != "" && !s.relayed
	for p := range s.players {
		if p.client.Protocol != Relay {
			continue
		}
		relays++
		if p.client.Args.Get(argNode) == node {
			older = p
		}
	}
	s.mu.Unlock()
	switch {
	case !broadcast:
		return ErrNoBroadcast
	case older != nil:
		h.leave(older, ReasonReplaced)
		older.cutOff()
	case relays >= maxRelays:
		return ErrLimitReached
	}
	return nil
}

// RelayKeyFrame returns an FLV file with the newest key frame of a stream whose publisher is at this node.
func (s *Server) RelayKeyFrame(key string) ([]byte, error) {
	if one, broadcast := s.core.hub.running(key); !broadcast || one.isRelayed() {
		return nil, ErrNoBroadcast
	}
	return s.core.hub.newestKeyFrame(key)
}

func (s *stream) isRelayed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.relayed
}
