package cluster_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"roomlog/eventstore/cluster"
	"roomlog/internal/clocktest"
	"roomlog/internal/natsconn/natstest"
)

// TestAnnouncementsOfManyMembers checks that members announce themselves less often if there are many, because every member receives every
// announcement, and that members then count as alive for longer.
func TestAnnouncementsOfManyMembers(t *testing.T) {
	t.Parallel()
	const few, many = "0198c0de-0000-7000-8000-00000000000a", "0198c0de-0000-7000-8000-00000000000b"
	server := natstest.Start(t)
	clock := clocktest.New()
	peer := server.Connect()
	join := func(store string, members int) (n *cluster.NATS, announced chan string) {
		t.Helper()
		n, err := cluster.NewNATS(server.Connect(), store, clock.Now)
		if err != nil {
			t.Fatal(err)
		}
		until(t, "all members are heard", func() bool { // announcements before the subscription are lost
			for i := range members {
				if err := peer.Publish("roomlog."+store+".cluster.alive", fmt.Append(nil, "peer ", i)); err != nil {
					t.Fatal(err)
				}
			}
			return countNodes(t, n) == members
		})
		announced = make(chan string, 100)
		_, err = peer.Subscribe("roomlog."+store+".cluster.alive", func(m *nats.Msg) { announced <- string(m.Data) })
		if err == nil {
			err = peer.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- n.Join(ctx, "member", func(cluster.Message) {}, func() {}) }()
		t.Cleanup(func() { leave(); <-left })
		return n, announced
	}
	small, often := join(few, 49)
	large, seldom := join(many, 999)
	for _, announced := range []chan string{often, seldom} {
		<-announced
	}

	// With 1000 members, an announcement is due after 10 s. Both members look once a second whether one is due.
	for range 3 {
		clock.Forward(3 * time.Second)
		<-often
	}
	until(t, "the members have looked once more", func() bool {
		clock.Forward(time.Millisecond)
		return len(often) == 0
	})
	if len(seldom) > 0 {
		t.Errorf("a member of many has announced itself %d times more after 9 s", len(seldom))
	}
	clock.Forward(time.Second)
	<-seldom

	// 10 s after their announcements, only the one of the member itself is young enough among 50.
	if n := countNodes(t, small); n != 1 {
		t.Errorf("%d of 50 members are alive 10 s after the others have announced themselves, want 1", n)
	}
	if n := countNodes(t, large); n != 1000 {
		t.Errorf("%d of 1000 members are alive 10 s after most have announced themselves, want all", n)
	}
	clock.Forward(50 * time.Second)
	until(t, "the members that announce nothing are lost", func() bool { return countNodes(t, large) <= 1 })
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
