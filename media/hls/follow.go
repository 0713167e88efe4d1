package hls

import (
	"bytes"
	"net/http"
	"net/url"
)

// follow reads the versions of one playlist from the library until its run is closed. It is the only goroutine that
// waits there for this playlist.
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
		list := m.publish(p, name, text)
		if !m.cfg.NoLowLatency {
			query = list.nextQuery()
		} else if !m.waitForWake(p, name) {
			return
		}
	}
}

// waitForWake waits until a playlist may have changed. It reports false when its presentation is not used any more.
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

// request requests a playlist from the library, which may block until the next part. It returns nil if there is none.
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

// publish stores a version of a playlist. If it is the last missing playlist of the next presentation, that presentation
// becomes the current one. It returns the version with the numbers of the library.
func (m *Muxer) publish(p *presentation, name string, text []byte) playlist {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.raw[name] = text
	switch {
	case m.current == p:
		p.playlists[name] = parsePlaylist(text, p.segmentsBefore, p.runsBefore)
		m.announce()
	case m.next == p && len(p.raw) == len(p.wake):
		m.makeCurrent(p)
		m.announce()
	}
	return parsePlaylist(text, 0, 0)
}

// makeCurrent serves p instead of the current presentation. Segment numbers continue. The lock is held.
func (m *Muxer) makeCurrent(p *presentation) {
	if before := m.current; before != nil {
		for _, list := range before.playlists {
			p.segmentsBefore = max(p.segmentsBefore, list.next)
		}
		p.runsBefore = before.runsBefore + 1
		before.run.close()
		m.previous = before
	}
	for name, text := range p.raw {
		p.playlists[name] = parsePlaylist(text, p.segmentsBefore, p.runsBefore)
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
