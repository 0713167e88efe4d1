package native_test

import (
	"fmt"
	"sync"
	"testing"

	"roomlog/domain"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// chain checks that every push follows the last one, so that the client misses nothing and receives nothing twice.
type chain struct {
	t     testing.TB
	last  int64 // position up to which all facts were received
	facts []int64
	seen  map[string]int // number of pushes by type
}

func startChain(t testing.TB, e entered) *chain {
	c := &chain{t: t, seen: map[string]int{}}
	if e.Snapshot != nil {
		c.last = e.Snapshot.Pos
	} else {
		c.last = e.Resumed[0] - 1
	}
	return c
}

func (c *chain) take(m message) {
	c.t.Helper()
	if m.Pos == 0 || m.Live == 0 {
		return
	}
	if m.Pos <= c.last {
		c.t.Fatalf("a repetition: at position %d got %s", c.last, m.raw)
	}
	if m.Prev > c.last {
		c.t.Fatalf("a gap: after position %d got %s", c.last, m.raw)
	}
	c.last = m.Pos
	c.facts = append(c.facts, m.Pos)
	c.seen[m.Type]++
}

// factsOf returns the positions of all facts of a live according to the log.
func (w *world) factsOf(live domain.LiveID, after, upTo int64) (positions []int64) {
	w.Helper()
	for {
		facts, err := w.Feed.LiveDeltas(w.Context(), live, after, upTo, 1000)
		if err != nil {
			w.Fatal(err)
		}
		for _, d := range facts {
			positions = append(positions, d.Position)
		}
		if len(facts) < 1000 {
			return positions
		}
		after = facts[999].Position
	}
}

func (w *world) head() int64 {
	w.Helper()
	head, err := w.Store.Head(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return head
}

func TestResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	p, q := w.register("ann"), w.register("bob")
	live := p.goLive("x")
	say := func(n int) (positions []int64) {
		for i := range n {
			positions = append(positions, q.Asks(domain.PostComment{Live: live, Text: fmt.Sprint(i)}).Position)
		}
		return positions
	}
	comment := func(a *app, want int64) {
		t.Helper()
		if m := a.push("comment"); m.Pos != want {
			t.Fatalf("got %s, want position %d", m.raw, want)
		}
	}
	holder := q.app() // this client keeps the channel in memory
	holder.join(live)

	t.Run("sends missed facts from memory", func(t *testing.T) {
		a := p.app()
		from := a.join(live).Snapshot.Pos
		_ = a.Conn.Close()
		missed := say(3)
		holder.push("leave")
		b := p.app()
		got := b.rejoin(live, w.cursor(from))
		if got.Snapshot != nil || len(got.Resumed) != 2 || got.Resumed[0] != from+1 || got.Resumed[1] < missed[0]-1 {
			t.Fatalf("got %+v", got)
		}
		for _, pos := range missed {
			comment(b, pos)
		}
		_ = b.Conn.Close()
	})
	t.Run("sends missed facts from the log", func(t *testing.T) {
		empty := p.goLive("empty")
		from := w.head()
		for i := range 5 {
			q.Asks(domain.PostComment{Live: empty, Text: fmt.Sprint(i)})
		}
		for upTo := say(3)[2]; holder.push("comment").Pos < upTo; { // reads until this node has delivered the comments from the other node
		}
		a := p.app()
		got := a.rejoin(empty, w.cursor(from))
		if len(got.Resumed) != 2 {
			t.Fatalf("got %+v, want 2 Resumed", got)
		}
		c := startChain(t, got)
		for len(c.facts) < 6 { // the five comments and the join
			c.take(a.read())
		}
		if want := w.factsOf(empty, from, w.head()); fmt.Sprint(want) != fmt.Sprint(c.facts) {
			t.Errorf("got %v, want %v", c.facts, want)
		}
		_ = a.Conn.Close()
	})
	t.Run("replies with a snapshot when the position is unknown", func(t *testing.T) {
		for name, since := range map[string]string{
			"another event":   fmt.Sprintf("%d.00000000", w.head()),
			"beyond the head": fmt.Sprintf("%d.00000000", w.head()+1000),
		} {
			a := p.app()
			if got := a.rejoin(live, since); got.Snapshot == nil {
				t.Errorf("%s: got %+v", name, got)
			}
			_ = a.Conn.Close()
		}
	})
	t.Run("refuses a text that is no cursor", func(t *testing.T) {
		a := p.app()
		a.no(a.ask("room.join", map[string]any{"live": live, "since": "-1"}), "cursor_invalid")
		_ = a.Conn.Close()
	})
	t.Run("replies with a snapshot when too much was missed", func(t *testing.T) {
		from := w.head()
		var all sync.WaitGroup
		for range 60 {
			all.Go(func() { say(10) })
		}
		all.Wait()
		for upTo := w.head(); holder.push("comment").Pos < upTo; { // reads until the channel has these facts
		}
		for _, room := range []string{"remembered", "forgotten"} {
			a := p.app()
			got := a.rejoin(live, w.cursor(from))
			if got.Snapshot == nil || len(got.Snapshot.Comments) != 50 {
				t.Errorf("room %s: %+v", room, got)
			}
			_ = a.Conn.Close()
			_ = holder.Conn.Close()
			wstest.Eventually(t, "the live is empty", func() bool { return w.handler.Stats().Open.Load() == 0 })
		}
	})
	t.Run("works for a live that the connection is in", func(t *testing.T) {
		a := p.app()
		snapshot := a.join(live).Snapshot
		pos := say(1)[0]
		comment(a, pos)
		if again := a.rejoin(live, w.cursor(pos)); len(again.Resumed) != 2 {
			t.Errorf("got %+v, want 2 Resumed", again)
		}
		if again := a.join(live).Snapshot; again == nil || again.Pos < pos || snapshot.Pos >= pos {
			t.Errorf("got %+v", again)
		}
		a.aside = nil
		pos = say(1)[0]
		comment(a, pos)
	})
}

func TestMissedDeltasResetEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	p := w.register("ann")
	live, other := p.goLive("x"), p.goLive("y")
	a := p.app()
	c := startChain(t, a.join(live))
	w.miss()
	p.Asks(domain.PostComment{Live: other, Text: "what the clients did not receive"})
	a.ExpectClose(ws.CloseBehind)
	a = p.app()
	if got := a.rejoin(live, w.cursor(c.last)); len(got.Resumed) != 2 {
		t.Errorf("got %+v, want 2 Resumed", got)
	}
	a.ok(a.ask("comment.post", map[string]any{"live": live, "text": "back"}))
	for c.seen["comment"] == 0 {
		if len(a.aside) > 0 {
			c.take(a.aside[0])
			a.aside = a.aside[1:]
			continue
		}
		c.take(a.read())
	}
}

