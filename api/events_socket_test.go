package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/lxzan/gws"

	"roomlog/domain"
	"roomlog/internal/waittest"
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

func (s *eventSocket) OnPong(_ *gws.Conn, payload []byte) {
	select {
	case s.pongs <- string(payload):
	default: // the test does not read it
	}
}

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
	return waittest.Receive(s, s.messages, "a message")
}

// event returns the next message with an event or an end.
func (s *eventSocket) event() line {
	s.Helper()
	for {
		text := s.text()
		if text == "" {
			s.Fatalf("the connection ended with %v, want an event", s.closed)
		}
		if l := lines(s, text)[0]; l.Type != "" || l.End != "" {
			return l
		}
	}
}

// expectEnd reads the messages until the end, and checks the close code.
func (s *eventSocket) expectEnd(code uint16) {
	s.Helper()
	for s.text() != "" {
		continue
	}
	s.expectClosed(code)
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
		if got := waittest.Receive(t, s.pongs, "the pong"); got != "are you there" {
			t.Errorf("the pong is %q", got)
		}
	})
	t.Run("a client that sends something", func(t *testing.T) {
		s := a.openSocket("?from=now")
		if err := s.WriteString("hello"); err != nil {
			t.Fatal(err)
		}
		s.expectEnd(1008)
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

// TestInvalidFramesOfReplays checks that a frame that the WebSocket library cannot handle, or too many frames, close the connection with a
// code and cause no panic.
func TestInvalidFramesOfReplays(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice").grant(domain.RoleAnalyst)
	mask := "\x01\x02\x03\x04"
	for name, test := range map[string]struct {
		send string
		code uint16
	}{
		"a length of 2^63":               {"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00" + mask, 1002},
		"a length of 2^64-1":             {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + mask, 1002},
		"a length of 2^62":               {"\x81\xff\x40\x00\x00\x00\x00\x00\x00\x00" + mask, 1009},
		"a length that would overflow":   {"\x01\x81" + mask + "x\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + mask, 1009},
		"a message above the limit":      {"\x81\xfe\x04\x01" + mask, 1009},
		"a continuation of nothing":      {"\x80\x80" + mask, 1002},
		"a message inside a message":     {"\x01\x81" + mask + "x\x81\x81" + mask + "x", 1002},
		"a frame without a mask":         {"\x81\x01x", 1002},
		"a long ping":                    {"\x89\xfe\x00\x80" + mask, 1002},
		"a fragmented close":             {"\x08\x80" + mask, 1002},
		"reserved bits":                  {"\xf1\x80" + mask, 1002},
		"a reserved opcode":              {"\x83\x80" + mask, 1002},
		"a bad frame after a good ping":  {"\x89\x80" + mask + "\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00" + mask, 1002},
		"a text that is not UTF-8":       {"\x81\x81" + mask + "\xff", 1008},
		"a binary message":               {"\x82\x81" + mask + "x", 1008},
		"empty fragments without an end": {"\x01\x80" + mask + strings.Repeat("\x00\x80"+mask, 200), 4429},
		"pings":                          {strings.Repeat("\x89\x80"+mask, 200), 4429},
		"pongs that nobody asked for":    {strings.Repeat("\x8a\x80"+mask, 200), 4429},
	} {
		t.Run(name, func(t *testing.T) {
			s := a.openSocket("?from=now")
			if _, err := s.NetConn().Write([]byte(test.send)); err != nil {
				t.Fatal(err)
			}
			s.expectEnd(test.code)
		})
	}
	if strings.Contains(d.log.String(), "panicked") {
		t.Errorf("a client caused a panic:\n%s", d.log.String())
	}
}
