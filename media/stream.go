package media

import (
	"sync"
	"time"

	"roomlog/media/flv"
)

// stream is what is published under one key, from the first who waits for it to the end of its show. A
// show that follows is another stream.
type stream struct {
	hub *hub
	key string

	mu      sync.Mutex
	ring    ring
	feed    *feed // who publishes now, if anybody
	players map[*Player]struct{}
	show    Broadcast // begun if it has an ID
	told    bool      // that it has started
	over    bool      // nothing comes any more
	lostAt  time.Time
	newest  uint32 // time of the newest frame
	heard   time.Time

	first   time.Time // of this publisher's frames
	settled bool      // what it sends is known
	video   bool
	audio   bool

	ticker  *time.Timer
	ticking bool
	meter   meter
}

func newStream(h *hub, key string) *stream {
	return &stream{hub: h, key: key, players: make(map[*Player]struct{}),
		ring: ring{mostFrames: h.cfg.Limits.GOPFrames, mostBytes: h.cfg.Limits.GOPBytes}}
}

// write takes a frame of the publisher f. It never waits for a player.
func (s *stream) write(f *feed, frame *Frame, size flv.Size, sound flv.Sound) error {
	now := s.hub.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed != f {
		return ErrEnded
	}
	if frame.info.Kind != flv.Script {
		s.learn(frame, size, sound, now)
	}
	s.ring.push(frame)
	s.meter.frame(frame)
	s.show.Frames, s.show.Bytes = s.show.Frames+1, s.show.Bytes+uint64(len(frame.tag))
	s.settle(now)
	s.wake()
	return nil
}

// learn remembers what the stream holds.
func (s *stream) learn(frame *Frame, size flv.Size, sound flv.Sound, now time.Time) {
	s.newest, s.heard = frame.time, now
	if s.first.IsZero() {
		s.first = now
	}
	if s.show.ID == "" {
		s.show.ID, s.show.Key, s.show.StartedAt = newID(), s.key, now
	}
	s.show.Publisher = s.feed.client
	switch frame.info.Kind {
	case flv.Video:
		s.video = true
		if frame.info.Codec != "" {
			s.show.Video = frame.info.Codec
		}
		if size != (flv.Size{}) {
			s.show.Size = size
		}
	case flv.Audio:
		s.audio = true
		if frame.info.Codec != "" {
			s.show.Audio = frame.info.Codec
		}
		if sound != (flv.Sound{}) {
			s.show.Sound = sound
		}
	}
}

// settle decides when it is known what the stream holds: players then begin, and the show is told.
func (s *stream) settle(now time.Time) {
	if s.settled || s.first.IsZero() || !(s.video && s.audio) && now.Sub(s.first) < s.hub.cfg.SettleTime {
		return
	}
	s.settled = true
	s.wakeAll()
	if !s.told {
		s.told = true
		s.hub.tellStarted(s.show)
	}
}

// wake wakes the players, at the end of the tick if there is one.
func (s *stream) wake() {
	switch {
	case s.hub.cfg.Tick == 0:
		s.wakeAll()
	case s.ticking || len(s.players) == 0:
	case s.ticker == nil:
		s.ticking = true
		s.ticker = time.AfterFunc(s.hub.cfg.Tick, s.tick)
	default:
		s.ticking = true
		s.ticker.Reset(s.hub.cfg.Tick)
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
		p.poke()
	}
}

// idle says that nobody has a use for the stream: it was never published, and nobody waits for it.
func (s *stream) idle() bool { return s.feed == nil && s.show.ID == "" && len(s.players) == 0 }

// end ends the show. The players read what is left, and then hear of it.
func (s *stream) end(why Reason, now time.Time) {
	s.over, s.settled = true, true
	s.show.StoppedAt = now
	s.wakeAll()
	if !s.told { // it ended before it was known what it holds
		s.told = true
		s.hub.tellStarted(s.show)
	}
	s.hub.tellStopped(s.show, why)
}
