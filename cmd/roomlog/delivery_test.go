package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"roomlog/realtime/socketio/siotest"
)

// TestEvidenceOfDelivery sends a gift to connections of both dialects on two nodes, and reads how many have received it.
func TestEvidenceOfDelivery(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	first := serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)
	other := serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)
	first.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	anna, bert, cleo, dora := join(t, first, "anna"), join(t, first, "bert"), join(t, other, "cleo"), join(t, first, "dora")
	first.roomlog("coins", "credit", "--user", fmt.Sprint(bert.id), "--amount", "100", "--order", "o1")
	live := anna.open("Anna's room")
	streamer, sender, viewer := anna.connect(""), bert.connect(""), cleo.connect("")
	for _, s := range []*socket{streamer, sender, viewer} {
		enter(t, s, live, "")
	}
	old := siotest.Dial(t, "http://"+other.addr+"/socket.io/", siotest.Options{Version: 3})
	old.Connect()
	old.Emit("joinLive", map[string]any{"live_id": fmt.Sprint(live), "token": dora.token})
	old.Event("online")

	gift := into[struct{ Pos int64 }](t, sender.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 2}, "g1")).Pos
	for _, s := range []*socket{streamer, sender, viewer} {
		push := s.await("the gift", func(f frame) bool { return f.Type == "gift" && f.Pos == gift })
		if s != viewer {
			s.must("ack", map[string]any{"live": live, "cursor": push.Cursor}, "")
		}
	}
	old.Event("gift")

	type counts struct {
		Sent, Acknowledged   int64
		StreamerSent         int64 `json:"streamer_sent"`
		StreamerAcknowledged int64 `json:"streamer_acknowledged"`
	}
	want := counts{4, 2, 1, 1}
	path := fmt.Sprintf("/api/gift/%d/delivery", gift)
	eventually(t, "all nodes have stored what they have counted", func() bool {
		var got counts
		bert.get(path, &got)
		return got == want
	})
	for _, p := range []*person{anna, cleo} { // the streamer, and a user who becomes an auditor
		if p == cleo {
			if status, raw := p.do(http.MethodGet, path, nil, nil); status != http.StatusForbidden || !strings.Contains(string(raw), `"forbidden"`) {
				t.Errorf("another viewer got %d %s", status, raw)
			}
			first.roomlog("user", "grant", fmt.Sprint(cleo.id), "--role", "auditor")
		}
		var got counts
		eventually(t, "the role is valid", func() bool {
			status, _ := p.do(http.MethodGet, path, nil, nil)
			return status == http.StatusOK
		})
		if p.get(path, &got); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if status, raw := bert.do(http.MethodGet, fmt.Sprintf("/api/gift/%d/delivery", gift-1), nil, nil); status != http.StatusNotFound || !strings.Contains(string(raw), "gift_record_not_found") {
		t.Errorf("a position without a gift got %d %s", status, raw)
	}
	var sums struct {
		Gifts int64
		counts
	}
	path = fmt.Sprintf("/api/live/%d/deliveries", live)
	if anna.get(path, &sums); sums.Gifts != 1 || sums.counts != want {
		t.Errorf("the sums of the live are %+v", sums)
	}
	if status, _ := bert.do(http.MethodGet, path, nil, nil); status != http.StatusForbidden {
		t.Errorf("a viewer reads the sums of the live: %d", status)
	}
	first.roomlog("user", "forget", fmt.Sprint(bert.id), "--yes") // the numbers name nobody, and stay
	if anna.get(path, &sums); sums.counts != want {
		t.Errorf("after the sender was forgotten, the sums are %+v", sums)
	}
	if out := first.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Error(out)
	}
}
