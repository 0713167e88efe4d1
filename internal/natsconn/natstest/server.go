package natstest

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"roomlog/internal/natsconn"
	"roomlog/internal/porttest"
)

// timeout is how long a server may take to start.
const timeout = 3 * time.Minute

// Server is a NATS server on a port of its own on this host.
type Server struct {
	URL string

	t       testing.TB
	options server.Options
	running *server.Server
}

// Start starts a server that ends with the test. change may change its options.
func Start(t testing.TB, change ...func(*server.Options)) *Server {
	t.Helper()
	s := &Server{t: t, options: server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true}}
	for _, f := range change {
		f(&s.options)
	}
	if s.options.Port == server.RANDOM_PORT {
		s.options.Port = porttest.Reserve(t)
	}
	s.Restart()
	s.URL = "nats://127.0.0.1:" + strconv.Itoa(s.options.Port)
	t.Cleanup(s.Stop)
	return s
}

// Cluster starts two servers that form a cluster and end with the test.
func Cluster(t testing.TB) (first, second *Server) {
	t.Helper()
	first = Start(t, func(o *server.Options) {
		o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: porttest.Reserve(t)}
	})
	second = Start(t, func(o *server.Options) {
		o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: porttest.Reserve(t)}
		o.Routes = server.RoutesFromStr("nats://" + first.running.ClusterAddr().String())
	})
	return first, second
}

// JetStream starts a server with JetStream, whose streams survive a restart. It ends with the test. change may change its options.
func JetStream(t testing.TB, change ...func(*server.Options)) *Server {
	t.Helper()
	dir := t.TempDir()
	return Start(t, append([]func(*server.Options){func(o *server.Options) { o.JetStream, o.StoreDir = true, dir }}, change...)...)
}

// JetStreamCluster starts servers with JetStream that form a cluster and end with the test. It returns when they have a leader that
// knows all of them.
func JetStreamCluster(t testing.TB, size int) (servers []*Server) {
	t.Helper()
	var routes []string
	ports := make([]int, size)
	for i := range ports {
		ports[i] = porttest.Reserve(t)
		routes = append(routes, "nats://127.0.0.1:"+strconv.Itoa(ports[i]))
	}
	for i, port := range ports {
		servers = append(servers, JetStream(t, func(o *server.Options) {
			o.ServerName = "node" + strconv.Itoa(i)
			o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port}
			o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
		}))
	}
	complete := func(s *Server) bool {
		return s.running.JetStreamIsLeader() && len(s.running.JetStreamClusterPeers()) == size
	}
	for expired := time.After(timeout); !slices.ContainsFunc(servers, complete); {
		select {
		case <-expired:
			t.Fatal("the NATS servers elect no leader")
		case <-time.After(10 * time.Millisecond):
		}
	}
	return servers
}

// LeadsStream reports whether the server is the leader of a stream.
func (s *Server) LeadsStream(name string) bool {
	return s.running != nil && s.running.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, name)
}

// Stop ends the server if it runs, without telling its clients.
func (s *Server) Stop() {
	if s.running != nil {
		s.running.Shutdown()
		s.running.WaitForShutdown()
		s.running = nil
	}
}

// Restart starts the server again at the same address.
func (s *Server) Restart() {
	s.t.Helper()
	options := s.options
	running, err := server.NewServer(&options)
	if err != nil {
		s.t.Fatal(err)
	}
	running.Start()
	if !running.ReadyForConnections(timeout) {
		s.t.Fatal("the NATS server does not start")
	}
	s.running = running
}

// Connect returns a connection that is closed at the end of the test. If the server runs, Connect waits until the
// connection is up, because the first attempt may fail on a slow machine.
func (s *Server) Connect() *nats.Conn {
	s.t.Helper()
	conn, err := natsconn.Open(natsconn.Config{Settings: natsconn.Settings{NatsURL: []string{s.URL}}, Name: s.t.Name()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	if s.running != nil {
		AwaitConnected(s.t, conn)
	}
	return conn
}

// AwaitConnected waits until a connection is up.
func AwaitConnected(t testing.TB, conn *nats.Conn) {
	t.Helper()
	for expired := time.After(timeout); !conn.IsConnected(); {
		select {
		case <-expired:
			t.Fatalf("no connection to the NATS server: %v", conn.LastError())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Cut ends the connection of a client from the side of the server.
func (s *Server) Cut(conn *nats.Conn) {
	s.t.Helper()
	id, err := conn.GetClientID()
	if err == nil {
		err = s.running.DisconnectClientByID(id)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}
