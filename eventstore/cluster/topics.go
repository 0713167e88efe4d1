package cluster

import (
	"slices"
	"sync"
)

// topics holds the subscriptions of this node, by topic.
type topics struct {
	mu          sync.Mutex
	subscribers map[string][]*func(payload []byte)
}

// subscribe adds a subscriber of a topic until stop is called.
func (t *topics) subscribe(topic string, handle func(payload []byte)) (stop func()) {
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
