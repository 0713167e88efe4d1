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

// missed holds the functions that are called when messages may have been missed.
type missed struct {
	mu    sync.Mutex
	calls []*func()
}

func (m *missed) subscribe(f func()) (stop func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, &f)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.calls = slices.DeleteFunc(m.calls, func(other *func()) bool { return other == &f })
	}
}

func (m *missed) notify() {
	m.mu.Lock()
	calls := slices.Clone(m.calls)
	m.mu.Unlock()
	for _, f := range calls {
		(*f)()
	}
}
