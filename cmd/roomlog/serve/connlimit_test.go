package serve

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"roomlog/internal/limit"
)

// limitedServer starts a server with a connection limit and returns its address.
func limitedServer(t *testing.T, conns *connLimit) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/take" {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		}
	}))
	s.Config.ConnState = conns.watch
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// dial opens a connection and reports whether the server keeps it.
func dial(t *testing.T, addr, path string) (kept bool, conn net.Conn) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err = conn.Read(make([]byte, 1))
	return err == nil, conn
}

func TestConnLimit(t *testing.T) {
	t.Parallel()
	t.Run("closes connections above the limit of one address", func(t *testing.T) {
		t.Parallel()
		conns := newConnLimit(limit.NewSlots(100, 2, nil))
		addr := limitedServer(t, conns)
		_, first := dial(t, addr, "/")
		dial(t, addr, "/")
		if kept, _ := dial(t, addr, "/"); kept {
			t.Fatal("a third connection is kept")
		}
		_ = first.Close()
		eventually(t, "the closed connection is not counted", func() bool { return conns.open() == 1 })
		if kept, _ := dial(t, addr, "/"); !kept {
			t.Fatal("a connection below the limit is closed")
		}
	})
	t.Run("counts a trusted proxy in the total only", func(t *testing.T) {
		t.Parallel()
		addr := limitedServer(t, newConnLimit(limit.NewSlots(3, 1, limit.Loopback())))
		for range 3 {
			if kept, _ := dial(t, addr, "/"); !kept {
				t.Fatal("a connection of the proxy is closed")
			}
		}
		if kept, _ := dial(t, addr, "/"); kept {
			t.Fatal("a connection above the total limit is kept")
		}
	})
	t.Run("does not count WebSockets", func(t *testing.T) {
		t.Parallel()
		addr := limitedServer(t, newConnLimit(limit.NewSlots(1, 1, nil)))
		for range 3 {
			if kept, _ := dial(t, addr, "/take"); !kept {
				t.Fatal("a WebSocket is counted")
			}
		}
	})
}

// eventually fails the test if a condition does not come true.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
