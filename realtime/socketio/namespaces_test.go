package socketio_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// in returns the options of a client that uses a namespace.
func in(o siotest.Options, namespace string) siotest.Options {
	o.Namespace = namespace
	return o
}

// TestLivesAreSharedByNamespaces checks that clients in different namespaces share a live, and that each client knows
// itself by the id of its namespace.
func TestLivesAreSharedByNamespaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live, rose := w.register("streamer").goLive(), w.AddGift("rose", "", 1)
	root := w.app(siotest.Options{Version: 3})
	root.joins(w.register("root"), live)
	number := 0
	for _, o := range []siotest.Options{{Version: 3}, {Version: 3, Polling: true}, {Version: 4}, {Version: 4, Polling: true}} {
		number++
		name := fmt.Sprint("viewer ", number)
		t.Run(fmt.Sprintf("version %d, polling %v", o.Version, o.Polling), func(t *testing.T) {
			w := w.with(t)
			ann, a := w.register(name).credit(10), w.app(in(o, namespace))
			if o.Version == 3 && a.id != namespace+"#"+a.SID() {
				t.Errorf("the socket is %s", a.id)
			}
			a.joins(ann, live)
			shown := root.joined(name, 2).Clients[0]
			if secret := o.Version == 3 && o.Polling; secret != (shown != a.id) || strings.Contains(shown, a.SID()) && secret {
				t.Errorf("%s is shown as %s", a.id, shown)
			}
			payload := map[string]any{"live_id": live, "gift_id": rose, "data": "from " + name, "token": ann.Token()}
			a.Emit("comment", payload)
			a.Emit("gift", payload)
			for _, c := range []*app{a, root} {
				if got, _ := push[comment](c, "comment"); got.Content != "from "+name {
					t.Errorf("got the comment %+v", got)
				}
				if got, _ := push[given](c, "gift"); got.Username != name {
					t.Errorf("got the gift %+v", got)
				}
			}
			a.Emit("comment", map[string]any{"live_id": live, "data": "", "token": ann.Token()})
			a.refused("评论不能为空")
			a.silent()
			a.goes(o)
			root.online("leave", name)
		})
	}
}

// TestOneClientInTwoNamespaces checks that the sockets of one client in two namespaces are independent of each other.
func TestOneClientInTwoNamespaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	ann, bob := w.register("ann"), w.register("bob")
	say := func(text string) { bob.Asks(domain.PostComment{Live: live, Text: text}) }
	heard := func(a *app, namespace, text string) {
		t.Helper()
		a.Namespace = namespace
		if got, _ := push[comment](a, "comment"); got.Content != text {
			t.Errorf("%s: got the comment %+v, want %s", namespace, got, text)
		}
	}
	for name, o := range siotest.Kinds() {
		t.Run(name, func(t *testing.T) {
			a := w.with(t).app(o)
			root := a.id
			a.joins(ann, live)
			a.id, _ = a.Enter(namespace, "")
			a.Namespace = namespace
			a.joins(ann, live)
			say("to both")
			heard(a, namespace, "to both")
			heard(a, "/", "to both")
			if o.Polling {
				a.Upgrade()
				say("after the upgrade")
				heard(a, namespace, "after the upgrade")
				heard(a, "/", "after the upgrade")
			}
			a.Send("41" + namespace + ",") // the socket in "/" remains
			a.Namespace, a.id = "/", root
			a.Emit("joinLive", map[string]any{"live_id": live, "token": "forged"})
			a.refused("Token 令牌不合法!") // packets are handled in order, so the other socket has left
			say("to one")
			heard(a, "/", "to one")
			a.silent()
			if l := w.room(live); l.Online != 1 {
				t.Errorf("%d viewers, want 1", l.Online)
			}
			a.Emit("leaveLive", map[string]any{"live_id": live, "token": ann.Token()})
			wstest.Eventually(t, "ann has left", func() bool { return w.room(live).Online == 0 })
			a.Cut()
		})
	}
}

