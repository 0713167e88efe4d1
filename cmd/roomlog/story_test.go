package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// unhurried contains settings for limits that people never reach, but tests do.
var unhurried = []string{"--gift-rate", "100000", "--gift-burst", "100000", "--frame-rate", "100000", "--frame-burst", "100000",
	"--registrations-per-address", "100000", "--restart-spread", "100ms",
	"--change-burst", "1000000", "--join-burst", "1000000", "--post-burst", "1000000", "--address-burst", "1000000", "--anonymous-burst", "1000000"}

// TestEveningFromStartToStop plays a whole evening on a new machine. Users register, a streamer goes on air, viewers
// join, comment, buy coins, send gifts, lose their connections and resume without a gap. The server is killed during a
// stream of gifts. In the end, the log must contain every acknowledged command exactly once.
func TestEveningFromStartToStop(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	at := serveBuilt(t, []string{"ROOMLOG_PAYMENT_SECRET=" + paymentSecret}, append([]string{"--data", data}, unhurried...)...)
	if got := at.roomlog("gift", "add", "--name", "Rose", "--coin", "30", "--image", "https://cdn.example/rose.png"); got != "gift 1: Rose, 30 coins\n" {
		t.Fatalf("gift add printed %q", got)
	}

	anna, bert, carl := join(t, at, "anna"), join(t, at, "bert"), join(t, at, "carl")
	live := anna.open("An evening with Anna")

	// Viewers join and see each other.
	c := carl.connect("")
	room := enter(t, c, live, "")
	if room.Snapshot == nil || room.Snapshot.Live.Status != 1 || room.Snapshot.Owner.Name != "anna" || room.Snapshot.Live.Title != "An evening with Anna" {
		t.Fatalf("carl joined and got %+v", room)
	}
	b := bert.connect("")
	if found := enter(t, b, live, ""); !slices.ContainsFunc(found.Snapshot.Viewers, func(v named) bool { return v.Name == "carl" }) {
		b.await("carl's coming", func(f frame) bool { return f.Type == "join" && into[by](t, f).User.Name == "carl" })
	}
	c.await("bert's coming", func(f frame) bool { return f.Type == "join" && into[by](t, f).User.Name == "bert" })

	// Viewers comment.
	b.must("comment.post", map[string]any{"live": live, "text": "你好, Anna!"}, "c1")
	comment := c.await("bert's comment", func(f frame) bool { return f.Type == "comment" })
	if got := into[by](t, comment); got.Text != "你好, Anna!" || got.User.Name != "bert" {
		t.Fatalf(`carl hears %s, want got.Text "你好, Anna!", got.User.Name "bert"`, comment.Data)
	}

	// Bert buys coins. Repeated callbacks of the payment provider count once.
	bert.topUp(1000, 3)
	paid := b.await("the coins", func(f frame) bool { return f.Type == "balance" })
	if got := into[purse](t, paid); got.Balance != 10000 || got.Change != 10000 {
		t.Fatalf("bert is told %s, want got.Balance 10000, got.Change 10000", paid.Data)
	}
	if coins := bert.coins(); coins != 10000 {
		t.Fatalf("bert has %d coins, want 10000", coins)
	}

	// Bert sends gifts, and all viewers receive them.
	given := into[purse](t, b.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 2}, "g0"))
	if given.Balance != 9940 {
		t.Fatalf("bert has %d coins after giving, want 9940", given.Balance)
	}
	if got := into[by](t, c.await("the roses", func(f frame) bool { return f.Type == "gift" })); got.Num != 2 || got.Gift.Name != "Rose" {
		t.Fatalf(`carl sees %+v, want Num 2, Gift.Name "Rose"`, got)
	}
	c.await("the gauges", func(f frame) bool { return f.Type == "gauges" && into[figures](t, f) == figures{2, 2, 60} })

	// Carl's connection breaks, the live continues, and Carl resumes without a gap.
	line := newLine(live, room.Snapshot)
	line.hear(t, c)
	c.cut()
	b.await("carl's leaving", func(f frame) bool { return f.Type == "leave" && into[by](t, f).User.Name == "carl" })
	for i := range 3 {
		b.must("comment.post", map[string]any{"live": live, "text": fmt.Sprintf("missed %d", i)}, "")
	}
	c = carl.connect(c.hello.Cursor)
	back := enter(t, c, live, line.cursor)
	if back.Resumed == nil {
		t.Fatalf("carl resumed with %+v, want what was missed", back)
	}
	line.resumed(back.Resumed)
	c.await("what was missed", func(f frame) bool { return f.Type == "comment" && into[by](t, f).Text == "missed 2" })
	line.hear(t, c)

	// The server is killed during a stream of gifts.
	const gifts = 300
	acknowledged := stream(t, b, live, gifts, func(answered int) {
		if answered == gifts/10 {
			at.kill()
		}
	})
	if n := len(acknowledged); n < gifts/10 || n == gifts {
		t.Errorf("%d of %d gifts were acknowledged: the kill was not in their middle", n, gifts)
	}
	at.again()

	// Bert's client repeats all requests with the same keys and receives the same replies.
	b = bert.connect("")
	enter(t, b, live, "")
	final := map[string]string{}
	for i := range gifts {
		key := fmt.Sprintf("g%d", i+1)
		final[key] = string(b.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 1}, key).Data)
		if before, ok := acknowledged[key]; ok && before != final[key] {
			t.Errorf("gift %s was acknowledged with %s and then with %s", key, before, final[key])
		}
	}
	eventually(t, "bert has paid for every gift, once", func() bool { return bert.coins() == 9940-30*gifts })

	// Carl resumes, and has then received each gift exactly once.
	line.hear(t, c)
	c = carl.connect("")
	if back = enter(t, c, live, line.cursor); back.Resumed == nil {
		t.Fatalf("carl resumed with %+v", back)
	}
	line.resumed(back.Resumed)
	c.await("the last gift", func(f frame) bool {
		return f.Pos == into[purse](t, frame{Data: []byte(final[fmt.Sprintf("g%d", gifts)])}).Pos
	})
	line.hear(t, c)
	if line.gifts != 1+gifts {
		t.Errorf("carl saw %d gifts, want %d", line.gifts, 1+gifts)
	}

	auditEvening(t, at, anna)

	// The server stops. It asks all clients to reconnect later, and no process is left.
	if code := at.stop(); code != 0 {
		t.Errorf("the server ended with exit code %d, want 0", code)
	}
	c.awaitClose()
	if c.code != 1012 || !strings.Contains(c.reason, "retry_after") {
		t.Errorf("carl's connection ended with %d %q, want 1012 and when to come back", c.code, c.reason)
	}
	if _, err := os.Stat(filepath.Join(data, "postgres", "postmaster.pid")); !os.IsNotExist(err) {
		t.Errorf("PostgreSQL was not stopped: %v", err)
	}
}

