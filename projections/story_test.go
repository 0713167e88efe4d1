package projections_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

var update = flag.Bool("update", false, "write the golden file of the tables anew")

// story is everything that can happen, once, by the same people and at the same times in every run.
type story struct {
	*world
	ann, bob, cat     person // streamer, guest, and one who is forgotten in the end
	cooking, chatting domain.LiveID
	rose, ring        domain.GiftID

	eve           person // who has no password
	demo, songs   domain.ChatRoomID
	ming          domain.ParticipantID // who is here in the end, like eve
	eveHere, gone domain.ParticipantID // gone is forgotten
}

// stepClock is a clock that is a second later whenever it is asked.
func stepClock() func() time.Time {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var asked atomic.Int64
	return func() time.Time { return begin.Add(time.Duration(asked.Add(1)) * time.Second) }
}

// tell has the story happen.
func tell(t testing.TB) *story {
	t.Helper()
	w := openWorld(t, pgtest.New(t), eventstore.Config{Now: stepClock()}, "first")
	s := &story{world: w}
	s.rose, s.ring = w.list("rose", 10), w.list("ring", 500)
	s.ann, s.bob, s.cat = s.enter("ann"), s.enter("bob"), s.enter("cat")
	s.ann.asks(domain.ChangeProfile{Nickname: "Ann the cook", Avatar: "https://example.com/ann.png"})
	s.cooking = s.open(s.ann, "cooking")
	s.chatting = s.open(s.cat, "chatting")
	s.pay(s.bob, 1000, "order-1")
	s.pay(s.cat, 50, "order-2")
	s.bob.asks(domain.PlaceOrder{Order: "order-3", Price: 1, Coins: 10})
	s.bob.asks(domain.JoinLive{Live: s.cooking, Node: "p1"})
	s.cat.asks(domain.JoinLive{Live: s.cooking, Node: "p1"})
	s.bob.asks(domain.PostComment{Live: s.cooking, Text: "hello"})
	s.cat.asks(domain.PostComment{Live: s.cooking, Text: "my name is cat"})
	s.bob.asks(domain.SendGift{Live: s.cooking, Gift: s.rose, Num: 3})
	s.cat.asks(domain.SendGift{Live: s.cooking, Gift: s.rose, Num: 1})
	s.do(domain.RepriceGift{Gift: s.rose, Price: 20})
	s.bob.asks(domain.SendGift{Live: s.cooking, Gift: s.rose, Num: 1})
	s.do(domain.WithdrawGift{Gift: s.ring})
	s.cat.asks(domain.JoinLive{Live: s.cooking, Node: "p2"})
	s.leave(s.cat, "p2", domain.LeaveConnectionLost)
	s.leave(s.bob, "p1", domain.LeaveRequested)
	s.bob.asks(domain.JoinLive{Live: s.cooking, Node: "p3"})
	s.bob.asks(domain.JoinLive{Live: s.chatting, Node: "p3"})
	s.cat.asks(domain.ChangeLiveStatus{Live: s.chatting, To: domain.LiveStop})
	s.ann.asks(domain.ChangeLiveStatus{Live: s.cooking, To: domain.LivePause})
	s.do(domain.GrantRole{User: s.bob.id, Role: domain.RoleAuditor})
	s.do(domain.GrantRole{User: s.bob.id, Role: domain.RoleAnalyst})
	s.do(domain.RevokeRole{User: s.bob.id, Role: domain.RoleAuditor})
	s.do(domain.DisableUser{User: s.bob.id})
	s.do(domain.EnableUser{User: s.bob.id})
	s.ann.asks(domain.SetRecording{Live: s.cooking, On: true})
	s.do(domain.DisableUser{User: s.ann.id})
	s.do(domain.GrantRole{User: s.cat.id, Role: domain.RoleOperator})
	s.do(domain.BanUser{User: s.bob.id, Seconds: 60, Reason: "cool down"})
	s.do(domain.UnbanUser{User: s.bob.id})
	s.do(domain.BanUser{User: s.ann.id, Seconds: 3600, Reason: "a word about ann"})
	s.do(domain.KickUser{User: s.cat.id, Reason: "a word about cat"})
	s.do(domain.BanViewer{Live: s.cooking, User: s.cat.id, Reason: "another word about cat"})
	s.bob.asks(domain.IncrementAge{})
	s.bob.asks(domain.IncrementAge{})
	s.cat.asks(domain.IncrementAge{})
	s.bob.asks(domain.SignOut{})
	s.do(domain.ForgetUser{User: s.cat.id})
	s.shows()
	s.chat()
	return s
}

