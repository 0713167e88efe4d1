package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	natsPart     = 512 << 10 // maximum size in bytes of one part of a reply, if the server permits messages of this size
	natsOverhead = 1 << 10   // size in bytes that is left for headers
	natsParts    = 1024      // maximum number of parts that wait in an inbox; further ones are lost
	natsPending  = 128 << 20 // maximum size in bytes of all replies of which parts are missing, and of the parts that wait
	natsSlot     = 24        // size in bytes of what an inbox holds for a part that is missing

	// The headers of a part of a reply.
	headerNode  = "Node"
	headerPart  = "Part"  // number of the part, from 0
	headerParts = "Parts" // number of parts; 0: the node has no handler
)

// natsInbox collects the parts of replies.
type natsInbox struct {
	subscription *nats.Subscription
	replies      map[string]*natsReply // replies by node; at most natsMembers
	free         int                   // size in bytes that unfinished replies may still take
}

// natsReply is a reply of which parts are missing.
type natsReply struct {
	parts [][]byte
	bytes int
	ended bool // whether the reply is complete, or too large; later parts do not count
}

// OpenInbox subscribes to the replies to a survey.
func (n *NATS) OpenInbox(ctx context.Context, id string) (Inbox, error) {
	if !n.conn.IsConnected() {
		return nil, errNotConnected
	}
	i := &natsInbox{replies: make(map[string]*natsReply), free: natsPending}
	var err error
	if i.subscription, err = n.conn.SubscribeSync(n.inbox(id)); err != nil {
		return nil, fmt.Errorf("subscribe to replies: %w", err)
	}
	err = i.subscription.SetPendingLimits(natsParts, natsPending)
	if err == nil {
		err = n.flush(ctx) // so that no reply comes before the subscription
	}
	if err != nil {
		_ = i.subscription.Unsubscribe()
		return nil, err
	}
	return i, nil
}

func (n *NATS) inbox(id string) string { return n.prefix + "inbox." + id }

// Reply sends r in parts that the server permits.
func (n *NATS) Reply(ctx context.Context, inbox string, r Reply) error {
	size := int(min(natsPart, max(n.conn.MaxPayload()-natsOverhead, 1)))
	parts := (len(r.Payload) + size - 1) / size
	if r.Payload != nil {
		parts = max(parts, 1)
	}
	for i := range max(parts, 1) {
		m := nats.NewMsg(n.inbox(inbox))
		m.Header.Set(headerNode, r.Node)
		m.Header.Set(headerPart, strconv.Itoa(i))
		m.Header.Set(headerParts, strconv.Itoa(parts))
		m.Data = r.Payload[min(i*size, len(r.Payload)):min((i+1)*size, len(r.Payload))]
		if err := n.conn.PublishMsg(m); err != nil {
			return fmt.Errorf("send a reply: %w", err)
		}
	}
	return n.flush(ctx)
}

// Receive returns the replies that are complete since the last call.
func (i *natsInbox) Receive(context.Context) ([]Reply, error) {
	var replies []Reply
	waiting, _, err := i.subscription.Pending()
	if err != nil {
		return nil, fmt.Errorf("read replies: %w", err)
	}
	for range waiting {
		m, err := i.subscription.NextMsg(time.Millisecond) // it is there
		if errors.Is(err, nats.ErrSlowConsumer) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) {
			continue // parts are lost, and the nodes are asked again; or a foreign client has sent a status
		}
		if err != nil {
			return nil, fmt.Errorf("read replies: %w", err)
		}
		if r, complete := i.add(m); complete {
			replies = append(replies, r)
		}
	}
	return replies, nil
}

// drop discards the parts of a reply.
func (i *natsInbox) drop(r *natsReply) {
	i.free += r.bytes + len(r.parts)*natsSlot
	r.parts, r.bytes = nil, 0
}

// add adds a part, and returns the reply if it is complete. It ignores a reply of more than MaxReply bytes, which no node sends. If
// unfinished replies become too large together, it discards the parts of this reply: the node sends it again when it is asked again.
func (i *natsInbox) add(m *nats.Msg) (Reply, bool) {
	node := m.Header.Get(headerNode)
	part, err := strconv.Atoi(m.Header.Get(headerPart))
	count, err2 := strconv.Atoi(m.Header.Get(headerParts))
	if err != nil || err2 != nil || count < 0 || count > natsParts || part < 0 || part >= max(count, 1) || checkNode(node) != nil {
		return Reply{}, false
	}
	r := i.replies[node]
	if r == nil {
		if len(i.replies) >= natsMembers {
			return Reply{}, false
		}
		r = &natsReply{}
		i.replies[node] = r
	}
	switch {
	case r.ended: // only the first reply of a node counts
		return Reply{}, false
	case count == 0:
		i.drop(r)
		r.ended = true
		return Reply{Node: node}, true
	case len(r.parts) != count:
		if i.drop(r); count*natsSlot > i.free {
			return Reply{}, false
		}
		r.parts = make([][]byte, count)
		i.free -= count * natsSlot
	}
	more := len(m.Data) - len(r.parts[part])
	if r.ended = r.bytes+more > MaxReply; r.ended || more > i.free {
		i.drop(r)
		return Reply{}, false
	}
	r.bytes, i.free = r.bytes+more, i.free-more
	r.parts[part] = append([]byte{}, m.Data...)
	if slices.ContainsFunc(r.parts, func(p []byte) bool { return p == nil }) {
		return Reply{}, false
	}
	payload := bytes.Join(r.parts, nil)
	if payload == nil {
		payload = []byte{} // nil means that the node has no handler
	}
	i.drop(r)
	r.ended = true
	return Reply{node, payload}, true
}

// Close ends the subscription.
func (i *natsInbox) Close(context.Context) error { return i.subscription.Unsubscribe() }
