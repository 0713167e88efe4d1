package ws_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"roomlog/internal/limit"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// refused checks that the upgrade was refused with a status and an error code.
func refused(t *testing.T, answer *http.Response, status int, code string) {
	t.Helper()
	defer answer.Body.Close()
	var body map[string]string
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatalf("status %d: %v", answer.StatusCode, err)
	}
	if answer.StatusCode != status || body["code"] != code || body["msg"] != "fail" || body["data"] == "" || body["text_en"] == "" {
		t.Errorf("got %d %v, want %d %s", answer.StatusCode, body, status, code)
	}
}

func TestLimits(t *testing.T) {
	ask := func(t *testing.T, s *server, headers string) *http.Response {
		return wstest.NewClient(t, wstest.Connect(t, s.addr, 0)).Handshake(headers)
	}
	limited := func(total, perAddress int) func(*ws.Config) {
		return func(c *ws.Config) {
			c.Limiter = limit.Clients{Slots: limit.NewSlots(total, perAddress, nil), Proxies: limit.Loopback()}
		}
	}
	from := func(origins ...string) func(*ws.Config) { return func(c *ws.Config) { c.Origins = origins } }
	t.Run("admits allowed origins and apps and refuses other origins", func(t *testing.T) {
		s := serve(t, from("https://app.example"))
		for _, headers := range []string{"", "Origin: https://app.example\r\n", "Origin: HTTPS://APP.example\r\n"} {
			if answer := ask(t, s, headers); answer.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("%q got status %d", headers, answer.StatusCode)
			}
		}
		for _, origin := range []string{"https://evil.example", "http://app.example", "https://app.example.evil", "null"} {
			refused(t, ask(t, s, "Origin: "+origin+"\r\n"), http.StatusForbidden, "origin_refused")
		}
		if n := s.Stats().Refused.Load(); n != 4 {
			t.Errorf("%d refusals counted, want 4", n)
		}
	})
	t.Run("admits every origin when none or * is configured", func(t *testing.T) {
		for _, origins := range [][]string{nil, {"https://app.example", "*"}} {
			s := serve(t, from(origins...))
			if answer := ask(t, s, "Origin: null\r\n"); answer.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("%v: got status %d", origins, answer.StatusCode)
			}
		}
	})
	t.Run("bounds all connections and admits the next one after one has ended", func(t *testing.T) {
		s := serve(t, limited(2, 0))
		first := wstest.Dial(t, s.addr)
		wstest.Dial(t, s.addr)
		wstest.Receive(t, s.peers, "the first connection").conn.Identified()
		wstest.Receive(t, s.peers, "the second connection").conn.Identified()
		answer := ask(t, s, "")
		refused(t, answer, http.StatusServiceUnavailable, "busy")
		if answer.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		_ = first.Conn.Close()
		wstest.Eventually(t, "the slot is free", func() bool { return s.Stats().Open.Load() == 1 })
		wstest.Dial(t, s.addr)
	})
	t.Run("closes the socket of an evicted connection at once", func(t *testing.T) {
		s := serve(t, func(c *ws.Config) {
			limited(1, 0)(c)
			c.Now = func() time.Time { return time.Now().Add(time.Hour) } // a deadline does not come
		})
		evicted := wstest.Dial(t, s.addr)
		p := wstest.Receive(t, s.peers, "the first connection")
		wstest.Dial(t, s.addr)
		if end := wstest.Receive(t, p.closed, "the end of the first connection"); end.code != ws.CloseHelloTimeout {
			t.Errorf("closed with %d, want %d", end.code, ws.CloseHelloTimeout)
		}
		wstest.Eventually(t, "only the second connection is open", func() bool { return s.Stats().Open.Load() == 1 })
		evicted.ExpectClose(ws.CloseHelloTimeout)
	})
	t.Run("bounds the connections of one address", func(t *testing.T) {
		s := serve(t, limited(0, 1))
		from := func(address string) *http.Response { return ask(t, s, "X-Forwarded-For: "+address+"\r\n") }
		for _, test := range []struct {
			address string
			in      bool
			as      string
		}{
			{"192.0.2.1", true, "192.0.2.1"},
			{"192.0.2.1:4711", false, ""},
			{"::ffff:192.0.2.1", false, ""},
			{"192.0.2.2:4711", true, "192.0.2.2"},
			{"2001:db8::1", true, "2001:db8::/64"},
			{"[2001:db8::2:1]:80", false, ""},
			{"2001:db8:0:1::1", true, "2001:db8:0:1::/64"},
		} {
			if !test.in {
				refused(t, from(test.address), http.StatusTooManyRequests, "too_many_connections")
				continue
			}
			if answer := from(test.address); answer.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("%s got status %d", test.address, answer.StatusCode)
			}
			conn := wstest.Receive(t, s.peers, "the connection").conn
			conn.Identified()
			if got := conn.Address(); got != test.as {
				t.Errorf("%s is counted as %s, want %s", test.address, got, test.as)
			}
		}
	})
	t.Run("gives the slot of a connection that has not identified itself to the next one", func(t *testing.T) {
		s := serve(t, limited(2, 0))
		wstest.Dial(t, s.addr)
		identified := wstest.Receive(t, s.peers, "the first connection").conn
		identified.Identified()
		silent := wstest.Dial(t, s.addr)
		wstest.Receive(t, s.peers, "the second connection")
		for range 3 {
			next := wstest.Dial(t, s.addr)
			wstest.Receive(t, s.peers, "the next connection")
			silent.ExpectClose(ws.CloseHelloTimeout)
			silent = next
		}
		if identified.Ended() {
			t.Error("a connection that has identified itself was closed")
		}
	})
	t.Run("does not give away the slot of a connection whose hello is handled", func(t *testing.T) {
		slow := newSlowPeer()
		s := serve(t, func(c *ws.Config) {
			limited(2, 0)(c)
			c.Open = slow.openFirst()
		})
		client := wstest.Dial(t, s.addr)
		wstest.Receive(t, slow.opened, "the first connection")
		client.SendText("hello")
		wstest.Receive(t, slow.begun, "the hello")
		silent := wstest.Dial(t, s.addr)
		wstest.Receive(t, slow.others, "the second connection")
		wstest.Dial(t, s.addr)
		wstest.Receive(t, slow.others, "the third connection").conn.Identified()
		silent.ExpectClose(ws.CloseHelloTimeout)
		slow.release <- struct{}{}
		client.SendText("another message") // does not protect the slot
		wstest.Receive(t, slow.begun, "the second message")
		wstest.Dial(t, s.addr)
		wstest.Receive(t, slow.others, "the fourth connection")
		client.ExpectClose(ws.CloseHelloTimeout)
		slow.release <- struct{}{}
	})
}

