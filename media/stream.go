package media

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"roomlog/internal/limit"
	"roomlog/internal/netconn"
	"roomlog/media/flv"
	"roomlog/media/rtmp"
	"roomlog/media/timeline"
)

// stream contains the publisher, the players and the frames of one key, from the first player that waits to the end of
// the broadcast. The next broadcast of the key gets a new stream.
type stream struct {
	cfg      Config
	notifier *notifier
	key      string

	mu        sync.Mutex
	ring      ring
	timeline  timeline.Timeline
	publisher *publisher // nil if there is no publisher
	relayed   bool       // whether the broadcast belongs to another node, so that this node relays it and does not announce it
	players   map[*Player]struct{}
	complete  []*Player // players that should miss no frame
	broadcast Broadcast // the broadcast; its ID is "" before it begins
	announced bool      // whether observers were notified of the beginning
	ended     bool
	lostAt    time.Time // time when the publisher was lost
	mediaAt   time.Time // time when the newest frame arrived

	firstAt   time.Time         // time when the first picture or sound of this publisher arrived
	settled   bool              // whether the stream no longer waits for video or audio
	hasVideo  bool              // whether a picture of this publisher has arrived
	hasAudio  bool              // whether a sound of this publisher has arrived
	everCoded kindSet           // kinds of coded media that the stream has had, from any publisher, until they are withdrawn
	held      []receivedPayload // sequence headers that wait for the first coded media of their tracks

	ticker  *time.Timer
	ticking bool
	meter   meter
}

func newStream(cfg Config, n *notifier, key string) *stream {
	return &stream{cfg: cfg, notifier: n, key: key, players: make(map[*Player]struct{}),
		ring: ring{maxFrames: cfg.Limits.GOPFrames, maxBytes: cfg.Limits.GOPBytes}}
}

// active reports whether the stream has a publisher, or a broadcast that waits for its publisher. It takes the lock.
func (s *stream) active() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.publisher != nil || s.broadcast.ID != ""
}

// idle reports whether the stream can be removed: it has no publisher, no broadcast and no players.
func (s *stream) idle() bool {
	return s.publisher == nil && s.broadcast.ID == "" && len(s.players) == 0
}

// resetForPublisher prepares the stream for another connection that continues the broadcast.
func (s *stream) resetForPublisher() {
	s.timeline.Reconnect()
	s.ring.resetStartPoints()
	s.meter.resetGOP()
	s.firstAt, s.settled, s.hasVideo, s.hasAudio, s.held = time.Time{}, false, false, false, nil
}

// leaveRelay prepares a relayed stream for a publisher at this node. Its players go on with the new broadcast.
func (s *stream) leaveRelay() {
	if head, at, begun := s.publisher.relay.position(); begun {
		s.timeline.Resume(head, at)
	}
	s.broadcast, s.announced, s.relayed = Broadcast{}, false, false
	s.resetForPublisher()
}

// announcedFactor is the number of times SettleTime for which players of a new stream wait for a kind that has a sequence header. The first
// sound of a slow microphone, or a large first picture over a slow network, may take longer than SettleTime, and some players cannot
// add a track later.
const announcedFactor = 4

// settle ends the wait for video and audio when both have arrived, or some time after the first picture or sound: SettleTime, or
// announcedFactor times as long if the missing kind has a sequence header. Players then receive frames, and the broadcast is announced. A
// broadcast that has only sequence headers is announced when it ends, and not before: nothing can be played.
func (s *stream) settle(now time.Time) {
	if s.settled || s.firstAt.IsZero() {
		return
	}
	if !s.hasVideo || !s.hasAudio {
		timeout := s.cfg.SettleTime
		if s.announces(flv.Video) || s.announces(flv.Audio) {
			timeout *= announcedFactor
		}
		if now.Sub(s.firstAt) < timeout {
			return
		}
		s.withdraw()
	}
	s.settled = true
	s.wakeAll()
	s.announce()
}

// announces reports whether a kind without coded media of this publisher has a sequence header.
func (s *stream) announces(kind byte) bool {
	if kind == flv.Video && s.hasVideo || kind == flv.Audio && s.hasAudio {
		return false
	}
	return slices.ContainsFunc(s.held, func(r receivedPayload) bool { return r.frame.info.Kind == kind }) ||
		slices.ContainsFunc(s.ring.headers, func(f *Frame) bool { return f.info.Kind == kind })
}

