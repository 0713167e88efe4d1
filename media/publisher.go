package media

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"roomlog/media/flv"
	"roomlog/media/reorder"
)

// publisher is a connection that publishes a stream. Only one goroutine writes its frames.
type publisher struct {
	client     Client
	startedAt  time.Time
	disconnect func() // closes the connection

	hasKey     bool // whether a key frame has been received
	lengthSize int  // size in bytes of the length field before each NAL unit
	numbering  flv.Numbering

	order [2]reorder.Track[receivedPayload] // order of the coded media of the video and the audio track with the number 0

	video, audio flv.CodecTrack // the tracks with the number 0

	relay *relayClock // the times of the frames of a relayed stream; nil for a publisher at this node
}

// parsed is a payload of a publisher, with its description.
type parsed struct {
	info     flv.Info
	payload  []byte
	header   []byte // a sequence header that players need before the payload, or nil
	size     flv.Size
	sound    flv.Sound
	readable bool // whether the payload is a sequence header that package flv can parse

	lengthSize int // size in bytes of the length field before each NAL unit after a sequence header, or 0
	numbering  flv.Numbering
}

// orderOf returns the order of the track that a payload belongs to, or nil if nothing of the track is put into order.
func (p *publisher) orderOf(info flv.Info) *reorder.Track[receivedPayload] {
	switch {
	case info.Track != 0 || info.Mixed:
		return nil
	case info.Kind == flv.Video:
		return &p.order[0]
	case info.Kind == flv.Audio:
		return &p.order[1]
	}
	return nil
}

// parse describes a payload. It returns an error if players cannot use the payload. It accepts payloads of unknown
// codecs.
func (p *publisher) parse(kind byte, payload []byte) (m parsed, err error) {
	m = parsed{info: flv.Describe(kind, payload), payload: payload}
	if kind == flv.Script {
		m.payload, _, err = flv.ParseMetadata(payload)
		return m, err
	}
	if err := flv.Check(m.info, payload); err != nil {
		return m, err
	}
	if m.info.Track == 0 {
		track := &p.audio
		if kind == flv.Video {
			track = &p.video
		}
		var ok bool
		if m.header, ok = track.Accept(m.info, payload); !ok {
			return m, errOtherCodec
		}
		if size := lengthSize(m.header); size > 0 {
			p.lengthSize = size
		}
	}
	switch {
	case kind == flv.Video && m.info.Coded:
		p.repair(&m)
		p.hasKey = p.hasKey || m.info.Key
		if !p.hasKey {
			return m, errNoKeyFrame
		}
	case kind == flv.Audio && m.info.Coded && m.info.Codec == flv.AAC && !m.info.Mixed:
		body, err := flv.RemoveADTS(payload[m.info.Body:])
		if err != nil {
			return m, err
		}
		if len(body) < len(payload)-m.info.Body {
			m.payload = slices.Concat(payload[:m.info.Body], body)
		}
	case len(payload) > maxHeader:
	case kind == flv.Video && m.info.Header:
		m.size, err = flv.ParseSize(payload)
		m.readable = err == nil
		if m.info.Track == 0 {
			m.lengthSize = lengthSize(payload)
			m.numbering, _ = flv.ParseNumbering(payload) // without numbers, pictures keep the order in which they arrive
		}
	case kind == flv.Audio && (m.info.Header || m.info.Codec == flv.MP3):
		m.sound, err = flv.ParseSound(payload)
		m.readable = err == nil
	}
	return m, nil
}

// lengthSize returns the size in bytes of the length field before each NAL unit that follows a sequence header, or 0.
func lengthSize(header []byte) int {
	sets, err := flv.ParseParameterSets(header)
	if err != nil {
		return 0
	}
	return sets.LengthSize
}

// repair puts lengths in place of the start codes between NAL units, and removes impossible composition times. Players do
// not begin with a key frame of another track than the first, or with one that is truncated.
func (p *publisher) repair(m *parsed) {
	lengthSize := cmp.Or(p.lengthSize, usualLengthSize)
	switch {
	case m.info.Track != 0:
		m.info.Key = false
		return
	case m.info.Mixed:
		return
	case m.info.Codec == flv.H264 || m.info.Codec == flv.HEVC:
		head, body := m.payload[:m.info.Body], m.payload[m.info.Body:]
		if repaired, ok := flv.RepairUnits(body, lengthSize); ok && (len(repaired) != len(body) || &repaired[0] != &body[0]) {
			m.payload = slices.Concat(head, repaired)
		}
	}
	if m.info.Offset < -maxComposition || m.info.Offset > maxComposition {
		m.info.Offset = 0
		m.payload = bytes.Clone(m.payload)
		clear(m.payload[m.info.Body-3 : m.info.Body]) // the composition time precedes the body
	}
	m.info.Key = m.info.Key && flv.IsComplete(m.info.Codec, m.payload[m.info.Body:], lengthSize)
}

const usualLengthSize = 4 // size in bytes of the length field before each NAL unit, unless a sequence header has another one

const maxComposition = 10_000 // in ms; maximum composition time: a picture waits at most for the pictures of its group

// relayClock gives the frames of a relayed stream their times: those of the node with the publisher. When the publisher has moved
// to another node, whose times begin anew, all tracks get one offset, so that the times of the players go on.
type relayClock struct {
	offset uint32 // number to add to the times of the other node
	placed bool   // whether the offset is known
	begun  bool   // whether there was a frame
	head   uint32 // time of the newest frame
	headAt time.Time

	last     map[trackKey]uint32 // time of the newest frame of each track at the other node
	repeated map[trackKey]uint32 // for each track, the time up to which its frames are repetitions
}

// trackKey identifies a track.
type trackKey struct{ kind, number byte }

// position returns the time of the newest frame and when it arrived. begun is false if there was none.
func (c *relayClock) position() (head uint32, at time.Time, begun bool) {
	return c.head, c.headAt, c.begun
}

// connected prepares the clock for a new connection. If continues is false, the frames belong to another broadcast.
func (c *relayClock) connected(continues bool) {
	if !continues {
		c.placed, c.repeated, c.last = false, nil, make(map[trackKey]uint32)
		return
	}
	c.repeated = maps.Clone(c.last)
}

// place converts at, the time of a frame at the origin, to the time of the stream at this node. repeated is true for a
// frame that an earlier connection has delivered.
func (c *relayClock) place(info flv.Info, at uint32, now time.Time) (placed uint32, repeated bool) {
	if info.Kind == flv.Script {
		return at, false
	}
	if !info.Coded {
		if !c.placed && c.begun {
			return c.head, false
		}
		return at + c.offset, false
	}
	track := trackKey{info.Kind, info.Track}
	if last, known := c.repeated[track]; known {
		if int32(at-last) <= 0 {
			return 0, true
		}
		delete(c.repeated, track)
	}
	if !c.placed {
		c.placed = true
		if c.begun {
			c.offset = c.head + uint32(max(1, now.Sub(c.headAt).Milliseconds())) - at
		}
	}
	c.last[track] = at
	placed = at + c.offset
	if !c.begun || int32(placed-c.head) >= 0 {
		c.head, c.headAt, c.begun = placed, now, true
	}
	return placed, false
}
