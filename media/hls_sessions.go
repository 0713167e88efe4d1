package media

import (
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"roomlog/media/hls"
)

// hlsServer serves HLS. It segments a stream from the first request on, and stops when the stream had no sessions for
// HLSConfig.IdleTimeout.
type hlsServer struct {
	*core

	mu          sync.Mutex
	closed      bool
	byKey       map[string]*hlsStream
	byBroadcast map[string]*hlsStream
	sessions    map[string]*hlsSession
}

// hlsStream is a stream that is being segmented, or was until some seconds ago.
type hlsStream struct {
	key       string
	broadcast string // token that identifies this run of the segmenter in file references
	muxer     *hls.Muxer
	source    *Player
	lastUsed  time.Time
	stop      chan struct{} // closed when the files are not needed any more
	once      sync.Once
}

// hlsSession is one HLS player. All its playlist requests carry the session id.
type hlsSession struct {
	id       string
	stream   *hlsStream
	player   *Player // entry in the list of players
	release  func()
	lastUsed time.Time
}

func newHLSServer(c *core) *hlsServer {
	return &hlsServer{core: c, byKey: make(map[string]*hlsStream), byBroadcast: make(map[string]*hlsStream), sessions: make(map[string]*hlsSession)}
}

// open creates a session for an authorized player, and starts segmenting if the stream is not being segmented.
func (h *hlsServer) open(a admission) (*hlsSession, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, ErrServerClosed
	case !h.hub.hasBroadcast(a.key):
		return nil, errNoBroadcast
	}
	s := &hlsSession{id: rand.Text(), release: a.release, lastUsed: h.cfg.Now()}
	player, err := h.hub.join(playRequest{key: a.key, client: a.client, requestedAt: a.requestedAt, disconnect: func() { h.drop(s.id, ReasonKicked) }})
	if err != nil {
		return nil, err
	}
	s.player = player
	if s.stream = h.byKey[a.key]; s.stream == nil || s.stream.source.stream != player.stream {
		if s.stream, err = h.start(a.key); err != nil {
			h.hub.leave(player, ReasonLost)
			return nil, err
		}
	}
	s.stream.lastUsed = s.lastUsed
	h.sessions[s.id] = s
	return s, nil
}

// session returns the session of a playlist request and marks it as used. It returns nil if key has no such session.
func (h *hlsServer) session(key, id string) *hlsSession {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sessions[id]
	if s == nil || s.stream.key != key {
		return nil
	}
	s.lastUsed = h.cfg.Now()
	s.stream.lastUsed = s.lastUsed
	return s
}

// stream returns the stream with the token broadcast and marks it as used. It returns nil if key has no such stream.
func (h *hlsServer) stream(key, broadcast string) *hlsStream {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.byBroadcast[broadcast]
	if s == nil || s.key != key {
		return nil
	}
	s.lastUsed = h.cfg.Now()
	return s
}

// drop ends a session.
func (h *hlsServer) drop(id string, reason Reason) {
	h.mu.Lock()
	s := h.sessions[id]
	delete(h.sessions, id)
	h.mu.Unlock()
	if s != nil {
		h.hub.leave(s.player, reason)
		s.release()
	}
}

// start starts segmenting a stream. The caller holds the lock.
func (h *hlsServer) start(key string) (*hlsStream, error) {
	source, err := h.hub.join(playRequest{key: key, client: Client{ID: newID(), Protocol: Internal}, requestedAt: h.cfg.Now(), fromPrevious: true})
	if err != nil {
		return nil, err
	}
	if !h.conns.enter() {
		h.hub.leave(source, ReasonShutdown)
		return nil, ErrServerClosed
	}
	s := &hlsStream{key: key, broadcast: rand.Text(), source: source, lastUsed: h.cfg.Now(), stop: make(chan struct{})}
	config := h.cfg.HLS.Muxer
	config.Now, config.Token = h.cfg.Now, s.broadcast
	config.OnError = func(err error) {
		h.cfg.Log.Debug("frame left out of HLS", slog.String("connection_id", source.client.ID), slog.Any("error", err))
	}
	s.muxer = hls.New(config)
	h.byKey[key], h.byBroadcast[s.broadcast] = s, s
	go func() {
		defer h.conns.exit()
		h.segment(s)
	}()
	return s, nil
}

// segment passes frames to the muxer until the stream ends, fails or is no longer used. After the end of the stream
// it blocks for Linger.
func (h *hlsServer) segment(s *hlsStream) {
	defer s.muxer.Close()
	defer h.remove(s)
	defer h.recoverConn(s.source.client)
	defer h.hub.leave(s.source, ReasonLost)
	reason := s.source.deliver(func(frames []*Frame) (int64, error) {
		for _, f := range frames {
			if err := s.muxer.Write(f); err != nil {
				return 0, err
			}
		}
		return 0, nil
	})
	h.hub.leave(s.source, reason)
	if reason == ReasonStopped { // not used any more, or cut
		return
	}
	s.muxer.End()
	timer := time.NewTimer(h.cfg.HLS.Linger)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.stop:
	}
}

// remove removes a stream and ends its sessions.
func (h *hlsServer) remove(s *hlsStream) {
	h.mu.Lock()
	delete(h.byBroadcast, s.broadcast)
	if h.byKey[s.key] == s {
		delete(h.byKey, s.key)
	}
	var ended []string
	for id, session := range h.sessions {
		if session.stream == s {
			ended = append(ended, id)
		}
	}
	h.mu.Unlock()
	for _, id := range ended {
		h.drop(id, ReasonEnded)
	}
}

// sweep ends sessions and streams that were not used for IdleTimeout.
func (h *hlsServer) sweep(now time.Time) {
	h.mu.Lock()
	var silent []string
	for id, s := range h.sessions {
		if now.Sub(s.lastUsed) > h.cfg.HLS.IdleTimeout {
			silent = append(silent, id)
		}
	}
	var unused []*hlsStream
	for _, s := range h.byBroadcast {
		if now.Sub(s.lastUsed) > h.cfg.HLS.IdleTimeout {
			unused = append(unused, s)
		}
	}
	h.mu.Unlock()
	for _, id := range silent {
		h.drop(id, ReasonStopped)
	}
	for _, s := range unused {
		h.stop(s)
	}
}

// stop stops segmenting a stream immediately.
func (h *hlsServer) stop(s *hlsStream) {
	s.once.Do(func() { close(s.stop) })
	h.hub.leave(s.source, ReasonStopped)
}

// close stops all streams and refuses new sessions.
func (h *hlsServer) close() {
	h.mu.Lock()
	h.closed = true
	var all []*hlsStream
	for _, s := range h.byBroadcast {
		all = append(all, s)
	}
	h.mu.Unlock()
	for _, s := range all {
		h.stop(s)
	}
}
