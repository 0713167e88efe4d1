package projections_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

func TestChatRooms(t *testing.T) {
	t.Parallel()
	s, ctx := projectedStory(t), t.Context()
	rooms := must[[]projections.ChatRoom](t)(s.Queries.ChatRooms(ctx))
	if len(rooms) != 1 || rooms[0].ID != s.Demo || rooms[0].Name != "demo" || rooms[0].CreatedAt.IsZero() {
		t.Errorf("got %+v", rooms)
	}
	if got := must[projections.ChatRoom](t)(s.Queries.ChatRoom(ctx, s.Demo)); got != rooms[0] {
		t.Errorf("got %+v, want %v", got, rooms[0])
	}
	if got := must[projections.ChatRoom](t)(s.Queries.ChatRoomByName(ctx, "da")); got != rooms[0] {
		t.Errorf("got %+v, want %v", got, rooms[0])
	}
	if _, err := s.Queries.ChatRoom(ctx, s.Songs); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("a removed chat room: %v", err)
	}
	if _, err := s.Queries.ChatRoomByName(ctx, "db"); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("the name of a removed chat room: %v", err)
	}
	members := must[map[domain.ChatRoomID][]projections.ChatRoomUser](t)(s.Queries.ChatRoomUsers(ctx, []domain.ChatRoomID{s.Demo, s.Songs}, 10))
	if len(members) != 1 || len(members[s.Demo]) != 1 || members[s.Demo][0].ID != s.Eve.ID || members[s.Demo][0].Username != "Eve" {
		t.Errorf(`got %+v, want 1 element, 1 members[s.Demo], members[s.Demo][0].ID %v, members[s.Demo][0].Username "Eve"`, members, s.Eve.ID)
	}
}

func TestRosterAndPresenceOfParticipants(t *testing.T) {
	t.Parallel()
	s, ctx := projectedStory(t), t.Context()
	var here []string
	for _, g := range must[[]projections.RosterEntry](t)(s.Queries.Roster(ctx, 0, 10)) {
		here = append(here, fmt.Sprintf("%d %s %s %s %s %s %s %v", g.ID, g.Connection, g.Profile, g.Node, g.Name(), g.Nickname, g.NameKey, g.ChatRooms))
	}
	want := []string{
		fmt.Sprintf("1 c1 plain p1 小红 小红 ac [%s]", s.Songs), // the chat room that was removed is missing
		fmt.Sprintf("3 c3 rooms p1 Eve  ae [%s]", s.Demo),
	}
	if !cmp.Equal(here, want) {
		t.Errorf("%q, want %q", here, want)
	}
	if rest := must[[]projections.RosterEntry](t)(s.Queries.Roster(ctx, 1, 1)); len(rest) != 1 || rest[0].ID != s.EveInChat || rest[0].User.ID != s.Eve.ID {
		t.Errorf("got %+v, want 1 element, rest[0].ID %v, rest[0].User.ID %v", rest, s.EveInChat, s.Eve.ID)
	}
	held := must[[]projections.NodeParticipant](t)(s.Queries.NodeParticipants(ctx, "p1", 0, 10))
	if want := []projections.NodeParticipant{{ID: s.Ming, NameKey: "ac"}, {ID: s.EveInChat, NameKey: "ae"}}; !cmp.Equal(held, want) {
		t.Errorf("got %+v", held)
	}
	if processes := must[[]string](t)(s.Queries.Nodes(ctx)); !cmp.Equal(processes, []string{"p1", "p3"}) {
		t.Errorf("got the nodes %q, want those of chat participants and of viewers", processes)
	}
	for user, want := range map[domain.UserID]string{s.Eve.ID: string(s.Demo) + " true", s.Bob.ID: " false", 0: " false"} {
		if room, online, err := s.Queries.ChatPresence(ctx, user); err != nil || fmt.Sprint(room, " ", online) != want {
			t.Errorf("%d: got %s %v %v", user, room, online, err)
		}
	}
}

