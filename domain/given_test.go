package domain_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
)

// now is when everything in these tests happens: decisions have no clock of their own.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// The people of these tests, all signed in.
const (
	boss     domain.UserID = 1 // runs the shop
	streamer domain.UserID = 7 // of the rooms
	viewer   domain.UserID = 12
	stranger domain.UserID = 13 // registered, and nothing else
)

// key is a stream key of the proper form.
const key = "L3V8KhRHin40gNug58zy"

// room is a chat room.
const (
	room       domain.ChatRoomID = "0123456789abcdef01234567"
	otherRoom  domain.ChatRoomID = "0123456789abcdef01234568"
	otherRoom2 domain.ChatRoomID = "0123456789abcdef01234569"
)

// A spec is one sentence of the rules: given what has happened, when somebody asks, then this
// follows or it is refused. The people above are there beforehand; the viewer asks if nobody else does.
type spec struct {
	name    string
	given   []domain.Event
	by      domain.Actor
	when    domain.Command
	then    []domain.Event
	refused domain.Code
}

func run(t *testing.T, specs []spec) {
	t.Helper()
	for _, s := range specs {
		t.Run(s.name, func(t *testing.T) {
			if s.by == (domain.Actor{}) {
				s.by = signedIn(viewer)
			}
			got, err := after(t, events(people(), s.given)).ask(t, domain.Request{Command: s.when, Actor: s.by})
			no := domain.AsRefusal(err)
			switch {
			case err != nil && no == nil:
				t.Fatalf("a fault: %v", err)
			case s.refused != "" && no == nil:
				t.Fatalf("got %+v, want it refused with %s", got, s.refused)
			case no != nil && no.Code != s.refused:
				t.Fatalf("refused with %v, want %q", no, s.refused)
			case !reflect.DeepEqual(got, s.then):
				t.Fatalf("got\n\t%+v\nwant\n\t%+v", got, s.then)
			}
		})
	}
}

// events puts stretches of history one after another.
func events(stretches ...[]domain.Event) []domain.Event { return slices.Concat(stretches...) }

func signedIn(u domain.UserID) domain.Actor { return domain.AuthenticatedActor(u, session(u)) }

func session(u domain.UserID) string { return fmt.Sprintf("session-of-%d", u) }

func nameKey(u domain.UserID) string { return fmt.Sprintf("name-key-of-%d", u) }

var (
	operator = domain.Actor{Kind: domain.Operator}
	system   = domain.Actor{Kind: domain.System}
	provider = domain.Actor{Kind: domain.PaymentProvider}
	nobody   = domain.Actor{Kind: domain.Anonymous, Session: "none"} // not the zero Actor, which a spec takes for the viewer
)

func people() []domain.Event {
	return events(registered(boss), registered(streamer), registered(viewer), registered(stranger),
		[]domain.Event{domain.UserRoleGranted{User: boss, Role: domain.RoleOperator}})
}

func registered(u domain.UserID) []domain.Event {
	return []domain.Event{
		domain.UserRegistered{User: u, Username: fmt.Sprintf("person %d", u), NameKey: nameKey(u), Credential: "credential"},
		domain.UsernameClaimed{Key: nameKey(u), User: u},
		domain.UserSignedIn{User: u, Session: session(u)},
	}
}

func liveCreated(l domain.LiveID) []domain.Event {
	return []domain.Event{domain.LiveCreated{Live: l, Streamer: streamer, Title: "evening songs", StreamKey: key}}
}

func liveOnAir(l domain.LiveID) []domain.Event {
	return append(liveCreated(l), turned(l, domain.StatusNotStarted, domain.StatusOnAir))
}

func livePaused(l domain.LiveID) []domain.Event {
	return append(liveOnAir(l), turned(l, domain.StatusOnAir, domain.StatusPaused))
}

func liveEnded(l domain.LiveID) []domain.Event {
	return append(liveOnAir(l), turned(l, domain.StatusOnAir, domain.StatusEnded))
}

func turned(l domain.LiveID, from, to domain.Status) domain.Event {
	return domain.LiveStatusChanged{Live: l, Streamer: streamer, From: from, To: to}
}

