package socketio_test

import (
	"fmt"
	"maps"
	"net/url"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/realtimetest"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// appWith connects an app with the given keys and values in the query of the handshake.
func (w *world) appWith(o siotest.Options, handshake ...string) *app {
	w.Helper()
	o.Query = maps.Clone(o.Query)
	if o.Query == nil {
		o.Query = url.Values{}
	}
	for i := 0; i < len(handshake); i += 2 {
		o.Query.Set(handshake[i], handshake[i+1])
	}
	return w.app(o)
}

// expectEvent fails the test unless the next packet is an event with exactly these arguments.
func (a *app) expectEvent(event string, arguments string) {
	a.Helper()
	want := fmt.Sprintf("%s[%q", a.Prefix("42"), event)
	if arguments != "" {
		want += "," + arguments
	}
	a.Expect(want + "]")
}

func TestAccountChanges(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one := openWorld(t, db, true, nil)
	two := openWorld(t, db, false, func(_ *socketio.Config, c *roomsConfig) { c.PresenceGrace = time.Hour })
	live, rose := one.register("streamer").goLive(), one.AddGift("rose", "", 30)
	bob := one.register("bob")
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			ann := one.register("ann " + name)
			mine := []*app{
				one.with(t).appWith(o, "token", "Bearer "+ann.Token()),
				two.with(t).appWith(o, "token", "Bearer "+ann.Token()),
				one.with(t).appWith(o, "token", ann.Token()),
			}
			others := []*app{
				one.with(t).appWith(o, "token", "Bearer "+bob.Token()),
				one.with(t).appWith(o, "token", "Bearer null"),
				one.with(t).appWith(o, "token", "Bearer forged"),
				one.with(t).appWith(o, "token", ""),
			}
			for _, a := range append(mine, others...) {
				a.expectEvent("message", `"hello"`)
				a.Emit("message", "x")
				a.expectEvent("message", `"你好客户端, x"`)
			}
			nobody := one.with(t).app(o)
			nobody.silent() // a socket without a token gets no greeting
			change := func(c domain.Command, want string) {
				t.Helper()
				ann.Asks(c)
				for _, a := range mine {
					a.expectEvent("message", want)
				}
			}
			ann.credit(100)
			for _, a := range mine {
				a.expectEvent("message", "100")
			}
			change(domain.IncrementAge{}, "1")
			change(domain.IncrementAge{}, "2")
			change(domain.SendGift{Live: live, Gift: rose, Num: 2}, "40")
			change(domain.ChangeProfile{Nickname: new("<安>"), Avatar: new("https://cdn.example/a.png")},
				fmt.Sprintf(`{"id":%d,"username":%q,"nickname":"<安>","avatar":"https://cdn.example/a.png","coin":40}`, ann.ID, ann.Name))
			for _, a := range others {
				a.silent()
			}
		})
	}
}

func TestAccountChangesEndWithTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *socketio.Config, c *roomsConfig) { c.Renewal = time.Millisecond })
	ann := w.register("ann")
	old := w.appWith(siotest.Options{}, "token", "Bearer "+ann.Token())
	old.expectEvent("message", `"hello"`)
	ann = ann.signIn()
	fresh := w.appWith(siotest.Options{}, "token", "Bearer "+ann.Token())
	fresh.expectEvent("message", `"hello"`)
	coins := domain.Coins(0)
	wstest.Eventually(t, "the older session receives no more frames", func() bool {
		coins++
		ann.credit(1)
		fresh.expectEvent("message", fmt.Sprint(coins))
		old.Emit("message", "anything?")
		p := old.Next()
		for text := p.Text; text != `42["message","你好客户端, anything?"]`; text = old.Next().Text {
			p = siotest.Packet{}
		}
		return p.Text != ""
	})
	// The token of a sign-in session that has ended is treated like an invalid token.
	again := w.appWith(siotest.Options{}, "token", "Bearer "+realtimetest.User{ID: ann.ID, Session: "gone"}.Token())
	again.expectEvent("message", `"hello"`)
	ann.credit(1)
	fresh.expectEvent("message", fmt.Sprint(coins+1))
	again.silent()
	old.silent()
}

// TestTooManyWaitingDeltas checks that clients must reconnect if too many deltas arrive while their sign-in sessions
// are being checked.
func TestTooManyWaitingDeltas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	sockets := []*app{w.app(siotest.Options{}), w.app(siotest.Options{})}
	for _, a := range sockets {
		a.silent() // the server has registered the socket
	}
	w.server.FloodUnchecked()
	for _, a := range sockets {
		a.Ended()
	}
}

func TestEchoOfAnyArgument(t *testing.T) {
	t.Parallel()
	a := newWorld(t, nil).appWith(siotest.Options{}, "token", "Bearer null")
	a.expectEvent("message", `"hello"`)
	for argument, response := range map[string]string{
		`"<b>مرحبا 👩‍👩‍👧‍👦</b>"`: `"你好客户端, <b>مرحبا 👩‍👩‍👧‍👦</b>"`,
		`{"a":1}`: `"你好客户端, {\"a\":1}"`, `7`: `"你好客户端, 7"`, `null`: `"你好客户端, null"`,
	} {
		a.Send(`42["message",` + argument + `]`)
		a.expectEvent("message", response)
	}
	a.Send(`42["message"]`)
	a.expectEvent("message", `"你好客户端, "`)
}