// withdraw holds the headers of the kinds of which this publisher has sent no coded media, also those that it sends later. It is needed
// after a reconnection. Players that start later do not receive these headers.
func (s *stream) withdraw() {
	now := kindSet{video: s.hasVideo, audio: s.hasAudio}
	if s.everCoded != now {
		s.restartRelays()
	}
	s.everCoded = now
	for _, kind := range []byte{flv.Video, flv.Audio} {
		if s.announces(kind) {
			for _, old := range s.ring.withdraw(kind) {
				header := newFrame(old.info, 0, old.Payload()) // players may have the old one
				header.readable = old.readable
				s.held = append(s.held, receivedPayload{frame: header, at: old.time})
			}
		}
	}
}

// startable reports whether players can start. A stream with video starts with a key frame. If none has arrived SettleTime
// after the first frame of a relayed stream, players start without one.
func (s *stream) startable(now time.Time) bool {
	return s.settled && (!s.hasVideo || s.ring.hasVideo || s.ended || now.Sub(s.firstAt) >= s.cfg.SettleTime)
}

// unread returns the number of the oldest frame that a complete player has not read.
func (s *stream) unread() uint64 {
	oldest := s.ring.end()
	for _, p := range s.complete {
		if p.cursor.started {
			oldest = min(oldest, p.cursor.next)
		}
	}
	return oldest
}

// announce notifies the observers of the beginning, unless another node does.
func (s *stream) announce() {
	if !s.announced && !s.relayed {
		s.announced = true
		s.notifier.broadcastStarted(s.broadcast)
	}
}

// wake wakes the players. If Config.Tick is set, it does so at the end of the tick.
func (s *stream) wake() {
	switch {
	case s.cfg.Tick <= 0:
		s.wakeAll()
	case s.ticking || len(s.players) == 0:
	case s.ticker == nil:
		s.ticking = true
		s.ticker = time.AfterFunc(s.cfg.Tick, s.tick)
	default:
		s.ticking = true
		s.ticker.Reset(s.cfg.Tick)
	}
}

func (s *stream) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ticking = false
	s.wakeAll()
}

func (s *stream) wakeAll() {
	for p := range s.players {
		p.wakeUp()
	}
}

// end ends the broadcast. The players can read the remaining frames and then get io.EOF.
func (s *stream) end(reason Reason, now time.Time) {
	s.ended, s.settled = true, true
	s.broadcast.StoppedAt = now
	s.wakeAll()
	s.announce() // a broadcast may end before its stream has settled
	if !s.relayed {
		s.notifier.broadcastStopped(s.broadcast, reason)
	}
}

// stopRelays cuts the connections of nodes that relay the stream: the encoder may come back at another node, so their players must not
// see the end of the broadcast.
func (s *stream) stopRelays() {
	for p := range s.players {
		if p.client.Protocol == Relay {
			p.stop()
		}
	}
}

// restartRelays ends the connections of nodes that relay the stream and have received frames. They connect again at once and learn which
// kinds the stream has now.
func (s *stream) restartRelays() {
	for p := range s.players {
		if p.client.Protocol == Relay && p.cursor.started {
			p.restarts = true
			p.stop()
		}
	}
}

// Player reads a stream from a position in its ring. Only one goroutine may call Next; any goroutine may call Close.
type Player struct {
	stream     *stream
	client     Client
	startedAt  time.Time
	disconnect func()      // closes the connection; nil if there is none
	slot       *limit.Slot // slot in which the player waits until it has received a frame; may be nil
	playing    bool        // whether Next has returned frames
	leave      func(Reason)
	announced  bool // whether observers were notified of the beginning
	readsToEnd bool // whether the player reads the remaining frames even if the stream is cut
	finishes   bool // whether the player reads the remaining frames if the stream is cut because its live has ended

	wake   chan struct{}
	closed chan struct{}
	once   sync.Once

	cursor   cursor // guarded by stream.mu
	restarts bool   // whether the node that relays the stream should connect again; guarded by stream.mu

	bytes  atomic.Uint64
	frames atomic.Uint64
	skips  atomic.Uint64
}

// Next blocks until there are frames and returns at least one, in the memory of dst. The first frames are the metadata
// and the headers of the stream, followed by a key frame. Headers are repeated after each skip. Next returns io.EOF if
// the broadcast has ended, and ErrEnded if the player was closed.
func (p *Player) Next(dst []*Frame) ([]*Frame, error) {
	for {
		dst, ended := p.read(dst[:0])
		select {
		case <-p.closed:
			return nil, ErrEnded
		default:
		}
		switch {
		case len(dst) > 0:
			if !p.playing {
				p.playing = true
				p.slot.Busy()
			}
			p.frames.Add(uint64(len(dst)))
			return dst, nil
		case ended:
			return nil, io.EOF
		}
		select {
		case <-p.wake:
		case <-p.closed:
		}
	}
}

