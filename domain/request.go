package domain

import (
	"strconv"
	"strings"
)

// Command is a request to change something, expressed as data.
type Command interface {
	// Type returns the name of the command: "gift.send".
	Type() string
	// Reads returns every stream whose state the decision reads and every existing stream to which it appends, if
	// actor issues the command. The caller loads the newest states of these streams before it calls Decide.
	Reads(actor Actor) []Stream
}

// serverFields is implemented by commands with texts that a server adds and that reach the log unchanged: ids of
// sessions, nodes and credentials. Request.Validate checks these texts, so that every table can store them.
type serverFields interface{ serverTexts() []string }

// ActorKind is the kind of an actor.
type ActorKind int

// The kinds of actors.
const (
	Anonymous       ActorKind = iota // not signed in
	Authenticated                    // a signed-in user; User and Session are set
	Operator                         // an operator at the command line of the server
	System                           // roomlog itself, for example when it cleans up after lost connections
	PaymentProvider                  // the payment provider; the server has checked the signature
)

// Actor is the user or program that issues a command.
type Actor struct {
	Kind    ActorKind
	User    UserID // set for Authenticated
	Session string // set for Authenticated: the session that the token names
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

// Request is one command with the actor who issues it.
type Request struct {
	Command        Command
	Actor          Actor
	IdempotencyKey string // chosen by the actor: 1–64 printable ASCII bytes; "" for none
	Correlation    string // groups requests for logs and analysts: at most 200 printable ASCII bytes
	Causation      string // id of the event or request that caused this request: at most 200 printable ASCII bytes
}

// MaxIdempotencyKey is the maximum length of an idempotency key in bytes.
const MaxIdempotencyKey = 64

// Maximum lengths of ids in bytes.
const (
	maxStreamName = 128
	maxReference  = 200
)

// Reads returns the streams whose states Decide needs: the streams of the command and, for a signed-in user, the
// streams of the user and the session.
func (r Request) Reads() []Stream {
	streams := r.Command.Reads(r.Actor)
	if r.Actor.Kind == Authenticated {
		streams = append(streams, userStream(r.Actor.User), sessionStream(r.Actor.User))
	}
	return streams
}

// Validate returns a *Refusal for a request that is invalid in every state: an unknown command, a malformed
// idempotency key, or a stream name that the log cannot store. Callers validate before they load states. Decide
// validates again.
func (r Request) Validate() error {
	if r.Command == nil {
		return refuse(CodeBadRequest, "the request has no command")
	}
	if _, ok := commandsByType[r.Command.Type()]; !ok {
		return refuse(CodeBadRequest, "there is no command %s", r.Command.Type())
	}
	for _, s := range r.Command.Reads(r.Actor) {
		if len(s) > maxStreamName || !printable(string(s)) || strings.Contains(string(s), " ") {
			return refuse(CodeTextInvalid, "the name of a stream must have at most %d bytes of printable ASCII without spaces", maxStreamName)
		}
	}
	if !reference(r.Correlation) || !reference(r.Causation) {
		return refuse(CodeBadRequest, "correlation and causation must have at most %d bytes of printable ASCII", maxReference)
	}
	if c, ok := r.Command.(serverFields); ok {
		for _, s := range c.serverTexts() {
			if !reference(s) {
				return refuse(CodeBadRequest, "fields that a server adds must have at most %d bytes of printable ASCII", maxReference)
			}
		}
	}
	return r.validateKey()
}

func (r Request) validateKey() error {
	switch key := r.IdempotencyKey; {
	case key == "":
		return nil
	case r.Actor.Kind == Anonymous:
		return refuse(CodeBadKey, "an idempotency key requires a signed-in user")
	case len(key) > MaxIdempotencyKey:
		return refuse(CodeBadKey, "the idempotency key must have at most %d bytes", MaxIdempotencyKey)
	case !printable(key):
		return refuse(CodeBadKey, "the idempotency key must be printable ASCII")
	}
	return nil
}

func reference(s string) bool { return len(s) <= maxReference && printable(s) }
