package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"roomlog/realtime/socketio/siotest"
)

// lookalikes are ways to write a word that the list of the live refuses.
var lookalikes = []string{"scam", "SCAM!", "s c a m", "s.c.a.m", "ѕсаm", "ｓｃａｍ", "scaaam", "s\u0301c\u0301am", "sc\u200bam", "s-c-a-m now"}

// TestRaidOfTrolls lets 200 trolls comment in slow mode and under the review of first comments, while one of two moderators
// goes rogue and is removed. Afterwards the log is valid, the coins are exact, the acts tell everything, and a
// dry run finds what the rules have missed.
func TestRaidOfTrolls(t *testing.T) {
	t.Parallel()
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--comment-rate", "100000", "--comment-burst", "100000", "--sign-ins-per-address", "1000000"}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	anna, mia, rob, fan := join(t, at, "anna"), join(t, at, "mia"), join(t, at, "rob"), join(t, at, "fan")
	var trolls []*person
	for i := range 200 {
		trolls = append(trolls, join(t, at, fmt.Sprintf("troll%d", i)))
	}
	at.roomlog("coins", "credit", "--user", fmt.Sprint(fan.id), "--amount", "100", "--order", "O1")
	live := anna.open("An evening with trolls")
	owner, rogue, viewer := anna.connect(""), rob.connect(""), fan.connect("")
	for _, s := range []*socket{owner, rogue, viewer} {
		enter(t, s, live, "")
	}
	old := siotest.Dial(t, "http://"+at.addr+"/socket.io/", siotest.Options{Version: 3})
	old.Connect()
	old.Emit("joinLive", map[string]any{"live_id": fmt.Sprint(live), "token": mia.token})
	old.Event("online")
	in := func(more map[string]any) map[string]any { more["live"] = live; return more }
	for _, m := range []*person{mia, rob} {
		owner.must("moderator.appoint", in(map[string]any{"user": m.id}), "")
	}
	owner.must("live.mode", in(map[string]any{"mode": "slow", "value": 3600}), "")
	owner.must("live.mode", in(map[string]any{"mode": "review", "value": 1}), "")
	mia.post("/api/live/words/add", map[string]any{"id": live, "words": []string{"scam"}, "act": "refuse"}, nil)

	// The raid: each troll writes a comment with the word, and one without, which waits for a review.
	var raid sync.WaitGroup
	for n, troll := range trolls {
		s := troll.connect("")
		enter(t, s, live, "")
		raid.Go(func() {
			for _, c := range [][2]string{{lookalikes[n%len(lookalikes)] + fmt.Sprint(" ", n), "word_refused"}, {"look at my picture", `"held"`}, {"again", "slow_mode"}} {
				f, err := s.ask("comment.post", map[string]any{"live": live, "text": c[0]}, "")
				if err != nil || !strings.Contains(string(f.Data), c[1]) {
					t.Errorf("%q: got %s %s, %v, want %s", c[0], f.Type, f.Data, err, c[1])
				}
			}
		})
	}
	raid.Wait()
	viewer.must("comment.post", in(map[string]any{"text": "good evening"}), "")

	// Mia reviews: the fan is welcome, the trolls are not.
	var review struct {
		Items []struct {
			Held int64
			User struct{ ID int64 }
			Text string
		}
	}
	path := fmt.Sprintf("/api/live/%d", live)
	eventually(t, "all held comments are listed", func() bool {
		mia.get(path+"/review?limit=500", &review)
		return len(review.Items) == len(trolls)+1
	})
	for _, c := range review.Items {
		if c.User.ID == fan.id {
			mia.post("/api/live/comment/release", map[string]any{"id": live, "held": c.Held}, nil)
		} else if c.User.ID != trolls[0].id { // one troll slips through
			mia.post("/api/live/comment/drop", map[string]any{"id": live, "held": c.Held, "reason": "advertising"}, nil)
		} else {
			rogue.must("comment.release", in(map[string]any{"held": c.Held}), "")
		}
	}

	// Rob goes rogue: he mutes one user after another, until Anna removes him while he acts.
	stopped := make(chan int)
	go func() {
		for n := 0; ; n++ {
			f, err := rogue.ask("viewer.mute", in(map[string]any{"user": fan.id, "seconds": 100 + n, "reason": "because"}), "")
			if err != nil || f.Type != "ok" {
				stopped <- n
				return
			}
		}
	}()
	viewer.await("the mute", func(f frame) bool { return f.Type == "muted" })
	owner.must("moderator.remove", in(map[string]any{"user": rob.id, "reason": "rogue"}), "")
	mutes := <-stopped
	if f, err := rogue.ask("viewer.ban", in(map[string]any{"user": fan.id}), ""); err != nil || !strings.Contains(string(f.Data), "live_not_found") {
		t.Errorf("after the removal: got %s %s, %v", f.Type, f.Data, err)
	}
	owner.must("viewer.unmute", in(map[string]any{"user": fan.id}), "")

	// The fan reports the troll whose comment was posted. Mia removes it and bans the troll, also from the stream.
	posted := viewer.await("the comment of the troll", func(f frame) bool {
		return f.Type == "comment" && strings.Contains(string(f.Data), "picture")
	})
	viewer.must("report.send", in(map[string]any{"comment": posted.Pos, "cause": "spam"}), "")
	seen := trolls[0].read(live)
	mia.post("/api/live/comment/remove", map[string]any{"id": live, "comment": posted.Pos}, nil)
	mia.post("/api/live/ban", map[string]any{"id": live, "user": trolls[0].id, "reason": "trolling"}, nil)
	mia.post("/api/live/report/decide", map[string]any{"id": live, "report": 1, "decision": "upheld", "reason": "banned"}, nil)
	viewer.await("the answer", func(f frame) bool {
		return f.Type == "decision" && strings.Contains(string(f.Data), "upheld")
	})
	for _, suffix := range []string{".flv", "/index.m3u8"} {
		eventually(t, "the stream is closed for the troll", func() bool {
			answer, err := http.Get(at.flvURL(seen, suffix))
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			return answer.StatusCode == http.StatusForbidden
		})
	}
	viewer.must("gift.send", in(map[string]any{"gift": 1, "num": 2}), "g1")

	eventually(t, "the gift is in the tables", func() bool { return fan.coins() == 40 })
	livesWithKeys(t, at, anna, fan, mia)

	// The record.
	if first, second := string(old.Event("comment")[0]), string(old.Event("comment")[0]); !strings.Contains(first+second, "good evening") || !strings.Contains(first+second, "picture") {
		t.Errorf("the old client saw %s and %s", first, second)
	}
	var acts struct{ Items []struct{ Act string } }
	anna.get(path+"/acts?limit=500", &acts)
	count := map[string]int{}
	for _, a := range acts.Items {
		count[a.Act]++
	}
	want := map[string]int{
		"moderator.appointed": 2, "moderator.removed": 1, "live.mode_set": 2, "comment.released": 2, "comment.dropped": len(trolls) - 1,
		"viewer.muted": min(mutes, 500), "viewer.unmuted": 1, "comment.removed": 1, "viewer.banned": 1, "report.decided": 1,
	}
	for act, n := range want {
		if count[act] != n {
			t.Errorf("%d acts %s, want %d", count[act], act, n)
		}
	}
	rules := filepath.Join(t.TempDir(), "rules.json")
	if err := os.WriteFile(rules, []byte(`{"modes":{},"words":[{"word":"picture","act":"refuse"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var tried struct {
		Comments, Taken, Missed int
		Would                   map[string]int
	}
	if err := json.Unmarshal([]byte(at.roomlog("moderation", "try", rules, "--live", fmt.Sprint(live), "--format", "json")), &tried); err != nil {
		t.Fatal(err)
	}
	if n := len(trolls); tried.Comments != n+1 || tried.Would["refused"] != n || tried.Taken != n || tried.Missed != 0 {
		t.Errorf("the dry run found %+v", tried)
	}
	if out, code := at.try("moderation", "try", rules, "--live", "999"); code != 1 || !strings.Contains(out, "there is no live 999") {
		t.Errorf("got %d %s", code, out)
	}
	if out := at.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Error(out)
	}
}

// livesWithKeys opens a live with a password and sells tickets for another one, which is cancelled: its tickets are refunded.
// Clients of three dialects come with the right and without it, and to the stream over FLV and HLS. The fan has 40 coins before and
// afterwards.
func livesWithKeys(t *testing.T, at *process, anna, fan, outsider *person) {
	t.Helper()
	native := fan.connect("")
	var old []*siotest.Client
	var ids []string
	for _, version := range []int{3, 4} {
		c := siotest.Dial(t, "http://"+at.addr+"/socket.io/", siotest.Options{Version: version})
		old, ids = append(old, c), append(ids, c.Connect())
	}
	refused := func(live int64, who *person, code, text string) {
		t.Helper()
		if f, err := who.connect("").ask("room.join", map[string]any{"live": live}, ""); err != nil || !strings.Contains(string(f.Data), code) {
			t.Errorf("native: got %s %s, %v, want %s", f.Type, f.Data, err, code)
		}
		for i, c := range old {
			c.Emit("joinLive", map[string]any{"live_id": fmt.Sprint(live), "token": who.token})
			if got := string(c.Event(ids[i])[0]); !strings.Contains(got, text) {
				t.Errorf("Socket.IO: got %s, want %s", got, text)
			}
		}
		if status, body := who.do(http.MethodGet, fmt.Sprintf("/api/live/read/%d", live), nil, nil); status != http.StatusForbidden || !strings.Contains(string(body), code) {
			t.Errorf("REST: got %d %s, want %s", status, body, code)
		}
	}
	playStatus := func(live signedRoom, suffix string) int {
		t.Helper()
		answer, err := http.Get(at.flvURL(live, suffix))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}

	secret := anna.open("A secret rehearsal")
	public := fan.read(secret) // a play sign from before
	anna.post("/api/live/access", map[string]any{"id": secret, "access": "password", "password": "open sesame"}, nil)
	refused(secret, outsider, "live_password", "该直播间需要密码")
	fan.post("/api/live/enter", map[string]any{"id": secret, "password": "open sesame"}, nil)
	enter(t, native, secret, "")
	for _, c := range old {
		c.Emit("joinLive", map[string]any{"live_id": fmt.Sprint(secret), "token": fan.token})
		c.Event("online")
	}
	anna.post("/api/live/access", map[string]any{"id": secret, "access": "password", "password": "close sesame"}, nil)
	native.await("the removal", func(f frame) bool { return f.Type == "removed" && strings.Contains(string(f.Data), "live_password") })
	for _, suffix := range []string{".flv", "/index.m3u8"} {
		eventually(t, "the sign from before is dead", func() bool { return playStatus(public, suffix) == http.StatusForbidden })
	}

	for i, c := range old {
		if got := string(c.Event(ids[i])[0]); !strings.Contains(got, "该直播间需要密码") {
			t.Errorf("Socket.IO: removed with %s", got)
		}
	}

	// A concert for which the fan buys a ticket. An operator refunds it during the show.
	concert := anna.open("A concert")
	anna.post("/api/live/access", map[string]any{"id": concert, "access": "paid", "price": 30}, nil)
	refused(concert, outsider, "live_paid", "该直播间需要购票")
	native.must("ticket.buy", map[string]any{"live": concert, "price": 30}, "ticket")
	native.must("ticket.buy", map[string]any{"live": concert, "price": 30}, "ticket") // repeated with the same key
	balance := func(coins int) {
		t.Helper()
		native.await("the push about the ticket", func(f frame) bool {
			return f.Type == "balance" && strings.Contains(string(f.Data), `"ticket":true`) && strings.Contains(string(f.Data), fmt.Sprintf(`"balance":%d,`, coins))
		})
	}
	balance(10)
	enter(t, native, concert, "")
	ticket := fan.read(concert)
	at.roomlog("ticket", "refund", fmt.Sprint(concert), fmt.Sprint(fan.id), "--reason", "no sound")
	native.await("the removal", func(f frame) bool { return f.Type == "removed" && strings.Contains(string(f.Data), "live_paid") })
	balance(40)
	for _, suffix := range []string{".flv", "/index.m3u8"} {
		eventually(t, "the ticket does not play any more", func() bool { return playStatus(ticket, suffix) == http.StatusForbidden })
	}

	// Another one, which is cancelled before its start.
	cancelled := anna.create("Another concert").Data.ID
	anna.post("/api/live/access", map[string]any{"id": cancelled, "access": "paid", "price": 40}, nil)
	fan.post("/api/live/ticket/buy", map[string]any{"id": cancelled, "price": 40}, nil)
	balance(0)
	var refunds struct{ Refunded, Coin, Next int64 }
	anna.post("/api/live/ticket/refund_all", map[string]any{"id": cancelled, "reason": "the singer is ill"}, &refunds)
	if refunds.Refunded != 1 || refunds.Coin != 40 || refunds.Next != 0 {
		t.Errorf("got %+v", refunds)
	}
	balance(40)
	if out := at.roomlog("ticket", "list", fmt.Sprint(cancelled)); !strings.Contains(out, "1 ticket sold, 1 of them refunded") || !strings.Contains(out, "the singer is ill") {
		t.Error(out)
	}
	if out := at.roomlog("ticket", "refund", fmt.Sprint(cancelled), "--all", "--reason", "the singer is ill"); !strings.HasPrefix(out, "0 tickets refunded") {
		t.Error(out)
	}
	if coins := fan.coins(); coins != 40 {
		t.Errorf("the fan has %d coins", coins)
	}

	// An operator lets invited users in only, revokes the invitation, and opens the live.
	id := fmt.Sprint(cancelled)
	if out, code := at.try("live", "access", id, "paid"); code != 2 || !strings.Contains(out, "--price") {
		t.Errorf("got %d %s", code, out)
	}
	at.roomlog("live", "access", id, "invited")
	anna.post("/api/live/invitation/create", map[string]any{"id": cancelled, "uses": 3}, nil)
	if out := at.roomlog("invitation", "list", id); !strings.Contains(out, "1           3     0     -") {
		t.Error(out)
	}
	at.roomlog("invitation", "revoke", id, "1")
	if out := at.roomlog("invitation", "list", id); !strings.Contains(out, "no invitations") {
		t.Error(out)
	}
	if out := at.roomlog("live", "access", id, "open"); out != "the access of live "+id+" is open\n" {
		t.Error(out)
	}
}
