package socketio_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/realtimetest"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// added is a message in the profile rooms.
type added struct {
	ID       string `json:"_id"`
	Content  string
	Room     string
	CreateAt time.Time
	User     struct {
		ID       string `json:"_id"`
		Name     string
		Avatar   string
		Online   bool
		Room     string
		CreateAt time.Time
	}
}

const systemUser = `{"name":"系统","email":"admin@126.com","avatar":"http://www.gravatar.com/avatar/1e6fd8e56879c84999cd481255530592"}`

// resides connects a signed-in user with the profile rooms, and waits until the others have received the join.
func (p person) resides(o siotest.Options, room string, others ...*app) *app {
	p.Helper()
	a := p.appWith(o, "token", p.Token(), "room", room)
	a.Emit("test", nil) // the response arrives when the socket has entered the chat room
	a.Event(a.id)
	for _, c := range others {
		c.moves("online", "用户"+p.Name+"加入聊天室")
	}
	return a
}

// moves waits for a join or leave.
func (a *app) moves(event, content string) {
	a.Helper()
	if got := string(a.Event(event)[0]); got != fmt.Sprintf(`{"user":%s,"content":%q}`, systemUser, content) {
		a.Fatalf("%s: got %s", event, got)
	}
}

func TestHistoryRooms(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one := openWorld(t, db, true, nil)
	two := openWorld(t, db, false, func(_ *socketio.Config, c *roomsConfig) { c.PresenceGrace = time.Hour })
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there := one.with(t), two.with(t)
			room := "room " + name
			id := string(here.chatRoom(room))
			other := string(here.chatRoom("else " + name))
			if err := there.Chat.WaitFor(t.Context(), here.Hub.Position()); err != nil {
				t.Fatal(err)
			}
			ann, bob := here.register("ann "+name), here.register("bob "+name)
			a := ann.resides(o, room)
			a.nothing()
			b := bob.on(there).resides(siotest.Options{}, id, a)
			b.nothing() // b must not receive its own join

			text := "<i>hi</i> مرحبا 👩‍👩‍👧‍👦"
			a.Emit("addMessage", map[string]any{"content": text, "user": map[string]any{"_id": "1", "name": "系统"}, "room": room})
			for _, c := range []*app{a, b} {
				m, _ := push[added](c, "messageAdded")
				if m.Content != text || m.Room != id || m.User.ID != fmt.Sprint(ann.ID) || m.User.Name != ann.Name || !m.User.Online ||
					m.User.Room != id || m.User.CreateAt.IsZero() || m.ID == "" || time.Since(m.CreateAt).Abs() > time.Hour { // time passes: no test takes an hour
					t.Errorf("added %+v", m)
				}
			}
			b.Emit("addMessage", map[string]any{"content": "without a room"})
			for _, c := range []*app{a, b} {
				if m, _ := push[added](c, "messageAdded"); m.Content != "without a room" || m.User.Name != bob.Name {
					t.Errorf(`added %+v, want Content "without a room", User.Name %v`, m, bob.Name)
				}
			}
			a.Emit("addMessage", map[string]any{"content": "one\r\n\ttwo\rthree\n"})
			for _, c := range []*app{a, b} {
				if m, _ := push[added](c, "messageAdded"); m.Content != "one\n\ttwo\nthree" {
					t.Errorf("line breaks: added %q", m.Content)
				}
			}
			// The room that an event names receives it, whether its author is there or not.
			cat, nowhere := here.register("cat "+name), here.register("dan "+name)
			c := cat.resides(o, other)
			b.Emit("addMessage", map[string]any{"content": "elsewhere", "room": map[string]any{"_id": other}})
			if m, _ := push[added](c, "messageAdded"); m.Content != "elsewhere" || m.Room != other || m.User.Name != bob.Name {
				t.Errorf(`added %+v, want Content "elsewhere", Room %v, User.Name %v`, m, other, bob.Name)
			}
			d := nowhere.resides(o, "no such room")
			d.Emit("addMessage", map[string]any{"content": "from nowhere", "room": "else " + name})
			if m, _ := push[added](c, "messageAdded"); m.Content != "from nowhere" || m.Room != other || m.User.Name != nowhere.Name {
				t.Errorf(`added %+v, want Content "from nowhere", Room %v, User.Name %v`, m, other, nowhere.Name)
			}
			for i := range 20 {
				a.Emit("addMessage", map[string]any{"content": strconv.Itoa(i)})
				push[added](a, "messageAdded")
			}
			a.Emit("getAllMessages")
			all, _ := push[[]added](a, "allMessages")
			if len(all) != 20 || all[0].Content != "0" || all[19].Content != "19" {
				t.Errorf(`got %d messages, from %+v to %+v, want 20, all[0].Content "0", all[19].Content "19"`, len(all), all[0], all[len(all)-1])
			}
			b.Emit("getAllMessages", map[string]any{"room": room, "before": all[0].ID})
			if all, _ := push[[]added](b, "allMessages"); len(all) != 3 || all[0].Content != text || all[1].User.Name != bob.Name || all[2].Content != "one\n\ttwo\nthree" || all[1].User.ID != fmt.Sprint(bob.ID) {
				t.Errorf("older messages: got %+v", all)
			}
			for _, ref := range []string{other, "else " + name} {
				a.Emit("getAllMessages", ref)
				if all, _ := push[[]added](a, "allMessages"); len(all) != 2 || all[0].Content != "elsewhere" || all[0].Room != other {
					t.Errorf(`messages of the other room: got %+v, want 2 elements, all[0].Content "elsewhere", all[0].Room %v`, all, other)
				}
			}
			a.Emit("getAllMessages", "no such room")
			if got := string(a.Event("allMessages")[0]); got != "[]" {
				t.Errorf(`messages of no room: got %s, want "[]"`, got)
			}
			a.Emit("addMessage", map[string]any{"content": "x", "room": "no such room"})
			a.refused("房间不存在")
			a.Emit("addMessage", map[string]any{"content": "  "})
			a.refused("消息不能为空")
			a.Emit("addMessage", "x")
			a.refused("参数错误")
			b.Forget()
			a.goes(o)
			b.moves("offline", "用户"+ann.Name+"离开聊天室")
		})
	}
}

func TestHistoryRoomsNeedSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *socketio.Config, r *roomsConfig) { c.GuestChat, r.Renewal = true, time.Millisecond })
	w.chatRoom("demo")
	live := w.register("streamer").goLive()
	ann := w.register("ann")
	late := ann
	late.Expires = time.Now().Add(-time.Minute)
	for name, token := range map[string]string{
		"no token": "", "a forged one": "Bearer forged", "null": "Bearer null", "an expired one": late.Token(),
		"one of another session": realtimetest.User{ID: ann.ID, Session: "old"}.Token(),
	} {
		t.Run(name, func(t *testing.T) {
			for kind, o := range siotest.Kinds() {
				a := w.with(t).appWith(o, "token", token, "room", "demo")
				a.expectEvent("needLogin", "")
				for _, event := range []string{"addMessage", "getAllMessages", "message", "join", "leave"} {
					a.Emit(event, map[string]any{"content": "x", "room": "demo"})
					a.expectEvent("needLogin", "")
				}
				a.nothing()
				if kind == "version 4 over WebSocket" {
					a.joins(ann, live) // events about lives need no signed-in socket
				}
			}
		})
	}
	if n := len(events[domain.ParticipantEntered](w)); n != 0 {
		t.Errorf("%d entered, want 0", n)
	}
	t.Run("after the session has ended", func(t *testing.T) {
		w := w.with(t)
		bob := w.register("bob")
		b := bob.on(w).resides(siotest.Options{}, "demo")
		b.nothing()
		bob.signIn()
		b.expectEvent("needLogin", "")
		b.Emit("addMessage", map[string]any{"content": "x"})
		b.expectEvent("needLogin", "")
		wstest.Eventually(t, "bob has left", func() bool { return len(events[domain.ParticipantLeft](w)) == 1 })
	})
	t.Run("without the room when it is unknown", func(t *testing.T) {
		w := w.with(t)
		cat := w.register("cat")
		c := cat.on(w).resides(siotest.Options{}, "nowhere")
		c.Emit("addMessage", map[string]any{"content": "x"})
		c.refused("房间不存在")
		c.Emit("getAllMessages")
		c.expectEvent("allMessages", "[]")
		c.Emit("addMessage", map[string]any{"content": "x", "room": "demo"})
		c.nothing()
	})
}

// TestRemovalOfTheHandshakeRoom checks that messages are sent to everybody after the chat room of the handshake was
// removed, like those of a participant without a chat room.
func TestRemovalOfTheHandshakeRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guests)
	doomed := w.chatRoom("doomed")
	ann := w.register("ann").resides(siotest.Options{}, "doomed")
	ann.Emit("message", "while it is there")
	ann.expectMessage("ann", "while it is there")
	w.Do(domain.RemoveChatRoom{ChatRoom: doomed, NameKey: w.Store.NameKey("doomed")})
	wstest.Eventually(t, "ann may post again", func() bool {
		ann.Emit("message", "hello")
		m, _ := push[plainMessage](ann, "message")
		return m.User == "ann" && m.Content == "hello"
	})
}

