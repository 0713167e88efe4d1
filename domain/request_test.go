package domain_test

import (
	"reflect"
	"strings"
	"testing"

	"roomlog/domain"
)

// An example is a request that succeeds in the world of examples, by somebody who may.
type example struct {
	by   domain.Actor
	when domain.Command
	who  string // who may ask for it, besides
}

func examples() []example {
	return []example{
		{nobody, domain.RegisterUser{Username: "bob", NameKey: "k-bob"}, "anyone"},
		{nobody, domain.SignIn{User: viewer, Session: "s2"}, "anyone"},
		{signedIn(viewer), domain.SignOut{}, "authenticated user"},
		{signedIn(viewer), domain.ChangeProfile{Nickname: "Zoë"}, "authenticated user"},
		{signedIn(viewer), domain.IncrementAge{}, "authenticated user"},
		{operator, domain.DisableUser{User: stranger}, "operator"},
		{operator, domain.EnableUser{User: 14}, "operator"},
		{operator, domain.GrantRole{User: stranger, Role: domain.RoleAuditor}, "operator"},
		{operator, domain.RevokeRole{User: stranger, Role: domain.RoleAnalyst}, "operator"},
		{operator, domain.ForgetUser{User: stranger}, "operator"},
		{signedIn(viewer), domain.CreateLive{Title: "songs", StreamKey: key}, "authenticated user"},
		{operator, domain.KickUser{User: stranger, Reason: "be kind"}, "operator"},
		{operator, domain.KickConnection{Connection: "c-1"}, "operator"},
		{operator, domain.KickPlayer{Live: 6, Player: "p-1"}, "operator"},
		{operator, domain.BanUser{User: streamer, Seconds: 60, Lives: []domain.LiveID{6}}, "operator"},
		{operator, domain.UnbanUser{User: 15}, "operator"},
		{signedIn(streamer), domain.ChangeLiveStatus{Live: 6, To: domain.LiveStop}, "owner or operator"},
		{signedIn(streamer), domain.BanViewer{Live: 6, User: stranger}, "owner or operator"},
		{signedIn(streamer), domain.UnbanViewer{Live: 6, User: 15}, "owner or operator"},
		{system, domain.StartBroadcast{Live: 6, Broadcast: "show-2", Node: "p1", OnAir: true}, "system"},
		{system, domain.StopBroadcast{Live: 6, Broadcast: "show-1", Cause: domain.StopByPublisher, Bytes: 9}, "system"},
		{operator, domain.KickBroadcast{Live: 6, Reason: "why"}, "operator"},
		{signedIn(streamer), domain.SetRecording{Live: 6, On: true}, "authenticated user"},
		{system, domain.StartRecording{Live: 6, Recording: "show-1"}, "system"},
		{system, domain.FinishRecording{Live: 6, Recording: "show-1", Cause: "stopped", StartedAt: noon, EndedAt: noon}, "system"},
		{signedIn(streamer), domain.DeleteRecording{Live: 6, Recording: "show-0"}, "owner or operator"},
		{system, domain.DiscardRecording{Live: 6, Recording: "show-0", Cause: "quota"}, "system"},
		{signedIn(viewer), domain.JoinLive{Live: 6, Node: "p1"}, "authenticated user"},
		{system, domain.LeaveLive{Live: 6, User: stranger, Cause: domain.LeaveRequested, Node: "p1"}, "system"},
		{signedIn(viewer), domain.PostComment{Live: 6, Text: "hello"}, "authenticated user"},
		{operator, domain.AddGift{Name: "rose", Price: 30}, "operator"},
		{operator, domain.RepriceGift{Gift: 3, Price: 50}, "operator"},
		{operator, domain.WithdrawGift{Gift: 3}, "operator"},
		{signedIn(viewer), domain.SendGift{Live: 6, Gift: 3, Num: 1}, "authenticated user"},
		{signedIn(viewer), domain.PlaceOrder{Order: "O2", Price: 6, Coins: 60}, "authenticated user"},
		{provider, domain.PayOrder{Order: "O1", User: viewer, Price: 6}, "payment provider"},
		{operator, domain.CreditCoins{Order: "O3", User: viewer, Coins: 60}, "operator"},
		{nobody, domain.RegisterByEmail{Email: "zoe@example.org", EmailKey: "e-zoe"}, "anyone"},
		{nobody, domain.CreateChatRoom{Name: "songs", ChatRoom: otherRoom, NameKey: "r-songs", MaxChatRooms: 9}, "anyone"},
		{operator, domain.RemoveChatRoom{ChatRoom: room, NameKey: "r-demo"}, "operator"},
		{nobody, domain.EnterChat{Connection: "c9", Profile: domain.ProfilePlain}, "anyone"},
		{nobody, domain.SetNickname{Participant: 1, Nickname: "小红", NameKey: "n-hong", PreviousKey: "n-ming"}, "anyone"},
		{nobody, domain.JoinChatRoom{Participant: 1, ChatRoom: otherRoom2}, "anyone"},
		{nobody, domain.LeaveChatRoom{Participant: 1, ChatRoom: room}, "anyone"},
		{system, domain.LeaveChat{Participant: 1, Cause: domain.LeaveRequested, Node: "p1", NameKey: "n-ming"}, "system"},
		{operator, domain.ForgetParticipant{Participant: 2}, "operator"},
		{nobody, domain.PostMessage{Participant: 1, Nickname: "小明", Kind: domain.MessageText, Text: "hello"}, "anyone"},
	}
}

