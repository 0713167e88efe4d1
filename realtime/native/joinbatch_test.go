package native_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
)

// together lets n users join a live without connections, and returns them.
func (w *world) together(name string, n int, live domain.LiveID) []person {
	people := make([]person, n)
	for i := range people {
		people[i] = w.register(fmt.Sprintf("%s%d", name, i))
	}
	var all sync.WaitGroup
	for i := range people {
		all.Go(func() {
			people[i].Asks(domain.JoinLive{Live: live, Node: w.Hub.Node()})
		})
	}
	all.Wait()
	return people
}

// leaves lets a user leave without a connection.
func (w *world) leaves(p person, live domain.LiveID) {
	w.Execute(domain.Request{
		Command: domain.LeaveLive{Live: live, User: p.ID, Node: w.Hub.Node(), Cause: domain.LeaveRequested},
		Actor:   domain.Actor{Kind: domain.System},
	})
}

type batchSum struct {
	Joined, Left int
	Newest       []struct{ ID domain.UserID }
}

func TestJoinBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config) { c.LargeLive, c.JoinBatchInterval = 2, time.Second })
	anna, bert := w.register("anna"), w.register("bert")
	live := anna.goLive("x")
	watcher := anna.app()
	watcher.join(live)
	anna.Asks(domain.PostComment{Live: live, Text: "nobody is here yet"}) // posts a comment, so that a fact follows anna's own join
	have := watcher.push("comment").Pos
	// follow reads facts until it has counted the given joins and leaves, and checks that no fact is missing.
	follow := func(a *app, joined, left int) (frames, sums int) {
		t.Helper()
		for joined > 0 || left > 0 {
			m := a.push0()
			if m.Live == 0 || m.Pos == 0 {
				continue // gauges or a reply
			}
			frames++
			if m.Prev > have || m.Pos <= have {
				t.Fatalf("after position %d got %s", have, m.raw)
			}
			have = m.Pos
			switch m.Type {
			case "join":
				joined--
			case "leave":
				left--
			case "join_batch":
				sum := into[batchSum](t, m)
				sums++
				joined, left = joined-sum.Joined, left-sum.Left
				if sum.Joined+sum.Left < 2 || len(sum.Newest) > 10 || sum.Left == 0 && len(sum.Newest) != min(10, sum.Joined) {
					t.Errorf("got the batch %s", m.raw)
				}
			}
			if joined < 0 || left < 0 {
				t.Fatalf("the batches have %d joins and %d leaves too many", -joined, -left)
			}
		}
		return frames, sums
	}
	// The gauges may already count viewers whose joins are not pushed yet, so the second viewer waits for the push of
	// the first viewer's join.
	var first []person
	for _, name := range []string{"first", "second"} {
		first = append(first, w.together(name, 1, live)...)
		if _, sums := follow(watcher, 1, 0); sums != 0 {
			t.Errorf("the join of one viewer is pushed as a batch, want sums 0")
		}
	}
	people := w.together("late", 60, live)
	frames, sums := follow(watcher, 60, 0)
	if sums == 0 || frames > 40 {
		t.Errorf("60 joins were sent in %d frames, %d of them batches", frames, sums)
	}
	for _, p := range append(first, people[:38]...) {
		w.leaves(p, live)
	}
	bert.Asks(domain.PostComment{Live: live, Text: "so many"}) // the push of the comment follows the leaves before it
	follow(watcher, 0, 40)
	if m := watcher.push("comment"); m.Prev > have {
		t.Errorf("after position %d got %s", have, m.raw)
	} else {
		have = m.Pos
	}
	t.Run("a client that resumes misses no join", func(t *testing.T) {
		anna.app().join(live) // keeps anna in the live
		watcher.ok(watcher.ask("room.leave", map[string]any{"live": live}))
		for _, p := range people[38:48] {
			w.leaves(p, live)
		}
		was := have
		again := watcher.rejoin(live, w.cursor(was))
		if len(again.Resumed) != 2 || again.Resumed[0] != was+1 {
			t.Fatalf("resumed as %+v", again)
		}
		watcher.aside = nil
		follow(watcher, 0, 10)
	})
}

// push0 returns the next frame of any type.
func (a *app) push0() message {
	a.T.Helper()
	if len(a.aside) > 0 {
		m := a.aside[0]
		a.aside = a.aside[1:]
		return m
	}
	return a.read()
}

func TestViewersArePaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	anna := w.register("anna")
	live := anna.goLive("x")
	people := w.together("viewer", 205, live)
	a := anna.app()
	if err := w.Feed.WaitFor(t.Context(), people[0].credit1()); err != nil {
		t.Fatal(err)
	}
	type page struct {
		Viewers []struct {
			ID   domain.UserID
			Name string
		}
		Next string
	}
	seen := map[domain.UserID]bool{}
	ask := map[string]any{"live": live}
	a.no(a.ask("room.viewers", ask), "forbidden")
	a.ok(a.ask("room.join", ask))
	if err := w.Feed.WaitFor(t.Context(), w.head()); err != nil { // the list is read from the tables
		t.Fatal(err)
	}
	for i, want := range []int{100, 100, 6} {
		got := into[page](t, a.ok(a.ask("room.viewers", ask)))
		if len(got.Viewers) != want || (got.Next == "") != (i == 2) {
			t.Fatalf("page %d has %d people, next is %q", i, len(got.Viewers), got.Next)
		}
		for _, v := range got.Viewers {
			if seen[v.ID] || v.Name == "" {
				t.Errorf("%d %q is on two pages or has no name", v.ID, v.Name)
			}
			seen[v.ID] = true
		}
		ask["after"] = got.Next
	}
	if len(seen) != 206 {
		t.Errorf("%d people on all pages, want 206", len(seen))
	}
	a.no(a.ask("room.viewers", map[string]any{"live": live, "after": "yesterday"}), "bad_request")
	a.no(a.ask("room.viewers", map[string]any{"live": 0}), "bad_request")
	a.no(a.ask("room.viewers", map[string]any{"live": live + 1}), "live_not_found")
	a.ok(a.ask("viewer.ban", map[string]any{"live": live, "user": people[0].ID}))
	banned := people[0].app()
	banned.no(banned.ask("room.viewers", map[string]any{"live": live}), "forbidden")
}
