package feed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/internal/natsconn/natstest"
	"roomlog/internal/wait"
	"roomlog/internal/waittest"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/projections/projtest"
)

// node is a process of a deployment with NATS.
type node struct {
	*projtest.World
	feed *feed.Feed
	conn *nats.Conn
	stop func()
}

// relayed is a deployment whose nodes are connected to one NATS server. The projector runs in the first process.
type relayed struct {
	*projtest.Traffic
	server    *natstest.Server
	nodes     []*node
	projector func() // stops the projector
}

// quick are intervals that are short enough for a test.
func quick(conn *nats.Conn) feed.Config {
	return feed.Config{NATS: conn, RelayInterval: 100 * time.Millisecond, RelayTimeout: 600 * time.Millisecond, CheckpointPoll: 20 * time.Millisecond}
}

// startRelayed starts nodes, and returns when all receive over NATS.
func startRelayed(t testing.TB, nodes int) *relayed {
	t.Helper()
	w := projtest.Open(t, pgtest.New(t), eventstore.Config{PollInterval: 50 * time.Millisecond}, "first")
	w.Start(w.Store.Listen)
	d := &relayed{projector: w.Project(), Traffic: projtest.NewTraffic(w, 6, 2), server: natstest.Start(t)}
	w.CatchUp()
	d.add(w)
	for len(d.nodes) < nodes {
		other := projtest.Open(t, w.DB, eventstore.Config{PollInterval: 50 * time.Millisecond}, "another")
		other.Start(other.Store.Listen)
		d.add(other)
	}
	d.received()
	return d
}

func (d *relayed) add(w *projtest.World) {
	d.Helper()
	n := &node{World: w, conn: d.server.Connect()}
	n.feed, n.stop = startFeed(w, quick(n.conn))
	begun(w, n.feed)
	d.nodes = append(d.nodes, n)
}

// received waits until all nodes receive over NATS.
func (d *relayed) received() {
	d.Helper()
	for _, n := range d.nodes {
		n.Eventually(func() error {
			if s := n.feed.Relay(); !s.Received {
				return fmt.Errorf("not received over NATS: %+v", s)
			}
			return nil
		})
	}
}

// relay returns the node that is the relay.
func (d *relayed) relay() (found *node) {
	d.Helper()
	d.Eventually(func() error {
		for _, n := range d.nodes {
			if n.feed.Relay().Active {
				found = n
				return nil
			}
		}
		return errors.New("no node is the relay")
	})
	return found
}

// subscribe subscribes on all nodes.
func (d *relayed) subscribe() (all []*subscribed) {
	d.Helper()
	for _, n := range d.nodes {
		all = append(all, subscribe(n.World, n.feed))
	}
	return all
}

// comment posts a comment on a node, and waits until all subscribers have it.
func (d *relayed) comment(n *node, all []*subscribed, text string) int64 {
	d.Helper()
	at := n.Execute(domain.Request{Command: domain.PostComment{Live: d.Lives[0], Text: text}, Actor: d.Users[1].Actor()}).Position
	for _, s := range all {
		s.until(at)
	}
	return at
}

