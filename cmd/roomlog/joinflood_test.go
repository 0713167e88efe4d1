package main_test

import (
	"fmt"
	"strings"
	"testing"

	"roomlog/eventstore/pgtest"
	"roomlog/realtime/socketio/siotest"
)

// TestJoinsOfOnePersonAreLimited joins and leaves lives in a loop, on connections of both dialects. The log must store
// only as many events as the rate permits, and other users must not be affected.
func TestJoinsOfOnePersonAreLimited(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	const burst = 10
	p := serve(t, append([]string{"DATABASE_URL=" + db.DSN}, sharedSecrets...), append([]string{"--data", dataDir(t)},
		"--join-rate", "0.001", "--join-burst", fmt.Sprint(burst))...)
	streamer, loop, other := join(t, p, "streamer"), join(t, p, "loop"), join(t, p, "other")
	var lives []int64
	for i := range 3 {
		lives = append(lives, streamer.open(fmt.Sprintf("live %d", i)))
	}
	accepted, limited := 0, 0
	for range 3 {
		s := loop.connect("")
		for range 4 {
			for _, live := range lives {
				f, err := s.ask("room.join", map[string]any{"live": live}, "")
				switch {
				case err != nil:
					t.Fatal(err)
				case f.Type == "ok":
					accepted++
				case into[problem](t, f).Code == "rate_limited" && into[problem](t, f).RetryAfter > 0:
					limited++
				default:
					t.Fatalf("room.join got the reply %s %s", f.Type, f.Data)
				}
				s.must("room.leave", map[string]any{"live": live}, "")
			}
		}
		s.cut()
	}
	if accepted != burst || limited != 36-burst {
		t.Errorf("%d joins are accepted and %d refused as too many", accepted, limited)
	}
	c := siotest.Dial(t, "http://"+p.addr+"/socket.io/", siotest.Options{})
	id := c.Connect()
	c.Emit("joinLive", map[string]any{"live_id": lives[0], "token": loop.token})
	if refusal := string(c.Event(id)[0]); !strings.Contains(refusal, "操作太频繁，请稍后再试") {
		t.Errorf("joinLive over Socket.IO got %s", refusal)
	}
	c.Emit("joinLive", map[string]any{"live_id": lives[0], "token": other.token})
	if online := string(c.Event("online")[0]); !strings.Contains(online, `"join"`) {
		t.Errorf("another user got %s", online)
	}
	joins := strings.Count(p.roomlog("export", "--type", "viewer.joined.v1"), "\n")
	if joins != burst+1 {
		t.Errorf("%d joins are in the log", joins)
	}
}
