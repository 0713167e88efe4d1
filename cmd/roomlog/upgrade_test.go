package main_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
	"roomlog/internal/natsconn/natstest"
)

// TestRollingUpgrade replaces an older program by this one, on one of three servers after another, while users send gifts on all of them.
// Servers of both programs must work together: commands, pushes, chat, surveys, kicks, REST and streams. ROOMLOG_OLDER is the path of the
// older program, see `make upgrade`. The new program is the one that users build, because a test binary has other fingerprints of secrets.
func TestRollingUpgrade(t *testing.T) {
	older := os.Getenv("ROOMLOG_OLDER")
	if older == "" {
		t.Skip("ROOMLOG_OLDER names no older program")
	}
	needFFmpeg(t)
	for _, over := range []string{"PostgreSQL", "NATS"} {
		t.Run("over "+over, func(t *testing.T) {
			t.Parallel()
			env := append([]string{"DATABASE_URL=" + pgtest.Blank(t)}, sharedSecrets...)
			if over == "NATS" {
				env = append(env, "ROOMLOG_NATS_URL="+natstest.Start(t).URL)
			}
			var servers []*process
			for range 3 {
				servers = append(servers, launch(&process{t: t, env: env, older: older, built: true, args: append([]string{"--data", dataDir(t), "--auto-live", "--guest-chat",
					"--presence-grace", "1m", "--media-internal-addr", reservedAddress(t)}, unhurried...)}))
			}
			c := beginLoad(t, &steady{pace: 100 * time.Millisecond, gifts: true, over: make(chan struct{})}, 3, 3, 20000, servers...)
			for i, p := range servers {
				c.more(100)
				if code := p.stop(); code != 0 {
					t.Errorf("exit code %d, want 0", code)
				}
				p.older = ""
				p.again()
				if i < 2 {
					c.others += mixed(t, fmt.Sprint("round-", i), servers[2], servers[0])
				}
			}
			c.more(100)
			close(c.steady.over)
			c.judge()
		})
	}
}

// mixed checks that a server of an older program and one of this program work together, in both directions. It returns the number of
// gifts that it has sent.
func mixed(t *testing.T, round string, older, newer *process) (gifts int) {
	t.Helper()
	operator := join(t, newer, "operator-"+round)
	newer.roomlog("user", "grant", fmt.Sprint(operator.id), "--role", "operator")
	file := film(t, 2)
	for i, at := range [][2]*process{{older, newer}, {newer, older}} {
		name := fmt.Sprintf("%s-%d", round, i)
		here, there := at[0], at[1]
		anna, bert := join(t, here, "anna-"+name), join(t, there, "bert-"+name)
		for _, p := range []*person{anna, bert} {
			p.topUp(100, 1)
		}
		live := anna.open("show of " + name)
		streamer, viewer := anna.connect(""), bert.connect("")
		enter(t, streamer, live, "")
		enter(t, viewer, live, "")
		sent := map[int64]string{}
		for n, s := range []*socket{streamer, viewer, streamer, viewer} {
			kind, data := "comment.post", map[string]any{"live": live, "text": fmt.Sprint("text ", n)}
			if n >= 2 {
				gifts++
				kind, data = "gift.send", map[string]any{"live": live, "gift": 1, "num": 1}
			}
			sent[into[purse](t, s.must(kind, data, fmt.Sprint(n))).Pos] = strings.TrimSuffix(strings.TrimSuffix(kind, ".post"), ".send")
		}
		for position, kind := range sent {
			for _, s := range []*socket{streamer, viewer} {
				s.await(kind, func(f frame) bool { return f.Pos == position && f.Type == kind })
			}
		}
		for _, p := range []*process{there, here} {
			anna.at, bert.at = p, p
			if ids := anna.viewers(live); !slices.Contains(ids, bert.id) {
				t.Errorf("%s: the viewers at %s are %v, without %d", name, p.addr, ids, bert.id)
			}
			if got := bert.read(live).Data.ID; got != live {
				t.Errorf("%s: read the live %d, want %d", name, got, live)
			}
		}

		newer.roomlog("room", "add", name)
		for _, s := range []*socket{streamer, viewer} {
			s.must("chat.join", map[string]any{"room": name}, "")
		}
		streamer.must("chat.typing", map[string]any{"room": name}, "")
		viewer.await("typing", func(f frame) bool { return f.Type == "chat.typing" })

		for _, p := range at {
			operator.at = p
			var found struct {
				Sockets []struct{ Users []int64 }
				Nodes   int
				Replied int `json:"answered"`
			}
			operator.get("/api/operator/sockets", &found)
			for _, who := range []*person{anna, bert} {
				if !slices.ContainsFunc(found.Sockets, func(s struct{ Users []int64 }) bool { return slices.Contains(s.Users, who.id) }) {
					t.Errorf("%s: %s does not list the connection of %s: %+v", name, p.addr, who.name, found)
				}
			}
		}
		if out := newer.roomlog("top", "--once"); !strings.Contains(out, "nodes: 3, 3 replied") {
			t.Errorf("%s: roomlog top prints\n%s", name, out)
		}

		room := anna.create("stream of " + name)
		bert.at = there // servers of one version may refuse the signs of another
		held := bert.read(room.Data.ID)
		player := watch(t, there.flvURL(held, ".flv"))
		encoder := publish(t, file, here.rtmpURL(room), "-stream_loop", "-1")
		player.gets(t, "a player of the other program")
		for _, p := range at {
			operator.at = p
			eventually(t, "both servers list the stream and its player", func() bool {
				all := operator.streams()
				i := slices.IndexFunc(all, func(l streamLine) bool { return l.Live == room.Data.ID })
				return i >= 0 && all[i].Publishing && len(all[i].Relays) == 1 && all[i].Players["http-flv"] == 1
			})
		}
		operator.at = there
		if got := operator.kick(map[string]any{"live": room.Data.ID, "reason": "over"}); got != http.StatusOK {
			t.Errorf("%s: the stream is kicked with %d", name, got)
		}
		eventually(t, "the encoder at the other server is disconnected", encoder.over)

		for _, victim := range []struct {
			p *person
			s *socket
		}{{anna, streamer}, {bert, viewer}} {
			operator.at = there
			if victim.p == bert {
				operator.at = here
			}
			operator.post("/api/operator/kick", map[string]any{"user": victim.p.id, "reason": "a test"}, nil)
			eventually(t, victim.p.name+" is disconnected", func() bool { return !victim.s.alive() })
		}
		for _, p := range at {
			operator.at = p
			status, state := operator.ready()
			t.Logf("%s: readyz of %s: %d %+v", name, p.addr, status, state)
		}
	}
	return gifts
}
