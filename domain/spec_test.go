package domain_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/internal/names"
)

// now is the time at which all decisions in these tests are made.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// The users of these tests. All are signed in.
const (
	operatorUser domain.UserID = 1 // a user with the role operator
	streamer     domain.UserID = 7 // the owner of the lives
	viewer       domain.UserID = 12
	otherUser    domain.UserID = 13 // a user who has done nothing
)

// streamKey is a valid stream key.
const streamKey = "L3V8KhRHin40gNug58zy"

// Ids of chat rooms.
const (
	chatRoom  domain.ChatRoomID = "0123456789abcdef01234567"
	chatRoom2 domain.ChatRoomID = "0123456789abcdef01234568"
	chatRoom3 domain.ChatRoomID = "0123456789abcdef01234569"
)

// A spec is an example of one rule. given are events that precede the command, besides those of testUsers. by is the
// actor, the viewer by default. The command must cause the events then, or be refused.
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
				s.by = asUser(viewer)
			}
			got, err := after(t, events(testUsers(), s.given)).decide(t, domain.Request{Command: s.when, Actor: s.by})
			refusal := domain.AsRefusal(err)
			switch {
			case err != nil && refusal == nil:
				t.Fatalf("unexpected error: %v", err)
			case s.refused != "" && refusal == nil:
				t.Fatalf("got %+v, want it refused with %s", got, s.refused)
			case refusal != nil && refusal.Code != s.refused:
				t.Fatalf("refused with %v, want %q", refusal, s.refused)
			case !reflect.DeepEqual(got, s.then):
				t.Fatalf("got\n\t%+v\nwant\n\t%+v", got, s.then)
			}
		})
	}
}

// events concatenates lists of events.
func events(stretches ...[]domain.Event) []domain.Event { return slices.Concat(stretches...) }

func asUser(u domain.UserID) domain.Actor { return domain.AuthenticatedActor(u, sessionOf(u)) }

func sessionOf(u domain.UserID) string { return fmt.Sprintf("session-of-%d", u) }

func nameKeyOf(u domain.UserID) string { return fmt.Sprintf("name-key-of-%d", u) }

var (
	operator  = domain.Actor{Kind: domain.Operator}
	system    = domain.Actor{Kind: domain.System}
	provider  = domain.Actor{Kind: domain.PaymentProvider}
	anonymous = domain.Actor{Kind: domain.Anonymous, Session: "none"} // an anonymous actor that differs from the zero Actor, because the zero Actor stands for the viewer in a spec
)

func testUsers() []domain.Event {
	return events(registered(operatorUser), registered(streamer), registered(viewer), registered(otherUser),
		[]domain.Event{domain.UserRoleGranted{User: operatorUser, Role: domain.RoleOperator}})
}

func registered(u domain.UserID) []domain.Event {
	return []domain.Event{
		domain.UserRegistered{User: u, Username: fmt.Sprintf("user%d", u), NameKey: nameKeyOf(u), Credential: "credential"},
		domain.UsernameClaimed{Key: nameKeyOf(u), User: u},
		domain.UserSignedIn{User: u, Session: sessionOf(u)},
	}
}

func liveCreated(l domain.LiveID) []domain.Event {
	return []domain.Event{domain.LiveCreated{Live: l, Streamer: streamer, Title: "evening songs", StreamKey: streamKey}}
}

func liveOnAir(l domain.LiveID) []domain.Event {
	return append(liveCreated(l), statusChanged(l, domain.StatusNotStarted, domain.StatusOnAir))
}

func livePaused(l domain.LiveID) []domain.Event {
	return append(liveOnAir(l), statusChanged(l, domain.StatusOnAir, domain.StatusPaused))
}

func liveEnded(l domain.LiveID) []domain.Event {
	return append(liveOnAir(l), statusChanged(l, domain.StatusOnAir, domain.StatusEnded))
}

func statusChanged(l domain.LiveID, from, to domain.Status) domain.Event {
	return domain.LiveStatusChanged{Live: l, Streamer: streamer, From: from, To: to}
}

func giftAdded(g domain.GiftID, price domain.Coins) []domain.Event {
	return []domain.Event{domain.GiftAdded{Gift: g, Name: "rose", Image: "https://x/rose.png", Price: price}}
}

func coinsCredited(u domain.UserID, c domain.Coins) []domain.Event {
	return []domain.Event{domain.CoinsCredited{User: u, Order: "O0", Coins: c, BalanceAfter: c, Postings: []domain.Posting{
		{Account: domain.ProviderAccount, Amount: -c}, {Account: domain.WalletAccount(u), Amount: c},
	}}}
}