func TestUpgrade(t *testing.T) {
	t.Run("refuses requests other than WebSocket handshakes", func(t *testing.T) {
		s := serve(t, nil)
		for name, request := range map[string]string{
			"plain GET":      "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n",
			"POST":           strings.Replace(wstest.UpgradeRequest, "GET", "POST", 1) + "Content-Length: 0\r\n\r\n",
			"old version":    strings.Replace(wstest.UpgradeRequest, "Version: 13", "Version: 8", 1) + "\r\n",
			"no key":         strings.Replace(wstest.UpgradeRequest, "Sec-WebSocket-Key", "X-Key", 1) + "\r\n",
			"other protocol": strings.Replace(wstest.UpgradeRequest, "Upgrade: websocket", "Upgrade: h2c", 1) + "\r\n",
		} {
			t.Run(name, func(t *testing.T) {
				c := wstest.NewClient(t, wstest.Connect(t, s.addr, 0))
				c.Write([]byte(request)...)
				answer, err := http.ReadResponse(c.In, nil)
				if err != nil {
					t.Fatal(err)
				}
				refused(t, answer, http.StatusUpgradeRequired, "not_a_websocket")
			})
		}
	})
	t.Run("refuses a request over HTTP/2 with a response that clients can read", func(t *testing.T) {
		over := httptest.NewUnstartedServer(serve(t, nil))
		over.EnableHTTP2 = true
		over.StartTLS()
		defer over.Close()
		answer, err := over.Client().Get(over.URL + "/ws")
		if err != nil {
			t.Fatal(err)
		}
		refused(t, answer, http.StatusUpgradeRequired, "not_a_websocket")
		if field := answer.Header.Get("Upgrade"); answer.ProtoMajor != 2 || field != "" { // RFC 9113, section 8.2.2
			t.Errorf("HTTP/%d with the field Upgrade: %s", answer.ProtoMajor, field)
		}
	})
	t.Run("responds with 500 when the connection cannot be hijacked", func(t *testing.T) {
		s := serve(t, nil)
		r := httptest.NewRequest(http.MethodGet, "/ws", nil)
		for _, line := range strings.Split(strings.TrimSpace(wstest.UpgradeRequest), "\r\n")[1:] {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder() // a ResponseWriter that is no http.Hijacker
		s.ServeHTTP(w, r)
		refused(t, w.Result(), http.StatusInternalServerError, "internal")
		if n := s.Stats().Open.Load(); n != 0 {
			t.Errorf("%d connections are open, want 0", n)
		}
	})
	t.Run("works behind chi and its middleware", func(t *testing.T) {
		s := serveOn(t, wstest.Listen(t), func(h http.Handler) http.Handler {
			r := chi.NewRouter()
			r.Use(middleware.Recoverer, middleware.Compress(5), middleware.ThrottleBacklog(1, 1, time.Minute), middleware.Timeout(time.Minute))
			r.Use(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(middleware.NewWrapResponseWriter(w, r.ProtoMajor), r)
				})
			})
			r.Get("/ws", h.ServeHTTP)
			return r
		}, echoing)
		for range 3 { // the throttle counts requests and not connections, so the next request waits until the handler has returned
			c := wstest.Dial(t, s.addr)
			c.SendText("x")
			c.ExpectText("x")
		}
	})
	t.Run("passes the request to Open and sends frames from Open first", func(t *testing.T) {
		s := serve(t, func(cfg *ws.Config) {
			cfg.Open = func(c *ws.Conn, r *http.Request) ws.Peer {
				c.Send(ws.TextFrame([]byte("welcome " + r.Header.Get("X-Name"))))
				return &peer{conn: c, onText: echo, closed: make(chan ending, 1)}
			}
		})
		c := wstest.NewClient(t, wstest.Connect(t, s.addr, 0))
		c.Handshake("X-Name: 小明\r\n", wstest.MaskedFrame(wstest.Fin|wstest.OpText, "early")...)
		c.ExpectText("welcome 小明")
		c.ExpectText("early")
	})
}

