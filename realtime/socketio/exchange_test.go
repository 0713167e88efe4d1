package socketio_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/clocktest"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// chatRoom creates a chat room.
func (w *world) chatRoom(name string) domain.ChatRoomID {
	w.Helper()
	id := domain.ChatRoomID(strings.ReplaceAll(uuid.NewString(), "-", "")[:24])
	receipt := w.Do(domain.CreateChatRoom{Name: name, ChatRoom: id, NameKey: w.Store.NameKey(name)})
	if err := w.Chat.WaitFor(w.Context(), receipt.Position); err != nil {
		w.Fatal(err)
	}
	return id
}

// exchanged is a message in the profile exchange.
type exchanged struct {
	Meta struct {
		Timestamp      int64
		Client, Target string
	}
	Data struct {
		Action  string
		Payload json.RawMessage
	}
}

// attended is a join or leave of a chat room.
type attended struct {
	Clients                 []string
	Action, Target, Message string
}

// attends connects to a chat room and waits until the others have received the join.
func (w *world) attends(o siotest.Options, room string, others ...*app) *app {
	w.Helper()
	a := w.appWith(o, "room", room)
	for _, c := range append(others, a) {
		at := c.coming("加入")
		if c == a && !slices.Contains(at.Clients, a.id) {
			w.Fatalf("%s is not among %+v, beside %v", a.id, at, others)
		}
	}
	return a
}

func (a *app) coming(action string) attended {
	a.Helper()
	for {
		if at, _ := push[attended](a, "online"); at.Action == action {
			if at.Target != "参加者" {
				a.Fatalf(`the news is %+v, want Target "参加者"`, at)
			}
			return at
		}
	}
}

func says(target, text string) map[string]any {
	return map[string]any{"target": target, "payload": map[string]any{"msg": text}}
}

// nothing sends a test event, and fails if anything arrives before the response.
func (a *app) nothing() {
	a.Helper()
	a.Emit("test", nil)
	if p := a.Next(); p.Text != fmt.Sprintf(`%s[%q,"啊啊啊"]`, a.Prefix("42"), a.id) {
		a.Fatalf("got %s", p.Text)
	}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one := openWorld(t, db, true, nil)
	two := openWorld(t, db, false, func(_ *socketio.Config, c *roomsConfig) { c.PresenceGrace = time.Hour })
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there := one.with(t), two.with(t)
			room := "room " + name
			id := here.chatRoom(room)
			if err := there.Chat.WaitFor(t.Context(), here.Hub.Position()); err != nil {
				t.Fatal(err)
			}
			elsewhere := here.chatRoom("else " + name)
			outsider := here.attends(siotest.Options{}, string(elsewhere))

			ann := here.attends(o, room)
			bob := there.attends(o, string(id), ann) // with the id of the chat room, on the other node
			cat := here.attends(siotest.Options{Version: 3}, room, ann, bob)

			text := "<b>مرحبا</b> 👩‍👩‍👧‍👦 你好"
			ann.Emit("exchange", says("群聊", " "+text+" "))
			var shown string
			for _, c := range []*app{bob, cat} {
				got, _ := push[exchanged](c, "群聊")
				want, _ := json.Marshal(map[string]string{"msg": text})
				if got.Data.Action != "exchange" || !jsonEqual(got.Data.Payload, want) || got.Meta.Target != "群聊" || got.Meta.Timestamp < 1e12 {
					t.Errorf("got the message %+v", got)
				}
				shown = got.Meta.Client
				if hidden := o.Version == 3 && o.Polling; (shown != ann.id) != hidden {
					t.Errorf("%s is shown as %s", ann.id, shown)
				}
			}
			// Sends a private message to the sender of an earlier message, with the id in that message.
			bob.Emit("exchange", says(shown, "for ann alone"))
			got, _ := push[exchanged](ann, ann.id)
			if string(got.Data.Payload) != `{"msg":"for ann alone"}` || got.Meta.Target != ann.id {
				t.Errorf("got the message %+v", got)
			}
			cat.Emit("exchange", says(got.Meta.Client, "for bob alone"))
			if got, _ := push[exchanged](bob, bob.id); string(got.Data.Payload) != `{"msg":"for bob alone"}` || got.Meta.Client != cat.id {
				t.Errorf("got the message %+v", got)
			}
			// The server ignores unknown and invalid targets.
			for _, target := range []any{nil, "", "online", "message", "message-guest-1", "nobody", 7, []string{"群聊"}, string(id), room} {
				ann.Emit("exchange", map[string]any{"target": target, "payload": map[string]any{"msg": "forged"}})
			}
			ann.Emit("exchange", map[string]any{"payload": map[string]any{"msg": "forged"}})
			ann.Emit("exchange", nil)
			for _, c := range []*app{ann, bob, cat, outsider} {
				c.nothing()
			}
			// Sends stickers and voice messages.
			sound := "https://live.example/uploads/" + strings.Repeat("0a", 16) + ".ogg"
			for payload, want := range map[string]string{
				`{"sticker":"rose_1"}`:                        `{"sticker":"rose_1"}`,
				`{"voice":{"url":"` + sound + `","ms":1500}}`: `{"voice":{"url":"` + sound + `","ms":1500}}`,
			} {
				bob.Emit("exchange", map[string]any{"target": "群聊", "payload": json.RawMessage(payload)})
				for _, c := range []*app{ann, cat} {
					if got, _ := push[exchanged](c, "群聊"); string(got.Data.Payload) != want {
						t.Errorf("got the payload %s", got.Data.Payload)
					}
				}
			}
			for payload, text := range map[string]string{
				`{"msg":""}`: "消息不能为空", `{"msg":"` + strings.Repeat("长", 1001) + `"}`: "消息最多1000个字", `{"msg":7}`: "参数错误", `7`: "参数错误", `{}`: "参数错误",
				`{"voice":{"url":"https://evil.example/x.ogg","ms":1500}}`: "参数错误", `{"voice":{"url":"` + sound + `","ms":0}}`: "参数错误",
			} {
				ann.Emit("exchange", map[string]any{"target": "群聊", "payload": json.RawMessage(payload)})
				ann.refused(text)
			}
			ann.goes(o)
			at := bob.coming("离开")
			if want := "用户(" + shown + ")已离开."; at.Message != want || len(at.Clients) != 2 {
				t.Errorf("got %+v, want %s", at, want)
			}
			cat.coming("离开")
			outsider.nothing()
		})
	}
}

