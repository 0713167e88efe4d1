package engineio_test

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"roomlog/internal/limit"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

func TestHandshake(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, _ *host) { c.MaxPayload = 1e6 })
	for _, address := range []string{"?transport=polling", "?EIO=3&transport=polling", "?EIO=4&transport=polling"} {
		status, body := get(t, http.MethodGet, h.base+address, "", nil)
		_, text, _ := strings.Cut(body, "0{")
		var got map[string]any
		if err := json.Unmarshal([]byte("{"+text), &got); status != http.StatusOK || err != nil {
			t.Fatalf("%s: got %d %s, want %v", address, status, body, http.StatusOK)
		}
		if len(got) != 5 || len(got["sid"].(string)) != 20 || got["pingInterval"] != 25000. || got["pingTimeout"] != 20000. || got["maxPayload"] != 1e6 ||
			len(got["upgrades"].([]any)) != 1 || got["upgrades"].([]any)[0] != "websocket" {
			t.Errorf("%s: opened with %s", address, body)
		}
	}
	c := siotest.Dial(t, h.base, siotest.Options{Version: 3})
	c.Send("4over WebSocket")
	c.Expect("4over WebSocket")
}

func TestHandshakeOverWebSocketOffersNoUpgrade(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	for _, version := range []int{3, 4} {
		c, s := h.dial(t, siotest.Options{Version: version})
		if s.ID() != c.SID() || c.Upgrades != 0 {
			t.Errorf("session %s opened as %s with %d upgrades", s.ID(), c.SID(), c.Upgrades)
		}
	}
}

// TestHandshakeAcceptsNoCompression checks that the server refuses compression and that sessions work without it:
// clients offer compression even if they do not keep the decompression window across messages.
func TestHandshakeAcceptsNoCompression(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, _ *host) { c.Sockets.Deflate = true })
	address, err := url.Parse(h.base)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request, err := http.NewRequest(http.MethodGet, h.base+"?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"IHfMdf8a0aQXbwQO1pkGdA=="}, "Sec-Websocket-Extensions": {"permessage-deflate; client_max_window_bits"}}
	if err := request.Write(conn); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if accepted := response.Header.Get("Sec-Websocket-Extensions"); response.StatusCode != http.StatusSwitchingProtocols || accepted != "" {
		t.Errorf(`status %d, accepted extensions %q, want %v, ""`, response.StatusCode, accepted, http.StatusSwitchingProtocols)
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, _ *host) {
		c.Sockets.Origins = ws.Origins{"https://app.example"}
	})
	polled, _ := h.dial(t, siotest.Options{Version: 4, Polling: true})
	socket, _ := h.dial(t, siotest.Options{Version: 3})
	upgrade := http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"IHfMdf8a0aQXbwQO1pkGdA=="}}
	for name, tt := range map[string]struct {
		method, query string
		header        http.Header
		status, code  int
	}{
		"no transport":                             {"GET", "EIO=4", nil, 400, 0},
		"a transport that is not spoken":           {"GET", "EIO=4&transport=webtransport", nil, 400, 0},
		"an unknown session":                       {"GET", "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", nil, 400, 1},
		"an unknown session, a POST":               {"POST", "EIO=3&transport=polling&sid=x", nil, 400, 1},
		"an unknown session over WebSocket":        {"GET", "EIO=4&transport=websocket&sid=x", upgrade, 400, 1},
		"a handshake by POST":                      {"POST", "EIO=4&transport=polling", nil, 400, 2},
		"a handshake by PUT":                       {"PUT", "EIO=3&transport=polling", nil, 400, 2},
		"a PUT to a session":                       {"PUT", "EIO=4&transport=polling&sid=" + polled.SID(), nil, 400, 3},
		"WebSocket without an upgrade":             {"GET", "EIO=4&transport=websocket", nil, 400, 3},
		"polling with an upgrade":                  {"GET", "EIO=4&transport=polling", upgrade, 400, 3},
		"polling a session with an upgrade":        {"GET", "EIO=4&transport=polling&sid=" + polled.SID(), upgrade, 400, 3},
		"a session without an upgrade":             {"GET", "EIO=4&transport=websocket&sid=" + polled.SID(), nil, 400, 3},
		"JSONP":                                    {"GET", "EIO=3&transport=polling&j=0", nil, 400, 3},
		"polling a session over WebSocket":         {"GET", "EIO=3&transport=polling&sid=" + socket.SID(), nil, 400, 3},
		"posting to a session over WebSocket":      {"POST", "EIO=3&transport=polling&sid=" + socket.SID(), nil, 400, 3},
		"an origin that may not come":              {"GET", "EIO=4&transport=polling", http.Header{"Origin": {"https://evil.example"}}, 403, 4},
		"an origin that may not come to a session": {"GET", "EIO=4&transport=polling&sid=" + polled.SID(), http.Header{"Origin": {"null"}}, 403, 4},
		"a version that is a word":                 {"GET", "EIO=three&transport=polling", nil, 400, 5},
		"version 2":                                {"GET", "EIO=2&transport=polling", nil, 400, 5},
		"version 5":                                {"GET", "EIO=5&transport=websocket", upgrade, 400, 5},
		"a version that is no number":              {"GET", "EIO=abc&transport=polling", nil, 400, 5},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := get(t, tt.method, h.base+"?"+tt.query, "", tt.header)
			var got struct {
				Code    *int
				Message string
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil || got.Code == nil || status != tt.status || *got.Code != tt.code || got.Message == "" {
				t.Errorf("got %d %s, want %d with code %d", status, body, tt.status, tt.code)
			}
		})
	}
	// The sessions work without compression.
	for _, c := range []*siotest.Client{polled, socket} {
		c.Send("4still here")
		c.Expect("4still here")
	}
}

