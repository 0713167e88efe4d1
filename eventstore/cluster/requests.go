package cluster

import (
	"context"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// MaxReply bounds the payload of a reply, in bytes.
	MaxReply = 4 << 20

	maxRequests     = 64   // requests that wait for their reply; more are asked again by the surveys
	repliedRequests = 1024 // ids remembered, so that a repeated request is handled once
)

// Handler returns the payload of the reply to a request of a survey.
type Handler func(ctx context.Context, request []byte) ([]byte, error)

// surveys are the requests that wait for the reply of this node, and their handlers.
type surveys struct {
	requests chan request
	replied  *simplelru.LRU[string, struct{}] // touched by take alone

	mu       sync.Mutex
	handlers map[string]Handler
}

func newSurveys() surveys {
	replied, err := simplelru.NewLRU[string, struct{}](repliedRequests, nil)
	if err != nil {
		panic(err) // the size is positive
	}
	return surveys{requests: make(chan request, maxRequests), replied: replied, handlers: make(map[string]Handler)}
}

// handle sets the handler of a topic.
func (s *surveys) handle(topic string, handler Handler) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[topic] = handler
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.handlers, topic)
	}
}

// handler returns the handler of a topic, or nil.
func (s *surveys) handler(topic string) Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handlers[topic]
}

// take queues a request. It reports whether m was one.
func (s *surveys) take(m Message) bool {
	r, ok := parseSurvey(m)
	if !ok {
		return strings.HasPrefix(m.Topic, surveyPrefix)
	}
	if s.replied.Contains(r.id) {
		return true
	}
	select {
	case s.requests <- r:
		s.replied.Add(r.id, struct{}{})
	default: // it will be asked again
	}
	return true
}
