package media

import (
	"time"

	"roomlog/media/flv"
	"roomlog/media/reorder"
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
		p.lengthSize, p.numbering = m.lengthSize, m.numbering
	}
	if !s.enqueue(p, arrived{frame, at, m.size, m.sound}, m.info, now) {
		s.meter.ignored++
		return nil
	}
	s.settle(now)
	s.wake()
	return nil
}

// arrived is a payload that has no time in the broadcast yet.
type arrived struct {
	frame *Frame
	at    uint32 // timestamp of the publisher
	size  flv.Size
	sound flv.Sound
}

// enqueue adds a payload to the stream, after those that belong before it. It returns false if the payload is a repetition
// or has arrived too late.
func (s *stream) enqueue(p *publisher, a arrived, info flv.Info, now time.Time) bool {
	add := func(a arrived) { s.add(a, now) }
	s.expire(p, now)
	track := p.orderOf(info)
	switch {
	case track == nil:
	case info.Coded:
		m := reorder.Message[arrived]{At: a.at, Payload: a.frame.Payload(), Ordered: info.Kind == flv.Audio || info.Codec == flv.AV1 || info.Codec == flv.VP9, Value: a}
		if info.Codec == flv.H264 && info.Kind == flv.Video {
			m.Number, m.Numbered = p.numbering.FrameNumber(m.Payload[info.Body:], p.lengthSize)
		}
		return track.Add(m, now, add)
	default:
		track.Flush(add)
	}
	add(a)
	return true
}

// expire adds the payloads of p that have waited for an earlier one for too long. It reports whether there were any.
func (s *stream) expire(p *publisher, now time.Time) (added bool) {
	for i := range p.order {
		p.order[i].Expire(now, func(a arrived) {
			s.add(a, now)
			added = true
		})
	}
	return added
}

// flush adds the payloads of the publisher that still wait for an earlier one. The caller holds the lock.
func (s *stream) flush(now time.Time) {
	if s.publisher == nil {
		return
	}
	for i := range s.publisher.order {
		s.publisher.order[i].Flush(func(a arrived) { s.add(a, now) })
	}
}

// add places a payload in the broadcast.
func (s *stream) add(a arrived, now time.Time) {
	frame := a.frame
	if info := frame.info; info.Kind != flv.Script {
		frame.setTime(s.timeline.Place(timeline.Track{Kind: info.Kind, Number: info.Track}, a.at, info.Coded, now))
		s.describe(frame, a.size, a.sound, now)
	}
	s.ring.push(frame, s.unread())
	s.meter.frame(frame)
	s.broadcast.Frames, s.broadcast.Bytes = s.broadcast.Frames+1, s.broadcast.Bytes+uint64(len(frame.tag))
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
	s.describeTrack(frame, size, sound)
}

// describeTrack updates the description of the broadcast from a frame.
func (s *stream) describeTrack(frame *Frame, size flv.Size, sound flv.Sound) {
	b := &s.broadcast
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
