package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The events of old clients, as far as these tests read them.
type (
	shownPerson struct {
		ID           int64
		Name, Avatar string
	}
	shownList struct {
		Clients []string
		Action  string
		User    shownPerson
		Data    []shownPerson
		Total   int64
	}
	shownComment struct {
		User    shownPerson
		ID      string
		Content string
	}
	shownGift struct {
		Username string
		Name     string `json:"gift_name"`
		Image    string `json:"gift_image"`
		Coin     int64  `json:"gift_coin"`
		Num      int
	}
	shownNotice struct {
		Data struct{ Action, Payload string }
	}
)

// among reports whether a list contains a name and a socket.
func (l shownList) among(name, socket string) bool {
	return slices.Contains(l.Clients, socket) && slices.ContainsFunc(l.Data, func(p shownPerson) bool { return p.Name == name })
}

// TestOfficialClients runs the official Socket.IO clients of three major versions over each transport, together with a native
// client in the same live.
func TestOfficialClients(t *testing.T) {
	t.Parallel()
	need(t, "node", "node")
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t)}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30", "--image", "https://cdn.example/rose.png")
	anna, nora := join(t, at, "anna"), join(t, at, "nora")
	live := anna.open("An evening with Anna")
	native := nora.connect("")
	enter(t, native, live, "")
	for _, version := range []string{"2", "3", "4"} {
		for _, transports := range []string{"websocket", "polling,websocket", "polling"} {
			t.Run(version+" over "+transports, func(t *testing.T) {
				viewer := join(t, at, fmt.Sprintf("viewer-%s-%s", version, strings.ReplaceAll(transports, ",", "-")))
				viewer.topUp(10, 1)
				playEvening(t, viewer, native, live, version, transports)
			})
		}
	}
	t.Run("a profile that is changed over REST", func(t *testing.T) {
		viewer := join(t, at, "mia")
		inLive := play(t, at, "2", "websocket")
		inLive.emit("joinLive", map[string]any{"live_id": live, "token": viewer.token})
		hear(inLive, "online", func(l shownList) bool { return l.among(viewer.name, inLive.id) })
		own := play(t, at, "2", "websocket", map[string]any{"query": map[string]any{"token": "Bearer " + viewer.token}})
		want := shownPerson{viewer.id, "小米", "https://cdn.example/mia.png"}
		viewer.call(http.MethodPut, "/api/user/profile", map[string]any{"nickname": want.Name, "avatar": want.Avatar, "age": 31}, nil)
		native.await("the profile", func(f frame) bool { return f.Type == "viewer_profile" && into[shownPerson](t, f) == want })
		hear(inLive, "profile", func(p shownPerson) bool { return p == want })
		hear(own, "message", func(account struct{ Nickname string }) bool { return account.Nickname == want.Name })
		hear(own, "message", func(age int) bool { return age == 31 })
		if out := at.roomlog("export", "--type", "user.age_changed.v1"); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"age":31`) {
			t.Errorf("the log has the ages %s", out)
		}
	})
	if out := at.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Errorf("verify printed %s", out)
	}
	if output := at.output(); strings.Contains(output, anna.token) || strings.Contains(output, "EIO=") {
		t.Error("the log contains a token or the query of a request")
	}
}

func playEvening(t *testing.T, viewer *person, native *socket, live int64, version, transports string) {
	p := play(t, viewer.at, version, transports, requestRecovery)
	if !strings.HasPrefix(transports, "polling,") {
		p.order(map[string]any{"look": true})
		if r := p.await("its transport", "look", nil); r.Transport != transports {
			t.Errorf("connected over %s, want %v", r.Transport, transports)
		}
	}
	payload := func(more map[string]any) map[string]any {
		all := map[string]any{"live_id": fmt.Sprint(live), "token": "Bearer " + viewer.token}
		for key, value := range more {
			all[key] = value
		}
		return all
	}
	// The client joins, and all viewers receive the new list.
	p.emit("joinLive", payload(nil))
	list := hear(p, "online", func(l shownList) bool { return l.among(viewer.name, p.id) })
	if list.Action != "join" || list.User.Name != viewer.name || list.Total != 2 || list.Data[0].Name != viewer.name || list.Data[1].Name != "nora" {
		t.Errorf("the list is %+v", list)
	}
	native.await(viewer.name+" coming", func(f frame) bool { return f.Type == "join" && into[by](t, f).User.Name == viewer.name })

	p.emit("test", nil)
	if answer := hear[string](p, p.id, nil); answer != "啊啊啊" {
		t.Errorf(`test is answered %q, want "啊啊啊"`, answer)
	}

	// Clients of both dialects receive the comments of both.
	text := "你好 <b>😀</b> from " + viewer.name
	p.emit("comment", payload(map[string]any{"data": text}))
	if c := hear[shownComment](p, "comment", nil); c.Content != text || c.User.Name != viewer.name || len(c.ID) != 10 {
		t.Errorf("the comment is %+v, want Content %v, User.Name %v, 10 ID", c, text, viewer.name)
	}
	native.await("the comment", func(f frame) bool { return f.Type == "comment" && into[by](t, f).Text == text })
	native.must("comment.post", map[string]any{"live": live, "text": "welcome " + viewer.name}, "")
	hear(p, "comment", func(c shownComment) bool { return c.Content == "welcome "+viewer.name && c.User.Name == "nora" })

	// Sends three gifts; then there are no coins left.
	for range 4 {
		p.emit("gift", payload(map[string]any{"gift_id": 1}))
	}
	for range 3 {
		if g := hear[shownGift](p, "gift", nil); g != (shownGift{viewer.name, "Rose", "https://cdn.example/rose.png", 30, 1}) {
			t.Errorf("the gift is %+v", g)
		}
	}
	if no := hear[shownNotice](p, p.id, nil); no.Data.Payload != "金币不足，请先充值" || no.Data.Action != "error" {
		t.Errorf(`refused with %+v, want Data.Payload "金币不足，请先充值", Data.Action "error"`, no)
	}
	if coins := viewer.coins(); coins != 10 {
		t.Errorf("%d coins are left, want 10", coins)
	}
	p.emit("joinLive", map[string]any{"live_id": live, "token": "forged"})
	if no := hear[shownNotice](p, p.id, nil); no.Data.Payload != "Token 令牌不合法!" {
		t.Errorf(`refused with %+v, want Data.Payload "Token 令牌不合法!"`, no)
	}
	if transports == "polling,websocket" {
		p.order(map[string]any{"look": true})
		p.await("its upgrade", "look", func(r report) bool {
			if r.Transport != "websocket" {
				p.order(map[string]any{"look": true})
			}
			return r.Transport == "websocket"
		})
	}

	// The connection breaks. Newer clients recover their socket; older ones join again with their next event.
	p.order(map[string]any{"drop": true})
	p.await("the break", "disconnect", nil)
	back := p.await("its return", "connect", nil)
	if version == "4" != back.Recovered || version == "4" && back.ID != p.id {
		t.Errorf("%s came back as %s, recovered: %v", p.id, back.ID, back.Recovered)
	}
	p.id = back.ID
	if transports == "websocket" { // any valid event makes the user join again
		viewer.topUp(2, 1)
		p.emit("gift", payload(map[string]any{"gift_id": "1"}))
		hear(p, "gift", func(g shownGift) bool { return g.Username == viewer.name })
	} else {
		p.emit("comment", payload(map[string]any{"data": "back again"}))
		hear(p, "comment", func(c shownComment) bool { return c.Content == "back again" })
	}
	hear(p, "online", func(l shownList) bool { return l.among(viewer.name, p.id) })
	native.must("comment.post", map[string]any{"live": live, "text": "there you are, " + viewer.name}, "")
	hear(p, "comment", func(c shownComment) bool { return c.Content == "there you are, "+viewer.name })

	// The client leaves, once with leaveLive and once by disconnecting.
	at := native.await(viewer.name+" being back", func(f frame) bool { return f.Type == "comment" && into[by](t, f).Text == "there you are, "+viewer.name }).Pos
	left := func(cause string) {
		at = native.await(viewer.name+" leaving", func(f frame) bool {
			return f.Type == "leave" && f.Pos > at && into[by](t, f).User.Name == viewer.name && into[struct{ Cause string }](t, f).Cause == cause
		}).Pos
	}
	p.emit("leaveLive", payload(nil))
	left("requested")
	p.emit("joinLive", payload(nil))
	hear(p, "online", func(l shownList) bool { return l.Action == "join" && l.among(viewer.name, p.id) })
	p.order(map[string]any{"quit": true})
	left("connection_lost")
}

// requestRecovery makes clients of version 4 request connection state recovery.
var requestRecovery = map[string]any{"auth": map[string]any{"recovery": true}}

// TestVueClients runs a Vue app with vue-socket.io 3.0.10. This library passes a list to the handler of an event that
// has more than one argument.
func TestVueClients(t *testing.T) {
	t.Parallel()
	need(t, "node", "node")
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--guest-chat"}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	anna, viewer := join(t, at, "anna"), join(t, at, "viewer")
	viewer.topUp(10, 1)
	live := anna.open("An evening with Anna")
	for _, transports := range []string{"websocket", "polling"} {
		t.Run(transports, func(t *testing.T) {
			p := playVue(t, at, map[string]any{"transports": []string{transports}})
			payload := map[string]any{"live_id": live, "token": viewer.token, "gift_id": 1, "data": "你好"}
			p.emit("joinLive", payload)
			hear(p, "online", func(l shownList) bool { return l.among(viewer.name, p.id) })
			p.emit("comment", payload)
			if c := hear[shownComment](p, "comment", nil); c.Content != "你好" || c.User.Name != viewer.name {
				t.Errorf("the comment is %+v", c)
			}
			p.emit("gift", payload)
			if g := hear[shownGift](p, "gift", nil); g != (shownGift{viewer.name, "Rose", "", 30, 1}) {
				t.Errorf("the gift is %+v", g)
			}
			p.say("message", "vue "+transports)
			p.say("message", "first\nsecond")
			if m := hear[plainMessage](p, "message", nil); m.Username != "vue "+transports || m.Content != "first\nsecond" {
				t.Errorf("the message is %+v", m)
			}
			p.say("message", "@nobody x")
			if m := hear[plainMessage](p, "message", nil); m.User != "系统" || m.Username != "系统" {
				t.Errorf("the message of the system is %+v", m)
			}
			p.order(map[string]any{"drop": true})
			p.id = p.await("its return", "connect", nil).ID
			p.emit("comment", payload)
			hear[shownComment](p, "comment", nil)
		})
	}
}

// TestOfficialClientsAfterARestart kills and stops the server. Clients must reconnect without help.
func TestOfficialClientsAfterARestart(t *testing.T) {
	t.Parallel()
	need(t, "node", "node")
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t)}, unhurried...)...)
	anna := join(t, at, "anna")
	live := anna.open("An evening with Anna")
	players := map[*player]*person{}
	for i, kind := range [][2]string{{"2", "websocket"}, {"2", "polling"}, {"3", "polling,websocket"}, {"4", "websocket"}, {"4", "polling"}} {
		viewer := join(t, at, fmt.Sprint("guest", i))
		p := play(t, at, kind[0], kind[1])
		p.emit("joinLive", map[string]any{"live_id": live, "token": viewer.token})
		hear(p, "online", func(l shownList) bool { return l.among(viewer.name, p.id) })
		players[p] = viewer
	}
	for _, end := range []func(){at.kill, func() { at.stop() }} {
		end()
		at.again()
		for p, viewer := range players {
			p.id = p.await("its return", "connect", nil).ID
			p.emit("comment", map[string]any{"live_id": live, "token": viewer.token, "data": "back: " + p.id})
		}
		for p := range players {
			hear(p, "comment", func(c shownComment) bool { return c.Content == "back: "+p.id })
		}
	}
	eventually(t, "all users are in the live, once each", func() bool { return len(anna.viewers(live)) == len(players) })
}

// TestOfficialClientsOfTwoNodes checks that two servers with one database form one system for clients of all kinds.
func TestOfficialClientsOfTwoNodes(t *testing.T) {
	t.Parallel()
	need(t, "node", "node")
	env := withDatabase(t)
	one := serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)
	two := serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)
	one.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	anna := join(t, one, "anna")
	live := anna.open("An evening with Anna")
	nora, nils := join(t, one, "nora"), join(t, two, "nils")
	natives := []*socket{nora.connect(""), nils.connect("")}
	for _, n := range natives {
		enter(t, n, live, "")
	}
	var players []*player
	var viewers []*person
	for _, kind := range []struct {
		at                  *process
		version, transports string
	}{{one, "2", "polling,websocket"}, {two, "2", "websocket"}, {two, "4", "polling"}} {
		viewer := join(t, kind.at, fmt.Sprint("guest", len(viewers)))
		viewer.topUp(3, 1)
		p := play(t, kind.at, kind.version, kind.transports)
		p.emit("joinLive", map[string]any{"live_id": live, "token": viewer.token})
		players, viewers = append(players, p), append(viewers, viewer)
		for _, p := range players { // all clients see all users, and the sockets of their own node
			hear(p, "online", func(l shownList) bool {
				return l.Action == "join" && l.User.Name == viewer.name && l.Total == int64(len(natives)+len(viewers)) && len(l.Data) == int(l.Total)
			})
		}
	}
	for i, p := range players {
		p.emit("comment", map[string]any{"live_id": fmt.Sprint(live), "data": "hello from " + viewers[i].name, "token": viewers[i].token})
		p.emit("gift", map[string]any{"live_id": live, "gift_id": 1, "token": viewers[i].token})
	}
	for _, g := range viewers {
		for _, p := range players {
			hear(p, "comment", func(c shownComment) bool { return c.Content == "hello from "+g.name })
			hear(p, "gift", func(s shownGift) bool { return s.Username == g.name })
		}
		for _, n := range natives {
			n.await("what "+g.name+" said", func(f frame) bool { return f.Type == "comment" && into[by](t, f).Text == "hello from "+g.name })
		}
		if coins := g.coins(); coins != 0 {
			t.Errorf("%s has %d coins left, want 0", g.name, coins)
		}
	}
	if out := one.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Errorf("verify printed %s", out)
	}
}

// TestQueryStringsAreNotLogged checks that the URLs in the log contain no query, because old clients send their tokens
// there.
func TestQueryStringsAreNotLogged(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-in-the-address"
	env := withDatabase(t)
	for _, roles := range []string{"api,realtime,projector", "api,projector"} {
		at := serve(t, env, append([]string{"--data", dataDir(t), "--log-level", "debug", "--roles", roles}, unhurried...)...)
		anybody := &person{t: t, at: at}
		for _, path := range []string{
			"/socket.io?", "/socket.io/?EIO=4&transport=polling&", "/socket.io/?EIO=3&transport=polling&room=demo&", "/socket.io/?EIO=9&transport=polling&",
			"/socket.io/?EIO=4&transport=websocket&", "/socket.io/?EIO=4&transport=polling&sid=unknown&", "/socket.io/socket.io.js?",
			"/socket.io/nothing?", "/ws?", "/api/gift/list?", "/nothing?", "/healthz?",
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				anybody.do(method, path+"token="+secret, nil, []byte("4broken"))
			}
		}
		if strings.Contains(roles, "realtime") {
			for _, version := range []string{"2", "4"} {
				p := play(t, at, version, "polling,websocket", map[string]any{"query": map[string]any{"token": "Bearer " + secret}})
				p.emit("joinLive", map[string]any{"live_id": 1, "token": secret})
				hear(p, p.id, func(no shownNotice) bool { return no.Data.Payload == "Token 令牌不合法!" })
			}
		}
		if output := at.output(); !strings.Contains(output, "/api/gift/list") || strings.Contains(output, secret) {
			t.Errorf("with the roles %s, the log must contain the path /api/gift/list and must not contain the secret", roles)
		}
	}
}

func TestPageOfOldClients(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	at := serve(t, withDatabase(t), "--data", data, "--cors-origins", "https://app.example")
	page := &person{t: t, at: at}
	if status, _ := page.do(http.MethodGet, "/socket.io/socket.io.js", nil, nil); status != http.StatusNotFound {
		t.Errorf("a script that is not there is answered with %d, want %v", status, http.StatusNotFound)
	}
	if err := os.MkdirAll(filepath.Join(data, "assets"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "assets", "socket.io.js"), []byte("io = {}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if status, text := page.do(http.MethodGet, "/socket.io/socket.io.js", nil, nil); status != http.StatusOK || string(text) != "io = {}" {
		t.Errorf("the script got the response %d %s", status, text)
	}
	for origin, want := range map[string]int{"https://app.example": http.StatusOK, "https://evil.example": http.StatusForbidden, "": http.StatusOK} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		status, body := page.do(http.MethodGet, "/socket.io/?EIO=4&transport=polling", header, nil)
		if status != want {
			t.Errorf("origin %q is answered with %d %s, want %v", origin, status, body, want)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://"+at.addr+"/socket.io/?EIO=4&transport=polling", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Access-Control-Request-Headers", "token")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	h := answer.Header
	if h.Get("Access-Control-Allow-Origin") != "https://app.example" || h.Get("Access-Control-Allow-Credentials") != "true" ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "token") {
		t.Errorf("a preflight got the response %d %v", answer.StatusCode, h)
	}
}

// TestClientsWithoutATrailingSlash runs official clients that leave out the slash at the end of the path.
func TestClientsWithoutATrailingSlash(t *testing.T) {
	t.Parallel()
	need(t, "node", "node")
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t)}, unhurried...)...)
	for _, transports := range []string{"websocket", "polling,websocket", "polling"} {
		p := play(t, at, "4", transports, map[string]any{"addTrailingSlash": false})
		p.emit("test", nil)
		hear(p, p.id, func(text string) bool { return text == "啊啊啊" })
	}
}

// TestOfficialClientsInNamespaces runs official clients with one socket in another namespace and one in "/", both over
// one connection.
func TestOfficialClientsInNamespaces(t *testing.T) {
	t.Parallel()
	need(t, "node", "node")
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--namespaces", "/live,/chat.v2"}, unhurried...)...)
	anna := join(t, at, "anna")
	live := anna.open("An evening with Anna")
	for _, version := range []string{"2", "3", "4"} {
		for _, transports := range []string{"websocket", "polling,websocket", "polling"} {
			t.Run(version+" over "+transports, func(t *testing.T) {
				viewer := join(t, at, fmt.Sprintf("viewer-%s-%s", version, strings.ReplaceAll(transports, ",", "-")))
				p := play(t, at, version, transports, map[string]any{"namespace": "/live", "beside": true})
				payload := map[string]any{"live_id": live, "token": viewer.token, "data": "from /live"}
				p.emit("joinLive", payload)
				hear(p, "online", func(l shownList) bool { return l.among(viewer.name, p.id) })
				first := p.await("its second socket", "beside", nil)
				if string(first.Args[0]) != "true" || string(first.Args[1]) == fmt.Sprintf("%q", p.id) {
					t.Errorf("the sockets do not share a connection: %s", first.Args)
				}
				beside := func(event string, with ...string) {
					t.Helper()
					p.await(event+" beside", "beside", func(r report) bool {
						text := string(r.Args[0])
						return strings.HasPrefix(text, fmt.Sprintf("[%q", event)) && !slices.ContainsFunc(with, func(s string) bool { return !strings.Contains(text, s) })
					})
				}
				p.order(map[string]any{"besideEmit": []any{"joinLive", payload}})
				beside("online", viewer.name, string(first.Args[1]))
				p.emit("comment", payload)
				hear(p, "comment", func(c shownComment) bool { return c.Content == "from /live" })
				beside("comment", "from /live")
				p.emit("comment", map[string]any{"live_id": live, "token": "forged", "data": "x"})
				if no := hear[shownNotice](p, p.id, nil); no.Data.Payload != "Token 令牌不合法!" {
					t.Errorf("refused with %+v", no)
				}
				if strings.HasPrefix(transports, "polling,") {
					p.order(map[string]any{"look": true})
					p.await("its upgrade", "look", func(r report) bool {
						if r.Transport != "websocket" {
							p.order(map[string]any{"look": true})
						}
						return r.Transport == "websocket"
					})
				}
				p.order(map[string]any{"drop": true}) // both sockets come back
				p.await("the break", "disconnect", nil)
				p.id = p.await("its return", "connect", nil).ID
				p.await("the return of its second socket", "beside", func(r report) bool { return string(r.Args[0]) == "true" })
				p.emit("comment", payload)
				hear(p, "comment", func(c shownComment) bool { return c.Content == "from /live" })
				hear(p, "online", func(l shownList) bool { return l.among(viewer.name, p.id) })
			})
		}
	}
	for _, version := range []string{"2", "4"} {
		t.Run("a namespace that is not in the setting, version "+version, func(t *testing.T) {
			p := play(t, at, version, "websocket", map[string]any{"namespace": "/live"})
			p.order(map[string]any{"open": "/nope"})
			p.await("the refusal", "refused", func(r report) bool { return strings.Contains(string(r.Args[0]), "Invalid namespace") })
			p.emit("test", nil) // the other socket goes on
			hear[string](p, p.id, nil)
		})
	}
}