func chatRoomCreated(r domain.ChatRoomID, nameKey string, rooms int) []domain.Event {
	return []domain.Event{
		domain.ChatRoomCreated{ChatRoom: r, Name: "name of " + string(r), NameKey: nameKey, Total: rooms},
		domain.ChatRoomNameClaimed{Key: nameKey, ChatRoom: r},
	}
}

// participantEntered returns the events of participant g entering the chat on connection c<g> of node p1.
func participantEntered(g domain.ParticipantID, u domain.UserID, nameKey string) []domain.Event {
	entered := domain.ParticipantEntered{Participant: g, Connection: fmt.Sprintf("c%d", g), Profile: domain.ProfilePlain, User: u, NameKey: nameKey, Node: "p1"}
	if nameKey == "" {
		return []domain.Event{entered}
	}
	if u == 0 {
		entered.Nickname = "ming"
	}
	return []domain.Event{entered, domain.NicknameClaimed{Key: nameKey, Participant: g}}
}

func chatRoomJoined(g domain.ParticipantID, u domain.UserID, r domain.ChatRoomID) []domain.Event {
	return []domain.Event{domain.ChatRoomJoined{Participant: g, Connection: fmt.Sprintf("c%d", g), User: u, ChatRoom: r}}
}

// A world contains the states of all streams.
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
		if changed, ok := e.(domain.ProfileEvent); ok {
			w[profileOf(changed.EventUser())] = changed.ProfileAfter()
		}
		for _, s := range domain.FoldsInto(e) {
			state, err := domain.Fold(s, w[s], e)
			if err != nil {
				t.Fatalf("fold %+v: %v", e, err)
			}
			w[s] = state
		}
	}
}

// profileOf returns the key under which a world keeps the texts of a user's profile. It is not the name of a stream.
func profileOf(u domain.UserID) domain.Stream { return domain.Stream(fmt.Sprintf("profile of %d", u)) }

// statesFor returns the states of the streams that r reads, and no others.
func (w world) statesFor(r domain.Request) map[domain.Stream]any {
	seen := map[domain.Stream]any{}
	for _, s := range r.Reads() {
		seen[s] = w[s]
	}
	return seen
}

// decide decides r. It checks what must hold for every decision: it is deterministic, it does not change its states,
// and it returns no events with an error.
func (w world) decide(t failer, r domain.Request) ([]domain.Event, error) {
	t.Helper()
	r.Command = withLookalikeKeys(r.Command)
	if c, ok := r.Command.(domain.ProfileCommand); ok {
		before, _ := w[profileOf(r.Actor.User)].(domain.ProfileTexts)
		r.Command = c.WithProfile(before)
	}
	states := w.statesFor(r)
	before := formatStates(states)
	got, err := domain.Decide(r, now, states)
	again, errAgain := domain.Decide(r, now, states)
	if !reflect.DeepEqual(got, again) || !reflect.DeepEqual(err, errAgain) {
		t.Fatalf("%+v: first (%+v, %v), then (%+v, %v), want %v, %v", r, got, err, again, errAgain, again, errAgain)
	}
	if formatStates(states) != before {
		t.Fatalf("%+v changed its states: %s became %s, want %v", r, before, formatStates(states), before)
	}
	if err != nil && got != nil {
		t.Fatalf("%+v: error %v with events %+v", r, err, got)
	}
	if refusal := domain.AsRefusal(err); refusal != nil && (refusal.Code == "" || refusal.Text == "" || strings.Contains(refusal.Text, "%!") && !strings.Contains(fmt.Sprint(r.Command), "%!")) {
		t.Fatalf("%+v: the refusal lacks a code or text: %#v", r, refusal)
	}
	return got, err
}

// A failer is a *testing.T, *testing.B or *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func formatStates(states map[domain.Stream]any) string {
	var b strings.Builder
	for _, s := range slices.Sorted(maps.Keys(states)) {
		fmt.Fprintf(&b, "%s=%#v ", s, states[s])
	}
	return b.String()
}

// withLookalikeKeys sets the keys of lookalike forms that the log would set.
func withLookalikeKeys(c domain.Command) domain.Command {
	if named, ok := c.(domain.NamedCommand); ok {
		return named.WithLookalikeKey(func(name string) string { return keyOf(name) })
	}
	return c
}

// keyOf returns a key for the lookalike form of a name: "k-bob" for "bob".
func keyOf(name string) string {
	key := "k-" + url.QueryEscape(names.Lookalike(name))
	if len(key) > 64 {
		return fmt.Sprintf("k-%x", sha256.Sum256([]byte(key)))
	}
	return key
}
