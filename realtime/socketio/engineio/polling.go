package engineio

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"roomlog/realtime/ws"
)

const (
	// pollBytes is how much one answer to a GET carries, about.
	pollBytes = 64 << 10
	// upgradeNoop is how long a GET waits during an upgrade, before which the client wants to have it answered.
	upgradeNoop = 100 * time.Millisecond
)

// poll answers a GET with what waits, or waits for it.
func (s *Session) poll(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if !s.ended && s.silent(s.engine.cfg.Now()) && s.receiving.TryLock() { // before the tender noticed
		s.receiving.Unlock()
		s.endLocked("ping timeout", "")
	}
	switch {
	case s.ended:
		frames := s.takeFarewell()
		s.mu.Unlock()
		if frames == nil {
			unknownSession.write(w)
			return
		}
		s.respond(w, frames)
		return
	case s.carrier != nil:
		s.mu.Unlock()
		badRequest.write(w)
		return
	case s.waiting != nil: // two at once
		s.endLocked("transport error", packetClose)
		s.mu.Unlock()
		badRequest.write(w)
		return
	}
	answer := make(chan []*ws.Frame, 1)
	s.waiting = answer
	s.answer()
	var impatient <-chan time.Time
	if s.probe != nil && s.probe.probed {
		timer := time.NewTimer(upgradeNoop)
		defer timer.Stop()
		impatient = timer.C
	}
	s.mu.Unlock()
	for {
		select {
		case frames := <-answer:
			if frames == nil { // upgraded meanwhile
				badRequest.write(w)
				return
			}
			s.respond(w, frames)
			return
		case <-impatient:
			s.excuse(answer)
		case <-r.Context().Done():
			s.hangUp()
			return
		}
	}
}

// answer gives what waits to the GET that waits.
func (s *Session) answer() {
	if s.waiting != nil && !s.backlog.Empty() {
		s.waiting <- s.backlog.Take(pollBytes)
		s.waiting = nil
	}
}

// excuse answers a GET that waits with nothing.
func (s *Session) excuse(which chan []*ws.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == which {
		s.waiting <- []*ws.Frame{ws.TextFrame([]byte(packetNoop))}
		s.waiting = nil
	}
}

// hangUp ends a session that polls because the client gave up its GET, or did not take the answer.
func (s *Session) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.carrier == nil {
		s.endLocked("transport close", "")
	}
}

// takeFarewell answers what a client that polls has not fetched of an ended session: first everything that
// waited, then the farewell, which is the last.
func (s *Session) takeFarewell() []*ws.Frame {
	if s.farewell == "" {
		return nil
	}
	if frames := s.backlog.Take(pollBytes); len(frames) > 0 {
		return frames
	}
	last := ws.TextFrame([]byte(s.farewell))
	s.forgetFarewell()
	return []*ws.Frame{last}
}

func (s *Session) forgetFarewell() {
	s.farewell = ""
	s.backlog.Clear()
	if s.probe != nil {
		s.probe.conn.Close(ws.CloseNormal, "")
	}
	s.engine.forget(s)
}

// respond answers a GET. What is not taken in time is lost, and the session with it.
func (s *Session) respond(w http.ResponseWriter, frames []*ws.Frame) {
	cfg := &s.engine.cfg
	body, octets := encodePayload(frames, s.version)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	if octets {
		h.Set("Content-Type", "application/octet-stream")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(cfg.Now().Add(cfg.BodyTimeout))
	_, err := w.Write(body)
	if err == nil {
		err = control.Flush()
	}
	if err != nil {
		s.hangUp()
	}
}

// post takes the packets of a POST.
func (s *Session) post(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	switch {
	case s.ended:
		s.mu.Unlock()
		unknownSession.write(w)
		return
	case s.carrier != nil:
		s.mu.Unlock()
		badRequest.write(w)
		return
	case s.silent(s.engine.cfg.Now()) && !s.posting:
		s.endLocked("ping timeout", "")
		s.mu.Unlock()
		unknownSession.write(w)
		return
	case s.posting: // two at once would be in no order
		s.endLocked("transport error", "")
		s.mu.Unlock()
		badRequest.write(w)
		return
	}
	s.posting = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.posting = false
	}()
	if no := s.take(w, r); no != nil {
		no.write(w)
		return
	}
	w.Header().Set("Content-Type", "text/html") // what clients of both versions are used to
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok")
}

// take reads the body of a POST and handles its packets. A body that is refused ends the session.
func (s *Session) take(w http.ResponseWriter, r *http.Request) *failure {
	cfg := &s.engine.cfg
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(cfg.Now().Add(cfg.BodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(cfg.MaxPayload)))
	_ = control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		s.end("transport error", "")
		return &tooLarge
	case err != nil:
		s.end("transport error", "")
		return &badRequest
	}
	flood := false
	octets := r.Header.Get("Content-Type") == "application/octet-stream"
	err = decodePayload(body, s.version, octets, func(p packet) bool {
		if flood = s.limiter != nil && !s.limiter.AllowN(cfg.Now(), 1); flood {
			return false
		}
		s.receive(p)
		return true
	})
	switch {
	case flood:
		s.end("transport error", "")
		return &tooOften
	case err != nil:
		s.end("parse error", "")
		return &badRequest
	}
	return nil
}
