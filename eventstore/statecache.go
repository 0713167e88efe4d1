package eventstore

import (
	"errors"
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"roomlog/domain"
)

// entry is the state of a stream at a version.
type entry struct {
	state    any
	version  int
	snapshot int   // the version of its newest snapshot that we know of
	fault    error // why the state could not be loaded
}

// stateCache remembers states. They are those at position head; while head is unknown it is empty.
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

// empty forgets everything: after an error nobody knows what is still true.
func (c *stateCache) empty() {
	c.lru.Purge()
	c.head = headUnknown
}

func (c *stateCache) missing(streams map[domain.Stream]struct{}) []domain.Stream {
	var missing []domain.Stream
	for s := range streams {
		if !c.lru.Contains(s) {
			missing = append(missing, s)
		}
	}
	return missing
}

var errNotNext = errors.New("a version is missing between the state and the event")

// catchUp folds an event that another process appended into the states that are remembered.
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

// put takes over states at the head; one that could not be loaded is tried again next time.
func (c *stateCache) put(entries map[domain.Stream]entry) {
	for s, e := range entries {
		if e.fault == nil {
			c.lru.Add(s, e)
		}
	}
}
