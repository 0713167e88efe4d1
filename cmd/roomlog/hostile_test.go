package main_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
)

// hostileSettings are settings that make the limits of the server small, so that few connections reach them. Its timeouts
// are so long that an honest client on a slow machine does not reach them: hostile clients lose their connections to
// others, and do not wait for a timeout.
var hostileSettings = []string{
	"--trusted-proxies", "192.0.2.1", "--max-http-connections", "500", "--max-connections", "400", "--max-connections-per-address", "200",
	"--max-pending", "50", "--max-pending-per-address", "20", "--stall-timeout", "3m", "--header-timeout", "3m", "--idle-timeout", "3m", "--hello-timeout", "3m",
	"--registrations-per-address", "1000", "--sign-ins-per-address", "1000", "--restart-spread", "100ms",
}

// hostile is a group of clients that hold connections and flood a server until ctx ends. They use their own addresses.
type hostile struct {
	testing.TB
	at      *process
	live    int64
	hosts   int // number of addresses
	clients sync.WaitGroup
	end     context.CancelFunc
	ctx     context.Context // when it ends, the clients end
	dialed  atomic.Int64
	sent    atomic.Int64
}

// attack starts hostile clients at a number of addresses. held is the number of connections that each kind of client keeps
// open.
func attack(t testing.TB, at *process, member *person, live int64, hosts, held int, pause time.Duration) *hostile {
	t.Helper()
	h := &hostile{TB: t, at: at, live: live, hosts: hosts}
	h.ctx, h.end = context.WithCancel(context.Background())
	t.Cleanup(h.stop)
	h.hold(held)
	h.flood(member, pause)
	return h
}

// stop ends all clients.
func (h *hostile) stop() {
	h.end()
	h.clients.Wait()
}

// dial opens a connection from the n-th hostile address.
func (h *hostile) dial(ctx context.Context, n int, addr string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(n%h.hosts))}}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err == nil {
		h.dialed.Add(1)
	}
	return conn, err
}

// hold opens connections that send incomplete requests or read nothing, and opens each again when it was closed.
func (h *hostile) hold(each int) {
	texts := make([]string, 0, len(heldRequests)+2)
	for _, text := range heldRequests {
		texts = append(texts, strings.ReplaceAll(text, "%s", "/api/login"))
	}
	texts = append(texts,
		strings.Repeat("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n", 50), // and does not read the response
		"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: IHfMdf8a0aQXbwQO1pkGdA==\r\n\r\n")
	targets := map[string][]string{h.at.addr: texts, h.at.port("listening for players"): texts[:3], h.at.port("listening for RTMP"): {"", "\x03half a handshake"}}
	for addr, texts := range targets {
		for _, text := range texts {
			for n := range each {
				h.clients.Go(func() { h.holdOne(n, addr, text) })
			}
		}
	}
}

