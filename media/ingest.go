package media

import (
	"slices"
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
	case unusable != nil || s.hasBetterHeader(frame):
		s.meter.ignored++
		return nil
	}
	if m.lengthSize > 0 {
		p.lengthSize, p.numbering = m.lengthSize, m.numbering
	}
	if !s.enqueue(p, receivedPayload{frame, at, m.size, m.sound}, m.info, now) {
		s.meter.ignored++
		return nil
	}
	s.settle(now)
	s.wake()
	return nil
}

// enqueue adds a payload to the stream, after those that belong before it. It returns false if the payload is a repetition
// or has arrived too late.
func (s *stream) enqueue(p *publisher, r receivedPayload, info flv.Info, now time.Time) bool {
	add := func(r receivedPayload) { s.add(r, now) }
	s.expire(p, now)
	track := p.orderOf(info)
	switch {
	case track == nil:
	case info.Coded:
		m := reorder.Message[receivedPayload]{At: r.at, Payload: r.frame.Payload(), Ordered: info.Kind == flv.Audio || info.Codec == flv.AV1 || info.Codec == flv.VP9, Value: r}
		if info.Codec == flv.H264 && info.Kind == flv.Video {
			m.Number, m.Numbered = p.numbering.FrameNumber(m.Payload[info.Body:], p.lengthSize)
		}
		return track.Add(m, now, add)
	default:
		track.Flush(add)
	}
	add(r)
	return true
}

// expire adds the payloads of p that have waited for an earlier one for too long. It reports whether there were any.
func (s *stream) expire(p *publisher, now time.Time) (added bool) {
	for i := range p.order {
		p.order[i].Expire(now, func(r receivedPayload) {
			s.add(r, now)
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
		s.publisher.order[i].Flush(func(r receivedPayload) { s.add(r, now) })
	}
}

// add adds a payload to the broadcast. A sequence header of a kind without coded media is held.
func (s *stream) add(r receivedPayload, now time.Time) {
	info := r.frame.info
	if info.Kind != flv.Script {
		s.begin(now)
	}
	s.meter.countFrame(r.frame)
	s.broadcast.Frames, s.broadcast.Bytes = s.broadcast.Frames+1, s.broadcast.Bytes+uint64(len(r.frame.tag))
	if s.hold(r) {
		return
	}
	if info.Coded {
		s.release(info, now)
	}
	s.push(r, now)
}

// push places a payload in the broadcast.
func (s *stream) push(r receivedPayload, now time.Time) {
	frame := r.frame
	if info := frame.info; info.Kind != flv.Script {
		frame.setTime(s.timeline.Place(timeline.Track{Kind: info.Kind, Number: info.Track}, r.at, info.Coded, now))
		s.describeTrack(frame, r.size, r.sound)
		if s.firstAt.IsZero() && info.Coded {
			s.firstAt = now
		}
	}
	s.ring.push(frame, s.unread())
	s.meter.pushed(frame)
}

// hold holds a sequence header of a kind of which the stream has had no coded media, and reports whether it did. Some encoders announce
// sound and never send any, for example because another program uses the microphone, and players wait for every track that has a
// sequence header. After a reconnection of the encoder, headers of the kinds that the stream had are not held: a change of several
// tracks must reach HLS and recordings before the first picture. Every header replaces the held one of its track, held or not.
func (s *stream) hold(r receivedPayload) bool {
	info := r.frame.info
	if !info.Header || info.Kind == flv.Script {
		return false
	}
	same := func(other receivedPayload) bool {
		return other.frame.info.Kind == info.Kind && other.frame.info.Track == info.Track
	}
	s.held = slices.DeleteFunc(s.held, same)
	if s.everCoded.has(info.Kind) || len(r.frame.tag) > maxHeader || len(s.held) >= maxHeaders {
		return false
	}
	s.held = append(s.held, r)
	return true
}

// release adds the held header of a track to the broadcast, before coded media of the track. A header of another codec is dropped.
// Players that have not started yet receive the header before their first key frame.
func (s *stream) release(info flv.Info, now time.Time) {
	i := slices.IndexFunc(s.held, func(r receivedPayload) bool {
		return r.frame.info.Kind == info.Kind && r.frame.info.Track == info.Track
	})
	if i < 0 {
		return
	}
	header := s.held[i]
	s.held = slices.Delete(s.held, i, i+1)
	if header.frame.info.Codec != info.Codec {
		return
	}
	s.push(header, now)
	if !s.settled {
		s.ring.addToStartPoints(header.frame)
	}
}

// hasBetterHeader reports whether package flv cannot parse f, a sequence header, but can parse an earlier header of the
// same codec and track.
func (s *stream) hasBetterHeader(f *Frame) bool {
	return s.ring.hasBetterHeader(f) || slices.ContainsFunc(s.held, func(r receivedPayload) bool { return f.isWorseThan(r.frame) })
}

// begin begins the broadcast, if necessary.
func (s *stream) begin(now time.Time) {
	s.mediaAt = now
	b := &s.broadcast
	if b.ID == "" {
		b.ID, b.Key, b.StartedAt = newID(), s.key, now
	}
	b.Publisher = s.publisher.client
}

// describeTrack updates the description of the broadcast from a frame. A kind exists from its first coded media on.
func (s *stream) describeTrack(frame *Frame, size flv.Size, sound flv.Sound) {
	b := &s.broadcast
	if frame.info.Coded {
		s.everCoded.add(frame.info.Kind)
	}
	switch frame.info.Kind {
	case flv.Video:
		s.hasVideo = s.hasVideo || frame.info.Coded
		if frame.info.Codec != "" {
			b.Video = frame.info.Codec
		}
		if size != (flv.Size{}) {
			b.Size = size
		}
	case flv.Audio:
		s.hasAudio = s.hasAudio || frame.info.Coded
		if frame.info.Codec != "" {
			b.Audio = frame.info.Codec
		}
		if sound != (flv.Sound{}) {
			b.Sound = sound
		}
	}
}
