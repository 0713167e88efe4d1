package ws_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lxzan/gws"

	"roomlog/internal/limit"
	"roomlog/internal/settings"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

const (
	idleConnections = 10_000
	clientsEnv      = "ROOMLOG_TEST_HOLD_CONNECTIONS"
	memoryRounds    = 3
)

// BenchmarkFigureIdleConnectionMemory compares the memory of an idle connection with that of a plain gws server, which
// reads each connection in a separate goroutine. The clients run in another process, so that only the memory of the
// server counts.
func BenchmarkFigureIdleConnectionMemory(b *testing.B) {
	var ours, bare []float64
	for b.Loop() {
		for range memoryRounds {
			bare = append(bare, idleMemory(b, bareServer))
			ours = append(ours, idleMemory(b, ourServer))
		}
	}
	b.ReportMetric(median(ours), "ws_idle_bytes")
	b.ReportMetric(median(bare), "ws_idle_bytes_bare")
	b.ReportMetric(median(ours)/median(bare), "ws_memory_10k_ratio")
}

func ourServer(b *testing.B) (addr string, open func() int, stop func()) {
	l := wstest.Listen(b)
	cfg := ws.Config{
		Now:          time.Now,
		HelloTimeout: settings.Off,
		Limiter:      limit.Clients{Slots: limit.NewSlots(0, 0, nil)},
		Open:         func(*ws.Conn, *http.Request) ws.Peer { return quiet{} },
	}
	settings.Defaults(&cfg)
	sockets := ws.NewServer(cfg)
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	done := make(chan struct{})
	go func() { defer close(done); _ = sockets.Run(ctx) }()
	web := &http.Server{Handler: sockets}
	go func() { _ = web.Serve(l) }()
	return l.Addr().String(), func() int { return int(sockets.Stats().Open.Load()) }, func() {
		_ = web.Close()
		if err := sockets.Shutdown(ctx); err != nil {
			b.Error(err)
		}
		cancel()
		<-done
	}
}

// quiet is a peer that does nothing.
type quiet struct{}

func (quiet) Text([]byte)           {}
func (quiet) Closed(uint16, string) {}

// counting is a plain gws handler that counts the open connections.
type counting struct {
	gws.BuiltinEventHandler
	open chan struct{}
}

func (c counting) OnOpen(*gws.Conn)         { c.open <- struct{}{} }
func (c counting) OnClose(*gws.Conn, error) { <-c.open }

func bareServer(b *testing.B) (addr string, open func() int, stop func()) {
	l := wstest.Listen(b)
	handler := counting{open: make(chan struct{}, idleConnections)}
	upgrader := gws.NewUpgrader(handler, &gws.ServerOption{})
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := upgrader.Upgrade(w, r)
		if err != nil {
			b.Error(err)
			return
		}
		go socket.ReadLoop()
	})}
	go func() { _ = web.Serve(l) }()
	return l.Addr().String(), func() int { return len(handler.open) }, func() { _ = web.Close() }
}

// idleMemory returns the bytes of heap and stack per idle connection.
func idleMemory(b *testing.B, start func(*testing.B) (string, func() int, func())) float64 {
	addr, open, stop := start(b)
	before := inUse()
	clients := exec.Command(os.Args[0])
	clients.Env = append(os.Environ(), clientsEnv+"="+addr)
	clients.Stderr = os.Stderr
	hold, err := clients.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	ready, err := clients.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := clients.Start(); err != nil {
		b.Fatal(err)
	}
	if line, err := bufio.NewReader(ready).ReadString('\n'); err != nil {
		b.Fatalf("the clients did not get ready: %q %v", line, err)
	}
	wstest.Eventually(b, "all connections are open", func() bool { return open() == idleConnections })
	perConnection := float64(inUse()-before) / idleConnections
	_ = hold.Close()
	if err := clients.Wait(); err != nil {
		b.Fatal(err)
	}
	wstest.Eventually(b, "all connections are closed", func() bool { return open() == 0 })
	stop()
	return perConnection
}

func inUse() int64 {
	runtime.GC()
	runtime.GC() // the second collection empties the pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// holdConnections runs in the process of the clients. It opens the connections, prints "ready", and keeps them open
// until its standard input is closed.
func holdConnections(addr string) {
	for range idleConnections {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_, err = io.WriteString(conn, wstest.UpgradeRequest+"\r\n")
		}
		if err == nil {
			var status string
			if status, err = bufio.NewReader(conn).ReadString('\n'); !strings.Contains(status, "101") {
				err = fmt.Errorf("the server responded with %q: %w", status, err)
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		defer conn.Close()
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
