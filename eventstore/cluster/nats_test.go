package cluster_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"roomlog/eventstore/cluster"
	"roomlog/internal/clocktest"
	"roomlog/internal/natsconn/natstest"
	"roomlog/internal/waittest"
)

// listener is a member of a store on NATS, with a client that receives what the members announce.
type listener struct {
	*cluster.NATS
	conn      *nats.Conn // of the member
	peer      *nats.Conn
	announced chan *nats.Msg
	looked    atomic.Int64 // number of times that the member has read its clock
}

// listen starts a member that hears other members, whose announcements the test sends.
func listen(t *testing.T, server *natstest.Server, clock *clocktest.Clock, store string, members int) *listener {
	t.Helper()
	l := &listener{conn: server.Connect(), peer: server.Connect(), announced: make(chan *nats.Msg, 100)}
	n, err := cluster.NewNATS(l.conn, store, func() time.Time { l.looked.Add(1); return clock.Now() })
	if err != nil {
		t.Fatal(err)
	}
	l.NATS = n
	until(t, "all members are heard", func() bool { // announcements before the subscription are lost
		for i := range members {
			if err := l.peer.Publish("roomlog."+store+".cluster.alive", fmt.Append(nil, "peer ", i)); err != nil {
				t.Fatal(err)
			}
		}
		return countNodes(t, n) == members
	})
	if _, err := l.peer.ChanSubscribe("roomlog."+store+".cluster.alive", l.announced); err != nil {
		t.Fatal(err)
	}
	if err := l.peer.Flush(); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- n.Join(ctx, "member", func(cluster.Message) {}, func() {}) }()
	t.Cleanup(func() { leave(); waittest.Receive(t, left, "the end of the membership") })
	waittest.Receive(t, l.announced, "the first announcement")
	until(t, "the member hears itself", func() bool { return countNodes(t, n) == members+1 })
	return l
}

// looks waits until the member has looked whether an announcement is due, and until what it has sent then has arrived.
func (l *listener) looks(t *testing.T) {
	t.Helper()
	before := l.looked.Load()
	until(t, "the member has looked", func() bool { return l.looked.Load() >= before+6 }) // it reads the clock at most twice for each look
	for _, conn := range []*nats.Conn{l.conn, l.peer} {
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnnouncementsOfManyMembers checks that members announce themselves less often if there are many, because every member receives every
// announcement, and that members then count as alive for longer.
func TestAnnouncementsOfManyMembers(t *testing.T) {
	t.Parallel()
	server, clock := natstest.Start(t), clocktest.New()
	small := listen(t, server, clock, "0198c0de-0000-7000-8000-00000000000a", 49)
	large := listen(t, server, clock, "0198c0de-0000-7000-8000-00000000000b", 999)

	// With 1000 members, an announcement is due after 10 s. Both members look once a second whether one is due.
	for range 3 {
		clock.Forward(3 * time.Second)
		waittest.Receive(t, small.announced, "an announcement of a member of few")
	}
	large.looks(t)
	if n := len(large.announced); n > 0 {
		t.Errorf("a member of many has announced itself %d times more after 9 s", n)
	}
	clock.Forward(time.Second)
	waittest.Receive(t, large.announced, "an announcement of a member of many")

	// 10 s after their announcements, only the one of the member itself is young enough among 50.
	if n := countNodes(t, small.NATS); n != 1 {
		t.Errorf("%d of 50 members are alive 10 s after the others have announced themselves, want 1", n)
	}
	if n := countNodes(t, large.NATS); n != 1000 {
		t.Errorf("%d of 1000 members are alive 10 s after most have announced themselves, want all", n)
	}

	// The members that announce nothing are lost after 50 s. The interval is then that of a member alone, although nobody has read the list.
	clock.Forward(51 * time.Second)
	for range 3 {
		waittest.Receive(t, large.announced, "an announcement after the others were lost")
		clock.Forward(2 * time.Second)
	}
	until(t, "the members that announce nothing are lost", func() bool { return countNodes(t, large.NATS) == 1 })
}

// TestFewerMembers checks that members which announce themselves at the interval of a larger number stay alive when the number falls.
func TestFewerMembers(t *testing.T) {
	t.Parallel()
	server, clock := natstest.Start(t), clocktest.New()
	const store = "0198c0de-0000-7000-8000-00000000000c"
	l := listen(t, server, clock, store, 199)
	clock.Forward(3 * time.Second) // with 200 members, an announcement is due after 4 s
	until(t, "150 members have left", func() bool {
		for i := range 150 {
			if err := l.peer.Publish("roomlog."+store+".cluster.left", fmt.Append(nil, "peer ", i)); err != nil {
				t.Fatal(err)
			}
		}
		return countNodes(t, l.NATS) <= 50
	})
	clock.Forward(3 * time.Second)
	waittest.Receive(t, l.announced, "an announcement of the member itself")
	if n := countNodes(t, l.NATS); n != 50 {
		t.Errorf("%d members are alive 6 s after their last announcement, which 150 others have left, want 50", n)
	}
	clock.Forward(20 * time.Second)
	until(t, "the members that announce nothing are lost", func() bool { return countNodes(t, l.NATS) == 1 })
}

// TestPingsOfAConnection checks that the list of members asks the members at the beginning of a connection only, also if there are many.
func TestPingsOfAConnection(t *testing.T) {
	t.Parallel()
	server, clock := natstest.Start(t), clocktest.New()
	const store = "0198c0de-0000-7000-8000-00000000000d"
	l := listen(t, server, clock, store, 999)
	pings := make(chan *nats.Msg, 100)
	if _, err := l.peer.ChanSubscribe("roomlog."+store+".cluster.ping", pings); err != nil {
		t.Fatal(err)
	}
	late, err := cluster.NewNATS(l.conn, store, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.peer.Flush(); err != nil {
		t.Fatal(err)
	}
	clock.Forward(4 * time.Second)
	for range 3 {
		if n := countNodes(t, l.NATS); n != 1000 {
			t.Errorf("%d members are alive, want 1000", n)
		}
		countNodes(t, late) // the first time, it asks the members: none has announced itself since it was connected
	}
	for _, conn := range []*nats.Conn{l.conn, l.peer} {
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(pings); n != 1 {
		t.Errorf("%d pings came 4 s after the connections were made, want the first one of a list", n)
	}
}

// countNodes returns the number of members that are alive.
func countNodes(t *testing.T, n *cluster.NATS) int {
	t.Helper()
	nodes, err := n.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(nodes)
}
