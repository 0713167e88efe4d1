package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

type (
	exchanged struct {
		Meta struct {
			Timestamp      int64
			Client, Target string
		}
		Data struct {
			Action  string
			Payload map[string]any
		}
	}
	attended struct {
		Clients                 []string
		Action, Target, Message string
	}
	plainMessage struct{ User, Username, Content, CreateAt string }
	recorded     struct {
		ID            string `json:"_id"`
		Content, Room string
		User          struct{ Name, Avatar string }
	}
	moved struct {
		User    struct{ Name, Email string }
		Content string
	}
	chatMessage struct {
		Text string
		By   struct {
			ID, Name string
			User     int64
		}
	}
)

// say emits an event with the given arguments.
func (p *player) say(event string, arguments ...any) {
	p.t.Helper()
	p.order(map[string]any{"emit": append([]any{event}, arguments...)})
}

// with returns options that add keys and values to the query of the handshake.
func with(keys ...string) map[string]any {
	query := map[string]string{}
	for i := 0; i < len(keys); i += 2 {
		query[keys[i]] = keys[i+1]
	}
	return map[string]any{"query": query}
}

// byEmail signs a user in by e-mail address, without a password.
func byEmail(t testing.TB, at *process, email string) (token string) {
	t.Helper()
	p := &person{t: t, at: at}
	_, raw := p.do(http.MethodPost, "/login", http.Header{"Content-Type": {"application/json"}}, fmt.Appendf(nil, `{"email":%q}`, email))
	var a struct {
		Code int
		Data string
	}
	if err := json.Unmarshal(raw, &a); err != nil || a.Code != 0 || a.Data == "" {
		t.Fatalf("signed in with %s", raw)
	}
	return a.Data
}

// TestOfficialClientsChat lets official clients of all versions chat with each other, with native clients and with clients of
// another node.
func TestOfficialClientsChat(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	one := serve(t, env, append([]string{"--data", dataDir(t), "--guest-chat"}, unhurried...)...)
	two := serve(t, env, append([]string{"--data", dataDir(t), "--guest-chat"}, unhurried...)...)
	nora := join(t, one, "nora")
	for _, version := range []string{"2", "3", "4"} {
		for _, transports := range []string{"websocket", "polling,websocket"} {
			t.Run(version+" over "+transports, func(t *testing.T) {
				room := "r" + version + strings.ReplaceAll(transports, ",", "")
				one.roomlog("room", "add", room)
				native := nora.connect("")
				native.must("chat.join", map[string]any{"room": room}, "")
				playExchange(t, one, two, native, room, version, transports)
				playHistory(t, one, two, native, room, version, transports)
				playPlain(t, one, two, room, version, transports)
				native.cut()
			})
		}
	}
	t.Run("push to one user", func(t *testing.T) {
		for _, version := range []string{"2", "3", "4"} {
			playPushes(t, one, two, version)
		}
	})
	if output := one.output() + two.output(); strings.Contains(output, "token=") || strings.Contains(output, "Bearer") {
		t.Error("the log contains tokens")
	}
}

