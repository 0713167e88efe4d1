package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"roomlog/internal/wait"
)

// Both is the Transport of a node that is connected to PostgreSQL and to NATS.
//
// Messages and replies go over NATS, and over PostgreSQL while NATS cannot be reached. While a member is not heard over
// NATS, messages go over both. A node that loses its connection to NATS, or starts without one, announces this over PostgreSQL: for 10
// seconds all messages go over both (for up to 55 seconds if there are more than 50 members), and the other nodes may have missed messages, because those that this node sent last may be lost.
// Surveys go over both, so that they reach nodes without NATS, and so that processes without NATS can send them.
//
// PostgreSQL decides which nodes are alive, because a node that has lost only its connection to NATS still serves its
// clients. While PostgreSQL cannot be reached, NATS decides.
type Both struct {
	nats     *NATS
	postgres *Postgres
	origins  *lru.Cache[string, Messenger] // id of a survey → the transport over which its request came first

	reading sync.Mutex // locked while the members are read
	read    time.Time  // when the members were read
	members atomic.Pointer[[]string]
}

var _ Transport = (*Both)(nil)

// NewBoth returns a transport that uses NATS and PostgreSQL.
func NewBoth(n *NATS, p *Postgres) *Both {
	origins, err := lru.New[string, Messenger](repliedRequests)
	if err != nil {
		panic(err) // cannot happen: the size is positive
	}
	return &Both{nats: n, postgres: p, origins: origins}
}

// Nodes returns the members that are alive now.
func (b *Both) Nodes(ctx context.Context) ([]string, error) {
	nodes, err := b.postgres.Nodes(ctx)
	if err == nil {
		return nodes, nil
	}
	if nodes, natsErr := b.nats.Nodes(ctx); natsErr == nil {
		return nodes, nil
	}
	return nil, err
}

// natsLost is the topic of the message of a node that has lost its connection to NATS or has none. Its payload is the name of the node.
const natsLost = "cluster.nats_lost"

// Join makes node a member over PostgreSQL, and over NATS whenever a server can be reached. It returns when ctx ends or the
// connection to PostgreSQL is lost.
func (b *Both) Join(ctx context.Context, node string, handle func(Message), missed func()) error {
	var calls sync.Mutex
	from := func(t Messenger) func(Message) {
		return func(m Message) {
			calls.Lock()
			defer calls.Unlock()
			if m.Topic == natsLost {
				if t == Messenger(b.nats) { // a foreign client: nodes announce this over PostgreSQL
					return
				}
				b.nats.distrust()
				if string(m.Payload) != node {
					missed()
				}
				return
			}
			if r, ok := parseSurvey(m); ok {
				b.origins.ContainsOrAdd(r.id, t)
			}
			handle(m)
		}
	}
	over, leave := context.WithCancel(ctx)
	left := make(chan struct{})
	go func() {
		defer close(left)
		notified := false // whether the other nodes know that this node does not receive over NATS
		for over.Err() == nil {
			err := b.nats.Join(over, node, from(b.nats), func() { notified = false; missed() }) // the connection itself logs that it is lost
			if over.Err() == nil && !notified && b.postgres.Publish(over, Message{natsLost, []byte(node)}) == nil {
				notified = true
				missed() // until the others know it, they have sent messages over NATS alone
			}
			if !errors.Is(err, errReconnected) {
				wait.Sleep(over, natsHeartbeat)
			}
		}
	}()
	defer func() { leave(); <-left }()
	return b.postgres.Join(ctx, node, from(b.postgres), missed)
}

// Publish sends m to all members that are connected.
func (b *Both) Publish(ctx context.Context, m Message) error {
	_, twice := parseSurvey(m)
	if !twice && b.nats.conn.IsConnected() && !b.nats.hears(b.recentMembers(ctx)) {
		m, twice = copyMessage(m), true
	}
	err := b.nats.Publish(ctx, m)
	if twice || err != nil {
		if fallback := b.postgres.Publish(ctx, m); fallback != nil && err != nil {
			return fallback
		}
	}
	return nil
}

