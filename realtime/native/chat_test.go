package native_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/ws/wstest"
)

// chatRoom creates a chat room and waits until the tables contain it.
func (w *world) chatRoom(name string) domain.ChatRoomID {
	w.Helper()
	id := domain.ChatRoomID(strings.ReplaceAll(uuid.NewString(), "-", "")[:24])
	w.caughtUp(w.Do(domain.CreateChatRoom{Name: name, ChatRoom: id, NameKey: w.Store.NameKey(name)}).Position)
	return id
}

func (w *world) caughtUp(position int64) {
	w.Helper()
	if err := w.Chat.WaitFor(w.Context(), position); err != nil {
		w.Fatal(err)
	}
}

type (
	participant struct {
		Participant string
		User        domain.UserID
		Name        string
	}
	chatted struct {
		Pos           int64
		ID            string
		By            participant
		Rooms         []domain.ChatRoomID
		Text, Sticker string
		Voice         *struct {
			URL string
			MS  int
		}
		At time.Time
	}
	chatEntered struct {
		Participant, Epoch, Cursor string
		Pos                        int64
		Room                       *struct {
			ID   domain.ChatRoomID
			Name string
		}
		Resumed  bool
		Messages []chatted
		Online   int
	}
)

type in = map[string]any

func (a *app) chat(data in) chatEntered {
	a.T.Helper()
	return into[chatEntered](a.T, a.ok(a.ask("chat.join", data)))
}

// nextMessage returns the next message of the chat.
func (a *app) nextMessage() chatted {
	a.T.Helper()
	m := a.push("chat.message")
	msg := into[chatted](a.T, m)
	msg.Pos = m.Pos
	return msg
}

func (w *world) people(a *app, room string) (names []string) {
	w.Helper()
	for _, p := range into[struct{ Participants []participant }](w, a.ok(a.ask("chat.who", in{"room": room}))).Participants {
		names = append(names, p.Name)
	}
	return names
}