// TestChatRoomsAreSharedByNamespaces checks that messages, private messages, typing notes and the list of participants
// reach sockets in other namespaces and on other nodes.
func TestChatRoomsAreSharedByNamespaces(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one, two := openWorld(t, db, true, nil), openWorld(t, db, false, func(_ *socketio.Config, c *roomsConfig) { c.PresenceGrace = time.Hour })
	one.chatRoom("demo")
	if err := two.Chat.WaitFor(t.Context(), one.Hub.Position()); err != nil {
		t.Fatal(err)
	}
	// The query of the namespace selects the chat room; the socket in "/" is in none.
	for _, o := range []siotest.Options{{Version: 3}, {Version: 3, Polling: true}} {
		ann := one.attends(siotest.Options{}, "demo")
		c := siotest.Dial(t, two.base, o)
		c.Connect()
		id, _ := c.Enter(namespace+"?room=demo&"+url.Values{"x": {"1,2"}}.Encode(), "")
		c.Namespace = namespace
		bob := &app{c, id, ""}
		bob.coming("加入")
		shown := ann.coming("加入").Clients[0]
		if len(attendance(ann)) != 2 {
			t.Errorf("the participants are %+v, want 2", attendance(ann))
		}
		ann.Emit("exchange", says("群聊", "to the room"))
		if got, _ := push[exchanged](bob, "群聊"); got.Meta.Client != ann.id {
			t.Errorf("got the message %+v", got)
		}
		ann.Emit("exchange", says(shown, "to one"))
		if got, _ := push[exchanged](bob, bob.id); got.Meta.Target != bob.id || string(got.Data.Payload) != `{"msg":"to one"}` {
			t.Errorf("got the message %+v", got)
		}
		bob.Emit("exchange", says(ann.id, "back"))
		if got, _ := push[exchanged](ann, ann.id); got.Meta.Client != shown {
			t.Errorf("got %+v, want a message of %s", got, shown)
		}
		bob.Emit("typing", map[string]any{"target": "群聊"})
		if got := string(ann.Event("typing")[0]); got != fmt.Sprintf(`{"client":%q}`, shown) {
			t.Errorf("typing is %s", got)
		}
		if o.Polling {
			ann.Emit("exchange", says(bob.id, "by the id that opens a session"))
			bob.nothing()
		}
		bob.Send("41" + namespace + ",")
		if at := ann.coming("离开"); at.Message != "用户("+shown+")已离开." {
			t.Errorf("got %+v", at)
		}
		bob.Cut()
		ann.Cut()
	}
}

// TestPublicIDsOfNamespacesAreKicked checks that an operator can kick a socket under the id that is shown.
func TestPublicIDsOfNamespacesAreKicked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.register("ann") // the log is not empty
	for name, o := range siotest.Kinds() {
		t.Run(name, func(t *testing.T) {
			w := w.with(t)
			a := w.app(in(o, namespace))
			shown := a.id
			if o.Version == 3 && o.Polling {
				for _, c := range w.server.Connections() {
					if id := string(c.ID); strings.HasPrefix(id, namespace+"#") {
						shown = id
					}
				}
				a.Emit("test")
				a.Event(a.id)
				if shown == a.id {
					t.Errorf("%s is shown under its secret id", a.id)
				}
			}
			found, err := hub.Survey(t.Context(), w.Cluster, hub.SurveyRequest{ID: domain.ConnectionID(shown)})
			if err != nil || found.Total != 1 {
				t.Fatalf("the survey found %+v, %v", found, err)
			}
			if !w.server.Kick(domain.ConnectionID(shown), "enough") {
				t.Fatalf("no socket is %s", shown)
			}
			if got := string(a.Event(a.id)[0]); !strings.Contains(got, `"deny"`) {
				t.Errorf("got %s", got)
			}
			a.Ended()
		})
	}
}

// TestRatesAreSharedByNamespaces checks that a client cannot multiply its rates by connecting to several namespaces.
func TestRatesAreSharedByNamespaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *socketio.Config, c *roomsConfig) { c.MessageRate, c.MessageBurst = 0.001, 3 })
	w.chatRoom("demo")
	for _, version := range []int{3, 4} {
		a := w.attends(siotest.Options{Version: version}, "demo")
		for range 3 {
			a.Emit("exchange", says("群聊", "x"))
		}
		a.nothing()
		id, _ := a.Enter(namespace, "")
		a.Namespace, a.id = namespace, id
		a.coming("加入")
		a.Emit("exchange", says("群聊", "x"))
		a.refused("操作太频繁，请稍后再试")
	}
}