func TestRelay(t *testing.T) {
	t.Parallel()
	t.Run("delivers every delta once and in order on all nodes", func(t *testing.T) {
		t.Parallel()
		d := startRelayed(t, 3)
		all, begin := d.subscribe(), d.Head()
		alone := subscribe(d.World, feedOf(d.World))
		elsewhere := *d.Traffic
		elsewhere.World = d.nodes[1].World
		acting := make(chan struct{})
		go func() { defer close(acting); elsewhere.Act(4, 300) }()
		d.Act(4, 300)
		<-acting
		alone.until(d.Head())
		want, _ := splitProfiles(alone.deltas)
		for i, s := range all {
			s.until(d.Head())
			got, _ := splitProfiles(s.deltas)
			if diff := cmp.Diff(ids(from(want, max(begin, alone.deltas[0].Position))), ids(from(got, max(begin, alone.deltas[0].Position)))); diff != "" {
				t.Errorf("node %d: the deltas without NATS (-) and with NATS (+) differ:\n%s", i, diff)
			}
			if at := d.nodes[i].feed.Relay(); at.Messages == 0 {
				t.Errorf("node %d: %+v, want messages over NATS", i, at)
			}
		}
		for _, n := range d.nodes[1:] { // whoever reads after a push finds it
			lives, err := n.Queries.After(n.feed.UpToDate).Comments(t.Context(), projections.CommentFilter{Live: d.Lives[0]})
			if err != nil || len(lives) == 0 {
				t.Errorf("got %d comments, %v", len(lives), err)
			}
		}
	})

	t.Run("sends the newest gauges in the end", func(t *testing.T) {
		t.Parallel()
		d := startRelayed(t, 2)
		all := d.subscribe()
		for range 10 {
			d.Users[0].Send(domain.SendGift{Live: d.Lives[0], Gift: d.Gifts[0], Num: 1})
		}
		for _, s := range all {
			for s.gauges[d.Lives[0]].Coins < 10 {
				s.next()
			}
		}
	})

	t.Run("fills holes from the log", func(t *testing.T) {
		t.Parallel()
		d := startRelayed(t, 2)
		all := d.subscribe()
		d.Eventually(func() error {
			relay, edge := d.nodes[0], d.nodes[1]
			if relay != d.relay() { // on a slow machine, the other node may become the relay
				relay, edge = edge, relay
			}
			before := edge.conn.Stats().Reconnects
			d.server.Cut(edge.conn)
			d.comment(relay, all, "cut")
			edge.Eventually(func() error {
				if edge.conn.Stats().Reconnects == before || !edge.conn.IsConnected() {
					return errors.New("not connected again")
				}
				return nil
			})
			d.comment(relay, all, "connected")
			if edge.feed.Relay().Holes == 0 {
				return errors.New("no hole")
			}
			return nil
		})
	})

	t.Run("goes on with another relay", func(t *testing.T) {
		t.Parallel()
		d := startRelayed(t, 3)
		first := d.relay()
		all := d.subscribe()
		d.comment(d.nodes[1], all, "before")
		d.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND starts_with(application_name, 'roomlog relay ')")
		d.Eventually(func() error {
			if sent := first.feed.Relay(); sent.Active {
				return fmt.Errorf("still the relay: %+v", sent)
			}
			return nil
		})
		d.comment(d.nodes[1], all, "without a relay")
		d.relay()
		d.received()
		d.comment(d.nodes[1], all, "with a relay")
	})

	t.Run("goes on without NATS, and with NATS when it is back", func(t *testing.T) {
		t.Parallel()
		d := startRelayed(t, 3)
		all := d.subscribe()
		d.comment(d.nodes[0], all, "before")
		d.server.Stop()
		for i := range 20 {
			d.comment(d.nodes[i%3], all, fmt.Sprintf("without NATS %d", i))
		}
		d.Eventually(func() error {
			for _, n := range d.nodes {
				if s := n.feed.Relay(); s.Received || s.Active || s.Cause == "" {
					return fmt.Errorf("%+v", s)
				}
			}
			return nil
		})
		d.server.Restart()
		d.received()
		for i := range 20 {
			d.comment(d.nodes[i%3], all, fmt.Sprintf("with NATS %d", i))
		}
	})

	t.Run("leaves gifts of a node to this node until the tables have them", func(t *testing.T) {
		t.Parallel()
		d := startRelayed(t, 3)
		own, other := d.nodes[1], d.nodes[2]
		all := d.subscribe()
		d.comment(own, all, "first")
		begun(own.World, own.feed)
		d.projector()
		send := domain.Request{Command: domain.SendGift{Live: d.Lives[0], Gift: d.Gifts[0], Num: 1}, Actor: d.Users[1].Actor()}
		gift := own.Execute(send).Position
		all[1].until(gift)
		expectNothing(t, other.feed, all[2], gift)
		d.World.Project()
		all[2].until(gift)
		if err := other.feed.WaitFor(t.Context(), gift); err != nil {
			t.Error(err)
		}
	})

	t.Run("gives up when it cannot read the log", func(t *testing.T) {
		t.Parallel()
		w := projtest.Open(t, pgtest.New(t), eventstore.Config{PollInterval: 50 * time.Millisecond}, "first")
		w.Start(w.Store.Listen)
		w.Project()
		d := &relayed{Traffic: projtest.NewTraffic(w, 2, 1), server: natstest.Start(t)}
		w.CatchUp()
		hung := projtest.Open(t, w.DB, eventstore.Config{PollInterval: 50 * time.Millisecond}, "hung")
		hung.Start(hung.Store.Listen)
		d.add(hung)
		d.relay() // before the others exist
		d.add(w)
		other := projtest.Open(t, w.DB, eventstore.Config{PollInterval: 50 * time.Millisecond}, "other")
		other.Start(other.Store.Listen)
		d.add(other)
		d.received()
		all := d.subscribe()
		d.comment(d.nodes[1], all, "before")
		defer exhaust(t, hung.Pool)()
		d.comment(d.nodes[1], all[1:], "while the relay hangs")
		d.Eventually(func() error {
			if hungs, next := d.nodes[0].feed.Relay(), d.relay(); hungs.Active || next == d.nodes[0] {
				return errors.New("the process without connections is still the relay")
			}
			return nil
		})
		d.comment(d.nodes[1], all[1:], "with another relay")
	})

	for name, waits := range map[string]bool{"": false, " that somebody waits for": true} {
		t.Run("is left when it sends less than the tables have"+name, func(t *testing.T) {
			t.Parallel()
			w := projtest.Open(t, pgtest.New(t), eventstore.Config{PollInterval: 50 * time.Millisecond}, "first")
			w.Start(w.Store.Listen)
			w.Project()
			d := &relayed{Traffic: projtest.NewTraffic(w, 2, 1), server: natstest.Start(t)}
			w.CatchUp()
			hung, err := feed.TakeLease(t.Context(), w.Pool, "hung")
			if err != nil {
				t.Fatal(err)
			}
			w.Start(hung.Hold)
			at := w.Checkpoint()
			conn := d.server.Connect()
			w.Start(func(ctx context.Context) error {
				for number := 1; ctx.Err() == nil; number++ {
					beat, err := json.Marshal(map[string]any{"format": 2, "program": feed.Program(), "number": number, "after": at.Position,
						"after_id": at.EventID, "checkpoint": at.Position, "id": at.EventID, "tables": at.Position})
					if err != nil {
						return err
					}
					if err := conn.PublishMsg(feed.Signed("roomlog."+w.Store.ID()+".feed", "hung", beat)); err != nil {
						return err
					}
					wait.Sleep(ctx, 50*time.Millisecond) // time passes: heartbeats come more often than the timeout of the feed
				}
				return nil
			})
			edge := projtest.Open(t, w.DB, eventstore.Config{PollInterval: 50 * time.Millisecond}, "edge")
			edge.Start(edge.Store.Listen)
			d.add(edge)
			d.received()
			s := d.subscribe()
			next := w.Execute(domain.Request{Command: domain.PostComment{Live: d.Lives[0], Text: "hello"}, Actor: d.Users[1].Actor()}).Position
			if waits {
				if err := d.nodes[0].feed.WaitFor(t.Context(), next); err != nil {
					t.Fatal(err)
				}
			}
			s[0].until(next)
			if status := d.nodes[0].feed.Relay(); status.Received || status.Cause == "" {
				t.Errorf("%+v, want the log read in PostgreSQL", status)
			}
		})
	}

	t.Run("does not send coin events that the tables lack", func(t *testing.T) {
		t.Parallel()
		d := startRelayed(t, 2)
		all := d.subscribe()
		begin := d.Head()
		d.Forge(begin+1, "ledger-1", 1, "gift.sent.v2", `{"sender":"?"}`, 0)
		d.Users[1].Send(domain.SendGift{Live: d.Lives[0], Gift: d.Gifts[0], Num: 1}) // waits in coin_held
		at := d.comment(d.nodes[1], all, "hello")
		edge := all[1]
		if last := edge.deltas[len(edge.deltas)-1]; len(edge.deltas) != 1 || last.Position != at {
			t.Errorf("received %v, want the comment only", ids(edge.deltas))
		}
	})

	t.Run("is believed only if the database knows it", func(t *testing.T) {
		t.Parallel()
		d := startRelayed(t, 2)
		all := d.subscribe()
		at := d.comment(d.nodes[0], all, "true")
		before := d.nodes[1].feed.Relay().Refused
		forged, err := json.Marshal(map[string]any{"format": 2, "program": feed.Program(), "after": at, "checkpoint": at + 5, "tables": at + 5,
			"events": []any{map[string]any{"position": at + 1, "type": "comment.posted.v1", "data": map[string]any{"live": d.Lives[0], "user": d.Users[1].ID, "text": "forged"}}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range [][]byte{forged, []byte("nonsense"), []byte(`{"format":3}`)} {
			if err := d.server.Connect().Publish("roomlog."+d.Store.ID()+".feed", data); err != nil {
				t.Fatal(err)
			}
		}
		d.Eventually(func() error {
			if n := d.nodes[1].feed.Relay().Refused; n < before+3 {
				return fmt.Errorf("%d messages were refused", n-before)
			}
			return nil
		})
		if cause := d.nodes[1].feed.Relay().Cause; strings.Contains(cause, "let all nodes run one version") { // a pause has another cause
			t.Errorf("a foreign message has the cause %q", cause)
		}
		d.comment(d.nodes[0], all, "true again")
		for _, s := range all {
			for _, delta := range s.deltas {
				if c, ok := delta.Event.(domain.CommentPosted); ok && c.Text == "forged" {
					t.Error("the forged comment was released")
				}
			}
		}
	})

	t.Run("is not believed when somebody repeats or changes what it has sent", func(t *testing.T) {
		t.Parallel()
		d := startRelayed(t, 2)
		all := d.subscribe()
		foreign, subject := d.server.Connect(), "roomlog."+d.Store.ID()+".feed"
		heard, err := foreign.SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		if err := foreign.Flush(); err != nil {
			t.Fatal(err)
		}
		d.comment(d.nodes[0], all, "true")
		sent, err := heard.NextMsg(waittest.Timeout)
		if err != nil {
			t.Fatal(err)
		}
		var before [2]int64
		for i, n := range d.nodes {
			before[i] = n.feed.Relay().Refused
		}
		const far = int64(1) << 60
		forged := []func(m map[string]any){
			func(map[string]any) {}, // encoded again, with its members in another order
			func(m map[string]any) { m["number"] = far },
			func(m map[string]any) { m["number"], m["tables"] = far, far },
			func(m map[string]any) { m["number"], m["after"], m["checkpoint"] = far, far, far+1 },
			func(m map[string]any) { m["number"], m["checkpoint"] = far, far },
			func(m map[string]any) {
				m["number"], m["gauges"] = far, []any{map[string]any{"live": d.Lives[0], "online": 1_000_000}}
			},
		}
		for _, change := range forged {
			var m map[string]any
			decoder := json.NewDecoder(bytes.NewReader(sent.Data))
			decoder.UseNumber()
			if err := decoder.Decode(&m); err != nil {
				t.Fatal(err)
			}
			change(m)
			data, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := foreign.PublishMsg(&nats.Msg{Subject: subject, Header: sent.Header, Data: data}); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if err := foreign.PublishMsg(sent); err != nil {
				t.Fatal(err)
			}
		}
		for i, n := range d.nodes {
			d.Eventually(func() error {
				if refused := n.feed.Relay().Refused - before[i]; refused < int64(len(forged))+3 {
					return fmt.Errorf("%d messages were refused", refused)
				}
				return nil
			})
		}
		d.comment(d.nodes[1], all, "true again")
		for i, s := range all {
			if g := s.gauges[d.Lives[0]]; g.Online >= 1_000_000 {
				t.Errorf("node %d: the forged gauges %+v were released", i, g)
			}
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			if err := d.nodes[i].feed.WaitFor(ended, far); err == nil {
				t.Errorf("node %d: the tables have reached a forged position", i)
			}
		}
	})
}

// exhaust takes all connections of a pool until free is called.
func exhaust(t testing.TB, pool *pgxpool.Pool) (free func()) {
	t.Helper()
	var taken []*pgxpool.Conn
	for range pool.Config().MaxConns {
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, conn)
	}
	return func() {
		for _, conn := range taken {
			conn.Release()
		}
	}
}

// from returns the deltas with position > after.
func from(deltas []projections.Delta, after int64) (newer []projections.Delta) {
	for _, d := range deltas {
		if d.Position > after {
			newer = append(newer, d)
		}
	}
	return newer
}

// feedOf starts a feed without NATS.
func feedOf(w *projtest.World) *feed.Feed {
	w.Helper()
	other := projtest.Open(w, w.DB, eventstore.Config{PollInterval: 50 * time.Millisecond}, "without NATS")
	other.Start(other.Store.Listen)
	f, _ := startFeed(other, feed.Config{})
	begun(other, f)
	return f
}

// TestRelayAfterAFailover lets the database fall back to an earlier state under two nodes with NATS. The lost comment is the last one that
// clients receive of the former history.
func TestRelayAfterAFailover(t *testing.T) {
	t.Parallel()
	db := failover.Start(t)
	owner, err := eventstore.OpenPool(t.Context(), db.DSN(), eventstore.PoolOptions{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	first := projtest.Open(t, &pgtest.DB{DSN: db.DSN(), Owner: owner}, eventstore.Config{PollInterval: 50 * time.Millisecond}, "first")
	first.Start(first.Store.Listen)
	first.Project()
	d := &relayed{Traffic: projtest.NewTraffic(first, 2, 1), server: natstest.Start(t)}
	first.CatchUp()
	d.add(first)
	second := projtest.Open(t, first.DB, eventstore.Config{PollInterval: 50 * time.Millisecond}, "second")
	second.Start(second.Store.Listen)
	d.add(second)
	d.add(projtest.Open(t, first.DB, eventstore.Config{PollInterval: 50 * time.Millisecond}, "third")) // knows new events over NATS alone
	d.received()
	for i := range 3 { // so that the relay has sent more messages than the log has histories
		d.comment(d.nodes[0], d.subscribe(), fmt.Sprint(i))
	}
	standby := db.Standby()
	standby.CatchUp()
	standby.HoldBack()
	all := d.subscribe()
	lost := d.comment(d.nodes[0], all, "lost")
	db.Promote(standby)
	for _, s := range all {
		for open := true; open; {
			_, open = s.next()
		}
	}
	d.Eventually(func() error {
		_, err := first.Sequencer.Execute(context.Background(), domain.Request{Command: domain.PostComment{Live: d.Lives[0], Text: "after"}, Actor: d.Users[1].Actor()})
		return err
	})
	for _, n := range d.nodes {
		n.Eventually(func() error {
			if s := n.feed.Relay(); !s.Received || n.feed.History() != 2 {
				return fmt.Errorf("history %d, %+v", n.feed.History(), s)
			}
			return nil
		})
	}
	all = d.subscribe()
	at := d.comment(d.nodes[0], all, "new")
	for i, s := range all {
		newest := s.deltas[len(s.deltas)-1]
		if newest.Position != at || newest.Event.(domain.CommentPosted).Text != "new" || at < lost {
			t.Errorf("node %d received %+v at %d, want the new comment", i, newest.Event, newest.Position)
		}
	}
}