func playExchange(t *testing.T, one, two *process, native *socket, room, version, transports string) {
	a := play(t, one, version, transports, with("room", room))
	hear(a, "online", func(at attended) bool {
		return at.Action == "加入" && at.Target == "参加者" && at.Message == "用户("+a.id+")已加入."
	})
	b := play(t, two, version, transports, with("room", room))
	hear(b, "online", func(at attended) bool { return at.Message == "用户("+b.id+")已加入." && len(at.Clients) == 3 })
	shown := strings.TrimSuffix(strings.TrimPrefix(hear(a, "online", func(at attended) bool { return len(at.Clients) == 3 }).Message, "用户("), ")已加入.")
	text := "<b>مرحبا</b> 👩‍👩‍👧‍👦"
	a.say("exchange", map[string]any{"target": "群聊", "payload": map[string]any{"msg": text}})
	got := hear[exchanged](b, "群聊", nil)
	if got.Data.Payload["msg"] != text || got.Data.Action != "exchange" || got.Meta.Timestamp < 1e12 {
		t.Errorf("exchanged %+v", got)
	}
	native.await("the exchange", func(f frame) bool { return f.Type == "chat.message" && into[chatMessage](t, f).Text == text })
	a.say("exchange", map[string]any{"target": shown, "payload": map[string]any{"sticker": "rose"}})
	if got := hear[exchanged](b, b.id, nil); got.Data.Payload["sticker"] != "rose" || got.Meta.Target != b.id {
		t.Errorf(`exchanged %+v, want Data.Payload["sticker"] "rose", Meta.Target %v`, got, b.id)
	}
	b.say("exchange", map[string]any{"target": got.Meta.Client, "payload": map[string]any{"msg": "back"}})
	hear(a, a.id, func(got exchanged) bool { return got.Data.Payload["msg"] == "back" })
	a.say("typing", map[string]any{"target": "群聊"})
	hear[struct{ Client string }](b, "typing", nil)
	native.await("typing", func(f frame) bool { return f.Type == "chat.typing" })
	name := "Ann " + version
	a.say("nickname", name)
	a.order(map[string]any{"ask": []any{"who"}})
	var people []struct{ ID, Nickname string }
	r := a.await("who is there", "answer", nil)
	if err := json.Unmarshal(r.Args[0], &people); err != nil || len(people) != 3 {
		t.Errorf("there are %s, want 3 people", r.Args)
	}
	for _, p := range people {
		if p.ID == a.id && p.Nickname != name {
			t.Errorf("a is called %q", p.Nickname)
		}
	}
	a.order(map[string]any{"quit": true})
	hear(b, "online", func(at attended) bool { return at.Action == "离开" && len(at.Clients) == 2 })
	b.order(map[string]any{"quit": true})

	// A client that was refused must not reconnect.
	none := play(t, one, version, transports, with("room", "no such room"))
	refusal := hear[exchanged](none, none.id, nil)
	if refusal.Data.Action != "deny" || refusal.Data.Payload["type"] != "已删除" || refusal.Data.Payload["message"] != "删除，房间已删除." {
		t.Errorf(`refusal with %+v, want Data.Action "deny", Data.Payload["type"] "已删除", Data.Payload["message"] "删除，房间已删除."`, refusal)
	}
	if r := none.await("the end", "disconnect", nil); string(r.Args[0]) != `"io server disconnect"` {
		t.Errorf("it ended with %s", r.Args)
	}
	none.order(map[string]any{"look": true})
	none.await("a look", "look", nil)
	if none.has("connect") {
		t.Error("the removed room exists again")
	}
}

func playHistory(t *testing.T, one, two *process, native *socket, room, version, transports string) {
	suffix := version + strings.ReplaceAll(transports, ",", "")
	ann, bob := byEmail(t, one, "ann"+suffix+"@example.com"), byEmail(t, two, "bob"+suffix+"@example.com")
	a := play(t, one, version, transports, with("token", ann, "room", room))
	b := play(t, two, version, transports, with("token", bob, "room", room))
	news := hear[moved](a, "online", nil)
	if news.User.Name != "系统" || news.User.Email != "admin@126.com" || news.Content != "用户bob"+suffix+"加入聊天室" {
		t.Errorf("got %+v", news)
	}
	a.say("addMessage", map[string]any{"content": "hello <i>there</i>", "user": map[string]any{"name": "somebody else"}})
	for _, p := range []*player{a, b} {
		if m := hear[recorded](p, "messageAdded", nil); m.Content != "hello <i>there</i>" || m.User.Name != "ann"+suffix || !strings.HasPrefix(m.User.Avatar, "http") {
			t.Errorf("added %+v", m)
		}
	}
	native.await("the message", func(f frame) bool {
		return f.Type == "chat.message" && into[chatMessage](t, f).By.Name == "ann"+suffix
	})
	native.must("chat.post", map[string]any{"room": room, "text": "from nora"}, "")
	hear(b, "messageAdded", func(m recorded) bool { return m.Content == "from nora" && m.User.Name == "nora" })
	b.say("getAllMessages", room)
	all := hear[[]recorded](b, "allMessages", nil)
	if len(all) < 3 || all[len(all)-1].Content != "from nora" || all[len(all)-2].Content != "hello <i>there</i>" {
		t.Errorf("all are %+v", all)
	}
	b.order(map[string]any{"quit": true})
	hear(a, "offline", func(m moved) bool { return m.Content == "用户bob"+suffix+"离开聊天室" })
	a.order(map[string]any{"quit": true})

	nobody := play(t, one, version, transports, with("token", "", "room", room))
	needsLogin(nobody)
	nobody.say("addMessage", map[string]any{"content": "x"})
	needsLogin(nobody)
}

