package cluster_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"roomlog/eventstore/cluster"
)

// holders contains the nodes that hold something, like a table.
type holders struct {
	mu       sync.Mutex
	held     []string
	cleaned  []string
	failures int // number of further calls of Clean that fail
}

func (h *holders) cleanup(grace time.Duration) cluster.Cleanup {
	return cluster.Cleanup{Name: "things", Grace: grace,
		Held: func(context.Context) ([]string, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return slices.Clone(h.held), nil
		},
		Clean: func(_ context.Context, node string) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.failures > 0 {
				h.failures--
				return errors.New("not yet")
			}
			h.cleaned = append(h.cleaned, node)
			h.held = slices.DeleteFunc(h.held, func(other string) bool { return other == node })
			return nil
		}}
}

func (h *holders) hold(nodes ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = append(h.held, nodes...)
}

func (h *holders) ended() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.cleaned)
}

func TestOnNodeLost(t *testing.T) {
	t.Parallel()
	onEach(t, testOnNodeLost)
}

func testOnNodeLost(t *testing.T, deploy func(testing.TB) *deployment) {
	t.Run("cleans up after a killed node once, and not after those that are alive", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		var h holders
		h.hold("here", "there", "child")
		n := start(t, d, cluster.Config{Node: "there"}, nil)
		child := startChild(t, d)
		until(t, "the child process is running", func() bool { return alive(t, n.Cluster).Contains("child") })
		start(t, d, cluster.Config{Node: "here"}, func(c *cluster.Cluster) { c.OnNodeLost(h.cleanup(20 * time.Millisecond)) })
		child.signal(syscall.SIGKILL)
		until(t, "the node is cleaned up", func() bool { return len(h.ended()) > 0 })
		h.hold("somebody else") // when this node is cleaned up, every wrong cleanup would have happened
		until(t, "the next node is cleaned up", func() bool { return slices.Contains(h.ended(), "somebody else") })
		if got := h.ended(); !slices.Equal(got, []string{"child", "somebody else"}) {
			t.Errorf("cleaned up after %v", got)
		}
	})

	t.Run("leaves a node alone that is back within the grace time", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		var h holders
		h.hold("there")
		n := start(t, d, cluster.Config{Node: "there"}, nil)
		start(t, d, cluster.Config{Node: "here"}, func(c *cluster.Cluster) { c.OnNodeLost(h.cleanup(time.Hour)) })
		d.cut(n)
		until(t, "the node is back", func() bool { return alive(t, n.Cluster).Contains("there") })
		if got := h.ended(); len(got) > 0 {
			t.Errorf("cleaned up after %v", got)
		}
	})

	t.Run("tries again until it succeeds, and for other nodes meanwhile", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		h := holders{failures: 5}
		h.hold("x", "y")
		start(t, d, cluster.Config{Node: "here"}, func(c *cluster.Cluster) { c.OnNodeLost(h.cleanup(4 * time.Millisecond)) })
		until(t, "both are cleaned up", func() bool { return len(h.ended()) == 2 })
	})
}
