package media

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// cutMemory is how long a cut is remembered: longer than a client can be on its way from its gate to its
// stream.
const cutMemory = time.Minute

// hub holds the streams. A key is claimed under its lock, which is taken before that of a stream.
type hub struct {
	cfg     Config
	notices *notices

	mu      sync.Mutex
	streams map[string]*stream
	cuts    map[string]time.Time
	closed  bool
	past    totals
}

// totals is what streams that have ended add to those that run.
type totals struct{ frames, in, out, skips, drops uint64 }

func newHub(cfg Config) *hub {
	return &hub{cfg: cfg, notices: newNotices(), streams: make(map[string]*stream), cuts: make(map[string]time.Time)}
}

// publish claims the key for a client, whom the gate let in after asked. The stream is its own from then on;
// ErrAlreadyPublishing says that it is another's.
func (h *hub) publish(key string, client Client, asked time.Time, hangUp func()) (*feed, error) {
	if h.notices.behind() {
		return nil, ErrLimitReached
	}
	f := &feed{client: client, hangUp: hangUp}
	before, err := h.claim(key, f, asked)
	if before != nil {
		before.hangUp()
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// claim makes f the publisher of key, and returns the one that it took over from.
func (h *hub) claim(key string, f *feed, asked time.Time) (before *feed, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, err := h.stream(key, asked)
	switch {
	case err != nil:
		return nil, err
	case (s == nil || !s.taken()) && h.taken() >= h.cfg.Limits.MaxStreams: // those who wait take no publisher's place
		return nil, ErrLimitReached
	case s == nil:
		s = h.add(key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := h.cfg.Now()
	if before = s.feed; before != nil {
		if now.Sub(s.heard) < h.cfg.TakeoverAfter || now.Sub(before.began) < h.cfg.TakeoverAfter {
			return nil, ErrAlreadyPublishing
		}
		s.renew()
	}
	f.stream, f.began, s.feed = s, now, f
	return before, nil
}

// stream finds the stream of a key, nil if there is none, unless the key was cut after asked.
func (h *hub) stream(key string, asked time.Time) (*stream, error) {
	cut, wasCut := h.cuts[key]
	switch {
	case h.closed:
		return nil, ErrServerClosed
	case wasCut && !asked.After(cut):
		return nil, ErrEnded
	}
	return h.streams[key], nil
}

func (h *hub) add(key string) *stream {
	s := newStream(h, key)
	h.streams[key] = s
	return s
}

// taken counts the streams that have a publisher, or a show that waits for one.
func (h *hub) taken() (n int) {
	for _, s := range h.streams {
		if s.taken() {
			n++
		}
	}
	return n
}

func (s *stream) taken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.feed != nil || s.show.ID != ""
}

// renew readies the stream for another publisher of the same show.
func (s *stream) renew() {
	s.ring.renew()
	s.meter.restart()
	s.first, s.settled, s.video, s.audio = time.Time{}, false, false, false
}

// close ends a publisher. Its show ends too, or waits for it to come back.
func (f *feed) close(why Reason) {
	h, s := f.stream.hub, f.stream
	h.mu.Lock()
	defer h.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed != f { // it was replaced, or its stream has ended
		return
	}
	now := h.cfg.Now()
	s.feed, s.lostAt = nil, now
	if s.show.ID != "" && (why.final() || h.cfg.StreamGrace == 0) {
		h.end(s, why, now)
		return
	}
	s.renew()
	h.forget(s)
}

// end ends a show; both locks are held.
func (h *hub) end(s *stream, why Reason, now time.Time) {
	s.feed = nil
	s.end(why, now)
	delete(h.streams, s.key)
	h.past.frames += s.meter.frames
	h.past.in += s.meter.bytes
	h.past.out += s.meter.sent
	h.past.skips += s.meter.skips
	h.past.drops += s.meter.drops
	s.meter = meter{}
}

// forget lets go of a stream that nobody needs; both locks are held.
func (h *hub) forget(s *stream) {
	if s.idle() && h.streams[s.key] == s {
		delete(h.streams, s.key)
	}
}

// joining is who wants to play.
type joining struct {
	key    string
	client Client
	asked  time.Time // before its gate
	hangUp func()
	early  bool   // begins one group of pictures earlier
	show   string // only this one, and all of it
}

// join adds a player whom the gate let in. If nothing is published yet it waits.
func (h *hub) join(j joining) (*Player, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[j.key]
	if j.show == "" {
		var err error
		if s, err = h.stream(j.key, j.asked); err != nil {
			return nil, err
		}
	}
	switch {
	case s != nil:
	case j.show != "":
		return nil, ErrEnded
	case len(h.streams) >= h.cfg.Limits.MaxStreams:
		return nil, ErrLimitReached
	default:
		s = h.add(j.key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case j.show != "" && s.show.ID != j.show:
		return nil, ErrEnded
	case j.show == "" && len(s.players) >= h.cfg.Limits.MaxStreamPlayers:
		return nil, ErrLimitReached
	}
	p := &Player{stream: s, client: j.client, began: h.cfg.Now(), hangUp: j.hangUp, early: j.early, whole: j.show != "",
		more: make(chan struct{}, 1), gone: make(chan struct{})}
	s.players[p] = struct{}{}
	if tell := h.cfg.PlayObserver; tell != nil && j.client.Protocol != Internal {
		v := p.viewing()
		p.told = h.notices.may(func(ctx context.Context) { tell.PlayStarted(ctx, v) })
	}
	return p, nil
}

func (p *Player) viewing() PlaySession {
	return PlaySession{Client: p.client, Key: p.stream.key, StartedAt: p.began,
		Bytes: p.bytes.Load(), Frames: p.frames.Load(), Skips: p.skips.Load()}
}

// leave takes a player out.
func (h *hub) leave(p *Player, why Reason) {
	h.mu.Lock()
	h.remove(p, why)
	h.mu.Unlock()
	p.stop()
}

// remove takes a player out of its stream's books; the hub's lock is held.
func (h *hub) remove(p *Player, why Reason) {
	s := p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.players[p]; !there {
		return
	}
	delete(s.players, p)
	if why == ReasonStalled {
		s.meter.drops++
	}
	s.meter.sent += p.bytes.Load()
	if s.over {
		h.past.out, h.past.drops, h.past.skips = h.past.out+s.meter.sent, h.past.drops+s.meter.drops, h.past.skips+s.meter.skips
		s.meter = meter{}
	}
	h.forget(s)
	if tell := h.cfg.PlayObserver; tell != nil && p.told {
		v := p.viewing()
		v.EndedAt = h.cfg.Now()
		h.notices.must(func(ctx context.Context) { tell.PlayStopped(ctx, v, why) })
	}
}

// tellStarted and tellStopped tell the log and the observer, later: the stream's lock is held.
func (h *hub) tellStarted(s Broadcast) {
	h.notices.must(func(ctx context.Context) {
		h.cfg.Log.InfoContext(ctx, "show started", slog.String("key", s.Key), slog.String("show", s.ID), slog.String("client", s.Publisher.ID),
			slog.String("address", s.Publisher.Address), slog.String("video", string(s.Video)), slog.String("audio", string(s.Audio)))
		if h.cfg.Observer != nil {
			h.cfg.Observer.PublishStarted(ctx, s)
		}
	})
}

func (h *hub) tellStopped(s Broadcast, why Reason) {
	h.notices.must(func(ctx context.Context) {
		h.cfg.Log.InfoContext(ctx, "show stopped", slog.String("key", s.Key), slog.String("show", s.ID), slog.String("why", string(why)),
			slog.Duration("length", s.StoppedAt.Sub(s.StartedAt)), slog.Uint64("bytes", s.Bytes))
		if h.cfg.Observer != nil {
			h.cfg.Observer.PublishStopped(ctx, s, why)
		}
	})
}
