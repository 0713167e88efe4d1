package socketio_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lxzan/gws"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
)

// nativeClient is a client of the native dialect.
type nativeClient struct {
	gws.BuiltinEventHandler
	testing.TB
	conn   *gws.Conn
	frames chan frame
	aside  []frame // pushes that ask has skipped
	serial int
}

type frame struct {
	Re, Type string
	Live     domain.LiveID
	Pos      int64
	Cursor   string
	Data     json.RawMessage
}

func (n *nativeClient) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	var f frame
	if err := json.Unmarshal(m.Bytes(), &f); err == nil {
		f.Data = slices.Clone(f.Data)
		n.frames <- f
	}
}

// native connects a user in the native dialect.
func (p person) native() *nativeClient {
	p.Helper()
	n := &nativeClient{TB: p.TB, frames: make(chan frame, 10_000)}
	conn, _, err := gws.NewClient(n, &gws.ClientOption{Addr: "ws" + strings.TrimSuffix(strings.TrimPrefix(p.base, "http"), socketio.Path) + "/ws"})
	if err != nil {
		p.Fatal(err)
	}
	n.conn = conn
	go conn.ReadLoop()
	p.Cleanup(func() { _ = conn.NetConn().Close() })
	n.ask("hello", map[string]any{"token": p.Token()})
	return n
}

// ask sends a frame and waits for its reply.
func (n *nativeClient) ask(verb string, data any) json.RawMessage {
	n.Helper()
	f := n.reply(verb, data)
	if f.Type != "ok" {
		n.Fatalf(`%s got the reply %s, want f.Type "ok"`, verb, f.Data)
	}
	return f.Data
}

// refusal sends a frame that must be refused, and returns the code of the refusal.
func (n *nativeClient) refusal(verb string, data any) (code string) {
	n.Helper()
	var problem struct{ Code string }
	if f := n.reply(verb, data); f.Type == "ok" || json.Unmarshal(f.Data, &problem) != nil {
		n.Fatalf("%s got the reply %s %s, want a refusal", verb, f.Type, f.Data)
	}
	return problem.Code
}

// reply sends a frame and waits for its reply.
func (n *nativeClient) reply(verb string, data any) frame {
	n.Helper()
	n.serial++
	id := fmt.Sprint(n.serial)
	text, _ := json.Marshal(map[string]any{"id": id, "type": verb, "data": data})
	_ = n.conn.WriteString(string(text))
	late := time.After(siotest.Timeout)
	f := n.next(late)
	for ; f.Re != id; f = n.next(late) {
		n.aside = append(n.aside, f)
	}
	return f
}

// nextFrame returns the next frame f for which is(f) returns true, first from those that ask has skipped. It drops
// other frames.
func (n *nativeClient) nextFrame(is func(frame) bool) frame {
	n.Helper()
	for len(n.aside) > 0 {
		f := n.aside[0]
		n.aside = n.aside[1:]
		if is(f) {
			return f
		}
	}
	for late := time.After(siotest.Timeout); ; {
		if f := n.next(late); is(f) {
			return f
		}
	}
}

// next waits for a frame. It fails the test when late has a value: gauges arrive for as long as the server runs.
func (n *nativeClient) next(late <-chan time.Time) frame {
	n.Helper()
	select {
	case f := <-n.frames:
		return f
	case <-late:
		n.Fatal("timed out waiting for a frame")
		panic("unreachable")
	}
}

func TestBothDialectsShareALive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live, rose := w.register("streamer").goLive(), w.AddGift("rose", "https://x/rose.png", 5)
	ann, bob := w.register("ann").credit(100), w.register("bob").credit(100)
	a := w.recovering()
	a.joins(ann, live)
	b := bob.native()
	b.ask("room.join", map[string]any{"live": live})
	if l := a.online("join", "bob"); l.Total != 2 || len(l.Clients) != 1 {
		t.Errorf("the list is %+v, want Total 2, 1 Clients", l)
	}
	b.ask("comment.post", map[string]any{"live": live, "text": "from the native side"})
	if s, _ := push[comment](a, "comment"); s.Content != "from the native side" || s.User.Name != "bob" {
		t.Errorf(`got the comment %+v, want Content "from the native side", User.Name "bob"`, s)
	}
	b.ask("gift.send", map[string]any{"live": live, "gift": rose, "num": 3})
	if g, _ := push[given](a, "gift"); g.Num != 3 || g.Coin != 5 || g.Username != "bob" {
		t.Errorf(`got the gift %+v, want Num 3, Coin 5, Username "bob"`, g)
	}
	a.Emit("comment", map[string]any{"live_id": live, "data": "from the old side", "token": ann.Token()})
	f := b.nextFrame(func(f frame) bool { return f.Type == "comment" && strings.Contains(string(f.Data), "old side") })
	if s, offset := push[comment](a, "comment"); offset != f.Cursor || !strings.Contains(string(f.Data), s.ID) {
		t.Errorf("one comment is %s at %s and %+v at %s", f.Data, f.Cursor, s, offset)
	}
	// A user who is connected in both dialects leaves the live when the last connection ends.
	both := bob
	old := w.app(siotest.Options{})
	old.joins(both, live)
	old.Emit("leaveLive", map[string]any{"live_id": live, "token": both.Token()})
	old.silent()
	b.ask("room.leave", map[string]any{"live": live})
	a.online("leave", "bob")
	if n := len(events[domain.ViewerLeft](w)); n != 1 {
		t.Errorf("bob has left %d times, want 1", n)
	}
}

