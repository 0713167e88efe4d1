package socketio_test

import (
	"fmt"
	"html"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// plainMessage is a message in the profile plain.
type plainMessage struct {
	User, Username, Content string
	CreateAt                time.Time
}

// expectMessage waits for a message of the profile plain with this name and text, before escaping.
func (a *app) expectMessage(name, content string) {
	a.Helper()
	got, _ := push[plainMessage](a, "message")
	name, content = html.EscapeString(name), html.EscapeString(content)
	if got.User != name || got.Username != name || got.Content != content || time.Since(got.CreateAt).Abs() > time.Hour { // time passes: no test takes an hour
		a.Fatalf("got the message %+v, want %s: %s", got, name, content)
	}
}

func guests(c *socketio.Config, r *roomsConfig) { c.GuestChat, r.PresenceGrace = true, time.Hour }

// called connects a socket, enters the chat with a nickname, and waits until the others are notified.
func (w *world) called(o siotest.Options, name string, others ...*app) *app {
	w.Helper()
	a := w.app(o)
	a.Emit("message", name)
	for _, c := range others {
		c.expectMessage("系统", name+"加入了聊天室")
	}
	a.nothing()
	head, err := w.Store.Head(w.Context())
	if err == nil {
		err = w.Chat.WaitFor(w.Context(), head)
	}
	if err != nil {
		w.Fatal(err)
	}
	return a
}

func TestPlainChat(t *testing.T) {
	t.Parallel()
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			one, two := openWorld(t, db, true, guests), openWorld(t, db, false, guests)
			silent := two.app(siotest.Options{}) // this socket sends nothing
			ann := one.called(o, "安<娜>", silent)
			bob := two.called(siotest.Options{}, "Bob", silent, ann)
			cat := one.called(o, "Cat Two", silent, ann, bob)
			for _, taken := range []string{"系统", "bob", " Ｂob", "cat two", "Воb", "Cat\u00a0Two"} { // some names contain Cyrillic letters
				d := two.app(o)
				d.Emit("message", taken)
				d.expectMessage("系统", "昵称已被使用")
			}
			for _, bad := range []string{"", "   ", strings.Repeat("长", 21)} {
				d := two.app(o)
				d.Emit("message", bad)
				d.expectMessage("系统", "名字为1到20个字")
			}
			text := `<img src=x onerror="alert('x')"> & مرحبا 👩‍👩‍👧‍👦`
			ann.Emit("message", text)
			for _, c := range []*app{silent, ann, bob, cat} {
				c.expectMessage("安<娜>", text)
			}
			if m := events[domain.MessagePosted](one); len(m) != 1 || m[0].Text != text {
				t.Errorf("the log has %+v, want 1 element, m[0].Text %v", m, text)
			}
			// A message is private only if it begins with @.
			bob.Emit("message", "@Cat Two for you <b>alone</b>")
			cat.expectMessage("Bob", "for you <b>alone</b>")
			bob.Emit("message", "@nobody x")
			bob.expectMessage("系统", "你私聊的用户不在线")
			bob.Emit("message", "mail me @Cat Two")
			for _, c := range []*app{silent, ann, bob, cat} {
				c.expectMessage("Bob", "mail me @Cat Two")
			}
			// Joins and leaves chat rooms.
			for _, c := range []*app{ann, bob} {
				for _, room := range []string{"青铜", "<钻石>"} {
					c.Emit("join", room)
					c.expectEvent("joined", fmt.Sprintf("%q", room))
					c.expectMessage("系统", "你成功进入了"+room+"房间!")
				}
			}
			ann.Emit("join", "青铜")
			ann.expectMessage("系统", "你已经在青铜房间了!请不要重复进入!")
			ann.Emit("message", "in both rooms")
			for _, c := range []*app{ann, bob} {
				c.expectMessage("安<娜>", "in both rooms")
				c.nothing() // the message was sent once
			}
			ann.Emit("leave", "青铜")
			ann.expectEvent("leaved", `"青铜"`)
			ann.expectMessage("系统", "你已经离开了青铜房间!")
			for range 2 {
				ann.Emit("leave", "青铜")
				ann.expectMessage("系统", "你并不在青铜房间,离开个毛!")
			}
			bob.Emit("leave", "<钻石>")
			bob.expectEvent("leaved", `"<钻石>"`)
			bob.expectMessage("系统", "你已经离开了<钻石>房间!")
			bob.Emit("message", "alone in bronze")
			bob.expectMessage("Bob", "alone in bronze")
			for _, c := range []*app{silent, ann, cat} {
				c.nothing()
			}
			// Reads the public messages, oldest first.
			cat.Emit("getAllMessages")
			all, _ := push[[]plainMessage](cat, "allMessages")
			if len(all) != 2 || all[0].User != "安&lt;娜&gt;" || all[0].Username != all[0].User || all[0].Content != html.EscapeString(text) || all[1].Content != "mail me @Cat Two" {
				t.Errorf("got the messages %+v", all)
			}
			for i := range 21 {
				cat.Emit("message", fmt.Sprint(i))
				cat.expectMessage("Cat Two", fmt.Sprint(i))
			}
			cat.Emit("getAllMessages")
			if all, _ := push[[]plainMessage](cat, "allMessages"); len(all) != 20 || all[0].Content != "1" || all[19].Content != "20" {
				t.Errorf(`got the messages %+v, want 20 elements, all[0].Content "1", all[19].Content "20"`, all)
			}
			cat.Emit("addMessage", map[string]any{"content": "x"})
			cat.expectEvent("needLogin", "")
			cat.Emit("message", map[string]any{"a": 1})
			cat.expectMessage("系统", "参数错误")
			// A nickname is available again when its socket has disconnected.
			bob.Cut()
			fresh := one.app(o)
			wstest.Eventually(t, "the name is free", func() bool {
				fresh.Forget()
				fresh.Emit("message", "bob")
				fresh.Emit("test", nil)
				p := fresh.Next()
				for p.Text != fmt.Sprintf(`%s[%q,"啊啊啊"]`, fresh.Prefix("42"), fresh.id) && !strings.Contains(p.Text, "昵称已被使用") {
					p = fresh.Next()
				}
				return !strings.Contains(p.Text, "昵称已被使用")
			})
		})
	}
}

