package media

import (
	"time"

	"roomlog/media/flv"
	"roomlog/media/timeline"
)

// ingest adds a payload of publisher p to the stream. at is the publisher's timestamp in milliseconds. ingest never
// waits for a player. It returns ErrEnded if p is no longer the publisher of the stream.
func (s *stream) ingest(p *publisher, kind byte, at uint32, payload []byte) error {
	m, unusable := p.parse(kind, payload)
	if m.header != nil {
		if err := s.ingest(p, kind, at, m.header); err != nil {
			return err
		}
	}
	var frame *Frame
	if unusable == nil {
		frame = newFrame(m.info, 0, m.payload)
		frame.readable = m.readable
	}
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.publisher != p:
		return ErrEnded
	case unusable != nil || s.ring.hasBetterHeader(frame):
		s.meter.ignored++
		return nil
	}
	if m.lengthSize > 0 {
		p.lengthSize = m.lengthSize
	}
	if kind != flv.Script {
		frame.setTime(s.timeline.Place(timeline.Track{Kind: kind, Number: m.info.Track}, at, m.info.Coded, now))
		s.describe(frame, m.size, m.sound, now)
	}
	s.ring.push(frame, s.unread())
	s.meter.frame(frame)
	s.broadcast.Frames, s.broadcast.Bytes = s.broadcast.Frames+1, s.broadcast.Bytes+uint64(len(frame.tag))
	s.settle(now)
	s.wake()
	return nil
}

// describe begins the broadcast, if necessary, and updates its description from a frame.
func (s *stream) describe(frame *Frame, size flv.Size, sound flv.Sound, now time.Time) {
	s.mediaAt = now
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
