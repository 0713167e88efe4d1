package engineio

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"roomlog/internal/limit"
	"roomlog/realtime/ws"
)

// upgradeNoop is the time after which a GET that waits during an upgrade gets a noop packet. The client upgrades only
// after its GET has ended.
const upgradeNoop = 100 * time.Millisecond

// poll responds to a GET with the backlog, or waits for frames.
func (s *Session) poll(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if !s.ended && s.silent(s.shared.now()) && !s.serial.Busy() { // check has not yet noticed that the client is silent.
		s.endLocked("ping timeout", "")
	}
	switch {
	case s.ended:
		frames := s.takeLast()
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
	case s.waiting != nil: // The client has made two GETs at the same time.
		s.endLocked("transport error", packetClose)
		s.mu.Unlock()
		badRequest.write(w)
		return
	}
	if s.idle {
		s.idle = false
		s.keepSlots()
	}
	response := make(chan []*ws.Frame, 1)
	s.waiting, s.polled = response, s.shared.now()
	s.flush()
	probed := s.probe != nil && s.probe.probed
	s.mu.Unlock()
	s.await(w, r, response, probed)
}

// await waits for frames and writes them as the response to a GET. During an upgrade it sends a noop packet instead. It
// ends the session when the client cancels the request.
func (s *Session) await(w http.ResponseWriter, r *http.Request, response chan []*ws.Frame, probed bool) {
	defer limit.Pause(r.Context())()
	var noop <-chan time.Time
	if probed {
		timer := time.NewTimer(upgradeNoop)
		defer timer.Stop()
		noop = timer.C
	}
	for {
		select {
		case frames := <-response:
			if frames == nil { // The session was upgraded.
				badRequest.write(w)
				return
			}
			s.respond(w, frames)
			return
		case <-noop:
			s.sendNoop(response)
		case <-r.Context().Done():
			s.lose()
			return
		}
	}
}

// sendNoop responds to a GET that still waits with a noop packet.
func (s *Session) sendNoop(response chan []*ws.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == response {
		s.waiting <- []*ws.Frame{ws.TextFrame([]byte(packetNoop))}
		s.waiting = nil
	}
}

// lose ends a session that polls because the client cancelled its GET or did not read the response.
func (s *Session) lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.carrier == nil {
		s.endLocked("transport close", "")
	}
}

// takeLast returns the frames of an ended session that the client has not polled: the backlog first, then the last
// packet alone.
func (s *Session) takeLast() []*ws.Frame {
	if s.lastPacket == "" {
		return nil
	}
	if frames := s.backlog.Take(pollBytes); len(frames) > 0 {
		return frames
	}
	last := ws.TextFrame([]byte(s.lastPacket))
	s.dropLastPacket()
	return []*ws.Frame{last}
}

// respond writes frames as the response to a GET. If the client does not read it within Config.BodyTimeout, the frames
// are lost and the session ends.
func (s *Session) respond(w http.ResponseWriter, frames []*ws.Frame) {
	shared := s.shared
	body, binary := encodePayload(frames, s.Version())
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	if binary {
		h.Set("Content-Type", "application/octet-stream")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(shared.now().Add(shared.bodyTimeout))
	_, err := w.Write(body)
	if err == nil {
		err = control.Flush()
	}
	if err != nil {
		s.lose()
	}
}

// post handles the packets of a POST.
func (s *Session) post(w http.ResponseWriter, r *http.Request) {
	if refused := s.startPost(); refused != nil {
		refused.write(w)
		return
	}
	defer s.endPost()
	if refused := s.receivePost(w, r); refused != nil {
		refused.write(w)
		return
	}
	w.Header().Set("Content-Type", "text/html") // The reference server responds with this type, too.
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok")
}

// startPost checks whether the session accepts a POST now. Two POSTs at the same time end the session, because their order
// is unknown.
func (s *Session) startPost() *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return &unknownSession
	case s.carrier != nil:
		return &badRequest
	case s.silent(s.shared.now()) && !s.posting:
		s.endLocked("ping timeout", "")
		return &unknownSession
	case s.posting:
		s.endLocked("transport error", "")
		return &badRequest
	}
	s.posting = true
	return nil
}

func (s *Session) endPost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posting = false
}

// bodyDeadline returns the time to read a body of size bytes: bodyTimeout for each 64 KiB.
func (s *shared) bodyDeadline(size int64) time.Duration {
	return s.bodyTimeout * time.Duration(1+max(0, min(size, int64(s.maxPayload)))>>16)
}

// receivePost reads the body of a POST and handles its packets. A body that is refused ends the session.
func (s *Session) receivePost(w http.ResponseWriter, r *http.Request) *failure {
	shared := s.shared
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(shared.now().Add(shared.bodyDeadline(r.ContentLength)))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(shared.maxPayload)))
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
	limited := false
	pacing, cancel := context.WithTimeout(r.Context(), maxPacing)
	defer cancel()
	binary := r.Header.Get("Content-Type") == "application/octet-stream"
	err = decodePayload(body, s.Version(), binary, func(p packet) bool {
		// Wait instead of refusing: the client has sent what it collected during its previous request, and sends
		// nothing more before this one ends.
		if limited = s.limiter != nil && s.limiter.Wait(pacing) != nil; limited {
			return false
		}
		s.receive(p)
		return true
	})
	switch {
	case limited:
		s.end("transport error", "")
		return &rateLimited
	case err != nil:
		s.end("parse error", "")
		return &badRequest
	}
	return nil
}
