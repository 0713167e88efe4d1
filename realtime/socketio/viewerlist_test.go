package socketio_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/clocktest"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// come makes new users join a live without a socket on this node, as from another node.
func (w *world) come(live domain.LiveID, names ...string) (people []person) {
	w.Helper()
	for _, name := range names {
		p := w.register(name)
		p.Asks(domain.JoinLive{Live: live, Node: "elsewhere"})
		people = append(people, p)
	}
	return people
}

func (p person) goes(live domain.LiveID) {
	p.Helper()
	p.Execute(domain.Request{Actor: domain.Actor{Kind: domain.System},
		Command: domain.LeaveLive{Live: live, User: p.ID, Cause: domain.LeaveConnectionLost, Node: "elsewhere"}})
}

func names(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s%d", prefix, i))
	}
	return all
}

// TestViewerListIsBounded checks that the list contains the newest viewers and the total number.
func TestViewerListIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *socketio.Config, r *roomsConfig) { c.ListedViewers, r.LargeLive = 5, 100 })
	live := w.register("streamer").goLive()
	w.come(live, names("early", 10)...)
	var apps []*app
	for _, name := range names("app", 7) {
		a := w.app(siotest.Options{})
		a.joins(w.register(name), live)
		apps = append(apps, a)
	}
	l := apps[0].online("join", "app6")
	for !slices.Contains(l.Clients, apps[6].id) { // the join was pushed before the socket was in the list
		l = apps[0].online("join", "app6")
	}
	want := []string{"app6", "app5", "app4", "app3", "app2"}
	if l.Total != 17 || !slices.Equal(l.names(), want) || len(l.Clients) != 5 || l.Clients[0] != apps[6].id || l.Clients[4] != apps[2].id {
		t.Errorf("the list is %+v", l)
	}
}

// TestViewerListIsRefilled checks that earlier viewers take the places of listed viewers who leave, even if they must
// be read again.
func TestViewerListIsRefilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *socketio.Config, r *roomsConfig) { c.ListedViewers, r.LargeLive = 5, 1000 })
	live := w.register("streamer").goLive()
	people := w.come(live, names("p", 130)...) // more viewers than a snapshot contains
	a := w.app(siotest.Options{})
	me := w.register("me")
	a.joins(me, live)
	for _, p := range people[8:] {
		p.goes(live)
	}
	for {
		if l := a.online("leave", "p129"); l.Total == 9 {
			if want := []string{"me", "p7", "p6", "p5", "p4"}; !slices.Equal(l.names(), want) {
				t.Errorf("the list is %v, want %v", l.names(), want)
			}
			return
		}
	}
}

// awaitSockets waits for a viewer list with exactly these sockets. newest is the newest list that the app has received.
func (a *app) awaitSockets(newest listed, want ...string) {
	a.Helper()
	for !slices.Equal(newest.Clients, want) {
		newest, _ = push[listed](a, "online")
	}
}

// TestViewerListContainsTheSocketsOfAllNodes checks that the list contains the newest sockets of all nodes, also of a
// user who is in the live on both nodes. It must not contain sockets that have left.
func TestViewerListContainsTheSocketsOfAllNodes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	setUp := func(c *socketio.Config, r *roomsConfig) {
		c.ListedViewers, r.JoinBatchInterval = 3, 50*time.Millisecond
	}
	one, two := openWorld(t, db, true, setUp), openWorld(t, db, false, setUp)
	live := one.register("streamer").goLive()
	ann, bob, eve := one.register("ann"), one.register("bob"), one.register("eve")
	phone, tablet := one.app(siotest.Options{}), two.app(siotest.Options{})
	phone.joins(ann, live)
	tablet.awaitSockets(tablet.joins(ann.on(two), live), tablet.id, phone.id)
	phone.awaitSockets(listed{}, tablet.id, phone.id)

	other := one.app(siotest.Options{Version: 3})
	other.awaitSockets(other.joins(bob, live), other.id, tablet.id, phone.id)
	phone.awaitSockets(listed{}, other.id, tablet.id, phone.id)
	tablet.awaitSockets(listed{}, other.id, tablet.id, phone.id)
	newest := two.app(siotest.Options{})
	newest.awaitSockets(newest.joins(eve.on(two), live), newest.id, other.id, tablet.id) // the newest three sockets
	for _, a := range []*app{phone, tablet, other} {
		a.awaitSockets(listed{}, newest.id, other.id, tablet.id)
	}

	tablet.Emit("leaveLive", map[string]any{"live_id": live, "token": ann.Token()}) // ann stays in the live on her phone
	for _, a := range []*app{phone, newest} {
		a.awaitSockets(listed{}, newest.id, other.id, phone.id)
	}
	other.Emit("leaveLive", map[string]any{"live_id": live, "token": bob.Token()})
	for _, a := range []*app{phone, newest} {
		a.awaitSockets(listed{}, newest.id, phone.id)
	}
}

