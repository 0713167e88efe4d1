package main_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"roomlog/eventstore/pgtest"
	"roomlog/internal/porttest"
)

// gate is a TCP address of a database that a test can close.
type gate struct {
	t      testing.TB
	socket string // path of the unix socket of PostgreSQL
	addr   string

	mu       sync.Mutex
	listener net.Listener // nil: closed
	conns    map[net.Conn]bool
}

// openGate returns a gate and the connection string through it.
func openGate(t testing.TB, db *pgtest.DB) (g *gate, dsn string) {
	t.Helper()
	u, err := url.Parse(db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	host, port := u.Query().Get("host"), u.Query().Get("port")
	if !filepath.IsAbs(host) {
		t.Skip("the test server is not reached through a unix socket")
	}
	g = &gate{t: t, socket: filepath.Join(host, ".s.PGSQL."+port), addr: porttest.Address(t), conns: make(map[net.Conn]bool)}
	g.open()
	t.Cleanup(g.close)
	u.Host, u.RawQuery = g.addr, "sslmode=disable"
	return g, u.String()
}

// open accepts connections, at the same address each time.
func (g *gate) open() {
	g.t.Helper()
	listener, err := net.Listen("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	g.listener = listener
	g.mu.Unlock()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", g.socket)
			if err != nil {
				_ = client.Close()
				continue
			}
			if !g.keep(client, server) {
				return
			}
			go g.carry(client, server)
			go g.carry(server, client)
		}
	}()
}

// keep remembers the connections of a client. It closes them and reports false if the gate has been closed since the client connected.
func (g *gate) keep(conns ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		if g.listener == nil {
			_ = c.Close()
		} else {
			g.conns[c] = true
		}
	}
	return g.listener != nil
}

func (g *gate) carry(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_, _ = to.Close(), from.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, from)
}

// close cuts all connections and accepts no more.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != nil {
		_ = g.listener.Close()
		g.listener = nil
	}
	for c := range g.conns {
		_ = c.Close()
	}
}

var warning = regexp.MustCompile(`level=(?:WARN|ERROR) msg=("[^"]*"|\S+)`)

// warnings counts the warnings and errors in the log of a server by their message.
func (p *process) warnings() map[string]int {
	count := make(map[string]int)
	for _, m := range warning.FindAllStringSubmatch(p.output(), -1) {
		count[strings.Trim(m[1], `"`)]++
	}
	return count
}

// TestOutageOfTheDatabaseIsSummarised stops the database of a server under load, for longer than the interval of the lines about
// an outage. The server must log the beginning and the end once, and in between one line for each interval.
func TestOutageOfTheDatabaseIsSummarised(t *testing.T) {
	t.Parallel()
	const (
		lost  = "database cannot be reached or is too slow, waiting for it"
		still = "database still cannot be reached or is too slow"
		back  = "database can be reached again"
	)
	g, dsn := openGate(t, pgtest.New(t))
	at := serve(t, append([]string{"DATABASE_URL=" + dsn}, sharedSecrets...), append([]string{"--data", dataDir(t)}, unhurried...)...)
	anna := join(t, at, "anna")
	live := anna.open("a show")
	s := anna.connect("")
	enter(t, s, live, "")
	g.close()
	get := func(path string) int {
		response, err := http.Get("http://" + at.addr + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	eventually(t, "the outage is noticed", func() bool { get("/readyz"); return at.warnings()[lost] > 0 })
	for range 40 { // the polls of a load balancer, and clients
		for _, path := range []string{"/readyz", "/api/live/list/1", "/getAllRooms"} {
			if status := get(path); status == http.StatusInternalServerError {
				t.Fatalf("%s: %d while the database is away", path, status)
			}
		}
	}
	eventually(t, "the outage is reported again", func() bool { get("/readyz"); return at.warnings()[still] > 0 })
	g.open()
	eventually(t, "the database is back", func() bool { return at.warnings()[back] > 0 && get("/readyz") == http.StatusOK })
	found := at.warnings()
	total := 0
	for message, n := range found {
		if total += n; n > 5 {
			t.Errorf("%d lines: %s", n, message)
		}
	}
	if found[lost] != 1 || found[back] != 1 || total > 40 {
		t.Errorf("%d lines about one outage: %v", total, found)
	}
}
