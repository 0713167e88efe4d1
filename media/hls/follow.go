package hls

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
)

// follow reads the versions of one playlist from gohlslib until its run is closed. No other goroutine waits in
// gohlslib for this playlist.
func (m *Muxer) follow(p *presentation, name string) {
	query := ""
	for {
		text := p.request(name, query+TokenArg+"="+m.cfg.Token)
		if text == nil && query == "" {
			return // closed
		}
		if text == nil { // the requested version is too old
			query = ""
			continue
		}
		next, err := m.publish(p, name, text)
		if err != nil {
			_ = m.fail(fmt.Errorf("%w: %w", ErrSegmenting, err))
			return
		}
		if !m.cfg.NoLowLatency {
			query = next
		} else if !m.waitForWake(p, name) {
			return
		}
	}
}

// waitForWake blocks until a playlist may have changed. It reports false when its presentation is no longer used.
func (m *Muxer) waitForWake(p *presentation, name string) bool {
	for {
		m.mu.Lock()
		used, changed := !m.closed && (m.current == p || m.next == p), m.changed
		m.mu.Unlock()
		if !used {
			return false
		}
		select {
		case <-p.wake[name]:
			return true
		case <-changed:
		}
	}
}

// request requests a playlist from gohlslib, which may block until the next part. It returns nil if there is no such
// playlist.
func (p *presentation) request(name, query string) (text []byte) {
	defer func() {
		if recover() != nil {
			text = nil
		}
	}()
	w := &bufferedResponse{header: make(http.Header)}
	p.run.mux.Handle(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: name, RawQuery: query}})
	if w.status != http.StatusOK {
		return nil
	}
	return w.body.Bytes()
}

// publish stores a version of a playlist. If it is the last missing playlist of the next presentation, that
// presentation becomes the current one. publish returns the query that requests the next version from gohlslib.
func (m *Muxer) publish(p *presentation, name string, text []byte) (next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := p.tracks[name]
	if t == nil {
		t = &trackList{}
	}
	if err := t.update(text, m.cfg.Token); err != nil {
		return "", err
	}
	p.tracks[name] = t
	p.updateDurations()
	switch {
	case m.current == p:
		m.renderOne(p, name)
		m.announce()
	case m.next == p && len(p.tracks) == len(p.wake):
		m.makeCurrent(p)
		m.announce()
	}
	return t.nextQuery(), nil
}

// makeCurrent makes p the presentation that is served. Segment numbers continue. The caller holds the lock.
func (m *Muxer) makeCurrent(p *presentation) {
	if before := m.current; before != nil {
		for _, list := range before.playlists {
			p.segmentsBefore = max(p.segmentsBefore, list.end.segment)
		}
		p.runsBefore = before.runsBefore + 1
		before.run.close()
		m.previous = before
	}
	for name := range p.tracks {
		m.renderOne(p, name)
	}
	m.current, m.next = p, nil
}

// bufferedResponse stores the response of a handler.
type bufferedResponse struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *bufferedResponse) Header() http.Header { return r.header }

func (r *bufferedResponse) WriteHeader(status int) { r.status = status }

func (r *bufferedResponse) Write(b []byte) (int, error) { return r.body.Write(b) }
