package cluster_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"roomlog/eventstore/cluster"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/natsconn/natstest"
)

// store is the id of the store in these tests.
const store = "0198c0de-0000-7000-8000-000000000001"

// deployment contains the services that connect the nodes of one cluster: PostgreSQL, NATS, or both.
type deployment struct {
	t    testing.TB
	db   *pgtest.DB       // nil: only NATS
	nats *natstest.Server // nil: only PostgreSQL
}

// onEach runs a test as a subtest with every transport.
func onEach(t *testing.T, test func(t *testing.T, deploy func(testing.TB) *deployment)) {
	t.Helper()
	for name, deploy := range map[string]func(testing.TB) *deployment{
		"PostgreSQL": func(t testing.TB) *deployment { return &deployment{t, pgtest.New(t), nil} },
		"NATS":       func(t testing.TB) *deployment { return &deployment{t, nil, natstest.Start(t)} },
		"both":       func(t testing.TB) *deployment { return &deployment{t, pgtest.New(t), natstest.Start(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, deploy)
		})
	}
}

// connect returns the transport of a new node, and its connection to NATS, if it has one.
func (d *deployment) connect() (cluster.Transport, *nats.Conn) {
	d.t.Helper()
	if d.nats == nil {
		return cluster.NewPostgres(d.db.Pool), nil
	}
	conn := d.nats.Connect()
	return d.over(conn), conn
}

// over returns a transport that uses a connection to NATS, and PostgreSQL if the deployment has it.
func (d *deployment) over(conn *nats.Conn) cluster.Transport {
	d.t.Helper()
	n, err := cluster.NewNATS(conn, store, time.Now)
	if err != nil {
		d.t.Fatal(err)
	}
	if d.db == nil {
		return n
	}
	return cluster.NewBoth(n, cluster.NewPostgres(d.db.Pool))
}

// observer returns a process that is no member.
func (d *deployment) observer(c cluster.Config) *cluster.Cluster {
	d.t.Helper()
	transport, _ := d.connect()
	return cluster.New(transport, c)
}

// cut ends the connections of a node from the side of the servers. It returns when the node has lost them.
func (d *deployment) cut(n *node) {
	d.t.Helper()
	if d.nats != nil {
		d.cutNATS(n)()
	}
	if d.db == nil {
		return
	}
	_, err := d.db.Owner.Exec(d.t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
		"roomlog node "+n.Node())
	if err != nil {
		d.t.Fatal(err)
	}
	until(d.t, "the connection has ended", func() bool { return !alive(d.t, n.Cluster).Contains(n.Node()) })
}

// cutNATS ends the connection of a node to NATS from the side of the server. reconnected waits until the node has a new one.
func (d *deployment) cutNATS(n *node) (reconnected func()) {
	d.t.Helper()
	before := n.conn.Stats().Reconnects
	d.nats.Cut(n.conn)
	return func() {
		d.t.Helper()
		until(d.t, "the node is connected to NATS again", func() bool { return n.conn.Stats().Reconnects > before && n.conn.IsConnected() })
	}
}

// left returns the number of replies in table survey_reply.
func (d *deployment) left() (n int) {
	d.t.Helper()
	if d.db == nil {
		return 0
	}
	if err := d.db.Owner.QueryRow(d.t.Context(), "SELECT count(*) FROM survey_reply").Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// afterMessages calls then when a listener outside the cluster has received n messages over one of the transports.
func (d *deployment) afterMessages(n int, then func()) (wait func()) {
	d.t.Helper()
	ended := make(chan struct{})
	if d.nats != nil {
		messages, err := d.nats.Connect().SubscribeSync("roomlog." + store + ".cluster.messages")
		if err != nil {
			d.t.Fatal(err)
		}
		go func() {
			defer close(ended)
			for range n {
				_, _ = messages.NextMsgWithContext(d.t.Context())
			}
			then()
		}()
		return func() { <-ended }
	}
	watch, err := d.db.Owner.Acquire(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := watch.Exec(d.t.Context(), "LISTEN roomlog_cluster"); err != nil {
		d.t.Fatal(err)
	}
	go func() {
		defer close(ended)
		for range n {
			_, _ = watch.Conn().WaitForNotification(d.t.Context())
		}
		then()
	}()
	return func() { <-ended; watch.Release() }
}