// TestNoFactIsMissedOrRepeated lets clients join, leave and resume while gifts are sent. In whichever way they have
// joined, they must receive the facts that the log contains.
func TestNoFactIsMissedOrRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	rose := w.AddGift("rose", "", 1)
	const givers, watchers, visits = 8, 6, 5
	streamer := w.register("streamer")
	live := streamer.goLive("x")
	stop := make(chan struct{})
	var giving, watching sync.WaitGroup
	for i := range givers {
		p := w.register(fmt.Sprintf("giver %d", i)).credit(1e6)
		giving.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					p.Asks(domain.SendGift{Live: live, Gift: rose, Num: 1})
				}
			}
		})
	}
	for i := range watchers {
		p := w.register(fmt.Sprintf("watcher %d", i))
		watching.Go(func() {
			a := p.app()
			c := startChain(t, a.join(live))
			from := c.last
			for visit := range visits {
				for range 20 + 10*i { // reads some pushes and then disconnects
					c.take(a.read())
				}
				for _, m := range a.aside {
					if m.Live != 0 {
						t.Errorf("before the answer to room.join came %s, want m.Live 0", m.raw)
					}
				}
				if visit == visits-1 {
					break
				}
				_ = a.Conn.Close()
				a = p.app()
				if got := a.rejoin(live, w.cursor(c.last)); got.Snapshot != nil {
					c = startChain(t, got)
					from = c.last
				} else if got.Resumed[0] != c.last+1 || got.Resumed[1] < c.last {
					t.Errorf("resumed %v from %d", got.Resumed, c.last)
				}
			}
			_ = a.Conn.Close()
			if want := w.factsOf(live, from, c.last); fmt.Sprint(want) != fmt.Sprint(c.facts) {
				t.Errorf("watcher %d got %d facts, the log has %d", i, len(c.facts), len(want))
			}
		})
	}
	watching.Wait()
	close(stop)
	giving.Wait()
}

func TestUserChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	rose := w.AddGift("rose", "", 1)
	streamer := w.register("streamer")
	live := streamer.goLive("x")
	type helloReply struct {
		Cursor  string
		Balance int64
		Reset   bool
	}
	hello := func(p person, since string) (*app, helloReply) {
		t.Helper()
		a := w.connect()
		return a, into[helloReply](t, a.ok(a.ask("hello", map[string]any{"token": p.Token(), "since": since})))
	}
	balances := func(a *app, want ...int64) (cursor string) {
		t.Helper()
		for _, balance := range want {
			m := a.push("balance")
			if got := into[struct{ Balance int64 }](t, m); got.Balance != balance {
				t.Fatalf("got %s, want %d", m.raw, balance)
			}
			cursor = m.Cursor
		}
		return cursor
	}
	t.Run("reaches every connection of the user, and nobody else", func(t *testing.T) {
		p, q := w.register("ann"), w.register("bob")
		probe := p.app()
		p.credit(10)
		balances(probe, 10)
		a, _ := hello(p, "")
		b, _ := hello(p, "")
		c, _ := hello(q, "")
		p.credit(5)
		p.Asks(domain.SendGift{Live: live, Gift: rose, Num: 2})
		balances(a, 15, 13)
		balances(b, 15, 13)
		p.Asks(domain.ChangeProfile{Nickname: new("Annie")})
		if m := a.push("profile"); string(m.Data) != fmt.Sprintf(`{"id":%d,"name":"Annie","avatar":""}`, p.ID) {
			t.Errorf("got %s", m.raw)
		}
		w.Do(domain.GrantRole{User: p.ID, Role: domain.RoleAuditor})
		if m := a.push("notice"); string(m.Data) != `{"kind":"role_granted","role":"auditor"}` {
			t.Errorf("got %s", m.raw)
		}
		c.ok(c.ask("ping", nil))
		for _, m := range c.aside {
			if m.Type != "notice" {
				t.Errorf("a stranger got %s", m.raw)
			}
		}
	})
	t.Run("resumes at the position of the client", func(t *testing.T) {
		p := w.register("carol")
		probe := p.app()
		p.credit(100)
		balances(probe, 100) // the user channel continues from here on
		a, began := hello(p, "")
		p.credit(1)
		p.credit(1)
		cursor := balances(a, 101, 102)
		a.ok(a.ask("ack", map[string]any{"cursor": cursor}))
		_ = a.Conn.Close()
		p.credit(1)
		p.credit(1)
		b, got := hello(p, cursor)
		if got.Reset || got.Cursor != cursor {
			t.Errorf("got %+v", got)
		}
		balances(b, 103, 104)
		p.credit(1)
		balances(b, 105)
		c, _ := hello(p, began.Cursor)
		balances(c, 101, 102, 103, 104, 105)
	})
	t.Run("resumes at the position of the client also on a slower node", func(t *testing.T) {
		p := w.register("quick").credit(1000)
		for i := range 20 {
			cursor, err := w.Store.Cursor(t.Context(), p.credit1())
			if err != nil {
				t.Fatal(err)
			}
			a, _ := hello(p, cursor)
			p.credit1()
			balances(a, int64(1000+2*i+2))
			_ = a.Conn.Close()
		}
	})
	t.Run("is reset when too much was missed or the log is another one", func(t *testing.T) {
		p := w.register("dave")
		probe, _ := hello(p, "")
		p.credit(1000)
		balances(probe, 1000) // only gifts follow from here on
		_, began := hello(p, "")
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for range 11 {
					p.Asks(domain.SendGift{Live: live, Gift: rose, Num: 1})
				}
			})
		}
		all.Wait()
		for range 550 {
			probe.push("balance")
		}
		for _, since := range []string{began.Cursor, "1.00000000", "999999999.00000000"} {
			a, got := hello(p, since)
			if !got.Reset || got.Balance != 450 || got.Cursor == since {
				t.Errorf("since %s: %+v", since, got)
			}
			p.credit(1)
			balances(a, got.Balance+1)
			p.Asks(domain.SendGift{Live: live, Gift: rose, Num: 1})
			balances(a, got.Balance)
			_ = a.Conn.Close()
		}
		a := w.connect()
		a.no(a.ask("hello", map[string]any{"token": p.Token(), "since": "yesterday"}), "cursor_invalid")
		a.ok(a.ask("hello", map[string]any{"token": p.Token()}))
	})
	t.Run("closes the connection of a client that never acknowledges", func(t *testing.T) {
		p := w.register("eve").credit(5000)
		a, b := p.app(), p.app()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for range 21 {
					p.Asks(domain.SendGift{Live: live, Gift: rose, Num: 1})
				}
			})
		}
		for range 1050 {
			m := b.push("balance")
			if b.ids++; b.ids%100 == 0 {
				b.ask("ack", map[string]any{"cursor": m.Cursor})
			}
		}
		all.Wait()
		a.ExpectClose(ws.CloseBehind)
	})
}

