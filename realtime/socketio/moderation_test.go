package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// expectDenial waits for the denial and for the disconnect.
func (a *app) expectDenial(kind, message string) {
	a.Helper()
	no, _ := push[struct {
		Meta struct{ Timestamp int64 }
		Data struct {
			Action  string
			Payload struct{ Type, Message string }
		}
	}](a, a.id)
	if no.Data.Action != "deny" || no.Data.Payload.Type != kind || no.Data.Payload.Message != message || no.Meta.Timestamp < 1e12 {
		a.Errorf("got %+v, want a denial with %s: %s", no, kind, message)
	}
	a.Expect(a.Prefix("41")) // clients do not reconnect after this packet
	a.Ended()
}

// survey waits until the nodes of a database report total connections, and returns them, newest first.
func (w *world) survey(request hub.SurveyRequest, total int) (result hub.SurveyResult) {
	w.Helper()
	wstest.Eventually(w, fmt.Sprintf("the nodes report %d connections", total), func() bool {
		var err error
		if result, err = hub.Survey(context.Background(), w.Cluster, request); err != nil {
			w.Fatal(err)
		}
		return result.Answered == result.Nodes && result.Total == total
	})
	return result
}

func TestKickUser(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	first, other := openWorld(t, db, true, nil), openWorld(t, db, false, nil)
	live := first.register("streamer").goLive()
	watcher := first.app(siotest.Options{})
	watcher.joins(first.register("watcher"), live)
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			w, ann := other.with(t), first.with(t).register("ann "+name)
			a := w.app(o)
			a.joins(ann, live)
			ann.Do(domain.KickUser{User: ann.ID, Reason: "请文明发言"})
			a.expectDenial("已移出", "请文明发言")
			if l := watcher.online("leave", ann.Name); l.Total != 1 {
				t.Errorf("got %+v, want Total 1", l)
			}
			left := events[domain.ViewerLeft](w)
			if e := left[len(left)-1]; e.User != ann.ID || e.Cause != domain.LeaveRemoved {
				t.Errorf("got %+v, want User %v, Cause %v", e, ann.ID, domain.LeaveRemoved)
			}
			again := w.app(o) // a client that reconnects nevertheless is admitted
			again.joins(ann, live)
			ann.Do(domain.KickUser{User: ann.ID})
			again.expectDenial("已移出", "您已被管理员移出")
			watcher.online("leave", ann.Name)
		})
	}
	pushed := first.register("pushed")
	a := other.app(siotest.Options{Query: map[string][]string{"token": {"Bearer " + pushed.Token()}}})
	a.Event("message")
	first.Do(domain.KickUser{User: pushed.ID})
	a.expectDenial("已移出", "您已被管理员移出")
}

func TestKickConnection(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	first, other := openWorld(t, db, true, nil), openWorld(t, db, false, nil)
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			w := other.with(t)
			a := w.app(o) // without a signed-in user
			s := first.with(t).survey(hub.SurveyRequest{}, 1).Connections[0]
			if s.Dialect != "socketio" || s.Address != "127.0.0.1" || len(s.Users)+len(s.Lives) != 0 || s.Node != other.Hub.Node() {
				t.Errorf("got %+v", s)
			}
			if o.Version == 3 && o.Polling && string(s.ID) == a.id {
				t.Error("an operator is shown what opens the session")
			}
			first.Do(domain.KickConnection{Connection: s.ID, Reason: "flooding"})
			a.expectDenial("已移出", "flooding")
			first.with(t).survey(hub.SurveyRequest{}, 0)
		})
	}
	t.Run("by its alias after the upgrade", func(t *testing.T) {
		w := other.with(t)
		a := w.app(siotest.Options{Version: 3, Polling: true})
		alias := w.survey(hub.SurveyRequest{}, 1).Connections[0].ID
		a.Upgrade()
		wstest.Eventually(t, "the socket is listed by its id after the upgrade", func() bool {
			return string(w.survey(hub.SurveyRequest{ID: alias}, 1).Connections[0].ID) == a.id
		})
		w.Do(domain.KickConnection{Connection: alias})
		a.expectDenial("已移出", "您已被管理员移出")
	})
}

func TestConnectionsListLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann, bob := w.register("ann"), w.register("bob")
	live := ann.goLive()
	a := w.app(siotest.Options{})
	a.joins(ann, live)
	a.joins(bob, live) // two users on one socket
	n := bob.native()
	n.ask("room.join", map[string]any{"live": live})
	all := w.survey(hub.SurveyRequest{User: bob.ID}, 2).Connections
	if s := all[1]; string(s.ID) != a.id || len(s.Users) != 2 || s.Users[0] != ann.ID || s.Users[1] != bob.ID || len(s.Lives) != 1 || s.Lives[0] != live {
		t.Errorf("got %+v", s)
	}
	if s := all[0]; s.Dialect != "native" || len(s.Users) != 1 {
		t.Errorf(`got %+v, want Dialect "native", 1 Users`, s)
	}
	a.Emit("leaveLive", map[string]any{"live_id": live, "token": bob.Token()})
	w.survey(hub.SurveyRequest{User: bob.ID}, 1)
}

