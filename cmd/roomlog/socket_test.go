package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lxzan/gws"
)

// frame is a frame from a server.
type frame struct {
	Re     string          `json:"re"`
	Type   string          `json:"type"`
	Live   int64           `json:"live"`
	Pos    int64           `json:"pos"`
	Prev   int64           `json:"prev"`
	Cursor string          `json:"cursor"`
	Data   json.RawMessage `json:"data"`
}

// into decodes the data of a frame.
func into[T any](t testing.TB, f frame) (v T) {
	t.Helper()
	if err := json.Unmarshal(f.Data, &v); err != nil {
		t.Fatalf("%v in %s", err, f.Data)
	}
	return v
}

// problem is the data of an error frame.
type problem struct {
	Code       string `json:"code"`
	RetryAfter int64  `json:"retry_after"`
}

// helloReply is the data of the response to hello.
type helloReply struct {
	User    int64  `json:"user"`
	Epoch   string `json:"epoch"`
	Cursor  string `json:"cursor"`
	Balance int64  `json:"balance"`

	Expires time.Time `json:"expires"`
}

// socket is a connection in the native dialect. It keeps its frames in order.
type socket struct {
	gws.BuiltinEventHandler
	t     testing.TB
	conn  *gws.Conn
	hello helloReply

	mu      sync.Mutex
	serial  int
	waiting map[string]chan frame
	pushes  []frame
	taken   int           // number of pushes that news has returned
	changed chan struct{} // closed when the next frame arrives
	closed  chan struct{}
	code    uint16
	reason  string
}

// connect opens a socket and sends hello. since is a cursor of the user channel, or "".
func (p *person) connect(since string) *socket {
	p.t.Helper()
	s, err := p.dialFor(timeout, since)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// dial does the same as connect, but waits only replyTimeout for the reply to hello, and returns errors. Use it for
// servers that may not be running.
func (p *person) dial(since string) (*socket, error) { return p.dialFor(replyTimeout, since) }

// dialFor does the same as dial, with another timeout.
func (p *person) dialFor(most time.Duration, since string) (*socket, error) {
	s := &socket{t: p.t, waiting: map[string]chan frame{}, changed: make(chan struct{}), closed: make(chan struct{})}
	conn, _, err := gws.NewClient(s, &gws.ClientOption{Addr: "ws://" + p.at.addr + "/ws", HandshakeTimeout: timeout, ReadMaxPayloadSize: 1 << 20,
		NewDialer: func() (gws.Dialer, error) { return p.dialer(), nil }})
	if err != nil {
		return nil, err
	}
	s.conn = conn
	go conn.ReadLoop()
	p.t.Cleanup(s.cut)
	hello, err := s.askFor(most, "hello", map[string]any{"token": p.token, "since": since}, "")
	if err != nil {
		return nil, err
	}
	if hello.Type != "ok" {
		return nil, fmt.Errorf("hello got the reply %s %s", hello.Type, hello.Data)
	}
	s.hello = into[helloReply](p.t, hello)
	return s, nil
}

func (s *socket) OnMessage(_ *gws.Conn, message *gws.Message) {
	defer message.Close()
	text := bytes.TrimSpace(message.Bytes())
	var frames []frame
	if bytes.HasPrefix(text, []byte("[")) {
		if err := json.Unmarshal(text, &frames); err != nil {
			s.t.Errorf("%v in %s", err, text)
		}
	} else {
		var one frame
		if err := json.Unmarshal(text, &one); err != nil {
			s.t.Errorf("%v in %s", err, text)
		}
		frames = []frame{one}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range frames {
		if answer, ok := s.waiting[f.Re]; ok && f.Re != "" {
			delete(s.waiting, f.Re)
			answer <- f
			continue
		}
		f.Data = slices.Clone(f.Data)
		s.pushes = append(s.pushes, f)
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *socket) OnClose(_ *gws.Conn, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var closeErr *gws.CloseError
	if errors.As(err, &closeErr) {
		s.code, s.reason = closeErr.Code, string(closeErr.Reason)
	}
	close(s.closed)
}

// cut closes the TCP connection without a close frame.
func (s *socket) cut() { _ = s.conn.NetConn().Close() }

// awaitClose waits until the connection is closed. Afterwards no frame arrives.
func (s *socket) awaitClose() {
	s.t.Helper()
	awaitSignal(s.t, "the connection is closed", s.closed)
}

func (s *socket) alive() bool {
	select {
	case <-s.closed:
		return false
	default:
		return true
	}
}

// send sends a frame and returns a channel for its response.
func (s *socket) send(kind string, data any, key string) (<-chan frame, error) {
	s.mu.Lock()
	s.serial++
	id := fmt.Sprint(s.serial)
	answer := make(chan frame, 1)
	s.waiting[id] = answer
	s.mu.Unlock()
	text, err := json.Marshal(map[string]any{"id": id, "type": kind, "key": key, "data": data})
	if err != nil {
		return nil, err
	}
	return answer, s.conn.WriteString(string(text))
}

// ask sends a frame and waits for its response.
func (s *socket) ask(kind string, data any, key string) (frame, error) {
	return s.askFor(timeout, kind, data, key)
}

// askFor does the same as ask, with a timeout.
func (s *socket) askFor(most time.Duration, kind string, data any, key string) (frame, error) {
	answer, err := s.send(kind, data, key)
	if err != nil {
		return frame{}, err
	}
	select {
	case f := <-answer:
		return f, nil
	case <-s.closed:
		select {
		case f := <-answer: // the response arrived before the connection ended
			return f, nil
		default:
		}
		return frame{}, fmt.Errorf("%s: the connection was closed with code %d %s", kind, s.code, s.reason)
	case <-time.After(most):
		return frame{}, fmt.Errorf("%s got no reply", kind)
	}
}

// must sends a frame and fails the test unless the response is successful.
func (s *socket) must(kind string, data any, key string) frame {
	s.t.Helper()
	f, err := s.ask(kind, data, key)
	if err != nil {
		s.t.Fatal(err)
	}
	if f.Type != "ok" {
		s.t.Fatalf(`%s %v is answered %s %s, want "ok"`, kind, data, f.Type, f.Data)
	}
	return f
}

// heard returns all pushes that were received so far.
func (s *socket) heard() []frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pushes)
}

// await waits for a push f for which is(f) returns true.
func (s *socket) await(what string, is func(frame) bool) frame {
	s.t.Helper()
	late := time.After(timeout)
	for {
		s.mu.Lock()
		i, changed := slices.IndexFunc(s.pushes, is), s.changed
		s.mu.Unlock()
		if i >= 0 {
			return s.heard()[i]
		}
		select {
		case <-changed:
		case <-s.closed:
			s.t.Fatalf("waiting for %s: the connection was closed with code %d %s", what, s.code, s.reason)
		case <-late:
			var types []string
			for _, f := range s.heard() {
				types = append(types, fmt.Sprintf("%s@%d", f.Type, f.Pos))
			}
			s.t.Fatalf("timed out waiting for %s; got %s", what, strings.Join(types, " "))
		}
	}
}

// news returns the pushes that were received since the last call.
func (s *socket) news() []frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := slices.Clone(s.pushes[s.taken:])
	s.taken = len(s.pushes)
	return fresh
}
