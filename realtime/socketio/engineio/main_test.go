package engineio_test

import (
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"roomlog/internal/logtest"
	"roomlog/internal/settings"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

func TestMain(m *testing.M) {
	// net/http closes a connection half a second after it has refused a body.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// host is an engine behind a real HTTP server. Its sessions echo messages unless the test replaces onMessage.
type host struct {
	*engineio.Engine
	t        testing.TB
	base     string
	sessions sync.Map // sessions by id
	onOpen   func(*session)
	log      *logtest.Buffer
}

// session is the Handler of an Engine.IO session.
type session struct {
	*engineio.Session
	onMessage  func(text string)
	closed     chan string
	downgraded chan struct{} // closed by Downgraded
}

func (s *session) Message(data []byte, binary bool) {
	switch {
	case s.onMessage != nil:
		s.onMessage(string(data))
	case binary:
		s.Send(s.Binary(data))
	default:
		s.Send(ws.TextFrame(engineio.Message(data)))
	}
}

func (s *session) Closed(reason string) { s.closed <- reason }

// Downgraded records that the version has become 3.
func (s *session) Downgraded() { close(s.downgraded) }

// say sends a message.
func (s *session) say(text string) { s.Send(message(text)) }

func message(text string) *ws.Frame { return ws.TextFrame(engineio.Message([]byte(text))) }

func serve(t testing.TB, change func(*engineio.Config, *host)) *host {
	t.Helper()
	h := &host{t: t, log: &logtest.Buffer{}}
	cfg := engineio.Config{
		Now:         time.Now,
		BodyTimeout: siotest.Timeout, UpgradeTimeout: siotest.Timeout, SettleTimeout: siotest.Timeout, IdleTimeout: siotest.Timeout,
		Log:     slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Sockets: ws.Config{PushWindow: time.Millisecond},
		Open: func(s *engineio.Session) engineio.Handler {
			mine := &session{Session: s, closed: make(chan string, 1), downgraded: make(chan struct{})}
			s.Settled()
			if h.onOpen != nil {
				h.onOpen(mine)
			}
			h.sessions.Store(s.ID(), mine)
			return mine
		},
	}
	if change != nil {
		change(&cfg, h)
	}
	settings.Defaults(&cfg)
	h.Engine = engineio.New(cfg)
	h.base = siotest.Serve(t, h.Engine, "/engine.io/")
	return h
}

// dial opens a session and returns both ends of it.
func (h *host) dial(t testing.TB, o siotest.Options) (*siotest.Client, *session) {
	t.Helper()
	c := siotest.Dial(t, h.base, o)
	return c, h.session(t, c.SID())
}

// session waits for the Handler of a session.
func (h *host) session(t testing.TB, id string) *session {
	t.Helper()
	wstest.Eventually(t, "the engine has the session", func() bool { _, ok := h.sessions.Load(id); return ok })
	s, _ := h.sessions.Load(id)
	return s.(*session)
}

// get makes a request and returns the status and the body of the response.
func get(t testing.TB, method, address, body string, header http.Header) (int, string) {
	t.Helper()
	var c siotest.Client
	c.TB = t
	return c.Do(method, address, body, header)
}
