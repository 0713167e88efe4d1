package hls

import (
	"bytes"
	"net/http"
	"net/url"
)

// follow takes the versions of one playlist from the library, until its cut is closed. It waits there on
// behalf of everybody.
func (m *Muxer) follow(s *shown, name string) {
	query := ""
	for {
		text := s.ask(name, query+TokenArg+"="+m.cfg.Token)
		if text == nil && query == "" {
			return // closed
		}
		if text == nil { // or asked for what is long past
			query = ""
			continue
		}
		p := m.take(s, name, text)
		if !m.cfg.NoLowLatency {
			query = p.asks()
		} else if !m.waitNudge(s, name) {
			return
		}
	}
}

// waitNudge says false when the cut is not followed any more.
func (m *Muxer) waitNudge(s *shown, name string) bool {
	for {
		m.mu.Lock()
		followed, changed := !m.closed && (m.shown == s || m.rising == s), m.changed
		m.mu.Unlock()
		if !followed {
			return false
		}
		select {
		case <-s.nudge[name]:
			return true
		case <-changed:
		}
	}
}

// ask asks the library for a playlist, which may take until the next part; nil says that there is none.
func (s *shown) ask(name, query string) (text []byte) {
	defer func() {
		if recover() != nil {
			text = nil
		}
	}()
	w := &page{header: make(http.Header)}
	s.cut.mux.Handle(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: name, RawQuery: query}})
	if w.status != http.StatusOK {
		return nil
	}
	return w.body.Bytes()
}

// take puts a version up, or the whole cut if it was the last that was missing. It returns the version in
// the library's own numbers.
func (m *Muxer) take(s *shown, name string, text []byte) playlist {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.texts[name] = text
	switch {
	case m.shown == s:
		s.lists[name] = read(text, s.base, s.runs)
		m.announce()
	case m.rising == s && len(s.texts) == len(s.nudge):
		m.show(s)
		m.announce()
	}
	return read(text, 0, 0)
}

// show replaces what is served; the lock is held. Its segments are counted on from there.
func (m *Muxer) show(s *shown) {
	if before := m.shown; before != nil {
		for _, p := range before.lists {
			s.base = max(s.base, p.next)
		}
		s.runs = before.runs + 1
		before.cut.close()
		m.past = before
	}
	for name, text := range s.texts {
		s.lists[name] = read(text, s.base, s.runs)
	}
	m.shown, m.rising = s, nil
}

// page keeps what a handler answers.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (p *page) Header() http.Header { return p.header }

func (p *page) WriteHeader(status int) { p.status = status }

func (p *page) Write(b []byte) (int, error) { return p.body.Write(b) }
