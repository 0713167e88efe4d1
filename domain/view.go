package domain

import (
	"fmt"
	"time"
)

// View contains everything that a decision may read: the actor, the time, and the newest states of the streams that the
// request reads. The file of each state adds a method that returns this state. A stream without events has the zero
// state.
type View struct {
	Actor  Actor
	Now    time.Time // time of the decision, stored as recorded_at of the events; never decreases
	states map[Stream]any
	fault  *error // set if a decision reads a stream that its request does not list in Reads, or if a state has the wrong type
}

func newView(actor Actor, now time.Time, states map[Stream]any, fault *error) View {
	return View{Actor: actor, Now: now, states: states, fault: fault}
}

// look returns the state of stream s.
func look[S any](v View, s Stream) S {
	state, named := v.states[s]
	if !named {
		*v.fault = fmt.Errorf("the decision reads the stream %s: add it to the streams that Reads returns", s)
	}
	typed, err := stateAs[S](s, state)
	if err != nil {
		*v.fault = err
	}
	return typed
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

// The counters.
const (
	nextUser        Stream = "next-user"
	nextLive        Stream = "next-live"
	nextGift        Stream = "next-gift"
	nextParticipant Stream = "next-participant"
	chatRoomCount   Stream = "count-chatroom"
)

// next returns the next unused id of a counter.
func (v View) next(counter Stream) int64 { return look[Counter](v, counter).Value + 1 }

// counted is implemented by events that set a counter. count returns the assigned id or the new number of objects.
type counted interface{ count() int64 }