// recentMembers returns the members as PostgreSQL has last listed them. It reads the list again if it is more than a
// second old, unless another call is reading it. The result is nil before the first list was read.
func (b *Both) recentMembers(ctx context.Context) []string {
	if b.reading.TryLock() {
		defer b.reading.Unlock()
		if now := b.nats.now(); now.Sub(b.read) >= natsHeartbeat {
			b.read = now
			within, cancel := context.WithTimeout(ctx, natsHeartbeat)
			defer cancel()
			if nodes, err := b.postgres.Nodes(within); err == nil {
				b.members.Store(&nodes)
			}
		}
	}
	if nodes := b.members.Load(); nodes != nil {
		return *nodes
	}
	return nil
}

// OpenInbox returns an inbox for replies over both.
func (b *Both) OpenInbox(ctx context.Context, id string) (Inbox, error) {
	boxes := make([]Inbox, 0, 2)
	for _, t := range []Messenger{b.nats, b.postgres} {
		if box, err := t.OpenInbox(ctx, id); err == nil { // the inbox of PostgreSQL opens without I/O
			boxes = append(boxes, box)
		}
	}
	return &bothInbox{boxes: boxes, postgres: b.postgres, now: b.nats.now, seen: make(map[string]bool)}, nil
}

// Reply puts r into the inbox of the transport over which the request came.
func (b *Both) Reply(ctx context.Context, inbox string, r Reply) error {
	if t, known := b.origins.Get(inbox); known {
		if err := t.Reply(ctx, inbox, r); err == nil {
			return nil
		}
	}
	return b.postgres.Reply(ctx, inbox, r)
}

// bothInbox holds the replies of several inboxes.
type bothInbox struct {
	boxes    []Inbox
	postgres *Postgres
	now      func() time.Time
	seen     map[string]bool // nodes whose replies were received

	members     []string  // the members as PostgreSQL has last listed them
	unreachable bool      // whether PostgreSQL could not be reached when members was read last
	read        time.Time // when the members were read
	waiting     []Reply   // replies over NATS of nodes that the list did not contain
	size        int       // size in bytes of the payloads in waiting; at most natsPending
}

// isMember reports whether PostgreSQL has listed a node. A node of another database that has the same id, such as a clone on the same
// NATS, is no member. While PostgreSQL cannot be reached, every node counts as one.
func (i *bothInbox) isMember(node string) bool {
	return i.unreachable || slices.Contains(i.members, node)
}

// readMembers reads the list of members, unless it has read the list within askInterval. It reports whether it has read the list, or
// tried to: nodes of other databases reply under any number of names.
func (i *bothInbox) readMembers(ctx context.Context) bool {
	now := i.now()
	if now.Sub(i.read) < askInterval {
		return false
	}
	i.read = now
	nodes, err := i.postgres.Nodes(ctx)
	if i.unreachable = err != nil; !i.unreachable {
		i.members = nodes
	}
	return true
}

// add returns the replies over NATS that come from members, also those that have waited. A reply of another node waits until the list of
// members is read again, because the node may have joined since. If the list is new, the reply is discarded: a node that joins later is
// asked again.
func (i *bothInbox) add(ctx context.Context, received []Reply) (replies []Reply) {
	arrived, fresh := append(i.waiting, received...), false
	i.waiting, i.size = nil, 0
	for _, r := range arrived {
		if i.seen[r.Node] {
			continue
		}
		if !fresh && !i.isMember(r.Node) {
			fresh = i.readMembers(ctx)
		}
		switch {
		case i.isMember(r.Node):
			i.seen[r.Node] = true
			replies = append(replies, r)
		case !fresh && i.size+len(r.Payload) <= natsPending:
			i.waiting = append(i.waiting, r)
			i.size += len(r.Payload)
		}
	}
	return replies
}

// Receive returns the replies that arrived since the last call. It fails only if no inbox can be read.
func (i *bothInbox) Receive(ctx context.Context) ([]Reply, error) {
	var replies []Reply
	var failed error
	readable := false
	for _, box := range i.boxes {
		received, err := box.Receive(ctx)
		if err != nil {
			failed = err
			continue
		}
		readable = true
		if _, overNATS := box.(*natsInbox); overNATS {
			replies = append(replies, i.add(ctx, received)...)
			continue
		}
		for _, r := range received {
			if !i.seen[r.Node] {
				i.seen[r.Node] = true
				replies = append(replies, r)
			}
		}
	}
	if readable {
		return replies, nil
	}
	return nil, failed
}

// Close discards the inboxes.
func (i *bothInbox) Close(ctx context.Context) error {
	var failed error
	for _, box := range i.boxes {
		if err := box.Close(ctx); err != nil {
			failed = err
		}
	}
	return failed
}
