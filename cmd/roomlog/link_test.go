package main_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"roomlog/internal/wait"
)

// link is a TCP address that forwards connections to a server, and that a test can disturb.
type link struct {
	addr            string
	network, target string

	mu    sync.Mutex
	cut   bool
	delay time.Duration
	conns map[*linked]bool
}

// linked is a connection through a link.
type linked struct {
	client, server net.Conn
	silent         context.Context // is done when the connection has become silent
	silence        context.CancelFunc
}

// newLink returns a link that ends with the test.
func newLink(t testing.TB, network, target string) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{addr: listener.Addr().String(), network: network, target: target, conns: make(map[*linked]bool)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { l.carry(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.setCut(true)
		running.Wait()
	})
	return l
}

// setCut cuts all connections and accepts no more, or accepts connections again.
func (l *link) setCut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	for c := range l.conns {
		if cut {
			_, _ = c.client.Close(), c.server.Close()
		}
	}
}

// setDelay delays everything that passes in both directions. 0: no delay.
func (l *link) setDelay(delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = delay
}

// halfOpen lets nothing pass any more over the connections of this moment, without a word to either side. New connections work.
func (l *link) halfOpen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.silence()
	}
}

func (l *link) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial(l.network, l.target)
	if err != nil {
		return
	}
	defer server.Close()
	c := &linked{client: client, server: server}
	c.silent, c.silence = context.WithCancel(context.Background())
	defer c.silence()
	l.mu.Lock()
	cut := l.cut
	if !cut {
		l.conns[c] = true
	}
	l.mu.Unlock()
	if cut {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { l.pass(c, server, client) })
	l.pass(c, client, server)
	both.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// pass copies one direction. The end of a direction ends the connection, unless it is silent.
func (l *link) pass(c *linked, to, from net.Conn) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if c.silent.Err() != nil {
			_, _ = io.Copy(io.Discard, from) // until the other side gives up
			return
		}
		if err == nil {
			l.mu.Lock()
			delay := l.delay
			l.mu.Unlock()
			wait.Sleep(c.silent, delay)
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			_, _ = c.client.Close(), c.server.Close()
			return
		}
	}
}
