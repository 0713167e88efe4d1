package ws

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"

	"github.com/lxzan/gws"
	"golang.org/x/time/rate"
)

// rejection is an answer to a request that is not upgraded.
type rejection struct {
	status        int
	code          string
	text          string
	textInEnglish string
}

// retryAfter is what a refused client is told to wait, in seconds.
const retryAfter = "5"

func (no *rejection) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch no.status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusUpgradeRequired:
		w.Header().Set("Upgrade", "websocket")
	}
	w.WriteHeader(no.status)
	_ = json.NewEncoder(w).Encode(map[string]string{
		"msg": "fail", "data": no.text, "code": no.code, "text_en": no.textInEnglish,
	})
}

// ServeHTTP upgrades a request to a WebSocket connection, or refuses it with a JSON body: 403 for its origin,
// 429 or 503 for the limits, 426 if it is no WebSocket request. It returns at once: the connection lives on in
// a goroutine of its own.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Accept(w, r, func(c *Conn) Peer { return s.openPeer(c, r) })
}

// Accept is ServeHTTP with an Open of this request's own. It answers whether there is a connection now;
// open has been called then.
func (s *Server) Accept(w http.ResponseWriter, r *http.Request, open func(*Conn) Peer) bool {
	no := checkHandshake(r)
	if no == nil && s.stopping() {
		no = &rejection{http.StatusServiceUnavailable, "restarting", "系统繁忙，请稍后再试", "this server is about to stop"}
	}
	var address string
	if no == nil {
		address, no = s.gate.admit(r)
	}
	if no != nil {
		s.stats.Refused.Add(1)
		no.write(w)
		return false
	}
	c, err := s.hijack(w, address)
	if err != nil {
		s.gate.release(address)
		s.log.ErrorContext(r.Context(), "the connection cannot be upgraded", slog.Any("err", err))
		no := rejection{http.StatusInternalServerError, "internal", "系统繁忙，请稍后再试", "try again later"}
		no.write(w)
		return false
	}
	return s.open(c, r, open)
}

// checkHandshake refuses what the library would refuse after the connection was taken from the HTTP server.
func checkHandshake(r *http.Request) *rejection {
	switch {
	case r.Method != http.MethodGet,
		!strings.EqualFold(r.Header.Get("Upgrade"), "websocket"),
		!strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade"),
		r.Header.Get("Sec-WebSocket-Version") != "13",
		r.Header.Get("Sec-WebSocket-Key") == "":
		return &rejection{http.StatusUpgradeRequired, "not_a_websocket", "参数错误", "this address speaks WebSocket only"}
	}
	return nil
}

// hijack takes the connection from the HTTP server, together with what the server had read of it already.
func (s *Server) hijack(w http.ResponseWriter, address string) (*Conn, error) {
	raw, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, fmt.Errorf("hijack: %w", err)
	}
	var early []byte
	if n := buffered.Reader.Buffered(); n > 0 {
		peeked, _ := buffered.Reader.Peek(n) // all of it is there
		early = append(early, peeked...)
	}
	now := s.since(s.now())
	c := &Conn{sockets: s, raw: raw, address: address, opened: now, pinged: now, early: early, serial: s.serial.Add(1)}
	c.seen.Store(int64(now))
	c.guard.max = int64(s.maxMessage)
	if s.frameRate >= 0 {
		c.guard.limiter = rate.NewLimiter(rate.Limit(s.frameRate), s.frameBurst)
	}
	tcp, plain := raw.(*net.TCPConn)
	if below, ok := raw.(interface{ NetConn() net.Conn }); ok { // TLS
		tcp, _ = below.NetConn().(*net.TCPConn)
	}
	if tcp != nil {
		_ = tcp.SetWriteBuffer(s.sendBuffer) // else the kernel hides megabytes of a stalled reader
	}
	if plain {
		c.socket, _ = tcp.SyscallConn()
		c.try.do = c.try.write
	}
	return c, nil
}

// open answers the request, tells the layer above, and starts to read.
func (s *Server) open(c *Conn, r *http.Request, open func(*Conn) Peer) bool {
	if s.packs {
		c.packs = takesPacked(r)
		c.guard.packed = c.packs
	}
	socket, err := s.upgrader.UpgradeFromConn((*wire)(c), bufio.NewReaderSize((*wire)(c), s.readBuffer), r)
	if err != nil { // the handshake was checked before: the client is gone
		_ = c.raw.Close()
		s.gate.release(c.address)
		return false
	}
	s.add(c) // not before the answer is written, for it makes the connection known to Shutdown
	func() {
		defer c.catch()
		peer := open(c)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.peer = peer
		_, c.guard.binary = peer.(BinaryPeer)
	}()
	if s.stopping() {
		s.sendAway(c)
	}
	go c.read(socket)
	return true
}

// noSession is given to the library in place of a map for each connection.
type noSession struct{}

func (noSession) Len() int                     { return 0 }
func (noSession) Load(string) (any, bool)      { return nil, false }
func (noSession) Delete(string)                {}
func (noSession) Store(string, any)            {}
func (noSession) Range(func(string, any) bool) {}

func newUpgrader(maxMessage, readBuffer int, deflate bool) *gws.Upgrader {
	return gws.NewUpgrader(events{}, &gws.ServerOption{
		ReadMaxPayloadSize: maxMessage,
		ReadBufferSize:     readBuffer,
		CheckUtf8Enabled:   true,
		PermessageDeflate:  gws.PermessageDeflate{Enabled: deflate, PoolSize: runtime.GOMAXPROCS(0)},
		NewSession:         func() gws.SessionStorage { return noSession{} },
	})
}
