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
	askInterval  = 250 * time.Millisecond // interval at which a request is sent again, because a node that was reconnecting has missed it
	firstReceive = 2 * time.Millisecond   // shortest wait between two reads of the inbox
	lastReceive  = 25 * time.Millisecond  // longest wait between two reads of the inbox
	closeTimeout = 2 * time.Second
)

// Survey is the result of a request to all nodes.
type Survey struct {
	Nodes   Nodes   // the members that were alive at the start, and the nodes that joined later and replied
	Replies []Reply // replies of the members that have a handler for the topic, ordered by node
	Missing Nodes   // the members that did not reply in time
}

// Survey sends a request to all members that are alive and collects their replies. It returns when all members have
// replied, or after Config.SurveyTimeout. Missing then lists the members without a reply; this is not an error. Topic
// and request have the same bounds as in Publish.
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
		_ = inbox.Close(ctx) // if Close fails, the transport discards the replies later
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

// collect sends the request and adds replies until no member is missing or ctx ends.
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
		if i, known := slices.BinarySearch(s.Nodes, r.Node); !known { // the node joined after the list of members was read
			s.Nodes = slices.Insert(s.Nodes, i, r.Node)
		}
		s.Missing = slices.DeleteFunc(s.Missing, func(node string) bool { return node == r.Node })
		if r.Payload != nil {
			s.Replies = append(s.Replies, r)
		}
	}
}
