package hls

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// IndexFile is the name of the file that names the others.
const IndexFile = "index.m3u8"

const (
	playlistType = "application/vnd.apple.mpegurl"
	forEver      = "public, max-age=31536000, immutable"
)

var (
	errBusy    = errors.New("hls: too many requests wait")
	errMissing = errors.New("hls: no such file")
)

// Index serves the index. Its references to playlists carry query.
func (m *Muxer) Index(w http.ResponseWriter, r *http.Request, query string) {
	var s *shown
	err := m.wait(r.Context(), func() (bool, error) { s = m.shown; return s != nil, nil })
	if err != nil {
		refuse(w, err)
		return
	}
	text := s.ask(IndexFile, query)
	if text == nil {
		refuse(w, errMissing)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	write(w, text)
}

// Playlist serves the playlist of a track, and waits for the segment or part that the request asks for.
func (m *Muxer) Playlist(w http.ResponseWriter, r *http.Request, name string) {
	args := r.URL.Query()
	segment, part, err := wanted(args)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var p playlist
	err = m.wait(r.Context(), func() (bool, error) {
		if m.shown == nil {
			return false, nil
		}
		var known bool
		if p, known = m.shown.lists[name]; !known {
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
		refuse(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	write(w, p.body)
}

// wanted reads what a player waits for: a segment below zero for nothing, a part below zero for the whole.
func wanted(args url.Values) (segment, part int, err error) {
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

// File serves a segment, a part or what comes before them. The part that a playlist has announced is waited
// for; every other name that is not there yet is unknown.
func (m *Muxer) File(w http.ResponseWriter, r *http.Request, name string) {
	var from []*shown
	err := m.wait(r.Context(), func() (ready bool, err error) {
		from, ready, err = m.holding(name)
		return ready, err
	})
	if err != nil {
		refuse(w, err)
		return
	}
	f := &file{ResponseWriter: w}
	for _, s := range from {
		if s.serve(f, name); f.begun {
			return
		}
	}
	refuse(w, errMissing)
}

// holding finds where a file may be. It is not ready if it is the part that comes next. The library must
// not be asked for parts of higher numbers: it would wait for them, and never again let go.
func (m *Muxer) holding(name string) (from []*shown, ready bool, err error) {
	prefix, number, isPart := partNumber(name)
	for _, s := range []*shown{m.shown, m.past} {
		if s == nil {
			continue
		}
		if !isPart {
			from = append(from, s)
			continue
		}
		for _, p := range s.lists {
			of, next, _ := partNumber(p.hint)
			switch {
			case of != prefix:
			case number < next:
				return []*shown{s}, true, nil
			case number == next && s == m.shown && !m.ended:
				return nil, false, nil
			}
		}
	}
	if len(from) == 0 {
		return nil, false, errMissing
	}
	return from, true, nil
}

func (s *shown) serve(w *file, name string) {
	defer func() {
		_ = recover() // whatever it was, there is no such file
	}()
	s.cut.mux.Handle(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: name}})
}

// file is an answer that may be kept for ever, since no name is used twice. The library writes nothing at
// all for names that it does not know.
type file struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader says how long it may be kept.
func (f *file) WriteHeader(status int) {
	f.begun = true
	if status == http.StatusOK {
		f.Header().Set("Cache-Control", forEver)
	}
	f.ResponseWriter.WriteHeader(status)
}

func (f *file) Write(b []byte) (int, error) {
	f.begun = true
	return f.ResponseWriter.Write(b)
}

// wait waits until there is what ready looks for under the lock, or an error.
func (m *Muxer) wait(ctx context.Context, ready func() (bool, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var late <-chan time.Time
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
		case late == nil && m.waiting >= m.cfg.MaxWaiting:
			return errBusy
		case late == nil:
			timer := time.NewTimer(m.cfg.WaitTimeout)
			defer timer.Stop()
			late = timer.C
			m.waiting++
			defer func() { m.waiting-- }()
		}
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-late:
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

// refuse answers with what an error means to a player.
func refuse(w http.ResponseWriter, err error) {
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

func write(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", playlistType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text)
}
