package projtest

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

// Uploads begins the URL of every uploaded file.
const Uploads = "https://live.example/uploads/"

// Story is a log in which every event occurs. The ids and times are the same in every run.
type Story struct {
	*World
	Ann, Bob, Cat     User // Ann is a streamer, Bob is a viewer, and Cat is forgotten at the end
	Cooking, Chatting domain.LiveID
	Rose, Ring        domain.GiftID

	Eve             User // a user without a password
	Demo, Songs     domain.ChatRoomID
	Ming, EveInChat domain.ParticipantID // participants who are present at the end
	Gone            domain.ParticipantID // a participant who is forgotten at the end
}

// StepClock returns a clock whose time is a second later at every call.
func StepClock() func() time.Time {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var calls atomic.Int64
	return func() time.Time { return begin.Add(time.Duration(calls.Add(1)) * time.Second) }
}

// Tell executes the commands of the story on a new log.
func Tell(t testing.TB) *Story {
	t.Helper()
	w := Open(t, pgtest.New(t), eventstore.Config{Clock: StepClock()}, "first")
	s := &Story{World: w}
	s.Rose, s.Ring = w.AddGift("rose", 10), w.AddGift("ring", 500)
	s.Ann, s.Bob, s.Cat = s.enter("ann"), s.enter("bob"), s.enter("cat")
	s.Ann.Send(domain.ChangeProfile{Nickname: new("Ann the cook"), Avatar: new("https://example.com/ann.png")})
	s.Cooking = s.open(s.Ann, "cooking")
	s.Chatting = s.open(s.Cat, "chatting")
	s.pay(s.Bob, 1000, "order-1")
	s.pay(s.Cat, 50, "order-2")
	s.Bob.Send(domain.PlaceOrder{Order: "order-3", Price: 1, Coins: 10})
	s.Bob.Send(domain.JoinLive{Live: s.Cooking, Node: "p1"})
	s.Cat.Send(domain.JoinLive{Live: s.Cooking, Node: "p1"})
	s.Bob.Send(domain.PostComment{Live: s.Cooking, Text: "hello"})
	s.Cat.Send(domain.PostComment{Live: s.Cooking, Text: "my name is cat"})
	s.Bob.Send(domain.SendGift{Live: s.Cooking, Gift: s.Rose, Num: 3})
	s.Cat.Send(domain.SendGift{Live: s.Cooking, Gift: s.Rose, Num: 1})
	s.Do(domain.RepriceGift{Gift: s.Rose, Price: 20})
	s.Bob.Send(domain.SendGift{Live: s.Cooking, Gift: s.Rose, Num: 1})
	s.Do(domain.WithdrawGift{Gift: s.Ring})
	s.Cat.Send(domain.JoinLive{Live: s.Cooking, Node: "p2"})
	s.leave(s.Cat, "p2", domain.LeaveConnectionLost)
	s.leave(s.Bob, "p1", domain.LeaveRequested)
	s.Bob.Send(domain.JoinLive{Live: s.Cooking, Node: "p3"})
	s.Bob.Send(domain.JoinLive{Live: s.Chatting, Node: "p3"})
	s.Cat.Send(domain.ChangeLiveStatus{Live: s.Chatting, To: domain.LiveStop})
	s.Ann.Send(domain.ChangeLiveStatus{Live: s.Cooking, To: domain.LivePause})
	s.Do(domain.GrantRole{User: s.Bob.ID, Role: domain.RoleAuditor})
	s.Do(domain.GrantRole{User: s.Bob.ID, Role: domain.RoleAnalyst})
	s.Do(domain.RevokeRole{User: s.Bob.ID, Role: domain.RoleAuditor})
	s.Do(domain.DisableUser{User: s.Bob.ID})
	s.Do(domain.EnableUser{User: s.Bob.ID})
	for _, p := range []User{s.Ann, s.Bob, s.Cat} {
		p.Send(domain.AddUpload{Upload: domain.UploadID(fmt.Sprintf("%032x.png", p.ID)), Bytes: 1000 + int64(p.ID), Quota: 5000, Files: 2})
	}
	s.DoAsSystem(domain.ExpireUpload{Upload: domain.UploadID(fmt.Sprintf("%032x.png", s.Bob.ID)), User: s.Bob.ID})
	s.Ann.Send(domain.SetRecording{Live: s.Cooking, On: true})
	s.Do(domain.DisableUser{User: s.Ann.ID})
	s.Do(domain.GrantRole{User: s.Cat.ID, Role: domain.RoleOperator})
	s.Do(domain.BanUser{User: s.Bob.ID, Seconds: 60, Reason: "cool down"})
	s.Do(domain.UnbanUser{User: s.Bob.ID})
	s.Do(domain.BanUser{User: s.Ann.ID, Seconds: 3600, Reason: "a word about ann"})
	s.Do(domain.KickUser{User: s.Cat.ID, Reason: "a word about cat"})
	s.report()
	s.Do(domain.BanViewer{Live: s.Cooking, User: s.Cat.ID, Reason: "another word about cat"})
	s.Bob.Send(domain.IncrementAge{})
	s.Bob.Send(domain.IncrementAge{})
	s.Cat.Send(domain.IncrementAge{})
	s.Bob.Send(domain.SignOut{})
	s.Cat.Send(domain.FollowUser{Streamer: s.Ann.ID})
	s.Do(domain.ForgetUser{User: s.Cat.ID})
	s.broadcast()
	s.chat()
	s.moderate()
	s.follow()
	s.admit()
	return s
}

