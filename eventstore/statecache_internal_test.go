package eventstore

import (
	"fmt"
	"testing"

	"roomlog/domain"
)

// TestTheStateCacheIsBoundedInBytes caches the lists of words of many lives, which need much memory when they are compiled.
// The lists that were used last stay.
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
		if _, cached := cache.lru.Get(domain.WordsAdded{Live: 1}.Stream()); !cached {
			t.Fatalf("the list that is used all the time is not cached after %d others", live)
		}
	}
	sum, lists := 0, domain.LiveID(0)
	for _, s := range cache.lru.Keys() {
		if e, _ := cache.lru.Peek(s); e.state != nil {
			sum, lists = sum+e.state.(domain.Words).Weight(), lists+1
		}
	}
	for live := 100 - (lists - 2); live <= 100; live++ {
		if s := (domain.WordsAdded{Live: live}).Stream(); !cache.lru.Contains(s) {
			t.Errorf("%s is not cached, but older lists are", s)
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

// TestFollowsHaveAWeight checks that the cache counts the streamers whom a user follows: every comment of the user reads them.
func TestFollowsHaveAWeight(t *testing.T) {
	t.Parallel()
	cache := newStateCache(10)
	var state any
	for streamer := range domain.UserID(1000) {
		followed := domain.UserFollowed{User: 1, Streamer: streamer + 2, Since: 1}
		var err error
		if state, err = domain.Fold(followed.Stream(), state, followed); err != nil {
			t.Fatal(err)
		}
	}
	cache.put(map[domain.Stream]entry{domain.FollowsStream(1): {state: state}, domain.FollowsStream(2): {state: domain.Follows{}}})
	if cache.total < 16_000 || cache.total > 32_000 || len(cache.heavy) != 1 {
		t.Errorf("1000 streamers weigh %d bytes, and %d states have a weight, want about 16,000 and 1", cache.total, len(cache.heavy))
	}
}

// TestCatchingUpDropsNoState folds an event of another node into a cache that is as heavy as it may be. A batch that waits for
// this has found its states in the cache before.
func TestCatchingUpDropsNoState(t *testing.T) {
	t.Parallel()
	cache := newStateCache(10)
	streams := []domain.Stream{domain.FollowsStream(1), domain.FollowsStream(2)}
	for _, s := range streams {
		cache.put(map[domain.Stream]entry{s: {state: domain.Follows{}}})
	}
	cache.heavy[streams[0]], cache.total = maxWeight, maxWeight
	followed := domain.UserFollowed{User: 2, Streamer: 3, Since: 1}
	if err := cache.catchUp(Record{Stream: followed.Stream(), Version: 1, Event: followed}); err != nil {
		t.Fatal(err)
	}
	if cache.total <= maxWeight || len(cache.missing(map[domain.Stream]struct{}{streams[0]: {}, streams[1]: {}})) > 0 {
		t.Errorf("the cache weighs %d bytes and has lost a state", cache.total)
	}
	cache.put(nil)
	if cache.lru.Contains(streams[0]) || !cache.lru.Contains(streams[1]) || cache.total > lighter {
		t.Errorf("after the batch, the cache weighs %d bytes and has the streams %v", cache.total, cache.lru.Keys())
	}
}
