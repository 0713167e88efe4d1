package socketio_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/limit"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
)

// TestExchangeWithoutARoom checks that a message to 群聊 of a socket without a chat room reaches everybody in the
// namespace, on all nodes, and nobody else.
func TestExchangeWithoutARoom(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one := openWorld(t, db, true, nil)
	two := openWorld(t, db, false, func(c *socketio.Config, r *roomsConfig) { c.GuestChat, r.PresenceGrace = true, time.Hour })
	live := one.register("streamer").goLive()
	one.chatRoom("demo")
	ann := one.register("ann")
	for _, name := range []string{"/", namespace} {
		viewer := two.app(in(siotest.Options{Version: 4, Polling: true}, name))
		viewer.joins(one.register("viewer of "+strings.ReplaceAll(name, "/", "x")), live)
		roommate := one.attends(in(siotest.Options{}, name), "demo")
		account := two.app(in(siotest.Options{Query: map[string][]string{"token": {"Bearer " + ann.Token()}}}, name))
		account.Event("message")
		outside := one.app(in(siotest.Options{}, map[string]string{"/": namespace, namespace: "/"}[name]))
		for kind, o := range siotest.Kinds() {
			t.Run(kind+" in "+strings.ReplaceAll(name, "/", "x"), func(t *testing.T) {
				author := two.with(t).app(in(o, name))
				text := "<b>" + kind + "</b> 你好😀"
				author.Emit("exchange", says("群聊", " "+text+" "))
				shown := ""
				for _, c := range []*app{viewer, roommate, account} {
					got, _ := push[exchanged](c, "群聊")
					if got.Data.Action != "exchange" || !strings.Contains(string(got.Data.Payload), "你好😀") || got.Meta.Target != "群聊" || got.Meta.Timestamp < 1e12 {
						t.Errorf("got the message %+v", got)
					}
					shown = got.Meta.Client
				}
				if secret := o.Version == 3 && o.Polling; secret != (shown != author.id) {
					t.Errorf("%s is shown as %s", author.id, shown)
				}
				author.nothing()
				outside.nothing()
				// Everybody can reply to the author, and the author to them.
				for _, c := range []*app{viewer, roommate, account} {
					c.Emit("exchange", says(shown, "for you"))
					got, _ := push[exchanged](author, author.id)
					if got.Meta.Client != c.id || string(got.Data.Payload) != `{"msg":"for you"}` || got.Meta.Target != author.id {
						t.Errorf("got the message %+v", got)
					}
					author.Emit("exchange", says(c.id, "and for you"))
					if got, _ := push[exchanged](c, c.id); got.Meta.Client != shown || got.Meta.Target != c.id {
						t.Errorf("got the message %+v", got)
					}
				}
				for _, target := range []any{nil, "", "online", "message", strings.Repeat("x", 65), "nobody", 7} {
					author.Emit("exchange", map[string]any{"target": target, "payload": map[string]any{"msg": "forged"}})
				}
				author.Emit("exchange", map[string]any{"target": "群聊", "payload": map[string]any{"msg": ""}})
				author.refused("消息不能为空")
				for _, c := range []*app{author, roommate, account, outside} {
					c.nothing()
				}
				author.goes(o)
			})
		}
		for _, c := range []*app{viewer, roommate, account, outside} {
			c.Cut()
		}
	}
	for _, e := range events[domain.MessageExchanged](one) {
		if (e.Namespace == "") == (e.ToConnection == "") || e.Participant == 0 {
			t.Errorf("the log has %+v", e)
		}
	}
}

// TestViewerIsATarget checks that a viewer of a live receives a message to the id that the viewer list shows, also
// while the viewer polls. A secret id must not be a target.
func TestViewerIsATarget(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one, two := openWorld(t, db, true, nil), openWorld(t, db, false, func(_ *socketio.Config, c *roomsConfig) { c.PresenceGrace = time.Hour })
	live := one.register("streamer").goLive()
	one.chatRoom("demo")
	author := one.attends(siotest.Options{}, "demo")
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			user := one.register("v" + strings.Map(func(r rune) rune { return map[bool]rune{true: r, false: '-'}[r != '/'] }, name))
			for i, w := range []*world{one, two} {
				viewer := w.with(t).app(o)
				viewer.joins(user, live)
				watcher := w.with(t).app(siotest.Options{})
				list := watcher.joins(w.register(user.Name+string(rune('0'+i))), live)
				shown := list.Clients[slices.IndexFunc(list.Clients, func(id string) bool { return id != watcher.id })]
				if o.Version == 3 && o.Polling {
					author.Emit("exchange", says(viewer.id, "by the secret id"))
				}
				author.Emit("exchange", says(shown, "to a viewer"))
				got, _ := push[exchanged](viewer, viewer.id)
				if got.Meta.Client != author.id || string(got.Data.Payload) != `{"msg":"to a viewer"}` || got.Meta.Target != viewer.id {
					t.Errorf("got the message %+v", got)
				}
				watcher.Cut()
				watcher.Ended()
				viewer.Cut()
				author.nothing()
			}
		})
	}
	if n := len(events[domain.ParticipantEntered](one)); n != 1 {
		t.Errorf("%d participants have entered, want only the author", n)
	}
}

// TestRateOfMessagesToANamespace checks that all clients together share the rate of messages to everybody, and that one
// address does not use it up.
func TestRateOfMessagesToANamespace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *socketio.Config, c *roomsConfig) {
		c.NamespaceMessageRate = 0.001
		s.Engine.Sockets.Limiter = limit.Clients{Slots: limit.NewSlots(0, 0, nil), Proxies: limit.Loopback()}
	})
	from := func(address string) siotest.Options {
		return siotest.Options{Version: 3, Header: http.Header{"X-Forwarded-For": {address}}}
	}
	heard := w.app(siotest.Options{})
	for range 3 { // refused messages do not count
		author := w.app(siotest.Options{})
		author.Emit("exchange", says("群聊", ""))
		author.refused("消息不能为空")
		author.Cut()
	}
	for i, address := range []string{"203.0.113.1", "203.0.113.1", "203.0.113.2", "203.0.113.3"} {
		author := w.app(from(address))
		author.Emit("exchange", says("群聊", "to all"))
		if i == 0 || i == 2 { // the second message exceeds the rate of its address, the last one that of all
			push[exchanged](heard, "群聊")
		} else {
			author.refused("操作太频繁，请稍后再试")
		}
		author.Cut()
	}
	heard.nothing()
}

// TestNameAfterAnExchange checks that a socket can take a name for the plain chat after it has sent a message with
// exchange. It must still receive private messages in the form of exchange.
func TestNameAfterAnExchange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guests)
	ann, bob := w.app(siotest.Options{}), w.app(siotest.Options{Version: 3})
	ann.Emit("exchange", says("群聊", "first"))
	got, _ := push[exchanged](bob, "群聊")
	ann.Emit("message", "Ann")
	ann.Emit("message", "hello")
	for _, c := range []*app{ann, bob} {
		c.expectMessage("Ann", "hello")
	}
	bob.Emit("exchange", says(got.Meta.Client, "for Ann"))
	if got, _ := push[exchanged](ann, ann.id); got.Meta.Client != bob.id {
		t.Errorf("got the message %+v", got)
	}
}
