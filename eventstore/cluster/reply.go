package cluster

import (
	"context"
	"fmt"
	"log/slog"

	"roomlog/internal/wait"
)

// OnSurvey registers handle for the survey requests of topic until stop is called. A node has at most one handler for a
// topic. handle is called while Run runs, at most once for each survey. The survey counts this node as missing if
// handle fails (the error is logged), if the reply has more than MaxReply bytes, or if the reply comes too late. A
// member without a handler for the topic is not missing; its reply is empty.
func (c *Cluster) OnSurvey(topic string, handle Handler) (stop func()) {
	return c.surveys.handle(topic, handle)
}

// reply handles the queued requests and sends their replies, one after another, until ctx ends.
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
	handle := c.surveys.handler(r.topic)
	reply := Reply{Node: c.c.Node}
	if handle != nil {
		payload, err := handle(ctx, r.payload)
		switch {
		case err != nil:
			return err
		case len(payload) > MaxReply:
			return fmt.Errorf("a reply may have %d bytes (got %d)", MaxReply, len(payload))
		}
		reply.Payload = append([]byte{}, payload...) // never nil: nil means that the node has no handler
	}
	var backoff wait.Backoff
	for {
		err := c.transport.Reply(ctx, r.id, reply)
		if err == nil || !backoff.Wait(ctx) {
			return err
		}
	}
}
