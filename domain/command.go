package domain

import "strconv"

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

// ActorKind is the kind of an actor.
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
}

// AuthenticatedActor returns the actor for a signed-in user.
func AuthenticatedActor(user UserID, session string) Actor {
	return Actor{Kind: Authenticated, User: user, Session: session}
}

// String returns the name of the actor in event metadata and idempotency records: "user-12", "operator".
func (a Actor) String() string {
	switch a.Kind {
	case Authenticated:
		return "user-" + strconv.FormatInt(int64(a.User), 10)
	case Operator:
		return "operator"
	case System:
		return "system"
	case PaymentProvider:
		return "provider"
	default:
		return "anonymous"
	}
}
