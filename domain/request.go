package domain

import "strconv"

// A Request is one command and who asks for it.
type Request struct {
	Command     Command
	By          Actor
	Key         string // idempotency key of the actor: 1–64 printable ASCII bytes; "" for none
	Correlation string // what this request belongs to, for logs and analysts; may be empty
	Causation   string // the event or request that caused it; may be empty
}

// ActorKind says in which right somebody asks.
type ActorKind int

// The kinds of actors.
const (
	Anyone   ActorKind = iota // not signed in
	Person                    // signed in: User and Session count
	Operator                  // at the command line of the server
	System                    // roomlog itself, for instance its watch over lost connections
	Provider                  // the payment provider, its signature checked
)

// An Actor is whoever asks.
type Actor struct {
	Kind    ActorKind
	User    UserID // of a Person
	Session string // of a Person: the session its token names
}

// PersonActor is the actor of a signed-in person.
func PersonActor(user UserID, session string) Actor {
	return Actor{Kind: Person, User: user, Session: session}
}

// String names the actor in metadata and beside its idempotency keys: "user-12", "operator".
func (a Actor) String() string {
	switch a.Kind {
	case Person:
		return "user-" + strconv.FormatInt(int64(a.User), 10)
	case Operator:
		return "operator"
	case System:
		return "system"
	case Provider:
		return "provider"
	default:
		return "anyone"
	}
}

// Reads names the streams that deciding r needs: those of its command, and for a
// person the account and the session.
func (r Request) Reads() []Stream {
	reads := r.Command.Reads(r.By)
	if r.By.Kind == Person {
		reads = append(reads, userOf(r.By.User), sessionOf(r.By.User))
	}
	return reads
}

// Check refuses a request that no state could make good: an unknown command or a bad key.
// Decide checks it too; a door asks earlier to spare the log a useless question.
func (r Request) Check() error {
	if r.Command == nil {
		return refuse(CodeBadRequest, "no command")
	}
	if _, ok := commands[r.Command.Type()]; !ok {
		return refuse(CodeBadRequest, "no such command: %s", r.Command.Type())
	}
	if r.Key == "" {
		return nil
	}
	if r.By.Kind == Anyone {
		return refuse(CodeBadKey, "an idempotency key needs a signed-in sender")
	}
	if len(r.Key) > MaxKey {
		return refuse(CodeBadKey, "the idempotency key is longer than %d bytes", MaxKey)
	}
	for i := range len(r.Key) {
		if r.Key[i] < 0x20 || r.Key[i] > 0x7e {
			return refuse(CodeBadKey, "the idempotency key has a byte outside printable ASCII")
		}
	}
	return nil
}

// MaxKey is the length of an idempotency key in bytes, at most.
const MaxKey = 64

// access says who may ask for a command.
type access int

const (
	anyone access = iota
	person
	operator
	system
	provider
)

// admit is the one place where a person's account, session and rights are checked.
func (a access) admit(see View) error {
	by := see.By
	if by.Kind == Person {
		switch user := see.User(by.User); {
		case !user.Active():
			return refuse(CodeUserUnavailable, "user %d does not exist or is disabled", by.User)
		case see.Session(by.User).ID != by.Session || by.Session == "":
			return refuse(CodeSessionEnded, "this session has ended: sign in again")
		}
	}
	switch {
	case a == anyone,
		a == person && by.Kind == Person,
		a == operator && by.Kind == Operator,
		a == operator && by.Kind == Person && see.User(by.User).Has(RoleOperator),
		a == system && by.Kind == System,
		a == provider && by.Kind == Provider:
		return nil
	case a == person:
		return refuse(CodeTokenMissing, "sign in first")
	}
	return refuse(CodeForbidden, "%s may not do this", by)
}
