package protocol_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// TestConnect checks that clients of protocol 4 are connected without a CONNECT. They lose packets that are sent before
// they are connected.
func TestConnect(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		c := siotest.Dial(t, h.base, o)
		id := c.Connect() // Connect fails if another packet comes first.
		c.Expect(`42["auth",{}]`)
		if o.Version == 3 && id != c.SID() || o.Version == 4 && (id == c.SID() || len(id) != 20) {
			t.Errorf("session %s has the socket %s", c.SID(), id)
		}
		if h.socket(t, id).ID() != id {
			t.Errorf("the server calls it %s, want %v", h.socket(t, id).ID(), id)
		}
	})
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		c, root := h.dial(t, o)
		id, _ := c.Enter("/custom", "")
		c.Expect(`42/custom,["auth",{}]`)
		if want := "/custom#" + c.SID(); o.Version == 3 && id != want || id == root {
			t.Errorf("the socket is %s", id)
		}
		c.Send(`42/custom,["message",1]`)
		c.Expect(`42/custom,["message-back",1]`)
		c.Send(`42["message",2]`)
		c.Expect(`42["message-back",2]`)
		c.Send("41/custom")
		if why := h.left(t, id); why != "client namespace disconnect" {
			t.Errorf(`left with %s, want "client namespace disconnect"`, why)
		}
		c.Send(`42["message",3]`)
		c.Expect(`42["message-back",3]`)
		c.Enter("/custom", "") // The client connects again.
		c.Expect(`42/custom,["auth",{}]`)
	})
}

func TestConnectionMiddleware(t *testing.T) {
	t.Parallel()
	called := make(chan string, 100)
	h := serve(t, func(cfg *protocol.Config) {
		cfg.Namespaces = append(cfg.Namespaces, protocol.Namespace{Name: "/closed", Use: []func(*protocol.Socket) error{
			func(k *protocol.Socket) error { called <- k.Query().Get("from"); return nil },
			func(*protocol.Socket) error { return errors.New("closed for today") },
			func(*protocol.Socket) error { t.Error("middleware called after a refusal"); return nil },
		}})
	})
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		o.Query = map[string][]string{"from": {"home"}}
		c, _ := h.dial(t, o)
		refused, plain, unknown := `44/admin,{"content":"please retry"}`, `44/closed,"closed for today"`, `44/nope,"Invalid namespace"`
		accepted := `40/admin?token=123`
		if o.Version == 4 {
			refused = `44/admin,{"message":"not authorized","data":{"content":"please retry"}}`
			plain, unknown = `44/closed,{"message":"closed for today"}`, `44/nope,{"message":"Invalid namespace"}`
			accepted = `40/admin,{"token":"123"}`
		}
		c.Send("40/admin")
		c.Expect(refused)
		c.Send("40/closed,")
		c.Expect(plain)
		if from := wstest.Receive(t, called, "the middleware"); from != "home" {
			t.Errorf("the middleware got from=%q, want home", from)
		}
		c.Send("40/nope")
		c.Expect(unknown)
		c.Send(accepted)
		if p := c.Next(); !strings.HasPrefix(p.Text, "40/admin,") {
			t.Errorf("connected with %q", p.Text)
		}
		c.Expect(`42/admin,["auth",{"token":"123"}]`)
	})
}

func TestPacketMiddleware(t *testing.T) {
	t.Parallel()
	h := serve(t, func(cfg *protocol.Config) {
		cfg.Namespaces[0].Connected = func(k *protocol.Socket) {
			k.Use(func(e *protocol.Event) error {
				if e.Name == "secret" {
					return errors.New("not for you")
				}
				return nil
			})
			k.Use(func(e *protocol.Event) error { k.Emit("passing", e.Name); return nil })
			for _, name := range []string{"secret", "open"} {
				k.On(name, func(*protocol.Event) { k.Emit("handled", name) })
			}
		}
	})
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		c := siotest.Dial(t, h.base, o)
		c.Connect()
		c.Emit("secret")
		c.Emit("open")
		if o.Version == 3 {
			c.Expect(`44"not for you"`)
		}
		c.Expect(`42["passing","open"]`)
		c.Expect(`42["handled","open"]`)
	})
}

