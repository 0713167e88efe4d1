package eventstore

import (
	"fmt"
	"testing"

	"roomlog/domain"
)

// TestTheStateCacheIsBoundedInBytes caches the lists of words of many lives, which need much memory when they are compiled.
func TestTheStateCacheIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	var words []string
	for i := range 600 {
		words = append(words, fmt.Sprintf("word number %020d of the list", i))
	}
	cache := newStateCache(100_000)
	for live := range domain.LiveID(100) {
		added := domain.WordsAdded{Live: live + 1, Words: words}
		state, err := domain.Fold(added.Stream(), nil, added)
		if err != nil {
			t.Fatal(err)
		}
		cache.put(map[domain.Stream]entry{added.Stream(): {state: state}, domain.Stream(fmt.Sprint("live-", live+1)): {}})
		if _, cached := cache.lru.Peek(added.Stream()); !cached {
			t.Fatalf("the newest list is not cached")
		}
	}
	sum := 0
	for _, s := range cache.lru.Keys() {
		if e, _ := cache.lru.Peek(s); e.state != nil {
			sum += e.state.(domain.Words).Weight()
		}
	}
	if sum > maxWeight || sum < maxWeight/2 || sum != cache.total {
		t.Errorf("the lists weigh %d bytes, the cache counts %d, the maximum is %d", sum, cache.total, maxWeight)
	}
	if n := cache.lru.Len() - len(cache.heavy); n != 100 {
		t.Errorf("%d other states are cached, want 100", n)
	}
	cache.empty()
	if cache.total != 0 || len(cache.heavy) != 0 {
		t.Errorf("an empty cache weighs %d bytes", cache.total)
	}
}