// TestViewerListAfterMissedMessages checks that the list of a node contains a socket that another node could not announce, because the
// first node was not connected to the cluster. The log does not contain this socket: its user is in the live already.
func TestViewerListAfterMissedMessages(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one, two := openWorld(t, db, true, nil), openWorld(t, db, false, nil)
	live := one.register("streamer").goLive()
	ann := one.register("ann")
	phone, tablet := one.app(siotest.Options{}), two.app(siotest.Options{})
	phone.joins(ann, live)
	_, err := db.Owner.Exec(t.Context(), "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
		"roomlog node "+one.Cluster.Node())
	if err != nil {
		t.Fatal(err)
	}
	tablet.joins(ann.on(two), live)
	phone.awaitSockets(listed{}, tablet.id, phone.id)
}

// TestViewerListOfALargeLiveIsBatched checks that in a large live a new viewer gets the list immediately, and the
// others at intervals.
func TestViewerListOfALargeLiveIsBatched(t *testing.T) {
	t.Parallel()
	const interval = 100 * time.Millisecond // interval between lists, on the clock below
	clock := clocktest.New()
	w := newWorld(t, func(c *socketio.Config, r *roomsConfig) {
		c.Now, c.Engine.Sockets.PushWindow = clock.Now, -1
		r.LargeLive, r.JoinBatchInterval = 10, interval
	})
	live := w.register("streamer").goLive()
	watcher := w.app(siotest.Options{})
	watcher.joins(w.register("watcher"), live)
	for i, name := range names("p", 9) { // while the live is not large, every join is sent
		w.come(live, name)
		if l := watcher.online("join", name); l.Total != int64(i+2) {
			t.Fatalf("the list is %+v", l)
		}
	}
	var coming sync.WaitGroup
	coming.Go(func() { w.come(live, names("q", 40)...) })
	comer := w.app(siotest.Options{})
	if l := comer.joins(w.register("comer"), live); l.User.Name != "comer" || !slices.Contains(l.names(), "comer") {
		t.Errorf("a new viewer got the list %+v", l)
	}
	coming.Wait()
	head, err := w.Store.Head(t.Context())
	if err == nil {
		err = w.Hub.WaitFor(t.Context(), head)
	}
	if err != nil {
		t.Fatal(err)
	}
	clock.Forward(interval)
	lists := 0
	for l := (listed{}); l.Total < 51; lists++ {
		l, _ = push[listed](watcher, "online")
		if l.Total == 51 {
			break
		}
	}
	if lists > 1 {
		t.Errorf("%d lists of 41 joins, want one at most before the last", lists)
	}
	watcher.silent()
}

func TestViewerListContainsChangedProfiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	ann := w.register("ann")
	a := w.app(siotest.Options{})
	a.joins(ann, live)
	changed := ann.Asks(domain.ChangeProfile{Nickname: new("安"), Avatar: new("https://x/a.png")})
	if err := w.Hub.WaitFor(t.Context(), changed.Position); err != nil {
		t.Fatal(err)
	}
	b := w.app(siotest.Options{})
	if l := b.joins(w.register("bob"), live); l.Data[1] != (who{ann.ID, "安", "https://x/a.png"}) {
		t.Errorf("the list is %+v", l)
	}
	if l := a.online("join", "bob"); l.Data[1].Name != "安" {
		t.Errorf(`the list is %+v, want Data[1].Name "安"`, l)
	}
}

// TestViewerListAfterLostConnections checks that a list that could not be read is sent as soon as it can be read.
func TestViewerListAfterLostConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *socketio.Config, r *roomsConfig) { c.ListedViewers, r.LargeLive = 5, 1000 })
	live := w.register("streamer").goLive()
	people := w.come(live, names("p", 110)...)
	a := w.app(siotest.Options{})
	a.joins(w.register("me"), live)
	for _, p := range people[8:109] {
		p.goes(live)
	}
	if _, err := w.Store.Pool().Exec(context.Background(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"); err != nil {
		t.Log(err)
	}
	wstest.Eventually(t, "the log takes commands again", func() bool {
		_, err := w.Sequencer.Execute(context.Background(), domain.Request{Actor: domain.Actor{Kind: domain.System},
			Command: domain.LeaveLive{Live: live, User: people[109].ID, Cause: domain.LeaveConnectionLost, Node: "elsewhere"}})
		return err == nil
	})
	for {
		if l, _ := push[listed](a, "online"); l.Total == 9 && len(l.Data) == 5 {
			return
		}
	}
}
