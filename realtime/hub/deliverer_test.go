package hub

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/feed"
)

// batches is a feed that releases the batches that a test sends.
type batches chan feed.Batch

// fallenBack is a feed that begins again at position 4 of history 2.
type fallenBack struct{ batches }

func (fallenBack) History() int64    { return 2 }
func (fallenBack) Checkpoint() int64 { return 4 }

func (b batches) Subscribe(context.Context) (<-chan feed.Batch, error) { return b, nil }
func (batches) Checkpoint() int64                                      { return 10 }
func (batches) History() int64                                         { return 1 }
func (batches) WaitFor(context.Context, int64) error                   { return nil }
func (batches) LiveDeltas(context.Context, domain.LiveID, int64, int64, int) ([]projections.Delta, error) {
	return nil, nil
}

// receiver is a Subscriber and a Client that records what it receives.
type receiver struct{ got []string }

func (r *receiver) Deliver(d projections.Delta)        { r.add("delta", d.Position) }
func (r *receiver) DeliverGauges(g projections.Gauges) { r.add("gauges", g.Online) }
func (r *receiver) DeliverPrivate(d projections.Delta) { r.add("private", d.Position) }
func (r *receiver) Reset()                             { r.got = append(r.got, "reset") }
func (r *receiver) Revoke(*domain.Refusal)             { r.got = append(r.got, "revoked") }
func (*receiver) UserForgotten()                       {}
func (r *receiver) HistoryChanged(_, at int64)         { r.add("history changed at", at) }
func (r *receiver) RemoveFrom(live domain.LiveID, _ int64, _ *Problem) {
	r.add("removed from", int64(live))
}
func (r *receiver) Kick(reason string)                   { r.got = append(r.got, "kicked: "+reason) }
func (r *receiver) BanFrom(live domain.LiveID, _ string) { r.add("banned from", int64(live)) }
func (*receiver) Identity() Identity                     { return Identity{User: 12} }
func (*receiver) ConnectionKey() string                  { return "c" }
func (*receiver) Ended() bool                            { return false }
func (r *receiver) add(what string, n int64) {
	r.got = append(r.got, what+" "+strconv.FormatInt(n, 10))
}

func (r *receiver) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(r.got, want) {
		t.Errorf("received %q, want %q", r.got, want)
	}
	r.got = nil
}

// start runs a delivery that begins at position 10. It returns a function that delivers a batch.
func start(t *testing.T) (*registry, *deliverer, func(feed.Batch)) {
	t.Helper()
	source := make(batches)
	c := Config{Feed: source, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	r := newRegistry()
	v := newDeliverer(c, r, &presence{log: c.Log}, newSessionWatcher(c, r), newAnnouncer(c, r), newAccessWatcher(c, nil))
	v.history = func() int64 { return 1 }
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.follow(ctx) }()
	t.Cleanup(func() {
		close(source)
		stop()
		if err := <-ended; err == nil {
			t.Error("the end of the subscription was not noticed")
		}
	})
	if err := v.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r, v, func(b feed.Batch) {
		t.Helper()
		source <- b
		if err := v.waitFor(t.Context(), b.Checkpoint); err != nil {
			t.Fatal(err)
		}
	}
}

