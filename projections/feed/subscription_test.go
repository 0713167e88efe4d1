package feed_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/projections/projtest"
)

// startFeed runs a feed until the test ends or stop is called.
func startFeed(w *projtest.World, c feed.Config) (f *feed.Feed, stop func()) {
	w.Helper()
	f = feed.New(w.Store, w.Queries, c)
	return f, w.Start(f.Run)
}

// startWithTraffic starts a projector and a feed on a log with users and lives. It returns when the feed has released all
// events of the log.
func startWithTraffic(t testing.TB, users, lives int, c feed.Config) (*projtest.World, *projtest.Traffic, *feed.Feed) {
	t.Helper()
	w := projtest.New(t)
	traffic := projtest.NewTraffic(w, users, lives)
	w.Project()
	f, _ := startFeed(w, c)
	begun(w, f)
	return w, traffic, f
}

// subscribed reads a subscription and checks that each batch begins where the previous one ended.
type subscribed struct {
	*projtest.World
	batches <-chan feed.Batch
	at      int64 // end of the newest batch; -1 before the first batch
	deltas  []projections.Delta
	gauges  map[domain.LiveID]projections.Gauges
}

func subscribe(w *projtest.World, f *feed.Feed) *subscribed {
	w.Helper()
	batches, err := f.Subscribe(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return &subscribed{w, batches, -1, nil, make(map[domain.LiveID]projections.Gauges)}
}

// next reads one batch.
func (s *subscribed) next() (feed.Batch, bool) {
	s.Helper()
	select {
	case b, open := <-s.batches:
		if !open {
			return b, false
		}
		if s.at >= 0 && b.After != s.at || b.Checkpoint < b.After {
			s.Fatalf("a batch from %d to %d after %d", b.After, b.Checkpoint, s.at)
		}
		last := b.After + 1
		for _, d := range b.Deltas {
			if d.Position < last || d.Position > b.Checkpoint {
				s.Fatalf("a delta at %d after %d in a batch up to %d", d.Position, last, b.Checkpoint)
			}
			last = d.Position
		}
		for _, g := range b.Gauges {
			s.gauges[g.Live] = g
		}
		s.at, s.deltas = b.Checkpoint, append(s.deltas, b.Deltas...)
		return b, true
	case <-time.After(projtest.Timeout):
		s.Fatalf("no batch after %d", s.at)
		panic("unreachable")
	}
}

// until reads batches until one reaches a position.
func (s *subscribed) until(position int64) {
	s.Helper()
	for s.at < position {
		if _, open := s.next(); !open {
			s.Fatalf("the subscription ended at %d, before %d", s.at, position)
		}
	}
}

// begun waits until a feed has released all events of the log.
func begun(w *projtest.World, f *feed.Feed) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), projtest.Timeout)
	defer cancel()
	if err := f.WaitFor(ctx, w.Head()); err != nil {
		w.Fatal(err)
	}
	w.Eventually(func() error {
		if at := f.Checkpoint(); at < w.Head() {
			return fmt.Errorf("released up to %d", at)
		}
		return nil
	})
}

// deltasOf reads the deltas of some lives with after < position ≤ upTo from the log.
func deltasOf(w *projtest.World, f *feed.Feed, lives []domain.LiveID, after, upTo int64) (facts []projections.Delta) {
	w.Helper()
	for _, live := range lives {
		for at := after; ; {
			page, err := f.LiveDeltas(w.Context(), live, at, upTo, 100)
			if err != nil {
				w.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			at = page[len(page)-1].Position
			facts = append(facts, page...)
		}
	}
	slices.SortFunc(facts, func(a, b projections.Delta) int { return int(a.Position - b.Position) })
	return facts
}

// splitProfiles returns the deltas that are no changed profiles, and the position of the newest changed profile of each
// viewer.
func splitProfiles(all []projections.Delta) (others []projections.Delta, profiles map[projections.ViewerKey]int64) {
	profiles = make(map[projections.ViewerKey]int64)
	for _, d := range all {
		if d.Kind == projections.KindViewerProfile {
			profiles[projections.ViewerKey{Live: d.Live, User: d.User}] = d.Position
		} else {
			others = append(others, d)
		}
	}
	return others, profiles
}

// ids returns a string for each delta, for comparisons.
func ids(deltas []projections.Delta) (names []string) {
	for _, d := range deltas {
		names = append(names, fmt.Sprintf("%d %s %s live %d user %d to %d", d.Position, d.Kind, d.ID, d.Live, d.User, d.Recipient))
	}
	return names
}
