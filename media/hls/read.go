package hls

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"roomlog/media/flv"
)

// read reads the playlists of the run after a frame was written, and publishes them if they have changed. gohlslib ends
// parts and segments while it writes a frame. Therefore no version is missed, however fast frames arrive.
func (m *Muxer) read(f Frame) error {
	p := m.receiving
	if !p.mayEndPart(f, m.cfg.MinPart) {
		return nil
	}
	texts := make(map[string][]byte, len(p.names))
	for i, name := range p.names {
		t := p.tracks[name]
		text := p.request(name, t.query()+TokenArg+"="+m.cfg.Token)
		switch {
		case text == nil && t.text == nil:
			return nil // no segment is complete
		case text == nil:
			return fmt.Errorf("%w: no playlist %s", ErrSegmenting, name)
		case i == 0 && bytes.Equal(text, t.text): // the first track leads: parts of all tracks end together
			return nil
		}
		texts[name] = text
	}
	p.changedAt = f.Time()
	return m.publish(p, texts)
}

// mayEndPart reports whether a frame may have ended a part. The timestamps of gohlslib may differ a little from those of
// frames.
func (p *presentation) mayEndPart(f Frame, minPart time.Duration) bool {
	info := f.Info()
	if leads := info.Kind == flv.Video || p.run.video == nil; !leads {
		return false
	}
	since := time.Duration(int32(f.Time()-p.changedAt)) * time.Millisecond
	return info.Key || since < 0 || since >= minPart*3/4
}

// query returns the query that requests the current version from gohlslib. Without a query, gohlslib would block until
// the first segment is complete. A request for a segment that is complete never blocks.
func (t *trackList) query() string {
	segment := firstSegment
	if t.text != nil {
		segment = t.next() - 1
	}
	return "_HLS_msn=" + strconv.Itoa(segment) + "&_HLS_part=0&"
}

// request requests a playlist from gohlslib. It returns nil if there is no such playlist.
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

// publish stores a version of all playlists of p. If p is the next presentation and has enough segments, it becomes the
// current one.
func (m *Muxer) publish(p *presentation, texts map[string][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, text := range texts {
		if err := p.tracks[name].update(text, m.cfg.Token); err != nil {
			return fmt.Errorf("%w: %w", ErrSegmenting, err)
		}
	}
	p.updateDurations()
	switch {
	case m.current == p:
		for name := range p.tracks {
			m.renderOne(p, name)
		}
		m.announce()
	case m.next == p && p.mayBeServed():
		m.makeCurrent(p)
		m.announce()
	}
	return nil
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
