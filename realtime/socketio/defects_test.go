package socketio_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/realtime/socketio/siotest"
)

// These tests check faults of the old servers for which the clients were written.

// TestCoinsAreSpentOnce lets devices of one user spend coins at the same time. Each coin must be spent once, and each
// gift that was paid for must be pushed.
func TestCoinsAreSpentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live, rose := w.register("streamer").goLive(), w.AddGift("rose", "", 10)
	const devices, affordable = 8, 3
	ann := w.register("ann").credit(10*affordable + 9)
	var apps []*app
	for i := range devices {
		a := w.app(siotest.Options{Version: 3 + i%2})
		a.joins(ann, live)
		apps = append(apps, a)
	}
	for _, a := range apps {
		a.Emit("gift", map[string]any{"live_id": live, "gift_id": rose, "token": ann.Token()})
	}
	refused := 0
	for _, a := range apps {
		for range affordable { // every device receives all gifts
			push[given](a, "gift")
		}
		a.Emit("test", nil)
		for text := ""; text != `"啊啊啊"`; text = string(a.Event(a.id)[0]) { // a refusal may precede the response
			if strings.Contains(text, "金币不足，请先充值") {
				refused++
			}
		}
	}
	if refused != devices-affordable {
		t.Errorf("%d of %d gifts were refused", refused, devices)
	}
	sent := events[domain.GiftSent](w)
	room := w.room(live)
	if len(sent) != affordable || room.Live.Coin != 10*affordable {
		t.Errorf("%d gifts are in the log, and %d coins in the room", len(sent), room.Live.Coin)
	}
	if balance, err := w.Queries.Balance(t.Context(), ann.ID); err != nil || balance != 9 {
		t.Errorf("%d coins are left, %v, want 9", balance, err)
	}
}

// TestAViewIsCountedOnce checks that joins of one user on many devices at the same time count as one view.
func TestAViewIsCountedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	const people, devices = 6, 3
	var coming sync.WaitGroup
	for i := range people {
		p := w.register(fmt.Sprint("p", i))
		for d := range devices {
			a := w.app(siotest.Options{Version: 3 + d%2})
			coming.Go(func() {
				for range 3 {
					a.Emit("joinLive", map[string]any{"live_id": live, "token": p.Token()})
					a.Emit("leaveLive", map[string]any{"live_id": fmt.Sprint(live), "token": p.Token()})
				}
				a.joins(p, live)
			})
		}
	}
	coming.Wait()
	room := w.room(live)
	if room.Live.LookCount != people || room.Online != people || len(room.Viewers) != people {
		t.Errorf("%d looks, %d people in the room, %d in the list, want %d of each", room.Live.LookCount, room.Online, len(room.Viewers), people)
	}
}

// TestPushesFollowTheLog checks that the log and the tables contain an event before it is pushed, and never contain a
// refused one.
func TestPushesFollowTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	streamer := w.register("streamer")
	live := streamer.goLive()
	ann := w.register("ann")
	a := w.recovering()
	a.joins(ann, live)
	for i := range 20 {
		text := fmt.Sprint("comment ", i)
		a.Emit("comment", map[string]any{"live_id": live, "data": text, "token": ann.Token()})
		s, offset := push[comment](a, "comment")
		page, err := w.Store.Read(t.Context(), eventstore.Query{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(page.Events, func(r eventstore.Record) bool {
			e, ok := r.Event.(domain.CommentPosted)
			return ok && e.Text == text && eventstore.CursorOf(r) == offset
		}) {
			t.Fatalf("%+v is not in the log at %s", s, offset)
		}
		if newest := w.room(live).Comments[0]; newest.Text != text || newest.ID != s.ID {
			t.Fatalf("the tables have %+v, want Text %v, ID %v", newest, text, s.ID)
		}
	}
	streamer.Asks(domain.ChangeLiveStatus{Live: live, To: domain.LiveStop})
	a.Emit("comment", map[string]any{"live_id": live, "data": "too late", "token": ann.Token()})
	a.refused("直播间已结束")
	a.silent()
	if n := len(events[domain.CommentPosted](w)); n != 20 {
		t.Errorf("%d comments are in the log, want 20", n)
	}
}
