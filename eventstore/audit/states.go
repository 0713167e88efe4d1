package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

const (
	cachedStates = 50_000 // number of states in memory; each takes from 200 bytes to a few kilobytes
	streamPage   = 1000   // number of events that are read at once when a state is loaded
)

// errUnknown means that a state is unknown, because an event of its stream cannot be read or folded.
var errUnknown = errors.New("the state is not known")

// entry is the state of a stream before the event that is being inspected.
type entry struct {
	version int
	state   any
	unknown bool
}

// states holds the states of streams before a position of the log.
type states struct {
	store    *eventstore.Store
	cache    *simplelru.LRU[domain.Stream, entry]
	counters map[domain.Stream]any
	aside    map[int64]domain.Stream // positions and streams of the events that were set aside
}

func newStates(store *eventstore.Store) *states {
	cache, err := simplelru.NewLRU[domain.Stream, entry](cachedStates, nil)
	if err != nil {
		panic(err) // cannot happen: the size is positive
	}
	return &states{store: store, cache: cache, counters: make(map[domain.Stream]any)}
}

// isCounter reports whether s is the name of a counter. The log contains no stream with this name.
func isCounter(s domain.Stream) bool {
	_, ok := domain.StateSpecOf(s)
	return !ok
}

// setAside reports whether an event was set aside.
func (s *states) setAside(r eventstore.Record) bool { _, ok := s.aside[r.Position]; return ok }

// skipped reports whether an event was set aside and changes no state, because it moves coins or cannot be read.
func (s *states) skipped(r eventstore.Record) bool {
	_, coins := r.Event.(domain.CoinEvent)
	return s.setAside(r) && (coins || r.Event == nil)
}

// before returns the state of a stream before the event at a position.
func (s *states) before(ctx context.Context, stream domain.Stream, position int64) (entry, error) {
	if e, ok := s.cache.Get(stream); ok {
		return e, nil
	}
	e, err := s.load(ctx, stream, position)
	if err == nil {
		s.cache.Add(stream, e)
	}
	return e, err
}

// load folds the events of a stream that precede a position.
func (s *states) load(ctx context.Context, stream domain.Stream, position int64) (e entry, err error) {
	if spec, ok := domain.StateSpecOf(stream); ok && spec.Stateless {
		err := s.store.Pool().QueryRow(ctx, selectVersionBefore, stream, position).Scan(&e.version)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return e, fmt.Errorf("read the version of %s: %w", stream, err)
		}
		return e, nil
	}
	for {
		page, err := s.store.ReadStream(ctx, stream, e.version, streamPage)
		var broken *eventstore.DecodeError
		if errors.As(err, &broken) {
			return entry{unknown: true}, nil
		}
		if err != nil {
			return e, err
		}
		for _, r := range page {
			if r.Position >= position {
				return e, nil
			}
			if e.version = r.Version; s.skipped(r) {
				continue
			}
			state, err := domain.Fold(stream, e.state, r.Event)
			switch {
			case err == nil:
				e.state = state
			case !s.setAside(r):
				return entry{unknown: true}, nil // the fault of the event is reported separately
			}
		}
		if len(page) < streamPage {
			return e, nil
		}
	}
}

// after stores and returns the state after an event. before is the state of the stream before the event.
func (s *states) after(r eventstore.Record, before entry) entry {
	next := entry{version: r.Version, unknown: before.unknown, state: before.state}
	switch {
	case s.skipped(r):
	case r.Event == nil || r.Event.Stream() != r.Stream:
		next.unknown = true
	default:
		for _, stream := range domain.FoldsInto(r.Event) {
			if isCounter(stream) {
				if counter, err := domain.Fold(stream, s.counters[stream], r.Event); err == nil {
					s.counters[stream] = counter
				}
				continue
			}
			if spec, ok := domain.StateSpecOf(stream); next.unknown || ok && spec.Stateless {
				continue
			}
			state, err := domain.Fold(stream, before.state, r.Event)
			switch {
			case err == nil:
				next.state = state
			case !s.setAside(r):
				next.state, next.unknown = nil, true
			}
		}
	}
	s.cache.Add(r.Stream, next)
	return next
}
