package cluster

import (
	"context"
	"fmt"
)

// Publish sends payload to the subscribers of topic on all nodes, including this node. Delivery is at most once: a node
// that is not connected at that moment never receives the message. The payload is UTF-8 without NUL of up to MaxPayload
// bytes. A topic has 1 to 64 lower-case letters, digits, dots, dashes and underscores.
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

// Subscribe calls handle with the payload of every message of topic while Run runs. The calls happen one after another,
// in the order of publishing. handle must not block. stop ends the subscription. It does not wait for a call of handle
// that has begun.
func (c *Cluster) Subscribe(topic string, handle func(payload []byte)) (stop func()) {
	return c.topics.subscribe(topic, handle)
}

// OnMissed adds f until stop is called. The cluster calls f whenever this node may have missed messages: when it has
// joined or reconnected, and when it was too slow. A subscriber that must not lose a message then gets the current
// state with a survey. f must not block.
func (c *Cluster) OnMissed(f func()) (stop func()) { return c.missed.subscribe(f) }
