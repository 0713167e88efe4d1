package engineio

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"roomlog/internal/limit"
	"roomlog/realtime/ws"
)

const (
	// lastPacketTimeout is the time for which the last packet of an ended session is kept for the client's next GET.
	lastPacketTimeout = 5 * time.Second
	// pollBytes is the approximate maximum size in bytes of the response to a GET.
	pollBytes = 64 << 10
	// maxPacing is the maximum time that the packets of one POST wait for the rate limit.
	maxPacing = 10 * time.Second
	// firstPacketTimeout is the time after which the engine assumes version 3 for a client that has sent nothing and is
	// of a kind that may declare a wrong version.
	firstPacketTimeout = 2 * time.Second
)

// Handler handles the messages of one Engine.IO session. Its methods are called one after another.
type Handler interface {
	// Message handles a message. The bytes are valid until Message returns.
	Message(data []byte, binary bool)
	// Downgraded is called when the version of the session has become 3, see Session.Downgrade.
	Downgraded()
	// Closed is called once, after the last message, with the reason in the words of Engine.IO.
	Closed(reason string)
}

// shared holds the clock, settings and functions that all sessions of an engine use.
type shared struct {
	now        func() time.Time
	log        *slog.Logger
	stats      *ws.Stats
	sessions   atomic.Int64   // number of sessions that were opened
	forget     func(*Session) // removes an ended session from the engine
	maxPayload int

	// Settings of Config.
	pingInterval, pingTimeout, upgradeTimeout, settleTimeout, idleTimeout, bodyTimeout time.Duration
}

// Session is the Engine.IO session of one client, over polling or WebSocket. Its methods may be called by any goroutine
// at any time, and none of them waits for the client.
type Session struct {
	shared  *shared
	number  int64 // number of the session, see Number
	id      string
	alias   string       // public id of a session of version 3 while it polls; "": none
	version atomic.Int32 // version of Engine.IO, see Version
	query   url.Values
	asText  bool   // whether the client receives binary messages as base64
	address string // address of the client, as the Limiter counts it
	opened  time.Time
	limiter *rate.Limiter // limits the packets that arrive by POST; nil: no limit
	handler Handler

	serial *ws.Serial // handles the packets and the end; its functions lock mu

	mu         sync.Mutex
	carrier    *carrier         // WebSocket connection that the session uses; nil: the client polls
	probe      *carrier         // connection that may become the carrier
	backlog    *ws.Backlog      // frames that wait in a session that polls
	waiting    chan []*ws.Frame // receives the frames for the waiting GET; nil: no GET waits
	posting    bool
	onUpgrade  map[upgradeListener]struct{}
	release    func()        // frees the slots of a session that polls
	slots      []*limit.Slot // slots of the Limiter and of the engine, while the session polls
	polled     time.Time     // last time at which check found a waiting GET
	idle       bool          // whether a new client may take the slots, because the client has stopped polling
	settled    bool
	awaits     bool      // whether the client has sent nothing and, if it sends nothing for firstPacketTimeout, speaks version 3
	presumed   bool      // whether the version has become 3 because the client was silent, and the client has sent nothing since
	revertible bool      // whether presumed was true before the packet that is being handled
	deadline   time.Time // time of the next expected packet of the client, or of the next ping
	pinged     bool      // whether deadline is the deadline of the response to a ping
	ended      bool
	lastPacket string    // last packet of an ended session, which the client still has to poll after the backlog
	keptUntil  time.Time // time until which lastPacket is kept
}

// carrier is a WebSocket connection of a session: the connection that carries the session, or a probe that may carry
// it.
type carrier struct {
	session *Session
	conn    *ws.Conn
	since   time.Time // when the client requested the connection
	probed  bool      // whether the client has sent its probe; guarded by Session.mu
}

// upgradeListener is called when a session has been upgraded to a connection.
type upgradeListener interface{ upgraded(*Session, *ws.Conn) }

// newID returns a random id of 120 bits.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // rand.Read never fails.
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ID returns the id of the session. It is a secret while the session polls: it is enough to send as the client.
func (s *Session) ID() string { return s.id }

// Alias returns the alias under which a client of version 3 was shown while it polled, or "".
func (s *Session) Alias() string { return s.alias }

// PublicID returns the id that other users may see: the alias while a session of version 3 polls, and the id otherwise.
// Frames that are sent to the session itself may contain either.
func (s *Session) PublicID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alias != "" && s.carrier == nil {
		return s.alias
	}
	return s.id
}

// HasID reports whether id is, or was, the public id of the session.
func (s *Session) HasID(id string) bool {
	return id != "" && (id == s.alias || id == s.id && s.PublicID() == s.id)
}

// Version returns the version of the protocol that the client speaks. It can change from 4 to 3, see Downgrade, and
// back, see Revert.
func (s *Session) Version() Version { return Version(s.version.Load()) }

// Query returns the query of the request that opened the session. It may contain a token: do not log it.
func (s *Session) Query() url.Values { return s.query }

// Address returns the client's address as the Limiter counts it.
func (s *Session) Address() string { return s.address }

// OpenedAt returns the time at which the session was opened.
func (s *Session) OpenedAt() time.Time { return s.opened }

// Upgraded reports whether a WebSocket connection carries the session.
func (s *Session) Upgraded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.carrier != nil
}

// Number returns the number of the session within its engine, counted from 1. It is the tag that ws.WriteCounter.Written
// gets for the session.
func (s *Session) Number() int64 { return s.number }