// admit sets the access of a live of Eve, first to a password and then to invited viewers. She enters with both.
func (s *Story) admit() {
	s.Helper()
	secret := s.open(s.Eve, "secret")
	credential := s.insertCredential("a password")
	s.Eve.Send(domain.SetAccess{Live: secret, Access: domain.AccessPassword, Credential: credential})
	s.Eve.Send(domain.EnterPassword{Live: secret, Credential: credential})
	s.Eve.Send(domain.CreateInvitation{Live: secret, Uses: 1, Hash: "hash-1"})
	s.Eve.Send(domain.CreateInvitation{Live: secret, Uses: 2, Seconds: 600, Hash: "hash-2"})
	s.Eve.Send(domain.UseInvitation{Live: secret, Hash: "hash-2"})
	s.Eve.Send(domain.RevokeInvitation{Live: secret, Invitation: 1})
	s.Eve.Send(domain.SetAccess{Live: secret, Access: domain.AccessInvited})
}

// follow makes Eve follow Ann and Bob, and then no longer Bob.
func (s *Story) follow() {
	s.Helper()
	s.Eve.Send(domain.FollowUser{Streamer: s.Ann.ID})
	s.Eve.Send(domain.FollowUser{Streamer: s.Bob.ID})
	s.Eve.Send(domain.UnfollowUser{Streamer: s.Bob.ID})
}

// moderate sets modes, mutes Eve for a while, appoints moderators, and removes all comments of Eve.
func (s *Story) moderate() {
	s.Helper()
	s.Do(domain.AddWords{Words: []string{"half the price"}, Act: domain.WordMask})
	s.Do(domain.AddWords{Live: s.Cooking, Words: []string{"burnt", "raw"}, Exact: true, Act: domain.WordRefuse})
	s.Do(domain.RemoveWords{Live: s.Cooking, Words: []string{"raw"}})
	s.Do(domain.MuteViewer{Live: s.Cooking, User: s.Eve.ID, Seconds: 600, Reason: "a word about eve"})
	s.Do(domain.UnmuteViewer{Live: s.Cooking, User: s.Eve.ID, Reason: "apologized"})
	s.Do(domain.SetMode{Live: s.Cooking, Mode: domain.ModeSlow, Value: 1, Seconds: 600, Reason: "a raid"})
	s.Do(domain.SetMode{Live: s.Cooking, Mode: domain.ModeMuteAll, Value: 1})
	s.Do(domain.SetMode{Live: s.Cooking, Mode: domain.ModeMuteAll})
	advertisement := s.Eve.Send(domain.PostComment{Live: s.Cooking, Text: "coins at half the price"}).Events[0]
	s.Eve.Send(domain.PostComment{Live: s.Cooking, Text: "and gifts"})
	s.Do(domain.RemoveComment{Live: s.Cooking, Comment: advertisement.Position, Author: s.Eve.ID, PostedAt: advertisement.RecordedAt, Reason: "advertising"})
	s.Do(domain.ClearComments{Live: s.Cooking, User: s.Eve.ID, Reason: "more of it"})
	s.review()
	s.Do(domain.AppointModerator{Live: s.Cooking, User: s.Eve.ID})
	s.Do(domain.AppointModerator{Live: s.Cooking, User: s.Bob.ID, Reason: "knows everybody"})
	s.Do(domain.RemoveModerator{Live: s.Cooking, User: s.Eve.ID, Reason: "at their own request"})
}

