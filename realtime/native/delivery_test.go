package native_test

import (
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/projections/delivery"
	"roomlog/realtime/ws/wstest"
)

// TestDeliveryOfGifts sends gifts to connections on two nodes. Some acknowledge them, some do not, one sends a cursor of another fact,
// and one receives a gift only when it resumes.
func TestDeliveryOfGifts(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var tables *delivery.Tables
	counting := func(c *config) {
		tables = delivery.NewTables(c.nativeConfig.Store.Pool())
		r, err := delivery.New(delivery.Config{Tables: tables, Now: time.Now, Interval: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		c.Deliveries = r
		done := make(chan error)
		go func() { done <- r.Run(t.Context()) }()
		t.Cleanup(func() { // the context ends before
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	a, b := openWorld(t, db, true, counting), openWorld(t, db, false, counting)
	rose := a.AddGift("rose", "", 1)
	ann, bob, cat, dan, eve := a.register("ann"), a.register("bob"), a.register("cat"), a.register("dan"), a.register("eve").credit(100)
	live := ann.goLive("show")
	streamer, here, there, silent := ann.app(), bob.app(), cat.on(b).app(), dan.on(b).app()
	all := []*app{streamer, here, there, silent}
	for _, c := range all {
		c.join(live)
	}
	give := func() int64 {
		t.Helper()
		return eve.Asks(domain.SendGift{Live: live, Gift: rose, Num: 1}).Events[0].Position
	}
	ack := func(c *app, cursor string) {
		t.Helper()
		c.ok(c.ask("ack", map[string]any{"live": live, "cursor": cursor}))
	}
	expect := func(gift int64, want delivery.Counts) {
		t.Helper()
		var got delivery.Counts
		wstest.Eventually(t, "the delivery of a gift is stored", func() bool {
			var err error
			if got, err = tables.Gift(t.Context(), gift); err != nil {
				t.Fatal(err)
			}
			return got.Sent >= want.Sent && got.Acknowledged >= want.Acknowledged
		})
		if got != want {
			t.Errorf("the gift at position %d: got %+v, want %+v", gift, got, want)
		}
	}
	before := a.head()
	first := give()
	for _, c := range all {
		m := c.push("gift")
		switch c {
		case silent:
			c.ok(c.ask("ack", map[string]any{"cursor": m.Cursor}))                                // the user channel
			ack(c, "1.00000000")                                                                  // nobody has received this cursor in the live
			ack(c, a.cursor(before))                                                              // an older fact
			c.no(c.ask("ack", map[string]any{"live": live + 1, "cursor": m.Cursor}), "forbidden") // not in the live
			c.no(c.ask("ack", map[string]any{"live": live}), "bad_request")
		default:
			ack(c, m.Cursor)
			ack(c, m.Cursor)
		}
	}
	want := delivery.Counts{Sent: 4, Acknowledged: 3, StreamerSent: 1, StreamerAcknowledged: 1}
	expect(first, want)

	resumed := eve.on(b).app() // the gift is sent again to a new connection, and to one that joins again
	resumed.rejoin(live, a.cursor(before))
	ack(resumed, resumed.push("gift").Cursor)
	here.rejoin(live, a.cursor(before))
	ack(here, here.push("gift").Cursor)

	streamer.ok(streamer.ask("room.leave", map[string]any{"live": live}))
	second := give()
	for _, c := range []*app{here, there, silent, resumed} {
		m := c.push("gift")
		if c != silent {
			ack(c, m.Cursor)
		}
	}
	expect(second, delivery.Counts{Sent: 4, Acknowledged: 3})
	expect(first, want) // what was stored with or before the second gift has not changed the first
	if got, err := tables.Live(t.Context(), live); err != nil || got != (delivery.Sums{Gifts: 2, Counts: delivery.Counts{Sent: 8, Acknowledged: 6, StreamerSent: 1, StreamerAcknowledged: 1}}) {
		t.Errorf("the sums of the live are %+v, %v", got, err)
	}
}
