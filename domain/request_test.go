package domain_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/domain/invariant"
)

func TestEveryCommandHasAnExample(t *testing.T) {
	seen := map[string]bool{}
	for _, x := range examples() {
		seen[x.when.Type()] = true
		got, err := exampleWorld(t).decide(t, domain.Request{Command: x.when, Actor: x.by})
		switch {
		case err != nil && domain.AsRefusal(err) == nil:
			t.Errorf("the decision has a fault: %v", err)
		case err != nil || len(got) == 0:
			t.Errorf("%s: the example %+v is refused or has no effect (%v): write one that succeeds into writtenExamples in domain/examples_test.go",
				x.when.Type(), x.when, err)
		}
	}
	for _, spec := range domain.Commands {
		if !seen[spec.Type] {
			t.Errorf("%s has no example", spec.Type)
		}
	}
}

func TestAuthorize(t *testing.T) {
	for _, x := range examples() {
		for _, actor := range []struct {
			name string
			by   domain.Actor
			may  map[string]bool // the kinds of access that let the actor issue a command, besides anyone
			code domain.Code     // expected refusal of other commands; "" for the usual refusal of each command
		}{
			{"an anonymous actor", anonymous, nil, ""},
			{"a user", asUser(viewer), map[string]bool{"authenticated user": true}, ""},
			{"an analyst", asUser(otherUser), map[string]bool{"authenticated user": true}, ""},
			{"a user with the role operator", asUser(operatorUser), map[string]bool{"authenticated user": true, "operator": true}, ""},
			{"the command line", operator, map[string]bool{"operator": true}, ""},
			{"the system", system, map[string]bool{"system": true}, ""},
			{"the payment provider", provider, map[string]bool{"payment provider": true}, ""},
			{"an actor of unknown kind", domain.Actor{Kind: 99}, nil, ""},
		} {
			t.Run(x.when.Type()+" by "+actor.name, func(t *testing.T) {
				want := domain.CodeForbidden
				decided := x.access == "owner or operator" || x.access == "moderator or operator" // the decision checks the user
				switch {
				case x.access == "anyone", actor.may[x.access], decided && (actor.may["authenticated user"] || actor.may["operator"]):
					want = ""
				case x.access == "authenticated user", decided:
					want = domain.CodeTokenMissing
				}
				w, r := exampleWorld(t), domain.Request{Command: x.when, Actor: actor.by}
				authorized := domain.Authorize(r, now, w.statesFor(r))
				_, err := w.decide(t, r)
				if want != "" {
					if refusal := domain.AsRefusal(authorized); refusal == nil || refusal.Code != want || !reflect.DeepEqual(err, authorized) {
						t.Fatalf("authorized: %v, decided: %v, want both refused with %s", authorized, err, want)
					}
					return
				}
				if authorized != nil {
					t.Fatalf("not authorized: %v", authorized)
				}
				if refusal := domain.AsRefusal(err); refusal != nil && (refusal.Code == domain.CodeForbidden || refusal.Code == domain.CodeTokenMissing) {
					t.Fatalf("authorized, but refused with %v", refusal)
				}
			})
		}
	}
}

func TestAccess(t *testing.T) {
	who := map[string]string{}
	for _, x := range examples() {
		who[x.when.Type()] = x.access
	}
	for _, spec := range domain.Commands {
		if spec.Access() != who[spec.Type] {
			t.Errorf("%s: access is %s, want %s", spec.Type, spec.Access(), who[spec.Type])
		}
	}
}

