package native_test

import (
	"slices"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/ratelimit"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/ws/wstest"
)

// noListener is a chat.Listener that ignores everything.
type noListener struct{}

func (noListener) Deliver(*chat.Update)                       {}
func (noListener) Typing(chat.Participant, domain.ChatRoomID) {}
func (noListener) Restart()                                   {}
func (noListener) Reset()                                     {}

// TestChatRestartIsNotLimited checks that rate limits do not prevent a chat session that the log has lost from entering
// the chat and its chat rooms again.
func TestChatRestartIsNotLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config) {
		limiter, err := ratelimit.New(ratelimit.Config{Commands: c.ChatConfig.ClientCommands, Now: time.Now, AnonymousPerAddress: 0.001, AnonymousBurst: 2})
		if err != nil {
			t.Fatal(err)
		}
		c.ChatConfig.ClientCommands = limiter
	})
	room := w.chatRoom("demo")
	s := w.Chat.NewSession("c1", noListener{}, w.Chat.NewLimits())
	if _, err := s.Enter(t.Context(), chat.Entry{Profile: domain.ProfilePlain}); err != nil {
		t.Fatal(err)
	}
	s.Subscribe(room)
	if _, err := s.Join(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	before := s.ParticipantID()
	w.Execute(domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.LeaveChat{Participant: before, Cause: domain.LeaveNodeLost, Node: w.Hub.Node()}})
	if rooms, err := s.Restart(t.Context()); err != nil || !slices.Equal(rooms, []domain.ChatRoomID{room}) {
		t.Fatalf("restarted in %v, %v", rooms, err)
	}
	if s.ParticipantID() == before || len(events[domain.ChatRoomJoined](w)) != 2 {
		t.Errorf("participant %d after %d, and %d joins of rooms, want 2", s.ParticipantID(), before, len(events[domain.ChatRoomJoined](w)))
	}
}

// TestParticipantsOfALostNodeLeave checks that participants of a lost node leave the chat, and that those of a node
// that is alive stay.
func TestParticipantsOfALostNodeLeave(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config) { c.PresenceGrace = 50 * time.Millisecond })
	enter := func(connection, nameKey, process string) domain.ParticipantID {
		t.Helper()
		c := domain.EnterChat{Connection: connection, Profile: domain.ProfilePlain, Node: process, NameKey: nameKey}
		if nameKey != "" {
			c.Nickname = "小明"
		}
		return w.Execute(domain.Request{Command: c}).Events[0].Event.(domain.ParticipantEntered).Participant
	}
	here := w.Chat.NewSession("c1", noListener{}, w.Chat.NewLimits())
	if _, err := here.Enter(t.Context(), chat.Entry{Profile: domain.ProfilePlain, Nickname: "小红"}); err != nil {
		t.Fatal(err)
	}
	lives := here.ParticipantID()
	for _, key := range []string{"n2", "n3", ""} {
		enter("c2", key, "a process that never was")
	}
	head, err := w.Store.Head(t.Context())
	if err == nil {
		err = w.Chat.WaitFor(t.Context(), head)
	}
	if err != nil {
		t.Fatal(err)
	}
	queries := projections.NewQueries(w.Pool)
	wstest.Eventually(t, "the participants of the lost node have left", func() bool {
		guests, err := queries.Roster(t.Context(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(guests) == 1 && guests[0].ID == lives
	})
	w.Execute(domain.Request{Command: domain.EnterChat{Connection: "c3", Profile: domain.ProfilePlain, Node: w.Hub.Node(), Nickname: "小明", NameKey: "n2"}})
}
