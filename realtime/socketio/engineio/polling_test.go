package engineio_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"roomlog/internal/clocktest"
	"roomlog/internal/httpserver"
	"roomlog/internal/limit"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// poller is a polling session whose GETs and POSTs the test makes.
type poller struct {
	*session
	t       testing.TB
	address string
}

func (h *host) poller(t testing.TB, version string) poller {
	t.Helper()
	address := h.base + "?b64=1&transport=polling&EIO=" + version
	status, body := get(t, http.MethodGet, address, "", nil)
	_, id, _ := strings.Cut(body, `"sid":"`)
	if status != http.StatusOK || len(id) < 20 {
		t.Fatalf("opened with %d %s", status, body)
	}
	return poller{h.session(t, id[:20]), t, address + "&sid=" + id[:20]}
}

func (p poller) get() (int, string) {
	p.t.Helper()
	return get(p.t, http.MethodGet, p.address, "", nil)
}

// waiting makes a GET and returns once the GET waits for frames.
func (p poller) waiting() <-chan string {
	p.t.Helper()
	answer := make(chan string, 1)
	go func() {
		_, body := p.get()
		answer <- body
	}()
	wstest.Eventually(p.t, "the GET waits", p.Waits)
	return answer
}

// TestWaitingGETGivesWay checks that a GET that waits for frames gives the slot of its connection to another client.
func TestWaitingGETGivesWay(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	p := h.poller(t, "4")
	slots := limit.NewSlots(1, 0, nil)
	server := httpserver.New(httpserver.Config{Handler: h.Engine, Slots: slots, Now: time.Now})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-ended })
	_, path, _ := strings.Cut(strings.TrimPrefix(p.address, "http://"), "/")
	dial := func(request string) net.Conn {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		fmt.Fprint(conn, request)
		return conn
	}
	dial("GET /" + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	wstest.Eventually(t, "the GET waits", p.Waits)
	if answer, err := io.ReadAll(dial("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")); err != nil || len(answer) == 0 {
		t.Errorf("another client was not served: %v", err)
	}
}

func TestConcurrentGETsEndTheSession(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	p := h.poller(t, "4")
	first := p.waiting()
	if status, body := p.get(); status != http.StatusBadRequest {
		t.Errorf("the second GET gets the response %d %s, want %v", status, body, http.StatusBadRequest)
	}
	if body := wstest.Receive(t, first, "the first answer"); body != "1" {
		t.Errorf("the first GET gets the response %q, want a close", body)
	}
	if status, _ := p.get(); status != http.StatusBadRequest {
		t.Error("the session is still known")
	}
}

func TestConcurrentPOSTsEndTheSession(t *testing.T) {
	t.Parallel()
	inside, done := make(chan struct{}), make(chan struct{})
	h := serve(t, func(_ *engineio.Config, h *host) {
		h.onOpen = func(s *session) { s.onMessage = func(string) { close(inside); <-done } }
	})
	p := h.poller(t, "4")
	go get(t, http.MethodPost, p.address, "4slow", nil)
	wstest.Receive(t, inside, "the first message")
	if status, body := get(t, http.MethodPost, p.address, "4second", nil); status != http.StatusBadRequest {
		t.Errorf("the second POST gets the response %d %s, want %v", status, body, http.StatusBadRequest)
	}
	close(done)
	wstest.Receive(t, p.closed, "the end")
}

func TestCancelledGETEndsTheSession(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	p := h.poller(t, "3")
	ctx, hangUp := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, p.address, nil)
	go func() {
		if a, err := http.DefaultClient.Do(r); err == nil {
			_ = a.Body.Close()
		}
	}()
	wstest.Eventually(t, "the GET waits", p.Waits)
	hangUp()
	if why := wstest.Receive(t, p.closed, "the end"); why != "transport close" {
		t.Errorf(`ended with %s, want "transport close"`, why)
	}
}

// TestBacklogIsPolledBeforeTheClosePacket checks that the close packet comes in its own response: a client handles it
// before the other messages of the same response.
func TestBacklogIsPolledBeforeTheClosePacket(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	for version, want := range map[string][]string{"3": {"6:4first5:4last", "1:1"}, "4": {"4first\x1e4last", "1"}} {
		p := h.poller(t, version)
		p.say("first")
		p.say("last")
		p.Close()
		p.say("too late")
		for _, body := range want {
			if status, got := p.get(); status != http.StatusOK || got != body {
				t.Errorf("version %s: got %d %q, want %q", version, status, got, body)
			}
		}
		if status, _ := p.get(); status != http.StatusBadRequest {
			t.Errorf("version %s: the session is still known, want status %v", version, http.StatusBadRequest)
		}
	}
	p := h.poller(t, "4")
	answer := p.waiting()
	p.say("last")
	p.Close()
	if body := wstest.Receive(t, answer, "the answer"); body != "4last" {
		t.Errorf(`the waiting GET gets the response %q, want "4last"`, body)
	}
	if _, body := p.get(); body != "1" {
		t.Errorf(`then with %q, want "1"`, body)
	}
}