// TestUnavailableUsersAreRefused checks that decisions check the status and the session of the user first, even for
// commands that anyone may issue.
func TestUnavailableUsersAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		since   func(domain.UserID) []domain.Event
		by      func(domain.UserID) domain.Actor
		refused domain.Code
	}{
		{"was disabled", func(u domain.UserID) []domain.Event { return []domain.Event{domain.UserDisabled{User: u}} }, asUser, domain.CodeUserUnavailable},
		{"is banned for good", func(u domain.UserID) []domain.Event { return []domain.Event{domain.UserBanned{User: u}} }, asUser, domain.CodeBanned},
		{"is banned for one more second", func(u domain.UserID) []domain.Event {
			return []domain.Event{domain.UserBanned{User: u, Until: now.Unix() + 1}}
		}, asUser, domain.CodeBanned},
		{"was forgotten", func(u domain.UserID) []domain.Event { return []domain.Event{domain.UserForgotten{User: u}} }, asUser, domain.CodeUserUnavailable},
		{"does not exist", nil, func(domain.UserID) domain.Actor { return domain.AuthenticatedActor(99, "s") }, domain.CodeUserUnavailable},
		{"has id 0", nil, func(domain.UserID) domain.Actor { return domain.Actor{Kind: domain.Authenticated} }, domain.CodeUserUnavailable},
		{"signed in elsewhere", func(u domain.UserID) []domain.Event {
			return []domain.Event{domain.UserSignedIn{User: u, Session: "s2"}}
		}, asUser, domain.CodeSessionEnded},
		{"signed out", func(u domain.UserID) []domain.Event {
			return []domain.Event{domain.UserSignedOut{User: u, Session: sessionOf(u)}}
		}, asUser, domain.CodeSessionEnded},
		{"signed out and has a token without a session", func(u domain.UserID) []domain.Event {
			return []domain.Event{domain.UserSignedOut{User: u, Session: sessionOf(u)}}
		}, func(u domain.UserID) domain.Actor { return domain.AuthenticatedActor(u, "") }, domain.CodeSessionEnded},
		{"uses the session of another user", nil, func(u domain.UserID) domain.Actor { return domain.AuthenticatedActor(u, sessionOf(otherUser)) }, domain.CodeSessionEnded},
		{"was disabled and signed in elsewhere", func(u domain.UserID) []domain.Event {
			return []domain.Event{domain.UserSignedIn{User: u, Session: "s2"}, domain.UserDisabled{User: u}}
		}, asUser, domain.CodeUserUnavailable},
	} {
		for _, x := range examples() {
			for _, u := range []domain.UserID{viewer, streamer, operatorUser} {
				t.Run(x.when.Type()+" by a user who "+tt.name, func(t *testing.T) {
					w := exampleWorld(t)
					if tt.since != nil {
						w.fold(t, tt.since(u))
					}
					_, err := w.decide(t, domain.Request{Command: x.when, Actor: tt.by(u)})
					if refusal := domain.AsRefusal(err); refusal == nil || refusal.Code != tt.refused {
						t.Fatalf("got %v, want it refused with %s", err, tt.refused)
					}
				})
			}
		}
	}
}

// TestAuditAcceptsTheActorsOfCommands checks that the audit accepts the actor of every event that a command causes.
func TestAuditAcceptsTheActorsOfCommands(t *testing.T) {
	for _, x := range examples() {
		w := exampleWorld(t)
		got, err := w.decide(t, domain.Request{Command: x.when, Actor: x.by})
		if err != nil {
			t.Errorf("%s: %v", x.when.Type(), err)
		}
		for _, e := range got {
			fault, err := invariant.Check(e, x.by.String(), func(s domain.Stream) (any, error) { return w[s], nil })
			if err != nil || strings.Contains(fault, "could not cause") {
				t.Errorf("%s: got %q, %v: add %s to mayCause in domain/invariant/actor.go", x.when.Type(), fault, err, e.Type())
			}
			w.fold(t, []domain.Event{e})
		}
	}
}

func TestDecisionsNameExactlyTheStreamsTheyNeed(t *testing.T) {
	for _, x := range examples() {
		r := domain.Request{Command: withLookalikeKeys(x.when), Actor: x.by}
		for _, s := range r.Reads() {
			t.Run(x.when.Type()+" without "+string(s), func(t *testing.T) {
				states := exampleWorld(t).statesFor(r)
				delete(states, s)
				got, err := domain.Decide(r, now, states)
				if err == nil || domain.AsRefusal(err) != nil || got != nil {
					t.Fatalf("got %+v, %v, want an error that is not a refusal", got, err)
				}
				if !strings.Contains(err.Error(), string(s)) || !strings.Contains(err.Error(), x.when.Type()) {
					t.Fatalf("the error does not name command and stream: %v", err)
				}
			})
		}
	}
}

func TestAStateOfAnotherTypeIsAFault(t *testing.T) {
	for _, x := range examples() {
		r := domain.Request{Command: withLookalikeKeys(x.when), Actor: x.by}
		for _, s := range r.Reads() {
			if spec, ok := domain.StateSpecOf(s); ok && spec.Stateless {
				continue // no decision reads this state
			}
			t.Run(x.when.Type()+" with another "+string(s), func(t *testing.T) {
				states := exampleWorld(t).statesFor(r)
				states[s] = &struct{}{}
				got, err := domain.Decide(r, now, states)
				for _, e := range got { // folds the events, which finds a fault in a stream that no decision reads
					if e.Stream() == s {
						_, err = domain.Fold(s, states[s], e)
					}
				}
				if err == nil || domain.AsRefusal(err) != nil {
					t.Fatalf("got %+v, %v, want an error that is not a refusal", got, err)
				}
			})
		}
	}
}

