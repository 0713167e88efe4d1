package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
	"roomlog/internal/peertest"
	"roomlog/internal/waittest"
)

// BenchmarkFigureModeration measures how long mutes and bans take to be in force on another node: from the reply to the
// moderator, until the user there has a refused comment and the push about the act. The user posts comments all the time.
func BenchmarkFigureModeration(b *testing.B) {
	const rounds = 200
	env := append([]string{"DATABASE_URL=" + pgtest.Server(b, pgtest.Durable).DSN()}, sharedSecrets...)
	node := func() *process {
		return serve(b, env, append([]string{"--data", dataDir(b), "--comment-rate", "100000", "--comment-burst", "100000"}, unhurried...)...)
	}
	first, second := node(), node()
	live := join(b, first, "streamer").open("x")
	moderator := join(b, first, "moderator")
	first.roomlog("moderator", "appoint", "--live", fmt.Sprint(live), "--user", fmt.Sprint(moderator.id))
	here, troll := moderator.connect(""), join(b, second, "troll")
	there := troll.connect("")
	enter(b, here, live, "")
	user := map[string]any{"live": live, "user": troll.id}

	// round executes an act while the user posts comments, and returns the time until the act is in force.
	round := func(act, code, push string) time.Duration {
		posts, refused := make(chan struct{}), make(chan time.Time, 1)
		there.news()
		go func() {
			for n := 0; ; n++ {
				f, err := there.ask("comment.post", map[string]any{"live": live, "text": fmt.Sprint("comment ", n)}, "")
				if err != nil || f.Type != "ok" {
					if err != nil || !strings.Contains(string(f.Data), `"`+code+`"`) {
						b.Errorf("a comment got the reply %s, %v, want %s", f.Data, err, code)
					}
					refused <- time.Now()
					return
				}
				if n == 0 {
					close(posts)
				}
			}
		}()
		waittest.Receive(b, posts, "the reply to the first comment")
		here.must(act, user, "")
		replied := time.Now()
		for pushed := false; !pushed; {
			there.mu.Lock()
			changed := there.changed
			there.mu.Unlock()
			if pushed = slices.ContainsFunc(there.news(), func(f frame) bool { return f.Type == push }); !pushed {
				awaitSignal(b, "the push "+push, changed)
			}
		}
		inForce := time.Since(replied)
		return max(inForce, waittest.Receive(b, refused, "the refusal of a comment").Sub(replied))
	}
	for b.Loop() {
		var longest time.Duration
		for _, of := range [][4]string{{"viewer.mute", "muted", "muted", "viewer.unmute"}, {"viewer.ban", "banned", "banned", "viewer.unban"}} {
			took := make([]time.Duration, rounds)
			for i := range took {
				enter(b, there, live, "")
				took[i] = round(of[0], of[1], of[2])
				here.must(of[3], user, "")
			}
			slices.Sort(took)
			b.Logf("%s: median %v, 99th percentile %v, longest %v", of[0], took[rounds/2], took[rounds*99/100], took[rounds-1])
			longest = max(longest, took[rounds*99/100])
		}
		b.ReportMetric(float64(longest.Microseconds())/1000, "moderation_in_force_p99_ms")
	}
}

// BenchmarkFigurePlayRequest compares the CPU time of the server for the requests with which a player begins: the index of HLS, whose play
// sign is checked, and the playlist of its video. One live needs a password, the other one is open. Both are on air, and the
// viewer is signed in. The CPU time for the encoders is measured before, and subtracted.
func BenchmarkFigurePlayRequest(b *testing.B) {
	const rounds, requests = 7, 1000
	needFFmpeg(b)
	env := append([]string{"DATABASE_URL=" + pgtest.Server(b, pgtest.Durable).DSN()}, sharedSecrets...)
	at := serve(b, env, append([]string{"--data", dataDir(b)}, unhurried...)...)
	viewer := join(b, at, "viewer")
	var plays []string
	for _, name := range []string{"open", "password"} {
		streamer := join(b, at, name)
		room := streamer.create(name)
		if name == "password" {
			streamer.post("/api/live/access", map[string]any{"id": room.Data.ID, "access": "password", "password": "open sesame"}, nil)
			viewer.post("/api/live/enter", map[string]any{"id": room.Data.ID, "password": "open sesame"}, nil)
		}
		publish(b, film(b, 60), at.rtmpURL(room), "-stream_loop", "-1")
		eventually(b, "the live has a broadcast", func() bool { return viewer.read(room.Data.ID).Data.Media != nil })
		plays = append(plays, at.flvURL(viewer.read(room.Data.ID), "/index.m3u8"))
	}
	client := &http.Client{}
	get := func(from *url.URL) string {
		response, err := client.Do(&http.Request{Method: http.MethodGet, URL: from})
		if err != nil {
			b.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s %s, %v", from, response.Status, body, err)
		}
		return string(body)
	}
	play := func(index string) {
		from, err := url.Parse(index)
		if err != nil {
			b.Fatal(err)
		}
		for lines := bufio.NewScanner(strings.NewReader(get(from))); lines.Scan(); {
			if line := lines.Text(); line != "" && !strings.HasPrefix(line, "#") {
				list, err := from.Parse(line)
				if err != nil {
					b.Fatal(err)
				}
				get(list)
				return
			}
		}
		b.Fatal("the index names no playlist")
	}
	used := func() (seconds float64) {
		var memory float64
		if _, err := fmt.Sscanf(peertest.Stats(at.cmd.Process.Pid), "stats %f %f", &seconds, &memory); err != nil {
			b.Fatal(err)
		}
		return seconds
	}
	for b.Loop() {
		for _, index := range plays {
			for range 100 {
				play(index)
			}
		}
		const quiet = 10 * time.Second
		before := used()
		<-time.After(quiet)
		perSecond := (used() - before) / quiet.Seconds()
		var costs [2][]float64
		for range rounds {
			for i, index := range plays {
				before, began := used(), time.Now()
				for range requests {
					play(index)
				}
				costs[i] = append(costs[i], used()-before-perSecond*time.Since(began).Seconds())
			}
		}
		for i := range costs {
			slices.Sort(costs[i])
		}
		open, restricted := costs[0][rounds/2], costs[1][rounds/2]
		b.Logf("CPU of two requests: open %.3f ms, restricted %.3f ms; encoders %.1f ms/s", open*1000/requests, restricted*1000/requests, 1000*perSecond)
		b.ReportMetric(restricted/open, "play_restricted_ratio")
	}
}
