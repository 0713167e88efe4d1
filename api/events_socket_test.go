package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lxzan/gws"

	"roomlog/domain"
)

// eventSocket is a WebSocket at GET /api/events.
type eventSocket struct {
	gws.BuiltinEventHandler
	testing.TB
	*gws.Conn
	messages chan string // closed after the last message
	pongs    chan string
	closed   error // how the connection ended; valid when messages is closed
}

func (s *eventSocket) OnMessage(_ *gws.Conn, m *gws.Message) {
	if m.Opcode == gws.OpcodeText {
		s.messages <- m.Data.String()
	}
	_ = m.Close()
}

func (s *eventSocket) OnPong(_ *gws.Conn, payload []byte) { s.pongs <- string(payload) }

func (s *eventSocket) OnClose(_ *gws.Conn, err error) {
	s.closed = err
	close(s.messages)
}

// openSocket connects to GET /api/events with a query. The client reads until the connection ends.
func (a account) openSocket(query string) *eventSocket {
	a.Helper()
	s := &eventSocket{TB: a, messages: make(chan string, 10_000), pongs: make(chan string, 1)}
	var err error
	s.Conn, _, err = gws.NewClient(s, &gws.ClientOption{
		Addr: "ws" + strings.TrimPrefix(a.url, "http") + "/api/events" + query, RequestHeader: http.Header{"Token": {a.Token}},
	})
	if err != nil {
		a.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ReadLoop()
	}()
	a.Cleanup(func() { _ = s.NetConn().Close(); <-done })
	return s
}

// text returns the next message, or "" after the last one.
func (s *eventSocket) text() string {
	s.Helper()
	select {
	case text := <-s.messages:
		return text
	case <-time.After(testTimeout): // time passes: only if no message arrives
		s.Fatalf("no message within %v", testTimeout)
		return ""
	}
}

// event returns the next message with an event or an end.
func (s *eventSocket) event() line {
	s.Helper()
	for {
		if l := lines(s, s.text())[0]; l.Type != "" || l.End != "" {
			return l
		}
	}
}

// expectClosed checks that no message follows, and the close code.
func (s *eventSocket) expectClosed(code uint16) {
	s.Helper()
	if text := s.text(); text != "" {
		s.Errorf("received %s, want the end", text)
	}
	var closed *gws.CloseError
	if !errors.As(s.closed, &closed) || closed.Code != code {
		s.Errorf("the connection ended with %v, want the code %d", s.closed, code)
	}
}

// TestEventsOverWebSocket reads events over a WebSocket: the same lines as NDJSON, then new events, without gap or double.
func TestEventsOverWebSocket(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b := d.account("alice"), d.account("bob")
	a.grant(domain.RoleAnalyst)
	live := b.onAir("show")
	say := func(text string) { b.command(domain.PostComment{Live: live, Text: text}) }
	for range 200 {
		say(strings.Repeat("x", 150)) // more than one chunk
	}
	want := string(a.get("/api/events").raw)

	t.Run("history", func(t *testing.T) {
		for _, query := range []string{"?follow=false", "?follow=false&format=ndjson"} {
			s := a.openSocket(query)
			var got strings.Builder
			for range strings.Count(want, "\n") {
				got.WriteString(s.text() + "\n")
			}
			if got.String() != want {
				t.Errorf("received\n%.500s\nwant\n%.500s", got.String(), want)
			}
			s.expectClosed(1000)
		}
	})
	t.Run("history and new events", func(t *testing.T) {
		s := a.openSocket("?envelope=roomlog")
		say("new")
		head, err := d.store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for position := range head {
			if l := s.event(); l.Position != position+1 {
				t.Fatalf("received position %d, want %d", l.Position, position+1)
			}
		}
		say("newer")
		if l := s.event(); l.Position != head+1 || l.Type != "comment.posted.v1" {
			t.Errorf("received %+v, want the comment at position %d", l, head+1)
		}
		if err := s.WritePing([]byte("are you there")); err != nil {
			t.Fatal(err)
		}
		if got := <-s.pongs; got != "are you there" {
			t.Errorf("the pong is %q", got)
		}
	})
	t.Run("a client that sends something", func(t *testing.T) {
		s := a.openSocket("?from=now")
		if err := s.WriteString("hello"); err != nil {
			t.Fatal(err)
		}
		for s.text() != "" {
			continue
		}
		s.expectClosed(1008)
	})
	t.Run("refused requests", func(t *testing.T) {
		upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}
		for _, query := range []string{"?format=sse", "?format=json", "?count=true", "?nonsense=1"} {
			a.get("/api/events"+query, upgrade...).expectFailure(http.StatusBadRequest, domain.CodeBadRequest, "参数错误")
		}
		a.get("/api/events", append(upgrade[:4:4], "Sec-WebSocket-Version", "12")...).expectFailure(http.StatusBadRequest, domain.CodeBadRequest, "参数错误")
		b.get("/api/events", upgrade...).expectFailure(http.StatusForbidden, domain.CodeForbidden, "您没有权限访问该接口!")
	})
	t.Run("a revoked role", func(t *testing.T) {
		s := a.openSocket("?type=order.paid.v1")
		d.operator(domain.RevokeRole{User: a.ID, Role: domain.RoleAnalyst})
		if l := s.event(); l.End != string(domain.CodeForbidden) || l.Text == "" || l.Cursor == "" {
			t.Errorf("the last message is %+v", l)
		}
		s.expectClosed(1000)
	})
}