// TestRecoveryInANamespace checks that the secret of a lost socket continues it in its own namespace only.
func TestRecoveryInANamespace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	ann, bob := w.register("ann"), w.register("bob")
	a := w.enter(in(siotest.Options{}, namespace), `{"recovery":true}`)
	a.joins(ann, live)
	bob.Asks(domain.PostComment{Live: live, Text: "seen"})
	_, seen := push[comment](a, "comment")
	a.Cut()
	wstest.Eventually(t, "ann has left", func() bool { return len(events[domain.ViewerLeft](w)) == 1 })
	bob.Asks(domain.PostComment{Live: live, Text: "missed"})
	data := fmt.Sprintf(`{"recovery":true,"pid":%q,"offset":%q}`, a.pid, seen)
	if other := w.enter(siotest.Options{}, data); other.id == a.id || other.pid == a.pid {
		t.Errorf("%s of %s was recovered in the default namespace", a.id, namespace)
	}
	back := w.enter(in(siotest.Options{}, namespace), data)
	if got, _ := push[comment](back, "comment"); back.id != a.id || got.Content != "missed" {
		t.Errorf("%s came back as %s and got %+v", a.id, back.id, got)
	}
}

// TestLongestNamespace checks that the public ids of the longest namespace can enter the chat.
func TestLongestNamespace(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("n", 39)
	w := newWorld(t, func(c *socketio.Config, _ *roomsConfig) { c.Namespaces = []string{long} })
	w.chatRoom("demo")
	for name, o := range siotest.Kinds() {
		t.Run(name, func(t *testing.T) {
			a := w.with(t).appWith(in(o, long), "room", "demo")
			for at := a.coming("加入"); !slices.Contains(at.Clients, a.id); at = a.coming("加入") {
			}
		})
	}
}

func TestNamesOfNamespaces(t *testing.T) {
	t.Parallel()
	many := make([]string, 16)
	for i := range many {
		many[i] = fmt.Sprint("/n", i)
	}
	for fault, names := range map[string][]string{
		"":                                 {"/chat", "/Chat", "/live.1/room_2~x-y", "/" + strings.Repeat("n", 39)},
		"must not contain /, to which":     {"/"},
		"names like /chat":                 {"chat"},
		"characters of ._~/- (got \"\")":   {""},
		"(got \"/a b\")":                   {"/a b"},
		"(got \"/a?b\")":                   {"/a?b"},
		"(got \"/a#b\")":                   {"/a#b"},
		"(got \"/聊天\")":                    {"/聊天"},
		"up to 40 letters":                 {"/" + strings.Repeat("n", 40)},
		"twice (got \"/chat\")":            {"/chat", "/live", "/chat"},
		"must contain at most 15 names":    many,
		"--namespaces must contain names ": {"//chat", "/chat,"},
	} {
		cfg := socketio.Config{Namespaces: names}
		err := cfg.CheckSettings()
		if (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: got the error %v, want %q", names, err, fault)
		}
	}
	cfg := socketio.Config{Namespaces: many[:15]}
	if err := cfg.CheckSettings(); err != nil {
		t.Errorf("15 names: %v", err)
	}
}

// TestOneNodeSendsTheNamesOfNamespaces checks that sockets of one node that receive the same message get it in a packet
// of their own namespace.
func TestOneNodeSendsTheNamesOfNamespaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guests)
	w.chatRoom("demo")
	ann := w.attends(siotest.Options{}, "demo")
	bob := w.attends(in(siotest.Options{}, namespace), "demo", ann)
	cat := w.attends(siotest.Options{}, "demo", ann, bob)
	cat.Emit("exchange", says("群聊", "to the room"))
	for _, c := range []*app{ann, bob} {
		push[exchanged](c, "群聊")
	}
	dan := w.called(siotest.Options{}, "Dan")
	eve := w.called(in(siotest.Options{}, namespace), "Eve", dan)
	dan.Emit("message", "to all")
	for _, c := range []*app{dan, eve} {
		c.expectMessage("Dan", "to all")
	}
}