func TestMessagesAreReadInPages(t *testing.T) {
	t.Parallel()
	s, ctx := projectedStory(t), t.Context()
	texts := func(messages []projections.Message, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, m := range messages {
			if m.Position == 0 || len(m.ID) != 10 || m.SentAt.IsZero() || m.CreatedAt.IsZero() {
				t.Errorf("got %+v", m)
			}
			fmt.Fprintf(&b, "%s: %s %s;", m.Name(), m.Kind, m.Text)
		}
		return b.String()
	}
	newest := must[[]projections.Message](t)(s.Queries.ChatRoomMessages(ctx, s.Demo, projections.Window{}))
	if len(newest) != 3 {
		t.Fatalf("got %+v, want 3 elements", newest)
	}
	for _, tt := range []struct{ name, got, want string }{
		{"to a chat room", texts(newest, nil), "Eve: text good evening;erased: text erased;小红: sticker rose;"},
		{"to a chat room, oldest first", texts(s.Queries.ChatRoomMessages(ctx, s.Demo, projections.Window{OldestFirst: true, Limit: 1})), "小红: sticker rose;"},
		{"to a chat room, before the newest", texts(s.Queries.ChatRoomMessages(ctx, s.Demo, projections.Window{Before: newest[0].Position})), "erased: text erased;小红: sticker rose;"},
		{"to a removed chat room", texts(s.Queries.ChatRoomMessages(ctx, s.Songs, projections.Window{})), "小红: sticker rose;"},
		{"to everybody", texts(s.Queries.PublicMessages(ctx, projections.Window{})), "小红: text hello everybody <3;"},
		{"to everybody, after the newest", texts(s.Queries.PublicMessages(ctx, projections.Window{After: newest[0].Position})), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestEmailAccounts(t *testing.T) {
	t.Parallel()
	s, ctx := projectedStory(t), t.Context()
	want := projections.EmailAccount{User: s.Eve.ID, Email: "Eve@example.org"}
	if got := must[projections.EmailAccount](t)(s.Queries.EmailAccount(ctx, "key-of-eve")); got != want {
		t.Errorf("got %+v, want %v", got, want)
	}
	if got := must[projections.EmailAccount](t)(s.Queries.EmailOf(ctx, s.Eve.ID)); got != want {
		t.Errorf("got %+v, want %v", got, want)
	}
	if _, err := s.Queries.EmailOf(ctx, s.Bob.ID); !errors.Is(err, projections.ErrNotFound) {
		t.Error(err)
	}
	s.Do(domain.ForgetUser{User: s.Eve.ID})
	s.CatchUp()
	if got := must[projections.EmailAccount](t)(s.Queries.EmailAccount(ctx, "key-of-eve")); got.Email != eventstore.ErasedText || !got.Disabled {
		t.Errorf("got %+v", got)
	}
	if dump := s.Dump("read"); strings.Contains(dump, "good evening") || strings.Contains(dump, "Eve@example.org") || strings.Contains(dump, `"Eve"`) {
		t.Error("texts of a forgotten user are still in the tables")
	}
	s.Verify()
}

func TestForgottenParticipantsAreErasedFromLogAndTables(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	participant, stays := w.EnterChat("c1", domain.ProfilePlain, "小明", "aa"), w.EnterChat("c2", domain.ProfilePlain, "小红", "ab")
	w.Post(participant, "小明", domain.PostMessage{Kind: domain.MessageText, Text: "hello"})
	w.Post(stays, "小红", domain.PostMessage{Kind: domain.MessageText, Text: "hello yourself"})
	other := w.Another()
	w.DoAsSystem(domain.LeaveChat{Participant: participant, Cause: domain.LeaveRequested, Node: "p1", NameKey: "aa"})
	read := func(w *projtest.World) string {
		page, err := w.Store.Read(context.Background(), eventstore.Query{Types: []string{"message.posted.v1"}, Limit: 10})
		if err != nil || len(page.Events) != 2 {
			t.Fatalf("got %+v, %v, want 2 Events", page, err)
		}
		var texts []string
		for _, r := range page.Events {
			m := r.Event.(domain.MessagePosted)
			texts = append(texts, m.Nickname+": "+m.Text)
		}
		return strings.Join(texts, ", ")
	}
	if first, second := read(w), read(other); first != "小明: hello, 小红: hello yourself" || second != first {
		t.Errorf(`got %q, %q, want "小明: hello, 小红: hello yourself", %v`, first, second, first)
	}
	w.Do(domain.ForgetParticipant{Participant: participant})
	if first, second := read(w), read(other); first != "erased: erased, 小红: hello yourself" || second != first {
		t.Errorf(`%q, %q after the participant was forgotten, want "erased: erased, 小红: hello yourself", %v`, first, second, first)
	}
	if payloads := w.Text("SELECT payload::text FROM events"); strings.Contains(payloads, "hello") || strings.Contains(payloads, "小") {
		t.Error("texts of participants are readable in the log")
	}
	w.CatchUp()
	if dump := w.Dump("read"); strings.Contains(dump, `"hello"`) || strings.Contains(dump, "小明") || !strings.Contains(dump, "hello yourself") {
		t.Error("the tables have forgotten texts, or lack others")
	}
	w.Verify()
}

func TestNamesAreUniqueAcrossProcesses(t *testing.T) {
	t.Parallel()
	first := projtest.New(t)
	second := first.Another()
	var rooms, participants, full atomic.Int64
	var all sync.WaitGroup
	for i := range 40 {
		w := []*projtest.World{first, second}[i%2]
		all.Go(func() {
			room := domain.ChatRoomID(fmt.Sprintf("%024x", i))
			for count, c := range map[*atomic.Int64]domain.Command{
				&rooms:        domain.CreateChatRoom{Name: "one", ChatRoom: room, NameKey: "r-one", MaxChatRooms: 100},
				&participants: domain.EnterChat{Connection: "c", Profile: domain.ProfilePlain, Nickname: "小明", NameKey: "n-ming"},
				&full:         domain.CreateChatRoom{Name: "many", ChatRoom: room[1:] + "f", NameKey: fmt.Sprint("r-", i), MaxChatRooms: 5},
			} {
				_, err := w.Sequencer.Execute(context.Background(), domain.Request{Command: c})
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
	if rooms.Load() != 1 || participants.Load() != 1 {
		t.Errorf("one name was given to %d chat rooms and %d participants, want 1, 1", rooms.Load(), participants.Load())
	}
	if n := full.Load(); n != 4 && n != 5 { // the room with the other name may or may not exist
		t.Errorf("%d rooms of 5", n)
	}
}
