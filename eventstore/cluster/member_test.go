package cluster_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"roomlog/eventstore/cluster"
)

func TestNodes(t *testing.T) {
	t.Parallel()
	onEach(t, testNodes)
}

func testNodes(t *testing.T, deploy func(testing.TB) *deployment) {
	t.Run("are the members that are alive, in order", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		observer := d.observer(cluster.Config{Now: time.Now})
		if nodes := alive(t, observer); len(nodes) != 0 {
			t.Fatalf("%v are alive in an empty cluster, want 0 elements", nodes)
		}
		b := start(t, d, cluster.Config{Node: "b"}, nil)
		start(t, d, cluster.Config{Node: "a"}, nil)
		if nodes := alive(t, observer); !slices.Equal(nodes, cluster.Nodes{"a", "b"}) || nodes.Contains("c") {
			t.Errorf("got the members %v", nodes)
		}
		b.stop()
		until(t, "b has left", func() bool { return !alive(t, observer).Contains("b") })
	})

	t.Run("lose a killed one at once", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		n := start(t, d, cluster.Config{Node: "here"}, nil)
		child := startChild(t, d)
		until(t, "the child process is running", func() bool { return alive(t, n.Cluster).Contains("child") })
		child.signal(syscall.SIGKILL)
		until(t, "the child is lost", func() bool { return !alive(t, n.Cluster).Contains("child") })
	})

	t.Run("lose a frozen one, and have it back when it goes on", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		n := start(t, d, cluster.Config{Node: "here"}, nil)
		child := startChild(t, d)
		until(t, "the child process is running", func() bool { return alive(t, n.Cluster).Contains("child") })
		child.signal(syscall.SIGSTOP)
		until(t, "the frozen child is lost", func() bool { return !alive(t, n.Cluster).Contains("child") })
		child.signal(syscall.SIGCONT)
		until(t, "the child process is a member again", func() bool { return alive(t, n.Cluster).Contains("child") })
	})

	t.Run("have one back whose connection was cut", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		received := make(chan string, 100)
		n := start(t, d, cluster.Config{Node: "here"}, func(c *cluster.Cluster) {
			c.Subscribe("news", func(payload []byte) { received <- string(payload) })
		})
		d.cut(n)
		until(t, "the node is back", func() bool { return alive(t, n.Cluster).Contains("here") })
		until(t, "it receives messages again", func() bool { // a message that nobody receives is lost
			if err := n.Publish(t.Context(), "news", []byte("again")); err != nil {
				t.Fatal(err)
			}
			return len(received) > 0
		})
		if got := <-received; got != "again" {
			t.Errorf(`received %q, want "again"`, got)
		}
	})
}

func TestRunRequiresANameAndAClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]cluster.Config{
		"no name":     {Now: time.Now},
		"a long name": {Now: time.Now, Node: strings.Repeat("n", 41)},
		"not ASCII":   {Now: time.Now, Node: "节点"},
		"no clock":    {Node: "a"},
	} {
		if err := cluster.New(nil, c).Run(t.Context()); err == nil {
			t.Errorf("runs with %s", name)
		}
	}
}
