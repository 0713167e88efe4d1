package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	natsHeartbeat = time.Second            // least interval between two announcements of a member
	natsRate      = 50                     // announcements per second that a member receives, unless that needs a longer interval than natsSlow
	natsSlow      = 10 * time.Second       // longest interval between two announcements of a member
	natsMissed    = 5                      // number of intervals after which a member that has announced nothing is not alive
	natsFresh     = 3 * time.Second        // time after (re)connecting in which each call of Nodes asks the members; they may still be joining
	natsLate      = 5 * time.Second        // maximum time by which an announcement of a member that has lost NATS comes late
	natsGather    = 250 * time.Millisecond // time in which members respond to a ping
	natsFlush     = 2 * time.Second        // time in which a server must confirm a subscription
	natsMembers   = 4096                   // maximum number of members; announcements of further ones are ignored
	natsQueue     = 4096                   // maximum number of messages that wait for one subscriber; further ones are lost
)

var (
	errNotConnected = errors.New("there is no connection to a NATS server")
	errReconnected  = errors.New("the connection to the NATS server was lost for a while")
)

// NATS is the Transport that uses NATS servers without persistence. A member announces itself every second, and less often if there are
// more than 50: every member receives every announcement. It counts as lost at once when it leaves, and otherwise when it has announced
// nothing for 5 intervals. If the number of members falls, this time falls by a second in each second, because some may still announce
// themselves at the longer interval. The list of members is kept in memory.
type NATS struct {
	conn   *nats.Conn
	prefix string // begins all subjects; it contains the id of the store, so that two stores on one NATS do not mix
	now    func() time.Time

	mu         sync.Mutex
	heard      map[string]time.Time // member → time of its last announcement
	removed    time.Time            // when members that are not alive were removed from heard
	dead       time.Duration        // what deadAfter returned at the time deadAt
	deadAt     time.Time            // when deadAfter was called last
	distrusted time.Time            // when a member has last said that it has no connection to NATS
	since      time.Time            // when this node noticed that the connection was made
	pinged     bool                 // whether the members were pinged since then
	reconnects uint64               // the connection's count of reconnections at the time since
}

var _ Transport = (*NATS)(nil)

// NewNATS returns a transport for the nodes of the store with this id. The subscriptions end when conn is closed.
func NewNATS(conn *nats.Conn, store string, now func() time.Time) (*NATS, error) {
	n := &NATS{conn: conn, prefix: "roomlog." + store + ".cluster.", now: now, heard: make(map[string]time.Time), since: now()}
	_, err := n.subscribe("alive", func(m *nats.Msg) { n.hear(string(m.Data)) })
	if err == nil {
		_, err = n.subscribe("left", func(m *nats.Msg) { n.forget(string(m.Data)) })
	}
	if err != nil {
		return nil, fmt.Errorf("subscribe to the members of the cluster: %w", err)
	}
	return n, nil
}

// announceInterval returns the time between two announcements of each of n members.
func announceInterval(n int) time.Duration {
	return min(max(natsHeartbeat, time.Duration(n)*time.Second/natsRate), natsSlow)
}

// deadAfter returns the time after which a member that has announced nothing is not alive. It must be called before heard becomes
// smaller. The caller has locked n.mu.
func (n *NATS) deadAfter(now time.Time) time.Duration {
	n.dead, n.deadAt = max(natsMissed*announceInterval(len(n.heard)), n.dead-now.Sub(n.deadAt)), now
	return n.dead
}

// removeDead removes the members that are not alive from heard, at most once a second: foreign clients announce any number of names. The
// caller has locked n.mu.
func (n *NATS) removeDead(now time.Time) {
	if now.Sub(n.removed) < natsHeartbeat {
		return
	}
	n.removed = now
	dead := n.deadAfter(now)
	maps.DeleteFunc(n.heard, func(_ string, at time.Time) bool { return now.Sub(at) >= dead })
}

// subscribe calls handle with the messages of a subject that members send about themselves. A bounded number of them wait.
func (n *NATS) subscribe(subject string, handle func(*nats.Msg)) (*nats.Subscription, error) {
	s, err := n.conn.Subscribe(n.prefix+subject, handle)
	if err == nil {
		err = s.SetPendingLimits(natsQueue, natsQueue*2*maxNode)
	}
	return s, err
}

// hear records that node has announced itself.
func (n *NATS) hear(node string) {
	if checkNode(node) != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	if _, known := n.heard[node]; !known {
		n.removeDead(now)
		if len(n.heard) >= natsMembers {
			return
		}
	}
	n.heard[node] = now
	n.deadAfter(now) // remembers the interval of the larger number
}

func (n *NATS) forget(node string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deadAfter(n.now())
	delete(n.heard, node)
}

// distrust makes hears return false for a while, because a member has lost its connection to NATS. Its last announcement may come late.
func (n *NATS) distrust() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.distrusted = n.now()
}

// hears reports whether all nodes are alive, and no member has lost NATS recently.
func (n *NATS) hears(nodes []string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	dead := n.deadAfter(now)
	if now.Sub(n.distrusted) < dead+natsLate {
		return false
	}
	for _, node := range nodes {
		if at, heard := n.heard[node]; !heard || now.Sub(at) >= dead {
			return false
		}
	}
	return true
}

