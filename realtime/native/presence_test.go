package native_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/ratelimit"
	"roomlog/internal/clocktest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// visits returns the joins, moves and leaves of a live in order, in the form "joined 12" or "left 12 requested".
func (w *world) visits(live domain.LiveID) (found []string) {
	w.Helper()
	for after := int64(0); ; {
		page, err := w.Store.Read(context.Background(), eventstore.Query{After: after, Live: live, Limit: 5000})
		if err != nil {
			w.Fatal(err)
		}
		for _, r := range page.Events {
			switch e := r.Event.(type) {
			case domain.ViewerJoined:
				found = append(found, fmt.Sprintf("joined %d", e.User))
			case domain.ViewerMoved:
				found = append(found, fmt.Sprintf("moved %d", e.User))
			case domain.ViewerLeft:
				found = append(found, fmt.Sprintf("left %d %s", e.User, e.Cause))
			}
		}
		if page.Next >= page.Head {
			return found
		}
		after = page.Next
	}
}

// settled waits until the joins, moves and leaves of a live are those in want.
func (w *world) settled(live domain.LiveID, want ...string) {
	w.Helper()
	wstest.Eventually(w, fmt.Sprintf("the visits are %v", want), func() bool { return len(w.visits(live)) >= len(want) })
	if got := w.visits(live); !slices.Equal(got, want) {
		w.Fatalf("the visits are %v, want %v", got, want)
	}
}