// read appends the available frames to dst without waiting. It reports whether the stream has ended and all its
// frames were read.
func (p *Player) read(dst []*Frame) (frames []*Frame, ended bool) {
	s, c := p.stream, &p.cursor
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(now)
	switch {
	case c.paused:
		return dst, s.ended
	case c.resume(&s.ring):
		dst = c.skip(&s.ring, dst)
	case c.behind(&s.ring):
		p.skips.Add(1)
		s.meter.skips++
		dst = c.skip(&s.ring, dst)
	case c.started:
	case s.startable(now):
		c.start(&s.ring)
		c.head = s.ring.newest()
		c.hasVideo, c.hasAudio = s.hasVideo, s.hasAudio
		dst = append(dst, c.headers...)
	default:
		return dst, s.ended
	}
	dst = c.read(&s.ring, dst)
	return dst, s.ended && c.next == s.ring.end()
}

// receive changes what the player gets. A player that was paused goes on with the newest key frame, or with the next frame if it has had
// this key frame.
func (p *Player) receive(r rtmp.Reception) {
	s, c := p.stream, &p.cursor
	s.mu.Lock()
	defer s.mu.Unlock()
	c.resumes = c.resumes || c.paused && !r.Paused
	c.paused, c.muted = r.Paused, kindSet{video: r.NoVideo, audio: r.NoAudio}
	p.wakeUp()
}

// Tracks reports whether the stream had video and audio when Next first returned frames.
func (p *Player) Tracks() (video, audio bool) {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return p.cursor.hasVideo, p.cursor.hasAudio
}

// The headers of a response to another node that relays the stream.
const (
	HeaderBroadcast = "Roomlog-Broadcast" // id of the broadcast
	HeaderTime      = "Roomlog-Time"      // time of the newest frame in milliseconds
)

// KindRestart is the kind of an FLV tag after which a node that relays the stream should connect again, because the stream has other
// tracks now. It is no kind of media. Nodes of earlier versions see a fault in it, and connect again, too.
const KindRestart = 0

// relayHeader returns the headers of a response to another node. It returns nil for other players.
func (p *Player) relayHeader() map[string]string {
	if p.client.Protocol != Relay {
		return nil
	}
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return map[string]string{HeaderBroadcast: p.stream.broadcast.ID, HeaderTime: strconv.FormatUint(uint64(p.cursor.head), 10)}
}

// isRestarted reports whether the node that relays the stream should connect again.
func (p *Player) isRestarted() bool {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return p.restarts
}

// broadcastID returns the id of the broadcast that the player plays, or "" if nothing was published yet.
func (p *Player) broadcastID() string {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return p.stream.broadcast.ID
}

// Skips returns the number of times that the player was too slow and was moved to a newer key frame.
func (p *Player) Skips() uint64 { return p.skips.Load() }

// Close ends the player. Afterwards Next returns ErrEnded.
func (p *Player) Close() { p.leave(ReasonStopped) }

// stop makes Next return.
func (p *Player) stop() { p.once.Do(func() { close(p.closed) }) }

// cutOff makes Next return and closes the connection.
func (p *Player) cutOff() {
	p.stop()
	if p.disconnect != nil {
		p.disconnect()
	}
}

func (p *Player) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// session returns the current description of the player.
func (p *Player) session() PlaySession {
	return PlaySession{Client: p.client, Key: p.stream.key, StartedAt: p.startedAt,
		Bytes: p.bytes.Load(), Frames: p.frames.Load(), Skips: p.skips.Load()}
}

// sendBuffer is the size in bytes of the kernel's send buffer for a player, which holds some seconds of a stream. With
// the default size, the kernel would buffer megabytes that a stalled player never reads.
const sendBuffer = 512 << 10

// limitSendBuffer sets the size of the kernel's send buffer to sendBuffer.
func limitSendBuffer(conn net.Conn) {
	if tcp, ok := netconn.Below(conn).(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer)
	}
}

// deliver passes batches of frames to write until the stream ends, the player is closed, or write returns an error. It
// returns the reason for which it ended.
func (p *Player) deliver(write func([]*Frame) (int64, error)) Reason {
	batch := make([]*Frame, 0, batchFrames+maxHeaders)
	for {
		frames, err := p.Next(batch)
		if errors.Is(err, io.EOF) {
			return ReasonEnded
		}
		if err != nil {
			return ReasonStopped // the code that closed the player has recorded the actual reason
		}
		n, err := write(frames)
		p.bytes.Add(uint64(n))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return ReasonStalled
		}
		if err != nil {
			return ReasonLost
		}
	}
}
