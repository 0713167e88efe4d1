package domain

import (
	"fmt"
	"time"
)

// Decide returns the events that follow from r at the time now, given the newest states of the streams that r
// reads. It returns no events when nothing changes, and a *Refusal when the rules do not allow r. Any other error
// is a fault of the program.
func Decide(r Request, now time.Time, states map[Stream]any) ([]Event, error) {
	if err := Authorize(r, now, states); err != nil {
		return nil, err
	}
	var fault error
	events, err := commandsByType[r.Command.Type()].decide(r.Command, newView(r.Actor, now, states, &fault))
	if fault != nil {
		return nil, fmt.Errorf("%s: %w", r.Command.Type(), fault)
	}
	if err != nil {
		return nil, err
	}
	var started Stream // the newest stream that these events have started: later events may be appended to it
	for _, e := range events {
		if StartsStream(e) {
			started = e.Stream()
		}
		if _, named := states[e.Stream()]; !named && e.Stream() != started {
			return nil, fmt.Errorf("%s: appended to %s without naming it", r.Command.Type(), e.Stream())
		}
	}
	return events, nil
}

// Authorize returns nil if the actor of r may issue the command at the time now, and a *Refusal otherwise. It does
// not decide the command: the same request may be authorized later, after a new sign-in.
func Authorize(r Request, now time.Time, states map[Stream]any) error {
	if err := r.Validate(); err != nil {
		return err
	}
	var fault error
	err := commandsByType[r.Command.Type()].access.authorize(newView(r.Actor, now, states, &fault))
	if fault != nil {
		return fmt.Errorf("%s: %w", r.Command.Type(), fault)
	}
	return err
}

// MovesCoins reports whether c moves coins. Its idempotency keys and refusals are then kept for ever.
func MovesCoins(c Command) bool { return commandsByType[c.Type()].MovesCoins }

// StartsStream reports whether e takes a new id, so that e is the first event of its stream.
func StartsStream(e Event) bool { return eventsByType[e.Type()].startsStream }

// CounterEvents returns the types of the events that fold into each counter.
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

// StateSpecOf returns the spec of the state of s. It reports false for a stream of no known kind.
func StateSpecOf(s Stream) (StateSpec, bool) {
	spec, ok := statesByPrefix[s.Prefix()]
	return spec, ok
}

// FoldsInto returns the names of the states that e changes: its stream, and its counter if it has one.
func FoldsInto(e Event) []Stream {
	if spec := eventsByType[e.Type()]; spec.counter != "" {
		return []Stream{e.Stream(), spec.counter}
	}
	return []Stream{e.Stream()}
}

// Fold returns the state of s after e. The state before the first event is nil.
func Fold(s Stream, state any, e Event) (any, error) {
	spec, ok := eventsByType[e.Type()]
	switch {
	case !ok:
		return nil, fmt.Errorf("no such event: %s", e.Type())
	case s == spec.counter && s != "":
		return Counter{Value: e.(counted).count()}, nil
	case s == e.Stream():
		return spec.evolve(state, e)
	}
	return nil, fmt.Errorf("%s does not fold into %s", e.Type(), s)
}