// goes ends a socket. Over WebSocket it sends no close packet; with polling it sends one.
func (a *app) goes(o siotest.Options) {
	if o.Polling {
		a.Send(a.Prefix("41"))
	} else {
		a.Cut()
	}
}

func jsonEqual(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}

// TestExchangeWithAPollingSocket checks that a polling socket knows itself by its id, and that other clients see its
// alias, and its id after the upgrade.
func TestExchangeWithAPollingSocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.chatRoom("demo")
	ann := w.attends(siotest.Options{Version: 4}, "demo")
	bob := w.appWith(siotest.Options{Version: 3, Polling: true}, "room", "demo")
	if at := bob.coming("加入"); at.Clients[0] != bob.id || at.Message != "用户("+bob.id+")已加入." {
		t.Errorf("bob got %+v", at)
	}
	at := ann.coming("加入")
	alias := at.Clients[0]
	if alias == bob.id || at.Message != "用户("+alias+")已加入." {
		t.Errorf("ann got %+v", at)
	}
	ann.Emit("exchange", says(bob.id, "by the id that opens a session"))
	ann.Emit("exchange", says(alias, "by the alias"))
	if got, _ := push[exchanged](bob, bob.id); string(got.Data.Payload) != `{"msg":"by the alias"}` || got.Meta.Target != bob.id {
		t.Errorf("got the message %+v", got)
	}
	bob.Upgrade()
	bob.Emit("exchange", says("群聊", "upgraded"))
	if got, _ := push[exchanged](ann, "群聊"); got.Meta.Client != bob.id {
		t.Errorf("got %+v, want a message of %s", got, bob.id)
	}
	for _, target := range []string{bob.id, alias} {
		ann.Emit("exchange", says(target, "to "+target))
		if got, _ := push[exchanged](bob, bob.id); got.Meta.Target != bob.id {
			t.Errorf("got the message %+v", got)
		}
	}
	cat := w.attends(siotest.Options{}, "demo", ann, bob)
	if at := slices.Sorted(slices.Values(attendance(cat).ids())); !slices.Equal(at, slices.Sorted(slices.Values([]string{ann.id, bob.id, cat.id}))) {
		t.Errorf("got the participants %v", at)
	}
	bob.Cut()
	if at := cat.coming("离开"); at.Message != "用户("+bob.id+")已离开." { // with its last public id
		t.Errorf("cat got %+v", at)
	}
}

type whoList []struct{ ID, Nickname string }

func (l whoList) ids() (ids []string) {
	for _, p := range l {
		ids = append(ids, p.ID)
	}
	return ids
}

func (l whoList) called(id string) string {
	for _, p := range l {
		if p.ID == id {
			return p.Nickname
		}
	}
	return "-"
}