func TestPresence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	p, q := w.register("ann"), w.register("bob")
	t.Run("lasts from the first connection to the end of the last", func(t *testing.T) {
		live := p.goLive("x")
		a, b := q.app(), q.app()
		a.join(live)
		b.join(live)
		a.join(live)
		a.ok(a.ask("room.leave", map[string]any{"live": live}))
		b.ok(b.ask("ping", nil))
		w.settled(live, fmt.Sprintf("joined %d", q.ID))
		_ = b.Conn.Close()
		w.settled(live, fmt.Sprintf("joined %d", q.ID), fmt.Sprintf("left %d connection_lost", q.ID))
		a.join(live)
		a.ok(a.ask("room.leave", map[string]any{"live": live}))
		w.settled(live, fmt.Sprintf("joined %d", q.ID), fmt.Sprintf("left %d connection_lost", q.ID),
			fmt.Sprintf("joined %d", q.ID), fmt.Sprintf("left %d requested", q.ID))
	})
	t.Run("does not begin when the join is refused", func(t *testing.T) {
		live := p.Asks(domain.CreateLive{Title: "y", StreamKey: "aaaaaaaaaaaaaaaaaaaa"}).Events[0].Event.(domain.LiveCreated).Live
		a := q.app()
		a.no(a.ask("room.join", map[string]any{"live": live}), "live_not_started")
		_ = a.Conn.Close()
		w.settled(live)
	})
	t.Run("follows the connections when many join and leave at once", func(t *testing.T) {
		live := p.goLive("z")
		var all sync.WaitGroup
		var stay, go_ []person
		for i := range 10 {
			r := w.register(fmt.Sprintf("hasty %d", i))
			if i%2 == 0 {
				stay = append(stay, r)
			} else {
				go_ = append(go_, r)
			}
		}
		for _, r := range slices.Concat(stay, go_) {
			all.Go(func() {
				for range 10 { // the user leaves and returns faster than the log can record
					a := r.app()
					a.join(live)
					_ = a.Conn.Close()
				}
				if slices.Contains(stay, r) {
					r.app().join(live)
				}
			})
		}
		all.Wait()
		want := map[string]bool{}
		for _, r := range stay {
			want[fmt.Sprint(r.ID)] = true
		}
		wstest.Eventually(t, "the list contains the remaining viewers only", func() bool {
			there := map[string]bool{}
			for _, visit := range w.visits(live) {
				var what, who, why string
				_, _ = fmt.Sscan(visit, &what, &who, &why)
				if there[who] = what != "left"; what == "left" {
					delete(there, who)
				}
			}
			return fmt.Sprint(there) == fmt.Sprint(want)
		})
	})
	t.Run("ends for all viewers with the live, once", func(t *testing.T) {
		live := p.goLive("v")
		a, b := p.app(), q.app()
		a.join(live)
		b.join(live)
		p.Asks(domain.ChangeLiveStatus{Live: live, To: domain.LiveStop})
		wstest.Eventually(t, "both have left", func() bool { return len(w.visits(live)) == 4 })
		_ = a.Conn.Close()
		b.ok(b.ask("room.leave", map[string]any{"live": live}))
		got := w.visits(live)
		slices.Sort(got[2:])
		want := []string{fmt.Sprintf("joined %d", p.ID), fmt.Sprintf("joined %d", q.ID), fmt.Sprintf("left %d live_ended", p.ID), fmt.Sprintf("left %d live_ended", q.ID)}
		if !slices.Equal(got, want) {
			t.Errorf("the visits are %v, want %v", got, want)
		}
	})
	t.Run("is repaired when the log has a leave of a connected viewer", func(t *testing.T) {
		live := p.goLive("u")
		q.app().join(live)
		w.Execute(domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.LeaveLive{
			Live: live, User: q.ID, Cause: domain.LeaveNodeLost, Node: w.Hub.Node(),
		}})
		w.settled(live, fmt.Sprintf("joined %d", q.ID), fmt.Sprintf("left %d node_lost", q.ID), fmt.Sprintf("joined %d", q.ID))
	})
	t.Run("is repaired by an older client when the session of the newest has ended", func(t *testing.T) {
		w := newWorld(t, func(c *config) { c.Renewal = time.Hour })
		old := w.register("eve")
		live := old.goLive("r")
		a := old.app()
		a.join(live)
		b := old.signIn().app()
		b.join(live)
		w.Execute(domain.Request{Command: domain.SignIn{User: old.ID, Session: old.Session}}) // appends the first sign-in again, as if the second one had been lost
		w.Execute(domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.LeaveLive{
			Live: live, User: old.ID, Cause: domain.LeaveNodeLost, Node: w.Hub.Node(),
		}})
		if m := b.push("removed"); into[refusal](t, m).Code != "session_ended" {
			t.Errorf("got %s", m.raw)
		}
		w.settled(live, fmt.Sprintf("joined %d", old.ID), fmt.Sprintf("left %d node_lost", old.ID), fmt.Sprintf("joined %d", old.ID))
		a.ok(a.ask("comment.post", map[string]any{"live": live, "text": "still here"}))
		_ = a.Conn.Close()
		w.settled(live, fmt.Sprintf("joined %d", old.ID), fmt.Sprintf("left %d node_lost", old.ID), fmt.Sprintf("joined %d", old.ID),
			fmt.Sprintf("left %d connection_lost", old.ID))
	})
	t.Run("is repaired outside the rates of clients", func(t *testing.T) {
		w := newWorld(t, func(c *config) {
			limiter, err := ratelimit.New(ratelimit.Config{
				Commands: c.HubConfig.ClientCommands, Now: time.Now, JoinRate: 0.001, JoinBurst: 1, CommandsPerAddress: 0.001, AddressBurst: 4,
			})
			if err != nil {
				t.Fatal(err)
			}
			c.HubConfig.ClientCommands = limiter
		})
		live := w.register("dan").goLive("s")
		var joins, leaves []string
		for i := range 4 {
			viewer := w.register(fmt.Sprintf("viewer %d", i))
			viewer.app().join(live)
			joins = append(joins, fmt.Sprintf("joined %d", viewer.ID))
			leaves = append(leaves, fmt.Sprintf("left %d node_lost", viewer.ID))
			w.Execute(domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.LeaveLive{
				Live: live, User: viewer.ID, Cause: domain.LeaveNodeLost, Node: w.Hub.Node(),
			}})
		}
		want := slices.Sorted(slices.Values(slices.Concat(joins, leaves, joins)))
		wstest.Eventually(t, "all viewers have joined again", func() bool {
			return slices.Equal(slices.Sorted(slices.Values(w.visits(live))), want)
		})
	})
	t.Run("does not end with a planned restart", func(t *testing.T) {
		w := newWorld(t, nil)
		r := w.register("carol")
		live := r.goLive("t")
		a := r.app()
		a.join(live)
		if err := w.handler.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.ExpectClose(ws.CloseRestart)
		w.settled(live, fmt.Sprintf("joined %d", r.ID))
	})
}