func giftListed(g domain.GiftID, price domain.Coins) []domain.Event {
	return []domain.Event{domain.GiftAdded{Gift: g, Name: "rose", Image: "rose.png", Price: price}}
}

func coinsCredited(u domain.UserID, c domain.Coins) []domain.Event {
	return []domain.Event{domain.CoinsCredited{User: u, Order: "O0", Coins: c, BalanceAfter: c, Postings: []domain.Posting{
		{Account: domain.ProviderAccount, Amount: -c}, {Account: domain.WalletAccount(u), Amount: c},
	}}}
}

func roomAdded(r domain.ChatRoomID, nameKey string, rooms int) []domain.Event {
	return []domain.Event{
		domain.ChatRoomCreated{ChatRoom: r, Name: "name of " + string(r), NameKey: nameKey, Total: rooms},
		domain.ChatRoomNameClaimed{Key: nameKey, ChatRoom: r},
	}
}

// guestEntered lets somebody into the chat by connection c<guest>, held by process p1.
func guestEntered(g domain.ParticipantID, u domain.UserID, nameKey string) []domain.Event {
	entered := domain.ParticipantEntered{Participant: g, Connection: fmt.Sprintf("c%d", g), Profile: domain.ProfilePlain, User: u, NameKey: nameKey, Node: "p1"}
	if nameKey == "" {
		return []domain.Event{entered}
	}
	if u == 0 {
		entered.Nickname = "guest"
	}
	return []domain.Event{entered, domain.NicknameClaimed{Key: nameKey, Participant: g}}
}

func guestJoined(g domain.ParticipantID, u domain.UserID, r domain.ChatRoomID) []domain.Event {
	return []domain.Event{domain.ChatRoomJoined{Participant: g, Connection: fmt.Sprintf("c%d", g), User: u, ChatRoom: r}}
}

// A world is the states of all streams after some history.
type world map[domain.Stream]any

func after(t failer, history []domain.Event) world {
	t.Helper()
	w := world{}
	w.fold(t, history)
	return w
}

func (w world) fold(t failer, history []domain.Event) {
	t.Helper()
	for _, e := range history {
		for _, s := range domain.FoldsInto(e) {
			state, err := domain.Fold(s, w[s], e)
			if err != nil {
				t.Fatalf("fold %+v: %v", e, err)
			}
			w[s] = state
		}
	}
}

// seenBy answers the states that r names, and no other.
func (w world) seenBy(r domain.Request) map[domain.Stream]any {
	seen := map[domain.Stream]any{}
	for _, s := range r.Reads() {
		seen[s] = w[s]
	}
	return seen
}

// ask decides r. Every decision of the tests goes through here, where it must keep what it
// promises whatever it answers: the same twice, its states untouched, no answer beside a refusal.
func (w world) ask(t failer, r domain.Request) ([]domain.Event, error) {
	t.Helper()
	states := w.seenBy(r)
	before := printed(states)
	got, err := domain.Decide(r, now, states)
	again, errAgain := domain.Decide(r, now, states)
	if !reflect.DeepEqual(got, again) || !reflect.DeepEqual(err, errAgain) {
		t.Fatalf("%+v: first (%+v, %v), then (%+v, %v)", r, got, err, again, errAgain)
	}
	if printed(states) != before {
		t.Fatalf("%+v changed its states: %s became %s", r, before, printed(states))
	}
	if err != nil && got != nil {
		t.Fatalf("%+v: %v, and yet %+v", r, err, got)
	}
	if no := domain.AsRefusal(err); no != nil && (no.Code == "" || no.Text == "" || strings.Contains(no.Text, "%!") && !strings.Contains(fmt.Sprint(r.Command), "%!")) {
		t.Fatalf("%+v: a refusal says nothing: %#v", r, no)
	}
	return got, err
}

// failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func printed(states map[domain.Stream]any) string {
	var b strings.Builder
	for _, s := range slices.Sorted(maps.Keys(states)) {
		fmt.Fprintf(&b, "%s=%#v ", s, states[s])
	}
	return b.String()
}
