package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"roomlog/eventstore/cluster"
	"roomlog/internal/waittest"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	onEach(t, testPublish)
}

func testPublish(t *testing.T, deploy func(testing.TB) *deployment) {
	d := deploy(t)
	received := map[string]chan string{"a": make(chan string, 100), "b": make(chan string, 100)}
	nodes := make(map[string]*node)
	stops := make(map[string]func())
	for name, messages := range received {
		nodes[name] = start(t, d, cluster.Config{Node: name}, func(c *cluster.Cluster) {
			stops[name] = c.Subscribe("news", func(payload []byte) { messages <- string(payload) })
			c.Subscribe("other", func([]byte) { t.Error("a message of another topic") })
		})
	}
	publish := func(c *cluster.Cluster, text string) {
		t.Helper()
		if err := c.Publish(t.Context(), "news", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("reaches every node, in order, from a process that is no member too", func(t *testing.T) {
		observer := d.observer(cluster.Config{})
		for i := range 10 {
			publish(observer, fmt.Sprintf("安娜\n %d", i))
		}
		for name, messages := range received {
			for i := range 10 {
				if got := waittest.Receive(t, messages, "a message"); got != fmt.Sprintf("安娜\n %d", i) {
					t.Fatalf("%s received %q as message %d", name, got, i)
				}
			}
		}
	})

	t.Run("ignores what a newer version sends, and goes on", func(t *testing.T) { // as in a rolling upgrade
		transport, _ := d.connect()
		for _, m := range []cluster.Message{{Topic: "news-of-a-newer-version", Payload: []byte(`{"format":2}`)}, {Topic: "survey:who", Payload: []byte("another-format")}} {
			if err := transport.Publish(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		newer := d.observer(cluster.Config{SurveyTimeout: timeout})
		until(t, "the newer version knows both nodes", func() bool { return len(alive(t, newer)) == 2 })
		if s := survey(t, newer, "question-of-a-newer-version", `{"format":2}`); len(s.Nodes) != 2 || len(s.Missing)+len(s.Replies) != 0 {
			t.Errorf("got %+v, want both nodes without a reply of their own", s)
		}
		publish(newer, "go on")
		for name, messages := range received {
			if got := waittest.Receive(t, messages, "a message"); got != "go on" {
				t.Errorf("%s received %q", name, got)
			}
		}
	})

	t.Run("takes bounded text and topics of plain characters", func(t *testing.T) {
		a := nodes["a"].Cluster
		publish(a, strings.Repeat("x", cluster.MaxPayload))
		waittest.Receive(t, received["a"], "the longest message")
		waittest.Receive(t, received["b"], "the longest message")
		for _, payload := range []string{strings.Repeat("x", cluster.MaxPayload+1), "\xff", "a\x00b"} {
			if err := a.Publish(t.Context(), "news", []byte(payload)); err == nil {
				t.Errorf("payload %.10q was published", payload)
			}
		}
		for _, topic := range []string{"", "News", "a b", "survey:x", strings.Repeat("x", 65)} {
			if err := a.Publish(t.Context(), topic, nil); err == nil {
				t.Errorf("topic %.10q was published to", topic)
			}
		}
	})

	t.Run("does not reach a subscriber that has stopped", func(t *testing.T) {
		stops["a"]()
		still := make(chan string, 1)
		nodes["a"].Subscribe("news", func(payload []byte) { still <- string(payload) })
		publish(nodes["b"].Cluster, "later")
		if got := waittest.Receive(t, still, "a message"); got != "later" {
			t.Errorf(`received %q, want "later"`, got)
		}
		if len(received["a"]) > 0 {
			t.Errorf("the stopped subscriber received %q", <-received["a"])
		}
	})
}
