package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	// MaxPayload bounds the payload of a message and the request of a survey, in bytes.
	MaxPayload = 2048

	maxTopic   = 64 // bytes of a topic's name
	topicChars = "abcdefghijklmnopqrstuvwxyz0123456789.-_"
)

// topics are the subscriptions of this node.
type topics struct {
	mu          sync.Mutex
	subscribers map[string][]*func(payload []byte)
}

// Publish sends payload to the subscribers of topic on all nodes, this one included. Delivery is at most once: a node
// that is not connected at that moment never receives it. The payload is UTF-8 text without NUL of up to MaxPayload
// bytes. A topic has up to 64 lower-case letters, digits, dots, dashes and underscores.
func (c *Cluster) Publish(ctx context.Context, topic string, payload []byte) error {
	err := checkMessage(topic, payload)
	if err == nil {
		err = c.transport.Publish(ctx, Message{topic, payload})
	}
	if err != nil {
		return fmt.Errorf("publish to topic %q: %w", topic, err)
	}
	return nil
}

// Subscribe calls handle with the payload of every message of topic while Run runs: one after another, in the order of
// publishing. handle must not block. stop ends it, but does not wait for a call that has begun.
func (c *Cluster) Subscribe(topic string, handle func(payload []byte)) (stop func()) {
	t := &c.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.subscribers == nil {
		t.subscribers = make(map[string][]*func([]byte))
	}
	t.subscribers[topic] = append(t.subscribers[topic], &handle)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.subscribers[topic] = slices.DeleteFunc(t.subscribers[topic], func(other *func([]byte)) bool { return other == &handle })
	}
}

// deliver calls the subscribers of a message's topic.
func (t *topics) deliver(m Message) {
	t.mu.Lock()
	subscribers := slices.Clone(t.subscribers[m.Topic])
	t.mu.Unlock()
	for _, handle := range subscribers {
		(*handle)(m.Payload)
	}
}

func checkMessage(topic string, payload []byte) error {
	switch {
	case topic == "" || len(topic) > maxTopic || strings.Trim(topic, topicChars) != "":
		return fmt.Errorf("a topic has 1 to %d lower-case letters, digits, dots, dashes and underscores", maxTopic)
	case len(payload) > MaxPayload:
		return fmt.Errorf("the payload may have %d bytes (got %d)", MaxPayload, len(payload))
	case !utf8.Valid(payload) || slices.Contains(payload, 0):
		return errors.New("the payload must be UTF-8 text without NUL")
	}
	return nil
}
