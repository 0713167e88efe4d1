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
)

// cancelRequest asks the server to give up what another connection is doing. A client sends it when it
// loses a connection; it does not get through to where the connection does not.
const cancelRequest = 80877102

// A way is a TCP address through which a database is reached, and which a test can shut or cut.
// PostgreSQL itself listens on a unix socket only.
type way struct {
	t      testing.TB
	db     *pgtest.DB
	socket string
	group  sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	address  string
	conns    map[net.Conn]bool

	// reply sees what the server says before the client does; false cuts the connection instead.
	reply func(b []byte) bool
}

func startWay(t testing.TB, db *pgtest.DB) *way {
	t.Helper()
	w := &way{t: t, db: db, socket: socketOf(t, db), address: "127.0.0.1:0", conns: make(map[net.Conn]bool)}
	w.reopen()
	t.Cleanup(func() {
		w.shut()
		w.group.Wait()
	})
	return w
}

// socketOf is the unix socket that a database is reached through.
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

// dsn reaches the database through an address.
func (w *way) dsn(address string) string {
	u, err := url.Parse(w.db.DSN)
	if err != nil {
		w.t.Fatal(err)
	}
	u.Host, u.RawQuery = address, "sslmode=disable"
	return u.String()
}

// open opens the log through the way.
func (w *way) open(c eventstore.Config, sc eventstore.SequencerConfig) *testLog {
	return w.openAt(w.address, c, sc)
}

func (w *way) openAt(address string, c eventstore.Config, sc eventstore.SequencerConfig) *testLog {
	w.t.Helper()
	db := *w.db
	db.DSN = w.dsn(address)
	return openLogAs(w.t, &db, c, sc)
}

// shut cuts every connection and lets nobody in.
func (w *way) shut() {
	w.mu.Lock()
	w.listener.Close()
	w.mu.Unlock()
	w.cut()
}

// cut cuts every connection.
func (w *way) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.Close()
	}
}

// reopen lets people in again, at the same address.
func (w *way) reopen() {
	w.t.Helper()
	listener, err := net.Listen("tcp", w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.listener, w.address = listener, listener.Addr().String()
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

func (w *way) carry(client net.Conn) {
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

// isCommitReply finds the server's word that a transaction is committed.
func isCommitReply(b []byte) bool { return bytes.Contains(b, []byte("COMMIT\x00")) }