// TestSessionIDOpensItsTransportOnly checks that the id of a session opens it only on its own transport: other users
// can see the id.
func TestSessionIDOpensItsTransportOnly(t *testing.T) {
	t.Parallel()
	for name, upgrades := range map[string]bool{"opened over WebSocket": false, "upgraded to WebSocket": true} {
		for _, version := range []int{3, 4} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := serve(t, nil)
				c, _ := h.dial(t, siotest.Options{Version: version, Polling: upgrades})
				if upgrades {
					c.Upgrade()
					c.Send("4moved")
					c.Expect("4moved")
				}
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					if status, body := get(t, method, c.Address("polling", c.SID()), "4forged", nil); status != http.StatusBadRequest {
						t.Errorf("%s: got %d %s, want %v", method, status, body, http.StatusBadRequest)
					}
				}
				other := c.Second() // opens a second connection for the same session
				other.Ended()
				c.Send("4mine")
				c.Expect("4mine")
			})
		}
	}
}

func TestMaxPolling(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, _ *host) { c.MaxPolling = 2 })
	first, one := h.dial(t, siotest.Options{Polling: true})
	h.dial(t, siotest.Options{Polling: true})
	if status, body := get(t, http.MethodGet, h.base+"?EIO=4&transport=polling", "", nil); status != http.StatusServiceUnavailable {
		t.Fatalf("the third gets the response %d %s, want %v", status, body, http.StatusServiceUnavailable)
	}
	first.Upgrade() // afterwards the client no longer polls
	wstest.Eventually(t, "a slot is free", func() bool { return h.Polling() == 1 })
	_, third := h.dial(t, siotest.Options{Polling: true})
	one.Close()
	third.Close()
	wstest.Eventually(t, "both slots are free", func() bool { return h.Polling() == 1 })
}

// TestSilentPollingClientsGiveWay checks that clients that open sessions and do not poll keep no other client out, even
// if their sessions are settled. A client that polls keeps its session.
func TestSilentPollingClientsGiveWay(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, _ *host) { c.MaxPolling, c.IdleTimeout = 3, 5*time.Second })
	c, polls := h.dial(t, siotest.Options{Polling: true})
	for range 2 {
		if status, body := get(t, http.MethodGet, h.base+"?EIO=4&transport=polling", "", nil); status != http.StatusOK {
			t.Fatalf("a handshake gets the response %d %s", status, body)
		}
	}
	for range 2 {
		wstest.Eventually(t, "a new client is admitted", func() bool {
			status, _ := get(t, http.MethodGet, h.base+"?EIO=4&transport=polling", "", nil)
			return status == http.StatusOK
		})
	}
	c.Send("4still here")
	c.Expect("4still here")
	if polls.Ended() || h.Polling() != 3 {
		t.Errorf("the client that polls was disconnected: %v; %d sessions, want 3", polls.Ended(), h.Polling())
	}
}

func TestPollingSessionsTakeConnectionSlots(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, _ *host) { c.Sockets.Limiter = limit.Clients{Slots: limit.NewSlots(0, 1, nil)} })
	_, one := h.dial(t, siotest.Options{Polling: true})
	if status, body := get(t, http.MethodGet, h.base+"?EIO=4&transport=polling", "", nil); status != http.StatusTooManyRequests {
		t.Fatalf("the second of an address gets the response %d %s, want %v", status, body, http.StatusTooManyRequests)
	}
	if _, err := siotest.Try(t, h.base, siotest.Options{}); err == nil {
		t.Fatal("the second of an address is let in over WebSocket")
	}
	if h.Polling() != 1 {
		t.Errorf("%d sessions are counted, want 1", h.Polling())
	}
	one.Close()
	wstest.Receive(t, one.closed, "the end")
	wstest.Eventually(t, "the slot is free", func() bool {
		c, err := siotest.Try(t, h.base, siotest.Options{})
		if err == nil {
			c.Cut()
		}
		return err == nil
	})
}

func TestTokensAreNotLogged(t *testing.T) {
	t.Parallel()
	h := serve(t, func(_ *engineio.Config, h *host) {
		h.onOpen = func(s *session) { s.onMessage = func(string) { panic("a fault") } }
	})
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		o.Query = map[string][]string{"token": {"s3cr3t token"}}
		c, _ := h.dial(t, o)
		c.Send("4go")
		c.Ended()
	})
	t.Cleanup(func() {
		if got := h.log.String(); !strings.Contains(got, "a fault") || strings.Contains(got, "s3cr3t") {
			t.Errorf("the log must report the fault without secrets, got: %s", got)
		}
	})
}
