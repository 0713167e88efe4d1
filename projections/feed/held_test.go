package feed_test

import (
	"fmt"
	"testing"

	"roomlog/domain"
	"roomlog/projections/feed"
	"roomlog/projections/projtest"
)

// TestCoinEventsThatTheTablesLackAreNotReleased checks that nobody receives a coin event that cannot be applied, or
// that waits because of such an event. A client that receives a gift or a balance must find it in the tables.
func TestCoinEventsThatTheTablesLackAreNotReleased(t *testing.T) {
	t.Parallel()
	w, c, f := startWithTraffic(t, 2, 1, feed.Config{})
	s := subscribe(w, f)
	user, begin := c.Users[1], w.Head()
	w.Forge(begin+1, "ledger-1", 1, "gift.sent.v2", `{"sender":"?"}`, 0)
	user.Send(domain.SendGift{Live: c.Lives[0], Gift: c.Gifts[0], Num: 1}) // this gift waits in coin_held; the closing is not recorded yet
	w.Forge(begin+3, string(domain.WalletStream(user.ID)), 3, "gift.sent.v2", fmt.Sprintf(`{"sender":%d,"streamer":1,"live":%d,"gift":1,"name":"g","price":5,"num":1,
		"coins":5,"balance_after":99999,"postings":[]}`, user.ID, c.Lives[0]), c.Lives[0])
	at := c.Users[0].Send(domain.PostComment{Live: c.Lives[0], Text: "hello"}).Position
	s.until(at)
	if len(s.deltas) != 1 || s.deltas[0].Position != at {
		t.Errorf("released %+v, want the comment only", s.deltas)
	}
	if again := deltasOf(w, f, c.Lives, begin, at); len(again) != 1 || again[0].Position != at {
		t.Errorf("read from the log %+v, want the comment only", again)
	}
	if own, err := f.UserDeltas(t.Context(), user.ID, begin, at, 10); err != nil || len(own) != 0 {
		t.Errorf("read for the user %+v, %v, want nothing", own, err)
	}
}

// TestCoinEventsThatTheTablesLackAreNotReadAfterARestart checks that a feed that has released nothing yet also leaves
// out such events.
func TestCoinEventsThatTheTablesLackAreNotReadAfterARestart(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 2, 1)
	w.Project()
	user, begin := c.Users[1], w.Head()
	w.Forge(begin+1, "ledger-1", 1, "gift.sent.v2", `{"sender":"?"}`, 0)
	at := user.Send(domain.SendGift{Live: c.Lives[0], Gift: c.Gifts[0], Num: 1}).Position
	w.CatchUp()
	if n := w.Int("SELECT count(*) FROM read.coin_held WHERE position = $1", at); n != 1 {
		t.Fatalf("got %d held events, want the gift", n)
	}
	f, _ := startFeed(w, feed.Config{})
	begun(w, f)
	if again := deltasOf(w, f, c.Lives, begin, at); len(again) != 0 {
		t.Errorf("read from the log %+v, want nothing", again)
	}
	if own, err := f.UserDeltas(t.Context(), user.ID, begin, at, 10); err != nil || len(own) != 0 {
		t.Errorf("read for the user %+v, %v, want nothing", own, err)
	}
}