// TestAPointerToACommandIsAFault checks that a pointer to a command is refused. It has the methods of the command, but
// must not crash the sequencer.
func TestAPointerToACommandIsAFault(t *testing.T) {
	for _, x := range examples() {
		pointer := reflect.New(reflect.TypeOf(x.when))
		pointer.Elem().Set(reflect.ValueOf(x.when))
		r := domain.Request{Command: pointer.Interface().(domain.Command), Actor: x.by}
		got, err := domain.Decide(r, now, exampleWorld(t).statesFor(r))
		if err == nil || domain.AsRefusal(err) != nil || got != nil {
			t.Errorf("%s: got %+v, %v, want an error that is not a refusal", x.when.Type(), got, err)
		}
	}
}

// unknownCommand is a command that is not in the catalogue.
type unknownCommand struct{}

func (unknownCommand) Type() string                       { return "unknown.do" }
func (unknownCommand) Reads(domain.Actor) []domain.Stream { return nil }

func TestValidate(t *testing.T) {
	out := domain.SignOut{}
	for _, tt := range []struct {
		name string
		r    domain.Request
		want domain.Code
	}{
		{"accepts a request without a key", domain.Request{Command: out, Actor: asUser(viewer)}, ""},
		{"accepts a key of 64 bytes", domain.Request{Command: out, Actor: asUser(viewer), IdempotencyKey: strings.Repeat("k", 64)}, ""},
		{"accepts every printable byte in a key", domain.Request{Command: out, Actor: operator, IdempotencyKey: " !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"}, ""},
		{"accepts correlation and causation of 200 bytes", domain.Request{Command: out, Actor: system, Correlation: strings.Repeat("c", 200), Causation: strings.Repeat("~", 200)}, ""},
		{"accepts a stream name of 128 bytes", domain.Request{Command: domain.PayOrder{Order: domain.OrderID(strings.Repeat("O", 122))}, Actor: provider}, ""},
		{"refuses a missing command", domain.Request{Actor: asUser(viewer)}, domain.CodeBadRequest},
		{"refuses an unknown command", domain.Request{Command: unknownCommand{}, Actor: asUser(viewer)}, domain.CodeBadRequest},
		{"refuses a key of 65 bytes", domain.Request{Command: out, Actor: asUser(viewer), IdempotencyKey: strings.Repeat("k", 65)}, domain.CodeBadKey},
		{"refuses a key of 1 MB", domain.Request{Command: out, Actor: asUser(viewer), IdempotencyKey: strings.Repeat("k", 1_000_000)}, domain.CodeBadKey},
		{"refuses a tab in a key", domain.Request{Command: out, Actor: asUser(viewer), IdempotencyKey: "a\tb"}, domain.CodeBadKey},
		{"refuses NUL in a key", domain.Request{Command: out, Actor: asUser(viewer), IdempotencyKey: "a\x00"}, domain.CodeBadKey},
		{"refuses DEL in a key", domain.Request{Command: out, Actor: asUser(viewer), IdempotencyKey: "\x7f"}, domain.CodeBadKey},
		{"refuses a key outside ASCII", domain.Request{Command: out, Actor: asUser(viewer), IdempotencyKey: "ключ"}, domain.CodeBadKey},
		{"refuses a key of an anonymous actor", domain.Request{Command: out, Actor: anonymous, IdempotencyKey: "k"}, domain.CodeBadKey},
		{"refuses a stream name of 129 bytes", domain.Request{Command: domain.PayOrder{Order: domain.OrderID(strings.Repeat("O", 123))}, Actor: provider}, domain.CodeTextInvalid},
		{"refuses NUL in the name of a stream", domain.Request{Command: domain.PayOrder{Order: "O\x00"}, Actor: provider}, domain.CodeTextInvalid},
		{"refuses a space in the name of a stream", domain.Request{Command: domain.PayOrder{Order: "O1 "}, Actor: provider}, domain.CodeTextInvalid},
		{"refuses a correlation of 201 bytes", domain.Request{Command: out, Actor: system, Correlation: strings.Repeat("c", 201)}, domain.CodeBadRequest},
		{"refuses NUL in a correlation", domain.Request{Command: out, Actor: system, Correlation: "\x00"}, domain.CodeBadRequest},
		{"refuses a causation of 201 bytes", domain.Request{Command: out, Actor: system, Causation: strings.Repeat("c", 201)}, domain.CodeBadRequest},
		{"refuses invalid UTF-8 in a causation", domain.Request{Command: out, Actor: system, Causation: "\xff"}, domain.CodeBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.r.Validate()
			var code domain.Code
			if refusal := domain.AsRefusal(err); refusal != nil {
				code = refusal.Code
			} else if err != nil {
				t.Fatalf("unexpected error: %v", err)
			}
			if code != tt.want {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if tt.want == "" {
				return
			}
			if _, decided := domain.Decide(tt.r, now, nil); !reflect.DeepEqual(decided, err) {
				t.Fatalf("validated: %v, decided: %v, want %v", err, decided, err)
			}
			if authorized := domain.Authorize(tt.r, now, nil); !reflect.DeepEqual(authorized, err) {
				t.Fatalf("validated: %v, authorized: %v, want %v", err, authorized, err)
			}
		})
	}
}