func attendance(a *app) (l whoList) {
	a.Helper()
	decode(a, a.Call(7, "who")[0], &l)
	return l
}

func TestExchangeWithoutARoomIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id := w.chatRoom("doomed")
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			for _, room := range []string{"no such room", "", strings.Repeat("f", 24)} {
				a := w.with(t).appWith(o, "room", room)
				expectDenial(a)
			}
		})
	}
	a, b := w.attends(siotest.Options{}, "doomed"), w.attends(siotest.Options{Version: 3}, string(id))
	w.Do(domain.RemoveChatRoom{ChatRoom: id, NameKey: w.Store.NameKey("doomed")})
	expectDenial(a)
	expectDenial(b)
}

// expectDenial waits for the denial and for the disconnect after which clients do not reconnect.
func expectDenial(a *app) {
	a.Helper()
	no, _ := push[exchanged](a, a.id)
	if no.Data.Action != "deny" || string(no.Data.Payload) != `{"type":"已删除","message":"删除，房间已删除."}` || no.Meta.Timestamp < 1e12 {
		a.Errorf("got the denial %+v", no)
	}
	for p := a.Next(); p.Text != a.Prefix("41"); p = a.Next() {
		if !strings.HasPrefix(p.Text, a.Prefix("42")+`["online"`) {
			a.Fatalf("got %s", p.Text)
		}
	}
	a.Ended()
}

func TestWhoAndNicknamesAndTyping(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one := openWorld(t, db, true, nil)
	two := openWorld(t, db, false, func(_ *socketio.Config, c *roomsConfig) { c.PresenceGrace = time.Hour })
	one.chatRoom("demo")
	if err := two.Chat.WaitFor(t.Context(), one.Hub.Position()); err != nil {
		t.Fatal(err)
	}
	ann := one.attends(siotest.Options{Version: 3}, "demo")
	bob := two.attends(siotest.Options{}, "demo", ann)
	cat := one.attends(siotest.Options{}, "demo", ann, bob)
	ann.Emit("nickname", " 安娜 ")
	if got := attendance(ann).called(ann.id); got != "安娜" {
		t.Errorf(`ann sees herself as %q, want "安娜"`, got)
	}
	wstest.Eventually(t, "the other process has the name", func() bool { return attendance(bob).called(ann.id) == "安娜" })
	if l := attendance(bob); len(l) != 3 || l.called(bob.id) != "" {
		t.Errorf("got the participants %+v", l)
	}
	for name, text := range map[string]string{"安娜": "昵称已被使用", "系统": "昵称已被使用", "": "参数错误", strings.Repeat("x", 21): "参数错误", "a\u0000b": "参数错误"} {
		bob.Emit("nickname", name)
		bob.refused(text)
	}
	bob.Emit("nickname", 7)
	bob.refused("参数错误")
	bob.Emit("nickname", "Bob")
	bob.Emit("who") // who without an acknowledgement
	wstest.Eventually(t, "ann has received the name", func() bool { return attendance(ann).called(bob.id) == "Bob" })

	type note struct{ Client string }
	for _, c := range []*app{ann, bob, cat} {
		c.Forget()
	}
	bob.Emit("typing", map[string]any{"target": "群聊"})
	for _, c := range []*app{ann, cat} {
		if n, _ := push[note](c, "typing"); n.Client != bob.id {
			t.Errorf("%s is typing, want %v", n.Client, bob.id)
		}
	}
	ann.Emit("typing", map[string]any{"target": bob.id})
	if n, _ := push[note](bob, "typing"); n.Client != ann.id {
		t.Errorf("%s is typing, want %v", n.Client, ann.id)
	}
	for _, payload := range []any{nil, map[string]any{}, map[string]any{"target": "nobody"}, map[string]any{"target": 7}, map[string]any{"target": strings.Repeat("x", 100)}} {
		cat.Emit("typing", payload)
	}
	cat.nothing()
	if n := len(events[domain.MessagePosted](one)); n != 0 {
		t.Errorf("%d messages of typing, want 0", n)
	}
	// A socket without a token must not add a message.
	cat.Emit("addMessage", map[string]any{"content": "x"})
	cat.expectEvent("needLogin", "")
}

