package media

import (
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"roomlog/media/flv"
)

const (
	batchFrames = 64        // in one write
	batchBytes  = 256 << 10 // after which no more are added to it
)

// Player reads a stream: a place in its ring. One goroutine calls Next; anybody may call Close.
type Player struct {
	stream *stream
	client Client
	began  time.Time
	hangUp func() // ends its connection, if it has one
	told   bool   // that it has started
	early  bool   // begins one group of pictures earlier
	whole  bool   // reads what is left also when it is cut

	more chan struct{}
	gone chan struct{}
	once sync.Once

	// what the stream's lock guards
	at       uint64
	started  bool
	keyless  bool     // pictures wait for a key frame
	headers  []*Frame // that it was given outside their turn
	hasVideo bool
	hasAudio bool

	bytes  atomic.Uint64
	frames atomic.Uint64
	skips  atomic.Uint64
}

func (p *Player) poke() {
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// Next returns frames in place of those in dst, at least one, and waits until there is one. The first are
// the stream's metadata and headers and then a key frame, as they are before every gap. It returns io.EOF
// when the show is over, and ErrEnded when the player was closed.
func (p *Player) Next(dst []*Frame) ([]*Frame, error) {
	for {
		dst, over := p.read(dst[:0])
		select {
		case <-p.gone:
			return nil, ErrEnded
		default:
		}
		switch {
		case len(dst) > 0:
			p.frames.Add(uint64(len(dst)))
			return dst, nil
		case over:
			return nil, io.EOF
		}
		select {
		case <-p.more:
		case <-p.gone:
		}
	}
}

// Tracks says whether the stream had picture and sound when the first frames were returned.
func (p *Player) Tracks() (video, audio bool) {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return p.hasVideo, p.hasAudio
}

// Skips counts how often it was too slow, and was taken to a newer key frame.
func (p *Player) Skips() uint64 { return p.skips.Load() }

// Close ends the player. Next returns ErrLiveEnded from then on.
func (p *Player) Close() { p.stream.hub.leave(p, ReasonStopped) }

// stop makes Next return.
func (p *Player) stop() { p.once.Do(func() { close(p.gone) }) }

// cutOff ends its connection, whatever it is doing.
func (p *Player) cutOff() {
	p.stop()
	if p.hangUp != nil {
		p.hangUp()
	}
}

// read takes what is there, without waiting.
func (p *Player) read(dst []*Frame) (frames []*Frame, over bool) {
	s := p.stream
	now := s.hub.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(now)
	switch {
	case p.started && p.at < s.ring.base:
		dst = p.skip(dst)
	case p.started:
	case p.start():
		dst = append(dst, p.headers...)
	default:
		return dst, s.over
	}
	size := 0
	for p.at < s.ring.end() && len(dst) < batchFrames && size < batchBytes {
		frame := s.ring.frames[p.at-s.ring.base]
		p.at++
		if !p.wants(frame) {
			continue
		}
		size += len(frame.tag)
		dst = append(dst, frame)
	}
	return dst, s.over && p.at == s.ring.end()
}

// start finds the player's first place, if the stream is so far.
func (p *Player) start() bool {
	s := p.stream
	r := &s.ring
	switch {
	case !s.settled:
		return false
	case p.early && r.holds(r.previous):
		p.at, p.headers = r.previous.at, r.previous.headers
	case r.holds(r.last):
		p.at, p.headers = r.last.at, r.last.headers
	case r.seesVideo && !r.last.known:
		return false
	default:
		p.at, p.headers, p.keyless = r.base, r.headers, r.seesVideo
	}
	p.started, p.hasVideo, p.hasAudio = true, s.video, s.audio
	return true
}

// skip takes a player that was too slow to the newest key frame.
func (p *Player) skip(dst []*Frame) []*Frame {
	r := &p.stream.ring
	p.skips.Add(1)
	p.stream.meter.skips++
	if r.holds(r.last) {
		p.at, p.headers, p.keyless = r.last.at, r.last.headers, false
	} else {
		p.at, p.headers, p.keyless = r.base, r.headers, r.seesVideo
	}
	for _, header := range p.headers {
		if header.info.Kind != flv.Script {
			dst = append(dst, header)
		}
	}
	return dst
}

// wants says whether a frame is for this player: not a header that it has got already, nor a picture that
// it could not decode.
func (p *Player) wants(f *Frame) bool {
	switch {
	case f.info.Header:
		return !slices.Contains(p.headers, f)
	case f.info.Key:
		p.keyless = false
	}
	return !p.keyless || !f.video()
}
