package engineio_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// family is one emoji: 7 code points, 11 UTF-16 code units, 25 bytes.
const family = "👨‍👩‍👧‍👦"

func TestMessageRoundTrip(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		c, _ := h.dial(t, o)
		for _, text := range []string{"", "hello", "你好", "😀", "a😀b", family, "<b>&amp;</b>", "שלום", `"\u0000"`, "1:4x", strings.Repeat("長", 5000)} {
			if o.Polling && o.Version == 4 {
				text = strings.ReplaceAll(text, "\x1e", "")
			}
			c.Send("4" + text)
			c.Expect("4" + text)
		}
	})
}

func TestVersion3Payloads(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	for name, tt := range map[string]struct {
		b64          bool
		kind         string
		body, answer string
	}{
		"several, counted in UTF-16 units":  {true, "text/plain;charset=UTF-8", "3:4😀5:4" + "a😀b" + "3:4你好", "3:4😀5:4a😀b3:4你好"},
		"bytes as text":                     {true, "text/plain", "6:4hello10:b4AQIDBA==", "6:4hello10:b4AQIDBA=="},
		"bytes as text, wanted as they are": {false, "text/plain", "6:4hello10:b4AQIDBA==", "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04"},
		"octets": {false, "application/octet-stream", "\x00\x05\xff4\xf0\x9f\x98\x80\x01\x01\x02\xff\x04" + strings.Repeat("x", 11),
			"\x00\x05\xff4\xf0\x9f\x98\x80\x01\x01\x02\xff\x04" + strings.Repeat("x", 11)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := h.base + "?EIO=3&transport=polling"
			if tt.b64 {
				address += "&b64=1"
			}
			_, body := get(t, http.MethodGet, address, "", nil)
			_, id, _ := strings.Cut(body, `"sid":"`)
			address += "&sid=" + id[:20]
			if status, body := get(t, http.MethodPost, address, tt.body, http.Header{"Content-Type": {tt.kind}}); status != http.StatusOK || body != "ok" {
				t.Fatalf(`got %d %q, want %v, "ok"`, status, body, http.StatusOK)
			}
			if status, body := get(t, http.MethodGet, address, "", nil); status != http.StatusOK || body != tt.answer {
				t.Errorf("%d %q, want %q", status, body, tt.answer)
			}
		})
	}
}

func TestBinaryMessages(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	for name, tt := range map[string]struct {
		o    siotest.Options
		b64  bool
		want siotest.Packet
	}{
		"version 3":            {siotest.Options{Version: 3}, false, siotest.Packet{Bytes: []byte{4, 1, 2, 3}}},
		"version 4":            {siotest.Options{Version: 4}, false, siotest.Packet{Bytes: []byte{1, 2, 3}}},
		"version 3, with text": {siotest.Options{Version: 3}, true, siotest.Packet{Text: "b4AQID"}},
		"version 4, with text": {siotest.Options{Version: 4}, true, siotest.Packet{Text: "bAQID"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.b64 {
				tt.o.Query = map[string][]string{"b64": {"1"}}
			}
			c, _ := h.dial(t, tt.o)
			c.SendBytes([]byte{1, 2, 3})
			if p := c.Next(); p.Text != tt.want.Text || string(p.Bytes) != string(tt.want.Bytes) {
				t.Errorf("got %q %x", p.Text, p.Bytes)
			}
		})
	}
	c, _ := h.dial(t, siotest.Options{Polling: true})
	c.Send("4hello\x1ebAQIDBA==")
	c.Expect("4hello")
	c.Expect("bAQIDBA==")
}

func TestInvalidPacketEndsTheSession(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	bad := []string{"abc", "7", "9", "b!!!", "0{}", "5", "6", "\x00", "😀"}
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		direction := map[int]string{3: "3", 4: "2"}[o.Version]
		if o.Version == 4 && !o.Polling { // TestClientsThatDeclareAnotherVersion
			direction = "5probe"
		}
		for _, text := range append(bad, direction) {
			c, s := h.dial(t, o)
			c.Send(text)
			if why := wstest.Receive(t, s.closed, "the end of a session that was sent "+text); why != "parse error" && why != "transport error" {
				t.Errorf("%q ends the session with %s", text, why)
			}
			c.Ended()
			if status, _ := get(t, http.MethodGet, c.Address("polling", c.SID()), "", nil); status != http.StatusBadRequest {
				t.Errorf("%q: the session is still known, want status %v", text, http.StatusBadRequest)
			}
		}
	})
}

func TestRefusedPayloads(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, _ *host) { c.MaxPayload = 1000 })
	const text, octets = "text/plain", "application/octet-stream"
	for name, tt := range map[string]struct {
		version    int
		kind, body string
		status     int
	}{
		"nothing":                     {4, text, "", 400},
		"nothing, version 3":          {3, text, "", 400},
		"an empty packet":             {4, text, "4a\x1e", 400},
		"a length without a packet":   {3, text, "2:4", 400},
		"a length of nothing":         {3, text, "0:", 400},
		"a negative length":           {3, text, "-1:4", 400},
		"a length that is no number":  {3, text, "x:4", 400},
		"no length":                   {3, text, "4hello", 400},
		"a length without end":        {3, text, strings.Repeat("1", 500), 400},
		"a huge length":               {3, text, "999999999:4", 400},
		"half a character":            {3, text, "2:4😀", 400},
		"octets without an end":       {3, octets, "\x00\x01\x01\x01", 400},
		"octets without a length":     {3, octets, "\x00\xff4", 400},
		"octets of an unknown kind":   {3, octets, "\x02\x01\xff4", 400},
		"octets with bad digits":      {3, octets, "\x00\x0b\xff4", 400},
		"more octets than there are":  {3, octets, "\x00\x09\x09\x09\xff4", 400},
		"a packet of an unknown type": {3, octets, "\x01\x01\xff\x09", 400},
		"a body that is too large":    {4, text, "4" + strings.Repeat("x", 1000), 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := h.dial(t, siotest.Options{Version: tt.version, Polling: true})
			status, body := get(t, http.MethodPost, c.Address("polling", c.SID()), tt.body, http.Header{"Content-Type": {tt.kind}})
			if status != tt.status {
				t.Errorf("got %d %s, want %d", status, body, tt.status)
			}
			wstest.Receive(t, s.closed, "the end")
		})
	}
}

