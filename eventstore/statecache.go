package eventstore

import (
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"roomlog/domain"
)

// entry holds the state of a stream at a version.
type entry struct {
	state    any
	version  int
	snapshot int   // the version of its newest known snapshot
	fault    error // why the state cannot be loaded, or nil
}

// stateCache caches the states of streams as of position head. It is empty while head is headUnknown.
type stateCache struct {
	lru  *simplelru.LRU[domain.Stream, entry]
	head int64
}

const headUnknown = -1

func newStateCache(size int) *stateCache {
	lru, err := simplelru.NewLRU[domain.Stream, entry](size, nil)
	if err != nil {
		panic(err) // the size is positive
	}
	return &stateCache{lru: lru, head: headUnknown}
}

// empty drops all states, because they may be wrong after an error.
func (c *stateCache) empty() {
	c.lru.Purge()
	c.head = headUnknown
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

// catchUp folds an event of another node into the cached states.
func (c *stateCache) catchUp(r Record) error {
	for _, s := range domain.FoldsInto(r.Event) {
		e, ok := c.lru.Peek(s)
		if !ok {
			continue
		}
		if s == r.Stream {
			if r.Version != e.version+1 {
				return fmt.Errorf("fold version %d of %s into version %d: %w", r.Version, s, e.version, errNotNext)
			}
			e.version++
		}
		var err error
		if e.state, err = domain.Fold(s, e.state, r.Event); err != nil {
			return fmt.Errorf("fold position %d: %w", r.Position, err)
		}
		c.lru.Add(s, e)
	}
	return nil
}

// put caches states as of the head. It skips a state with a fault, which is loaded again when it is needed.
func (c *stateCache) put(entries map[domain.Stream]entry) {
	for s, e := range entries {
		if e.fault == nil {
			c.lru.Add(s, e)
		}
	}
}