func TestChat(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one, two := openWorld(t, db, true, nil), openWorld(t, db, false, func(c *config) { c.PresenceGrace = time.Hour })
	id := one.chatRoom("demo")
	ann, bob := one.register("ann"), one.register("bob")
	two.caughtUp(bob.credit1())
	a, b := ann.app(), bob.on(two).app()

	entered := a.chat(in{"room": "demo"})
	if entered.Room == nil || entered.Room.ID != id || entered.Room.Name != "demo" || entered.Resumed || len(entered.Messages) != 0 || entered.Online != 1 || entered.Participant == "" {
		t.Errorf("entered %+v", entered)
	}
	if other := b.chat(in{"room": id}); other.Online != 2 || other.Epoch != entered.Epoch {
		t.Errorf("entered %+v, want Online 2, Epoch %v", other, entered.Epoch)
	}
	came := a.push("chat.joined")
	if got := into[struct {
		By     participant
		Online int
	}](t, came); got.By.Name != "bob" || got.By.User != bob.ID || got.Online != 2 {
		t.Errorf(`joined %+v, want By.Name "bob", By.User %v, Online 2`, got, bob.ID)
	}
	if names := one.people(a, "demo"); fmt.Sprint(names) != "[ann bob]" {
		t.Errorf("got the participants %v", names)
	}

	text := "<b>مرحبا</b> 👩‍👩‍👧‍👦 你好"
	first := a.ok(a.ask("chat.post", in{"room": "demo", "text": text}, "k1"))
	again := a.ok(a.ask("chat.post", in{"room": "demo", "text": text}, "k1"))
	if string(first.Data) != string(again.Data) {
		t.Errorf("got the replies %s and %s", first.Data, again.Data)
	}
	a.no(a.ask("chat.post", in{"room": "demo", "text": "another"}, "k1"), "key_reused")
	for _, c := range []*app{a, b} {
		msg := c.nextMessage()
		if msg.Text != text || msg.By.Name != "ann" || msg.By.Participant != entered.Participant || len(msg.Rooms) != 1 || msg.Rooms[0] != id || msg.At.IsZero() {
			t.Errorf("got %+v", msg)
		}
	}
	sound := "https://live.example/uploads/" + strings.Repeat("0a", 16) + ".ogg"
	b.ok(b.ask("chat.post", in{"room": "demo", "sticker": "rose"}))
	b.ok(b.ask("chat.post", in{"room": "demo", "voice": in{"url": sound, "ms": 900}}))
	if msg := a.nextMessage(); msg.Sticker != "rose" || msg.Text != "" {
		t.Errorf("got %+v", msg)
	}
	if msg := a.nextMessage(); msg.Voice == nil || msg.Voice.URL != sound || msg.Voice.MS != 900 {
		t.Errorf("got %+v", msg)
	}

	t.Run("line breaks are normalised", func(t *testing.T) {
		a.ok(a.ask("chat.post", in{"room": "demo", "text": "one\r\n\ttwo\rthree\n"}))
		for _, c := range []*app{a, b} {
			for msg := c.nextMessage(); ; msg = c.nextMessage() {
				if msg.Sticker != "" || msg.Voice != nil { // of the sender
					continue
				}
				if msg.Text != "one\n\ttwo\nthree" {
					t.Errorf("got %q", msg.Text)
				}
				break
			}
		}
	})
	t.Run("typing notes are pushed and not stored", func(t *testing.T) {
		b.ok(b.ask("chat.typing", in{"room": "demo"}))
		m := a.push("chat.typing")
		if got := into[struct{ By participant }](t, m); got.By.Name != "bob" || m.Pos != 0 || !strings.Contains(m.raw, string(id)) {
			t.Errorf("typing %s", m.raw)
		}
		b.ok(b.ask("chat.typing", in{"participant": entered.Participant}))
		if m := a.push("chat.typing"); strings.Contains(m.raw, string(id)) {
			t.Errorf("typing %s", m.raw)
		}
	})
	t.Run("a private message reaches one user, also one who was away", func(t *testing.T) {
		hello := into[struct{ Cursor string }](t, func() message {
			c := ann.connect()
			return c.ok(c.ask("hello", in{"token": ann.Token()}))
		}())
		b.ok(b.ask("chat.private", in{"user": ann.ID, "text": "psst"}))
		m := a.push("chat.private")
		if msg := into[chatted](t, m); msg.Text != "psst" || msg.By.Name != "bob" || m.Cursor == "" {
			t.Errorf("got %s", m.raw)
		}
		late := ann.connect()
		late.ok(late.ask("hello", in{"token": ann.Token(), "since": hello.Cursor}))
		if again := late.push("chat.private"); again.raw != m.raw {
			t.Errorf("got %s, and then %s", m.raw, again.raw)
		}
		b.ok(b.ask("chat.private", in{"participant": entered.Participant, "text": "only there"}))
		if m := a.push("chat.private"); into[chatted](t, m).Text != "only there" || m.Cursor != "" {
			t.Errorf("got %s", m.raw)
		}
		for msg, code := range map[*in]string{
			{"user": 9999, "text": "x"}:            "user_unavailable",
			{"participant": "nobody", "text": "x"}: "participant_not_found",
			{"text": "x"}:                          "bad_request",
			{"user": ann.ID, "participant": entered.Participant, "text": ""}: "bad_request",
			{"user": ann.ID, "text": " "}:                                    "message_empty",
		} {
			b.no(b.ask("chat.private", *msg), code)
		}
	})
	t.Run("a nickname is the same everywhere", func(t *testing.T) {
		b.ok(b.ask("chat.nickname", in{"nickname": "鲍勃"}))
		b.ok(b.ask("chat.post", in{"room": "demo", "text": "renamed"}))
		if msg := a.nextMessage(); msg.By.Name != "鲍勃" {
			t.Errorf("got %+v", msg)
		}
		if names := one.people(a, "demo"); fmt.Sprint(names) != "[ann 鲍勃]" {
			t.Errorf("got the participants %v", names)
		}
		b.no(b.ask("chat.nickname", in{"nickname": strings.Repeat("x", 33)}), "text_too_long")
	})
	t.Run("a change of the profile keeps what it does not name", func(t *testing.T) {
		type profile struct{ Name, Avatar string }
		changed := func(data in, want profile) {
			t.Helper()
			b.ok(b.ask("profile.change", data))
			if got := into[profile](t, b.push("profile")); got != want {
				t.Errorf("%v: got the profile %+v, want %+v", data, got, want)
			}
		}
		b.push("profile") // of chat.nickname
		changed(in{"avatar": "https://cdn.example/b.png"}, profile{"鲍勃", "https://cdn.example/b.png"})
		changed(in{"nickname": "Bobby", "age": 30}, profile{"Bobby", "https://cdn.example/b.png"})
		if got := into[struct{ Age int }](t, b.push("age")); got.Age != 30 {
			t.Errorf("got the age %d, want 30", got.Age)
		}
		b.ok(b.ask("profile.change", in{"age": 30})) // changes nothing
		first := b.ok(b.ask("profile.change", in{"nickname": "Rob", "age": 31}, "profile"))
		b.push("profile")
		changed(in{"avatar": ""}, profile{"Rob", ""})
		if again := b.ok(b.ask("profile.change", in{"nickname": "Rob", "age": 31}, "profile")); string(again.Data) != string(first.Data) {
			t.Errorf("the repetition got %s, want the first reply %s", again.Data, first.Data)
		}
		b.no(b.ask("profile.change", in{}), "bad_request")
		b.no(b.ask("profile.change", in{"nickname": "Bo", "age": -1}), "number_out_of_range")
		b.no(b.ask("profile.change", in{"avatar": "javascript:x"}), "text_invalid")
	})
	t.Run("a leave is pushed", func(t *testing.T) {
		if got := into[struct{ Left bool }](t, b.ok(b.ask("chat.leave", in{"room": "demo"}))); !got.Left {
			t.Error("was not there")
		}
		if got := into[struct{ Left bool }](t, b.ok(b.ask("chat.leave", in{"room": "demo"}))); got.Left {
			t.Error("was still there")
		}
		if got := into[struct {
			By            participant
			Cause, Online any
		}](t, a.push("chat.left")); got.By.User != bob.ID || got.Cause != "requested" || got.Online != 1.0 {
			t.Errorf(`left %+v, want By.User %v, Cause "requested", Online 1.0`, got, bob.ID)
		}
		b.chat(in{"room": "demo"})
		a.push("chat.joined")
		_ = b.Conn.Close()
		if got := into[struct{ Cause string }](t, a.push("chat.left")); got.Cause != "connection_lost" {
			t.Errorf(`left %+v, want Cause "connection_lost"`, got)
		}
	})
	t.Run("the removal of a room is pushed", func(t *testing.T) {
		one.Do(domain.RemoveChatRoom{ChatRoom: id, NameKey: one.Store.NameKey("demo")})
		if m := a.push("chat.removed"); !strings.Contains(m.raw, string(id)) {
			t.Errorf("got %s", m.raw)
		}
		a.no(a.ask("chat.post", in{"room": id, "text": "x"}), "chat_room_not_found")
	})
}

func TestChatRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.chatRoom("demo")
	for i := range 17 {
		w.chatRoom(fmt.Sprint("room ", i))
	}
	a := w.register("ann").app()
	for name, tt := range map[string]struct {
		verb string
		data any
		code string
	}{
		"no such room":                {"chat.join", in{"room": "nowhere"}, "chat_room_not_found"},
		"no such id":                  {"chat.join", in{"room": strings.Repeat("f", 24)}, "chat_room_not_found"},
		"a room that is a number":     {"chat.join", in{"room": 7}, "bad_request"},
		"nothing msg":                 {"chat.post", in{"room": "demo"}, "message_empty"},
		"too much msg":                {"chat.post", in{"room": "demo", "text": strings.Repeat("长", 1001)}, "message_too_long"},
		"a text nobody can read":      {"chat.post", in{"text": "a\u0000b"}, "text_invalid"},
		"two things msg":              {"chat.post", in{"text": "x", "sticker": "rose"}, "bad_request"},
		"a sticker that is none":      {"chat.post", in{"sticker": "<b>"}, "bad_request"},
		"a foreign sound":             {"chat.post", in{"voice": in{"url": "https://evil.example/x.ogg", "ms": 1}}, "bad_request"},
		"a sound with a user":         {"chat.post", in{"voice": in{"url": "https://a@b.example/uploads/" + strings.Repeat("0a", 16) + ".ogg", "ms": 1}}, "bad_request"},
		"a sound without a length":    {"chat.post", in{"voice": in{"url": "https://b.example/uploads/" + strings.Repeat("0a", 16) + ".ogg"}}, "number_out_of_range"},
		"a history that is too long":  {"chat.history", in{"limit": 101}, "bad_request"},
		"a history before the log":    {"chat.history", in{"before": -1}, "bad_request"},
		"who is nowhere":              {"chat.who", in{"room": "nowhere"}, "chat_room_not_found"},
		"typing nowhere":              {"chat.typing", in{"room": "nowhere"}, "chat_room_not_found"},
		"a nickname without a reader": {"chat.nickname", in{"nickname": "a\u0007"}, "text_invalid"},
	} {
		t.Run(name, func(t *testing.T) { a.no(a.ask(tt.verb, tt.data), tt.code) })
	}
	for i := range 16 {
		a.chat(in{"room": fmt.Sprint("room ", i)})
	}
	a.no(a.ask("chat.join", in{"room": "room 16"}), "number_out_of_range")
	b := w.connect()
	b.no(b.ask("chat.join", in{"room": "demo"}), "hello_first")
}