// review holds comments, of which one waits, one is released and one is dropped, and warns Eve.
func (s *Story) review() {
	s.Helper()
	s.Do(domain.AddWords{Live: s.Cooking, Words: []string{"giveaway"}, Act: domain.WordHold})
	for _, text := range []string{"a giveaway", "another giveaway", "the last giveaway"} {
		s.Eve.Send(domain.PostComment{Live: s.Cooking, Text: text})
	}
	released := s.Do(domain.ReleaseComment{Live: s.Cooking, Held: 1, Author: s.Eve.ID, Text: "a giveaway"}).Events[1]
	s.Do(domain.RemoveComment{Live: s.Cooking, Comment: released.Position, Author: s.Eve.ID, PostedAt: released.RecordedAt})
	s.Do(domain.DropComment{Live: s.Cooking, Held: 2, Author: s.Eve.ID, Reason: "advertising"})
	s.Do(domain.WarnViewer{Live: s.Cooking, User: s.Eve.ID, Reason: "a word about eve"})
}

// report lets Bob and Cat report Ann, and Bob report Cat. The report of Cat waits for a decision.
func (s *Story) report() {
	s.Helper()
	s.Bob.Send(domain.SendReport{Live: s.Cooking, User: s.Ann.ID, Cause: domain.ReportFraud, Text: "bob knows ann"})
	s.Cat.Send(domain.SendReport{Live: s.Cooking, User: s.Ann.ID, Cause: domain.ReportOther, Text: "cat knows ann"})
	s.Bob.Send(domain.SendReport{Live: s.Cooking, User: s.Cat.ID, Cause: domain.ReportSpam})
	s.Do(domain.ClaimReport{Live: s.Cooking, Report: 1})
	s.Do(domain.DecideReport{Live: s.Cooking, Report: 1, Decision: domain.ReportRejected, Reason: "no evidence", Reporters: []domain.UserID{s.Bob.ID, s.Cat.ID}})
}

// broadcast starts and stops broadcasts. The last broadcast does not end.
func (s *Story) broadcast() {
	s.Helper()
	media := domain.MediaInfo{Video: "h264", Width: 1280, Height: 720, Audio: "aac"}
	s.DoAsSystem(domain.StartBroadcast{Live: s.Cooking, Broadcast: "first", Node: "p1", Media: media})
	s.DoAsSystem(domain.StopBroadcast{Live: s.Cooking, Broadcast: "first", Cause: domain.StopByPublisher, Bytes: 5_000_000_000})
	s.DoAsSystem(domain.StartBroadcast{Live: s.Cooking, Broadcast: "second", Node: "p1", Media: media})
	began := time.Date(2026, 11, 21, 12, 0, 0, 500_000_000, time.UTC)
	finish := domain.FinishRecording{Live: s.Cooking, Recording: "first", Cause: "lost", StartedAt: began, EndedAt: began.Add(time.Minute), DurationMS: 59_000, Bytes: 9000,
		Parts: []domain.RecordingPart{{File: "1.mp4", StartedAt: began, DurationMS: 59_000, Bytes: 8000, Media: media}}}
	s.DoAsSystem(finish)
	finish.Recording = "second"
	s.DoAsSystem(finish)
	s.DoAsSystem(domain.StartRecording{Live: s.Cooking, Recording: "third"})
	s.DoAsSystem(domain.DiscardRecording{Live: s.Cooking, Recording: "first", Cause: "quota"})
	s.DoAsSystem(domain.StartBroadcast{Live: s.Cooking, Broadcast: "third", Node: "p2", Media: domain.MediaInfo{Audio: "mp3"}})
}

// enter registers a user and signs the user in. The ids are the same in every run.
func (s *Story) enter(name string) User {
	s.Helper()
	r := s.Execute(domain.Request{Command: domain.RegisterUser{
		Username: name, NameKey: s.Store.NameKey(name), Credential: s.credential("hash of " + name),
	}})
	p := User{s.World, r.Events[0].Event.(domain.UserRegistered).User, "session of " + name}
	s.Execute(domain.Request{Command: domain.SignIn{User: p.ID, Session: p.Session}})
	return p
}

// credential stores a password hash without reading the clock, and returns its id.
func (s *Story) credential(hash string) string {
	s.Helper()
	id := eventstore.CredentialID(hash)
	s.Exec("INSERT INTO public.credential (id, hash, created_at) VALUES ($1, $2, '2026-01-02 03:04:05Z')", id, hash)
	return id.String()
}

