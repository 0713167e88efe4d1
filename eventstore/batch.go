package eventstore

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
)

// batch holds the content of one transaction: the requests, the states that they read, and their outcomes.
type batch struct {
	calls   []*call
	history int64           // number of the history of the log
	head    event           // newest event of the log when the lock was taken
	at      time.Time       // time at which the requests are decided, and recorded_at of the events of the batch
	setBack time.Duration   // time by which at is earlier than the newest event, or 0; see setTimes
	aside   aside           // the events up to head that were set aside
	invalid []domain.Stream // streams whose stored snapshots are invalid
	loaded  map[domain.Stream]entry
	work    map[domain.Stream]entry // the states that the batch has changed
	known   map[commandID]commandRow

	profiles map[domain.UserID]profile // profiles after the requests that are already decided; nil if no request changes a part of one

	outcomes []outcome
	faults   []error // the fault of each call; nil if it has none
	records  []Record
	rows     []commandRow // rows to insert into table command

	newKeys   map[domain.UserID]userKey
	forgotten []domain.UserID // users and participants whose keys the batch destroys
}

// profile holds the texts of a user's profile.
type profile struct {
	texts domain.ProfileTexts
	fault error // why the texts cannot be read; nil if they can
}

func newBatch(calls []*call) *batch {
	keys := 0
	for _, c := range calls {
		if c.request.IdempotencyKey != "" {
			keys++
		}
	}
	return &batch{
		calls: calls, loaded: make(map[domain.Stream]entry), work: make(map[domain.Stream]entry, len(calls)),
		known: make(map[commandID]commandRow, keys), rows: make([]commandRow, 0, keys), newKeys: make(map[domain.UserID]userKey),
		outcomes: make([]outcome, len(calls)), faults: make([]error, len(calls)),
		records: make([]Record, 0, len(calls)+len(calls)/4),
	}
}

// end returns the position that the newest event has after the batch is committed.
func (b *batch) end() int64 { return b.head.position + int64(len(b.records)) }

// newest returns the event that is the newest after the batch is committed.
func (b *batch) newest() event {
	if n := len(b.records); n > 0 {
		return event{b.records[n-1].Position, b.records[n-1].ID}
	}
	return b.head
}

// setTimes sets the time at which the requests of b are decided, which is also the recorded_at of its events. now is
// the time of the database's clock, newest that of the newest event. The time normally never decreases. If the newest
// event is too far ahead of the database's clock, the time steps back once, and the first event of the batch has
// Metadata.ClockSetBack.
func (b *batch) setTimes(now, newest time.Time) {
	b.at = now.UTC().Truncate(time.Microsecond)
	switch ahead := newest.Sub(b.at); {
	case ahead <= 0:
	case ahead <= clockTolerance:
		b.at = newest.UTC()
	default:
		b.setBack = ahead
	}
}

// entry returns the state of a stream after the requests of the batch that are already decided.
func (b *batch) entry(cache *stateCache, s domain.Stream) entry {
	if e, ok := b.work[s]; ok {
		return e
	}
	if e, ok := b.loaded[s]; ok {
		return e
	}
	e, _ := cache.lru.Get(s)
	return e
}

// setsAside reports whether an event of the batch sets an earlier event aside.
func (b *batch) setsAside() bool {
	return slices.ContainsFunc(b.records, func(r Record) bool { _, ok := r.Event.(domain.EventSetAside); return ok })
}

// decide executes the requests of the batch one after another. Each request reads the states that the earlier requests have
// left.
func (b *batch) decide(cache *stateCache, random io.Reader) {
	states := make(map[domain.Stream]any)
	for i, c := range b.calls {
		clear(states)
		var fault error
		closed := false // whether a state about coins cannot be loaded
		for _, s := range c.streams {
			e := b.entry(cache, s)
			states[s] = e.state
			switch {
			case e.fault == nil:
			case domain.ConcernsCoins(s):
				closed = true
			default:
				fault = fmt.Errorf("%s: %w", c.request.Command.Type(), e.fault)
			}
		}
		if fault == nil {
			b.outcomes[i], fault = b.decideOne(c, states, closed, cache, random)
		}
		b.faults[i] = fault
	}
}

// decideOne executes one request. closed reports that the request reads coin states that cannot be loaded; the request
// is then refused.
func (b *batch) decideOne(c *call, states map[domain.Stream]any, closed bool, cache *stateCache, random io.Reader) (out outcome, err error) {
	first := len(b.records)
	defer func() {
		if p := recover(); p != nil { // a panic of one command must not fail the others
			b.records = b.records[:first]
			out, err = outcome{}, fmt.Errorf("%s: deciding panicked: %v", c.request.Command.Type(), p)
		}
	}()
	if row, ok := b.known[c.id()]; ok && c.request.IdempotencyKey != "" {
		return b.repeat(c, row, states)
	}
	if read := c.request.History; read != 0 && read != b.history {
		return outcome{}, fmt.Errorf("%s: %w: the log has lost what the command was made from", c.request.Command.Type(), ErrBusy)
	}
	request, err := b.withProfile(c.request)
	if err != nil {
		return outcome{}, err
	}
	events, err := b.decideRules(request, states, closed)
	if refusal := domain.AsRefusal(err); refusal != nil {
		out := outcome{position: b.end(), refusal: refusal}
		// The refusal of a coin command is stored as its result, unless the actor may not send such commands at all,
		// or coins are closed for a while.
		if refusal.Code != domain.CodeCoinsClosed && c.request.IdempotencyKey != "" && domain.MovesCoins(c.request.Command) && domain.Authorize(c.request, b.at, states) == nil {
			b.remember(c, out)
		}
		return out, nil
	}
	if err != nil {
		return outcome{}, err
	}
	if err := b.apply(c, events, cache, random); err != nil {
		return outcome{}, err
	}
	out = outcome{position: b.end(), events: len(b.records) - first, first: first}
	b.remember(c, out)
	return out, nil
}