// TestSocketOutsideTheChatIsATarget checks that a socket that has not entered the chat receives private messages, and
// stays outside.
func TestSocketOutsideTheChatIsATarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guests)
	w.chatRoom("demo")
	nameless := w.app(siotest.Options{})
	ann := w.attends(siotest.Options{}, "demo")
	bob := w.attends(siotest.Options{}, "demo", ann)
	bob.Emit("exchange", says(nameless.id, "to one"))
	if got, _ := push[exchanged](nameless, nameless.id); got.Meta.Client != bob.id || string(got.Data.Payload) != `{"msg":"to one"}` {
		t.Errorf("got the message %+v", got)
	}
	bob.Emit("exchange", says("群聊", "to everybody"))
	push[exchanged](ann, "群聊")
	bob.nothing()
	nameless.nothing()
	if strings.Contains(w.log.String(), "level=ERROR") {
		t.Error("the server logged an error")
	}
}

func TestChatRateLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *socketio.Config, c *roomsConfig) {
		c.MessageRate, c.MessageBurst, c.TypingRate = 0.001, 3, 0.001
	})
	w.chatRoom("demo")
	ann := w.attends(siotest.Options{}, "demo")
	bob := w.attends(siotest.Options{}, "demo", ann)
	for i := range 4 {
		ann.Emit("exchange", says("群聊", fmt.Sprint(i)))
	}
	ann.refused("操作太频繁，请稍后再试")
	for range 10 {
		ann.Emit("typing", map[string]any{"target": "群聊"})
	}
	ann.nothing()
	bob.Emit("exchange", says("群聊", "done"))
	push[exchanged](ann, "群聊")
	bob.Emit("test", nil) // the response to test follows the messages
	heard, notes := 0, 0
	for p := bob.Next(); p.Text != fmt.Sprintf(`42[%q,"啊啊啊"]`, bob.id); p = bob.Next() {
		heard += strings.Count(p.Text, "群聊\",{")
		notes += strings.Count(p.Text, "typing")
	}
	if heard != 3 || notes > 2 {
		t.Errorf("%d messages and %d notes arrived", heard, notes)
	}
}

// TestLeavingTheChatDoesNotResetRates checks that a client that leaves the namespace and connects to it again keeps its
// rate limits.
func TestLeavingTheChatDoesNotResetRates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *socketio.Config, c *roomsConfig) { c.MessageRate, c.MessageBurst = 0.001, 3 })
	w.chatRoom("demo")
	for _, o := range []siotest.Options{{}, {Version: 3}} {
		ann := w.attends(o, "demo")
		for i := range 3 {
			ann.Emit("exchange", says("群聊", fmt.Sprint(i)))
		}
		ann.Send("41")
		ann.Send("40")
		ann.coming("加入")
		ann.Emit("exchange", says("群聊", "more"))
		for !strings.Contains(ann.Next().Text, "操作太频繁，请稍后再试") {
		}
		for range 3 {
			ann.Send("41")
			ann.Send("40")
		}
		ann.Ended()
	}
	if n := len(events[domain.MessagePosted](w)); n != 6 {
		t.Errorf("%d messages were posted, want 6", n)
	}
}

// TestParticipantsOfALostNode checks that participants of a lost node leave after the grace period, and that the others
// are notified.
func TestParticipantsOfALostNode(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	const grace = 200 * time.Millisecond // grace period, on the clock below; the tables are read every 50 ms
	clock := clocktest.New()
	one := openWorld(t, db, true, func(_ *socketio.Config, c *roomsConfig) { c.PresenceGrace, c.ClusterNow = grace, clock.Now })
	id := one.chatRoom("demo")
	ghost := one.Execute(domain.Request{Actor: domain.Actor{Kind: domain.Anonymous}, Command: domain.EnterChat{
		ChatRoom: id, Connection: "ghost", Profile: domain.ProfileExchange, Node: uuid.NewString(), Nickname: "Casper", NameKey: one.Store.NameKey("Casper"),
	}})
	ann := one.appWith(siotest.Options{}, "room", "demo")
	at := ann.coming("加入")
	for at.Message != "用户("+ann.id+")已加入." {
		at = ann.coming("加入")
	}
	wstest.Eventually(t, "the lost node is found", func() bool {
		clock.Forward(grace) // repeated, because the first time may precede the check that finds the lost node
		return len(events[domain.ParticipantLeft](one)) > 0
	})
	if at := ann.coming("离开"); at.Message != "用户(ghost)已离开." || !slices.Equal(at.Clients, []string{ann.id}) {
		t.Errorf("got %+v", at)
	}
	if left := events[domain.ParticipantLeft](one); len(left) != 1 || left[0].Cause != domain.LeaveNodeLost || left[0].Participant != ghost.Events[0].Event.(domain.ParticipantEntered).Participant {
		t.Errorf("left %+v", left)
	}
	ann.Emit("nickname", "Casper") // the nickname is available again
	wstest.Eventually(t, "ann has the name", func() bool { return attendance(ann).called(ann.id) == "Casper" })
}
