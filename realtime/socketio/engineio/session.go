package engineio

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"roomlog/realtime/ws"
)

// farewellTime is how long the last words to a client wait for its next GET.
const farewellTime = 5 * time.Second

// Session is one client, whatever carries its messages. Its methods may be called by any goroutine at any
// time, and none of them waits for the client.
type Session struct {
	engine  *Engine
	id      string
	alias   string // "": may be shown by its id
	version Version
	query   url.Values
	asText  bool   // takes binary messages as text
	address string // of the client, as the gate counts it
	opened  time.Time
	limiter *rate.Limiter // of what comes by POST; nil: any number
	handler Handler

	receiving sync.Mutex // one packet at a time, and the end after the last; taken before mu

	mu       sync.Mutex
	carrier  *carrier         // nil: polls
	probe    *carrier         // may become the carrier
	backlog  *ws.Backlog      // of a session that polls
	waiting  chan []*ws.Frame // a GET that waits; nothing waits for it then
	posting  bool
	groups   map[*Group]struct{}
	leave    func() // gives back what a session that polls is counted as
	settled  bool
	due      time.Time // of the next sign of life
	pinged   bool      // the sign is an answer to our ping
	ended    bool
	farewell string    // ended, and this is still to be fetched, behind the backlog
	until    time.Time // how long the farewell is kept
}

func (e *Engine) newSession(v Version, query url.Values) *Session {
	now := e.cfg.Now()
	s := &Session{
		engine: e, id: newID(), version: v, query: query, asText: query.Get("b64") != "",
		opened: now, groups: make(map[*Group]struct{}), leave: func() {},
	}
	if v == V3 && query.Get("transport") == "polling" {
		s.alias = newID()
	}
	if e.cfg.Sockets.FrameRate > 0 {
		s.limiter = rate.NewLimiter(rate.Limit(e.cfg.Sockets.FrameRate), e.cfg.Sockets.FrameBurst)
	}
	s.heardAt(now)
	return s
}

// newID draws an id that nobody can guess.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ID is the session's id. Who knows it of a session that polls can speak in its name.
func (s *Session) ID() string { return s.id }

// PublicID is what other people may know of a client of version 3, whose id is its address as well: the id, or an
// alias while the session polls. What is sent to the session itself may name it by either.
func (s *Session) PublicID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alias != "" && s.carrier == nil {
		return s.alias
	}
	return s.id
}

// Named says whether id is how this session is, or was, shown to other people.
func (s *Session) Named(id string) bool {
	return id != "" && (id == s.alias || id == s.id && s.PublicID() == s.id)
}

// Version is the version of the protocol that the client speaks.
func (s *Session) Version() Version { return s.version }

// Query is the query of the request that opened the session. It may hold a token: it is not to be logged.
func (s *Session) Query() url.Values { return s.query }

// Alias is by which a client of version 3 was shown while it polled; "" if it never did.
func (s *Session) Alias() string { return s.alias }

// Address is the client's address as the gate saw it when the session was opened.
func (s *Session) Address() string { return s.address }

// Opened is when the session was.
func (s *Session) Opened() time.Time { return s.opened }

// Upgraded says that a WebSocket connection carries the session.
func (s *Session) Upgraded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.carrier != nil
}

// Settled says that the client said in time what it came for; until then the session lives for
// Config.SettleTimeout only.
func (s *Session) Settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = true
}

// greeting is the packet that opens a session.
func (s *Session) greeting() *ws.Frame {
	upgrades := []string{}
	if s.carrier == nil {
		upgrades = append(upgrades, "websocket")
	}
	c := s.engine.cfg
	text, err := json.Marshal(struct {
		ID           string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{s.id, upgrades, c.Sockets.PingInterval.Milliseconds(), c.PingTimeout.Milliseconds(), c.MaxPayload})
	if err != nil { // it is made of strings and numbers
		panic("engineio: encode a greeting: " + err.Error())
	}
	return ws.TextFrame(append([]byte{typeOpen}, text...))
}

// Send sends frames in their order. What the client does not take at once waits within bounds.
func (s *Session) Send(frames ...*ws.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendLocked(frames...)
}

func (s *Session) sendLocked(frames ...*ws.Frame) {
	if s.ended {
		return
	}
	if s.alias != "" { // who is shown by an alias knows itself by its id
		own := make([]*ws.Frame, len(frames))
		for i, f := range frames {
			own[i] = f.Replace(s.alias, s.id)
		}
		frames = own
	}
	if s.carrier != nil {
		s.carrier.conn.Send(frames...)
		return
	}
	for _, f := range frames {
		if !s.backlog.Add(f) {
			s.endLocked("transport error", "")
			return
		}
	}
	s.answer()
}

// Close ends the session after what was sent before.
func (s *Session) Close() { s.end("forced server close", packetClose) }

// Fail ends the session at once, for a reason that clients know: "parse error", "transport close" and such.
func (s *Session) Fail(reason string) { s.end(reason, "") }

// Do calls f between two messages, and not after the session was closed. It waits for a message that is being
// handled.
func (s *Session) Do(f func()) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	defer s.catch()
	if !s.Ended() {
		f()
	}
}

// Ended says that nothing is received or sent any more.
func (s *Session) Ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// end ends the session. A client that polls and does not wait is told so by its next GET if there is a
// farewell, and finds its session unknown otherwise.
func (s *Session) end(reason, farewell string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(reason, farewell)
}

func (s *Session) endLocked(reason, farewell string) {
	if s.ended {
		return
	}
	s.ended = true
	switch {
	case s.carrier != nil:
		s.carrier.conn.Close(ws.CloseNormal, reason)
	case s.waiting != nil:
		if farewell == "" {
			farewell = packetClose
		}
		s.waiting <- []*ws.Frame{ws.TextFrame([]byte(farewell))}
		s.waiting = nil
	case farewell != "": // never together with what waits: clients heed a close before the messages beside it
		s.farewell, s.until = farewell, s.engine.cfg.Now().Add(farewellTime)
	default:
		s.backlog.Clear()
	}
	if s.probe != nil && s.farewell == "" {
		s.probe.conn.Close(ws.CloseNormal, reason)
	}
	go s.finish(reason)
}

// finish tells the layer above of the end, and gives back what the session took.
func (s *Session) finish(reason string) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	s.mu.Lock()
	leave, kept := s.leave, s.farewell != ""
	s.leave = func() {}
	s.mu.Unlock()
	func() {
		defer s.catch()
		s.handler.Closed(reason)
	}()
	leave()
	if !kept {
		s.engine.forget(s)
	}
}

// receive handles a packet from whatever carries the session.
func (s *Session) receive(p packet) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	if !s.heard(p.kind) {
		return
	}
	switch {
	case p.kind == typeMessage:
		defer s.heard(p.kind) // it could not be heard while the message was handled
		defer s.catch()
		s.handler.Message(p.data, p.binary)
	case p.kind == typePing && s.version == V3:
		s.Send(ws.TextFrame(append([]byte{typePong}, p.data...)))
	case p.kind == typePong && s.version == V4:
	case p.kind == typeClose:
		s.end("transport close", packetNoop)
	default:
		s.end("transport error", "")
	}
}

// catch turns a panic of the layer above into the end of this one session.
func (s *Session) catch() {
	fault := recover()
	if fault == nil {
		return
	}
	s.engine.Stats().Panics.Add(1)
	s.engine.cfg.Log.Error("a session panicked", slog.Any("fault", fault), slog.String("stack", string(debug.Stack())))
	s.end("server error", "")
}