func needsLogin(p *player) {
	p.t.Helper()
	p.await("to be told to sign in", "heard", func(r report) bool { return len(r.Args) == 1 && string(r.Args[0]) == `"needLogin"` })
}

func playPlain(t *testing.T, one, two *process, room, version, transports string) {
	suffix := version + strings.ReplaceAll(transports, ",", "")
	a, b := play(t, one, version, transports), play(t, two, version, transports)
	a.say("message", "A"+suffix)
	if m := hear[plainMessage](b, "message", nil); m.User != "系统" || m.Content != "A"+suffix+"加入了聊天室" || m.CreateAt == "" {
		t.Errorf("got %+v", m)
	}
	b.say("message", "A"+suffix)
	hear(b, "message", func(m plainMessage) bool { return m.User == "系统" })
	b.say("message", "B"+suffix)
	hear(a, "message", func(m plainMessage) bool { return m.Content == "B"+suffix+"加入了聊天室" })
	a.say("message", "<script>alert(1)</script>")
	for _, p := range []*player{a, b} {
		if m := hear[plainMessage](p, "message", nil); m.Content != "&lt;script&gt;alert(1)&lt;/script&gt;" || m.User != "A"+suffix || m.Username != m.User {
			t.Errorf("got %+v", m)
		}
	}
	b.say("message", "@A"+suffix+" psst")
	hear(a, "message", func(m plainMessage) bool { return m.Content == "psst" && m.User == "B"+suffix })
	b.say("message", "@nobody psst")
	hear(b, "message", func(m plainMessage) bool { return m.Content == "你私聊的用户不在线" })
	for _, p := range []*player{a, b} {
		p.say("join", room)
		hear(p, "joined", func(r string) bool { return r == room })
		hear(p, "message", func(m plainMessage) bool { return m.Content == "你成功进入了"+room+"房间!" })
	}
	a.say("message", "in the room")
	hear(b, "message", func(m plainMessage) bool { return m.Content == "in the room" })
	b.say("leave", room)
	hear(b, "leaved", func(r string) bool { return r == room })
	hear(b, "message", func(m plainMessage) bool { return m.Content == "你已经离开了"+room+"房间!" })
	b.say("getAllMessages")
	all := hear[[]plainMessage](b, "allMessages", nil)
	if len(all) == 0 || all[len(all)-1].Content != "&lt;script&gt;alert(1)&lt;/script&gt;" {
		t.Errorf("all are %+v", all)
	}
}

func playPushes(t *testing.T, one, two *process, version string) {
	carl := join(t, one, "carl"+version)
	mine := []*player{
		play(t, one, version, "websocket", with("token", "Bearer "+carl.token)),
		play(t, two, version, "polling,websocket", with("token", "Bearer "+carl.token)),
	}
	other := play(t, one, version, "websocket", with("token", "Bearer null"))
	for _, p := range append(mine, other) {
		hear(p, "message", func(m string) bool { return m == "hello" })
		p.say("message", "x")
		hear(p, "message", func(m string) bool { return m == "你好客户端, x" })
	}
	carl.topUp(10, 1)
	for _, p := range mine {
		hear(p, "message", func(coins int64) bool { return coins == 100 })
	}
	_, raw := carl.do(http.MethodGet, "/api/insert", http.Header{"Authorization": {"Bearer " + carl.token}}, nil)
	if string(raw) != `{"code":200,"message":"添加成功~"}`+"\n" && string(raw) != `{"code":200,"message":"添加成功~"}` {
		t.Errorf("grew older with %s", raw)
	}
	for _, p := range mine {
		hear(p, "message", func(age int64) bool { return age == 1 })
	}
	other.say("message", "y")
	hear(other, "message", func(m string) bool { return m == "你好客户端, y" })
	if other.has("heard") {
		t.Error("another user got it")
	}
}