// open creates a live and puts it on air.
func (s *Story) open(p User, title string) domain.LiveID {
	s.Helper()
	key := strings.Repeat(title[:2], 10)
	live := p.Send(domain.CreateLive{Title: title, Cover: "https://example.com/" + title + ".png", StreamKey: key}).Events[0].Event.(domain.LiveCreated).Live
	p.Send(domain.ChangeLiveStatus{Live: live, To: domain.LivePlay})
	return live
}

func (s *Story) pay(p User, coins domain.Coins, order domain.OrderID) {
	s.Helper()
	s.Do(domain.CreditCoins{Order: order, User: p.ID, Coins: coins})
}

func (s *Story) leave(p User, process string, cause domain.LeaveCause) {
	s.Helper()
	s.Execute(domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.LeaveLive{Live: s.Cooking, User: p.ID, Cause: cause, Node: process}})
}

// chat executes the commands of the chat.
func (s *Story) chat() {
	s.Helper()
	s.Demo, s.Songs = domain.ChatRoomID(strings.Repeat("d", 24)), domain.ChatRoomID(strings.Repeat("e", 24))
	r := s.Execute(domain.Request{Command: domain.RegisterByEmail{Email: "Eve@example.org", EmailKey: "key-of-eve", Avatar: "https://example.com/eve.png"}})
	s.Eve = User{s.World, r.Events[0].Event.(domain.UserRegistered).User, "session of eve"}
	s.Execute(domain.Request{Command: domain.SignIn{User: s.Eve.ID, Session: s.Eve.Session}})
	s.DoAsSystem(domain.CreateChatRoom{Name: "demo", ChatRoom: s.Demo, NameKey: "da"})
	s.Eve.Send(domain.CreateChatRoom{Name: "songs", ChatRoom: s.Songs, NameKey: "db", MaxChatRooms: 2})
	s.Ming = s.EnterChat("c1", domain.ProfilePlain, "小明", "aa")
	s.Gone = s.EnterChat("c2", domain.ProfileExchange, "", "")
	s.Execute(domain.Request{Command: domain.SetNickname{Participant: s.Gone, Nickname: "who is forgotten", NameKey: "ab"}})
	s.Execute(domain.Request{Command: domain.SetNickname{Participant: s.Ming, Nickname: "小红", NameKey: "ac", PreviousKey: "aa"}})
	s.EveInChat = s.Eve.Send(domain.EnterChat{Connection: "c3", Profile: domain.ProfileRooms, NameKey: "ae", ChatRoom: s.Demo, Node: "p1"}).
		Events[0].Event.(domain.ParticipantEntered).Participant
	s.JoinChatRoom(s.Ming, s.Songs)
	s.JoinChatRoom(s.Ming, s.Demo)
	s.JoinChatRoom(s.Gone, s.Demo)
	s.Execute(domain.Request{Command: domain.LeaveChatRoom{Participant: s.Ming, ChatRoom: s.Demo}})
	s.Post(s.Ming, "小红", domain.PostMessage{Kind: domain.MessageText, Text: "hello everybody <3"})
	s.Post(s.Ming, "小红", domain.PostMessage{Kind: domain.MessageSticker, Text: "rose", ChatRooms: []domain.ChatRoomID{s.Demo, s.Songs}})
	s.Post(s.Gone, "who is forgotten", domain.PostMessage{Kind: domain.MessageText, Text: "what is forgotten", ChatRooms: []domain.ChatRoomID{s.Demo}})
	s.Post(s.Gone, "who is forgotten", domain.PostMessage{Kind: domain.MessageText, Text: "what is forgotten too", ToUser: s.Eve.ID})
	s.Eve.Send(domain.PostMessage{Participant: s.EveInChat, Kind: domain.MessageText, Text: "good evening", ChatRooms: []domain.ChatRoomID{s.Demo}})
	s.Eve.Send(domain.PostMessage{Participant: s.EveInChat, Kind: domain.MessageVoice, Text: Uploads + strings.Repeat("a", 32) + ".ogg", DurationMS: 900, ToParticipant: s.Ming, UploadURLPrefix: Uploads})
	s.DoAsSystem(domain.LeaveChat{Participant: s.Gone, Cause: domain.LeaveNodeLost, Node: "p1", NameKey: "ab"})
	s.Do(domain.ForgetParticipant{Participant: s.Gone})
	s.Do(domain.RemoveChatRoom{ChatRoom: s.Songs, NameKey: "db"})
}