// TestCombiningMarksInBothDialects posts the most combining marks that a comment can have from a client of each dialect. Every client
// receives the text as it was typed, also in the snapshot. A comment of combining marks alone is refused, because nothing can be seen.
func TestCombiningMarksInBothDialects(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live, ann, bob := w.register("streamer").goLive(), w.register("ann"), w.register("bob")
	alone := strings.Repeat("\u0301", 200)
	text := "x" + alone[:len(alone)-len("\u0301")]
	native, later := bob.native(), w.register("cat").native()
	native.ask("room.join", map[string]any{"live": live})
	var old []*app
	for _, version := range []int{3, 4} {
		c := w.app(siotest.Options{Version: version})
		c.joins(ann, live)
		old = append(old, c)
	}
	received := func(from string) {
		t.Helper()
		for i, c := range old {
			if s, _ := push[comment](c, "comment"); s.Content != text {
				t.Errorf("from %s: client %d got %q, want %q", from, i, s.Content, text)
			}
		}
		var data struct{ Text string }
		f := native.nextFrame(func(f frame) bool { return f.Type == "comment" })
		if err := json.Unmarshal(f.Data, &data); err != nil || data.Text != text {
			t.Errorf("from %s: the native client got %s, %v, want %q", from, f.Data, err, text)
		}
	}
	native.ask("comment.post", map[string]any{"live": live, "text": text})
	received("the native client")
	for i, c := range old {
		c.Emit("comment", map[string]any{"live_id": live, "data": text, "token": ann.Token()})
		received(fmt.Sprintf("client %d", i))
		c.Emit("comment", map[string]any{"live_id": live, "data": alone, "token": ann.Token()})
		c.refused("参数错误")
	}
	if code := native.refusal("comment.post", map[string]any{"live": live, "text": alone}); code != "text_invalid" {
		t.Errorf("the native client got the code %s, want text_invalid", code)
	}
	if snapshot := string(later.ask("room.join", map[string]any{"live": live})); strings.Count(snapshot, text) != 1+len(old) {
		t.Errorf("the snapshot has %d of the comments: %s", strings.Count(snapshot, text), snapshot)
	}
}

func TestTwoNodes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one := openWorld(t, db, true, nil)
	two := openWorld(t, db, false, func(_ *socketio.Config, c *roomsConfig) { c.PresenceGrace = time.Hour })
	live, rose := one.register("streamer").goLive(), one.AddGift("rose", "", 1)
	ann, bob := one.register("ann").credit(10), one.register("bob").credit(10)
	a, b := one.app(siotest.Options{Version: 3}), two.app(siotest.Options{Version: 4})
	a.joins(ann, live)
	if l := b.joins(bob.on(two), live); l.Total != 2 || !slices.Equal(l.names(), []string{"bob", "ann"}) {
		t.Errorf("the list is %+v", l)
	}
	a.online("join", "bob")
	natives := []*nativeClient{one.register("nat").native(), one.register("nate").on(two).native()}
	for _, n := range natives {
		n.ask("room.join", map[string]any{"live": live})
	}
	a.Emit("comment", map[string]any{"live_id": live, "data": "hello there", "token": ann.Token()})
	b.Emit("gift", map[string]any{"live_id": live, "gift_id": rose, "token": bob.Token()})
	for _, n := range natives {
		for heard := map[string]bool{}; !heard["comment"] || !heard["gift"]; { // in the order of the log
			f := n.nextFrame(func(f frame) bool { return f.Type == "comment" || f.Type == "gift" })
			heard[f.Type] = true
			if text := string(f.Data); !strings.Contains(text, map[string]string{"comment": "hello there", "gift": `"bob"`}[f.Type]) {
				n.Errorf("got %s", text)
			}
		}
	}
	for _, n := range natives {
		n.ask("comment.post", map[string]any{"live": live, "text": "heard by both"})
	}
	for _, c := range []*app{a, b} {
		if s, _ := push[comment](c, "comment"); s.Content != "hello there" {
			t.Errorf(`got the comment %+v, want Content "hello there"`, s)
		}
		if g, _ := push[given](c, "gift"); g.Username != "bob" {
			t.Errorf(`got the gift %+v, want Username "bob"`, g)
		}
		for range natives {
			if s, _ := push[comment](c, "comment"); s.Content != "heard by both" {
				t.Errorf(`got the comment %+v, want Content "heard by both"`, s)
			}
		}
	}
	// Ann connects to the other node. When her first connection ends, she does not leave the live.
	moved := two.app(siotest.Options{Version: 3})
	moved.joins(ann.on(two), live)
	a.Cut()
	moved.Emit("comment", map[string]any{"live_id": live, "data": "moved", "token": ann.Token()})
	push[comment](b, "comment")
	if n := len(events[domain.ViewerLeft](one)); n != 0 {
		t.Errorf("%d left, want 0", n)
	}
	moved.Cut()
	b.online("leave", "ann")
}