// hijacker calls before each time before the connection is taken from the HTTP server.
type hijacker struct {
	http.ResponseWriter
	before func()
}

// Hijack takes the connection from the HTTP server.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.before()
	return http.NewResponseController(h.ResponseWriter).Hijack()
}

func TestShutdown(t *testing.T) {
	t.Run("closes every client with its own reconnect time, waits, and refuses new clients", func(t *testing.T) {
		s := serve(t, nil)
		var clients []*wstest.Client
		for range 20 {
			clients = append(clients, wstest.Dial(t, s.addr))
		}
		late := wstest.Connect(t, s.addr, 0)
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(t.Context()) }()
		hints := make(map[float64]bool)
		for _, c := range clients {
			var hint struct {
				RetryAfter *float64 `json:"retry_after"`
			}
			reason := c.ExpectClose(ws.CloseRestart)
			if err := json.Unmarshal([]byte(reason), &hint); err != nil || hint.RetryAfter == nil {
				t.Fatalf("reason %q: %v", reason, err)
			}
			if *hint.RetryAfter < 0 || *hint.RetryAfter > 5000 {
				t.Errorf("retry after %v", *hint.RetryAfter)
			}
			hints[*hint.RetryAfter] = true
		}
		if len(hints) < 10 {
			t.Errorf("20 clients got %d different hints", len(hints))
		}
		if err := wstest.Receive(t, done, "Shutdown to return"); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if n := s.Stats().Open.Load(); n != 0 {
			t.Errorf("%d connections are open, want 0", n)
		}
		refused(t, wstest.NewClient(t, late).Handshake(""), http.StatusServiceUnavailable, "restarting")
	})
	t.Run("waits for a client whose handshake it is answering", func(t *testing.T) {
		hijacked, answer := make(chan struct{}), make(chan struct{})
		var first sync.Once
		s := serveOn(t, wstest.Listen(t), func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(hijacker{w, func() { first.Do(func() { close(hijacked); <-answer }) }}, r)
			})
		}, nil)
		c := wstest.NewClient(t, wstest.Connect(t, s.addr, 0))
		c.Write([]byte(wstest.UpgradeRequest + "\r\n")...)
		wstest.Receive(t, hijacked, "the request of the client")
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(t.Context()) }()
		wstest.Eventually(t, "other clients are refused", func() bool {
			return wstest.NewClient(t, wstest.Connect(t, s.addr, 0)).Handshake("").StatusCode == http.StatusServiceUnavailable
		})
		select {
		case err := <-done:
			t.Fatalf("Shutdown has returned %v before the client was answered", err)
		default:
		}
		close(answer)
		if response, err := http.ReadResponse(c.In, nil); err != nil || response.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("got %v %v, want the end of the handshake", response, err)
		}
		c.ExpectClose(ws.CloseRestart)
		if err := wstest.Receive(t, done, "Shutdown to return"); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if n := s.Stats().Open.Load(); n != 0 {
			t.Errorf("%d connections are open, want 0", n)
		}
	})
	t.Run("cuts connections that have not ended when its context ends", func(t *testing.T) {
		block := make(chan struct{})
		s := serve(t, func(cfg *ws.Config) {
			cfg.Open = func(c *ws.Conn, _ *http.Request) ws.Peer {
				return &peer{conn: c, closed: make(chan ending, 1), onText: func(*peer, string) { <-block }}
			}
		})
		c := wstest.Dial(t, s.addr)
		c.SendText("block")
		wstest.Eventually(t, "the peer handles the message", func() bool { return s.Stats().FramesIn.Load() == 1 })
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := s.Shutdown(ctx); err == nil {
			t.Error("Shutdown returned nil although it cut a connection")
		}
		if opcode, _, err := c.ReadFrame(); err != nil || opcode != wstest.OpClose {
			t.Errorf("got opcode %d %v, want the close frame", opcode, err)
		}
		if _, _, err := c.ReadFrame(); err == nil {
			t.Error("the connection is not cut")
		}
		close(block)
	})
}