func worldOfExamples(t *testing.T) world {
	return after(t, events(people(), registered(14), registered(15), liveOnAir(6), giftListed(3, 30), coinsCredited(viewer, 100), []domain.Event{
		domain.UserDisabled{User: 14},
		domain.UserBanned{User: 15},
		domain.ViewerBanned{Live: 6, User: 15},
		domain.UserRoleGranted{User: stranger, Role: domain.RoleAnalyst},
		domain.ViewerJoined{Live: 6, User: stranger, FirstVisit: true, Node: "p1"},
		domain.BroadcastStarted{Live: 6, Streamer: streamer, Broadcast: "show-1", Node: "p1"},
		domain.RecordingStarted{Live: 6, Streamer: streamer, Recording: "show-0"},
		placed("O1"),
	}, roomAdded(room, "r-demo", 1), roomAdded(otherRoom2, "r-two", 2),
		guestEntered(1, 0, "n-ming"), guestJoined(1, 0, room), guestEntered(2, 0, ""),
		[]domain.Event{domain.ParticipantLeft{Participant: 2, Connection: "c2", Cause: domain.LeaveRequested}}))
}

func TestEveryCommandHasAnExampleThatSucceeds(t *testing.T) {
	seen := map[string]bool{}
	for _, x := range examples() {
		seen[x.when.Type()] = true
		got, err := worldOfExamples(t).ask(t, domain.Request{Command: x.when, Actor: x.by})
		if err != nil || len(got) == 0 {
			t.Errorf("%s: got %+v, %v", x.when.Type(), got, err)
		}
	}
	for _, spec := range domain.Commands {
		if !seen[spec.Type] {
			t.Errorf("%s has no example", spec.Type)
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	for _, x := range examples() {
		for _, asker := range []struct {
			name string
			by   domain.Actor
			may  map[string]bool // besides what anyone may
			code domain.Code     // otherwise; "": that of the command
		}{
			{"nobody", nobody, nil, ""},
			{"a person", signedIn(viewer), map[string]bool{"authenticated user": true}, ""},
			{"an analyst", signedIn(stranger), map[string]bool{"authenticated user": true}, ""},
			{"a person who is an operator", signedIn(boss), map[string]bool{"authenticated user": true, "operator": true}, ""},
			{"the command line", operator, map[string]bool{"operator": true}, ""},
			{"roomlog itself", system, map[string]bool{"system": true}, ""},
			{"the payment provider", provider, map[string]bool{"payment provider": true}, ""},
			{"somebody of an unknown kind", domain.Actor{Kind: 99}, nil, ""},
		} {
			t.Run(x.when.Type()+" by "+asker.name, func(t *testing.T) {
				want := domain.CodeForbidden
				switch {
				case x.who == "anyone", asker.may[x.who], x.who == "owner or operator" && (asker.may["authenticated user"] || asker.may["operator"]):
					want = ""
				case x.who == "authenticated user", x.who == "owner or operator":
					want = domain.CodeTokenMissing
				}
				w, r := worldOfExamples(t), domain.Request{Command: x.when, Actor: asker.by}
				admitted := domain.Authorize(r, now, w.seenBy(r))
				_, err := w.ask(t, r)
				if want != "" {
					if no := domain.AsRefusal(admitted); no == nil || no.Code != want || !reflect.DeepEqual(err, admitted) {
						t.Fatalf("admitted: %v, decided: %v, want both refused with %s", admitted, err, want)
					}
					return
				}
				if admitted != nil {
					t.Fatalf("not admitted: %v", admitted)
				}
				if no := domain.AsRefusal(err); no != nil && (no.Code == domain.CodeForbidden || no.Code == domain.CodeTokenMissing) {
					t.Fatalf("admitted, and yet %v", no)
				}
			})
		}
	}
}

func TestTheCatalogueSaysWhoMay(t *testing.T) {
	who := map[string]string{}
	for _, x := range examples() {
		who[x.when.Type()] = x.who
	}
	for _, spec := range domain.Commands {
		if spec.Access() != who[spec.Type] {
			t.Errorf("%s: the catalogue says %s, want %s", spec.Type, spec.Access(), who[spec.Type])
		}
	}
}

// Whatever a person asks for, the account and the session come first: also for what everybody may.
func TestAPersonWhoMayNotActIsRefusedEverything(t *testing.T) {
	for _, tt := range []struct {
		name    string
		since   func(domain.UserID) []domain.Event
		by      func(domain.UserID) domain.Actor
		refused domain.Code
	}{
		{"was disabled", func(u domain.UserID) []domain.Event { return []domain.Event{domain.UserDisabled{User: u}} }, signedIn, domain.CodeUserUnavailable},
		{"is kept out for good", func(u domain.UserID) []domain.Event { return []domain.Event{domain.UserBanned{User: u}} }, signedIn, domain.CodeBanned},
		{"is kept out for another second", func(u domain.UserID) []domain.Event {
			return []domain.Event{domain.UserBanned{User: u, Until: now.Unix() + 1}}
		}, signedIn, domain.CodeBanned},
		{"was forgotten", func(u domain.UserID) []domain.Event { return []domain.Event{domain.UserForgotten{User: u}} }, signedIn, domain.CodeUserUnavailable},
		{"never registered", nil, func(domain.UserID) domain.Actor { return domain.AuthenticatedActor(99, "s") }, domain.CodeUserUnavailable},
		{"is no one", nil, func(domain.UserID) domain.Actor { return domain.Actor{Kind: domain.Authenticated} }, domain.CodeUserUnavailable},
		{"signed in elsewhere", func(u domain.UserID) []domain.Event {
			return []domain.Event{domain.UserSignedIn{User: u, Session: "s2"}}
		}, signedIn, domain.CodeSessionEnded},
		{"signed out", func(u domain.UserID) []domain.Event {
			return []domain.Event{domain.UserSignedOut{User: u, Session: session(u)}}
		}, signedIn, domain.CodeSessionEnded},
		{"signed out, with a token that names no session", func(u domain.UserID) []domain.Event {
			return []domain.Event{domain.UserSignedOut{User: u, Session: session(u)}}
		}, func(u domain.UserID) domain.Actor { return domain.AuthenticatedActor(u, "") }, domain.CodeSessionEnded},
		{"uses the session of another", nil, func(u domain.UserID) domain.Actor { return domain.AuthenticatedActor(u, session(stranger)) }, domain.CodeSessionEnded},
		{"was disabled and signed in elsewhere", func(u domain.UserID) []domain.Event {
			return []domain.Event{domain.UserSignedIn{User: u, Session: "s2"}, domain.UserDisabled{User: u}}
		}, signedIn, domain.CodeUserUnavailable},
	} {
		for _, x := range examples() {
			for _, u := range []domain.UserID{viewer, streamer, boss} {
				t.Run(x.when.Type()+" by somebody who "+tt.name, func(t *testing.T) {
					w := worldOfExamples(t)
					if tt.since != nil {
						w.fold(t, tt.since(u))
					}
					_, err := w.ask(t, domain.Request{Command: x.when, Actor: tt.by(u)})
					if no := domain.AsRefusal(err); no == nil || no.Code != tt.refused {
						t.Fatalf("got %v, want it refused with %s", err, tt.refused)
					}
				})
			}
		}
	}
}

func TestEveryStreamThatADecisionNeedsIsNamedAndNoOther(t *testing.T) {
	for _, x := range examples() {
		r := domain.Request{Command: x.when, Actor: x.by}
		for _, s := range r.Reads() {
			t.Run(x.when.Type()+" without "+string(s), func(t *testing.T) {
				states := worldOfExamples(t).seenBy(r)
				delete(states, s)
				got, err := domain.Decide(r, now, states)
				if err == nil || domain.AsRefusal(err) != nil || got != nil {
					t.Fatalf("got %+v, %v, want a fault", got, err)
				}
				if !strings.Contains(err.Error(), string(s)) || !strings.Contains(err.Error(), x.when.Type()) {
					t.Fatalf("the fault names neither command nor stream: %v", err)
				}
			})
		}
	}
}

func TestAStateOfAnotherKindIsAFaultAndNotAnEmptyState(t *testing.T) {
	for _, x := range examples() {
		r := domain.Request{Command: x.when, Actor: x.by}
		for _, s := range r.Reads() {
			if spec, ok := domain.StateSpecOf(s); ok && spec.Stateless {
				continue // never looked at
			}
			t.Run(x.when.Type()+" with another "+string(s), func(t *testing.T) {
				states := worldOfExamples(t).seenBy(r)
				states[s] = &struct{}{}
				got, err := domain.Decide(r, now, states)
				for _, e := range got { // what is only appended to is found out by folding
					if e.Stream() == s {
						_, err = domain.Fold(s, states[s], e)
					}
				}
				if err == nil || domain.AsRefusal(err) != nil {
					t.Fatalf("got %+v, %v, want a fault", got, err)
				}
			})
		}
	}
}

// A pointer has the methods of its command too; it must not stop a process that decides for everybody.
func TestACommandByPointerIsAFault(t *testing.T) {
	for _, x := range examples() {
		pointer := reflect.New(reflect.TypeOf(x.when))
		pointer.Elem().Set(reflect.ValueOf(x.when))
		r := domain.Request{Command: pointer.Interface().(domain.Command), Actor: x.by}
		got, err := domain.Decide(r, now, worldOfExamples(t).seenBy(r))
		if err == nil || domain.AsRefusal(err) != nil || got != nil {
			t.Errorf("%s: got %+v, %v, want a fault", x.when.Type(), got, err)
		}
	}
}

// unheardOf is a command of nobody's catalogue.
type unheardOf struct{}

func (unheardOf) Type() string                       { return "room.explode" }
func (unheardOf) Reads(domain.Actor) []domain.Stream { return nil }

func TestCheck(t *testing.T) {
	out := domain.SignOut{}
	for _, tt := range []struct {
		name string
		r    domain.Request
		want domain.Code
	}{
		{"accepts a request without a key", domain.Request{Command: out, Actor: signedIn(viewer)}, ""},
		{"accepts a key of 64 bytes", domain.Request{Command: out, Actor: signedIn(viewer), IdempotencyKey: strings.Repeat("k", 64)}, ""},
		{"accepts every printable byte in a key", domain.Request{Command: out, Actor: operator, IdempotencyKey: " !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"}, ""},
		{"accepts what it belongs to", domain.Request{Command: out, Actor: system, Correlation: strings.Repeat("c", 200), Causation: strings.Repeat("~", 200)}, ""},
		{"accepts a stream of 128 bytes", domain.Request{Command: domain.PayOrder{Order: domain.OrderID(strings.Repeat("O", 122))}, Actor: provider}, ""},
		{"refuses no command", domain.Request{Actor: signedIn(viewer)}, domain.CodeBadRequest},
		{"refuses an unknown command", domain.Request{Command: unheardOf{}, Actor: signedIn(viewer)}, domain.CodeBadRequest},
		{"refuses a key of 65 bytes", domain.Request{Command: out, Actor: signedIn(viewer), IdempotencyKey: strings.Repeat("k", 65)}, domain.CodeBadKey},
		{"refuses a key of 10 MB", domain.Request{Command: out, Actor: signedIn(viewer), IdempotencyKey: strings.Repeat("k", 10_000_000)}, domain.CodeBadKey},
		{"refuses a tab in a key", domain.Request{Command: out, Actor: signedIn(viewer), IdempotencyKey: "a\tb"}, domain.CodeBadKey},
		{"refuses NUL in a key", domain.Request{Command: out, Actor: signedIn(viewer), IdempotencyKey: "a\x00"}, domain.CodeBadKey},
		{"refuses DEL in a key", domain.Request{Command: out, Actor: signedIn(viewer), IdempotencyKey: "\x7f"}, domain.CodeBadKey},
		{"refuses letters beyond ASCII in a key", domain.Request{Command: out, Actor: signedIn(viewer), IdempotencyKey: "ключ"}, domain.CodeBadKey},
		{"refuses a key of nobody: whose would it be", domain.Request{Command: out, Actor: nobody, IdempotencyKey: "k"}, domain.CodeBadKey},
		{"refuses a stream too long to name", domain.Request{Command: domain.PayOrder{Order: domain.OrderID(strings.Repeat("O", 123))}, Actor: provider}, domain.CodeTextInvalid},
		{"refuses NUL in the name of a stream", domain.Request{Command: domain.PayOrder{Order: "O\x00"}, Actor: provider}, domain.CodeTextInvalid},
		{"refuses a space in the name of a stream", domain.Request{Command: domain.PayOrder{Order: "O1 "}, Actor: provider}, domain.CodeTextInvalid},
		{"refuses a correlation too long", domain.Request{Command: out, Actor: system, Correlation: strings.Repeat("c", 201)}, domain.CodeBadRequest},
		{"refuses NUL in a correlation", domain.Request{Command: out, Actor: system, Correlation: "\x00"}, domain.CodeBadRequest},
		{"refuses a causation too long", domain.Request{Command: out, Actor: system, Causation: strings.Repeat("c", 201)}, domain.CodeBadRequest},
		{"refuses invalid UTF-8 in a causation", domain.Request{Command: out, Actor: system, Causation: "\xff"}, domain.CodeBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.r.Validate()
			var code domain.Code
			if no := domain.AsRefusal(err); no != nil {
				code = no.Code
			} else if err != nil {
				t.Fatalf("a fault: %v", err)
			}
			if code != tt.want {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if tt.want == "" {
				return
			}
			if _, decided := domain.Decide(tt.r, now, nil); !reflect.DeepEqual(decided, err) {
				t.Fatalf("checked: %v, decided: %v", err, decided)
			}
			if admitted := domain.Authorize(tt.r, now, nil); !reflect.DeepEqual(admitted, err) {
				t.Fatalf("checked: %v, admitted: %v", err, admitted)
			}
		})
	}
}

func TestActorsAreNamed(t *testing.T) {
	for by, want := range map[domain.Actor]string{
		signedIn(viewer): "user-12", operator: "operator", system: "system", provider: "provider", nobody: "anonymous",
	} {
		if by.String() != want {
			t.Errorf("got %s, want %s", by, want)
		}
	}
}
