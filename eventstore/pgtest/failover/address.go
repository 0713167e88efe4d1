package failover

import (
	"io"
	"net"
	"sync"
	"testing"
)

// address is a TCP address that forwards connections to the unix socket of one PostgreSQL server at a time.
type address struct {
	listener net.Listener
	group    sync.WaitGroup

	mu     sync.Mutex
	target string // path of the unix socket; "": connections are closed immediately
	conns  map[net.Conn]struct{}
}

func newAddress(t testing.TB) *address {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("failover: %v", err)
	}
	a := &address{listener: listener, conns: make(map[net.Conn]struct{})}
	a.group.Go(a.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		a.point("")
		a.group.Wait()
	})
	return a
}

// point forwards new connections to another socket and closes all existing connections.
func (a *address) point(target string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.target = target
	for c := range a.conns {
		_ = c.Close()
	}
	clear(a.conns)
}

func (a *address) accept() {
	for {
		client, err := a.listener.Accept()
		if err != nil {
			return
		}
		a.group.Go(func() { a.carry(client) })
	}
}

// carry copies bytes in both directions until one side closes.
func (a *address) carry(client net.Conn) {
	defer client.Close()
	server := a.dial(client)
	if server == nil {
		return
	}
	defer server.Close()
	var copying sync.WaitGroup
	copying.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	_, _ = io.Copy(client, server)
	_ = client.Close()
	copying.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.conns, client)
	delete(a.conns, server)
}

// dial connects to the target for a client. It returns nil if there is no target, or if the target does not accept
// connections.
func (a *address) dial(client net.Conn) net.Conn {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.target == "" {
		return nil
	}
	server, err := net.Dial("unix", a.target)
	if err != nil {
		return nil
	}
	a.conns[client], a.conns[server] = struct{}{}, struct{}{}
	return server
}