func TestBanFromALive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	streamer, ann := w.register("streamer"), w.register("ann")
	live, other := streamer.goLive(), streamer.goLive()
	gift := w.AddGift("rose", "", 1)
	watcher, a := w.app(siotest.Options{}), w.app(siotest.Options{Version: 3})
	watcher.joins(w.register("watcher"), live)
	a.joins(ann.credit(10), live)
	a.joins(ann, other)
	streamer.Asks(domain.BanViewer{Live: live, User: ann.ID, Reason: "请文明发言"})
	a.refused("请文明发言")
	watcher.online("leave", "ann")
	for event, payload := range map[string]map[string]any{
		"joinLive": {}, "comment": {"data": "let me in"}, "gift": {"gift_id": gift},
	} {
		payload["live_id"], payload["token"] = live, ann.Token()
		a.Emit(event, payload)
		if no := a.refused("您没有权限访问该接口!"); no.Data.Code != "banned" {
			t.Errorf(`%s is refused with %+v, want Data.Code "banned"`, event, no)
		}
	}
	watcher.Emit("comment", map[string]any{"live_id": live, "data": "unheard by ann", "token": streamer.Token()})
	watcher.Event("comment")
	a.silent()
	a.Emit("comment", map[string]any{"live_id": other, "data": "I am still here", "token": ann.Token()})
	a.Event("comment")
	streamer.Asks(domain.UnbanViewer{Live: live, User: ann.ID})
	a.joins(ann, live)
}

// TestBanAppliesOnEveryNode checks that a banned user is disconnected on every node. After a sign-in elsewhere, in
// contrast, the socket stays connected.
func TestBanAppliesOnEveryNode(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	first, other := openWorld(t, db, true, nil), openWorld(t, db, false, func(_ *socketio.Config, c *roomsConfig) { c.Renewal = 1 })
	live := first.register("streamer").goLive()
	for name, tt := range map[string]struct {
		c    func(person) domain.Command
		text string
	}{
		"disabled":  {func(p person) domain.Command { return domain.DisableUser{User: p.ID} }, "用户不存在或已被禁用"},
		"forgotten": {func(p person) domain.Command { return domain.ForgetUser{User: p.ID} }, "用户不存在或已被禁用"},
		"banned":    {func(p person) domain.Command { return domain.BanUser{User: p.ID, Seconds: 60} }, "您没有权限访问该接口!"},
	} {
		t.Run(name, func(t *testing.T) {
			p := first.with(t).register(name)
			a, n := other.with(t).app(siotest.Options{Version: 3}), p.on(other.with(t)).native()
			a.joins(p, live)
			p.Do(tt.c(p))
			a.refused(tt.text)
			a.expectDenial("已禁止", tt.text)
			n.nextFrame(func(f frame) bool { return f.Type == "error" })
		})
	}
	t.Run("after a sign-in elsewhere", func(t *testing.T) {
		p := first.with(t).register("elsewhere")
		a := other.with(t).app(siotest.Options{Version: 3})
		a.joins(p, live)
		p = p.signIn()
		a.refused("Token 令牌不合法!")
		a.joins(p, live)
	})
}

// TestDenialEnvelope checks that the envelope has the fields of the wire contract and no others.
func TestDenialEnvelope(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a := w.app(siotest.Options{})
	a.Emit("test") // the client knows its id shortly before the server lists the socket
	a.Event(a.id)
	w.Do(domain.KickConnection{Connection: domain.ConnectionID(a.id), Reason: "<b>"})
	var got map[string]map[string]json.RawMessage
	decode(t, a.Event(a.id)[0], &got)
	if len(got) != 2 || len(got["meta"]) != 1 || len(got["data"]) != 2 || string(got["data"]["payload"]) != `{"type":"已移出","message":"<b>"}` {
		t.Errorf("got %s", got)
	}
}

// TestHeldCommentsOfOldClients holds the comment of an old client: it gets no answer, as for any other comment, and
// receives the comment with everybody when a moderator releases it.
func TestHeldCommentsOfOldClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	streamer := w.register("streamer")
	live := streamer.goLive()
	streamer.Asks(domain.SetMode{Live: live, Mode: domain.ModeReview, Value: 1})
	ann, watcher := w.app(siotest.Options{}), w.app(siotest.Options{})
	author := w.register("ann")
	watcher.joins(w.register("watcher"), live)
	ann.joins(author, live)
	watcher.online("join", "ann")
	ann.Emit("comment", map[string]any{"live_id": live, "data": "hello", "token": author.Token()})
	wstest.Eventually(t, "the comment is held", func() bool { return len(events[domain.CommentHeld](w)) == 1 })
	ann.silent()
	watcher.silent()
	streamer.Asks(domain.ReleaseComment{Live: live, Held: 1, Author: author.ID, Text: "hello"})
	for _, a := range []*app{ann, watcher} {
		if s, _ := push[comment](a, "comment"); s.Content != "hello" || s.User.ID != author.ID {
			t.Errorf("got %+v", s)
		}
	}
}
