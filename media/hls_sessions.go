package media

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"roomlog/internal/limit"
	"roomlog/media/hls"
)

// hlsServer serves HLS. It segments a stream from the first request on, until the stream has had no play session for
// HLSConfig.IdleTimeout.
//
// A request for the index creates a play session that does not play yet. It needs few resources, and a newer play
// session of the same address may take its place. When the play session follows a playlist, it plays: it then holds a
// connection slot, is listed like other players, and is announced to the observers.
type hlsServer struct {
	*core

	starting *limit.Slots // slots of play sessions that do not play yet
	waiting  *limit.Slots // slots of requests that wait for a segment or part

	mu          sync.Mutex
	closed      bool
	byKey       map[string]*hlsStream
	byBroadcast map[string]*hlsStream
	sessions    map[string]*hlsSession
	restricted  map[string]time.Time // stream key → time from which files need a play session
}

// hlsStream is a stream that is being segmented, or was until some seconds ago.
type hlsStream struct {
	key       string
	broadcast string // token in the URLs of files, which identifies this run of the segmenter
	muxer     *hls.Muxer
	source    *Player
	lastUsed  time.Time
	stop      chan struct{} // closed when the files are no longer needed
	once      sync.Once
}

// hlsSession is the play session of one HLS player. All its playlist requests contain its id.
type hlsSession struct {
	id       string
	stream   *hlsStream
	request  playRequest
	release  func()  // releases the slot
	player   *Player // entry in the list of players; nil until the play session plays
	lastUsed time.Time

	received map[string]int64 // for each playlist, the first version that the player has received
	follows  bool             // whether the player has received a later version of a playlist
}

// maxWaitingPerPlayer is the maximum number of waiting requests of one player: for the playlist and the next part of
// two tracks.
const maxWaitingPerPlayer = 4

func newHLSServer(c *core) *hlsServer {
	total, perAddress := c.cfg.Limits.MaxMediaConnections, c.cfg.Limits.MaxMediaPerAddress
	return &hlsServer{core: c, byKey: make(map[string]*hlsStream), byBroadcast: make(map[string]*hlsStream), sessions: make(map[string]*hlsSession), restricted: make(map[string]time.Time),
		starting: limit.NewSlots(total, perAddress, nil),
		waiting:  limit.NewSlots(maxWaitingPerPlayer*total, maxWaitingPerPlayer*perAddress, nil)}
}

// open creates a play session for an authorized player. If the stream is not being segmented, open starts segmenting
// it.
func (h *hlsServer) open(ctx context.Context, a admission) (*hlsSession, error) {
	s := &hlsSession{id: rand.Text(), received: make(map[string]int64)}
	s.request = playRequest{key: a.key, client: a.client, requestedAt: a.requestedAt, finishes: true, disconnect: func() { h.drop(s.id, ReasonKicked) }}
	slot, err := h.starting.Acquire(limit.ParseAddr(a.client.Address))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLimitReached, err)
	}
	s.release = slot.Release
	err = h.add(s)
	if errors.Is(err, ErrNoBroadcast) && h.cfg.Relay != nil {
		if err = h.cfg.Relay.Await(ctx, a.key); err == nil {
			err = h.add(s)
		}
	}
	if err != nil {
		slot.Release()
		return nil, err
	}
	slot.Wait(func() { h.drop(s.id, ReasonStopped) })
	return s, nil
}

// add adds a play session to its stream.
func (h *hlsServer) add(s *hlsSession) (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := s.request.key
	running, broadcast := h.hub.running(key)
	switch {
	case h.closed:
		return ErrServerClosed
	case !broadcast:
		return ErrNoBroadcast
	}
	if err := h.hub.checkCuts(s.request); err != nil { // a cut after this check ends the session, because the caller of the cut waits for the lock
		return err
	}
	if s.stream = h.byKey[key]; s.stream == nil || s.stream.source.stream != running {
		if s.stream, err = h.start(key); err != nil {
			return err
		}
	}
	s.lastUsed = h.cfg.Now()
	s.stream.lastUsed = s.lastUsed
	s.request.spared = true // from now on a cut of all users ends the session itself, or spares it
	h.sessions[s.id] = s
	return nil
}