// TestChatResume lets clients join a chat room again. They must receive the messages that they have missed, or the
// newest messages if they have missed too many.
func TestChatResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id := w.chatRoom("demo")
	ann, bob := w.register("ann"), w.register("bob")
	a := ann.app()
	have := a.chat(in{"room": "demo"})
	say := func(n int) (last int64) {
		for i := range n {
			last = w.Execute(domain.Request{Actor: bob.Actor(), Command: domain.PostMessage{Kind: domain.MessageText, Text: fmt.Sprint(i), ChatRooms: []domain.ChatRoomID{id}}}).Position
		}
		w.caughtUp(last)
		return last
	}
	say(30)
	b := ann.app()
	back := b.chat(in{"room": "demo", "since": have.Cursor})
	if !back.Resumed || len(back.Messages) != 30 || back.Messages[0].Text != "0" || back.Messages[29].Text != "29" {
		t.Errorf("resumed with %v and %d messages", back.Resumed, len(back.Messages))
	}
	for name, since := range map[string]string{
		"none": "", "another event": fmt.Sprintf("%d.00000000", have.Pos), "the future": fmt.Sprintf("%d.00000000", 1<<40),
	} {
		c := ann.app()
		got := c.chat(in{"room": "demo", "since": since})
		if got.Resumed || len(got.Messages) != 20 || got.Messages[0].Text != "10" || got.Messages[19].Text != "29" {
			t.Errorf("since %s: %v, %d messages", name, got.Resumed, len(got.Messages))
		}
		_ = c.Conn.Close()
	}
	say(500 - 30)
	if got := b.chat(in{"room": "demo", "since": have.Cursor}); got.Resumed || len(got.Messages) != 20 {
		t.Errorf("after 500: %v, %d messages", got.Resumed, len(got.Messages))
	}
	// Whenever a client joins, no message is missing or repeated between the reply and the pushes after it.
	done := make(chan int64, 1)
	go func() { done <- say(300) }()
	from, _ := w.Store.Head(t.Context())
	peers := make([]*app, 8)
	heard := make([][]chatted, len(peers))
	for i := range peers {
		peers[i] = ann.app()
		heard[i] = peers[i].chat(in{"room": "demo", "since": w.cursor(from)}).Messages
	}
	end := wstest.Receive(t, done, "the last message")
	for i, peer := range peers {
		for len(heard[i]) == 0 || heard[i][len(heard[i])-1].Pos < end {
			heard[i] = append(heard[i], peer.nextMessage())
		}
		for j, msg := range heard[i] {
			if first := heard[0][0].Text; j > 0 && msg.Pos <= heard[i][j-1].Pos || heard[i][0].Text != first || len(heard[i]) != len(heard[0]) {
				t.Fatalf("number %d of %d is %+v", j, len(heard[i]), msg)
			}
		}
	}
	page := into[struct {
		Messages []chatted
		More     bool
	}](t, b.ok(b.ask("chat.history", in{"room": "demo", "limit": 100, "before": end})))
	if len(page.Messages) != 100 || !page.More || page.Messages[0].Text != "298" || page.Messages[0].Pos >= end {
		t.Errorf("%d messages, more: %v, from %+v", len(page.Messages), page.More, page.Messages[0])
	}
}

func TestPublicChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b, c := w.register("ann").app(), w.register("bob").app(), w.register("cat").app()
	a.chat(nil)
	b.chat(nil)
	c.ok(c.ask("chat.post", in{"text": "to all"})) // from a connection that has not joined the public chat
	for _, peer := range []*app{a, b} {
		if msg := peer.nextMessage(); msg.Text != "to all" || len(msg.Rooms) != 0 || msg.By.Name != "cat" || msg.By.Participant != "" {
			t.Errorf("got %+v", msg)
		}
	}
	b.ok(b.ask("chat.leave", nil))
	a.ok(a.ask("chat.post", in{"text": "again"}))
	a.nextMessage()
	b.ok(b.ask("ping", nil))
	for _, m := range b.aside {
		if m.Type == "chat.message" {
			t.Errorf("got %s", m.raw)
		}
	}
	history := into[struct{ Messages []chatted }](t, c.ok(c.ask("chat.history", nil)))
	if len(history.Messages) != 2 || history.Messages[0].Text != "again" {
		t.Errorf(`history %+v, want 2 Messages, Messages[0].Text "again"`, history)
	}
}

// TestChatAfterANewSignIn checks that a connection can use the chat with the token of a new sign-in.
func TestChatAfterANewSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config) { c.Renewal = time.Hour })
	w.chatRoom("one")
	w.chatRoom("two")
	ann := w.register("ann")
	a := ann.app()
	a.chat(in{"room": "one"})
	ann = ann.signIn()
	a.no(a.ask("chat.join", in{"room": "two"}), "session_ended")
	a.ok(a.ask("hello", in{"token": ann.Token()}))
	a.chat(in{"room": "two"})
	a.ok(a.ask("chat.leave", in{"room": "one"}))
}

func TestMessagesAreLimitedPerUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config) { c.MessageRate, c.MessageBurst = 0.001, 3 })
	ann := w.register("ann")
	a, b := ann.app(), ann.app()
	for i := range 3 {
		[]*app{a, b}[i%2].ok([]*app{a, b}[i%2].ask("chat.post", in{"text": "x"}))
	}
	for _, c := range []*app{a, b} {
		if no := c.no(c.ask("chat.post", in{"text": "x"}), "rate_limited"); no.RetryAfter < 1 {
			t.Errorf("refused with %+v", no)
		}
	}
}