// Settled records that the protocol above Engine.IO has accepted the client, for example into a namespace. Without it,
// the session ends after Config.SettleTimeout.
func (s *Session) Settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = true
	s.keepSlots()
	if s.carrier != nil {
		s.carrier.conn.Identified()
	}
}

// holdSlots gives the session the slots of a client that polls. Until the session is settled, and while the client does
// not poll, a new client may take them.
func (s *Session) holdSlots(slots ...*limit.Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots, s.polled = slots, s.shared.now()
	if !s.settled && !s.ended {
		s.offerSlots()
	}
}

// offerSlots lets a new client take the slots.
func (s *Session) offerSlots() {
	for _, slot := range s.slots {
		slot.Wait(func() { s.end("transport close", "") })
	}
}

// keepSlots lets no new client take the slots.
func (s *Session) keepSlots() {
	for _, slot := range s.slots {
		slot.Busy()
	}
}

// checkPolling offers the slots of a settled session whose client has stopped polling.
func (s *Session) checkPolling(now time.Time) {
	switch {
	case s.waiting != nil:
		s.polled = now
	case s.settled && !s.idle && now.Sub(s.polled) >= s.shared.idleTimeout:
		s.idle = true
		s.offerSlots()
	}
}

// Ended reports whether the session has ended: it receives and sends nothing more.
func (s *Session) Ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// Binary returns the frame of a binary message to this session.
func (s *Session) Binary(data []byte) *ws.Frame { return encodeBinary(data, s.Version(), s.asText) }

// handshake returns the packet that opens a session.
func (s *Session) handshake() *ws.Frame {
	upgrades := []string{}
	if s.carrier == nil {
		upgrades = append(upgrades, "websocket")
	}
	c := s.shared
	text, err := json.Marshal(struct {
		ID           string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{s.id, upgrades, c.pingInterval.Milliseconds(), c.pingTimeout.Milliseconds(), c.maxPayload})
	if err != nil { // Strings and numbers can always be encoded.
		panic("engineio: encode a handshake: " + err.Error())
	}
	return ws.TextFrame(append([]byte{typeOpen}, text...))
}

// Send sends frames in their order. It does not block: frames that the client does not take wait in a bounded queue.
func (s *Session) Send(frames ...*ws.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendLocked(frames...)
}

func (s *Session) sendLocked(frames ...*ws.Frame) {
	if s.ended {
		return
	}
	if s.alias != "" { // The client knows itself by its id, not by its alias.
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
			s.endLocked("transport error", packetClose)
			return
		}
	}
	s.flush()
}

// flush responds to the GET that waits with the backlog, if there is one.
func (s *Session) flush() {
	if s.waiting != nil && !s.backlog.Empty() {
		s.waiting <- s.backlog.Take(pollBytes)
		s.waiting = nil
	}
}

// Close ends the session. Frames that were sent before are delivered first.
func (s *Session) Close() { s.end("forced server close", packetClose) }

// Fail ends the session immediately, for a reason of the protocol such as "parse error" or "transport close".
func (s *Session) Fail(reason string) { s.end(reason, "") }

// end ends the session. When lastPacket is not "", a client that polls, but has no GET open, receives it as the
// response to its next GET. If lastPacket is "", the next GET is refused because the session is unknown.
func (s *Session) end(reason, lastPacket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(reason, lastPacket)
}

func (s *Session) endLocked(reason, lastPacket string) {
	if s.ended {
		return
	}
	s.ended = true
	switch {
	case s.carrier != nil:
		s.carrier.conn.Close(ws.CloseNormal, reason)
	case s.waiting != nil:
		if lastPacket == "" {
			lastPacket = packetClose
		}
		s.waiting <- []*ws.Frame{ws.TextFrame([]byte(lastPacket))}
		s.waiting = nil
	case lastPacket != "": // The last packet is never in one response with the backlog: clients handle a close before the messages beside it.
		s.lastPacket, s.keptUntil = lastPacket, s.shared.now().Add(lastPacketTimeout)
	default:
		s.backlog.Clear()
	}
	if s.probe != nil && s.lastPacket == "" {
		s.probe.conn.Close(ws.CloseNormal, reason)
	}
	s.serial.Later(func() { s.finish(reason) })
}

// finish calls Handler.Closed and frees the slot of the session. Engine.Shutdown waits until finish has run.
func (s *Session) finish(reason string) {
	s.mu.Lock()
	release, kept := s.release, s.lastPacket != ""
	s.release = func() {}
	s.mu.Unlock()
	defer func() {
		release()
		if !kept {
			s.shared.forget(s)
		}
	}()
	if s.handler != nil { // It is nil after a panic of Config.Open.
		s.handler.Closed(reason)
	}
}

// dropLastPacket unregisters an ended session after its client has received the last packet, or can no longer receive
// it.
func (s *Session) dropLastPacket() {
	s.lastPacket = ""
	s.backlog.Clear()
	if s.probe != nil {
		s.probe.conn.Close(ws.CloseNormal, "")
	}
	s.shared.forget(s)
}

// recover logs a panic of the Handler and ends this session.
func (s *Session) recover() {
	fault := recover()
	if fault == nil {
		return
	}
	s.shared.stats.Panics.Add(1)
	s.shared.log.Error("Engine.IO session panicked", slog.Any("error", fault), slog.String("stack", string(debug.Stack())))
	s.end("server error", "")
}