func comment(position int64, live domain.LiveID) projections.Delta {
	return projections.Delta{Audience: projections.AudienceLive, Kind: projections.KindComment, Position: position, Live: live, Event: domain.CommentPosted{}}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	t.Run("delivers the deltas of a live after the position of the subscription", func(t *testing.T) {
		t.Parallel()
		r, _, deliver := start(t)
		early, late := &receiver{}, &receiver{}
		if _, from := r.subscribe(6, early); from != 10 {
			t.Errorf("subscribed from %d, want 10", from)
		}
		deliver(feed.Batch{After: 10, Checkpoint: 12, Deltas: []projections.Delta{comment(11, 6), comment(12, 7)}})
		if _, from := r.subscribe(6, late); from != 12 {
			t.Errorf("subscribed from %d, want 12", from)
		}
		deliver(feed.Batch{After: 12, Checkpoint: 13, Deltas: []projections.Delta{comment(13, 6)}, Gauges: []projections.Gauges{{Live: 6, Online: 3}}})
		r.unsubscribe(6, early)
		deliver(feed.Batch{After: 13, Checkpoint: 14, Deltas: []projections.Delta{comment(14, 6)}})
		early.expect(t, "delta 11", "delta 13", "gauges 3")
		late.expect(t, "delta 13", "gauges 3", "delta 14")
	})
	t.Run("skips deltas that were delivered before", func(t *testing.T) {
		t.Parallel()
		r, _, deliver := start(t)
		s := &receiver{}
		r.subscribe(6, s)
		deliver(feed.Batch{After: 8, Checkpoint: 11, Deltas: []projections.Delta{comment(9, 6), comment(10, 6), comment(11, 6)}})
		s.expect(t, "delta 11")
	})
	t.Run("resets everybody after a gap, and goes on behind it", func(t *testing.T) {
		t.Parallel()
		r, _, deliver := start(t)
		s, c := &receiver{}, &receiver{}
		r.subscribe(6, s)
		r.register(12, c, 0)
		deliver(feed.Batch{After: 15, Checkpoint: 16, Deltas: []projections.Delta{comment(16, 6)}})
		s.expect(t, "reset") // the subscription has ended
		c.expect(t, "reset")
		if _, from := r.subscribe(6, s); from != 16 {
			t.Errorf("subscribed from %d, want 16", from)
		}
	})
	t.Run("delivers the user channel to all clients of the user", func(t *testing.T) {
		t.Parallel()
		r, _, deliver := start(t)
		c, other := &receiver{}, &receiver{}
		r.register(12, c, 0)
		r.register(13, other, 0)
		deliver(feed.Batch{After: 10, Checkpoint: 11, Deltas: []projections.Delta{
			{Audience: projections.AudienceUser, Kind: projections.KindBalance, Position: 11, Recipient: 12, Event: domain.CoinsCredited{}},
		}})
		c.expect(t, "private 11")
		other.expect(t)
	})
	t.Run("kicks and bans the clients of a user", func(t *testing.T) {
		t.Parallel()
		r, _, deliver := start(t)
		c := &receiver{}
		r.register(12, c, 0)
		deliver(feed.Batch{After: 10, Checkpoint: 12, Deltas: []projections.Delta{
			{Kind: projections.KindNotice, Position: 11, Recipient: 12, Event: domain.UserKicked{User: 12, Reason: "spam"}},
			{Kind: projections.KindModeration, Position: 12, Live: 6, Event: domain.ViewerBanned{User: 12, Live: 6}},
		}})
		c.expect(t, "private 11", "kicked: spam", "banned from 6")
	})
}

func TestRegisterBoundsTheClientsOfAUser(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	first, second := &receiver{}, &receiver{}
	if _, ok := r.register(12, first, 1); !ok {
		t.Error("the first client was refused")
	}
	if _, ok := r.register(12, second, 1); ok {
		t.Error("the second client was admitted")
	}
	r.unregister(12, first)
	if _, ok := r.register(12, second, 1); !ok {
		t.Error("a client was refused after the first had ended")
	}
	r.unregister(12, second)
	if lives, users := r.counts(); lives+users != 0 {
		t.Errorf("%d lives and %d users are left, want lives+users 0", lives, users)
	}
}

func TestReceiversStartAgainInAnotherHistory(t *testing.T) {
	t.Parallel()
	r, v, deliver := start(t)
	viewer, client := &receiver{}, &receiver{}
	r.subscribe(6, viewer)
	r.register(12, client, 0)
	deliver(feed.Batch{After: 10, Checkpoint: 12, Deltas: []projections.Delta{comment(12, 6)}})
	viewer.expect(t, "delta 12")

	source := fallenBack{make(batches)}
	v.feed = source
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.follow(ctx) }()
	v.history = func() int64 { return 2 }
	source.batches <- feed.Batch{History: 2, After: 4, Checkpoint: 5, Deltas: []projections.Delta{comment(5, 6)}}
	if err := v.waitFor(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	viewer.expect(t, "history changed at 4", "delta 5")
	client.expect(t, "history changed at 4")
	if clients := v.watcher.takeDue(); len(clients) != 0 {
		t.Errorf("%d clients are checked by the hub beside themselves", len(clients))
	}
	if history, from := r.subscribe(6, &receiver{}); history != 2 || from != 5 {
		t.Errorf("a new subscriber begins at %d of history %d, want 2, 5", from, history)
	}
	stop()
	close(source.batches)
	<-ended
}
