package projections_test

import (
	"fmt"
	"testing"

	"roomlog/projections"
)

func TestFeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := newCrowd(w, 10, 3)
	w.project()
	w.caughtUp()
	begin := w.head()
	other := w.another()
	feed := projections.NewFeed(other.store, other.queries, projections.FeedConfig{})
	other.start(feed.Run)
	if err := feed.WaitFor(t.Context(), begin); err != nil {
		t.Fatal(err)
	}
	batches, err := feed.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.act(8, 2000)
	end := w.head()
	at, n, g := begin, 0, 0
	for at < end {
		b := <-batches
		if b.After != at {
			t.Fatal(b.After, at)
		}
		at = b.Checkpoint
		n += len(b.Deltas)
		g += len(b.Gauges)
	}
	fmt.Println(begin, end, n, g)
}
