package eventstore

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// entry holds the state of a stream at a version of the stream.
type entry struct {
	state    any
	version  int
	event    uuid.UUID // id of the event at version
	snapshot int       // version of the newest known snapshot of the stream
	invalid  bool      // whether the stored snapshot is invalid and must be replaced
	fault    error     // why the state cannot be loaded; nil if it can
}

// stateCache caches the states of streams as of position head, and the events that were set aside up to head. It is
// empty while head is headUnknown.
type stateCache struct {
	lru   *simplelru.LRU[domain.Stream, entry]
	heavy map[domain.Stream]int // weights of the cached states that have one, in bytes
	total int                   // sum of the weights
	aside aside
	head  int64
}

// aside holds the positions and streams of the events that were set aside. These events have no effect on states. It is
// nil while they are unknown, and is not changed afterwards.
type aside map[int64]domain.Stream

// positions returns the positions as a parameter for a statement.
func (a aside) positions() []int64 { return slices.AppendSeq(make([]int64, 0, len(a)), maps.Keys(a)) }

// of returns the positions that belong to one stream, in order.
func (a aside) of(s domain.Stream) (positions []int64) {
	for position, stream := range a {
		if stream == s {
			positions = append(positions, position)
		}
	}
	slices.Sort(positions)
	return positions
}

// read adds the positions in the result of selectSetAside. It ignores an event that cannot be decoded.
func (a aside) read(rows pgx.Rows, codec *codec) error {
	var position int64
	var eventType string
	var payload []byte
	_, err := pgx.ForEachRow(rows, []any{&position, &eventType, &payload}, func() error {
		e, err := codec.parse(eventType, payload)
		if set, ok := e.(domain.EventSetAside); ok && err == nil && set.Position < position {
			a[set.Position] = set.Of
		}
		return nil // not lost: the projector reports an event that cannot be decoded
	})
	return err
}

const headUnknown = -1

// Bounds of the weight in bytes of the cached states that have one, because they can need much memory: lists of words, and the
// streamers whom users follow.
const (
	maxWeight = 192 << 20
	lighter   = maxWeight - maxWeight/8 // weight to which heavy states are reduced; below maxWeight, so that few additions need a reduction
)

func newStateCache(size int) *stateCache {
	c := &stateCache{heavy: make(map[domain.Stream]int), head: headUnknown}
	lru, err := simplelru.NewLRU(size, func(s domain.Stream, _ entry) {
		c.total -= c.heavy[s]
		delete(c.heavy, s)
	})
	if err != nil {
		panic(err) // cannot happen: the size is positive
	}
	c.lru = lru
	return c
}

// set caches the state of a stream. It drops no state because of its weight: a batch that is decided may need it.
func (c *stateCache) set(s domain.Stream, e entry) {
	c.lru.Add(s, e)
	weight := 0
	if w, ok := e.state.(interface{ Weight() int }); ok {
		weight = w.Weight()
	}
	c.total += weight - c.heavy[s]
	delete(c.heavy, s)
	if weight > 0 {
		c.heavy[s] = weight
	}
}

// trim drops states that have a weight if they are too heavy, first those that were not used for the longest time.
func (c *stateCache) trim() {
	if c.total <= maxWeight {
		return
	}
	for _, s := range c.lru.Keys() {
		if c.total <= lighter {
			return
		}
		if c.heavy[s] > 0 {
			c.lru.Remove(s)
		}
	}
}

// empty drops all states, because they may be wrong after an error.
func (c *stateCache) empty() {
	c.lru.Purge()
	c.aside, c.head = nil, headUnknown
}

// missing returns the streams whose states are not cached.
func (c *stateCache) missing(streams map[domain.Stream]struct{}) []domain.Stream {
	var missing []domain.Stream
	for s := range streams {
		if !c.lru.Contains(s) {
			missing = append(missing, s)
		}
	}
	return missing
}

// reported remembers the streams whose faults were logged, so that each is logged once.
type reported struct {
	lru *simplelru.LRU[domain.Stream, struct{}]
}

const maxReported = 1000

func newReported() *reported {
	lru, err := simplelru.NewLRU[domain.Stream, struct{}](maxReported, nil)
	if err != nil {
		panic(err) // cannot happen: the size is positive
	}
	return &reported{lru}
}

// once reports whether this is the first call with s.
func (r *reported) once(s domain.Stream) bool {
	if r.lru.Contains(s) {
		return false
	}
	r.lru.Add(s, struct{}{})
	return true
}

// errSetAside means that an event was set aside. The states that it has changed must be loaded again.
var errSetAside = errors.New("an event was set aside")

// catchUp folds an event of another node into the cached states. It drops none of them.
func (c *stateCache) catchUp(r Record) error {
	if _, ok := r.Event.(domain.EventSetAside); ok {
		return errSetAside
	}
	for _, s := range domain.FoldsInto(r.Event) {
		e, ok := c.lru.Peek(s)
		if !ok {
			continue
		}
		if s == r.Stream {
			if r.Version != e.version+1 {
				return fmt.Errorf("fold version %d of %s into version %d: %w", r.Version, s, e.version, errNotNext)
			}
			e.version, e.event = r.Version, r.ID
		}
		var err error
		if e.state, err = domain.FoldAt(s, e.state, r.Event, r.RecordedAt); err != nil {
			return fmt.Errorf("fold position %d: %w", r.Position, err)
		}
		c.set(s, e)
	}
	return nil
}

// put caches states as of the head, after a batch. It skips a state with a fault, so that the state is loaded again when it is needed.
func (c *stateCache) put(entries map[domain.Stream]entry) {
	for s, e := range entries {
		if e.fault == nil {
			c.set(s, e)
		}
	}
	c.trim()
}
