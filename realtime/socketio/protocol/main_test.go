package protocol_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"roomlog/internal/settings"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is a server behind a real HTTP server. converse registers the handlers of its sockets.
type host struct {
	*protocol.Server
	base    string
	sockets sync.Map      // sockets by id
	gone    sync.Map      // for each socket id, a channel of the reasons for which sockets disconnected
	answers chan []string // arguments of the acknowledgements
}

func serve(t testing.TB, change func(*protocol.Config)) *host {
	t.Helper()
	h := &host{answers: make(chan []string, 100)}
	cfg := protocol.Config{
		Engine: engineio.Config{Now: time.Now, BodyTimeout: siotest.Timeout, Sockets: ws.Config{FrameRate: -1, PushWindow: time.Millisecond}},
		Namespaces: []protocol.Namespace{
			{Name: "/", Connected: h.converse},
			{Name: "/custom", Connected: h.converse},
			{Name: "/admin", Connected: h.converse, Use: []func(*protocol.Socket) error{admins}},
		},
	}
	if change != nil {
		change(&cfg)
	}
	settings.Defaults(&cfg)
	h.Server = protocol.New(cfg)
	h.base = siotest.Serve(t, h.Server, "/socket.io/")
	return h
}

// admins admits sockets with the right token and refuses others with data.
func admins(k *protocol.Socket) error {
	var payload struct{ Token string }
	if json.Unmarshal(k.Auth(), &payload) != nil || payload.Token != "123" {
		return &protocol.Refusal{Message: "not authorized", Data: map[string]string{"content": "please retry"}}
	}
	return nil
}

func (h *host) converse(k *protocol.Socket) {
	h.sockets.Store(k.ID(), k)
	k.Emit("auth", k.Auth())
	k.OnDisconnect(func(reason string) { h.ends(k.ID()) <- reason })
	k.On("message", func(e *protocol.Event) { k.Emit("message-back", h.values(e)...) })
	k.On("message-with-ack", func(e *protocol.Event) {
		e.Acknowledge(h.values(e)...)
		e.Acknowledge("twice")
	})
	k.On("own", func(e *protocol.Event) { k.Emit(k.ID(), h.values(e)...) })
	k.On("ask", func(e *protocol.Event) { k.EmitWithAck(h.answered, "question", h.values(e)...) })
	k.On("leave", func(*protocol.Event) { k.Disconnect(false) })
	k.On("kick", func(*protocol.Event) {
		k.Emit(k.ID(), "deny")
		k.Disconnect(true)
		k.Emit("too late")
	})
}

func (h *host) answered(e *protocol.Event) {
	var texts []string
	for _, a := range e.Arguments {
		texts = append(texts, string(a))
	}
	h.answers <- texts
}

func (h *host) values(e *protocol.Event) []any {
	values, err := e.Values()
	if err != nil {
		return []any{err.Error()}
	}
	return values
}

// socket returns the server's end of a socket. It waits for the socket, because a client may know its id before the
// server has called converse.
func (h *host) socket(t testing.TB, id string) *protocol.Socket {
	t.Helper()
	var k any
	wstest.Eventually(t, "the server has the socket "+id, func() (ok bool) {
		k, ok = h.sockets.Load(id)
		return ok
	})
	return k.(*protocol.Socket)
}

// dial connects to the default namespace.
func (h *host) dial(t testing.TB, o siotest.Options) (*siotest.Client, string) {
	t.Helper()
	c := siotest.Dial(t, h.base, o)
	id := c.Connect()
	c.Event("auth")
	return c, id
}

// left waits until a socket has disconnected and returns the reason.
func (h *host) left(t testing.TB, id string) string {
	t.Helper()
	return wstest.Receive(t, h.ends(id), "the end of "+id)
}

// ends returns the channel of the reasons for which sockets with an id disconnected.
func (h *host) ends(id string) chan string {
	reasons, _ := h.gone.LoadOrStore(id, make(chan string, 100))
	return reasons.(chan string)
}
