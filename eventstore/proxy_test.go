package eventstore_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/porttest"
)

// cancelRequest is the code of a CancelRequest message, with which a client that has lost a connection cancels its
// statement. The proxy drops such messages while it is shut.
const cancelRequest = 80877102

// proxy forwards TCP connections to the unix socket of a database and lets a test cut them.
type proxy struct {
	t      testing.TB
	db     *pgtest.DB
	socket string
	group  sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	address  string
	conns    map[net.Conn]bool

	// reply is called with data from the server before the data is sent to the client. If it returns false, the
	// connection is cut.
	reply func(b []byte) bool
}

func startProxy(t testing.TB, db *pgtest.DB) *proxy {
	t.Helper()
	w := &proxy{t: t, db: db, socket: socketOf(t, db), address: porttest.Address(t), conns: make(map[net.Conn]bool)}
	w.reopen()
	t.Cleanup(func() {
		w.shut()
		w.group.Wait()
	})
	return w
}

// socketOf returns the path of the unix socket of a database.
func socketOf(t testing.TB, db *pgtest.DB) string {
	t.Helper()
	u, err := url.Parse(db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	host := u.Query().Get("host")
	if !filepath.IsAbs(host) {
		t.Skip("the test server is not reached through a unix socket")
	}
	return filepath.Join(host, ".s.PGSQL."+u.Query().Get("port"))
}

// dsn returns the connection string of the database, with the given address.
func (w *proxy) dsn(address string) string {
	u, err := url.Parse(w.db.DSN)
	if err != nil {
		w.t.Fatal(err)
	}
	u.Host, u.RawQuery = address, "sslmode=disable"
	return u.String()
}

// open opens the log through the proxy.
func (w *proxy) open(c eventstore.Config, sc eventstore.SequencerConfig) *testLog {
	return w.openAt(w.address, c, sc)
}

func (w *proxy) openAt(address string, c eventstore.Config, sc eventstore.SequencerConfig) *testLog {
	w.t.Helper()
	db := *w.db
	db.DSN = w.dsn(address)
	return openLogAs(w.t, &db, c, sc)
}

// shut cuts all connections and accepts no new ones.
func (w *proxy) shut() {
	w.mu.Lock()
	w.listener.Close()
	w.mu.Unlock()
	w.cut()
}

// cut cuts all connections.
func (w *proxy) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.Close()
	}
}

// reopen accepts connections again, at the same address.
func (w *proxy) reopen() {
	w.t.Helper()
	listener, err := net.Listen("tcp", w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.listener = listener
	w.mu.Unlock()
	w.group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			w.group.Go(func() { w.carry(client) })
		}
	})
}

func (w *proxy) carry(client net.Conn) {
	defer client.Close()
	first := make([]byte, 8)
	if _, err := io.ReadFull(client, first); err != nil || binary.BigEndian.Uint32(first[4:]) == cancelRequest {
		return
	}
	server, err := net.Dial("unix", w.socket)
	if err != nil {
		return
	}
	defer server.Close()
	w.mu.Lock()
	w.conns[client], w.conns[server] = true, true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.conns, client)
		delete(w.conns, server)
		w.mu.Unlock()
	}()
	var group sync.WaitGroup
	group.Go(func() {
		server.Write(first)
		io.Copy(server, client)
		server.Close()
	})
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if n > 0 && (w.reply != nil && !w.reply(buffer[:n])) {
			break
		}
		if n > 0 {
			if _, err := client.Write(buffer[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	client.Close()
	server.Close()
	group.Wait()
}

// isCommitReply reports whether b contains the server's confirmation of a commit.
func isCommitReply(b []byte) bool { return bytes.Contains(b, []byte("COMMIT\x00")) }
