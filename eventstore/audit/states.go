package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// cachedStates is the number of states in memory; each takes from 200 bytes to a few kilobytes.
const cachedStates = 8_192

// errUnknown means that a state is unknown, because an event of its stream cannot be read or folded.
var errUnknown = errors.New("the state is not known")

// entry is the state of a stream before the event that is being inspected.
type entry struct {
	version int
	state   any
	unknown bool
	stored  bool // whether the temporary table contains this entry
}

// states holds the states of streams before a position of the log: the states that were used last in memory, the others
// in a temporary table. So the memory does not grow with the log, and no event is read twice.
type states struct {
	db       *pgx.Conn
	cache    *simplelru.LRU[domain.Stream, entry]
	evicted  map[domain.Stream]entry // states that are no longer cached and not yet in the temporary table
	created  bool                    // whether the temporary table exists
	counters map[domain.Stream]any
	aside    map[int64]domain.Stream // positions and streams of the events that were set aside
}

func newStates(db *pgx.Conn) *states {
	s := &states{db: db, evicted: make(map[domain.Stream]entry), counters: make(map[domain.Stream]any)}
	cache, err := simplelru.NewLRU(cachedStates, func(stream domain.Stream, e entry) {
		if !e.stored {
			s.evicted[stream] = e
		}
	})
	if err != nil {
		panic(err) // cannot happen: the size is positive
	}
	s.cache = cache
	return s
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

// before returns the state of a stream before the event that is being inspected.
func (s *states) before(ctx context.Context, stream domain.Stream) (entry, error) {
	if e, ok := s.cached(stream); ok {
		return e, nil
	}
	if err := s.load(ctx, []domain.Stream{stream}); err != nil {
		return entry{}, err
	}
	e, _ := s.cache.Get(stream)
	return e, nil
}

// cached returns the state of a stream if it is in memory.
func (s *states) cached(stream domain.Stream) (entry, bool) {
	if e, ok := s.cache.Get(stream); ok {
		return e, true
	}
	e, ok := s.evicted[stream]
	if ok {
		delete(s.evicted, stream)
		s.cache.Add(stream, e)
	}
	return e, ok
}

// prepare moves states that are no longer cached to the temporary table, and caches the states of the streams of the next events.
func (s *states) prepare(ctx context.Context, events []eventstore.Record) error {
	if err := s.store(ctx); err != nil {
		return err
	}
	var missing []domain.Stream
	for _, r := range events {
		if _, ok := s.cached(r.Stream); !ok {
			missing = append(missing, r.Stream)
		}
	}
	return s.load(ctx, missing)
}

// store writes the states in evicted to the temporary table.
func (s *states) store(ctx context.Context) error {
	if len(s.evicted) == 0 {
		return nil
	}
	if !s.created {
		if _, err := s.db.Exec(ctx, createStates); err != nil {
			return fmt.Errorf("create a temporary table of states: %w", err)
		}
		s.created = true
	}
	var streams []domain.Stream
	var versions []int
	var unknown []bool
	var encoded [][]byte
	for stream, e := range s.evicted {
		var text []byte // nil: the stream has no state
		if e.state != nil {
			var err error
			if text, err = json.Marshal(e.state); err != nil {
				return fmt.Errorf("encode the state of %s: %w", stream, err)
			}
		}
		streams, versions, unknown, encoded = append(streams, stream), append(versions, e.version), append(unknown, e.unknown), append(encoded, text)
	}
	if _, err := s.db.Exec(ctx, upsertStates, streams, versions, unknown, encoded); err != nil {
		return fmt.Errorf("store states: %w", err)
	}
	clear(s.evicted)
	return nil
}

// load caches the states of streams, which are neither in the cache nor in evicted. The state of a stream that the
// temporary table does not contain is that before its first event.
func (s *states) load(ctx context.Context, streams []domain.Stream) error {
	for _, stream := range streams {
		s.cache.Add(stream, entry{stored: true})
	}
	if !s.created || len(streams) == 0 {
		return nil
	}
	rows, err := s.db.Query(ctx, selectStates, streams)
	if err != nil {
		return fmt.Errorf("load states: %w", err)
	}
	var stream domain.Stream
	var encoded []byte
	e := entry{stored: true}
	_, err = pgx.ForEachRow(rows, []any{&stream, &e.version, &e.unknown, &encoded}, func() (err error) {
		e.state = nil
		if encoded != nil {
			spec, _ := domain.StateSpecOf(stream)
			if e.state, err = spec.Decode(encoded); err != nil {
				return fmt.Errorf("decode the state of %s: %w", stream, err)
			}
		}
		s.cache.Add(stream, e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("load states: %w", err)
	}
	return nil
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
			state, err := domain.FoldAt(stream, before.state, r.Event, r.RecordedAt)
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