func TestMaxNamespaces(t *testing.T) {
	t.Parallel()
	const max = 3
	h := serve(t, func(cfg *protocol.Config) {
		cfg.MaxNamespaces = max
		for i := range 10 {
			cfg.Namespaces = append(cfg.Namespaces, protocol.Namespace{Name: fmt.Sprintf("/n%d", i)})
		}
	})
	for _, version := range []int{3, 4} {
		c, _ := h.dial(t, siotest.Options{Version: version})
		go func() {
			for i := range 10_000 {
				c.Send(fmt.Sprintf("40/n%d", i))
			}
		}()
		connected, many, unknown := 0, 0, 0
		for range 10_000 {
			switch p := c.Next(); {
			case strings.HasPrefix(p.Text, "40/"):
				connected++
			case strings.Contains(p.Text, "Too many namespaces"):
				many++
			case strings.Contains(p.Text, "Invalid namespace"):
				unknown++
			default:
				t.Fatalf("got %q", p.Text)
			}
		}
		if connected != max-1 || many != 10-connected || unknown != 9990 {
			t.Errorf("%d connected, %d too many, %d unknown", connected, many, unknown)
		}
		c.Emit("message", "still here")
		c.Expect(`42["message-back","still here"]`)
	}
}

func TestClientThatNeverConnectsIsEnded(t *testing.T) {
	t.Parallel()
	h := serve(t, func(cfg *protocol.Config) { cfg.Engine.SettleTimeout = 200 * time.Millisecond })
	c, _ := h.dial(t, siotest.Options{Version: 3}) // A client of protocol 4 connects by itself.
	for range 2 {                                  // When the second has ended, both have been checked after the timeout.
		siotest.Dial(t, h.base, siotest.Options{Version: 4}).Ended()
	}
	c.Emit("message", 1)
	c.Expect(`42["message-back",1]`)
}

// TestDisconnectAll checks that a client that the server disconnects gets the DISCONNECT packet before its connection
// ends, so that it does not reconnect.
func TestDisconnectAll(t *testing.T) {
	t.Parallel()
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		h := serve(t, nil)
		c, id := h.dial(t, o)
		custom, _ := c.Enter("/custom", "")
		c.Expect(`42/custom,["auth",{}]`)
		c.Emit("kick")
		c.Expect(fmt.Sprintf(`42[%q,"deny"]`, id))
		c.Expect("41")
		c.Expect("41/custom,")
		c.Ended()
		if why := h.left(t, custom); why != "server namespace disconnect" { // It is the last of the sockets.
			t.Errorf(`left with %s, want "server namespace disconnect"`, why)
		}
	})
}

// TestDisconnectAndCloseAreSeparateResponses checks that DISCONNECT and the close packet come in two responses: newer
// clients handle a close before the packets beside it, and would reconnect.
func TestDisconnectAndCloseAreSeparateResponses(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	var r siotest.Client
	r.TB = t
	_, body := r.Do("GET", h.base+"?EIO=4&transport=polling", "", nil)
	_, id, _ := strings.Cut(body, `"sid":"`)
	address := h.base + "?EIO=4&transport=polling&sid=" + id[:20]
	r.Do("POST", address, "40", nil)
	_, body = r.Do("GET", address, "", nil)
	_, socket, _ := strings.Cut(body, `"sid":"`)
	h.socket(t, socket[:20]).Disconnect(true)
	if why := h.left(t, socket[:20]); why != "server namespace disconnect" {
		t.Fatal(why)
	}
	for _, want := range []string{"41", "1"} {
		if _, body = r.Do("GET", address, "", nil); body != want {
			t.Errorf("got %q, want %q", body, want)
		}
	}
}

func TestDisconnectFromOneNamespace(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		c, _ := h.dial(t, o)
		id, _ := c.Enter("/custom", "")
		c.Expect(`42/custom,["auth",{}]`)
		c.Send(`42/custom,["leave"]`)
		c.Expect("41/custom,")
		h.socket(t, id).Emit("unheard")
		c.Emit("message", 1)
		c.Expect(`42["message-back",1]`)
		again, _ := c.Enter("/custom", "")
		if again == id && o.Version == 4 {
			t.Error("the client got the same socket again")
		}
	})
}

func TestSessionEndDisconnectsItsSockets(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	c, _ := h.dial(t, siotest.Options{Version: 4})
	custom, _ := c.Enter("/custom", "")
	c.Cut()
	if why := h.left(t, custom); why != "transport close" {
		t.Errorf(`left with %s, want "transport close"`, why)
	}
}
