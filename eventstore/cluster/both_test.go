package cluster_test

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"roomlog/eventstore/cluster"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/clocktest"
	"roomlog/internal/natsconn"
	"roomlog/internal/natsconn/natstest"
	"roomlog/internal/porttest"
	"roomlog/internal/waittest"
)

// TestWithoutNATS checks that nodes go on over PostgreSQL while NATS is away, and use NATS again afterwards.
func TestWithoutNATS(t *testing.T) {
	t.Parallel()
	d := &deployment{t, pgtest.New(t), natstest.Start(t)}
	received := make(chan string, 100)
	a := start(t, d, cluster.Config{Node: "a", SurveyTimeout: timeout}, replyAs("a"))
	b := start(t, d, cluster.Config{Node: "b"}, func(c *cluster.Cluster) {
		c.Subscribe("news", func(payload []byte) { received <- string(payload) })
		replyAs("b")(c)
	})
	say := func(text string) {
		t.Helper()
		until(t, "the message "+text+" arrives", func() bool {
			if err := a.Publish(t.Context(), "news", []byte(text)); err != nil {
				t.Fatal(err)
			}
			for {
				select {
				case got := <-received:
					if got == text {
						return true
					}
				default:
					return false
				}
			}
		})
	}
	lists := func(c *cluster.Cluster) {
		t.Helper()
		if s := survey(t, c, "who", ""); len(s.Replies) != 2 || len(s.Missing) > 0 {
			t.Errorf("got %+v, want 2 replies", s)
		}
	}
	command := cluster.New(cluster.NewPostgres(d.db.Pool), cluster.Config{SurveyTimeout: timeout}) // like roomlog top
	say("with NATS")
	lists(a.Cluster)
	lists(command)

	d.nats.Stop()
	until(t, "the nodes have lost NATS", func() bool { return !a.conn.IsConnected() && !b.conn.IsConnected() })
	say("without NATS")
	lists(a.Cluster)
	lists(command)
	if nodes := alive(t, a.Cluster); !slices.Equal(nodes, cluster.Nodes{"a", "b"}) {
		t.Errorf("without NATS %v are alive, want both", nodes)
	}
	n, err := cluster.NewNATS(a.conn, store, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if nodes, err := n.Nodes(t.Context()); err == nil {
		t.Errorf("NATS lists %v without a connection, want an error: cleanups would end what they hold", nodes)
	}

	d.nats.Restart()
	until(t, "the nodes have NATS again", func() bool { return a.conn.IsConnected() && b.conn.IsConnected() })
	say("with NATS again")
	lists(a.Cluster)
}

// TestBothPrefersNATS checks that a message takes NATS and not the database.
func TestBothPrefersNATS(t *testing.T) {
	t.Parallel()
	d := &deployment{t, pgtest.New(t), natstest.Start(t)}
	received := make(chan string, 10)
	a := start(t, d, cluster.Config{Node: "a"}, func(c *cluster.Cluster) {
		c.Subscribe("news", func(payload []byte) { received <- string(payload) })
	})
	onlyNATS := d.observerOf(store)
	until(t, "a message over NATS arrives", func() bool {
		if err := onlyNATS.Publish(t.Context(), "news", []byte("ready")); err != nil {
			t.Fatal(err)
		}
		return len(received) > 0
	})
	d.awaitNATSAlone(t, a, received)
}

// awaitNATSAlone waits until a message of a node takes NATS alone, because the node hears all members there. received are the messages of
// its topic that the node receives.
func (d *deployment) awaitNATSAlone(t *testing.T, from *node, received <-chan string) {
	t.Helper()
	watch, err := d.db.Owner.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Release()
	if _, err := watch.Exec(t.Context(), "LISTEN roomlog_cluster"); err != nil {
		t.Fatal(err)
	}
	until(t, "a message takes NATS alone", func() bool { // before the node hears itself, it takes both
		if err := from.Publish(t.Context(), "news", []byte("over NATS")); err != nil {
			t.Fatal(err)
		}
		for got := ""; got != "over NATS"; got = waittest.Receive(t, received, "the message") {
		}
		if _, err := d.db.Owner.Exec(t.Context(), "SELECT pg_notify('roomlog_cluster', 'end')"); err != nil {
			t.Fatal(err)
		}
		notified := 0
		ctx, stop := context.WithTimeout(t.Context(), timeout)
		defer stop()
		for {
			n, err := watch.Conn().WaitForNotification(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if n.Payload == "end" {
				return notified == 0
			}
			notified++
		}
	})
}

// TestNodeThatHasLostOnlyNATS checks that it receives the messages of the others, and that everybody receives each of them once.
func TestNodeThatHasLostOnlyNATS(t *testing.T) {
	t.Parallel()
	d := &deployment{t, pgtest.New(t), natstest.Start(t)}
	received := map[string]chan string{"sender": make(chan string, 1000), "other": make(chan string, 1000), "lost": make(chan string, 1000)}
	nodes := make(map[string]*node)
	for name, messages := range received {
		nodes[name] = start(t, d, cluster.Config{Node: name}, func(c *cluster.Cluster) {
			c.Subscribe("news", func(payload []byte) { messages <- string(payload) })
		})
	}
	d.awaitNATSAlone(t, nodes["sender"], received["sender"])
	nodes["lost"].conn.Close()
	publish := func(c *cluster.Cluster, text string) {
		t.Helper()
		if err := c.Publish(t.Context(), "news", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the others notice that they do not hear it over NATS", func() bool {
		publish(nodes["sender"].Cluster, "begin")
		for len(received["lost"]) > 0 {
			if <-received["lost"] == "begin" {
				return true
			}
		}
		return false
	})
	for i := range 20 {
		publish(nodes["sender"].Cluster, fmt.Sprint(i))
	}
	publish(cluster.New(cluster.NewPostgres(d.db.Pool), cluster.Config{}), "end") // behind what came over PostgreSQL
	for name, messages := range received {
		var got []string
		for one := waittest.Receive(t, messages, "a message"); one != "end"; one = waittest.Receive(t, messages, "a message") {
			if one != "begin" && one != "over NATS" {
				got = append(got, one)
			}
		}
		if len(got) != 20 || !slices.IsSortedFunc(got, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }) {
			t.Errorf("%s received %v, want 20 messages in their order", name, got)
		}
	}
}

// TestCloneOnTheSameNATS checks that a survey counts no node of a copy of the database, which has the same id of the store.
func TestCloneOnTheSameNATS(t *testing.T) {
	t.Parallel()
	d := &deployment{t, pgtest.New(t), natstest.Start(t)}
	clone := &deployment{t, pgtest.New(t), d.nats}
	replies, err := d.nats.Connect().SubscribeSync("roomlog." + store + ".cluster.inbox.>")
	if err != nil {
		t.Fatal(err)
	}
	start(t, clone, cluster.Config{Node: "clone"}, replyAs("clone"))
	a := start(t, d, cluster.Config{Node: "a", SurveyTimeout: timeout}, func(c *cluster.Cluster) {
		c.OnSurvey("who", func(ctx context.Context, _ []byte) ([]byte, error) {
			_, err := replies.NextMsgWithContext(ctx) // the reply of the clone is there first
			return []byte("a"), err
		})
	})
	observer := d.observerOf(store)
	until(t, "both are members over NATS", func() bool { return len(alive(t, observer)) == 2 })
	if s := survey(t, a.Cluster, "who", ""); len(s.Replies) != 1 || s.Replies[0].Node != "a" || len(s.Nodes) != 1 {
		t.Errorf("got %+v, want only the reply of a", s)
	}
}

// TestStoresOnOneNATS checks that messages, surveys and lists of members of two stores do not mix.
func TestStoresOnOneNATS(t *testing.T) {
	t.Parallel()
	d := &deployment{t, nil, natstest.Start(t)}
	received := make(chan string, 10)
	start(t, d, cluster.Config{Node: "a"}, func(c *cluster.Cluster) {
		c.Subscribe("news", func(payload []byte) { received <- string(payload) })
		replyAs("a")(c)
	})
	other := d.observerOf("0198c0de-0000-7000-8000-000000000002")
	if nodes := alive(t, other); len(nodes) != 0 {
		t.Errorf("the other store has the members %v, want none", nodes)
	}
	if s := survey(t, other, "who", ""); len(s.Replies) != 0 {
		t.Errorf("the other store got %+v, want no reply", s)
	}
	for _, c := range []*cluster.Cluster{other, d.observerOf(store)} {
		if err := c.Publish(context.WithoutCancel(t.Context()), "news", []byte("of this store")); err != nil {
			t.Fatal(err)
		}
	}
	waittest.Receive(t, received, "the message of this store")
	if len(received) > 0 {
		t.Errorf("received %q, too, which is of the other store", <-received)
	}
}

// observerOf returns a process that is connected to NATS alone and belongs to a store.
func (d *deployment) observerOf(id string) *cluster.Cluster {
	d.t.Helper()
	n, err := cluster.NewNATS(d.nats.Connect(), id, time.Now)
	if err != nil {
		d.t.Fatal(err)
	}
	return cluster.New(n, cluster.Config{SurveyTimeout: timeout})
}

// watched is a state of the node sender that the node receiver keeps like a user of the package: it reads the state with a survey whenever
// a message says that it has changed, and whenever it may have missed messages.
type watched struct {
	*deployment
	state, known     atomic.Int64
	sender, receiver *node
}

// watch runs the two nodes, which reach one another over NATS. The sender uses conn.
func watch(t *testing.T, d *deployment, conn *nats.Conn) *watched {
	t.Helper()
	w := &watched{deployment: d}
	w.startSender(t, conn)
	w.startReceiver(t, d.nats.Connect())
	onlyNATS := d.observerOf(store)
	until(t, "the nodes reach one another over NATS", func() bool { return len(alive(t, onlyNATS)) == 2 })
	w.change()
	w.knows("with NATS")
	return w
}

func (w *watched) startSender(t *testing.T, conn *nats.Conn) {
	t.Helper()
	w.sender = startOn(t, w.over(conn), conn, cluster.Config{Node: "sender"}, func(c *cluster.Cluster) {
		c.OnSurvey("state", func(context.Context, []byte) ([]byte, error) { return strconv.AppendInt(nil, w.state.Load(), 10), nil })
	})
}

func (w *watched) startReceiver(t *testing.T, conn *nats.Conn) {
	t.Helper()
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	w.receiver = startOn(t, w.over(conn), conn, cluster.Config{Node: "receiver", SurveyTimeout: 2 * time.Second}, func(c *cluster.Cluster) {
		c.Subscribe("changed", func([]byte) { notify() })
		c.OnMissed(notify)
	})
	ctx, cancel := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	reading.Go(func() {
		for ctx.Err() == nil {
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
			s, err := w.receiver.Survey(ctx, "state", nil)
			for _, r := range s.Replies {
				if n, err := strconv.ParseInt(string(r.Payload), 10, 64); err == nil {
					w.known.Store(n)
				}
			}
			if err != nil || len(s.Missing) > 0 {
				notify()
			}
		}
	})
	t.Cleanup(func() { cancel(); reading.Wait() })
}

// change changes the state and sends a message, which no other message follows.
func (w *watched) change() {
	w.t.Helper()
	w.state.Add(1)
	if err := w.sender.Publish(w.t.Context(), "changed", nil); err != nil {
		w.t.Fatal(err)
	}
}

// knows waits until the receiver has the newest state.
func (w *watched) knows(what string) {
	w.t.Helper()
	until(w.t, "the receiver has the newest state: "+what, func() bool { return w.known.Load() == w.state.Load() })
}

// TestMissedMessagesAreNoticed checks that a node which has lost only NATS knows when messages of others were lost, also those of the
// time in which the others did not know it: the last change is read with a survey, or arrives as a message.
func TestMissedMessagesAreNoticed(t *testing.T) {
	t.Parallel()
	d := &deployment{t, pgtest.New(t), natstest.Start(t)}
	w := watch(t, d, d.nats.Connect())
	for range 3 {
		reconnected := d.cutNATS(w.receiver)
		w.change()
		w.knows("its connection was cut")
		reconnected()
	}
	w.receiver.conn.Close()
	w.change()
	w.knows("it has lost NATS")
	d.nats.Stop()
	w.change()
	w.knows("nobody has NATS")
}

// TestLateAnnouncement checks that a member which has lost NATS gets messages although its last announcement over NATS arrives late.
func TestLateAnnouncement(t *testing.T) {
	t.Parallel()
	d := &deployment{t, pgtest.New(t), natstest.Start(t)}
	w := watch(t, d, d.nats.Connect())
	lost := make(chan struct{}, 10)
	defer w.sender.OnMissed(func() { lost <- struct{}{} })()
	w.receiver.conn.Close()
	until(t, "the sender knows that a node has lost NATS", func() bool { return len(lost) > 0 })
	late := d.nats.Connect()
	for _, message := range []string{"alive", "messages"} {
		if err := late.Publish("roomlog."+store+".cluster."+message, []byte("receiver")); err != nil {
			t.Fatal(err)
		}
	}
	onlyNATS := d.observerOf(store)
	until(t, "the announcement has arrived", func() bool { return alive(t, onlyNATS).Contains("sender") })
	w.change()
	w.knows("it gets messages over PostgreSQL")
}

// TestNodeStartsWithoutNATS checks that a node without NATS gets messages as soon as it is a member, although the others have just read a
// list of members without it.
func TestNodeStartsWithoutNATS(t *testing.T) {
	t.Parallel()
	d := &deployment{t, pgtest.New(t), natstest.Start(t)}
	w := &watched{deployment: d}
	w.startSender(t, d.nats.Connect())
	onlyNATS := d.observerOf(store)
	until(t, "the sender is heard over NATS", func() bool { return alive(t, onlyNATS).Contains("sender") })
	none, err := natsconn.Open(natsconn.Config{Settings: natsconn.Settings{NatsURL: []string{"nats://" + porttest.Address(t)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(none.Close)
	w.change() // reads the list of members
	w.startReceiver(t, none)
	w.knows("it has joined")
	w.change()
	w.knows("it has never had NATS")
}

// lossyDialer makes connections whose writes are lost while losing is true.
type lossyDialer struct {
	losing atomic.Bool
	lost   chan struct{} // receives a value when bytes are lost for the first time
}

func (d *lossyDialer) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	return &lossyConn{conn, d}, err
}

type lossyConn struct {
	net.Conn
	*lossyDialer
}

func (c *lossyConn) Write(p []byte) (int, error) {
	if !c.losing.Load() {
		return c.Conn.Write(p)
	}
	select {
	case c.lost <- struct{}{}:
	default:
	}
	return len(p), nil
}

// TestLostMessagesOfASender checks that the other nodes know when messages of a node were lost together with its connection to NATS,
// although their own connections work.
func TestLostMessagesOfASender(t *testing.T) {
	t.Parallel()
	d := &deployment{t, pgtest.New(t), natstest.Start(t)}
	dialer := &lossyDialer{lost: make(chan struct{}, 1)}
	conn, err := nats.Connect(d.nats.URL, nats.SetCustomDialer(dialer), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	w := watch(t, d, conn)
	dialer.losing.Store(true)
	w.change()
	until(t, "the message is lost", func() bool { return len(dialer.lost) > 0 })
	d.nats.Cut(conn)
	dialer.losing.Store(false)
	w.knows("the sender has lost its connection")
}

// foreignReplies returns a function that sends a part of a reply to the inbox "id", as any client of the NATS server can.
func foreignReplies(t *testing.T, server *natstest.Server) (send func(node string, part, parts int, data []byte)) {
	t.Helper()
	peer := server.Connect()
	return func(node string, part, parts int, data []byte) {
		m := nats.NewMsg("roomlog." + store + ".cluster.inbox.id")
		m.Header.Set("Node", node)
		m.Header.Set("Part", strconv.Itoa(part))
		m.Header.Set("Parts", strconv.Itoa(parts))
		m.Data = data
		if err := peer.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRepliesOfUnlistedNodes checks that an inbox over both transports reads the list of members once for any number of names, and gets
// the reply of a node that joins later.
func TestRepliesOfUnlistedNodes(t *testing.T) {
	t.Parallel()
	d := &deployment{t, pgtest.New(t), natstest.Start(t)}
	start(t, d, cluster.Config{Node: "a"}, nil)
	pool, err := pgxpool.NewWithConfig(t.Context(), d.db.Pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	clock := clocktest.New()
	n, err := cluster.NewNATS(d.nats.Connect(), store, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	box, err := cluster.NewBoth(n, cluster.NewPostgres(pool)).OpenInbox(t.Context(), "id")
	if err != nil {
		t.Fatal(err)
	}
	send := foreignReplies(t, d.nats)
	calls, from := int64(0), pool.Stat().AcquireCount()
	receive := func(node string) {
		t.Helper()
		until(t, "the reply of "+node+" arrives, and no other", func() bool {
			calls++
			got, err := box.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(got) > 0 && (len(got) > 1 || got[0].Node != node) {
				t.Fatalf("got %+v", got)
			}
			return len(got) > 0
		})
	}
	for i := range 50 {
		send(fmt.Sprint("peer ", i), 0, 1, nil)
	}
	send("a", 0, 1, nil)
	receive("a")
	if queries := pool.Stat().AcquireCount() - from; queries > calls+1 {
		t.Errorf("%d queries for %d reads of the inbox, want one more for the members", queries, calls)
	}
	start(t, d, cluster.Config{Node: "late"}, nil)
	send("late", 0, 1, nil)
	clock.Forward(time.Second)
	receive("late")
	if err := box.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestRepliesOfForeignPeers lets a peer on the same NATS reply to a survey with more than a reply may have, in the name of many nodes,
// and without end.
func TestRepliesOfForeignPeers(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t)
	n, err := cluster.NewNATS(server.Connect(), store, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	box, err := n.OpenInbox(t.Context(), "id")
	if err != nil {
		t.Fatal(err)
	}
	send := foreignReplies(t, server)
	var replies []cluster.Reply
	receive := func(node string) {
		t.Helper()
		until(t, "the reply of "+node+" arrives", func() bool {
			got, err := box.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			replies = append(replies, got...)
			return slices.ContainsFunc(replies, func(r cluster.Reply) bool { return r.Node == node })
		})
	}
	const size = 512 << 10
	for part := range cluster.MaxReply/size + 1 {
		send("large", part, cluster.MaxReply/size+1, make([]byte, size))
	}
	send("large", 0, 1, []byte("another reply"))
	for _, wrong := range [][2]int{{-1, 1}, {1, 1}, {0, -1}, {0, 1 << 30}} {
		send("wrong", wrong[0], wrong[1], nil)
	}
	send("empty", 0, 1, nil)
	send("a", 1, 2, []byte("true"))
	send("a", 0, 2, []byte("is "))
	receive("a")
	for _, r := range replies {
		if r.Node == "large" || r.Node == "wrong" || r.Node == "a" && string(r.Payload) != "is true" || r.Node == "empty" && r.Payload == nil {
			t.Errorf("got %d bytes of %s", len(r.Payload), r.Node)
		}
	}
	const parts = 7
	for i := range 45 { // more than the replies of which parts are missing may take together
		for part := range parts - 1 {
			send(fmt.Sprint("half ", i), part, parts, make([]byte, size))
		}
	}
	large := func(node string) {
		send(node, 0, 2, make([]byte, size))
		send(node, 1, 2, make([]byte, size))
	}
	large("b")
	send("half 0", parts-1, parts, nil)
	receive("half 0")
	if slices.ContainsFunc(replies, func(r cluster.Reply) bool { return r.Node == "b" }) {
		t.Error("the inbox holds any number of unfinished replies")
	}
	large("b") // there is room again, and a node that is asked again replies again
	receive("b")
	for i := range 5 { // more nodes than an inbox remembers, in portions that it can hold
		for j := range 1000 {
			send(fmt.Sprint("peer ", 1000*i+j), 0, 2, []byte("x"))
		}
		send(fmt.Sprint("peer ", 1000*i), 1, 2, nil)
		receive(fmt.Sprint("peer ", 1000*i))
	}
	send("late", 0, 0, nil)
	send("peer 1", 1, 2, nil)
	receive("peer 1")
	if slices.ContainsFunc(replies, func(r cluster.Reply) bool { return r.Node == "late" }) {
		t.Error("the inbox remembers any number of nodes")
	}
	if err := box.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestMessagesOfForeignClients lets a client of the same NATS send messages that no node sends. A node keeps nothing of them, replies to
// none, and delivers the next message.
func TestMessagesOfForeignClients(t *testing.T) {
	t.Parallel()
	d := &deployment{t, pgtest.New(t), natstest.Start(t)}
	received := make(chan string, 100)
	var missed, requested atomic.Int64
	a := start(t, d, cluster.Config{Node: "a", SurveyTimeout: timeout}, func(c *cluster.Cluster) {
		c.Subscribe("news", func(payload []byte) { received <- string(payload) })
		c.OnSurvey("who", func(context.Context, []byte) ([]byte, error) {
			requested.Add(1)
			return []byte("a"), nil
		})
	})
	onlyNATS := d.observerOf(store)
	until(t, "the node receives over NATS", func() bool {
		if err := onlyNATS.Publish(t.Context(), "news", []byte("begin")); err != nil {
			t.Fatal(err)
		}
		return len(received) > 0
	})
	a.OnMissed(func() { missed.Add(1) })
	foreign := d.nats.Connect()
	send := func(data string) {
		t.Helper()
		if err := foreign.Publish("roomlog."+store+".cluster.messages", []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	large := strings.Repeat("X", 512<<10)
	for _, data := range []string{
		"", "news", "\n", "news\n" + large, "news\n\x00", "news\n\xff", "NEWS\nx", strings.Repeat("n", 65) + "\nx", large + "\nx",
		"copy:\nx", "copy:X\nx", "copy::news\nx", "copy:x:news\nx", "copy:" + large + ":news\nx", "copy:X:" + large + "\nx", "copy:X:news\n" + large, "copy:X:copy:Y:news\nx",
		"survey:who\n", "survey:who\n x", "survey:who\na.b x", "survey:who\n* x", "survey:who\n\r\n x", "survey:who\n" + large + " x", "survey:who\nX " + large, "survey:" + large + "\nX x",
		"cluster.nats_lost\nb",
	} {
		send(data)
	}
	send("news\nend")
	for text := ""; text != "end"; {
		if text = waittest.Receive(t, received, "the last message"); text != "begin" && text != "end" {
			t.Errorf("the node has received %.80q", text)
		}
	}
	if n := missed.Load(); n > 0 {
		t.Errorf("foreign messages made the node read everything again %d times", n)
	}
	if s := survey(t, a.Cluster, "who", ""); len(s.Replies) != 1 || len(s.Missing) > 0 {
		t.Errorf("got %+v, want the reply of the node", s)
	}
	if n := requested.Load(); n != 1 { // the requests are handled in their order
		t.Errorf("the node has replied to %d requests, want only the survey", n)
	}
}
