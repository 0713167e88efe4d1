package domain

import (
	"strconv"
	"strings"
)

// A Request is one command and who asks for it.
type Request struct {
	Command        Command
	Actor          Actor
	IdempotencyKey string // idempotency key of the actor: 1–64 printable ASCII bytes; "" for none
	Correlation    string // what this request belongs to, for logs and analysts: at most 200 printable ASCII bytes
	Causation      string // the event or request that caused it; bounded alike
}

// ActorKind says in which right somebody asks.
type ActorKind int

// The kinds of actors.
const (
	Anonymous       ActorKind = iota // not signed in
	Authenticated                    // signed in: User and Session count
	Operator                         // at the command line of the server
	System                           // roomlog itself, for instance its watch over lost connections
	PaymentProvider                  // the payment provider, its signature checked
)

// An Actor is whoever asks.
type Actor struct {
	Kind    ActorKind
	User    UserID // of a Person
	Session string // of a Person: the session its token names
}

// AuthenticatedActor is the actor of a signed-in person.
func AuthenticatedActor(user UserID, session string) Actor {
	return Actor{Kind: Authenticated, User: user, Session: session}
}

// String names the actor in metadata and beside its idempotency keys: "user-12", "operator".
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

// Reads names the streams that deciding r needs: those of its command, and for a
// person the account and the session.
func (r Request) Reads() []Stream {
	reads := r.Command.Reads(r.Actor)
	if r.Actor.Kind == Authenticated {
		reads = append(reads, userOf(r.Actor.User), sessionOf(r.Actor.User))
	}
	return reads
}

// Check refuses a request that no state could make good: an unknown command, a name that no
// stream can have, a bad key. Decide checks it too; whoever loads states asks before, since
// such names are not for a database.
func (r Request) Check() error {
	if r.Command == nil {
		return refuse(CodeBadRequest, "no command")
	}
	if _, ok := commands[r.Command.Type()]; !ok {
		return refuse(CodeBadRequest, "no such command: %s", r.Command.Type())
	}
	for _, s := range r.Command.Reads(r.Actor) {
		if len(s) > maxStream || !printable(string(s)) || strings.Contains(string(s), " ") {
			return refuse(CodeTextInvalid, "the name of a stream has at most %d bytes of printable ASCII without spaces", maxStream)
		}
	}
	if len(r.Correlation) > maxReference || !printable(r.Correlation) ||
		len(r.Causation) > maxReference || !printable(r.Causation) {
		return refuse(CodeBadRequest, "correlation and causation have at most %d bytes of printable ASCII", maxReference)
	}
	if c, ok := r.Command.(drawn); ok {
		for _, name := range c.drawn() {
			if len(name) > maxReference || !printable(name) {
				return refuse(CodeBadRequest, "names that a door draws have at most %d bytes of printable ASCII", maxReference)
			}
		}
	}
	switch {
	case r.IdempotencyKey == "":
		return nil
	case r.Actor.Kind == Anonymous:
		return refuse(CodeBadKey, "an idempotency key needs a signed-in sender")
	case len(r.IdempotencyKey) > MaxIdempotencyKey:
		return refuse(CodeBadKey, "the idempotency key is longer than %d bytes", MaxIdempotencyKey)
	case !printable(r.IdempotencyKey):
		return refuse(CodeBadKey, "the idempotency key has a byte outside printable ASCII")
	}
	return nil
}

// drawn is a command with names that a door draws and that come into the log as they are: of sessions,
// processes, credentials. No door draws one that a table could not take; the log makes sure.
type drawn interface{ drawn() []string }

// MaxIdempotencyKey is the length of an idempotency key in bytes, at most.
const MaxIdempotencyKey = 64

// Bounds of names that are for programs, in bytes.
const (
	maxStream    = 128
	maxReference = 200
)

// access says who may ask for a command.
type access int

const (
	anyone access = iota
	person
	operator
	member // a person, who may do it to what is the own; or an operator
	system
	provider
)

// String implements fmt.Stringer.
func (a access) String() string {
	return [...]string{"anyone", "authenticated user", "operator", "owner or operator", "system", "payment provider"}[a]
}

// admit is the one place where a person's account, session and rights are checked.
func (a access) admit(see View) error {
	by := see.Actor
	if by.Kind == Authenticated {
		if err := see.User(by.User).Status().Check(by.User, see.Now); err != nil {
			return err
		}
		if err := CheckSession(see.Session(by.User).ID, by.Session); err != nil {
			return err
		}
	}
	switch {
	case a == anyone,
		(a == person || a == member) && by.Kind == Authenticated,
		(a == operator || a == member) && by.Kind == Operator,
		a == operator && by.Kind == Authenticated && see.User(by.User).HasRole(RoleOperator),
		a == system && by.Kind == System,
		a == provider && by.Kind == PaymentProvider:
		return nil
	case a == person, a == member:
		return refuse(CodeTokenMissing, "sign in first")
	}
	return refuse(CodeForbidden, "%s may not do this", by)
}
