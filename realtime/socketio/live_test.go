package socketio_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// TestLive plays a live from its start to its end with every kind of client.
func TestLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	rose := w.AddGift("玫瑰", "https://cdn.example/rose.png", 30)
	witness := w.register("witness")
	sees := w.app(siotest.Options{})
	sees.joins(witness, live)
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			ann := w.register("ann " + name)
			ann.Asks(domain.ChangeProfile{Nickname: new("安 " + name), Avatar: new("https://cdn.example/a.png")})
			me := who{ann.ID, "安 " + name, "https://cdn.example/a.png"}
			ann.Name = me.Name
			ann.credit(100)
			a := w.with(t).app(o)

			a.Emit("joinLive", map[string]any{"live_id": fmt.Sprint(live), "token": "Bearer " + ann.Token()})
			for _, c := range []*app{a, sees} {
				l := c.joined(me.Name, 2)
				if l.User != me || l.Total != 2 || !slices.Equal(l.names(), []string{me.Name, "witness"}) || l.Data[0] != me {
					t.Errorf("the list is %+v", l)
				}
				// Other clients see the alias of a polling socket of version 3.
				shown := slices.Contains(l.Clients, a.id)
				if hidden := o.Version == 3 && o.Polling && c == sees; shown == hidden {
					t.Errorf("the sockets are %v, of which %s is the own", l.Clients, a.id)
				}
			}
			a.Emit("comment", map[string]any{"live_id": live, "data": " <b>你好</b> 😀 ", "token": ann.Token()})
			for _, c := range []*app{a, sees} {
				s, offset := push[comment](c, "comment")
				if s.User != me || s.Content != "<b>你好</b> 😀" || len(s.ID) != 10 || offset != "" {
					t.Errorf("the comment is %+v at %s", s, offset)
				}
			}
			a.Emit("gift", map[string]any{"live_id": live, "gift_id": fmt.Sprint(rose), "token": ann.Token()})
			for _, c := range []*app{a, sees} {
				g, offset := push[given](c, "gift")
				if g != (given{me.Avatar, me.Name, "玫瑰", "https://cdn.example/rose.png", 30, 1}) || offset != "" {
					t.Errorf("the gift is %+v at %s", g, offset)
				}
			}
			for _, event := range []string{"test", "test1"} {
				a.Emit(event, map[string]any{"any": "thing"})
				if got := string(a.Event(a.id)[0]); got != `"啊啊啊"` {
					t.Errorf("%s got the response %s, want \"\\\"啊啊啊\\\"\"", event, got)
				}
			}
			a.Emit("leaveLive", map[string]any{"live_id": live, "token": ann.Token()})
			l := sees.online("leave", me.Name)
			if l.User != me || l.Total != 1 || !slices.Equal(l.names(), []string{"witness"}) || len(l.Clients) != 1 {
				t.Errorf("then the list is %+v", l)
			}
			a.silent() // the socket has left the live
			sees.silent()
		})
	}
	if n := len(events[domain.ViewerJoined](w)); n != 1+len(kinds()) {
		t.Errorf("%d joined", n)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann := w.register("ann")
	closed, open, over := ann.create(), ann.goLive(), ann.goLive()
	ann.Asks(domain.ChangeLiveStatus{Live: over, To: domain.LiveStop})
	rose := w.AddGift("rose", "", 30)
	late, gone, locked := ann, w.register("gone"), w.register("locked")
	late.Expires = time.Now().Add(-time.Minute)
	w.Do(domain.DisableUser{User: locked.ID})
	old := gone
	gone.signIn()
	long := strings.Repeat("长", 201)

	const (
		noRight, expired, invalid = "您没有权限访问该接口!", "token 已过期! 请重新获取令牌", "Token 令牌不合法!"
		noUser                    = "用户不存在或已被禁用"
		noLive, notYet, ended     = "直播间不存在", "直播间未开播", "直播间已结束"
		noGift, poor              = "该礼物不存在", "金币不足，请先充值"
		empty, tooLong, wrong     = "评论不能为空", "评论最多200个字", "参数错误"
	)
	type in = map[string]any
	for name, tt := range map[string]struct {
		event   string
		payload any
		text    string
	}{
		"no payload":                                {"joinLive", nil, noRight},
		"a payload that is a text":                  {"joinLive", "6", noRight},
		"a payload that is a list":                  {"comment", []int{1}, noRight},
		"no token":                                  {"joinLive", in{"live_id": open}, noRight},
		"a token that is null":                      {"gift", in{"live_id": open, "token": nil}, noRight},
		"a token of nothing":                        {"comment", in{"live_id": open, "token": "Bearer "}, noRight},
		"a token that is a number":                  {"joinLive", in{"live_id": open, "token": 12}, invalid},
		"a token that is an object":                 {"joinLive", in{"live_id": open, "token": in{"User": 1}}, invalid},
		"a forged token":                            {"joinLive", in{"live_id": open, "token": "forged"}, invalid},
		"an expired token":                          {"joinLive", in{"live_id": open, "token": late.Token()}, expired},
		"the token of another login":                {"joinLive", in{"live_id": open, "token": old.Token()}, invalid},
		"a comment with the token of another login": {"comment", in{"live_id": open, "data": "x", "token": old.Token()}, invalid},
		"a person who is locked out":                {"joinLive", in{"live_id": open, "token": locked.Token()}, noUser},

		"no room":                   {"joinLive", in{"token": ann.Token()}, wrong},
		"a room that is null":       {"joinLive", in{"live_id": nil, "token": ann.Token()}, wrong},
		"a room that is a word":     {"joinLive", in{"live_id": "six", "token": ann.Token()}, wrong},
		"a room of nothing":         {"joinLive", in{"live_id": "", "token": ann.Token()}, wrong},
		"a room that is a fraction": {"joinLive", in{"live_id": 1.5, "token": ann.Token()}, wrong},
		"a room that is an object":  {"joinLive", in{"live_id": in{}, "token": ann.Token()}, wrong},
		"a room below all":          {"joinLive", in{"live_id": -1, "token": ann.Token()}, wrong},
		"a room beyond all numbers": {"joinLive", in{"live_id": "99999999999999999999", "token": ann.Token()}, wrong},
		"a room that is not there":  {"joinLive", in{"live_id": 99, "token": ann.Token()}, noLive},
		"a room not yet on air":     {"joinLive", in{"live_id": closed, "token": ann.Token()}, notYet},
		"a room that has ended":     {"joinLive", in{"live_id": fmt.Sprint(over), "token": ann.Token()}, ended},

		"a comment in no room":              {"comment", in{"live_id": 99, "data": "x", "token": ann.Token()}, noLive},
		"a comment too early":               {"comment", in{"live_id": closed, "data": "x", "token": ann.Token()}, notYet},
		"a comment too late":                {"comment", in{"live_id": over, "data": "x", "token": ann.Token()}, ended},
		"a comment of nothing":              {"comment", in{"live_id": open, "data": " 　 ", "token": ann.Token()}, empty},
		"a comment that is null":            {"comment", in{"live_id": open, "data": nil, "token": ann.Token()}, empty},
		"no comment":                        {"comment", in{"live_id": open, "token": ann.Token()}, wrong},
		"a comment that is an object":       {"comment", in{"live_id": open, "data": in{"x": 1}, "token": ann.Token()}, wrong},
		"a comment too long":                {"comment", in{"live_id": open, "data": long, "token": ann.Token()}, tooLong},
		"a comment too long in code points": {"comment", in{"live_id": open, "data": strings.Repeat("👨‍👩‍👧‍👦", 29), "token": ann.Token()}, tooLong},
		"a comment with a NUL":              {"comment", in{"live_id": open, "data": "a\x00b", "token": ann.Token()}, wrong},

		"a gift in no room":        {"gift", in{"live_id": 99, "gift_id": rose, "token": ann.Token()}, noLive},
		"a gift too early":         {"gift", in{"live_id": closed, "gift_id": rose, "token": ann.Token()}, notYet},
		"a gift too late":          {"gift", in{"live_id": over, "gift_id": rose, "token": ann.Token()}, ended},
		"a gift that is not there": {"gift", in{"live_id": open, "gift_id": 99, "token": ann.Token()}, noGift},
		"a gift of nothing":        {"gift", in{"live_id": open, "token": ann.Token()}, wrong},
		"a gift that is a word":    {"gift", in{"live_id": open, "gift_id": "rose", "token": ann.Token()}, wrong},
		"a gift beyond all coins":  {"gift", in{"live_id": open, "gift_id": rose, "token": ann.Token()}, poor},

		"a room twice":                      {"joinLive", twice("live_id", fmt.Sprint(open), ann.Token()), wrong},
		"a room in other case":              {"joinLive", in{"Live_id": open, "live_id": open, "token": ann.Token()}, wrong},
		"a gift twice":                      {"gift", twice("gift_id", fmt.Sprint(rose), ann.Token()), wrong},
		"a comment in other case":           {"comment", in{"live_id": open, "DATA": "x", "token": ann.Token()}, wrong},
		"a member twice in an inner object": {"comment", json.RawMessage(`{"more":{"a":1,"a":2}}`), wrong},

		"leaving without a token":      {"leaveLive", in{"live_id": open}, noRight},
		"leaving with a forged token":  {"leaveLive", in{"live_id": open, "token": "x"}, invalid},
		"leaving with an expired one":  {"leaveLive", in{"live_id": open, "token": late.Token()}, expired},
		"leaving a room without an id": {"leaveLive", in{"token": ann.Token()}, wrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, version := range []int{3, 4} {
				a := w.with(t).app(siotest.Options{Version: version})
				if tt.payload == nil {
					a.Emit(tt.event)
				} else {
					a.Emit(tt.event, tt.payload)
				}
				if no := a.refused(tt.text); no.Meta.NoToast != (tt.event == "leaveLive") {
					t.Errorf("notoast is %v", no.Meta.NoToast)
				}
				a.silent()
			}
		})
	}
	t.Cleanup(func() {
		if n := len(events[domain.ViewerJoined](w)); n != 0 {
			t.Errorf("%d joined by what was refused, want 0", n)
		}
	})
}

