package projections_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

var system = domain.Actor{Kind: domain.System}

const uploads = "https://live.example/uploads/"

// chat has everything happen that can happen in the chat.
func (s *story) chat() {
	s.Helper()
	s.demo, s.songs = domain.ChatRoomID(strings.Repeat("d", 24)), domain.ChatRoomID(strings.Repeat("e", 24))
	r := s.execute(domain.Request{Command: domain.RegisterByEmail{Email: "Eve@example.org", EmailKey: "key-of-eve", Avatar: "https://example.com/eve.png"}})
	s.eve = person{s.world, r.Events[0].Event.(domain.UserRegistered).User, "session of eve"}
	s.execute(domain.Request{Command: domain.SignIn{User: s.eve.id, Session: s.eve.session}})
	s.says(domain.CreateChatRoom{Name: "demo", ChatRoom: s.demo, NameKey: "da"})
	s.eve.asks(domain.CreateChatRoom{Name: "songs", ChatRoom: s.songs, NameKey: "db", MaxChatRooms: 2})
	s.ming = s.entersChat("c1", domain.ProfilePlain, "小明", "aa")
	s.gone = s.entersChat("c2", domain.ProfileExchange, "", "")
	s.execute(domain.Request{Command: domain.SetNickname{Participant: s.gone, Nickname: "who is forgotten", NameKey: "ab"}})
	s.execute(domain.Request{Command: domain.SetNickname{Participant: s.ming, Nickname: "小红", NameKey: "ac", PreviousKey: "aa"}})
	s.eveHere = s.eve.asks(domain.EnterChat{Connection: "c3", Profile: domain.ProfileRooms, NameKey: "ae", ChatRoom: s.demo, Node: "p1"}).
		Events[0].Event.(domain.ParticipantEntered).Participant
	s.joins(s.ming, s.songs)
	s.joins(s.ming, s.demo)
	s.joins(s.gone, s.demo)
	s.execute(domain.Request{Command: domain.LeaveChatRoom{Participant: s.ming, ChatRoom: s.demo}})
	s.posts(s.ming, "小红", domain.PostMessage{Kind: domain.MessageText, Text: "hello everybody <3"})
	s.posts(s.ming, "小红", domain.PostMessage{Kind: domain.MessageSticker, Text: "rose", ChatRooms: []domain.ChatRoomID{s.demo, s.songs}})
	s.posts(s.gone, "who is forgotten", domain.PostMessage{Kind: domain.MessageText, Text: "what is forgotten", ChatRooms: []domain.ChatRoomID{s.demo}})
	s.posts(s.gone, "who is forgotten", domain.PostMessage{Kind: domain.MessageText, Text: "what is forgotten too", ToUser: s.eve.id})
	s.eve.asks(domain.PostMessage{Participant: s.eveHere, Kind: domain.MessageText, Text: "good evening", ChatRooms: []domain.ChatRoomID{s.demo}})
	s.eve.asks(domain.PostMessage{Participant: s.eveHere, Kind: domain.MessageVoice, Text: uploads + strings.Repeat("a", 32) + ".ogg", DurationMS: 900, ToParticipant: s.ming, UploadURLPrefix: uploads})
	s.says(domain.LeaveChat{Participant: s.gone, Cause: domain.LeaveNodeLost, Node: "p1", NameKey: "ab"})
	s.do(domain.ForgetParticipant{Participant: s.gone})
	s.do(domain.RemoveChatRoom{ChatRoom: s.songs, NameKey: "db"})
}

func (w *world) entersChat(connection string, profile domain.ChatProfile, nickname, key string) domain.ParticipantID {
	w.Helper()
	r := w.execute(domain.Request{Command: domain.EnterChat{Connection: connection, Profile: profile, Nickname: nickname, NameKey: key, Node: "p1"}})
	return r.Events[0].Event.(domain.ParticipantEntered).Participant
}

func (w *world) joins(g domain.ParticipantID, room domain.ChatRoomID) {
	w.Helper()
	w.execute(domain.Request{Command: domain.JoinChatRoom{Participant: g, ChatRoom: room}})
}

func (w *world) posts(g domain.ParticipantID, nickname string, c domain.PostMessage) {
	w.Helper()
	c.Participant, c.Nickname = g, nickname
	w.execute(domain.Request{Command: c})
}

