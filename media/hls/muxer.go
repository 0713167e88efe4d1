package hls

import (
	"sync"

	"roomlog/media/mp4track"
)

// Muxer segments one stream. One goroutine calls Write and End; all other methods may be called concurrently.
type Muxer struct {
	cfg Config

	// Used only by the goroutine that writes.
	tracks    mp4track.Set
	receiving *presentation // presentation of the run that receives the frames; nil if the next frame starts another run
	noVideo   bool          // whether an unsupported codec was reported
	noAudio   bool

	mu       sync.Mutex
	current  *presentation // the presentation that is served
	previous *presentation // presentation before current, whose files may still be requested
	next     *presentation // presentation that will be served as soon as it has a segment
	changed  chan struct{}
	ended    bool
	closed   bool
	err      error
}

// New returns a Muxer. It has nothing to serve until frames are written.
func New(cfg Config) *Muxer {
	return &Muxer{cfg: cfg.withDefaults(), changed: make(chan struct{})}
}

// fail stores the error that has ended the stream, and returns it. The incomplete segment stays incomplete.
func (m *Muxer) fail(err error) error {
	m.receiving = nil
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
	m.announce()
	return err
}

// announce wakes all waiting requests. The caller holds the lock.
func (m *Muxer) announce() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// renderOne renders the playlist of a track. The caller holds the lock.
func (m *Muxer) renderOne(p *presentation, name string) {
	list, err := p.render(p.tracks[name], m.ended)
	if err != nil {
		m.cfg.OnError(err)
		return
	}
	p.playlists[name] = list
}

// Close ends the Muxer. It must not run concurrently with Write.
func (m *Muxer) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.ended = true, true
	m.announce()
}
