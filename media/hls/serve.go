package hls

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// IndexFile is the name of the index.
const IndexFile = "index.m3u8"

const (
	playlistType = "application/vnd.apple.mpegurl"
	immutable    = "public, max-age=31536000, immutable"
)

var (
	errBusy    = errors.New("hls: too many waiting requests")
	errMissing = errors.New("hls: file not found")
)

// Index serves the index. Its references to playlists get query as their query.
func (m *Muxer) Index(w http.ResponseWriter, r *http.Request, query string) {
	var s *presentation
	err := m.wait(r.Context(), func() (bool, error) { s = m.current; return s != nil, nil })
	if err != nil {
		writeError(w, err)
		return
	}
	text := s.request(IndexFile, query)
	if text == nil {
		writeError(w, errMissing)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writePlaylist(w, text)
}

// Playlist serves the playlist of a track. It blocks until the playlist has the segment or part that the request
// names (_HLS_msn, _HLS_part).
func (m *Muxer) Playlist(w http.ResponseWriter, r *http.Request, name string) {
	args := r.URL.Query()
	segment, part, err := parseWait(args)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var p playlist
	err = m.wait(r.Context(), func() (bool, error) {
		if m.current == nil {
			return false, nil
		}
		var known bool
		if p, known = m.current.playlists[name]; !known {
			return false, errMissing
		}
		switch {
		case m.ended:
			p = p.ended()
			return true, nil
		case segment > p.next+1:
			return false, strconv.ErrRange
		}
		return segment < 0 || m.cfg.NoLowLatency || p.has(segment, part), nil
	})
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	writePlaylist(w, p.body)
}

// parseWait returns the segment and the part that a request waits for. A negative segment means that the request does
// not wait, a negative part means the whole segment.
func parseWait(args url.Values) (segment, part int, err error) {
	segment, part = -1, -1
	if text := args.Get("_HLS_msn"); text != "" {
		if segment, err = strconv.Atoi(text); err != nil || segment < 0 {
			return 0, 0, strconv.ErrRange
		}
	}
	if text := args.Get("_HLS_part"); text != "" {
		if part, err = strconv.Atoi(text); err != nil || part < 0 || segment < 0 {
			return 0, 0, strconv.ErrRange
		}
	}
	return segment, part, nil
}

// File serves a segment, a part or an init file. It waits for the part that a playlist has announced. For any other
// name that does not exist it responds with 404.
func (m *Muxer) File(w http.ResponseWriter, r *http.Request, name string) {
	var from []*presentation
	err := m.wait(r.Context(), func() (ready bool, err error) {
		from, ready, err = m.locate(name)
		return ready, err
	})
	if err != nil {
		writeError(w, err)
		return
	}
	f := &fileResponse{ResponseWriter: w}
	for _, s := range from {
		if s.serve(f, name); f.started {
			return
		}
	}
	writeError(w, errMissing)
}

// locate returns the presentations that may have a file. It reports false if the file is the next part, which does
// not exist yet. Later parts must not be requested from gohlslib, because it would block for ever.
func (m *Muxer) locate(name string) (from []*presentation, ready bool, err error) {
	prefix, number, isPart := partNumber(name)
	for _, s := range []*presentation{m.current, m.previous} {
		if s == nil {
			continue
		}
		if !isPart {
			from = append(from, s)
			continue
		}
		for _, p := range s.playlists {
			of, next, _ := partNumber(p.hint)
			switch {
			case of != prefix:
			case number < next:
				return []*presentation{s}, true, nil
			case number == next && s == m.current && !m.ended:
				return nil, false, nil
			}
		}
	}
	if len(from) == 0 {
		return nil, false, errMissing
	}
	return from, true, nil
}

// serve serves a file with gohlslib.
func (s *presentation) serve(w *fileResponse, name string) {
	defer func() {
		_ = recover() // the caller responds with 404
	}()
	s.run.mux.Handle(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: name}})
}

// fileResponse marks files as immutable, because no name is used twice. gohlslib writes nothing for unknown names.
type fileResponse struct {
	http.ResponseWriter
	started bool
}

// WriteHeader adds the Cache-Control header.
func (f *fileResponse) WriteHeader(status int) {
	f.started = true
	if status == http.StatusOK {
		f.Header().Set("Cache-Control", immutable)
	}
	f.ResponseWriter.WriteHeader(status)
}

// Write writes b.
func (f *fileResponse) Write(b []byte) (int, error) {
	f.started = true
	return f.ResponseWriter.Write(b)
}

// wait blocks until ready reports true or returns an error, at most for WaitTimeout. It calls ready with the lock
// held.
func (m *Muxer) wait(ctx context.Context, ready func() (bool, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var timeout <-chan time.Time
	for {
		if m.closed {
			return errMissing
		}
		ok, err := ready()
		switch {
		case err != nil:
			return err
		case ok:
			return nil
		case m.err != nil:
			return m.err
		case m.ended:
			return errMissing
		case timeout == nil && m.waiting >= m.cfg.MaxWaiting:
			return errBusy
		case timeout == nil:
			timer := time.NewTimer(m.cfg.WaitTimeout)
			defer timer.Stop()
			timeout = timer.C
			m.waiting++
			defer func() { m.waiting-- }()
		}
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-timeout:
			err = context.DeadlineExceeded
		case <-ctx.Done():
			err = ctx.Err()
		}
		m.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// writeError writes the response for an error.
func writeError(w http.ResponseWriter, err error) {
	status := http.StatusNotFound
	switch {
	case errors.Is(err, strconv.ErrRange):
		status = http.StatusBadRequest
	case errors.Is(err, ErrCodec):
		status = http.StatusUnsupportedMediaType
	case errors.Is(err, errBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrSegmenting):
		w.Header().Set("Retry-After", "1")
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// writePlaylist writes a playlist.
func writePlaylist(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", playlistType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text)
}