// TestPlainChatBeforeAName checks that a socket joins the chat rooms that it requested before it had a nickname when it
// enters the chat.
func TestPlainChatBeforeAName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guests)
	w.chatRoom("demo")
	b := w.called(siotest.Options{}, "Bob")
	a := w.app(siotest.Options{})
	a.Emit("join", "demo")
	a.expectEvent("joined", `"demo"`)
	a.expectMessage("系统", "你成功进入了demo房间!")
	b.Emit("join", "demo")
	b.Event("joined")
	b.expectMessage("系统", "你成功进入了demo房间!")
	b.Emit("message", "in the room")
	a.expectMessage("Bob", "in the room")
	b.expectMessage("Bob", "in the room")
	a.Emit("message", "Ann")
	b.expectMessage("系统", "Ann加入了聊天室")
	a.Emit("message", "so am I")
	for _, c := range []*app{a, b} {
		c.expectMessage("Ann", "so am I")
	}
	if joined := events[domain.ChatRoomJoined](w); len(joined) != 2 {
		t.Errorf("joined %+v, want 2 elements", joined)
	}
	for i := range 15 {
		a.Emit("join", fmt.Sprint("room ", i))
		a.Event("joined")
		a.Event("message")
	}
	a.Emit("join", "one too many")
	if got, _ := push[plainMessage](a, "message"); got.User != "系统" || strings.Contains(got.Content, "成功") {
		t.Errorf("got the message %+v", got)
	}
}

func TestPlainChatClosedToGuests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a := w.app(siotest.Options{})
	for _, event := range []string{"message", "join", "leave", "getAllMessages", "addMessage"} {
		a.Emit(event, "x")
		a.expectEvent("needLogin", "")
	}
	if n := len(events[domain.ParticipantEntered](w)); n != 0 {
		t.Errorf("%d entered, want 0", n)
	}
}

