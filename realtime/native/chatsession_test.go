package native_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/ratelimit"
	"roomlog/internal/limit"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws/wstest"
)

// listener is a chat.Listener that belongs to no dialect.
type listener struct{ reset chan struct{} }

func (listener) Deliver(*chat.Update)                       {}
func (listener) Typing(chat.Participant, domain.ChatRoomID) {}
func (listener) Restart()                                   {}
func (e listener) Reset()                                   { e.reset <- struct{}{} }

func TestChatSessionsAreResetAfterMissedUpdates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	e := listener{make(chan struct{}, 10)}
	m := w.Chat.NewSession("c1", e, w.Chat.NewLimits())
	if _, err := m.Enter(t.Context(), chat.Entry{Profile: domain.ProfilePlain}); err != nil {
		t.Fatal(err)
	}
	w.Execute(domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.LeaveChat{
		Participant: m.ParticipantID(), Cause: domain.LeaveNodeLost, Node: w.Hub.Node(),
	}})
	wstest.Receive(t, e.reset, "the reset after being taken for lost")
	w.miss()
	wstest.Receive(t, e.reset, "the reset after missed updates")
	m.Leave(domain.LeaveRequested)
	w.miss()
	select {
	case <-e.reset:
		t.Error("cut off after the end")
	default:
	}
}

// TestReloadedRosterIgnoresOlderDeltas reads the roster again while older deltas are queued. These deltas must not add
// a participant who has left.
func TestReloadedRosterIgnoresOlderDeltas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	m := w.Chat.NewSession("c1", listener{}, w.Chat.NewLimits())
	at, err := m.Enter(t.Context(), chat.Entry{Profile: domain.ProfilePlain})
	if err != nil {
		t.Fatal(err)
	}
	came := events[domain.ParticipantEntered](w)[0]
	m.Leave(domain.LeaveRequested)
	wstest.Eventually(t, "the participant has left", func() bool { return len(events[domain.ParticipantLeft](w)) == 1 })
	head, err := w.Store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The tables contain the leave before the feed releases it, and the roster is read as of the position that the feed
	// has released.
	wstest.Eventually(t, "the feed has released the leave", func() bool { return w.Feed.Checkpoint() >= head })
	late := projections.Delta{Position: at, Event: came}
	joined := projections.Delta{Position: at, Event: domain.ChatRoomJoined{Participant: came.Participant, Connection: "c1", ChatRoom: "0123456789abcdef01234567"}}
	if err := w.Chat.Load(t.Context(), w.Feed.Checkpoint()); err != nil {
		t.Fatal(err)
	}
	w.Chat.Deliver(at, late, joined)
	w.chatRoom("later") // returns when everything before the new chat room has been delivered
	if n := w.Chat.Online("0123456789abcdef01234567"); n != 0 {
		t.Errorf("%d are there who left, want 0", n)
	}
}

// slowListener is a chat.Listener whose Deliver blocks until it is released.
type slowListener struct{ delivering, release chan struct{} }

func (e slowListener) Deliver(*chat.Update) {
	e.delivering <- struct{}{}
	<-e.release
}
func (slowListener) Typing(chat.Participant, domain.ChatRoomID) {}
func (slowListener) Restart()                                   {}
func (slowListener) Reset()                                     {}

func TestASlowChatDelaysNoLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann, bob := w.register("ann"), w.register("bob")
	live := ann.goLive("show")
	e := slowListener{make(chan struct{}), make(chan struct{})}
	defer close(e.release)
	m := w.Chat.NewSession("c1", e, w.Chat.NewLimits())
	m.Subscribe("")
	m.StartFrom("", 0)
	a, b := ann.app(), bob.app()
	a.ok(a.ask("chat.post", in{"text": "x"}))
	wstest.Receive(t, e.delivering, "the message")
	b.join(live)
}

// TestFindByConnectionWaitsForEntry checks that FindByConnection waits for a chat session that is about to enter, and
// returns 0 for one that is not.
func TestFindByConnectionWaitsForEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a := w.register("ann").app()
	m := w.Chat.NewSession("c1", listener{make(chan struct{}, 10)}, w.Chat.NewLimits())
	a.no(a.ask("chat.private", in{"participant": "c1", "text": "x"}), "participant_not_found")
	if _, err := m.Enter(t.Context(), chat.Entry{Profile: domain.ProfilePlain, Room: "none"}); err == nil {
		t.Error("entered a room that is none")
	}
	if id, err := w.Chat.FindByConnection(t.Context(), "c1"); id != 0 || err != nil {
		t.Errorf("found %d: %v, want 0", id, err)
	}
	m.BeginEntering()
	found := make(chan domain.ParticipantID)
	go func() {
		id, _ := w.Chat.FindByConnection(t.Context(), "c1")
		found <- id
	}()
	if _, err := m.Enter(t.Context(), chat.Entry{Profile: domain.ProfilePlain}); err != nil {
		t.Fatal(err)
	}
	if id := wstest.Receive(t, found, "who it is"); id == 0 || id != m.ParticipantID() {
		t.Errorf("found %d, entered as %d", id, m.ParticipantID())
	}
	gone := w.Chat.NewSession("c2", listener{make(chan struct{}, 10)}, w.Chat.NewLimits())
	gone.BeginEntering()
	go func() {
		id, _ := w.Chat.FindByConnection(t.Context(), "c2")
		found <- id
	}()
	gone.Leave(domain.LeaveConnectionLost)
	if id := wstest.Receive(t, found, "that it is nobody"); id != 0 {
		t.Errorf("found %d, want 0", id)
	}
}

func TestAParticipantWithoutConnectionLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.chatRoom("demo") // waits until the chat receives the feed
	entered := w.Execute(domain.Request{Actor: domain.Actor{Kind: domain.Anonymous}, Command: domain.EnterChat{
		Connection: "gone", Profile: domain.ProfilePlain, Node: w.Hub.Node(), Nickname: "Ann", NameKey: w.Store.NameKey("Ann"),
	}}).Events[0].Event.(domain.ParticipantEntered)
	wstest.Eventually(t, "the participant has left", func() bool {
		left := events[domain.ParticipantLeft](w)
		return len(left) == 1 && left[0].Participant == entered.Participant && left[0].Cause == domain.LeaveConnectionLost
	})
}

// TestAFailedLeaveKeepsTheSubscription checks that a chat session stays subscribed to a chat room if the log refuses
// its leave.
func TestAFailedLeaveKeepsTheSubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config) { c.MessageRate, c.MessageBurst = 0.001, 3 })
	id := w.chatRoom("demo")
	m := w.Chat.NewSession("c1", listener{make(chan struct{}, 10)}, w.Chat.NewLimits())
	m.Subscribe(id)
	at, err := m.Enter(t.Context(), chat.Entry{Profile: domain.ProfilePlain, Room: id})
	if err != nil {
		t.Fatal(err)
	}
	m.StartFrom(id, at)
	ended, end := context.WithCancel(t.Context())
	end()
	no := m.LeaveRoom(ended, id)
	if (no != nil) != m.Subscribed(id) {
		t.Errorf("left: %v, subscribed: %v", no, m.Subscribed(id))
	}
	if no != nil { // the log may have executed the command before the caller stopped waiting
		if err := m.LeaveRoom(t.Context(), id); err != nil || m.Subscribed(id) {
			t.Errorf("left: %v, subscribed: %v", err, m.Subscribed(id))
		}
	}
	if n := len(events[domain.ChatRoomLeft](w)); n != 1 {
		t.Errorf("left %d times, want 1", n)
	}
}

// TestFindByName checks that FindByName finds a participant by the current name, and reports how many people have the
// name.
func TestFindByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	expect := func(name string, user domain.UserID, people int) {
		t.Helper()
		found, n := w.Chat.FindByName(name)
		if n != people || people == 1 && found.User.ID != user {
			t.Errorf("%q found user %d of %d people, want user %d of %d people", name, found.User.ID, n, user, people)
		}
	}
	first := w.register("first")
	first.app().chat(nil)
	first.app().chat(nil) // a second connection of the same user
	expect("first", first.ID, 1)
	w.caughtUp(first.Asks(domain.ChangeProfile{Nickname: new("cat")}).Position)
	expect("cat", first.ID, 1)
	expect("ＣＡＴ", first.ID, 1)
	expect("first", 0, 0)

	second := w.register("second")
	a := second.app()
	a.chat(nil)
	w.caughtUp(second.Asks(domain.ChangeProfile{Nickname: new("Cаt")}).Position) // the name contains a Cyrillic letter
	expect("cat", 0, 2)
	_ = a.Conn.Close()
	wstest.Eventually(t, "the second user has left the chat", func() bool { _, n := w.Chat.FindByName("cat"); return n == 1 })
	expect("cat", first.ID, 1)
}

// TestTheChatIsLimitedPerAddress checks that entries and new chat rooms from one address use up only the limits of that
// address.
func TestTheChatIsLimitedPerAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config) {
		now := time.Now() // stands still: only bursts are accepted
		limiter, err := ratelimit.New(ratelimit.Config{
			Commands: c.ChatConfig.ClientCommands, Now: func() time.Time { return now }, ChatRoomsPerAddress: 2, AnonymousBurst: 4,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.ChatConfig.ClientCommands = limiter
	})
	expect := func(what string, err error, accepted bool) {
		t.Helper()
		if no, _ := hub.ProblemOf(err); (err == nil) != accepted || err != nil && no.Code != domain.CodeRateLimited {
			t.Errorf("%s: %v, want accepted %v", what, err, accepted)
		}
	}
	var entered *chat.Session
	for i, from := range []string{"10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"} {
		m := w.Chat.NewSession(fmt.Sprint("entry ", i), listener{make(chan struct{}, 10)}, w.Chat.NewLimits())
		defer m.Leave(domain.LeaveRequested)
		_, err := m.Enter(limit.WithAddress(t.Context(), from), chat.Entry{Profile: domain.ProfilePlain})
		expect(fmt.Sprint("entry ", i), err, i != 4)
		entered = m
	}
	for i, from := range []string{"10.0.0.3", "10.0.0.3", "10.0.0.3", "10.0.0.4"} {
		_, err := entered.OpenRoom(limit.WithAddress(t.Context(), from), fmt.Sprint("room ", i))
		expect(fmt.Sprint("room ", i), err, i != 2)
	}
	_, err := entered.OpenRoom(limit.WithAddress(t.Context(), "10.0.0.3"), "room 0")
	expect("a room that exists", err, true)
}
