package native_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// twoNodes opens two nodes on one database.
func twoNodes(t *testing.T) (a, b *world) {
	t.Helper()
	db := pgtest.New(t)
	return openWorld(t, db, true, nil), openWorld(t, db, false, nil)
}

type noticed struct{ Kind, Reason, Until string }

// noticed reads pushes until a notice of this kind. It skips older notices.
func (a *app) noticed(kind string) noticed {
	a.T.Helper()
	for {
		n := into[noticed](a.T, a.push("notice"))
		switch n.Kind {
		case kind:
			return n
		case "signed_in":
		default:
			a.T.Fatalf("noticed %+v, want %s", n, kind)
		}
	}
}

// errorOf reads pushes until an error that replies to no request.
func (a *app) errorOf(code string) refusal {
	a.T.Helper()
	m := a.push("error")
	no := into[refusal](a.T, m)
	if m.Re != "" || no.Code != code {
		a.T.Fatalf("got %s, want an error %s", m.raw, code)
	}
	return no
}

func TestKickUser(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob := a.register("ann"), a.register("bob")
	live := ann.goLive("x")
	watcher := ann.app()
	watcher.join(live)
	here, there := bob.app(), bob.on(b).app()
	here.join(live)
	there.join(live)
	cursor := into[struct{ Cursor string }](t, here.ok(here.ask("hello", map[string]any{"token": bob.Token()}))).Cursor
	a.Do(domain.KickUser{User: bob.ID, Reason: "请文明发言"})
	for _, c := range []*app{here, there} {
		if n := c.noticed("kicked"); n.Reason != "请文明发言" {
			t.Errorf(`noticed %+v, want Reason "请文明发言"`, n)
		}
		if no := c.errorOf("kicked"); no.Text != "请文明发言" || no.TextZH != "请文明发言" {
			t.Errorf("got %+v", no)
		}
		if reason := c.ExpectClose(ws.CloseKicked); reason != "请文明发言" {
			t.Errorf(`closed with %q, want "请文明发言"`, reason)
		}
	}
	if ws.ReconnectAdvised(ws.CloseKicked) {
		t.Error("clients are advised to reconnect after a kick")
	}
	if left := into[struct{ Cause string }](t, watcher.push("leave")); left.Cause != "removed" {
		t.Errorf(`left because of %s, want "removed"`, left.Cause)
	}
	// A client that reconnects nevertheless is admitted and receives the missed notice once.
	again := bob.connect()
	again.ok(again.ask("hello", map[string]any{"token": bob.Token(), "since": cursor}))
	again.noticed("kicked")
	again.join(live)
	a.Do(domain.KickUser{User: bob.ID})
	if no := again.errorOf("kicked"); no.Text == "" || no.TextZH != "您已被管理员移出" {
		t.Errorf("got %+v", no)
	}
	if reason := again.ExpectClose(ws.CloseKicked); reason != "kicked" {
		t.Errorf(`closed with %q, want "kicked"`, reason)
	}
}

func TestKickConnection(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	bob := a.register("bob")
	one, other, anonymous := bob.on(b).app(), bob.on(b).app(), b.connect()
	anonymous.ok(anonymous.ask("ping", nil)) // this client has not sent hello
	var ids []domain.ConnectionID
	for _, s := range a.survey(hub.SurveyRequest{}, 3).Connections { // checks the connections, newest first
		ids = append(ids, s.ID)
	}
	a.Do(domain.KickConnection{Connection: ids[0], Reason: "flooding"})
	if reason := anonymous.ExpectClose(ws.CloseKicked); reason != "flooding" {
		t.Errorf(`closed with %q, want "flooding"`, reason)
	}
	a.Do(domain.KickConnection{Connection: ids[2]})
	one.ExpectClose(ws.CloseKicked)
	a.Do(domain.KickConnection{Connection: "nobody's"})
	a.Do(domain.KickConnection{Connection: ids[0]})
	other.ok(other.ask("ping", nil))
}

func TestBanUser(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob := a.register("ann"), a.register("bob")
	live := ann.goLive("x")
	watcher, c := ann.app(), bob.on(b).app()
	watcher.join(live)
	c.join(live)
	a.Do(domain.BanUser{User: bob.ID, Seconds: 3600, Reason: "cool down"})
	if n := c.noticed("banned"); n.Reason != "cool down" || !strings.HasSuffix(n.Until, "Z") {
		t.Errorf("noticed %+v", n)
	}
	if no := c.errorOf("banned"); no.TextZH != "您没有权限访问该接口!" {
		t.Errorf("got %+v", no)
	}
	c.ExpectClose(ws.CloseKicked)
	if left := into[struct{ Cause string }](t, watcher.push("leave")); left.Cause != "removed" {
		t.Errorf(`left because of %s, want "removed"`, left.Cause)
	}
	again := b.connect()
	again.no(again.ask("hello", map[string]any{"token": bob.Token()}), "banned")
	again.ExpectClose(ws.CloseKicked)
	a.Do(domain.UnbanUser{User: bob.ID})
	wstest.Eventually(t, "bob may sign in again", func() bool {
		back := b.connect()
		return back.answer(back.ask("hello", map[string]any{"token": bob.Token()})).Type == "ok"
	})
}

