package hls

import (
	"errors"
	"sync"

	"roomlog/media/coded"
	"roomlog/media/flv"
)

// Muxer cuts one stream. Write belongs to one goroutine; everything else may be called by anybody.
type Muxer struct {
	cfg Config

	// of the goroutine that writes
	tracks coded.Set
	cut    *cut // that frames go to
	seen   bool // a frame of it was written

	followers sync.WaitGroup

	mu      sync.Mutex
	shown   *shown // what is served
	past    *shown // what was before, of which files may still be wanted
	rising  *shown // what will be, as soon as there is enough of it
	changed chan struct{}
	waiting int
	ended   bool
	closed  bool
	err     error
}

// shown is a cut as it is served.
type shown struct {
	cut   *cut
	nudge map[string]chan struct{} // by playlist: something may have changed; of plain cuts
	texts map[string][]byte        // as the library wrote them
	lists map[string]playlist      // as they are served
	base  int                      // segments of the cuts before
	runs  int                      // cuts before
}

// New makes a Muxer. It has nothing to serve before the first frames.
func New(cfg Config) *Muxer {
	return &Muxer{cfg: cfg.withDefaults(), changed: make(chan struct{})}
}

// Write cuts a frame, or learns from it what will come. After an error nothing more can be written, and
// whoever waits is told; what was cut before is still served.
func (m *Muxer) Write(f Frame) error {
	info := f.Info()
	switch {
	case info.Kind == flv.Script:
		return nil
	case info.Header:
		changed, err := m.tracks.Update(info, f.Payload())
		if err != nil {
			m.cfg.OnError(err)
		}
		if changed && m.seen {
			m.cut = nil // another begins with the next frame
		}
		return nil
	case !info.Coded:
		return nil
	}
	if m.cut != nil && m.cut.jumps(f) {
		m.cut = nil
	}
	if m.cut == nil || !m.seen {
		if err := m.begin(f); err != nil {
			return m.fail(err)
		}
	}
	if err := m.cut.write(f, m.cfg.OnError); err != nil {
		return m.fail(err)
	}
	if m.cfg.NoLowLatency && (info.Key || m.tracks.Video == nil) {
		m.nudge()
	}
	return nil
}

// begin begins a cut, which is shown once it has a segment.
func (m *Muxer) begin(f Frame) error {
	if m.tracks.Empty() {
		return ErrCodec
	}
	c, err := newCut(m.cfg, m.tracks, f)
	if err != nil {
		return err
	}
	m.cut, m.seen = c, true
	s := &shown{cut: c, nudge: make(map[string]chan struct{}), texts: make(map[string][]byte), lists: make(map[string]playlist)}
	for _, name := range c.names() {
		s.nudge[name] = make(chan struct{}, 1)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		c.close()
		return errors.New("hls: closed")
	}
	if m.rising != nil {
		m.rising.cut.close()
	}
	m.rising = s
	for _, name := range c.names() {
		m.followers.Go(func() { m.follow(s, name) })
	}
	return nil
}

// nudge tells the followers of a plain cut to look.
func (m *Muxer) nudge() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range []*shown{m.shown, m.rising} {
		if s == nil {
			continue
		}
		for _, c := range s.nudge {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}
}

// fail remembers why nothing more is cut.
func (m *Muxer) fail(err error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
	m.announce()
	return err
}

// announce wakes everybody who waits; the lock is held.
func (m *Muxer) announce() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// End says that nothing follows. What was cut is served until Close, and players are told where it ends.
func (m *Muxer) End() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	m.announce()
}

// Close ends everything; it returns when nothing of the Muxer runs any more. It must not run beside Write.
func (m *Muxer) Close() {
	m.mu.Lock()
	m.closed, m.ended = true, true
	broken := false
	for _, s := range []*shown{m.shown, m.rising} {
		if s != nil {
			s.cut.close()
			broken = broken || s.cut.broken
		}
	}
	m.announce()
	m.mu.Unlock()
	if !broken { // else the library keeps them
		m.followers.Wait()
	}
}