func TestActorString(t *testing.T) {
	for by, want := range map[domain.Actor]string{
		asUser(viewer): "user-12", operator: "operator", system: "system", provider: "provider", anonymous: "anonymous",
	} {
		if by.String() != want {
			t.Errorf("got %s, want %s", by, want)
		}
	}
}

// TestRefusalsNameTheField sends a text that no field accepts in each text of a command, and checks that the refusal names the field.
func TestRefusalsNameTheField(t *testing.T) {
	w := exampleWorld(t)
	bodies := map[string]string{"comment.post": "comment", "message.post": "message", "message.exchange": "message"} // what users call the field text
	unchanged := map[string]bool{                                                                                    // what does not exist has ended already: the command changes nothing, and no text reaches the log
		"broadcast.stop broadcast": true, "chat_room.leave chat_room": true, "restream.remove target": true, "upload.expire upload": true, "user.revoke_role role": true,
	}
	for _, x := range examples() {
		for i := range reflect.TypeOf(x.when).NumField() {
			changed := reflect.New(reflect.TypeOf(x.when)).Elem()
			changed.Set(reflect.ValueOf(x.when))
			name, _, _ := strings.Cut(changed.Type().Field(i).Tag.Get("json"), ",")
			if changed.Field(i).Kind() != reflect.String || name == "-" {
				continue
			}
			if body, ok := bodies[x.when.Type()]; ok && name == "text" {
				name = body
			}
			for _, bad := range []string{"a b\x00", "a b", strings.Repeat("a", 100_000)} {
				changed.Field(i).SetString(bad)
				_, err := w.decide(t, domain.Request{Command: changed.Interface().(domain.Command), Actor: x.by})
				refusal := domain.AsRefusal(err)
				if refusal == nil {
					if err != nil {
						t.Errorf("%s: %v", x.when.Type(), err)
					}
					if bad != "a b" && !unchanged[x.when.Type()+" "+name] {
						t.Errorf("%s with %s %.10q is accepted", x.when.Type(), name, bad)
					}
					continue
				}
				if !regexp.MustCompile(`\b` + name + `\b`).MatchString(refusal.Text) {
					t.Errorf("%s with %s %.10q is refused with %q (%s)", x.when.Type(), name, bad, refusal.Text, refusal.Code)
				}
			}
		}
	}
}

// TestRefusalsOfStreamNames sends ids that are too long for the log: the refusal says how long the id may be, if a client has sent it.
func TestRefusalsOfStreamNames(t *testing.T) {
	long := strings.Repeat("k", 100_000)
	for want, c := range map[string]domain.Command{
		"order must have at most 122 bytes":        domain.PayOrder{Order: domain.OrderID(strings.Repeat("\xff", 1000))},
		"a text that the server adds is too long":  domain.EnterChat{NameKey: long},
		"order must have at most 122 bytes, twice": domain.CreditCoins{Order: domain.OrderID(long), Reason: long},
	} {
		want, _, _ = strings.Cut(want, ",")
		for range 20 { // the order of a map must not decide
			if got := domain.AsRefusal(domain.Request{Command: c, Actor: asUser(viewer)}.Validate()); got == nil || got.Text != want {
				t.Fatalf("got %v, want %q", got, want)
			}
		}
	}
}