func TestTwoNodes(t *testing.T) {
	t.Parallel()
	const grace = 400 * time.Millisecond
	quick := func(c *config) { c.PresenceGrace = grace }
	db := pgtest.New(t)
	a := openWorld(t, db, true, quick)
	b := openWorld(t, db, false, quick)
	rose := a.AddGift("rose", "", 1)
	p, q, r := a.register("ann").credit(100), a.register("bob").credit(100), a.register("carol")
	live := p.goLive("x")

	ann, bob := p.app(), q.on(b).app()
	chains := map[*app]*chain{}
	for _, viewer := range []*app{ann, bob} {
		chains[viewer] = startChain(t, viewer.join(live))
	}
	t.Run("serve one live together, and every client receives everything once", func(t *testing.T) {
		var all sync.WaitGroup
		for _, viewer := range []*app{ann, bob} {
			all.Go(func() {
				for range 20 {
					viewer.ok(viewer.ask("gift.send", map[string]any{"live": live, "gift": rose, "num": 1}))
				}
			})
		}
		all.Wait()
		end := a.head()
		for _, viewer := range []*app{ann, bob} {
			c := chains[viewer]
			for _, m := range viewer.aside {
				c.take(m)
			}
			viewer.aside = nil
			for c.last < end {
				c.take(viewer.read())
			}
			if c.seen["gift"] != 40 {
				t.Errorf("%d of 40 gifts were seen, want 40", c.seen["gift"])
			}
		}
	})
	t.Run("keep a user of both nodes present until the last connection ends", func(t *testing.T) {
		room := p.goLive("both")
		first, second := r.app(), r.on(b).app()
		first.join(room)
		second.join(room)
		_ = first.Conn.Close()
		_ = second.Conn.Close()
		a.settled(room, fmt.Sprintf("joined %d", r.ID), fmt.Sprintf("moved %d", r.ID), fmt.Sprintf("left %d connection_lost", r.ID))
	})
	t.Run("keep a user present whose newer connection to the other node ends", func(t *testing.T) {
		room := p.goLive("older")
		first, second := r.app(), r.on(b).app()
		first.join(room)
		second.join(room)
		_ = second.Conn.Close()
		a.settled(room, fmt.Sprintf("joined %d", r.ID), fmt.Sprintf("moved %d", r.ID), fmt.Sprintf("left %d connection_lost", r.ID), fmt.Sprintf("joined %d", r.ID))
		_ = first.Conn.Close()
	})
	t.Run("let a client of the faster node resume at the other", func(t *testing.T) {
		pos := q.Asks(domain.SendGift{Live: live, Gift: rose, Num: 1}).Position
		bob.push("gift")
		_ = bob.Conn.Close()
		bob = q.on(b).app()
		if got := bob.rejoin(live, a.cursor(pos)); len(got.Resumed) != 2 {
			t.Errorf("got %+v, want 2 Resumed", got)
		}
	})
	t.Run("bring their viewers back after they were taken for lost", func(t *testing.T) {
		room := p.goLive("cut off")
		viewer := r.on(b).app()
		viewer.join(room)
		var cut int
		wstest.Eventually(t, "the heartbeats are cut", func() bool { // the heartbeats of both nodes, so that each counts the other as lost
			if err := db.Owner.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
				WHERE datname = current_database() AND application_name LIKE 'roomlog node %'`).Scan(&cut); err != nil {
				t.Fatal(err)
			}
			return slices.Contains(a.visits(room), fmt.Sprintf("left %d node_lost", r.ID))
		})
		wstest.Eventually(t, "the viewer has joined again", func() bool {
			got := a.visits(room)
			return got[len(got)-1] == fmt.Sprintf("joined %d", r.ID)
		})
		viewer.ok(viewer.ask("comment.post", map[string]any{"live": room, "text": "still here"}))
		_ = viewer.Conn.Close()
		wstest.Eventually(t, "the viewer has left", func() bool { // the viewer may count as lost once more
			got := a.visits(room)
			return strings.HasPrefix(got[len(got)-1], fmt.Sprintf("left %d ", r.ID))
		})
	})
}

// TestLostNode checks that the viewers of a lost node leave after the grace period, unless they have reconnected to
// another node.
func TestLostNode(t *testing.T) {
	t.Parallel()
	const grace = 200 * time.Millisecond // grace period, on the clock below; the tables are read every 50 ms
	clock := clocktest.New()
	change := func(c *config) { c.PresenceGrace, c.ClusterNow = grace, clock.Now }
	db := pgtest.New(t)
	a, b := openWorld(t, db, true, change), openWorld(t, db, false, change)
	wstest.Eventually(t, "both are members", func() bool {
		nodes, err := a.Cluster.Nodes(t.Context())
		return err == nil && len(nodes) == 2
	})
	p, q, r := a.register("ann"), a.register("bob"), a.register("carol")
	room := p.goLive("ghosts")
	stays, returns := q.on(b).app(), r.on(b).app()
	stays.join(room)
	returns.join(room)
	b.kill()
	back := r.app()
	back.join(room) // the viewer reconnects to the other process in time
	expected := []string{fmt.Sprintf("joined %d", q.ID), fmt.Sprintf("joined %d", r.ID), fmt.Sprintf("moved %d", r.ID)}
	a.settled(room, expected...)
	wstest.Eventually(t, "the viewer has left", func() bool {
		clock.Forward(grace) // repeated, because the first time may precede the check that finds the lost node
		return len(a.visits(room)) > len(expected)
	})
	a.settled(room, append(expected, fmt.Sprintf("left %d node_lost", q.ID))...)
	back.push("leave")
	back.ok(back.ask("comment.post", map[string]any{"live": room, "text": "anybody?"}))
}

func TestFaults(t *testing.T) {
	t.Parallel()
	t.Run("connections survive the loss of all database connections", func(t *testing.T) {
		w := newWorld(t, nil)
		rose := w.AddGift("rose", "", 1)
		p := w.register("ann").credit(1000)
		live := p.goLive("x")
		a, watcher := p.app(), w.register("bob").app()
		a.join(live)
		watcher.join(live)
		c := chain{t: t, seen: map[string]int{}}
		const gifts = 60
		for i := range gifts {
			if i%20 == 10 {
				if _, err := w.DB.Owner.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
					WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
					t.Fatal(err)
				}
			}
			gift, key := map[string]any{"live": live, "gift": rose, "num": 1}, fmt.Sprintf("k%d", i)
			wstest.Eventually(t, "the gift is accepted", func() bool {
				m := a.answer(a.ask("gift.send", gift, key))
				if m.Type == "ok" {
					return true
				}
				if no := into[refusal](t, m); no.RetryAfter == 0 || no.Code != "busy" && no.Code != "internal" && no.Code != "outcome_unknown" {
					t.Fatalf("refused: %s", m.raw)
				}
				return false
			})
		}
		for c.seen["gift"] < gifts {
			if m := watcher.read(); m.Type == "gift" {
				if m.Prev > c.last && c.last > 0 {
					t.Fatalf("a gap: after position %d got %s", c.last, m.raw)
				}
				c.last = m.Pos
				c.seen["gift"]++
			}
		}
		if n := len(events[domain.GiftSent](w)); n != gifts {
			t.Errorf("%d gifts in the log, want %d", n, gifts)
		}
	})
	t.Run("a slow reader delays nobody", func(t *testing.T) {
		w := newWorld(t, func(c *config) {
			c.Sockets.SendBuffer, c.Sockets.WriteTimeout = 8<<10, 300*time.Millisecond
		})
		p, q := w.register("ann"), w.register("bob")
		live := p.goLive("x")
		lame := &app{Client: wstest.Upgrade(t, wstest.Connect(t, w.addr, 8<<10))}
		lame.ok(lame.ask("hello", map[string]any{"token": q.Token()}))
		lame.join(live)
		a := p.app()
		c := startChain(t, a.join(live))
		text := "长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长"
		for kicked := false; !kicked; {
			id := a.ask("comment.post", map[string]any{"live": live, "text": text})
			for m := a.read(); ; m = a.read() {
				c.take(m)
				if m.Re == id {
					break
				}
			}
			kicked = w.handler.Stats().Closed()[ws.CloseSlow] == 1
		}
		if c.seen["skipped"] != 0 {
			t.Error("the other viewer lost something")
		}
	})
}
