package eventstore

import (
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"roomlog/domain"
)

// entry is the state of a stream at a version.
type entry struct {
	state   any
	version int
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

// catchUp folds an event that another process appended into the states that are remembered.
func (c *stateCache) catchUp(r Recorded) error {
	for _, s := range domain.Folds(r.Event) {
		before, ok := c.lru.Peek(s)
		if !ok {
			continue
		}
		after, err := domain.Fold(s, before.state, r.Event)
		if err != nil {
			return fmt.Errorf("fold position %d: %w", r.Position, err)
		}
		version := before.version
		if s == r.Stream {
			version = r.Version
		}
		c.lru.Add(s, entry{after, version})
	}
	return nil
}

func (c *stateCache) put(entries map[domain.Stream]entry) {
	for s, e := range entries {
		c.lru.Add(s, e)
	}
}
