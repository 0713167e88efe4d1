package domain

import (
	"fmt"
	"time"
)

// View is what a decision may look at: the actor, the time, and the newest states of the streams that its request
// names. Each file of a state adds a method that returns it; a stream without events has the zero state.
type View struct {
	Actor  Actor
	Now    time.Time // becomes recorded_at of the events; never runs backwards
	states map[Stream]any
	fault  *error // set when a decision looks at a stream it did not name, or a state has the wrong type
}

func newView(actor Actor, now time.Time, states map[Stream]any, fault *error) View {
	return View{Actor: actor, Now: now, states: states, fault: fault}
}

// look returns the state of stream s.
func look[S any](v View, s Stream) S {
	state, named := v.states[s]
	if !named {
		*v.fault = fmt.Errorf("decision looked at %s without naming it", s)
	}
	typed, err := stateAs[S](s, state)
	if err != nil {
		*v.fault = err
	}
	return typed
}

// stateAs returns state, which is nil before the first event of s, as an S. A state of another type is a fault: it
// must not pass for an empty one.
func stateAs[S any](s Stream, state any) (S, error) {
	typed, ok := state.(S)
	if !ok && state != nil {
		return typed, fmt.Errorf("the state of %s is a %T, not a %T", s, state, typed)
	}
	return typed, nil
}

// Counter is a state that hands out ids (Value is the newest id) or counts things (Value is their number). It
// folds from events of any stream. Its name is not a stream of the log.
type Counter struct {
	Value int64
}

// The counters.
const (
	nextUser        Stream = "next-user"
	nextLive        Stream = "next-live"
	nextGift        Stream = "next-gift"
	nextParticipant Stream = "next-participant"
	chatRoomCount   Stream = "count-chatroom"
)

// next returns the next free id of a counter.
func (v View) next(counter Stream) int64 { return look[Counter](v, counter).Value + 1 }

// counted is implemented by events that take an id or state how many things there are.
type counted interface{ count() int64 }
