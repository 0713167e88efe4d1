package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"roomlog/internal/wait"
)

const (
	// MaxReply bounds the payload of a reply, in bytes.
	MaxReply = 4 << 20

	maxRequests     = 64   // requests that wait for their reply; more are asked again by the surveys
	repliedRequests = 1024 // ids remembered, so that a repeated request is handled once
)

// Handler returns the payload of the reply to a request of a survey.
type Handler func(ctx context.Context, request []byte) ([]byte, error)

// request is what a survey asks this node.
type request struct {
	id, topic string
	payload   []byte
}

// surveys replies to the requests of other nodes.
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

// OnSurvey has handle called with every request of topic while Run runs, at most once for each survey, until stop is
// called. A topic has one handler on a node. The survey counts the node as missing if handle fails, which is logged,
// if the reply has more than MaxReply bytes, or if it comes too late. A member without a handler of the topic is not
// missing: it has nothing to reply.
func (c *Cluster) OnSurvey(topic string, handle Handler) (stop func()) {
	s := &c.surveys
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[topic] = handle
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.handlers, topic)
	}
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

// reply replies to requests, one after another, until ctx ends.
func (c *Cluster) reply(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-c.surveys.requests:
			if err := c.replyTo(ctx, r); err != nil && ctx.Err() == nil {
				c.c.Log.WarnContext(ctx, "reply to a survey failed", slog.String("topic", r.topic), slog.Any("error", err))
			}
		}
	}
}

func (c *Cluster) replyTo(ctx context.Context, r request) error {
	ctx, cancel := context.WithTimeout(ctx, c.c.SurveyTimeout)
	defer cancel()
	c.surveys.mu.Lock()
	handle := c.surveys.handlers[r.topic]
	c.surveys.mu.Unlock()
	reply := Reply{Node: c.c.Node}
	if handle != nil {
		payload, err := handle(ctx, r.payload)
		switch {
		case err != nil:
			return err
		case len(payload) > MaxReply:
			return fmt.Errorf("a reply may have %d bytes (got %d)", MaxReply, len(payload))
		}
		reply.Payload = append([]byte{}, payload...) // not nil
	}
	var backoff wait.Backoff
	for {
		err := c.transport.Reply(ctx, r.id, reply)
		if err == nil || !backoff.Wait(ctx) {
			return err
		}
	}
}