// TestPlainChatWithAToken checks that a signed-in user posts plain messages under the user's name.
func TestPlainChatWithAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guests)
	w.chatRoom("demo")
	ann := w.register("ann")
	a := ann.resides(siotest.Options{}, "demo")
	b := w.called(siotest.Options{}, "Bob")
	b.Emit("join", "demo")
	b.Event("joined")
	b.expectMessage("系统", "你成功进入了demo房间!")
	a.moves("online", "用户Bob加入聊天室")
	a.Emit("join", "demo")
	a.expectMessage("系统", "你已经在demo房间了!请不要重复进入!")
	a.Emit("message", "by her own name")
	for _, c := range []*app{a, b} {
		c.expectMessage("ann", "by her own name")
	}
	push[added](a, "messageAdded")
	b.Emit("message", "@ann psst")
	a.expectMessage("Bob", "psst")
	a.Emit("message", "@Bob psst yourself")
	b.expectMessage("ann", "psst yourself")
	a.nothing()
	b.nothing()
}

// TestPrivateMessageToAnAmbiguousName checks that a private message to a name that two users have is sent to neither.
func TestPrivateMessageToAnAmbiguousName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guests)
	w.chatRoom("demo")
	first, second := w.register("first"), w.register("second")
	first.Asks(domain.ChangeProfile{Nickname: new("Cat")})
	second.Asks(domain.ChangeProfile{Nickname: new("cаt")}) // the name contains a Cyrillic letter
	a, b := first.resides(siotest.Options{}, "demo"), second.resides(siotest.Options{}, "demo")
	a.moves("online", "用户cаt加入聊天室")
	ann := w.called(siotest.Options{}, "Ann")
	ann.Emit("message", "@Cat psst")
	ann.expectMessage("系统", "有多个用户叫这个名字,消息没有发送")
	if posted := events[domain.MessagePosted](w); len(posted) != 0 {
		t.Errorf("the log has %+v", posted)
	}
	a.nothing()
	b.nothing()
}

// TestPlainChatIsNotRecovered checks that a socket with a nickname is not recovered: a recovered socket would mistake
// the next message for its nickname.
func TestPlainChatIsNotRecovered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guests)
	for name, begin := range map[string]func(*app){
		"a name": func(a *app) { a.Emit("message", "Ann") },
		"a room": func(a *app) { a.Emit("join", "demo") },
		"":       func(*app) {},
	} {
		a := w.recovering()
		begin(a)
		a.Emit("test", nil)
		a.Event(a.id)
		a.Cut()
		if b := w.back(a, ""); (b.id == a.id) != (name == "") {
			t.Errorf("with %q, socket %s was recovered as %s", name, a.id, b.id)
		}
	}
}

// TestRoomsJoinedBeforeEntering checks that a socket that requested many chat rooms before it had a nickname joins all
// of them, in spite of its rate limit.
func TestRoomsJoinedBeforeEntering(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *socketio.Config, r *roomsConfig) {
		guests(c, r)
		r.MessageRate, r.MessageBurst = 0.001, 7
	})
	a := w.app(siotest.Options{})
	for i := range 5 {
		a.Emit("join", fmt.Sprint("room ", i))
		a.Event("joined")
		a.Event("message")
	}
	a.Emit("message", "Ann")
	a.nothing()
	if joined := events[domain.ChatRoomJoined](w); len(joined) != 5 {
		t.Errorf("joined %+v, want 5 elements", joined)
	}
	a.Emit("leave", "room 0")
	a.expectEvent("leaved", `"room 0"`)
	a.Event("message")
	for range 2 { // limited by a rate, but still in the chat
		a.Emit("leave", "room 1")
		a.expectMessage("系统", "操作太频繁，请稍后再试")
	}
	a.Emit("message", "@Ann x")
	a.expectMessage("系统", "操作太频繁，请稍后再试")
}