func TestPacketRateLimit(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, _ *host) { c.Sockets.FrameRate, c.Sockets.FrameBurst = 0.01, 50 })
	polled, s := h.dial(t, siotest.Options{Polling: true})
	flood := strings.TrimSuffix(strings.Repeat("4x\x1e", 51), "\x1e")
	if status, body := get(t, http.MethodPost, polled.Address("polling", polled.SID()), flood, nil); status != http.StatusTooManyRequests {
		t.Errorf("a flood gets the response %d %s, want %v", status, body, http.StatusTooManyRequests)
	}
	wstest.Receive(t, s.closed, "the end")
	socket, s := h.dial(t, siotest.Options{})
	for range 60 {
		socket.Send("4x")
	}
	wstest.Receive(t, s.closed, "the end")
	socket.Ended()
}

// TestManyPacketsInOnePOST checks that a POST may contain more packets than a client may otherwise send at once: a
// client that polls sends everything that it collected during its previous request.
func TestManyPacketsInOnePOST(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	p := h.poller(t, "3")
	const count = 600 // more than a client may send at once
	var body strings.Builder
	for i := range count {
		fmt.Fprintf(&body, "%d:4<%d>%s", 3+len(fmt.Sprint(i))+1000, i, strings.Repeat("x", 1000))
	}
	if status, answer := get(t, http.MethodPost, p.address, body.String(), nil); status != http.StatusOK || answer != "ok" {
		t.Fatalf("a POST of %d bytes gets the response %d %s", body.Len(), status, answer)
	}
	for next := 0; next < count; {
		status, answer := p.get()
		if status != http.StatusOK {
			t.Fatalf("got %d after %d messages", status, next)
		}
		for ; strings.Contains(answer, fmt.Sprintf("<%d>", next)); next++ {
		}
	}
}

func TestMaxPayload(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, _ *host) { c.MaxPayload = 1000 })
	c, s := h.dial(t, siotest.Options{})
	c.Send("4" + strings.Repeat("x", 999))
	c.Expect("4" + strings.Repeat("x", 999))
	c.Send("4" + strings.Repeat("x", 1000))
	wstest.Receive(t, s.closed, "the end")
}

// TestDefaultMaxPayload sends a packet of the largest size that the defaults permit, and one of a byte more.
func TestDefaultMaxPayload(t *testing.T) {
	t.Parallel()
	const most = 1_000_000
	h := serve(t, nil)
	t.Run("websocket", func(t *testing.T) {
		c, s := h.dial(t, siotest.Options{})
		c.Send("4" + strings.Repeat("x", most-1))
		c.Expect("4" + strings.Repeat("x", most-1))
		c.Send("4" + strings.Repeat("x", most))
		wstest.Receive(t, s.closed, "the end")
	})
	t.Run("polling", func(t *testing.T) {
		if status, answer := get(t, http.MethodPost, h.poller(t, "4").address, "4"+strings.Repeat("x", most-1), nil); status != http.StatusOK {
			t.Errorf("a body of %d bytes: status %d, %s", most, status, answer)
		}
		if status, _ := get(t, http.MethodPost, h.poller(t, "4").address, "4"+strings.Repeat("x", most), nil); status < 400 {
			t.Errorf("a body of %d bytes: status %d", most+1, status)
		}
	})
}

func TestMessagesAreHandledInOrder(t *testing.T) {
	t.Parallel()
	heard := make(chan string, 1000)
	inside := make(chan struct{}, 1)
	h := serve(t, func(c *engineio.Config, h *host) {
		c.Sockets.FrameRate = -1
		h.onOpen = func(s *session) {
			s.onMessage = func(text string) {
				select {
				case inside <- struct{}{}:
				default:
					t.Error("two messages at once")
				}
				heard <- text
				<-inside
			}
		}
	})
	c, _ := h.dial(t, siotest.Options{Polling: true})
	const each = 100
	for i := range each {
		c.Send(fmt.Sprintf("4%d", i))
	}
	c.Upgrade()
	for i := range each {
		c.Send(fmt.Sprintf("4%d", each+i))
	}
	for i := range 2 * each {
		if got := wstest.Receive(t, heard, "a message"); got != fmt.Sprint(i) {
			t.Fatalf("message %d was received as number %s", i, got)
		}
	}
}

func TestPanicEndsItsSessionOnly(t *testing.T) {
	t.Parallel()
	h := serve(t, func(_ *engineio.Config, h *host) {
		h.onOpen = func(s *session) {
			s.onMessage = func(text string) {
				if text == "panic" {
					panic("on purpose")
				}
				s.say(text)
			}
		}
	})
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		other, _ := h.dial(t, o)
		c, s := h.dial(t, o)
		c.Send("4panic")
		wstest.Receive(t, s.closed, "the end")
		c.Ended()
		other.Send("4fine")
		other.Expect("4fine")
	})
}