// withProfile sets the profile of a request that changes a part of it. Earlier requests of the batch may have changed it.
func (b *batch) withProfile(r domain.Request) (domain.Request, error) {
	c, ok := r.Command.(domain.ProfileCommand)
	if !ok {
		return r, nil
	}
	before := b.profiles[r.Actor.User]
	if before.fault != nil {
		return r, fmt.Errorf("%s: %w", r.Command.Type(), before.fault)
	}
	r.Command = c.WithProfile(before.texts)
	return r, nil
}

// decideRules returns the events of a request, or a refusal.
func (b *batch) decideRules(r domain.Request, states map[domain.Stream]any, closed bool) ([]domain.Event, error) {
	if !closed {
		return domain.Decide(r, b.at, states)
	}
	if err := domain.Authorize(r, b.at, states); err != nil {
		return nil, err
	}
	return nil, domain.CoinsClosedRefusal()
}

// repeat returns the first result of a command whose idempotency key is known. It refuses if the actor may no longer
// send the command, or if the key was used for a different command.
func (b *batch) repeat(c *call, row commandRow, states map[domain.Stream]any) (outcome, error) {
	err := domain.Authorize(c.request, b.at, states)
	if err == nil && !bytes.Equal(row.hash, c.hash) {
		err = &domain.Refusal{Code: domain.CodeKeyReused, Text: "this idempotency key was used for another command"}
	}
	if refusal := domain.AsRefusal(err); refusal != nil {
		return outcome{position: b.end(), refusal: refusal}, nil //nolint:nilerr // a refusal is an outcome
	}
	out := row.outcome
	out.repeated = true
	return out, err
}

// remember stores the outcome of a request with an idempotency key, so that a repetition of the request gets the same
// result.
func (b *batch) remember(c *call, out outcome) {
	if c.request.IdempotencyKey == "" {
		return
	}
	row := commandRow{c.id(), c.hash, domain.MovesCoins(c.request.Command), out}
	b.known[row.commandID] = row
	b.rows = append(b.rows, row)
}

// change is the new state of a stream after one command.
type change struct {
	stream domain.Stream
	entry  entry
}

// apply folds the events of one command into the states of the batch and appends them to its records. If it returns an
// error, it has changed nothing.
func (b *batch) apply(c *call, events []domain.Event, cache *stateCache, random io.Reader) error {
	var room [4]change
	changes := room[:0]
	of := func(s domain.Stream) *entry {
		for i := range changes {
			if changes[i].stream == s {
				return &changes[i].entry
			}
		}
		changes = append(changes, change{s, b.entry(cache, s)})
		return &changes[len(changes)-1].entry
	}
	before := len(b.records)
	for _, e := range events {
		r, err := b.record(c, e, of, random)
		if err != nil {
			b.records = b.records[:before]
			return err
		}
		b.records = append(b.records, r)
	}
	for _, changed := range changes {
		b.work[changed.stream] = changed.entry
	}
	for _, e := range events {
		if forget, ok := e.(domain.ForgetEvent); ok {
			b.forgotten = append(b.forgotten, forget.ForgottenKeyOwner())
		}
		if changed, ok := e.(domain.ProfileEvent); ok && b.profiles != nil {
			b.profiles[changed.EventUser()] = profile{texts: changed.ProfileAfter()}
		}
	}
	return nil
}

// record returns e as a Record with the next position of the batch. It leaves the payload empty; queueEvents sets it.
func (b *batch) record(c *call, e domain.Event, of func(domain.Stream) *entry, random io.Reader) (Record, error) {
	own := e.Stream()
	for _, s := range domain.FoldsInto(e) {
		now := of(s)
		after, err := domain.FoldAt(s, now.state, e, b.at)
		if err != nil {
			return Record{}, err
		}
		if now.state = after; s == own {
			now.version++
		}
	}
	id, err := uuid.NewV7FromReader(random)
	if err != nil {
		return Record{}, fmt.Errorf("generate an event id: %w", err)
	}
	of(own).event = id
	r := Record{
		Position: b.end() + 1, Stream: own, Version: of(own).version, ID: id,
		Type: e.Type(), RecordedAt: b.at, Event: e,
		Metadata: Metadata{
			Actor: c.actor, Key: c.request.IdempotencyKey, Correlation: c.request.Correlation, Causation: c.request.Causation,
			ClockSetBack: b.setBack > 0 && len(b.records) == 0,
		},
	}
	if in, ok := e.(domain.LiveEvent); ok {
		r.LiveID = in.EventLive()
	}
	return r, nil
}
