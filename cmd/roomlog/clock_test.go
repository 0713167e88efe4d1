package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// wrongBy is the error of the clocks of two servers. The times of the log and of clients must be right within a tenth
// of it.
const wrongBy = 20 * 24 * time.Hour

// TestServersWithWrongClocks runs three servers on one database: the clock of one is right, one is 20 days ahead and one
// is 20 days behind. No decision, ban, mode, token, sign or time may depend on them.
func TestServersWithWrongClocks(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	args := func() []string { return append([]string{"--data", dataDir(t)}, unhurried...) }
	right, ahead, behind := serve(t, env, args()...), serveWithClock(t, wrongBy, env, args()...), serveWithClock(t, -wrongBy, env, args()...)
	servers := []*process{right, ahead, behind}
	anna, bert := join(t, behind, "anna"), join(t, ahead, "bert")
	live := anna.open("a show on three hosts")
	viewer := join(t, right, "viewer").connect("")
	enter(t, viewer, live, "")

	for i, at := range servers {
		p := *anna
		p.at = at
		p.get("/api/user/info", nil) // the token is valid on every server
		p.signIn()                   // ends the session of the token
		anna.token = p.token
		c := p.connect("")
		near(t, "the token was issued", c.hello.Expires.Add(-30*24*time.Hour))
		near(t, "a ping", into[struct{ At time.Time }](t, c.must("ping", map[string]any{}, "")).At)
		sign := *p.read(live).Sign
		expires, _, _ := strings.Cut(sign, "-")
		seconds, err := strconv.ParseInt(expires, 10, 64)
		if err != nil {
			t.Fatalf("the sign %s: %v", sign, err)
		}
		near(t, "a sign expires", time.Unix(seconds, 0))
		text := fmt.Sprint("comment ", i)
		c.must("comment.post", map[string]any{"live": live, "text": text}, "")
		push := viewer.await(text, func(f frame) bool { return f.Type == "comment" && strings.Contains(string(f.Data), text) })
		near(t, text, into[struct{ At time.Time }](t, push).At)
		p.post("/api/live/changestatus", map[string]any{"id": live, "type": "pause"}, nil)
		p.post("/api/live/changestatus", map[string]any{"id": live, "type": "play"}, nil)
		c.cut()

		// A ban of two seconds ends, on every server, whichever server has recorded it. A mode of an hour is in force there, and one of
		// two seconds ends.
		mode := func(seconds int) {
			p.post("/api/live/mode", map[string]any{"id": live, "mode": "mute_all", "value": 1, "seconds": seconds}, nil)
		}
		mode(3600)
		var muted []*socket
		p.post("/api/live/ban", map[string]any{"id": live, "user": bert.id, "seconds": 2}, nil)
		for _, other := range servers {
			b := *bert
			b.at = other
			s := b.connect("")
			eventually(t, "the ban ends", func() bool {
				reply, err := s.ask("room.join", map[string]any{"live": live}, "")
				return err == nil && reply.Type == "ok"
			})
			refused, err := s.ask("comment.post", map[string]any{"live": live, "text": "too early"}, "")
			if err != nil || !strings.Contains(string(refused.Data), "comments_off") {
				t.Errorf("under the mode: got %s, %v", refused.Data, err)
			}
			near(t, "the mode ends", into[struct{ Until time.Time }](t, refused).Until)
			muted = append(muted, s)
		}
		mode(2)
		for _, s := range muted {
			eventually(t, "the mode ends", func() bool {
				reply, err := s.ask("comment.post", map[string]any{"live": live, "text": "free again"}, "")
				return err == nil && reply.Type == "ok"
			})
			s.cut()
		}
	}

	for _, at := range servers {
		p := &person{t: t, at: at}
		eventually(t, "the server is ready", func() bool { status, _ := p.ready(); return status == http.StatusOK })
		_, r := p.ready()
		if days := fmt.Sprintf("differs by %d", int(at.ahead.Seconds())/100_000); strings.Contains(r.Checks["database"], days) != (at.ahead != 0) {
			t.Errorf("a clock that is %s ahead: the check of the database says %q, want %q in it", at.ahead, r.Checks["database"], days)
		}
		if got := p.metric("roomlog_clock_skew_seconds"); (time.Duration(got*float64(time.Second)) - at.ahead).Abs() > wrongBy/10 {
			t.Errorf("a clock that is %s ahead: the metric is %f s", at.ahead, got)
		}
		if n := strings.Count(at.output(), "clock of this process differs"); n > 1 || (n == 1) != (at.ahead != 0) {
			t.Errorf("a clock that is %s ahead is logged %d times", at.ahead, n)
		}
		if n := strings.Count(at.output(), "level=ERROR"); n > 0 {
			t.Errorf("a clock that is %s ahead: %d errors are logged", at.ahead, n)
		}
	}
	var last time.Time
	for line := range strings.Lines(right.roomlog("export")) {
		var e struct {
			Type       string
			RecordedAt time.Time `json:"recorded_at"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		near(t, e.Type, e.RecordedAt)
		if e.RecordedAt.Before(last) {
			t.Errorf("%s was recorded at %s, before the event before it", e.Type, e.RecordedAt)
		}
		last = e.RecordedAt
	}
	if out := right.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Errorf("verify printed %s", out)
	}
}

// near fails the test unless a time is about now.
func near(t testing.TB, what string, at time.Time) {
	t.Helper()
	if off := time.Until(at).Abs(); off > wrongBy/10 { // time passes: two days, and no test takes as long
		t.Errorf("%s: the time %s is wrong by %s", what, at, off)
	}
}

// TestStreamBetweenWrongClocks plays a stream at a node whose clock is an hour behind, while its encoder is at a node whose clock is an
// hour ahead. The signs of viewers and of nodes, and the ends of grace periods, do not depend on either clock.
func TestStreamBetweenWrongClocks(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	env := withDatabase(t)
	args := func() []string {
		return append([]string{"--data", dataDir(t), "--media-internal-addr", "127.0.0.1:0", "--stream-grace", "10m", "--presence-grace", "1s"}, unhurried...)
	}
	ahead, behind := serveWithClock(t, time.Hour, env, args()...), serveWithClock(t, -time.Hour, env, args()...)
	anna, bert := join(t, behind, "anna"), join(t, ahead, "bert")
	room, file := anna.create("a show on two hosts"), film(t, 2)
	encoder := publish(t, file, ahead.rtmpURL(room), "-stream_loop", "-1")
	player := watch(t, behind.flvURL(bert.read(room.Data.ID), ".flv"))
	player.gets(t, "a player of the edge")
	eventually(t, "the stream is relayed", func() bool {
		all := anna.streams()
		return len(all) == 1 && all[0].Publishing && len(all[0].Relays) == 1 && all[0].Players["http-flv"] == 1
	})
	ahead.kill()
	encoder.awaitEnd()
	var again *running
	eventually(t, "the encoder publishes at the other node", func() bool {
		if again == nil || again.over() {
			again = publish(t, file, behind.rtmpURL(room), "-stream_loop", "-1")
		}
		return anna.metric("roomlog_media_publishers") == 1
	})
	player.gets(t, "the same player, from the other node")
	if len(player.ended) != 0 {
		t.Error("the player was disconnected")
	}
}
