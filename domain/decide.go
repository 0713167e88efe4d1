package domain

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Request is a command, the actor who issues the command, and the ids that the log stores with its events.
type Request struct {
	Command        Command
	Actor          Actor
	IdempotencyKey string // idempotency key, chosen by the actor: 1–64 printable ASCII bytes; "" for none
	Correlation    string // id that groups requests in logs and analyses: at most 200 printable ASCII bytes
	Causation      string // id of the event or request that caused this request: at most 200 printable ASCII bytes

	// History is the number of the history of the log (eventstore.History) in which the sender has read facts that the
	// command contains. The request fails if the log has another one. 0: the command contains no such facts.
	History int64
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

// Validate returns a *Refusal for a request that is invalid in every state: an unknown command, a malformed idempotency
// key, or a stream name that the log cannot store. Callers validate a request before they load states. Decide validates
// it again.
func (r Request) Validate() error {
	if r.Command == nil {
		return refuse(CodeBadRequest, "the request has no command")
	}
	if _, ok := commandsByType[r.Command.Type()]; !ok {
		return refuse(CodeBadRequest, "there is no command %s", r.Command.Type())
	}
	for _, s := range r.Command.Reads(r.Actor) {
		if err := checkStreamName(r.Command, s); err != nil {
			return err
		}
	}
	if err := checkReference("correlation", r.Correlation); err != nil {
		return err
	}
	if err := checkReference("causation", r.Causation); err != nil {
		return err
	}
	if c, ok := r.Command.(serverFields); ok {
		for _, s := range c.serverTexts() {
			if err := checkReference("a text that a server adds", s); err != nil {
				field, _ := idField(r.Command, s)
				return checkReference(field, s)
			}
		}
	}
	if c, ok := r.Command.(typedCommand); ok {
		for _, want := range c.eventTypes() {
			if len(StoredTypes(want)) == 0 {
				return refuse(CodeTextInvalid, "types: there is no event type %.60q: send a type like gift.sent.v2 or a prefix like gift.*", want)
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

// checkReference returns a *Refusal for a reference that the log cannot store.
func checkReference(field, s string) error {
	if len(s) > maxReference || !printable(s) {
		return refuse(CodeBadRequest, "%s must have at most %d bytes of printable ASCII", field, maxReference)
	}
	return nil
}

// checkStreamName returns a *Refusal for the name of a stream that the log cannot store. It names the field with the id.
func checkStreamName(c Command, s Stream) error {
	if len(s) <= maxStreamName && printable(string(s)) && !strings.Contains(string(s), " ") {
		return nil
	}
	field, before := idField(c, string(s))
	switch {
	case len(s) > maxStreamName && before < 0:
		return refuse(CodeTextInvalid, "%s is too long", field)
	case len(s) > maxStreamName:
		return refuse(CodeTextInvalid, "%s must have at most %d bytes", field, maxStreamName-before)
	}
	return refuse(CodeTextInvalid, "%s must consist of printable ASCII characters without spaces: letters, digits, signs", field)
}

// idField returns the name of the longest text of a command with which s ends, and the number of bytes of s before it. Of equal texts,
// the first name in alphabetical order counts. Texts that a server adds have no names; before is then -1.
func idField(c Command, s string) (name string, before int) {
	name, before = "a text that the server adds", -1
	var fields map[string]any
	if err := roundTrip(c, &fields); err != nil {
		return name, before
	}
	if err := roundTrip(s, &s); err != nil { // replaces what is not UTF-8, as in the fields
		return name, before
	}
	longest := 0
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if text, ok := fields[field].(string); ok && len(text) > longest && strings.HasSuffix(s, text) {
			name, before, longest = field, len(s)-len(text), len(text)
		}
	}
	return name, before
}

// roundTrip encodes v as JSON and decodes the result into to.
func roundTrip(v, to any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}

// Decide returns the events that result from r at the time now. states must contain the newest states of the streams in
// r.Reads. Decide returns no events if nothing changes, and a *Refusal if the rules do not allow r. Any other error is
// a programming error.
func Decide(r Request, now time.Time, states map[Stream]any) ([]Event, error) {
	if err := Authorize(r, now, states); err != nil {
		return nil, err
	}
	var shared progress
	events, err := commandsByType[r.Command.Type()].decide(r.Command, newView(r.Actor, now, states, &shared))
	if shared.fault != nil {
		return nil, fmt.Errorf("%s: %w", r.Command.Type(), shared.fault)
	}
	if err != nil {
		return nil, err
	}
	var started Stream // newest stream that these events have created and that Reads does not name; later events may follow in it
	for _, e := range events {
		stream := e.Stream()
		switch _, named := states[stream]; {
		case named:
		case StartsStream(e):
			started = stream
		case stream != started:
			return nil, fmt.Errorf("%s: the decision appends to the stream %s: add it to the streams that Reads returns", r.Command.Type(), stream)
		}
	}
	return events, nil
}

// Authorize returns nil if the actor of r may issue the command at the time now, and a *Refusal otherwise. It checks
// only the actor: Decide may still refuse the command.
func Authorize(r Request, now time.Time, states map[Stream]any) error {
	if err := r.Validate(); err != nil {
		return err
	}
	var shared progress
	err := commandsByType[r.Command.Type()].access.authorize(newView(r.Actor, now, states, &shared))
	if shared.fault != nil {
		return fmt.Errorf("%s: %w", r.Command.Type(), shared.fault)
	}
	return err
}

// MovesCoins reports whether c moves coins. The log keeps the idempotency keys and refusals of such commands
// permanently.
func MovesCoins(c Command) bool { return commandsByType[c.Type()].MovesCoins }

// StartsStream reports whether events of e's type assign a new numeric id and are the first event of the stream with
// that id.
func StartsStream(e Event) bool { return eventsByType[e.Type()].startsStream }

// StateSpecOf returns the spec of the state of s. It reports false if s has no known prefix.
func StateSpecOf(s Stream) (StateSpec, bool) {
	spec, ok := statesByPrefix[s.Prefix()]
	return spec, ok
}

// FoldsInto returns the names of the states that e changes: the state of its stream and, if it changes a counter, the
// counter.
func FoldsInto(e Event) []Stream {
	if spec := eventsByType[e.Type()]; spec.counter != "" {
		return []Stream{e.Stream(), spec.counter}
	}
	return []Stream{e.Stream()}
}

// Fold does the same as FoldAt, for an event whose time is unknown or not needed. The new state then contains no time
// of the event.
func Fold(s Stream, state any, e Event) (any, error) { return FoldAt(s, state, e, time.Time{}) }

// FoldAt applies e to state, the state of s, and returns the new state. A nil state stands for the state before the first
// event. at is the time of the event in the log.
func FoldAt(s Stream, state any, e Event, at time.Time) (any, error) {
	spec, ok := eventsByType[e.Type()]
	switch {
	case !ok:
		return nil, fmt.Errorf("no such event: %s", e.Type())
	case s == spec.counter && s != "":
		return Counter{Value: e.(counted).count()}, nil
	case s == e.Stream():
		return spec.evolve(state, e, at)
	}
	return nil, fmt.Errorf("%s does not fold into %s", e.Type(), s)
}

// CoinsConcerned returns the users whose coins an event of stream s concerns if the event cannot be applied: the user
// of the stream of a wallet or of earnings, and the users whose wallets occur in the postings of e. e is nil if the event cannot be
// decoded. spec describes the type of the event; known reports whether the program knows that type. all reports that
// the event may concern the coins of everybody, because neither the event nor its stream contains a user.
func CoinsConcerned(s Stream, spec EventSpec, known bool, e Event) (users []UserID, all bool) {
	add := func(u UserID) {
		if u > 0 && !slices.Contains(users, u) {
			users = append(users, u)
		}
	}
	add(numberAfter("wallet-", string(s)))
	add(numberAfter("earnings-", string(s)))
	if coins, ok := e.(CoinEvent); ok {
		for _, p := range coins.EventPostings() {
			add(numberAfter("user-", string(p.Account)))
		}
	}
	slices.Sort(users)
	if len(users) > 0 {
		return users, false
	}
	switch kind, of := s.Prefix(), spec.Zero; {
	case kind == coinHoldsStream.Prefix():
		return nil, true
	case known:
		_, moves := of.(CoinEvent)
		return nil, moves
	default: // a newer version of the program may have written the event
		_, ok := StateSpecOf(s)
		return nil, !ok || kind == "order" || kind == "wallet" || kind == "earnings" || kind == "payout"
	}
}
