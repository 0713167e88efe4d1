package invariant

import (
	"fmt"

	"roomlog/domain"
)

// States returns the state of a stream, or of a counter, before the event that is checked. It returns nil if the stream
// had no events.
type States func(domain.Stream) (any, error)

// checker collects the first fault of one event.
type checker struct {
	states States
	fault  string
	err    error
}

// expect records a fault if ok is false and no fault is recorded yet.
func (c *checker) expect(ok bool, format string, args ...any) {
	if !ok && c.fault == "" {
		c.fault = fmt.Sprintf(format, args...)
	}
}

// state returns the state of the stream that contains the event like. S is the type of that state.
func state[S any](c *checker, like domain.Event) (typed S) {
	found, err := c.states(like.Stream())
	if err != nil {
		c.err = err
		return typed
	}
	typed, _ = found.(S)
	return typed
}

func (c *checker) user(id domain.UserID) domain.User {
	return state[domain.User](c, domain.UserRegistered{User: id})
}

func (c *checker) live(id domain.LiveID) domain.Live {
	return state[domain.Live](c, domain.LiveCreated{Live: id})
}

func (c *checker) participant(id domain.ParticipantID) domain.Participant {
	return state[domain.Participant](c, domain.ParticipantEntered{Participant: id})
}
