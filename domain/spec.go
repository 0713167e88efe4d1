package domain

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// CommandSpec describes one type of command.
type CommandSpec struct {
	Type       string
	MovesCoins bool    // whether the command moves coins: its idempotency keys and refusals are kept permanently
	Zero       Command // the zero value of the command, for documentation
	access     access
	decide     func(Command, View) ([]Event, error)
}

// Access returns the name of the access rule: "anyone", "authenticated user", "operator", "owner or operator",
// "moderator or operator", "system" or "payment provider".
func (s CommandSpec) Access() string { return s.access.String() }

// EventSpec describes one type of event.
type EventSpec struct {
	Type string
	Zero Event // the zero value of the event, for documentation
	// Decode decodes a payload of this version.
	Decode func(payload []byte) (Event, error)
	// Personal copies e. It returns pointers to the personal texts of the copy, and the owner of the key that seals
	// them. The caller changes the texts through the pointers, then calls copy to get the changed event. Personal is
	// nil for events without personal texts.
	Personal func(e Event) (copy func() Event, owner UserID, texts []*string)
	// Upcasters maps the types of earlier versions to functions that convert their payloads to this version.
	Upcasters map[string]Upcaster

	evolve       func(state any, e Event, at time.Time) (any, error)
	counter      Stream // the counter that the event also changes; "" if there is none
	startsStream bool   // whether the event takes its id from the counter and is the first event of its stream
}

// Types returns the types of all versions of the event: first the current one, then the earlier ones in no order.
func (s EventSpec) Types() []string {
	return append([]string{s.Type}, slices.Collect(maps.Keys(s.Upcasters))...)
}

// Privacy defines who may read a field of an event in a replay of the log.
type Privacy int

// The values of Privacy, with the readers who may read the field.
const (
	Public  Privacy = iota + 1 // every reader
	Private                    // readers with RolePersonal
)

// Upcaster converts the payload of an earlier version of an event to the payload of the current version. Personal
// texts are sealed in both payloads.
type Upcaster func(payload []byte) ([]byte, error)

// StateSpec describes the state of one kind of stream.
type StateSpec struct {
	Prefix    string
	Format    int  // version of the JSON encoding; snapshots with another version are ignored
	Stateless bool // whether the state is never loaded, because no decision reads it
	Decode    func([]byte) (any, error)
}

// Stateless is the state of a stream that no decision reads.
type Stateless struct{}

// decision is a command with its decision rule.
type decision interface {
	Command
	decide(view View) ([]Event, error)
}

// fold is an event with a method that changes S, the state of its stream.
type fold[S any] interface {
	Event
	evolve(S) S
}

// stamped is implemented by events whose state contains their time.
type stamped[S any] interface {
	// stamp sets the time of the event in the state after the event.
	stamp(after S, at time.Time) S
}

func command[C decision](who access) CommandSpec {
	var zero C
	return CommandSpec{Type: zero.Type(), Zero: zero, access: who,
		decide: func(c Command, view View) ([]Event, error) {
			typed, ok := c.(C)
			if !ok {
				return nil, fmt.Errorf("%s: the command is a %T, not a %T", c.Type(), c, typed)
			}
			return typed.decide(view)
		}}
}

// coins marks s as the spec of a command that moves coins, and returns it.
func coins(s CommandSpec) CommandSpec { s.MovesCoins = true; return s }

func event[E fold[S], S any]() EventSpec {
	var zero E
	return EventSpec{
		Type: zero.Type(), Zero: zero,
		Decode: func(payload []byte) (Event, error) {
			var e E
			if err := json.Unmarshal(payload, &e); err != nil {
				return nil, fmt.Errorf("decode %s: %w", e.Type(), err)
			}
			return e, nil
		},
		evolve: func(state any, e Event, at time.Time) (any, error) {
			before, err := stateAs[S](e.Stream(), state)
			if err != nil {
				return nil, err
			}
			if c, ok := e.(interface{ check(before S) error }); ok {
				if err := c.check(before); err != nil {
					return nil, fmt.Errorf("%s: %w", e.Type(), err)
				}
			}
			after := e.(E).evolve(before)
			if s, ok := e.(stamped[S]); ok && !at.IsZero() {
				after = s.stamp(after, at)
			}
			return after, nil
		},
	}
}

// personal returns the spec of an event with texts that are sealed with a user's key.
func personal[E Event, P interface {
	*E
	personal() (UserID, []*string)
}](s EventSpec) EventSpec {
	s.Personal = func(e Event) (func() Event, UserID, []*string) {
		typed := e.(E)
		owner, texts := P(&typed).personal()
		return func() Event { return typed }, owner, texts
	}
	return s
}

// extends adds earlier versions of an event to its spec, and returns it. Each field that they lack has the zero value: their
// payloads are decoded as they are.
func extends(s EventSpec, earlier ...string) EventSpec {
	s.Upcasters = make(map[string]Upcaster, len(earlier))
	for _, older := range earlier {
		s.Upcasters[older] = func(payload []byte) ([]byte, error) { return payload, nil }
	}
	return s
}

// takesID marks s as the spec of an event that takes its id from counter, and returns it.
func takesID(s EventSpec, counter Stream) EventSpec {
	s = counts(s, counter)
	s.startsStream = true
	return s
}

// counts marks s as the spec of an event that sets the value of counter, and returns it.
func counts(s EventSpec, counter Stream) EventSpec {
	if _, ok := s.Zero.(counted); !ok {
		panic("domain: " + s.Type + " has no number for " + string(counter))
	}
	s.counter = counter
	return s
}

func state[S any](prefix string, format int) StateSpec {
	var zero S
	_, stateless := any(zero).(Stateless)
	return StateSpec{Prefix: prefix, Format: format, Stateless: stateless, Decode: func(b []byte) (any, error) {
		var s S
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, fmt.Errorf("decode the state of a %s stream: %w", prefix, err)
		}
		return s, nil
	}}
}

// access is an access rule: it selects the actors that may issue a command.
type access int

const (
	anyone access = iota
	authenticated
	operator
	ownerOrOperator     // any signed-in user; the decision checks that the user owns the object or has the role operator
	moderatorOrOperator // any signed-in user; the decision checks that the user may moderate the live
	system
	paymentProvider
)

func (a access) String() string {
	return [...]string{"anyone", "authenticated user", "operator", "owner or operator", "moderator or operator", "system", "payment provider"}[a]
}

// authorize checks the actor of a request. It first checks the user's status and session, then the access rule.
func (a access) authorize(view View) error {
	actor := view.Actor
	if actor.Kind == Authenticated {
		if err := view.User(actor.User).Status().Check(actor.User, view.Now); err != nil {
			return err
		}
		if err := CheckSession(view.Session(actor.User).ID, actor.Session); err != nil {
			return err
		}
	}
	switch {
	case a == anyone,
		(a == authenticated || a == ownerOrOperator || a == moderatorOrOperator) && actor.Kind == Authenticated,
		(a == operator || a == ownerOrOperator || a == moderatorOrOperator) && actor.Kind == Operator,
		a == operator && actor.Kind == Authenticated && view.User(actor.User).HasRole(RoleOperator),
		a == system && actor.Kind == System,
		a == paymentProvider && actor.Kind == PaymentProvider:
		return nil
	case a == authenticated, a == ownerOrOperator, a == moderatorOrOperator:
		return refuse(CodeTokenMissing, "sign in first")
	}
	return refuse(CodeForbidden, "%s may not do this", actor)
}
