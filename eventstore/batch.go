package eventstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
)

// batch is what one transaction decides and writes.
type batch struct {
	calls  []*call
	head   int64     // the end of the log when the lock was taken
	at     time.Time // recorded_at of everything in it
	loaded map[domain.Stream]entry
	work   map[domain.Stream]entry // states that the batch has changed
	known  map[commandID]commandRow

	outcomes []outcome
	faults   []error // of single calls; nil where there is none
	records  []Recorded
	rows     []commandRow // to be inserted

	newKeys map[domain.UserID]personKey
	gone    []domain.UserID // forgotten in this batch
}

func newBatch(calls []*call) *batch {
	return &batch{
		calls: calls, loaded: make(map[domain.Stream]entry), work: make(map[domain.Stream]entry),
		known: make(map[commandID]commandRow), newKeys: make(map[domain.UserID]personKey),
		outcomes: make([]outcome, len(calls)), faults: make([]error, len(calls)),
	}
}

// end is the position of the newest event once the batch is committed.
func (b *batch) end() int64 { return b.head + int64(len(b.records)) }

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

// decide answers every call of the batch, one after another, each seeing what the earlier ones did.
func (b *batch) decide(cache *stateCache) {
	for i, c := range b.calls {
		states := make(map[domain.Stream]any, len(c.streams))
		for _, s := range c.streams {
			states[s] = b.entry(cache, s).state
		}
		out, err := b.decideOne(c, states, cache)
		if no := domain.Refused(err); no != nil {
			out, err = outcome{position: b.end(), refusal: no}, nil
		}
		b.outcomes[i], b.faults[i] = out, err
	}
}

func (b *batch) decideOne(c *call, states map[domain.Stream]any, cache *stateCache) (out outcome, err error) {
	defer func() {
		if p := recover(); p != nil { // a broken rule must not take down everybody else's commands
			err = fmt.Errorf("%s: deciding panicked: %v", c.request.Command.Type(), p)
		}
	}()
	if err := domain.Admit(c.request, states); err != nil {
		return outcome{}, err
	}
	if c.request.Key != "" {
		if row, ok := b.known[c.id()]; ok {
			if !bytes.Equal(row.hash, c.hash) {
				return outcome{}, &domain.Refusal{Code: domain.CodeKeyReused, Text: "this idempotency key was used for another command"}
			}
			out := row.outcome
			out.repeated, out.records = true, nil
			return out, nil
		}
	}
	events, err := domain.Decide(c.request, b.at, states)
	if no := domain.Refused(err); no != nil {
		out := outcome{position: b.end(), refusal: no}
		if domain.CoinCommand(c.request.Command) {
			b.remember(c, out)
		}
		return out, nil
	}
	if err != nil {
		return outcome{}, err
	}
	records, err := b.follow(c, events, cache)
	if err != nil {
		return outcome{}, err
	}
	out = outcome{position: b.end(), events: len(records), records: records}
	b.remember(c, out)
	return out, nil
}

func (b *batch) remember(c *call, out outcome) {
	if c.request.Key == "" {
		return
	}
	row := commandRow{c.id(), c.hash, domain.CoinCommand(c.request.Command), out}
	b.known[row.commandID] = row
	b.rows = append(b.rows, row)
}

// follow folds what was decided into the batch's states and gives it positions, all or nothing.
func (b *batch) follow(c *call, events []domain.Event, cache *stateCache) ([]Recorded, error) {
	changed := make(map[domain.Stream]entry, len(events))
	records := make([]Recorded, 0, len(events))
	for _, e := range events {
		own := e.Stream()
		for _, s := range domain.Folds(e) {
			before, ok := changed[s]
			if !ok {
				before = b.entry(cache, s)
			}
			after, err := domain.Fold(s, before.state, e)
			if err != nil {
				return nil, err
			}
			version := before.version
			if s == own {
				version++
			}
			changed[s] = entry{after, version}
		}
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("draw an event id: %w", err)
		}
		r := Recorded{
			Position: b.end() + int64(len(records)) + 1, Stream: own, Version: changed[own].version, ID: id,
			Type: e.Type(), RecordedAt: b.at, Event: e,
			Metadata: Metadata{c.actor, c.request.Key, c.request.Correlation, c.request.Causation},
		}
		if in, ok := e.(domain.LiveEvent); ok {
			r.LiveID = in.InLive()
		}
		if gone, ok := e.(domain.UserForgotten); ok {
			b.gone = append(b.gone, gone.User)
		}
		records = append(records, r)
	}
	for s, e := range changed {
		b.work[s] = e
	}
	b.records = append(b.records, records...)
	return records, nil
}

// snapshots answers the states that have come so far since their last snapshot that another is due.
func (b *batch) snapshots(cache *stateCache, every int) (streams []string, versions, formats []int, states [][]byte, err error) {
	for s, now := range b.work {
		spec, ok := domain.StateOf(s)
		if !ok || spec.Stateless {
			continue
		}
		before, ok := b.loaded[s]
		if !ok {
			before, _ = cache.lru.Peek(s)
		}
		if now.version/every == before.version/every {
			continue
		}
		state, err := json.Marshal(now.state)
		if err != nil {
			return nil, nil, nil, nil, fmt.Errorf("snapshot of %s: %w", s, err)
		}
		streams, versions = append(streams, string(s)), append(versions, now.version)
		formats, states = append(formats, spec.Format), append(states, state)
	}
	return streams, versions, formats, states, nil
}
