package socketio_test

import (
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections/delivery"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// TestSessionsAreCountedOncePerLive sends gifts to sessions that are in a live in two namespaces, and as different users in different
// lives.
func TestSessionsAreCountedOncePerLive(t *testing.T) {
	t.Parallel()
	var store *eventstore.Store
	var recorder *delivery.Recorder
	w := newWorld(t, func(c *socketio.Config, r *roomsConfig) {
		store = r.Store
		var err error
		if recorder, err = delivery.New(delivery.Config{Tables: delivery.NewTables(store.Pool()), Now: time.Now, Interval: 10 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		c.Deliveries = recorder
	})
	done := make(chan error)
	go func() { done <- recorder.Run(t.Context()) }()
	t.Cleanup(func() { // the context ends before
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	rose := w.AddGift("rose", "", 1)
	ann, bob, cat, eve := w.register("ann"), w.register("bob"), w.register("cat"), w.register("eve").credit(100)
	first, second := ann.goLive(), bob.goLive()
	ids := make(map[*app]map[string]string)
	enter := func(a *app, namespace string, p person, live domain.LiveID) {
		t.Helper()
		a.Namespace = namespace
		a.Emit("joinLive", map[string]any{"live_id": live, "token": p.Token()})
		a.Emit("test") // events are handled in order
		a.Event(ids[a][namespace])
	}
	streamers, viewer := w.app(siotest.Options{}), w.app(siotest.Options{})
	for _, a := range []*app{streamers, viewer} {
		other, _ := a.Enter(namespace, "")
		ids[a] = map[string]string{"/": a.id, namespace: other}
	}
	enter(viewer, "/", cat, first)
	enter(viewer, namespace, cat, first)
	enter(streamers, "/", ann, first)
	enter(streamers, namespace, ann, first)
	enter(streamers, namespace, bob, second) // another user on the same connection
	tables := delivery.NewTables(store.Pool())
	expect := func(what string, live domain.LiveID, want delivery.Counts) {
		t.Helper()
		gift := eve.Asks(domain.SendGift{Live: live, Gift: rose, Num: 1}).Events[0].Position
		var got delivery.Counts
		wstest.Eventually(t, what, func() bool {
			var err error
			if got, err = tables.Gift(t.Context(), gift); err != nil {
				t.Fatal(err)
			}
			return got.Sent >= want.Sent
		})
		if got != want {
			t.Errorf("%s: got %+v, want %+v", what, got, want)
		}
	}
	for range 3 { // what was stored with a later gift has not changed
		expect("the first live", first, delivery.Counts{Sent: 2, StreamerSent: 1})
		expect("the second live", second, delivery.Counts{Sent: 1, StreamerSent: 1})
	}
	if got, err := tables.Live(t.Context(), first); err != nil || got.Sent > 6 || got.StreamerSent > 3 {
		t.Errorf("the sums of the first live are %+v, %v", got, err)
	}
	streamers.Namespace = "/"
	streamers.Emit("leaveLive", map[string]any{"live_id": first, "token": ann.Token()})
	enter(streamers, "/", ann, first)
	expect("again in the first live", first, delivery.Counts{Sent: 2, StreamerSent: 1})
}
