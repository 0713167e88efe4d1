package media

import (
	"time"

	"roomlog/media/flv"
)

// ingest adds a payload of publisher p to the stream. at is the publisher's timestamp in milliseconds. ingest never
// waits for a player. It returns ErrEnded when p is no longer the publisher of the stream.
func (s *stream) ingest(p *publisher, kind byte, at uint32, payload []byte) error {
	m, usable := p.parse(kind, payload)
	if !usable {
		return nil
	}
	if kind != flv.Script {
		at = s.place(p, at, m.info.Coded)
	} else {
		at = 0
	}
	frame := newFrame(m.info, at, m.payload)
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.publisher != p {
		return ErrEnded
	}
	if kind != flv.Script {
		s.describe(frame, m.size, m.sound, now)
	}
	s.ring.push(frame)
	s.meter.frame(frame)
	s.broadcast.Frames, s.broadcast.Bytes = s.broadcast.Frames+1, s.broadcast.Bytes+uint64(len(frame.tag))
	s.settle(now)
	s.wake()
	return nil
}

// place converts a timestamp of a publisher to a timestamp of the broadcast, in milliseconds. The timestamps of the
// first publisher are used unchanged. After a reconnect the timestamps continue where the lost publisher stopped,
// plus the time in between. The offset is computed at the first coded frame, because headers often have no timestamp.
func (s *stream) place(p *publisher, at uint32, coded bool) uint32 {
	if p.placed {
		return at + p.offset
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	begun := s.broadcast.ID != ""
	if begun && !coded {
		return s.newest
	}
	if begun {
		gap := s.cfg.Now().Sub(s.mediaAt).Milliseconds()
		p.offset = s.newest + uint32(max(1, gap)) - at
	}
	p.placed = true
	return at + p.offset
}

// describe begins the broadcast if necessary, and updates its description from a frame.
func (s *stream) describe(frame *Frame, size flv.Size, sound flv.Sound, now time.Time) {
	s.newest, s.mediaAt = frame.time, now
	if s.firstAt.IsZero() {
		s.firstAt = now
	}
	b := &s.broadcast
	if b.ID == "" {
		b.ID, b.Key, b.StartedAt = newID(), s.key, now
	}
	b.Publisher = s.publisher.client
	switch frame.info.Kind {
	case flv.Video:
		s.hasVideo = true
		if frame.info.Codec != "" {
			b.Video = frame.info.Codec
		}
		if size != (flv.Size{}) {
			b.Size = size
		}
	case flv.Audio:
		s.hasAudio = true
		if frame.info.Codec != "" {
			b.Audio = frame.info.Codec
		}
		if sound != (flv.Sound{}) {
			b.Sound = sound
		}
	}
}