// twice returns an argument with a member that occurs twice.
func twice(name, value, token string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"token":%q,%q:%s,%q:%s}`, token, name, value, name, value))
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *socketio.Config, c *roomsConfig) {
		c.CommentRate, c.CommentBurst, c.GiftRate, c.GiftBurst, c.MaxLivesPerConnection, c.MaxConnectionsPerUser = 0.001, 3, 0.001, 4, 2, 2
	})
	streamer := w.register("streamer")
	live, rose := streamer.goLive(), w.AddGift("rose", "", 1)
	ann := w.register("ann").credit(100)
	a := w.app(siotest.Options{})
	a.joins(ann, live)
	const often = "操作太频繁，请稍后再试"
	for range 4 {
		a.Emit("comment", map[string]any{"live_id": live, "data": "x", "token": ann.Token()})
	}
	for range 3 {
		a.Event("comment")
	}
	a.refused(often)
	for range 5 {
		a.Emit("gift", map[string]any{"live_id": live, "gift_id": rose, "token": ann.Token()})
	}
	for range 4 {
		a.Event("gift")
	}
	a.refused(often)
	a.joins(ann, streamer.goLive())
	a.Emit("joinLive", map[string]any{"live_id": streamer.goLive(), "token": ann.Token()}) // more lives than one connection may be in
	a.refused(often)
	second, third := w.app(siotest.Options{}), w.app(siotest.Options{})
	second.joins(ann, live)
	third.Emit("joinLive", map[string]any{"live_id": live, "token": ann.Token()}) // more sockets than one user may have
	third.refused(often)
}

// TestJoiningAgain checks that every accepted joinLive sends the viewer list, and that the log contains only the first
// join.
func TestJoiningAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	ann := w.register("ann")
	phone := w.app(siotest.Options{Version: 3})
	for range 3 {
		if l := phone.joins(ann, live); l.Total != 1 || len(l.Data) != 1 || len(l.Clients) != 1 {
			t.Errorf("the list is %+v, want Total 1, 1 Data, 1 Clients", l)
		}
	}
	tablet := w.app(siotest.Options{Version: 4})
	if l := tablet.joins(ann, live); l.Total != 1 || len(l.Data) != 1 || !slices.Equal(l.Clients, []string{tablet.id, phone.id}) {
		t.Errorf("the list on the second device is %+v", l)
	}
	if n := len(events[domain.ViewerJoined](w)); n != 1 {
		t.Errorf("%d joined, want 1", n)
	}
	// One device leaves and the other loses its connection. Only then has the user left.
	watcher := w.app(siotest.Options{})
	watcher.joins(w.register("watcher"), live)
	tablet.Emit("leaveLive", map[string]any{"live_id": live, "token": ann.Token()})
	tablet.silent()
	watcher.silent()
	if n := len(events[domain.ViewerLeft](w)); n != 0 {
		t.Errorf("%d left with one of two devices, want 0", n)
	}
	phone.Cut()
	if l := watcher.online("leave", "ann"); l.Total != 1 || len(l.Clients) != 1 {
		t.Errorf("the list is %+v, want Total 1, 1 Clients", l)
	}
	if left := events[domain.ViewerLeft](w); len(left) != 1 || left[0].Cause != domain.LeaveConnectionLost {
		t.Errorf("left: %+v, want 1 element, left[0].Cause %v", left, domain.LeaveConnectionLost)
	}
}

// TestTwoUsersOnOneSocket checks that several users may use one socket, because a user joins a live on a socket.
func TestTwoUsersOnOneSocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	ann, bob := w.register("ann"), w.register("bob")
	shared, watcher := w.app(siotest.Options{}), w.app(siotest.Options{})
	watcher.joins(w.register("watcher"), live)
	shared.joins(ann, live)
	if l := shared.joins(bob, live); l.Total != 3 || len(l.Clients) != 2 {
		t.Errorf("the list is %+v, want Total 3, 2 Clients", l)
	}
	shared.Emit("leaveLive", map[string]any{"live_id": live, "token": ann.Token()})
	if l := watcher.online("leave", "ann"); l.Total != 2 || len(l.Clients) != 2 {
		t.Errorf("the list is %+v, want Total 2, 2 Clients", l)
	}
	shared.online("leave", "ann") // bob is still in the live
	shared.Emit("comment", map[string]any{"live_id": live, "data": "hi", "token": bob.Token()})
	if s, _ := push[comment](watcher, "comment"); s.User.Name != "bob" {
		t.Errorf("got a comment of %+v, want one of bob", s.User)
	}
	shared.Cut()
	watcher.online("leave", "bob")
}

func TestLeavingAnEndedLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	streamer := w.register("streamer")
	live := streamer.goLive()
	ann := w.register("ann")
	a := w.app(siotest.Options{Version: 3})
	a.joins(ann, live)
	streamer.Asks(domain.ChangeLiveStatus{Live: live, To: domain.LiveStop})
	a.online("leave", "ann")
	a.Emit("leaveLive", map[string]any{"live_id": live, "token": ann.Token()})
	a.Emit("leaveLive", map[string]any{"live_id": live, "token": ann.Token()}) // no response, because she is not in the live
	a.Emit("leaveLive", map[string]any{"live_id": 99, "token": ann.Token()})
	a.silent()
	if left := events[domain.ViewerLeft](w); len(left) != 1 || left[0].Cause != domain.LeaveLiveEnded {
		t.Errorf("left: %+v, want 1 element, left[0].Cause %v", left, domain.LeaveLiveEnded)
	}
}

// TestCommentOrGiftJoinsTheLive checks that a comment or gift makes its sender join the live. Clients join once: after
// a lost connection they do not know that they are no longer in the live.
func TestCommentOrGiftJoinsTheLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live, rose := w.register("streamer").goLive(), w.AddGift("rose", "", 1)
	ann := w.register("ann").credit(10)
	for _, event := range []string{"comment", "gift"} {
		for name, o := range kinds() {
			t.Run(event+" "+name, func(t *testing.T) {
				a := w.with(t).app(o)
				a.Emit(event, map[string]any{"live_id": live, "data": "hello", "gift_id": rose, "token": ann.Token()})
				first := a.Event(event) // the sender's own event, which preceded the join
				if len(first) != 1 {
					t.Errorf("got %s", first)
				}
				if l := a.online("join", "ann"); l.Total != 1 || len(l.Clients) != 1 {
					t.Errorf("the list is %+v, want Total 1, 1 Clients", l)
				}
				a.Emit("comment", map[string]any{"live_id": live, "data": "again", "token": ann.Token()})
				if s, _ := push[comment](a, "comment"); s.Content != "again" {
					t.Errorf("got the comment %+v", s)
				}
				a.silent()  // no event was sent twice
				a.Send("1") // otherwise the server notices the loss of a polling client late
				wstest.Eventually(t, "ann has left", func() bool {
					return len(events[domain.ViewerLeft](w)) == len(events[domain.ViewerJoined](w))
				})
			})
		}
	}
	outside := w.app(siotest.Options{})
	outside.Emit("gift", map[string]any{"live_id": live, "gift_id": 99, "token": ann.Token()})
	outside.refused("该礼物不存在") // the socket does not join
	outside.silent()
	ann.Asks(domain.PostComment{Live: live, Text: "unheard"})
	outside.silent()
}

func TestRefusedRejoinIsQuiet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *socketio.Config, c *roomsConfig) { c.MaxLivesPerConnection = 1 })
	streamer := w.register("streamer")
	one, two := streamer.goLive(), streamer.goLive()
	ann := w.register("ann")
	a := w.app(siotest.Options{})
	a.joins(ann, one)
	a.Emit("comment", map[string]any{"live_id": two, "data": "from outside", "token": ann.Token()})
	if no := a.refused("操作太频繁，请稍后再试"); !no.Meta.NoToast {
		t.Error("the refusal of a rejoin is shown")
	}
	if n := len(events[domain.CommentPosted](w)); n != 1 {
		t.Errorf("%d comments, want 1", n)
	}
}