// chats is a command of somebody in the chat, by few connections and names, so that they meet.
func (c *crowd) chats(r *rand.Rand, p person) domain.Request {
	room := domain.ChatRoomID(strings.Repeat(fmt.Sprint(r.IntN(4)), 24))
	key := fmt.Sprint("n", r.IntN(5))
	guest := domain.ParticipantID(1 + r.IntN(30))
	switch r.IntN(10) {
	case 0:
		return domain.Request{Command: domain.CreateChatRoom{Name: "room", ChatRoom: room, NameKey: key, MaxChatRooms: 4}}
	case 1:
		return domain.Request{Actor: operator, Command: domain.RemoveChatRoom{ChatRoom: room, NameKey: key}}
	case 2, 3:
		return domain.Request{Command: domain.EnterChat{Connection: key, Profile: domain.ProfilePlain, Nickname: "nick", NameKey: key, Node: "p1"}}
	case 4:
		return domain.Request{Actor: p.actor(), Command: domain.EnterChat{Connection: key, Profile: domain.ProfileRooms, ChatRoom: room, Node: "p2"}}
	case 5:
		return domain.Request{Command: domain.JoinChatRoom{Participant: guest, ChatRoom: room}}
	case 6:
		return domain.Request{Command: domain.LeaveChatRoom{Participant: guest, ChatRoom: room}}
	case 7:
		return domain.Request{Actor: system, Command: domain.LeaveChat{Participant: guest, Cause: domain.LeaveRequested, Node: "p2"}}
	}
	return domain.Request{Actor: p.actor(), Command: domain.PostMessage{Kind: domain.MessageText, Text: "hi", ChatRooms: []domain.ChatRoomID{room}}}
}

func TestChatRooms(t *testing.T) {
	t.Parallel()
	s, ctx := told(t), t.Context()
	rooms := must[[]projections.ChatRoom](t)(s.queries.ChatRooms(ctx))
	if len(rooms) != 1 || rooms[0].ID != s.demo || rooms[0].Name != "demo" || rooms[0].CreatedAt.IsZero() {
		t.Errorf("%+v", rooms)
	}
	if got := must[projections.ChatRoom](t)(s.queries.ChatRoom(ctx, s.demo)); got != rooms[0] {
		t.Errorf("%+v", got)
	}
	if got := must[projections.ChatRoom](t)(s.queries.ChatRoomByName(ctx, "da")); got != rooms[0] {
		t.Errorf("%+v", got)
	}
	if _, err := s.queries.ChatRoom(ctx, s.songs); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("a removed room: %v", err)
	}
	if _, err := s.queries.ChatRoomByName(ctx, "db"); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("the name of a removed room: %v", err)
	}
	members := must[map[domain.ChatRoomID][]projections.ChatRoomUser](t)(s.queries.ChatRoomUsers(ctx, []domain.ChatRoomID{s.demo, s.songs}, 10))
	if len(members) != 1 || len(members[s.demo]) != 1 || members[s.demo][0].ID != s.eve.id || members[s.demo][0].Username != "Eve" {
		t.Errorf("%+v", members)
	}
}

func TestChatGuests(t *testing.T) {
	t.Parallel()
	s, ctx := told(t), t.Context()
	var here []string
	for _, g := range must[[]projections.RosterEntry](t)(s.queries.Roster(ctx, 0, 10)) {
		here = append(here, fmt.Sprintf("%d %s %s %s %s %s %s %v", g.ID, g.Connection, g.Profile, g.Node, g.Name(), g.Nickname, g.NameKey, g.ChatRooms))
	}
	want := []string{
		fmt.Sprintf("1 c1 plain p1 小红 小红 ac [%s]", s.songs), // which was removed
		fmt.Sprintf("3 c3 rooms p1 Eve  ae [%s]", s.demo),
	}
	if !cmp.Equal(here, want) {
		t.Errorf("%q, want %q", here, want)
	}
	if rest := must[[]projections.RosterEntry](t)(s.queries.Roster(ctx, 1, 1)); len(rest) != 1 || rest[0].ID != s.eveHere || rest[0].User.ID != s.eve.id {
		t.Errorf("%+v", rest)
	}
	held := must[[]projections.NodeParticipant](t)(s.queries.NodeParticipants(ctx, "p1", 0, 10))
	if want := []projections.NodeParticipant{{ID: s.ming, NameKey: "ac"}, {ID: s.eveHere, NameKey: "ae"}}; !cmp.Equal(held, want) {
		t.Errorf("%+v", held)
	}
	if processes := must[[]string](t)(s.queries.Nodes(ctx)); !cmp.Equal(processes, []string{"p1", "p3"}) {
		t.Errorf("%q: who chats is held like who is in a room", processes)
	}
	for user, want := range map[domain.UserID]string{s.eve.id: string(s.demo) + " true", s.bob.id: " false", 0: " false"} {
		if room, online, err := s.queries.ChatPresence(ctx, user); err != nil || fmt.Sprint(room, " ", online) != want {
			t.Errorf("%d: %s %v %v", user, room, online, err)
		}
	}
}