func TestLastPacketTimeout(t *testing.T) {
	t.Parallel()
	clock := clocktest.New()
	h := serve(t, func(c *engineio.Config, _ *host) {
		c.Now, c.Sockets.PingInterval = clock.Now, time.Hour
		c.PingTimeout = 8 * time.Millisecond // It determines the interval of the checks.
	})
	p := h.poller(t, "4")
	p.say("last")
	p.Close()
	clock.Forward(time.Minute)
	wstest.Eventually(t, "the engine has forgotten the session", func() bool { return h.Stats().QueuedBytes.Load() == 0 })
	if status, body := p.get(); status != http.StatusBadRequest {
		t.Errorf("got %d %s", status, body)
	}
}

func TestClientClosesItsSession(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		c, s := h.dial(t, o)
		c.Send("1")
		if why := wstest.Receive(t, s.closed, "the end"); why != "transport close" {
			t.Errorf(`ended with %s, want "transport close"`, why)
		}
		c.Ended()
	})
}

func TestSlowPollingEndsTheSession(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, _ *host) { c.BacklogBytes = 10_000 })
	text := strings.Repeat("x", 1000)
	p := h.poller(t, "4")
	for range 100 {
		p.Send(ws.DroppableFrame(engineio.Message([]byte(text)), ws.Span{}))
		p.Send(ws.LatestFrame(engineio.Message([]byte("gauge")), "gauge"))
	}
	p.say("must arrive")
	_, body := p.get()
	if strings.Count(body, "gauge") != 1 || strings.Count(body, text) > 10 || !strings.Contains(body, "must arrive") {
		t.Errorf("got %d bytes: %d gauges, %d droppable", len(body), strings.Count(body, "gauge"), strings.Count(body, text))
	}
	for range 30 {
		p.say(text)
	}
	// What waited is delivered, and then the end.
	for body := ""; body != "1"; {
		var status int
		if status, body = p.get(); status != http.StatusOK {
			t.Fatalf("got %d %s before the close packet", status, body)
		}
	}
	if why := wstest.Receive(t, p.closed, "the end"); why != "transport error" {
		t.Errorf(`ended with %s, want "transport error"`, why)
	}
	if n := h.Stats().QueuedBytes.Load(); n != 0 {
		t.Errorf("%d bytes are still queued, want 0", n)
	}
}

// TestUnreadResponseEndsTheSession checks that a client that does not read its response does not block the goroutine
// for ever.
func TestUnreadResponseEndsTheSession(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *engineio.Config, _ *host) { c.BodyTimeout = 2 * time.Second })
	p := h.poller(t, "4")
	p.say(strings.Repeat("x", 32<<20)) // This is more than all buffers hold.
	at, err := url.Parse(p.address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", at.RequestURI())
	if why := wstest.Receive(t, p.closed, "the end"); why != "transport close" {
		t.Errorf(`ended with %s, want "transport close"`, why)
	}
}

// TestMegabyteWaitsForAPollingClient checks that a megabyte waits for a client that has not polled for some time.
func TestMegabyteWaitsForAPollingClient(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	for _, version := range []string{"3", "4"} {
		p := h.poller(t, version)
		const count = 1000
		for i := range count {
			p.Send(ws.DroppableFrame(engineio.Message(fmt.Appendf(nil, "<%d>%s", i, strings.Repeat("x", 900))), ws.Span{}))
		}
		next := 0
		for next < count {
			status, body := p.get()
			if status != http.StatusOK || len(body) > 80<<10 {
				t.Fatalf("got %d with %d bytes, %d messages arrived", status, len(body), next)
			}
			for ; strings.Contains(body, fmt.Sprintf("<%d>", next)); next++ {
			}
		}
	}
}

func TestLargeBacklogIsSplit(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	p := h.poller(t, "4")
	var frames []*ws.Frame
	for range 20 {
		frames = append(frames, message(strings.Repeat("x", 8<<10)))
	}
	p.Send(frames...)
	total := 0
	for polls := 0; total < 20; polls++ {
		_, body := p.get()
		if len(body) > 80<<10 || polls > 3 {
			t.Fatalf("answer %d has %d bytes", polls, len(body))
		}
		total += strings.Count(body, "\x1e") + 1
	}
}
