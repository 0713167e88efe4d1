package domain_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
)

// samples returns one event of every type for the golden files, with no field empty. Events without a hand-written
// sample get one in which every field has a value that fits its type.
func samples() []domain.Event {
	samples := writtenSamples()
	written := map[string]bool{}
	for _, e := range samples {
		written[e.Type()] = true
	}
	for _, spec := range domain.Events {
		if !written[spec.Type] {
			samples = append(samples, filled(spec.Zero))
		}
	}
	return samples
}

func writtenSamples() []domain.Event {
	return []domain.Event{
		domain.UserRegistered{User: 12, Username: "zoe", Nickname: "Zoë 🌹", Avatar: "https://example.org/zoe.png?x=1&y=2", NameKey: "9f86d081884c7d65", Credential: "0198c0de-0000-7000-8000-000000000012"},
		domain.UserProfileChanged{User: 12, Nickname: "佐伊", Avatar: "https://example.org/zoe2.png"},
		domain.UserAgeChanged{User: 12, Age: 31},
		domain.UserDisabled{User: 12, Reason: "spam"},
		domain.UserEnabled{User: 12, Reason: "promised to behave"},
		domain.UserRoleGranted{User: 12, Role: domain.RoleAuditor, Reason: "yearly audit"},
		domain.UserRoleRevoked{User: 12, Role: domain.RoleAuditor, Reason: "audit finished"},
		domain.UserForgotten{User: 12, Reason: "request 4711"},
		domain.UserKicked{User: 12, Reason: "no advertising, please"},
		domain.ConnectionKicked{Connection: "7b0c91d2-41", Reason: "flooding"},
		domain.UserBanned{User: 12, Until: 1795266000, Reason: "一小时后再来"},
		domain.UserUnbanned{User: 12, Reason: "appeal accepted"},
		domain.UsernameClaimed{Key: "9f86d081884c7d65", User: 12},
		domain.UserSignedIn{User: 12, Session: "0198c0de-0000-4000-8000-000000000001"},
		domain.UserSignedOut{User: 12, Session: "0198c0de-0000-4000-8000-000000000001"},
		domain.UserFollowed{User: 12, Streamer: 7, Since: 1795262400},
		domain.UserUnfollowed{User: 12, Streamer: 7},
		domain.LiveCreated{Live: 6, Streamer: 7, Title: "Evening songs <3", Cover: "https://example.org/songs.png", StreamKey: streamKey},
		domain.LiveStatusChanged{Live: 6, Streamer: 7, From: domain.StatusOnAir, To: domain.StatusPaused, Reason: "technical problems"},
		domain.LiveAccessSet{Live: 6, Access: domain.AccessPassword, Credential: "0198c0de-0000-8000-8000-000000000006", Price: 90},
		domain.LiveAgeSet{Live: 6, MinAge: 18},
		domain.TicketIssued{Live: 6, User: 12, Coins: 90, Share: 27},
		domain.TicketReturned{Live: 6, User: 12, Position: 4711, Reason: "the show is cancelled"},
		domain.TicketBought{User: 12, Streamer: 7, Live: 6, Coins: 90, ShareRule: 2, BasisPoints: 3000, Share: 27, BalanceAfter: 10, Postings: []domain.Posting{
			{Account: "user-12", Amount: -90}, {Account: "earnings-7", Amount: 63}, {Account: "platform", Amount: 27},
		}},
		domain.TicketEarningsRefunded{Streamer: 7, Live: 6, Buyer: 12, Coins: 63},
		domain.TicketRefunded{User: 12, Streamer: 7, Live: 6, Position: 4711, Coins: 90, Share: 27, BalanceAfter: 100, Postings: []domain.Posting{
			{Account: "earnings-7", Amount: -63}, {Account: "user-12", Amount: 90}, {Account: "platform", Amount: -27},
		}},
		domain.InvitationCreated{Live: 6, Invitation: 3, Hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Uses: 10, Until: 1795266000},
		domain.InvitationRevoked{Live: 6, Invitation: 3},
		domain.InvitationUsed{Live: 6, User: 12, Invitation: 3},
		domain.ViewerAdmitted{Live: 6, User: 12, Credential: "0198c0de-0000-8000-8000-000000000006", Invitation: 3},
		domain.ViewerBanned{Live: 6, User: 12, From: 1795262400, Until: 1795266000, Reason: "be kind"},
		domain.ViewerUnbanned{Live: 6, User: 12, Reason: "apologized"},
		domain.ViewerMuted{Live: 6, User: 12, From: 1795262400, Until: 1795266000, Reason: "too many capitals"},
		domain.ViewerUnmuted{Live: 6, User: 12, Reason: "apologized"},
		domain.WordsAdded{Live: 6, Words: []string{"spam", "加微信"}, Exact: true, Mask: true},
		domain.WordsRemoved{Live: 6, Words: []string{"spam"}},
		domain.LiveModeSet{Live: 6, Mode: domain.ModeSlow, Value: 30, Until: 1795266000, Reason: "a raid"},
		domain.ViewerCommented{Live: 6, User: 12, At: 1795262400000},
		domain.ModeratorAppointed{Live: 6, User: 12, Reason: "knows everybody"},
		domain.ModeratorRemoved{Live: 6, User: 12, Reason: "at their own request"},
		domain.CommentRemoved{Live: 6, Comment: 4711, User: 12, Reason: "advertising"},
		domain.CommentsCleared{Live: 6, User: 12, Reason: "spam"},
		domain.HoldWordsAdded{Live: 6, Words: []string{"giveaway", "抽奖"}, Exact: true},
		domain.CommentHeld{Live: 6, Held: 3, User: 12, Text: "a giveaway 😀 & \"more\"", Cause: domain.HeldForWord, Waiting: 2},
		domain.CommentReleased{Live: 6, Held: 3, User: 12, Waiting: 1},
		domain.CommentDropped{Live: 6, Held: 3, User: 12, Reason: "advertising", Waiting: 1},
		domain.ViewerReviewed{Live: 6, User: 12},
		domain.ViewerWarned{Live: 6, User: 12, Reason: "no capitals, please"},
		domain.ViewerNotified{Live: 6, User: 12, Notice: domain.NoticeReportDecided, Number: 3, Decision: domain.ReportUpheld, Reason: "thank you"},
		domain.ReportSent{Live: 6, Report: 3, User: 12, Target: 13, Comment: 4711, Cause: domain.ReportFraud, Text: "pretends to be the streamer"},
		domain.ReportClaimed{Live: 6, Report: 3, User: 13, Claimer: "user-7", Until: 1795266000},
		domain.ReportDecided{Live: 6, Report: 3, User: 13, Comment: 4711, Decision: domain.ReportUpheld, Reason: "muted for a day"},
		domain.BroadcastStarted{Live: 6, Streamer: 7, Broadcast: "MZXW6YTBOI3DAMBQ", Node: "0198c0de-0000-4000-8000-0000000000aa",
			Media: domain.MediaInfo{Video: "h264", Width: 1920, Height: 1080, Audio: "aac"}},
		domain.BroadcastStopped{Live: 6, Streamer: 7, Broadcast: "MZXW6YTBOI3DAMBQ", Cause: domain.StopKicked, Reason: "not for children", Bytes: 1 << 33},
		domain.PlayerKicked{Live: 6, Player: "p-0198c0de-17", Reason: "too many connections"},
		domain.LiveRecordingSet{Live: 6, Streamer: 7, Record: domain.RecordOn},
		domain.PublishKeySet{Live: 6, Streamer: 7, Hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
		domain.PublishKeyRevoked{Live: 6, Streamer: 7},
		domain.RestreamSet{Live: 6, Streamer: 7, Target: "example", URL: "rtmps://push.example/app", Secret: "1.c2VhbGVk"},
		domain.RestreamRemoved{Live: 6, Streamer: 7, Target: "example"},
		domain.RecordingStarted{Live: 6, Streamer: 7, Recording: "MZXW6YTBOI3DAMBQ"},
		domain.RecordingFinished{Live: 6, Streamer: 7, Recording: "MZXW6YTBOI3DAMBQ", Cause: "lost", StartedAt: noon, EndedAt: noon.Add(time.Hour), DurationMS: 3_600_000, Bytes: 1 << 33,
			Parts: []domain.RecordingPart{{File: "1.mp4", StartedAt: noon, DurationMS: 3_600_000, Bytes: 1 << 33, Media: domain.MediaInfo{Video: "h264", Width: 1920, Height: 1080, Audio: "aac"}}}},
		domain.RecordingDeleted{Live: 6, Streamer: 7, Recording: "MZXW6YTBOI3DAMBQ", Cause: "quota", Reason: "space needed"},
		domain.ViewerJoined{Live: 6, User: 12, FirstVisit: true, Node: "0198c0de-0000-4000-8000-0000000000aa"},
		domain.ViewerMoved{Live: 6, User: 12, Node: "0198c0de-0000-4000-8000-0000000000bb"},
		domain.ViewerLeft{Live: 6, User: 12, Cause: domain.LeaveConnectionLost},
		domain.CommentPosted{Live: 6, User: 12, Text: "晚上好 😀 & \"hello\""},
		domain.UserEmailAdded{User: 12, Email: "Zoe@example.org"},
		domain.EmailClaimed{Key: "9f86d081884c7d65", User: 12},
		domain.ChatRoomCreated{ChatRoom: chatRoom, Name: "demo <3", NameKey: "5e884898da280471", User: 12, Total: 3},
		domain.ChatRoomNameClaimed{Key: "5e884898da280471", ChatRoom: chatRoom},
		domain.ChatRoomRemoved{ChatRoom: chatRoom, Total: 2, Reason: "unused"},
		domain.ChatRoomNameReleased{Key: "5e884898da280471", ChatRoom: chatRoom},
		domain.ParticipantEntered{Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", Profile: domain.ProfilePlain, User: 12, Nickname: "小明", NameKey: "2c26b46b68ffc68f", Node: "0198c0de-0000-4000-8000-0000000000aa"},
		domain.NicknameSet{Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", Nickname: "小红", NameKey: "fcde2b2edba56bf4"},
		domain.NicknameClaimed{Key: "2c26b46b68ffc68f", Participant: 17},
		domain.NicknameReleased{Key: "2c26b46b68ffc68f", Participant: 17},
		domain.ChatRoomJoined{Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, ChatRoom: chatRoom},
		domain.ChatRoomLeft{Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, ChatRoom: chatRoom, Cause: domain.LeaveRequested},
		domain.ParticipantLeft{Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, Cause: domain.LeaveNodeLost},
		domain.ParticipantForgotten{Participant: 17, Reason: "request 4712"},
		domain.MessagePosted{
			Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, Nickname: "小明", Kind: domain.MessageVoice,
			Text: "https://example.org/uploads/0123456789abcdef0123456789abcdef.ogg", DurationMS: 1500,
			ChatRooms: []domain.ChatRoomID{chatRoom}, ToUser: 7, ToParticipant: 18, ToConnection: "rT7bd9xWZ2yLk0uQAAAC",
		},
		domain.OrderPlaced{Order: "O1", User: 12, Price: 6, Coins: 60, Reason: "refund of O0"},
		domain.OrderPaid{Order: "O1", User: 12, Price: 6},
		domain.CoinsCredited{User: 12, Order: "O1", Coins: 60, BalanceAfter: 100, Postings: []domain.Posting{
			{Account: "provider", Amount: -60}, {Account: "user-12", Amount: 60},
		}},
		domain.GiftSent{
			Sender: 12, Streamer: 7, Live: 6, Gift: 3, Name: "rose", Image: "https://example.org/rose.png",
			Price: 30, Num: 3, Coins: 90, ShareRule: 2, BasisPoints: 3000, Share: 27, BalanceAfter: 10, Postings: []domain.Posting{
				{Account: "user-12", Amount: -90}, {Account: "earnings-7", Amount: 63}, {Account: "platform", Amount: 27},
			},
		},
		domain.GiftRecordRefunded{Position: 4711},
		domain.EarningsRefunded{Streamer: 7, Position: 4711, Coins: 90},
		domain.GiftRefunded{
			Sender: 12, Streamer: 7, Live: 6, Gift: 3, Num: 3, Position: 4711, Coins: 90, Share: 27, BalanceAfter: 100, Reason: "sent by mistake", Postings: []domain.Posting{
				{Account: "earnings-7", Amount: -63}, {Account: "user-12", Amount: 90}, {Account: "platform", Amount: -27},
			},
		},
		domain.CorrectionProposed{Correction: 3, Account: "user-12", User: 12, Coins: -30, Proposer: "operator-root", Reason: "credited twice", Expires: 1795266000, Open: true},
		domain.CorrectionApproved{Correction: 3, User: 12},
		domain.CorrectionRejected{Correction: 3, User: 12, Reason: "no receipt"},
		domain.CoinsCorrected{User: 12, Correction: 3, Coins: -30, BalanceAfter: 70, Postings: []domain.Posting{
			{Account: "correction", Amount: 30}, {Account: "user-12", Amount: -30},
		}},
		domain.EarningsCorrected{Streamer: 7, Correction: 4, Coins: 30, Postings: []domain.Posting{
			{Account: "correction", Amount: -30}, {Account: "earnings-7", Amount: 30},
		}},
		domain.ShareSet{Rule: 2, From: 2000, To: 3000, Reason: "new contract"},
		domain.PayoutRequested{Payout: "2026-11-7", Streamer: 7, Coins: 60, Reason: "November"},
		domain.EarningsHeld{Streamer: 7, Payout: "2026-11-7", Coins: 60, Postings: []domain.Posting{
			{Account: "earnings-7", Amount: -60}, {Account: "held-7", Amount: 60},
		}},
		domain.PayoutCaptured{Payout: "2026-11-7", Streamer: 7, Coins: 60, Reference: "transfer 8123"},
		domain.EarningsPaidOut{Streamer: 7, Payout: "2026-11-7", Coins: 60, Postings: []domain.Posting{
			{Account: "held-7", Amount: -60}, {Account: "payout", Amount: 60},
		}},
		domain.PayoutVoided{Payout: "2026-11-7", Streamer: 7, Coins: 60, Reason: "account closed"},
		domain.EarningsReleased{Streamer: 7, Payout: "2026-11-7", Coins: 60, Postings: []domain.Posting{
			{Account: "held-7", Amount: -60}, {Account: "earnings-7", Amount: 60},
		}},
		domain.GiftAdded{Gift: 3, Name: "rose", Image: "https://example.org/rose.png", Price: 30},
		domain.GiftRepriced{Gift: 3, From: 30, To: 50, Reason: "season"},
		domain.GiftWithdrawn{Gift: 3, Reason: "replaced by gift 4"},
		domain.CoinsClosed{Position: 4711, Users: []domain.UserID{12}, All: true, Cause: "the postings of gift.sent.v1 add up to 5, not to 0"},
		domain.CoinsOpened{Position: 4711},
		domain.EventSetAside{Position: 4711, Of: "wallet-12", EventType: "gift.sent.v1", Reason: "entered by hand, see ticket 4711"},
	}
}

// An example is a request that succeeds in exampleWorld, with the access rule of its command.
type example struct {
	by     domain.Actor
	when   domain.Command
	access string // access rule, as CommandSpec.Access returns it
}

// examples returns an example of every command. A command without a hand-written example gets one in which every field
// has a value that fits its type, issued by an actor who has access. If such a request does not succeed in
// exampleWorld, write an example.
func examples() []example {
	examples := writtenExamples()
	written := map[string]bool{}
	for _, x := range examples {
		written[x.when.Type()] = true
	}
	actors := map[string]domain.Actor{"operator": operator, "system": system, "payment provider": provider, "anyone": anonymous}
	for _, spec := range domain.Commands {
		if written[spec.Type] {
			continue
		}
		actor, ok := actors[spec.Access()]
		if !ok {
			actor = asUser(viewer)
			if spec.Access() == "owner or operator" || spec.Access() == "moderator or operator" {
				actor = asUser(streamer)
			}
		}
		examples = append(examples, example{actor, filled(spec.Zero), spec.Access()})
	}
	return examples
}

func writtenExamples() []example {
	return []example{
		{anonymous, domain.RegisterUser{Username: "bob", NameKey: "k-bob"}, "anyone"},
		{anonymous, domain.SignIn{User: viewer, Session: "s2"}, "anyone"},
		{asUser(viewer), domain.SignOut{}, "authenticated user"},
		{asUser(viewer), domain.ChangeProfile{Nickname: new("Zoë")}, "authenticated user"},
		{asUser(viewer), domain.IncrementAge{}, "authenticated user"},
		{operator, domain.DisableUser{User: otherUser}, "operator"},
		{operator, domain.EnableUser{User: 14}, "operator"},
		{operator, domain.GrantRole{User: otherUser, Role: domain.RoleAuditor}, "operator"},
		{operator, domain.RevokeRole{User: otherUser, Role: domain.RoleAnalyst}, "operator"},
		{operator, domain.ForgetUser{User: otherUser}, "operator"},
		{asUser(viewer), domain.FollowUser{Streamer: streamer}, "authenticated user"},
		{asUser(viewer), domain.UnfollowUser{Streamer: otherUser}, "authenticated user"},
		{asUser(viewer), domain.CreateLive{Title: "songs", StreamKey: streamKey}, "authenticated user"},
		{operator, domain.KickUser{User: otherUser, Reason: "be kind"}, "operator"},
		{operator, domain.KickConnection{Connection: "c-1"}, "operator"},
		{operator, domain.KickPlayer{Live: 6, Player: "p-1"}, "operator"},
		{operator, domain.BanUser{User: streamer, Seconds: 60, Lives: []domain.LiveID{6}}, "operator"},
		{operator, domain.UnbanUser{User: 15}, "operator"},
		{asUser(streamer), domain.ChangeLiveStatus{Live: 6, To: domain.LiveStop}, "owner or operator"},
		{asUser(streamer), domain.SetAccess{Live: 6, Access: domain.AccessFollowers}, "owner or operator"},
		{asUser(streamer), domain.SetMinAge{Live: 6, MinAge: 18}, "owner or operator"},
		{asUser(viewer), domain.BuyTicket{Live: 8, Price: 30, Streamer: streamer}, "authenticated user"},
		{operator, domain.RefundTicket{Live: 8, User: 14, Reason: "ill", Streamer: streamer, Position: 4711, Received: 60}, "owner or operator"},
		{asUser(viewer), domain.EnterPassword{Live: 7, Credential: "c-1"}, "authenticated user"},
		{asUser(streamer), domain.CreateInvitation{Live: 6, Uses: 10, Hash: strings.Repeat("0b", 32)}, "owner or operator"},
		{asUser(streamer), domain.RevokeInvitation{Live: 7, Invitation: 1}, "owner or operator"},
		{asUser(viewer), domain.UseInvitation{Live: 7, Hash: strings.Repeat("0c", 32)}, "authenticated user"},
		{asUser(streamer), domain.BanViewer{Live: 6, User: otherUser}, "moderator or operator"},
		{asUser(streamer), domain.UnbanViewer{Live: 6, User: 15}, "moderator or operator"},
		{asUser(streamer), domain.UnmuteViewer{Live: 6, User: 15}, "moderator or operator"},
		{asUser(streamer), domain.AddWords{Live: 6, Words: []string{"advertising"}, Act: domain.WordMask}, "moderator or operator"},
		{asUser(streamer), domain.RemoveWords{Live: 6, Words: []string{"spam"}}, "moderator or operator"},
		{asUser(streamer), domain.SetMode{Live: 6, Mode: domain.ModeSlow, Value: 30, Seconds: 600}, "moderator or operator"},
		{asUser(streamer), domain.RemoveModerator{Live: 6, User: 14}, "owner or operator"},
		{asUser(streamer), domain.ReleaseComment{Live: 6, Held: 1, Author: otherUser, Text: "hello"}, "moderator or operator"},
		{asUser(streamer), domain.DropComment{Live: 6, Held: 1, Author: otherUser, Reason: "advertising"}, "moderator or operator"},
		{asUser(viewer), domain.SendReport{Live: 6, User: streamer, Cause: domain.ReportSpam}, "authenticated user"},
		{asUser(streamer), domain.ClaimReport{Live: 6, Report: 1}, "moderator or operator"},
		{asUser(streamer), domain.DecideReport{Live: 6, Report: 1, Decision: domain.ReportUpheld, Reporters: []domain.UserID{15}}, "moderator or operator"},
		{asUser(streamer), domain.RemoveComment{Live: 6, Comment: 41, Author: 14, PostedAt: noon}, "moderator or operator"},
		{system, domain.StartBroadcast{Live: 6, Broadcast: "broadcast-2", Node: "p1", OnAir: true}, "system"},
		{system, domain.StopBroadcast{Live: 6, Broadcast: "broadcast-1", Cause: domain.StopByPublisher, Bytes: 9}, "system"},
		{operator, domain.KickBroadcast{Live: 6, Reason: "why"}, "operator"},
		{asUser(streamer), domain.SetRecording{Live: 6, On: true}, "authenticated user"},
		{asUser(streamer), domain.SetPublishKey{Live: 6, Hash: strings.Repeat("b7", 32)}, "authenticated user"},
		{asUser(streamer), domain.RevokePublishKey{Live: 6}, "owner or operator"},
		{asUser(streamer), domain.SetRestream{Live: 6, Target: "new", URL: "rtmps://push.example/app", Secret: "1.c2VhbGVk"}, "owner or operator"},
		{asUser(streamer), domain.RemoveRestream{Live: 6, Target: "example"}, "owner or operator"},
		{system, domain.StartRecording{Live: 6, Recording: "broadcast-1"}, "system"},
		{system, domain.FinishRecording{Live: 6, Recording: "broadcast-1", Cause: "stopped", StartedAt: noon, EndedAt: noon}, "system"},
		{asUser(streamer), domain.DeleteRecording{Live: 6, Recording: "broadcast-0"}, "owner or operator"},
		{system, domain.DiscardRecording{Live: 6, Recording: "broadcast-0", Cause: "quota"}, "system"},
		{asUser(viewer), domain.JoinLive{Live: 6, Node: "p1"}, "authenticated user"},
		{system, domain.LeaveLive{Live: 6, User: otherUser, Cause: domain.LeaveRequested, Node: "p1"}, "system"},
		{asUser(viewer), domain.PostComment{Live: 6, Text: "hello"}, "authenticated user"},
		{asUser(viewer), domain.AddUpload{Upload: "0123456789abcdef0123456789abcdef.png", Bytes: 7, Quota: 9, Files: 9}, "authenticated user"},
		{system, domain.ExpireUpload{Upload: "fedcba9876543210fedcba9876543210.png", User: viewer}, "system"},
		{operator, domain.AddGift{Name: "rose", Price: 30}, "operator"},
		{operator, domain.RepriceGift{Gift: 3, Price: 50}, "operator"},
		{operator, domain.WithdrawGift{Gift: 3}, "operator"},
		{asUser(viewer), domain.SendGift{Live: 6, Gift: 3, Num: 1}, "authenticated user"},
		{asUser(streamer), domain.RefundGift{Position: 4711, Reason: "sent by mistake", Sent: refundable, Received: 60}, "owner or operator"},
		{operator, domain.ProposeCorrection{Account: "user-12", Coins: -30, Reason: "credited twice", Limit: 30}, "operator"},
		{asUser(operatorUser), domain.ApproveCorrection{Correction: 1, Account: "user-12"}, "operator"},
		{operator, domain.RejectCorrection{Correction: 1, Reason: "no receipt"}, "operator"},
		{operator, domain.RequestPayout{Payout: "P2", Streamer: streamer, Coins: 30, Reason: "November", Received: 60}, "operator"},
		{operator, domain.CapturePayout{Payout: "P1", Reference: "transfer 8123", Streamer: streamer}, "operator"},
		{operator, domain.VoidPayout{Payout: "P1", Reason: "account closed", Streamer: streamer}, "operator"},
		{operator, domain.SetShare{BasisPoints: 3000, Reason: "new contract"}, "operator"},
		{asUser(viewer), domain.PlaceOrder{Order: "O2", Price: 6, Coins: 60}, "authenticated user"},
		{provider, domain.PayOrder{Order: "O1", User: viewer, Price: 6}, "payment provider"},
		{operator, domain.CreditCoins{Order: "O3", User: viewer, Coins: 60}, "operator"},
		{system, domain.CloseCoins{Position: 4712, Users: []domain.UserID{viewer}, Cause: "cannot be read"}, "system"},
		{system, domain.OpenCoins{Position: 4711}, "system"},
		{operator, domain.AddWebhook{Webhook: "archive", URL: "https://hooks.example/", Types: []string{"gift.*"}, After: 7, Reason: "new receiver"}, "operator"},
		{operator, domain.ChangeWebhook{Webhook: "billing", URL: "https://hooks.example/2"}, "operator"},
		{operator, domain.RemoveWebhook{Webhook: "billing"}, "operator"},
		{operator, domain.ReplayWebhook{Webhook: "billing", After: 1}, "operator"},
		{operator, domain.SetEventAside{Position: 4711, Of: "wallet-12", EventType: "gift.sent.v1", Reason: "entered by hand"}, "operator"},
		{anonymous, domain.RegisterByEmail{Email: "zoe@example.org", EmailKey: "e-zoe"}, "anyone"},
		{anonymous, domain.CreateChatRoom{Name: "songs", ChatRoom: chatRoom2, NameKey: "r-songs", MaxChatRooms: 9}, "anyone"},
		{operator, domain.RemoveChatRoom{ChatRoom: chatRoom, NameKey: "r-demo"}, "operator"},
		{system, domain.ExpireChatRoom{ChatRoom: chatRoom, NameKey: "r-demo"}, "system"},
		{anonymous, domain.EnterChat{Connection: "c9", Profile: domain.ProfilePlain}, "anyone"},
		{anonymous, domain.SetNickname{Participant: 1, Nickname: "小红", NameKey: "n-hong", PreviousKey: "n-ming"}, "anyone"},
		{anonymous, domain.JoinChatRoom{Participant: 1, ChatRoom: chatRoom3}, "anyone"},
		{anonymous, domain.LeaveChatRoom{Participant: 1, ChatRoom: chatRoom}, "anyone"},
		{system, domain.LeaveChat{Participant: 1, Cause: domain.LeaveRequested, Node: "p1", NameKey: "n-ming"}, "system"},
		{operator, domain.ForgetParticipant{Participant: 2}, "operator"},
		{anonymous, domain.PostMessage{Participant: 1, Nickname: "小明", Kind: domain.MessageText, Text: "hello"}, "anyone"},
		{anonymous, domain.ExchangeMessage{Participant: 1, Nickname: "小明", Kind: domain.MessageText, Text: "hello", Namespace: "/"}, "anyone"},
	}
}

// filled returns v with every field set to the value that exampleWorld has for the type of the field.
func filled[V any](v V) V {
	value := reflect.New(reflect.TypeOf(v)).Elem()
	for i := range value.NumField() {
		fill(value.Field(i))
	}
	return value.Interface().(V)
}

func fill(field reflect.Value) {
	switch field.Interface().(type) {
	case domain.LiveID:
		field.SetInt(6)
	case domain.UserID:
		field.SetInt(int64(otherUser))
	case domain.GiftID:
		field.SetInt(3)
	case domain.ParticipantID:
		field.SetInt(1)
	case domain.ChatRoomID:
		field.SetString(string(chatRoom))
	case time.Time:
		field.Set(reflect.ValueOf(noon))
	default:
		switch field.Kind() {
		case reflect.String:
			field.SetString("text")
		case reflect.Int, reflect.Int64:
			field.SetInt(1)
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
			fill(field.Elem())
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			fill(field.Index(0))
		case reflect.Struct:
			for i := range field.NumField() {
				fill(field.Field(i))
			}
		}
	}
}

func exampleWorld(t *testing.T) world {
	return after(t, events(testUsers(), registered(14), registered(15), liveOnAir(6), liveOnAir(7), liveOnAir(8), giftAdded(3, 30), coinsCredited(viewer, 100), []domain.Event{
		domain.UserDisabled{User: 14},
		domain.UserBanned{User: 15},
		domain.UserFollowed{User: viewer, Streamer: otherUser, Since: 1},
		domain.ViewerBanned{Live: 6, User: 15},
		domain.LiveAccessSet{Live: 7, Access: domain.AccessPassword, Credential: "c-1"},
		domain.LiveAccessSet{Live: 8, Access: domain.AccessPaid, Price: 30},
		domain.TicketIssued{Live: 8, User: 14, Coins: 30},
		domain.InvitationCreated{Live: 7, Invitation: 1, Hash: strings.Repeat("0c", 32), Uses: 1},
		domain.WordsAdded{Live: 6, Words: []string{"spam"}},
		domain.ViewerMuted{Live: 6, User: 15},
		domain.CommentHeld{Live: 6, Held: 1, User: otherUser, Text: "hello", Cause: domain.HeldForWord, Waiting: 1},
		domain.ReportSent{Live: 6, Report: 1, User: 15, Target: otherUser, Cause: domain.ReportSpam},
		domain.ModeratorAppointed{Live: 6, User: 14},
		domain.UserRoleGranted{User: otherUser, Role: domain.RoleAnalyst},
		domain.ViewerJoined{Live: 6, User: otherUser, FirstVisit: true, Node: "p1"},
		domain.ViewerJoined{Live: 6, User: viewer, FirstVisit: true, Node: "p1"}, domain.ViewerLeft{Live: 6, User: viewer, Cause: domain.LeaveRequested},
		domain.ViewerJoined{Live: 6, User: operatorUser, FirstVisit: true, Node: "p1"},
		domain.WebhookAdded{Webhook: "billing", URL: "https://hooks.example/", Secret: 1, Count: 1},
		domain.BroadcastStarted{Live: 6, Streamer: streamer, Broadcast: "broadcast-1", Node: "p1"},
		domain.PublishKeySet{Live: 6, Streamer: streamer, Hash: strings.Repeat("0a", 32)},
		domain.RestreamSet{Live: 6, Streamer: streamer, Target: "example", URL: "rtmps://push.example/app", Secret: "1.c2VhbGVk"},
		domain.RecordingStarted{Live: 6, Streamer: streamer, Recording: "broadcast-0"},
		domain.UploadAdded{Upload: "fedcba9876543210fedcba9876543210.png", User: viewer, Bytes: 2},
		placed("O1"),
		domain.CorrectionProposed{Correction: 1, Account: "user-12", User: viewer, Coins: 5, Proposer: "operator-alice", Reason: "why", Expires: noon.Add(time.Hour).Unix(), Open: true},
		domain.PayoutRequested{Payout: "P1", Streamer: streamer, Coins: 30, Reason: "October"},
		held("P1", 30),
		domain.CoinsClosed{Position: 4711, Users: []domain.UserID{15}, Cause: "cannot be read"},
	}, chatRoomCreated(chatRoom, "r-demo", 1), chatRoomCreated(chatRoom3, "r-two", 2),
		participantEntered(1, 0, "n-ming"), chatRoomJoined(1, 0, chatRoom), participantEntered(2, 0, ""),
		[]domain.Event{domain.ParticipantLeft{Participant: 2, Connection: "c2", Cause: domain.LeaveRequested}}))
}