// Nodes returns the members that are alive. In the first 3 seconds of a connection, and when it is called for the first time since the
// connection was made, it pings them. Without a connection it returns an error, so that nobody concludes that the other nodes are lost.
func (n *NATS) Nodes(ctx context.Context) ([]string, error) {
	if !n.conn.IsConnected() {
		return nil, errNotConnected
	}
	if n.fresh() {
		if err := n.ping(ctx); err != nil {
			return nil, err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var nodes []string
	now := n.now()
	dead := n.deadAfter(now)
	for node, at := range n.heard {
		if now.Sub(at) < dead {
			nodes = append(nodes, node)
		} else {
			delete(n.heard, node)
		}
	}
	return nodes, nil
}

// fresh reports whether the list of members must be completed with a ping, because the connection is new.
func (n *NATS) fresh() bool {
	reconnects := n.conn.Stats().Reconnects
	n.mu.Lock()
	defer n.mu.Unlock()
	if reconnects != n.reconnects {
		n.reconnects, n.since, n.pinged = reconnects, n.now(), false
	}
	return !n.pinged || n.now().Sub(n.since) < natsFresh
}

// ping asks all members to announce themselves, and waits for their responses.
func (n *NATS) ping(ctx context.Context) error {
	inbox := nats.NewInbox()
	responses, err := n.conn.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("ask the nodes: %w", err)
	}
	defer func() { _ = responses.Unsubscribe() }()
	if err := n.conn.PublishRequest(n.prefix+"ping", inbox, nil); err != nil {
		return fmt.Errorf("ask the nodes: %w", err)
	}
	within, cancel := context.WithTimeout(ctx, natsGather)
	defer cancel()
	for {
		m, err := responses.NextMsgWithContext(within)
		switch {
		case err == nil:
			n.hear(string(m.Data))
		case ctx.Err() != nil:
			return ctx.Err()
		case within.Err() != nil, errors.Is(err, nats.ErrNoResponders):
			n.mu.Lock()
			defer n.mu.Unlock()
			n.pinged = true
			return nil
		case !errors.Is(err, nats.ErrSlowConsumer):
			return fmt.Errorf("ask the nodes: %w", err)
		}
	}
}

// Publish sends m to all members that are connected.
func (n *NATS) Publish(_ context.Context, m Message) error {
	if !n.conn.IsConnected() {
		return errNotConnected
	}
	if err := n.conn.Publish(n.prefix+"messages", append([]byte(m.Topic+"\n"), m.Payload...)); err != nil {
		return fmt.Errorf("publish a message: %w", err)
	}
	return nil
}

// Join announces node and receives messages until ctx ends or the connection was lost, also if it was made again.
func (n *NATS) Join(ctx context.Context, node string, handle func(Message), missed func()) error {
	if !n.conn.IsConnected() {
		return errNotConnected
	}
	reconnects := n.conn.Stats().Reconnects
	messages, err := n.conn.SubscribeSync(n.prefix + "messages")
	if err != nil {
		return fmt.Errorf("subscribe to messages: %w", err)
	}
	defer func() { _ = messages.Unsubscribe() }()
	if err := messages.SetPendingLimits(natsQueue, natsQueue*maxWire); err != nil {
		return fmt.Errorf("subscribe to messages: %w", err)
	}
	pings, err := n.subscribe("ping", func(m *nats.Msg) { _ = m.Respond([]byte(node)) })
	if err != nil {
		return fmt.Errorf("subscribe to pings: %w", err)
	}
	defer func() { _ = pings.Unsubscribe() }()
	// Wait for the subscriptions before the first announcement, because a survey expects a reply from every member.
	if err := n.flush(ctx); err != nil {
		return err
	}
	missed()
	joined, leave := context.WithCancel(ctx)
	defer leave()
	lost := make(chan error, 1)
	go func() { lost <- n.announce(joined, node, reconnects); leave() }()
	for joined.Err() == nil {
		m, err := messages.NextMsgWithContext(joined)
		if err == nil {
			if parsed, ok := parseWire(m.Data); ok {
				handle(parsed)
			}
		} else if errors.Is(err, nats.ErrSlowConsumer) {
			missed()
		} else {
			leave()
		}
	}
	return <-lost
}

// announce sends heartbeats for node until ctx ends, then a message that the node leaves. It returns an error if the connection is lost,
// or was lost: its count of reconnections is not reconnects.
func (n *NATS) announce(ctx context.Context, node string, reconnects uint64) error {
	tick := time.NewTicker(natsHeartbeat)
	defer tick.Stop()
	var newest time.Time
	for {
		if !n.conn.IsConnected() {
			return errNotConnected
		}
		if n.conn.Stats().Reconnects != reconnects {
			return errReconnected
		}
		if now := n.now(); n.isDue(now, newest) {
			newest = now
			if err := n.conn.Publish(n.prefix+"alive", []byte(node)); err != nil {
				return fmt.Errorf("announce node %s: %w", node, err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = n.conn.Publish(n.prefix+"left", []byte(node))
			_ = n.flush(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// isDue reports whether a member that has announced itself at the time newest does it again now. Ticks come a little early or late.
func (n *NATS) isDue(now, newest time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.removeDead(now)
	return now.Sub(newest) > announceInterval(len(n.heard))-natsHeartbeat/2
}

// flush waits until the server has processed everything that was sent.
func (n *NATS) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, natsFlush)
	defer cancel()
	if err := n.conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("wait for the NATS server: %w", err)
	}
	return nil
}
