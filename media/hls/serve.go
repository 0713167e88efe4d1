package hls

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"roomlog/internal/limit"
)

// IndexFile is the name of the index.
const IndexFile = "index.m3u8"

var (
	errBusy    = errors.New("hls: too many waiting requests")
	errMissing = errors.New("hls: file not found")
)

// Index serves the index. Its references to playlists have the query string query.
func (m *Muxer) Index(w http.ResponseWriter, r *http.Request, query string) {
	var text []byte
	err := m.wait(r, func() (ready bool, err error) {
		if m.current == nil {
			return false, nil
		}
		text, err = m.current.index(query)
		return true, err
	})
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	newDocument(text).write(w, r, "")
}

// Playlist serves the playlist of a track. It blocks until the playlist has the segment or part that the request
// names (_HLS_msn, _HLS_part). It serves a delta update if the request permits one (_HLS_skip). query is the query of the
// references to other playlists. Playlist returns the version that it has served, or 0 after an error; later versions are
// greater.
func (m *Muxer) Playlist(w http.ResponseWriter, r *http.Request, name, query string) (version int64) {
	args := r.URL.Query()
	segment, part, err := parseWait(args)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return 0
	}
	var l servedList
	var reports string
	err = m.wait(r, func() (bool, error) {
		if m.current == nil {
			return false, nil
		}
		var known bool
		if l, known = m.current.playlists[name]; !known {
			return false, errMissing
		}
		if m.ended {
			reports = "" // removes the reports that an earlier call has set
			return true, nil
		}
		if segment > l.end.segment+1 {
			return false, strconv.ErrRange
		}
		if !m.cfg.NoLowLatency {
			reports = m.current.reports(name, query)
		}
		return segment < 0 || m.cfg.NoLowLatency || l.has(segment, part), nil
	})
	if errors.Is(err, errBusy) && l.full != nil {
		err = nil // the current version, without waiting
	}
	if err != nil {
		writeError(w, err)
		return 0
	}
	w.Header().Set("Cache-Control", "no-cache")
	text := l.full
	if skip := args.Get("_HLS_skip"); skip == "YES" || skip == "v2" {
		text = l.delta
	}
	text.write(w, r, reports)
	return int64(l.end.segment)<<16 + int64(l.end.parts)
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
	err := m.wait(r, func() (ready bool, err error) {
		from, ready, err = m.locate(name)
		return ready, err
	})
	if err != nil {
		writeError(w, err)
		return
	}
	for _, p := range from {
		if p.run.files.serve(w, name) {
			return
		}
	}
	writeError(w, errMissing)
}

// locate returns the presentations that may have a file. It reports false if the file is the next part, which does
// not exist yet.
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

// wait blocks until ready reports true or returns an error, at most for WaitTimeout. It calls ready with the lock
// held. It returns errBusy if too many requests wait.
func (m *Muxer) wait(r *http.Request, ready func() (bool, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var timeout <-chan time.Time
	evicted := make(chan struct{})
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
		case timeout == nil:
			slot, err := m.cfg.Waiting.Acquire(limit.ParseAddr(m.cfg.Address(r)))
			if err != nil {
				return errBusy
			}
			defer slot.Release()
			defer limit.Pause(r.Context())()
			slot.Wait(func() { close(evicted) })
			timer := time.NewTimer(m.cfg.WaitTimeout)
			defer timer.Stop()
			timeout = timer.C
		}
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-evicted:
			err = errBusy
		case <-timeout:
			err = context.DeadlineExceeded
		case <-r.Context().Done():
			err = r.Context().Err()
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