// session returns the play session of a playlist request and marks it as used. player is nil if the play session does
// not play yet. session returns nil if key has no such play session, and an error if the play session should play but
// may not.
func (h *hlsServer) session(key, id string) (s *hlsSession, player *Player, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s = h.sessions[id]
	if s == nil || s.stream.key != key {
		return nil, nil, nil
	}
	s.lastUsed = h.cfg.Now()
	s.stream.lastUsed = s.lastUsed
	if s.follows && s.player == nil {
		err := h.play(s)
		if errors.Is(err, ErrEnded) && !errors.Is(err, errUserCut) {
			err = nil // the stream has ended: the session reads the rest of it without a player
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return s, s.player, nil
}

// play makes a play session a player. The caller must hold the lock.
func (h *hlsServer) play(s *hlsSession) error {
	slot, err := acquire(h.players, s.request.client)
	if err != nil {
		return err
	}
	player, err := h.hub.join(s.request)
	if err != nil {
		slot.Release()
		return err
	}
	s.release() // releases the slot of a play session that does not play yet
	s.player, s.release = player, slot.Release
	return nil
}

// follow records that the player has received a version of a playlist.
func (h *hlsServer) follow(s *hlsSession, list string, version int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if first, known := s.received[list]; !known && version > 0 {
		s.received[list] = version
	} else if version > first {
		s.follows = true
	}
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

func (h *hlsServer) drop(id string, reason Reason) {
	h.mu.Lock()
	s := h.sessions[id]
	delete(h.sessions, id)
	h.mu.Unlock()
	if s == nil {
		return
	}
	if s.player != nil {
		h.hub.leave(s.player, reason)
	}
	s.release()
}

// dropUser ends the sessions of a user that do not play yet; key "" means every stream.
func (h *hlsServer) dropUser(key string, user int64) {
	h.dropSessions(func(s *hlsSession) bool { return s.request.client.User == user && (key == "" || s.request.key == key) })
}

// dropSessions ends the sessions for which match reports true.
func (h *hlsServer) dropSessions(match func(*hlsSession) bool) {
	h.mu.Lock()
	var ended []string
	for id, s := range h.sessions {
		if match(s) {
			ended = append(ended, id)
		}
	}
	h.mu.Unlock()
	for _, id := range ended {
		h.drop(id, ReasonKicked)
	}
}

// clients returns the clients with a play session of key.
func (h *hlsServer) clients(key string) (all []Client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sessions {
		if s.request.key == key {
			all = append(all, s.request.client)
		}
	}
	return all
}

// addKeys adds the keys of the streams whose files are served.
func (h *hlsServer) addKeys(keys map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.byBroadcast {
		keys[s.key] = true
	}
}

// restrict sets whether the files of a stream need a play session.
func (h *hlsServer) restrict(key string, restricted bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !restricted {
		delete(h.restricted, key)
		return
	}
	h.restricted[key] = h.cfg.Now()
}

// isRestricted reports whether the files of a stream need a play session.
func (h *hlsServer) isRestricted(key string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, restricted := h.restricted[key]
	return restricted
}

// start starts segmenting a stream. It returns ErrNoBroadcast if the broadcast has ended meanwhile. The caller holds the lock.
func (h *hlsServer) start(key string) (*hlsStream, error) {
	source, err := h.hub.join(playRequest{key: key, client: Client{ID: newID(), Protocol: Internal}, requestedAt: h.cfg.Now(), complete: true, finishes: true, running: true})
	if err != nil {
		return nil, err
	}
	if !h.conns.enter() {
		h.hub.leave(source, ReasonShutdown)
		return nil, ErrServerClosed
	}
	s := &hlsStream{key: key, broadcast: rand.Text(), source: source, lastUsed: h.cfg.Now(), stop: make(chan struct{})}
	config := h.cfg.HLS.Muxer
	config.Now, config.Token, config.Waiting, config.Address = h.cfg.Now, s.broadcast, h.waiting, h.cfg.Address
	config.OnError = func(err error) { h.reportError(source, err) }
	s.muxer = hls.New(config)
	h.byKey[key], h.byBroadcast[s.broadcast] = s, s
	go func() {
		defer h.conns.exit()
		h.segment(s)
	}()
	return s, nil
}

// reportError logs a frame that HLS leaves out. If a complete track is left out, the message is a warning, because
// viewers miss the track.
func (h *hlsServer) reportError(source *Player, err error) {
	level, message := slog.LevelDebug, "frame left out of HLS"
	if errors.Is(err, hls.ErrTrack) {
		level, message = slog.LevelWarn, "track left out of HLS, players over FLV and RTMP receive it"
	}
	h.cfg.Log.Log(context.Background(), level, message, slog.String("broadcast_id", source.broadcastID()), slog.Any("error", err))
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
	if reason == ReasonStopped { // the stream is no longer used, or was cut
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

// remove removes a stream and ends its play sessions.
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

// sweep ends play sessions and streams that were not used for IdleTimeout.
func (h *hlsServer) sweep(now time.Time) {
	h.mu.Lock()
	var silent []string
	for id, s := range h.sessions {
		if now.Sub(s.lastUsed) > h.cfg.HLS.IdleTimeout {
			silent = append(silent, id)
		}
	}
	maps.DeleteFunc(h.restricted, func(key string, at time.Time) bool { return h.byKey[key] == nil && now.Sub(at) > cutMemory })
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

// cut stops segmenting the stream of key, also if it has ended and is only served.
func (h *hlsServer) cut(key string) {
	h.mu.Lock()
	var cut []*hlsStream
	for _, s := range h.byBroadcast {
		if s.key == key {
			cut = append(cut, s)
		}
	}
	h.mu.Unlock()
	for _, s := range cut {
		h.stop(s)
	}
}

// close stops all streams and refuses new play sessions.
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