func (h *hostile) holdOne(n int, addr, text string) {
	for h.ctx.Err() == nil {
		conn, err := h.dial(h.ctx, n, addr)
		if err != nil {
			continue
		}
		stop := context.AfterFunc(h.ctx, func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, text)
		if strings.Contains(text, "openapi") {
			wait, cancel := context.WithTimeout(h.ctx, 5*time.Second)
			<-wait.Done() // waits without reading
			cancel()
		} else {
			_, _ = io.Copy(io.Discard, conn)
		}
		stop()
		_ = conn.Close()
		select {
		case <-h.ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// metric returns the value of a metric of the server.
func (p *person) metric(name string) float64 {
	p.t.Helper()
	_, raw := p.do(http.MethodGet, "/metrics", nil, nil)
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(raw)
	if found == nil {
		p.t.Fatalf("the metric %s is missing", name)
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

// insist does the same as ask. While the reply is that the database is too slow, which hostile clients may cause, it asks
// again after the time in the reply.
func (s *socket) insist(kind string, data any, key string) (frame, error) {
	for until := time.Now().Add(timeout); ; {
		f, err := s.ask(kind, data, key)
		if err != nil || f.Type == "ok" || into[problem](s.t, f).Code != "busy" || time.Now().After(until) {
			return f, err
		}
		select {
		case <-s.closed:
		case <-time.After(time.Duration(into[problem](s.t, f).RetryAfter) * time.Millisecond):
		}
	}
}

// The numbers of honest users and of the clients of each: every user has five connections.
const (
	honestUsers   = 20
	honestClients = 5 * honestUsers
)

// TestHostileClients holds connections and floods every port while 100 honest clients comment, read and reconnect. No
// request of an honest client may be refused. When the hostile clients have disconnected, all slots must be free.
func TestHostileClients(t *testing.T) {
	db := pgtest.New(t)
	p := serve(t, append([]string{"DATABASE_URL=" + db.DSN}, sharedSecrets...), append([]string{"--data", dataDir(t)}, hostileSettings...)...)
	p.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	live := join(t, p, "streamer").open("in a storm")
	member := join(t, p, "hostile member")
	users := make([]*person, honestUsers)
	sockets := make([]*socket, honestClients)
	for i := range users {
		users[i] = join(t, p, fmt.Sprintf("honest-%d", i))
		users[i].from = net.IPv4(127, 0, 2, byte(i/2)) // two users with one address
	}
	for i := range sockets {
		sockets[i] = users[i%honestUsers].connect("")
		enter(t, sockets[i], live, "")
	}
	// The hostile clients have few addresses. So each has more than twice as many waiting connections as any address of
	// honest clients, which the server therefore spares.
	h := attack(t, p, member, live, 3, 50, 20*time.Millisecond)
	eventually(t, "the hostile clients are connected", func() bool { return h.dialed.Load() > 600 && h.sent.Load() > 100 })
	eventually(t, "the hostile clients fill the server", func() bool { return users[0].metric("roomlog_http_evicted_total") > 0 })

	var honest sync.WaitGroup
	for i, s := range sockets {
		user := users[i%honestUsers]
		honest.Go(func() {
			client := &http.Client{Timeout: timeout, Transport: user.transport()}
			for n := range 4 {
				f, err := s.insist("comment.post", map[string]any{"live": live, "text": fmt.Sprintf("comment %d of %d", n, i)}, fmt.Sprintf("k%d", n+10*(i/honestUsers)))
				if err != nil || f.Type != "ok" {
					t.Errorf(`comment %d of client %d is answered %s %s, %v, want "ok"`, n, i, f.Type, f.Data, err)
				}
				for _, url := range []string{fmt.Sprintf("http://%s/api/live/read/%d", p.addr, live), "http://" + p.port("listening for players") + "/live/none"} {
					response, err := client.Get(url)
					if err != nil {
						t.Errorf("client %d is refused: %v", i, err)
						continue
					}
					if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 500 {
						t.Errorf("client %d: status %d, %v", i, response.StatusCode, err)
					}
					_ = response.Body.Close()
				}
			}
			again, err := user.dialFor(timeout, "")
			if err != nil {
				t.Errorf("client %d cannot connect again: %v", i, err)
				return
			}
			if f, err := again.insist("room.join", map[string]any{"live": live}, ""); err != nil || f.Type != "ok" {
				t.Errorf(`client %d cannot join again: %s %s, %v, want "ok"`, i, f.Type, f.Data, err)
			}
			again.cut()
		})
	}
	honest.Wait()
	for i, s := range sockets {
		if !s.alive() {
			t.Errorf("the connection of client %d was closed: %d %s", i, s.code, s.reason)
		}
	}
	if t.Failed() {
		return
	}
	h.stop()
	eventually(t, "all slots are free", func() bool {
		return users[0].metric("roomlog_http_connections") <= 2 && // the connections of this client remain
			users[0].metric(`roomlog_sockets{dialect="native"}`) == honestClients && users[0].metric("roomlog_media_pending") == 0
	})
}
