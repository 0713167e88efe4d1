package domain

import (
	"errors"
	"fmt"
	"time"
)

// Decide answers what follows from r at the time now, given the states of the streams it
// reads: events, or a *Refusal. Any other error is a fault of the program.
func Decide(r Request, now time.Time, states map[Stream]any) ([]Event, error) {
	if err := Authorize(r, now, states); err != nil {
		return nil, err
	}
	var fault error
	see := View{Actor: r.Actor, Now: now, states: states, fault: &fault}
	events, err := commands[r.Command.Type()].decide(r.Command, see)
	if fault != nil {
		return nil, fmt.Errorf("%s: %w", r.Command.Type(), fault)
	}
	if err != nil {
		return nil, err
	}
	var opened Stream // by the newest event that takes an id: what follows may be on the same stream
	for _, e := range events {
		if StartsStream(e) {
			opened = e.Stream()
		}
		if _, named := states[e.Stream()]; !named && e.Stream() != opened {
			return nil, fmt.Errorf("%s: appended to %s without naming it", r.Command.Type(), e.Stream())
		}
	}
	return events, nil
}

// Authorize answers nil if whoever asks for r may at the time now: a refusal here says nothing about the command, and
// may be another one once the person has signed in again.
func Authorize(r Request, now time.Time, states map[Stream]any) error {
	if err := r.Check(); err != nil {
		return err
	}
	var fault error
	err := commands[r.Command.Type()].access.admit(View{Actor: r.Actor, Now: now, states: states, fault: &fault})
	if fault != nil {
		return fmt.Errorf("%s: %w", r.Command.Type(), fault)
	}
	return err
}

// MovesCoins says whether c moves coins: its idempotency key is kept for ever, and its refusal too.
func MovesCoins(c Command) bool { return commands[c.Type()].MovesCoins }

// StartsStream says whether e takes a new id: its stream begins with it.
func StartsStream(e Event) bool { return events[e.Type()].opens }

// CounterEvents lists the types of the events that take an id or say how many there are, by the state that counts.
func CounterEvents() map[Stream][]string {
	types := make(map[Stream][]string)
	for _, spec := range Events {
		if spec.counter == "" {
			continue
		}
		types[spec.counter] = append(types[spec.counter], spec.Type)
		for older := range spec.Upcasters {
			types[spec.counter] = append(types[spec.counter], older)
		}
	}
	return types
}

// StateSpecOf answers what kind of stream s is, by the noun its name begins with.
func StateSpecOf(s Stream) (StateSpec, bool) {
	spec, ok := states[s.Prefix()]
	return spec, ok
}

// FoldsInto names the states that e changes: the one of its own stream, and the one that
// counts, if e took an id of it or says how many there are.
func FoldsInto(e Event) []Stream {
	if spec := events[e.Type()]; spec.counter != "" {
		return []Stream{e.Stream(), spec.counter}
	}
	return []Stream{e.Stream()}
}

// Fold answers the state of s after e; state is nil before the first event.
func Fold(s Stream, state any, e Event) (any, error) {
	spec, ok := events[e.Type()]
	switch {
	case !ok:
		return nil, fmt.Errorf("no such event: %s", e.Type())
	case s == spec.counter && s != "":
		return Counter{Value: e.(numbered).number()}, nil
	case s == e.Stream():
		return spec.evolve(state, e)
	}
	return nil, fmt.Errorf("%s does not fold into %s", e.Type(), s)
}

// A Refusal is the domain saying no: a normal answer, told to whoever asked.
type Refusal struct {
	Code Code
	Text string
}

// Error implements error.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Text }

// AsRefusal answers the refusal in err, or nil.
func AsRefusal(err error) *Refusal {
	var no *Refusal
	if errors.As(err, &no) {
		return no
	}
	return nil
}

func refuse(code Code, format string, args ...any) error {
	return &Refusal{code, fmt.Sprintf(format, args...)}
}
