package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/internal/natsconn"
)

const timeout = 3 * time.Minute

// The environment variables with the database and the NATS server for a node that a test starts as a separate process.
const (
	childDSN  = "ROOMLOG_CLUSTER_TEST_DSN"
	childNATS = "ROOMLOG_CLUSTER_TEST_NATS"
)

func TestMain(m *testing.M) {
	if os.Getenv(childDSN)+os.Getenv(childNATS) != "" {
		os.Exit(runChild(os.Getenv(childDSN), os.Getenv(childNATS)))
	}
	goleak.VerifyTestMain(m)
}

// runChild runs the node "child" until the standard input of the process ends.
func runChild(dsn, address string) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	transport, err := childTransport(ctx, dsn, address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c := cluster.New(transport, cluster.Config{Node: "child", Now: time.Now})
	c.OnSurvey("echo", func(_ context.Context, request []byte) ([]byte, error) { return request, nil })
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := c.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// childTransport connects a child to PostgreSQL, to NATS, or to both.
func childTransport(ctx context.Context, dsn, address string) (cluster.Transport, error) {
	var n *cluster.NATS
	if address != "" {
		conn, err := natsconn.Open(natsconn.Config{Settings: natsconn.Settings{NatsURL: []string{address}}})
		if err != nil {
			return nil, err
		}
		if n, err = cluster.NewNATS(conn, store, time.Now); err != nil || dsn == "" {
			return n, err
		}
	}
	pool, err := eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{})
	if err != nil {
		return nil, err
	}
	if n != nil {
		return cluster.NewBoth(n, cluster.NewPostgres(pool)), nil
	}
	return cluster.NewPostgres(pool), nil
}

// child is a node in a separate process.
type child struct {
	t       testing.TB
	process *os.Process
}

func startChild(t testing.TB, d *deployment) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = os.Environ()
	if d.db != nil {
		cmd.Env = append(cmd.Env, childDSN+"="+d.db.DSN)
	}
	if d.nats != nil {
		cmd.Env = append(cmd.Env, childNATS+"="+d.nats.URL)
	}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGCONT)
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	return &child{t, cmd.Process}
}

func (c *child) signal(s os.Signal) {
	c.t.Helper()
	if err := c.process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
	if s != syscall.SIGSTOP {
		return
	}
	for { // waits until all threads have stopped: they may run on for a moment
		var status syscall.WaitStatus
		_, err := syscall.Wait4(c.process.Pid, &status, syscall.WUNTRACED, nil)
		if err == nil && status.Stopped() {
			return
		}
		if err != nil && !errors.Is(err, syscall.EINTR) {
			c.t.Fatal(err)
		}
	}
}

// node is a member of the cluster in the process of the test.
type node struct {
	*cluster.Cluster
	conn *nats.Conn // nil without NATS
	stop func()     // leaves the cluster and waits; the end of the test calls it too
}

// start calls prepare, if it is not nil, and then runs a node.
func start(t testing.TB, d *deployment, c cluster.Config, prepare func(*cluster.Cluster)) *node {
	t.Helper()
	transport, conn := d.connect()
	return startOn(t, transport, conn, c, prepare)
}

// startOn is start for a node with a transport of its own.
func startOn(t testing.TB, transport cluster.Transport, conn *nats.Conn, c cluster.Config, prepare func(*cluster.Cluster)) *node {
	t.Helper()
	c.Now = time.Now
	n := &node{Cluster: cluster.New(transport, c), conn: conn}
	if prepare != nil {
		prepare(n.Cluster)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := n.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	n.stop = func() { cancel(); <-ended }
	t.Cleanup(n.stop)
	until(t, c.Node+" is alive", func() bool { return alive(t, n.Cluster).Contains(c.Node) })
	return n
}

func alive(t testing.TB, c *cluster.Cluster) cluster.Nodes {
	t.Helper()
	nodes, err := c.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(timeout); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}