func TestBanViewer(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob := a.register("ann"), a.register("bob")
	live, other := ann.goLive("x"), ann.goLive("y")
	watcher, c := ann.app(), bob.on(b).app()
	watcher.join(live)
	c.join(live)
	c.join(other)
	ann.Asks(domain.BanViewer{Live: live, User: bob.ID, Reason: "be kind"})
	out := c.push("banned")
	if no := into[refusal](t, out); out.Live != live || no.Code != "banned" || no.Text != "be kind" || no.TextZH != "be kind" {
		t.Errorf("got %s", out.raw)
	}
	if left := into[struct{ Cause string }](t, watcher.push("leave")); left.Cause != "removed" {
		t.Errorf(`left because of %s, want "removed"`, left.Cause)
	}
	c.no(c.ask("room.join", map[string]any{"live": live}), "banned")
	c.no(c.ask("comment.post", map[string]any{"live": live, "text": "let me in"}), "banned")
	a.settled(live, fmt.Sprintf("joined %d", ann.ID), fmt.Sprintf("joined %d", bob.ID), fmt.Sprintf("left %d removed", bob.ID))
	watcher.ok(watcher.ask("comment.post", map[string]any{"live": live, "text": "unheard by bob"}))
	watcher.push("comment")
	c.ok(c.ask("comment.post", map[string]any{"live": other, "text": "I am still here"}))
	if m := c.push("comment"); m.Live != other {
		t.Errorf("got %s, want m.Live %v", m.raw, other)
	}
	ann.Asks(domain.UnbanViewer{Live: live, User: bob.ID})
	c.join(live)
}

// TestBanWhileJoining bans a viewer who is joining the live. Afterwards the viewer must not be in the live, in
// whichever order the two happened.
func TestBanWhileJoining(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann, bob := w.register("ann"), w.register("bob")
	live := ann.goLive("x")
	c := bob.app()
	for range 20 {
		id := c.ask("room.join", map[string]any{"live": live})
		ann.Asks(domain.BanViewer{Live: live, User: bob.ID})
		if c.answer(id).Type == "ok" {
			c.push("banned")
		}
		msg := ann.Asks(domain.PostComment{Live: live, Text: "unheard"})
		w.delivered(msg.Position)
		c.ok(c.ask("ping", nil))
		for _, m := range c.aside {
			if m.Type == "comment" {
				t.Fatalf("got %s", m.raw)
			}
		}
		c.aside = nil
		ann.Asks(domain.UnbanViewer{Live: live, User: bob.ID})
	}
	wstest.Eventually(t, "bob has left as often as he joined", func() bool { return len(w.visits(live))%2 == 0 })
}

// TestBanDuringSlowRequests checks that a slow request delays a ban only on its own connection. It must not delay a
// ban, kick or revocation on other connections.
func TestBanDuringSlowRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann := w.register("ann")
	live := ann.goLive("x")
	var slow []*app
	var slowUsers []person
	for i := range 10 { // more connections than the server has background workers
		p := w.register(fmt.Sprintf("slow-%d", i))
		a := p.app()
		a.join(live)
		slow, slowUsers = append(slow, a), append(slowUsers, p)
	}
	release := sync.OnceFunc(w.handler.Hold())
	defer release()
	bob, cat, dan := w.register("bob"), w.register("cat"), w.register("dan")
	banned, kicked, revoked := bob.app(), cat.app(), dan.app()
	banned.join(live)
	for _, p := range slowUsers {
		ann.Asks(domain.BanViewer{Live: live, User: p.ID})
	}
	ann.Asks(domain.BanViewer{Live: live, User: bob.ID})
	banned.push("banned")
	w.Do(domain.KickUser{User: cat.ID})
	kicked.ExpectClose(ws.CloseKicked)
	w.Do(domain.KickUser{User: slowUsers[0].ID})
	slow[0].errorOf("kicked")
	w.Do(domain.BanUser{User: dan.ID})
	revoked.ExpectClose(ws.CloseKicked)
	release()
	slow[0].ExpectClose(ws.CloseKicked)
	for _, a := range slow[1:] {
		a.push("banned")
	}
}

// delivered waits until all deltas up to a position have been delivered.
func (w *world) delivered(position int64) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wstest.Timeout)
	defer cancel()
	if err := w.Hub.WaitFor(ctx, position); err != nil {
		w.Fatal(err)
	}
}
