package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lxzan/gws"
)

// replaySink is a WebSocket that collects the frames of a replay.
type replaySink struct {
	gws.BuiltinEventHandler
	refuse atomic.Bool // closes the next connection after its first frame

	mu     sync.Mutex
	frames []string
}

func (s *replaySink) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	if s.refuse.Load() {
		_ = conn.NetConn().Close()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames = append(s.frames, string(message.Bytes()))
}

func (s *replaySink) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.frames)
}

// TestReplayOfALive lets a viewer watch a live, and replays the live later: as text, and as the pushes that the viewer has
// received.
func TestReplayOfALive(t *testing.T) {
	t.Parallel()
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t)}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "10")
	anna, bert, carl := join(t, at, "anna"), join(t, at, "bert"), join(t, at, "carl")
	at.roomlog("coins", "credit", "--user", fmt.Sprint(bert.id), "--amount", "100", "--order", "o1")
	live := anna.open("An evening")
	c := carl.connect("")
	enter(t, c, live, "")
	b := bert.connect("")
	enter(t, b, live, "")
	posted := into[struct{ Pos int64 }](t, b.must("comment.post", map[string]any{"live": live, "text": "good\u202eevening"}, ""))
	b.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 3}, "k1")
	b.must("room.leave", map[string]any{"live": live}, "")

	var pushed []string
	c.await("bert leaves", func(f frame) bool {
		text := fmt.Sprint(f.Type, f.Pos, string(f.Data)) // await calls with each frame again
		if slices.Contains([]string{"join", "comment", "gift", "leave"}, f.Type) && !slices.Contains(pushed, text) {
			pushed = append(pushed, text)
		}
		return f.Type == "leave"
	})

	text := regexp.MustCompile(`\d\d:\d\d:\d\d`).ReplaceAllString(at.roomlog("replay", fmt.Sprint(live), "--max-gap", "0s"), "TIME")
	want := fmt.Sprintf(`An evening, live %d of anna
TIME  the live is on air
TIME  carl joined
TIME  bert joined
TIME  bert: good evening
TIME  bert sent 3 × Rose (30 coins)
TIME  bert left
`, live)
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}

	var replayed []string
	for line := range strings.Lines(at.roomlog("replay", fmt.Sprint(live), "--speed", "100000", "--json")) {
		var f struct {
			Type string
			Pos  int64
			Data json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		replayed = append(replayed, fmt.Sprint(f.Type, f.Pos, string(f.Data)))
	}
	first := len(replayed) - len(pushed) // carl's own join may be in the snapshot
	if len(pushed) < 4 || len(replayed) != 6 || !slices.Equal(replayed[first:], pushed) {
		t.Errorf("the replay contains\n%s\nwhile carl received\n%s", strings.Join(replayed, "\n"), strings.Join(pushed, "\n"))
	}

	// The same into a WebSocket, when a comment was removed meanwhile.
	anna.connect("").must("comment.remove", map[string]any{"live": live, "comment": posted.Pos}, "")
	sink := &replaySink{}
	upgrader := gws.NewUpgrader(sink, nil)
	overlay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		conn.ReadLoop()
	}))
	defer overlay.Close()
	address := strings.Replace(overlay.URL, "http", "ws", 1)
	var again []string
	for line := range strings.Lines(at.roomlog("replay", fmt.Sprint(live), "--speed", "100000", "--json")) {
		again = append(again, strings.TrimSuffix(line, "\n"))
	}
	if out := at.roomlog("replay", fmt.Sprint(live), "--speed", "100000", "--socket", address+"/overlay"); out != "" {
		t.Errorf("a replay into a socket printed %s", out)
	}
	eventually(t, "the socket has all frames", func() bool { return len(sink.all()) >= len(again) })
	if got := sink.all(); !slices.Equal(got, again) || strings.Contains(strings.Join(got, ""), "evening\"") {
		t.Errorf("the socket received\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(again, "\n"))
	}
	sink.refuse.Store(true)
	if out, code := at.try("replay", fmt.Sprint(live), "--max-gap", "100ms", "--speed", "0.1", "--socket", address); code != 1 || !strings.Contains(out, "the socket has closed the connection at position") {
		t.Errorf("a socket that closes: exit code %d, %s", code, out)
	}
	overlay.Close()

	if out, want := at.roomlog("gift", "history", "--live", fmt.Sprint(live), "--sender", fmt.Sprint(bert.id), "--from", fmt.Sprint(posted.Pos), "--format", "csv"), fmt.Sprintf(",%d,%d,%d,1,Rose,10,3,30,0,\n", live, anna.id, bert.id); !strings.HasSuffix(out, want) {
		t.Errorf("the history of gifts is %s, want a line with %s", out, want)
	}
	if out := at.roomlog("replay", fmt.Sprint(live), "--skip", "24h"); strings.Count(out, "\n") != 1 {
		t.Errorf("a replay that begins after the end printed %s", out)
	}
	for _, bad := range [][]string{{"999"}, {"0"}, {"x"}, {fmt.Sprint(live), "--speed", "0"}, {fmt.Sprint(live), "--speed", "NaN"}, {fmt.Sprint(live), "--max-gap", "-1s"},
		{fmt.Sprint(live), "--socket", "http://localhost"}, {fmt.Sprint(live), "--socket", "ws://"}, {fmt.Sprint(live), "--socket", address}, {fmt.Sprint(live), "--socket", address, "--json"}} {
		if out, code := at.try(append([]string{"replay"}, bad...)...); code == 0 || !strings.Contains(out, "roomlog: ") {
			t.Errorf("replay %v: exit code %d, %s", bad, code, out)
		}
	}
}
