package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"roomlog/internal/wait"
)

const (
	askInterval  = 250 * time.Millisecond // a request is repeated: a node that reconnects has missed the first
	firstReceive = 2 * time.Millisecond   // between two looks into the inbox
	lastReceive  = 25 * time.Millisecond
	closeTimeout = 2 * time.Second
)

// Survey is what a request to all nodes has brought.
type Survey struct {
	Nodes   Nodes   // the members that were asked
	Replies []Reply // of the members that handle the topic, ordered by node
	Missing Nodes   // the members that did not reply in time
}

// Survey asks all members that are alive, and returns when all have replied or Config.SurveyTimeout has passed. A
// member that did not reply in time is in Missing and is no error. The bounds of topic and request are those of Publish.
func (c *Cluster) Survey(ctx context.Context, topic string, request []byte) (Survey, error) {
	s, err := c.survey(ctx, topic, request)
	if err != nil {
		return Survey{}, fmt.Errorf("survey %q: %w", topic, err)
	}
	return s, nil
}

func (c *Cluster) survey(ctx context.Context, topic string, request []byte) (Survey, error) {
	if err := checkMessage(topic, request); err != nil {
		return Survey{}, err
	}
	within, cancel := context.WithTimeout(ctx, c.c.SurveyTimeout)
	defer cancel()
	id := rand.Text()
	inbox, err := c.transport.OpenInbox(within, id)
	if err != nil {
		return Survey{}, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = inbox.Close(ctx) // the transport discards what is left of it after a while
	}()
	s := Survey{}
	if s.Nodes, err = c.Nodes(within); err != nil {
		return Survey{}, err
	}
	s.Missing = slices.Clone(s.Nodes)
	ask := func() error { return c.transport.Publish(within, surveyMessage(id, topic, request)) }
	err = s.collect(within, inbox, ask)
	if ctx.Err() != nil {
		return Survey{}, ctx.Err()
	}
	if err != nil && within.Err() == nil {
		return Survey{}, err
	}
	slices.SortFunc(s.Replies, func(a, b Reply) int { return cmp.Compare(a.Node, b.Node) })
	return s, nil
}

// collect sends the request and adds replies until none is missing or ctx ends.
func (s *Survey) collect(ctx context.Context, inbox Inbox, ask func() error) error {
	for len(s.Missing) > 0 && ctx.Err() == nil {
		if err := ask(); err != nil {
			return err
		}
		receive := wait.Backoff{Min: firstReceive, Max: lastReceive}
		for waited := time.Duration(0); waited < askInterval && len(s.Missing) > 0; {
			d := receive.Next()
			if !wait.Sleep(ctx, d) {
				break
			}
			waited += d
			replies, err := inbox.Receive(ctx)
			if err != nil {
				return err
			}
			s.add(replies)
		}
	}
	return nil
}

func (s *Survey) add(replies []Reply) {
	for _, r := range replies {
		if i, known := slices.BinarySearch(s.Nodes, r.Node); !known { // it joined meanwhile
			s.Nodes = slices.Insert(s.Nodes, i, r.Node)
		}
		s.Missing = slices.DeleteFunc(s.Missing, func(node string) bool { return node == r.Node })
		if r.Payload != nil {
			s.Replies = append(s.Replies, r)
		}
	}
}
