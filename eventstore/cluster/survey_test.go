package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"roomlog/eventstore/cluster"
)

// replyAs returns a function that makes a node reply to the survey "who" with the given name and the request.
func replyAs(name string) func(*cluster.Cluster) {
	return func(c *cluster.Cluster) {
		c.OnSurvey("who", func(_ context.Context, request []byte) ([]byte, error) {
			return []byte(name + " " + string(request)), nil
		})
	}
}

func survey(t testing.TB, c *cluster.Cluster, topic, request string) cluster.Survey {
	t.Helper()
	s, err := c.Survey(t.Context(), topic, []byte(request))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSurvey(t *testing.T) {
	t.Parallel()
	onEach(t, testSurvey)
}

func testSurvey(t *testing.T, deploy func(testing.TB) *deployment) {
	t.Run("collects the replies of all nodes and deletes them", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		start(t, d, cluster.Config{Node: "a"}, replyAs("a"))
		start(t, d, cluster.Config{Node: "b"}, replyAs("b"))
		start(t, d, cluster.Config{Node: "c"}, nil) // this node has no handler for the topic
		observer := d.observer(cluster.Config{SurveyTimeout: timeout})
		until(t, "the observer knows all nodes", func() bool { return len(alive(t, observer)) == 3 })
		s := survey(t, observer, "who", "is there")
		if !slices.Equal(s.Nodes, cluster.Nodes{"a", "b", "c"}) || len(s.Missing) > 0 || len(s.Replies) != 2 {
			t.Fatalf("got %+v", s)
		}
		for i, name := range []string{"a", "b"} {
			if r := s.Replies[i]; r.Node != name || string(r.Payload) != name+" is there" {
				t.Errorf("reply %d: %s %q", i, r.Node, r.Payload)
			}
		}
		if n := d.left(); n != 0 {
			t.Errorf("%d replies are left, want 0", n)
		}
	})

	t.Run("of an empty cluster returns at once", func(t *testing.T) {
		t.Parallel()
		observer := deploy(t).observer(cluster.Config{SurveyTimeout: time.Hour})
		if s := survey(t, observer, "who", ""); len(s.Nodes)+len(s.Replies)+len(s.Missing) > 0 {
			t.Errorf("got %+v", s)
		}
	})

	t.Run("carries empty and large replies", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		large := bytes.Repeat([]byte{0, 1, 0xff}, 1<<20)
		n := start(t, d, cluster.Config{Node: "a", SurveyTimeout: timeout}, func(c *cluster.Cluster) {
			c.OnSurvey("empty", func(context.Context, []byte) ([]byte, error) { return nil, nil })
			c.OnSurvey("large", func(context.Context, []byte) ([]byte, error) { return large, nil })
		})
		if s := survey(t, n.Cluster, "empty", ""); len(s.Replies) != 1 || len(s.Replies[0].Payload) > 0 {
			t.Errorf("got %+v", s)
		}
		if s := survey(t, n.Cluster, "large", ""); len(s.Replies) != 1 || !bytes.Equal(s.Replies[0].Payload, large) {
			t.Errorf("%d replies", len(s.Replies))
		}
	})

	t.Run("names the nodes that did not reply until the deadline", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		n := start(t, d, cluster.Config{Node: "here", SurveyTimeout: 3 * time.Second}, func(c *cluster.Cluster) {
			c.OnSurvey("echo", func(_ context.Context, request []byte) ([]byte, error) { return request, nil })
			c.OnSurvey("broken", func(context.Context, []byte) ([]byte, error) { return nil, errors.New("broken") })
		})
		child := startChild(t, d)
		until(t, "both are known and reply", func() bool {
			s := survey(t, n.Cluster, "echo", "")
			return len(s.Nodes) == 2 && len(s.Replies) == 2
		})
		child.signal(syscall.SIGSTOP) // a frozen node counts as alive for some seconds
		s := survey(t, n.Cluster, "echo", "hello")
		if !slices.Equal(s.Missing, cluster.Nodes{"child"}) || len(s.Nodes) != 2 {
			t.Errorf("got %+v", s)
		}
		until(t, "the frozen node is lost and not surveyed", func() bool {
			s := survey(t, n.Cluster, "echo", "hello")
			return len(s.Missing) == 0 && len(s.Nodes) == 1 && len(s.Replies) == 1
		})
		if s := survey(t, n.Cluster, "broken", ""); !slices.Equal(s.Missing, cluster.Nodes{"here"}) {
			t.Errorf("a failed handler: %+v", s)
		}
	})

	t.Run("calls a handler once, however often it asks", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		var calls atomic.Int32
		goOn := make(chan struct{})
		n := start(t, d, cluster.Config{Node: "a", SurveyTimeout: timeout}, func(c *cluster.Cluster) {
			c.OnSurvey("slow", func(context.Context, []byte) ([]byte, error) {
				calls.Add(1)
				<-goOn
				return nil, nil
			})
		})
		wait := d.afterMessages(3, func() { close(goOn) }) // the node has then received the request three times
		s := survey(t, n.Cluster, "slow", "")
		wait()
		if len(s.Replies) != 1 || calls.Load() != 1 {
			t.Errorf("%d calls, %+v, want 1 Replies, 1", calls.Load(), s)
		}
	})

	t.Run("ends with its context", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		ctx, cancel := context.WithCancel(t.Context())
		n := start(t, d, cluster.Config{Node: "a", SurveyTimeout: time.Hour}, func(c *cluster.Cluster) {
			c.OnSurvey("who", func(context.Context, []byte) ([]byte, error) { cancel(); return nil, errors.New("no reply") })
		})
		if _, err := n.Survey(ctx, "who", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
