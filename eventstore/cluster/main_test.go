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

	"go.uber.org/goleak"

	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/eventstore/pgtest"
)

const timeout = 3 * time.Minute

// childEnv is the environment variable with the database for a node that a test starts as a separate process.
const childEnv = "ROOMLOG_CLUSTER_TEST_DSN"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childEnv); dsn != "" {
		os.Exit(runChild(dsn))
	}
	goleak.VerifyTestMain(m)
}

// runChild runs the node "child" until the standard input of the process ends.
func runChild(dsn string) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	pool, err := eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c := cluster.New(cluster.NewPostgres(pool), cluster.Config{Node: "child", Now: time.Now})
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

// child is a node in a separate process.
type child struct {
	t       testing.TB
	process *os.Process
}

func startChild(t testing.TB, db *pgtest.DB) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"="+db.DSN)
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
	stop func() // leaves the cluster and waits; the end of the test calls it too
}

// start calls prepare, if it is not nil, and then runs a node.
func start(t testing.TB, db *pgtest.DB, c cluster.Config, prepare func(*cluster.Cluster)) *node {
	t.Helper()
	c.Now = time.Now
	n := &node{Cluster: cluster.New(cluster.NewPostgres(db.Pool), c)}
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

// cut ends the connection of a node from the side of the database.
func cut(t testing.TB, db *pgtest.DB, name string) {
	t.Helper()
	_, err := db.Owner.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
		"roomlog node "+name)
	if err != nil {
		t.Fatal(err)
	}
}