func TestProfilesShareChatRooms(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	guests := func(c *socketio.Config, r *roomsConfig) { c.GuestChat, r.PresenceGrace = true, time.Hour }
	one, two := openWorld(t, db, true, guests), openWorld(t, db, false, guests)
	id := string(one.chatRoom("demo"))
	if err := two.Chat.WaitFor(t.Context(), one.Hub.Position()); err != nil {
		t.Fatal(err)
	}
	ann, bob := one.register("ann"), one.register("bob")
	e := ann.resides(siotest.Options{Version: 3}, "demo")
	c := two.appWith(siotest.Options{}, "room", id)
	c.coming("加入")
	e.moves("online", "用户"+c.id+"加入聊天室")
	p := two.app(siotest.Options{Version: 3})
	p.Emit("message", "Piet")
	p.Emit("join", "demo")
	p.expectEvent("joined", `"demo"`)
	p.expectMessage("系统", "你成功进入了demo房间!")
	e.moves("online", "用户Piet加入聊天室")
	if at := c.coming("加入"); at.Message != "用户("+p.id+")已加入." || len(at.Clients) != 3 {
		t.Errorf("got %+v", at)
	}
	n := bob.on(two).native()
	joined := n.ask("chat.join", map[string]any{"room": "demo"})
	if !strings.Contains(string(joined), `"online":4`) || !strings.Contains(string(joined), id) {
		t.Errorf("joined %s", joined)
	}
	e.moves("online", "用户bob加入聊天室")
	at := c.coming("加入")
	hears := func(from, shown, text string) {
		t.Helper()
		if m, _ := push[added](e, "messageAdded"); m.Content != text || m.User.Name != from {
			t.Errorf("added %+v, want Content %v, User.Name %v", m, text, from)
		}
		if from != c.id {
			got, _ := push[exchanged](c, "群聊")
			if !jsonEqual(got.Data.Payload, []byte(fmt.Sprintf(`{"msg":%q}`, text))) || shown != "" && got.Meta.Client != shown {
				t.Errorf("exchanged %+v", got)
			}
		}
		p.expectMessage(from, text)
		f := n.nextFrame(func(f frame) bool { return f.Type == "chat.message" })
		if !strings.Contains(string(f.Data), fmt.Sprintf(`"text":%q`, text)) || !strings.Contains(string(f.Data), fmt.Sprintf(`"name":%q`, from)) {
			t.Errorf("native %s", f.Data)
		}
	}
	e.Emit("addMessage", map[string]any{"content": "from a room with history"})
	hears("ann", e.id, "from a room with history")
	c.Emit("exchange", says("群聊", "from the generic chat"))
	hears(c.id, c.id, "from the generic chat")
	p.Emit("message", "from the plain chat")
	hears("Piet", p.id, "from the plain chat")
	n.ask("chat.post", map[string]any{"room": id, "text": "from the native side"})
	hears("bob", at.Clients[0], "from the native side")

	// Private messages reach participants with every chat profile.
	c.Emit("exchange", says(at.Clients[0], "psst"))
	if f := n.nextFrame(func(f frame) bool { return f.Type == "chat.private" }); !strings.Contains(string(f.Data), "psst") {
		t.Errorf("native %s", f.Data)
	}
	n.ask("chat.private", map[string]any{"participant": c.id, "text": "psst yourself"})
	if got, _ := push[exchanged](c, c.id); string(got.Data.Payload) != `{"msg":"psst yourself"}` || got.Meta.Client != at.Clients[0] {
		t.Errorf("exchanged %+v", got)
	}
	p.Emit("message", "@bob to a person")
	if f := n.nextFrame(func(f frame) bool { return f.Type == "chat.private" }); !strings.Contains(string(f.Data), `"text":"to a person"`) || f.Pos == 0 {
		t.Errorf("native %s", f.Data)
	}
	p.Emit("message", "@ann to ann alone")
	e.expectMessage("Piet", "to ann alone")
	c.Emit("exchange", says(p.id, "to Piet alone"))
	p.expectMessage(c.id, "to Piet alone")
	c.nothing()
	e.nothing()
	p.nothing()
}
