package domain

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Command is a request to change something. It contains only data.
type Command interface {
	// Type returns the name of the command: "gift.send".
	Type() string
	// Reads returns the streams that the decision reads or appends to, except streams that the decision creates.
	Reads(actor Actor) []Stream
}

// serverFields is implemented by commands with texts that a server adds and that reach the log unchanged: ids of
// sessions, nodes and credentials. Request.Validate checks these texts, so that every table can store them.
type serverFields interface{ serverTexts() []string }

// typedCommand is implemented by commands with types of events. Request.Validate checks that these types exist.
type typedCommand interface{ eventTypes() []string }

// FingerprintedCommand is a command with content that its JSON does not contain, such as a file. Two requests with one
// idempotency key are the same request only if their fingerprints are equal, too.
type FingerprintedCommand interface {
	Command
	// Fingerprint returns a hash of the content. It does not reveal the content.
	Fingerprint() string
}

// NamedCommand is a command that gives a user a name. Before the log executes the command, it sets the keyed hash of
// the lookalike form of the name (package internal/names).
type NamedCommand interface {
	Command
	// WithLookalikeKey returns the command with the keyed hashes of its names. key computes the keyed hash of the
	// lookalike form of a name.
	WithLookalikeKey(key func(name string) string) Command
}

// ProfileCommand is a command that changes a part of the actor's profile. When the log decides the command, under its
// lock, it sets the texts of the profile. They are not part of a state, because states are stored without encryption.
type ProfileCommand interface {
	Command
	// WithProfile returns the command with the texts of the actor's profile before the command.
	WithProfile(before ProfileTexts) Command
}

// ActorKind says who issues a command: a user, an operator at the command line, the system and so on.
type ActorKind int

// The kinds of actors.
const (
	Anonymous       ActorKind = iota // a client that is not signed in
	Authenticated                    // a signed-in user; User and Session are set
	Operator                         // an operator at the command line of the server
	System                           // roomlog itself, for example when it cleans up after lost connections
	PaymentProvider                  // the payment provider; the server has checked the signature
)

// Actor is the user or program that issues a command.
type Actor struct {
	Kind    ActorKind
	User    UserID // the user who issues the command; set for Authenticated
	Session string // id of the sign-in session that the token contains; set for Authenticated
	Login   string // name of the operator in the operating system; set for Operator by OperatorActor
}

// OperatorActor returns the actor for an operator at the command line, given by the name of the user of the operating
// system. Characters that names of actors cannot contain are replaced.
func OperatorActor(login string) Actor {
	clean := strings.Map(func(r rune) rune {
		if strings.ContainsRune(loginCharacters, r) {
			return r
		}
		return '_'
	}, login)
	return Actor{Kind: Operator, Login: clean[:min(len(clean), maxLogin)]}
}

// Bounds of the login in the name of an operator at the command line, such as "operator-root".
const (
	maxLogin        = 32
	loginCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
)

// ParseActor parses the name of an actor, as Actor.String returns it. The actor has no session.
func ParseActor(name string) (Actor, bool) {
	for _, kind := range []ActorKind{Anonymous, Operator, System, PaymentProvider} {
		if by := (Actor{Kind: kind}); by.String() == name {
			return by, true
		}
	}
	if login, found := strings.CutPrefix(name, "operator-"); found {
		by := OperatorActor(login)
		return by, by.String() == name
	}
	id := numberAfter("user-", name)
	return Actor{Kind: Authenticated, User: id}, id > 0
}

// AuthenticatedActor returns the actor for a signed-in user.
func AuthenticatedActor(user UserID, session string) Actor {
	return Actor{Kind: Authenticated, User: user, Session: session}
}

// String returns the name of the actor in event metadata and idempotency records: "user-12", "operator-root".
func (a Actor) String() string {
	switch a.Kind {
	case Authenticated:
		return "user-" + strconv.FormatInt(int64(a.User), 10)
	case Operator:
		if a.Login != "" {
			return "operator-" + a.Login
		}
		return "operator"
	case System:
		return "system"
	case PaymentProvider:
		return "provider"
	default:
		return "anonymous"
	}
}

// View contains everything that a decision may read: the actor, the time, and the newest states of the streams that the
// request reads. The file of each state adds a method that returns this state. A stream without events has the zero
// state.
type View struct {
	Actor  Actor
	Now    time.Time // time of the decision, stored as recorded_at of the events; never decreases
	states map[Stream]any
	*progress
}

// progress is what all copies of a View share during one decision.
type progress struct {
	fault error // set if a decision reads a stream that its request does not list in Reads, or if a state has the wrong type

	actorState any // state of View.Actor; nil before the decision has read it, which it does several times
}

func newView(actor Actor, now time.Time, states map[Stream]any, shared *progress) View {
	return View{Actor: actor, Now: now, states: states, progress: shared}
}

// look returns the state of stream s. If the request does not list s in Reads, or the state has another type than S, it
// sets the fault of the view.
func look[S any](v View, s Stream) S { return typed[S](v, s, v.state(s)) }

// state returns the state of stream s; nil before its first event. If the request does not list s in Reads, it sets the fault
// of the view.
func (v View) state(s Stream) any {
	state, named := v.states[s]
	if !named {
		v.fault = fmt.Errorf("the decision reads the stream %s: add it to the streams that Reads returns", s)
	}
	return state
}

// typed returns state, the state of s, as an S. If it has another type, typed sets the fault of the view.
func typed[S any](v View, s Stream, state any) S {
	is, err := stateAs[S](s, state)
	if err != nil {
		v.fault = err
	}
	return is
}

// stateAs returns state, the state of s, as an S. It returns the zero S for nil, the state before the first event. It
// fails for a state of another type, so that this state is not mistaken for an empty one.
func stateAs[S any](s Stream, state any) (S, error) {
	typed, ok := state.(S)
	if !ok && state != nil {
		return typed, fmt.Errorf("the state of %s is a %T, not a %T", s, state, typed)
	}
	return typed, nil
}

// Counter is a state whose Value is either the newest assigned id or a number of objects. Events of many streams change
// a counter. The log contains no stream with the name of a counter.
type Counter struct {
	Value int64
}

// Streams of the counters, which assign ids or count objects.
const (
	nextUser        Stream = "next-user"
	nextLive        Stream = "next-live"
	nextGift        Stream = "next-gift"
	nextParticipant Stream = "next-participant"
	nextCorrection  Stream = "next-correction"
	chatRoomCount   Stream = "count-chatroom"
	webhookCount    Stream = "count-webhook"
)

// next returns the next unused id of a counter.
func (v View) next(counter Stream) int64 { return look[Counter](v, counter).Value + 1 }

// counted is implemented by events that set a counter. count returns the assigned id or the new number of objects.
type counted interface{ count() int64 }