// TestOneReadServesManyResumes lets many clients resume in a live without other clients, as after a restart: the facts
// are not in memory. The clients have missed the facts after different positions.
func TestOneReadServesManyResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann := w.register("ann")
	live := ann.goLive("x")
	var cursors []string
	var positions []int64
	for i := range 30 {
		receipt := ann.Asks(domain.PostComment{Live: live, Text: fmt.Sprint("comment ", i)})
		positions = append(positions, receipt.Position)
		cursors = append(cursors, w.cursor(receipt.Position))
	}
	apps := make([]*app, 20)
	resumed := func(a *app, i int) {
		e := a.rejoin(live, cursors[i])
		if e.Snapshot != nil {
			t.Errorf("client %d gets a snapshot", i)
			return
		}
		c := startChain(t, e)
		for c.last < positions[len(positions)-1] {
			c.take(a.read())
		}
		if want := len(positions) - 1 - i; c.seen["comment"] != want {
			t.Errorf("client %d gets %d comments, want %d", i, c.seen["comment"], want)
		}
	}
	viewers := make([]person, len(apps))
	for i := range viewers {
		viewers[i] = w.register(fmt.Sprint("viewer ", i))
		apps[i] = viewers[i].app()
	}
	for i, a := range apps { // the first has missed most
		resumed(a, i)
	}
	if n := w.lossy.reads.Load(); n != 1 {
		t.Errorf("%d reads of the log for %d clients, want 1", n, len(apps))
	}
}

// TestOneReadRefusesManyResumes lets many clients resume in a live without other clients. All have missed more facts
// than a client can resume with.
func TestOneReadRefusesManyResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann := w.register("ann")
	live := ann.goLive("x")
	say := func() int64 { return ann.Asks(domain.PostComment{Live: live, Text: "hello"}).Position }
	var cursors []string
	for range 10 {
		cursors = append(cursors, w.cursor(say()))
	}
	var all sync.WaitGroup
	for range 60 {
		all.Go(func() {
			for range 10 {
				say()
			}
		})
	}
	all.Wait()
	for i := range 20 { // the first has missed least
		a := w.register(fmt.Sprint("viewer ", i)).app()
		if e := a.rejoin(live, cursors[len(cursors)-1-i/2]); e.Snapshot == nil {
			t.Errorf("client %d gets no snapshot", i)
		}
	}
	if n := w.lossy.reads.Load(); n > 2 {
		t.Errorf("%d reads of the log for 20 clients, want at most 2", n)
	}
}
