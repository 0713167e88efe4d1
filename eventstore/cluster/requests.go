package cluster

import (
	"context"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// MaxReply is the maximum size of the payload of a reply in bytes.
	MaxReply = 4 << 20

	maxRequests     = 64   // maximum number of queued requests; a survey repeats a request that did not fit
	repliedRequests = 1024 // number of remembered survey ids, so that a repeated request is handled once
)

// Handler returns the payload of the reply to a request of a survey.
type Handler func(ctx context.Context, request []byte) ([]byte, error)

// surveys holds the queue of survey requests that this node has not replied to, and the handlers.
type surveys struct {
	requests chan request
	replied  *simplelru.LRU[string, struct{}] // ids of handled surveys; used only by take

	mu       sync.Mutex
	handlers map[string]Handler
}

func newSurveys() surveys {
	replied, err := simplelru.NewLRU[string, struct{}](repliedRequests, nil)
	if err != nil {
		panic(err) // cannot happen: the size is positive
	}
	return surveys{requests: make(chan request, maxRequests), replied: replied, handlers: make(map[string]Handler)}
}

// handle registers the handler of a topic until stop is called.
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

// handler returns the handler of a topic, or nil if there is none.
func (s *surveys) handler(topic string) Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handlers[topic]
}

// take queues m if m is a survey request, and reports whether it is one. It ignores a request that was queued before.
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
	default: // the queue is full; the survey will send the request again
	}
	return true
}
