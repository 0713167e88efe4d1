package ws

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strings"

	"golang.org/x/time/rate"

	"roomlog/internal/limit"
	"roomlog/internal/netconn"
)

// fragmentBytes is the maximum payload of the frames that gws sees, in bytes. gws allocates it for a client that has sent a header only,
// with a few bytes more, which fit into 4 KiB.
const fragmentBytes = 4<<10 - 16

// refusal is the JSON body of the response to a request that is not upgraded.
type refusal struct {
	status        int
	code          string
	text          string
	textInEnglish string
}

// The reasons to refuse a request.
var (
	refusedHandshake   = refusal{http.StatusUpgradeRequired, "not_a_websocket", "参数错误", "this address speaks WebSocket only"}
	refusedRestarting  = refusal{http.StatusServiceUnavailable, "restarting", "系统繁忙，请稍后再试", "this server is about to stop"}
	refusedOrigin      = refusal{http.StatusForbidden, "origin_refused", "您没有权限访问该接口!", "this origin may not connect"}
	refusedTotal       = refusal{http.StatusServiceUnavailable, "busy", "系统繁忙，请稍后再试", "too many connections"}
	refusedPerAddress  = refusal{http.StatusTooManyRequests, "too_many_connections", "操作太频繁，请稍后再试", "too many connections from this address"}
	refusedUnupgraded  = refusal{http.StatusInternalServerError, "internal", "系统繁忙，请稍后再试", "try again later"}
	retryAfterRefusal  = "5" // value of the header Retry-After in seconds
	handshakeWebSocket = "websocket"
)

func (f *refusal) write(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch f.status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		w.Header().Set("Retry-After", retryAfterRefusal)
	case http.StatusUpgradeRequired:
		if r.ProtoMajor == 1 { // RFC 9113, section 8.2.2, forbids the field in HTTP/2.
			w.Header().Set("Upgrade", handshakeWebSocket)
		}
	}
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(map[string]string{
		"msg": "fail", "data": f.text, "code": f.code, "text_en": f.textInEnglish,
	})
}

// ServeHTTP upgrades a request to a WebSocket connection, or refuses it with a JSON body: status 403 because of its
// origin, 429 or 503 because of the limits, 426 if it is not a WebSocket request. It does not wait for the end of the
// connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Accept(w, r, func(c *Conn) Peer { return s.cfg.Open(c, r) })
}

// Accept does the same as ServeHTTP, but calls open instead of Config.Open. It reports whether the request was
// upgraded; open was then called.
func (s *Server) Accept(w http.ResponseWriter, r *http.Request, open func(*Conn) Peer) bool {
	if s.beginOpening() { // otherwise admit refuses the request
		defer s.endOpening()
	}
	address, slot, refused := s.admit(r)
	if refused != nil {
		s.shared.stats.Refused.Add(1)
		refused.write(w, r)
		return false
	}
	c, err := s.hijack(w)
	if err != nil {
		slot.Release()
		s.cfg.Log.ErrorContext(r.Context(), "WebSocket upgrade failed", slog.Any("error", err))
		refusedUnupgraded.write(w, r)
		return false
	}
	c.address, c.slot = address, slot
	return s.open(c, r, open)
}

// Admit takes a slot of the Limiter for a client that does not use WebSocket (yet). The caller must release the slot
// when the client has disconnected. If the client is refused, Admit writes the response and reports false.
func (s *Server) Admit(w http.ResponseWriter, r *http.Request) (address string, slot *limit.Slot, ok bool) {
	address, slot, refused := s.limit(r)
	if refused != nil {
		refused.write(w, r)
		return "", nil, false
	}
	return address, slot, true
}

func (s *Server) admit(r *http.Request) (address string, slot *limit.Slot, refused *refusal) {
	switch {
	case !isHandshake(r):
		return "", nil, &refusedHandshake
	case s.stopping():
		return "", nil, &refusedRestarting
	}
	return s.limit(r)
}

func (s *Server) limit(r *http.Request) (address string, slot *limit.Slot, refused *refusal) {
	if !s.cfg.Origins.Allow(r.Header.Get("Origin")) {
		return "", nil, &refusedOrigin
	}
	address, slot, status := s.cfg.Limiter.Admit(r)
	switch {
	case status == 0:
		return address, slot, nil
	case status == http.StatusTooManyRequests:
		return "", nil, &refusedPerAddress
	}
	return "", nil, &refusedTotal
}

// isHandshake reports whether gws will accept the request. gws itself would check this only after the connection was
// taken from the HTTP server.
func isHandshake(r *http.Request) bool {
	return r.Method == http.MethodGet &&
		strings.EqualFold(r.Header.Get("Upgrade"), handshakeWebSocket) &&
		strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade") &&
		r.Header.Get("Sec-WebSocket-Version") == "13" &&
		r.Header.Get("Sec-WebSocket-Key") != ""
}

// hijack takes the connection from the HTTP server, with the bytes that the HTTP server has already read.
func (s *Server) hijack(w http.ResponseWriter) (*Conn, error) {
	raw, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, fmt.Errorf("hijack: %w", err)
	}
	var early []byte
	if n := buffered.Reader.Buffered(); n > 0 {
		peeked, _ := buffered.Reader.Peek(n) // never fails, because the bytes are buffered
		early = append(early, peeked...)
	}
	now := s.shared.since(s.cfg.Now())
	c := &Conn{shared: &s.shared, raw: raw, opened: now, pinged: now, early: early, serial: s.serial.Add(1)}
	c.lastFrame.Store(int64(now))
	c.helloDue.Store(math.MaxInt64)
	if s.cfg.HelloTimeout > 0 {
		c.helloDue.Store(int64(now + s.cfg.HelloTimeout))
	}
	c.validator.Max, c.validator.Fragment = int64(s.cfg.MaxMessage), fragmentBytes
	if s.cfg.FrameRate > 0 {
		c.validator.Limiter = rate.NewLimiter(rate.Limit(s.cfg.FrameRate), s.cfg.FrameBurst)
	}
	if tcp, ok := netconn.Below(raw).(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(s.cfg.SendBuffer)
	}
	if tcp, plain := raw.(*net.TCPConn); plain {
		c.socket, _ = tcp.SyscallConn()
		c.attempt.do = c.attempt.write
	}
	return c, nil
}

// open responds to the request, creates the Peer and starts to read.
func (s *Server) open(c *Conn, r *http.Request, open func(*Conn) Peer) bool {
	if s.cfg.Deflate {
		c.compresses = acceptDeflate(r)
		c.validator.Deflate = c.compresses
	}
	socket, err := s.upgrader.UpgradeFromConn((*netConn)(c), bufio.NewReaderSize((*netConn)(c), s.cfg.ReadBuffer), r)
	if err != nil { // the handshake was checked before, so the client must have disconnected
		_ = c.raw.Close()
		c.slot.Release()
		return false
	}
	s.add(c) // only after the response was written; from here on Shutdown closes the connection
	c.slot.Wait(c.evict)
	func() {
		defer c.recover()
		peer := open(c)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.peer = peer
		_, c.validator.Binary = peer.(BinaryPeer)
	}()
	if s.stopping() {
		s.closeForRestart(c)
	}
	go c.read(socket)
	return true
}