func TestChatMessages(t *testing.T) {
	t.Parallel()
	s, ctx := told(t), t.Context()
	said := func(messages []projections.Message, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, m := range messages {
			if m.Position == 0 || len(m.ID) != 10 || m.SentAt.IsZero() || m.CreatedAt.IsZero() {
				t.Errorf("%+v", m)
			}
			fmt.Fprintf(&b, "%s: %s %s;", m.Name(), m.Kind, m.Text)
		}
		return b.String()
	}
	newest := must[[]projections.Message](t)(s.queries.ChatRoomMessages(ctx, s.demo, projections.Window{}))
	if len(newest) != 3 {
		t.Fatalf("%+v", newest)
	}
	for _, tt := range []struct{ name, got, want string }{
		{"in a room", said(newest, nil), "Eve: text good evening;erased: text erased;小红: sticker rose;"},
		{"in a room, oldest first", said(s.queries.ChatRoomMessages(ctx, s.demo, projections.Window{OldestFirst: true, Limit: 1})), "小红: sticker rose;"},
		{"in a room before the newest", said(s.queries.ChatRoomMessages(ctx, s.demo, projections.Window{Before: newest[0].Position})), "erased: text erased;小红: sticker rose;"},
		{"in the other room, which was removed", said(s.queries.ChatRoomMessages(ctx, s.songs, projections.Window{})), "小红: sticker rose;"},
		{"to everybody", said(s.queries.PublicMessages(ctx, projections.Window{})), "小红: text hello everybody <3;"},
		{"to everybody, after that", said(s.queries.PublicMessages(ctx, projections.Window{After: newest[0].Position})), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	f, _ := s.feed(projections.FeedConfig{})
	private := must[[]projections.Delta](t)(f.UserDeltas(ctx, s.eve.id, 0, s.head(), 10))
	if len(private) != 2 || private[1].Kind != projections.KindMessage || private[1].Event.(domain.MessagePosted).Text != eventstore.ErasedText {
		t.Errorf("the private lane: %+v", private)
	}
}

func TestEmails(t *testing.T) {
	t.Parallel()
	s, ctx := told(t), t.Context()
	want := projections.EmailAccount{User: s.eve.id, Email: "Eve@example.org"}
	if got := must[projections.EmailAccount](t)(s.queries.EmailAccount(ctx, "key-of-eve")); got != want {
		t.Errorf("%+v", got)
	}
	if got := must[projections.EmailAccount](t)(s.queries.EmailOf(ctx, s.eve.id)); got != want {
		t.Errorf("%+v", got)
	}
	if _, err := s.queries.EmailOf(ctx, s.bob.id); !errors.Is(err, projections.ErrNotFound) {
		t.Error(err)
	}
	s.do(domain.ForgetUser{User: s.eve.id})
	s.caughtUp()
	if got := must[projections.EmailAccount](t)(s.queries.EmailAccount(ctx, "key-of-eve")); got.Email != eventstore.ErasedText || !got.Disabled {
		t.Errorf("%+v", got)
	}
	if dump := s.dump("read"); strings.Contains(dump, "good evening") || strings.Contains(dump, "Eve@example.org") || strings.Contains(dump, `"Eve"`) {
		t.Error("texts of somebody forgotten are still in the tables")
	}
	s.verified()
}

// What is said in the chat is released with the name of who said it.
func TestChatDeltas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.project()
	f, _ := w.feed(projections.FeedConfig{})
	heard := w.subscribe(f)
	bob := w.register("bob")
	guest := w.entersChat("c1", domain.ProfilePlain, "小明", "aa")
	w.posts(guest, "小明", domain.PostMessage{Kind: domain.MessageText, Text: "hello"})
	bob.asks(domain.PostMessage{Kind: domain.MessageText, Text: "hello yourself", ToParticipant: guest})
	heard.until(w.head())
	var got []string
	for _, d := range heard.deltas {
		if m, ok := d.Event.(domain.MessagePosted); ok {
			got = append(got, fmt.Sprintf("%s%s: %s", m.Nickname, d.Profile.Name(), m.Text))
		}
	}
	if want := []string{"小明: hello", "bob: hello yourself"}; !cmp.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAForgottenGuestIsErasedEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.project()
	guest, stays := w.entersChat("c1", domain.ProfilePlain, "小明", "aa"), w.entersChat("c2", domain.ProfilePlain, "小红", "ab")
	w.posts(guest, "小明", domain.PostMessage{Kind: domain.MessageText, Text: "hello"})
	w.posts(stays, "小红", domain.PostMessage{Kind: domain.MessageText, Text: "hello yourself"})
	other := w.another()
	w.says(domain.LeaveChat{Participant: guest, Cause: domain.LeaveRequested, Node: "p1", NameKey: "aa"})
	read := func(w *world) string {
		page, err := w.store.Read(context.Background(), eventstore.Query{Types: []string{"message.posted.v1"}, Limit: 10})
		if err != nil || len(page.Events) != 2 {
			t.Fatalf("%+v, %v", page, err)
		}
		var said []string
		for _, r := range page.Events {
			m := r.Event.(domain.MessagePosted)
			said = append(said, m.Nickname+": "+m.Text)
		}
		return strings.Join(said, ", ")
	}
	if first, second := read(w), read(other); first != "小明: hello, 小红: hello yourself" || second != first {
		t.Errorf("%q, %q", first, second)
	}
	w.do(domain.ForgetParticipant{Participant: guest})
	if first, second := read(w), read(other); first != "erased: erased, 小红: hello yourself" || second != first {
		t.Errorf("%q, %q after the guest is forgotten", first, second)
	}
	if payloads := w.texts("SELECT payload::text FROM events"); strings.Contains(payloads, "hello") || strings.Contains(payloads, "小") {
		t.Error("texts of guests lie open in the log")
	}
	w.caughtUp()
	if dump := w.dump("read"); strings.Contains(dump, `"hello"`) || strings.Contains(dump, "小明") || !strings.Contains(dump, "hello yourself") {
		t.Error("the tables have what is forgotten, or have lost what is not")
	}
	w.verified()
}

// Who is first has the name, of a guest and of a room, however many processes are asked at once.
func TestNamesAreUniqueOnAllProcesses(t *testing.T) {
	t.Parallel()
	first := newWorld(t)
	second := first.another()
	var rooms, guests, full atomic.Int64
	var all sync.WaitGroup
	for i := range 40 {
		w := []*world{first, second}[i%2]
		all.Go(func() {
			room := domain.ChatRoomID(fmt.Sprintf("%024x", i))
			for count, c := range map[*atomic.Int64]domain.Command{
				&rooms:  domain.CreateChatRoom{Name: "one", ChatRoom: room, NameKey: "r-one", MaxChatRooms: 100},
				&guests: domain.EnterChat{Connection: "c", Profile: domain.ProfilePlain, Nickname: "小明", NameKey: "n-ming"},
				&full:   domain.CreateChatRoom{Name: "many", ChatRoom: room[1:] + "f", NameKey: fmt.Sprint("r-", i), MaxChatRooms: 5},
			} {
				_, err := w.sequencer.Execute(context.Background(), domain.Request{Command: c})
				switch no := domain.AsRefusal(err); {
				case err == nil:
					count.Add(1)
				case no == nil:
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if rooms.Load() != 1 || guests.Load() != 1 {
		t.Errorf("a name was given %d times to a room and %d times to a guest", rooms.Load(), guests.Load())
	}
	if n := full.Load(); n != 4 && n != 5 { // with or without the other room
		t.Errorf("%d rooms of 5", n)
	}
}

func (w *world) texts(sql string) string {
	w.Helper()
	var all string
	if err := w.db.Owner.QueryRow(w.Context(), "SELECT string_agg(t, ' ') FROM ("+sql+") AS all_of_them (t)").Scan(&all); err != nil {
		w.Fatal(err)
	}
	return all
}