// auditEvening checks the log and the tables while the server runs.
func auditEvening(t *testing.T, at *process, analyst *person) {
	t.Helper()
	if out := at.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Errorf("verify printed %s", out)
	}
	if out := at.roomlog("rebuild"); !strings.HasPrefix(out, "rebuilt: ") {
		t.Errorf("rebuild printed %s", out)
	}
	if out := at.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Errorf("verify after a rebuild printed %s", out)
	}
	at.roomlog("user", "grant", fmt.Sprint(analyst.id), "--role", "analyst")
	at.roomlog("user", "grant", fmt.Sprint(analyst.id), "--role", "personal") // with this role, a replay contains all fields, like an export
	exported := strings.Split(strings.TrimSpace(at.roomlog("export")), "\n")
	status, raw := analyst.do(http.MethodGet, "/api/events?follow=false", nil, nil)
	replayed := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if status != http.StatusOK || len(replayed) < len(exported) || !slices.Equal(replayed[:len(exported)], exported) {
		t.Errorf("the export (%d lines) and the replay (status %d, %d lines) differ", len(exported), status, len(replayed))
	}
	for i, text := range exported {
		var line struct{ Position int }
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Position != i+1 {
			t.Fatalf("line %d of the export: %v, %s", i+1, err, text)
		}
	}
}

// stream sends gifts g1, g2, … and returns the replies that arrived before the connection ended. A third of the gifts is
// always on its way. It calls after with the number of replies so far.
func stream(t *testing.T, s *socket, live int64, gifts int, after func(answered int)) map[string]string {
	t.Helper()
	var answers []<-chan frame
	send := func() {
		answer, err := s.send("gift.send", map[string]any{"live": live, "gift": 1, "num": 1}, fmt.Sprintf("g%d", len(answers)+1))
		if err == nil { // an error means that the connection has ended
			answers = append(answers, answer)
		}
	}
	for range gifts / 3 {
		send()
	}
	acknowledged := map[string]string{}
	for n := 0; n < len(answers); n++ {
		var f frame
		answer := answers[n]
		select {
		case f = <-answer:
		case <-s.closed:
			select {
			case f = <-answer: // the reply arrived before the connection ended
			default:
			}
		case <-time.After(timeout):
			t.Fatalf("gift %d got no reply", n+1)
		}
		if f.Type == "ok" {
			acknowledged[fmt.Sprintf("g%d", n+1)] = string(f.Data)
			after(len(acknowledged))
		}
		if len(answers) < gifts {
			send()
		}
	}
	return acknowledged
}