// shows has streams begin and end, of which one goes on.
func (s *story) shows() {
	s.Helper()
	picture := domain.MediaInfo{Video: "h264", Width: 1280, Height: 720, Audio: "aac"}
	s.says(domain.StartBroadcast{Live: s.cooking, Broadcast: "first", Node: "p1", Media: picture})
	s.says(domain.StopBroadcast{Live: s.cooking, Broadcast: "first", Cause: domain.StopByPublisher, Bytes: 5_000_000_000})
	s.says(domain.StartBroadcast{Live: s.cooking, Broadcast: "second", Node: "p1", Media: picture})
	began := time.Date(2026, 11, 21, 12, 0, 0, 500_000_000, time.UTC)
	finish := domain.FinishRecording{Live: s.cooking, Recording: "first", Cause: "lost", StartedAt: began, EndedAt: began.Add(time.Minute), DurationMS: 59_000, Bytes: 9000,
		Parts: []domain.RecordingPart{{File: "1.mp4", StartedAt: began, DurationMS: 59_000, Bytes: 8000, Media: picture}}}
	s.says(finish)
	finish.Recording = "second"
	s.says(finish)
	s.says(domain.StartRecording{Live: s.cooking, Recording: "third"})
	s.says(domain.DiscardRecording{Live: s.cooking, Recording: "first", Cause: "quota"})
	s.says(domain.StartBroadcast{Live: s.cooking, Broadcast: "third", Node: "p2", Media: domain.MediaInfo{Audio: "mp3"}})
}

// says has the program itself say something.
func (w *world) says(c domain.Command) eventstore.Receipt {
	w.Helper()
	return w.execute(domain.Request{Command: c, Actor: domain.Actor{Kind: domain.System}})
}

// enter registers and signs in somebody whose ids are the same in every run.
func (s *story) enter(name string) person {
	s.Helper()
	r := s.execute(domain.Request{Command: domain.RegisterUser{
		Username: name, NameKey: s.store.NameKey(name), Credential: fmt.Sprintf("00000000-0000-4000-8000-%012x", name),
	}})
	p := person{s.world, r.Events[0].Event.(domain.UserRegistered).User, "session of " + name}
	s.execute(domain.Request{Command: domain.SignIn{User: p.id, Session: p.session}})
	return p
}

func (s *story) open(p person, title string) domain.LiveID {
	s.Helper()
	key := strings.Repeat(title[:2], 10)
	live := p.asks(domain.CreateLive{Title: title, Cover: "https://example.com/" + title + ".png", StreamKey: key}).Events[0].Event.(domain.LiveCreated).Live
	p.asks(domain.ChangeLiveStatus{Live: live, To: domain.LivePlay})
	return live
}

func (s *story) pay(p person, coins domain.Coins, order domain.OrderID) {
	s.Helper()
	s.do(domain.CreditCoins{Order: order, User: p.id, Coins: coins})
}

func (s *story) leave(p person, process string, cause domain.LeaveCause) {
	s.Helper()
	s.execute(domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.LeaveLive{Live: s.cooking, User: p.id, Cause: cause, Node: process}})
}

// The columns that differ in every run.
var random = regexp.MustCompile(`"(name_key|id)": "[0-9a-f]+"`)

// golden answers the tables as the golden file has them.
func (w *world) golden() string {
	return random.ReplaceAllString(w.dump("read"), `"$1": "…"`)
}

func TestTables(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.project()
	s.caughtUp()
	file := filepath.Join("testdata", "tables.golden")
	got := s.golden()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the tables of the story (-golden +now):\n%s", diff)
	}
	s.verified()
}

func TestForgottenPeopleLeaveNoText(t *testing.T) {
	t.Parallel()
	s := tell(t)
	stop := s.project()
	s.caughtUp()
	for _, text := range []string{`"cat"`, "my name is cat", "chatting"} {
		if strings.Contains(s.dump("read"), text) {
			t.Errorf("%s is still in the tables", text)
		}
	}
	live := s.dump("read")
	stop()
	s.rebuilt()
	if again := s.dump("read"); again != live {
		t.Errorf("rebuilt tables differ:\n%s", cmp.Diff(strings.Split(live, "\n"), strings.Split(again, "\n")))
	}
	t.Run("nor in replaced tables", func(t *testing.T) {
		s.project()
		s.do(domain.ForgetUser{User: s.ann.id})
		s.caughtUp()
		for _, text := range []string{`"ann"`, "Ann the cook", "cooking"} {
			if strings.Contains(s.dump("read_old_0"), text) {
				t.Errorf("%s is still in the replaced tables", text)
			}
		}
	})
}
