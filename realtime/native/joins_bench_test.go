package native_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/lxzan/gws"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

const (
	joiners     = 500 // number of new viewers that join in a round
	joinsAtOnce = 500 // nobody waits for another one
)

// BenchmarkFigureJoins measures how many new viewers can join a live in a second: they connect, send hello and room.join, and
// wait for the snapshot. It compares a database with a million comments with one of a thousand, and both with a server that
// only upgrades connections and echoes one frame, and with Centrifugo. Clients and servers run in one process, Centrifugo in
// its own; roomlog commits durably, Centrifugo stores nothing.
func BenchmarkFigureJoins(b *testing.B) {
	for b.Loop() {
		few, many, bare, peer := openViewers(b, 1000), openViewers(b, 1_000_000), echoServer(b), startCentrifugo(b)
		var ofFew, ofMany, ofBare, ofPeer []float64
		for range rounds {
			ofFew = append(ofFew, few.joins(b))
			ofMany = append(ofMany, many.joins(b))
			ofBare = append(ofBare, perSecond(b, joiners, func(int) (net.Conn, error) { return open(bare, enterEcho) }))
			ofPeer = append(ofPeer, perSecond(b, joiners, func(int) (net.Conn, error) { return open(peer.addr, enterCentrifugo) }))
		}
		b.Logf("joins in a second: %.0f with few comments, %.0f with many; bare connections: %.0f; Centrifugo: %.0f",
			middle(ofFew), middle(ofMany), middle(ofBare), middle(ofPeer))
		b.ReportMetric(middle(ofMany)/middle(ofFew), "joins_1m_ratio")
		b.ReportMetric(middle(ofFew)/middle(ofBare), "joins_bare_ratio")
		b.ReportMetric(middle(ofFew)/middle(ofPeer), "joins_centrifugo_ratio")
	}
}

// newViewers is a node with users who have not joined the live yet.
type newViewers struct {
	*world
	live   domain.LiveID
	people []person
}

// openViewers opens a node. The database has some comments in the live and in other lives.
func openViewers(b *testing.B, comments int) *newViewers {
	c := &newViewers{world: openWorld(b, pgtest.Server(b, pgtest.Durable).Open(), true, func(c *config) {
		c.Sockets = ws.Config{FrameRate: -1, SocketTimeout: -1} // with the settings of roomlog serve, except limits of one address
	})}
	streamer := c.register("streamer")
	c.live = streamer.goLive("x")
	c.people = make([]person, joiners*rounds)
	var registering sync.WaitGroup
	for part := range joinsAtOnce {
		registering.Go(func() {
			for i := part; i < len(c.people); i += joinsAtOnce {
				c.people[i] = c.register(fmt.Sprintf("viewer%d", i))
			}
		})
	}
	registering.Wait()
	if err := c.Hub.WaitFor(b.Context(), c.people[len(c.people)-1].credit1()); err != nil {
		b.Fatal(err)
	}
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO read.comment (position, id, live_id, user_id, text, at)
			SELECT 1000000000 + n, 'x', CASE WHEN n %% 2 = 0 THEN %d ELSE 1000 + n %% 7 END, 1, 'hello', now() FROM generate_series(1, %d) AS n`, c.live, comments),
		"ANALYZE",
	} {
		if _, err := c.DB.Owner.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

// joins lets the next users join, and returns their number in a second. Then it waits until they have left.
func (c *newViewers) joins(b *testing.B) float64 {
	people := c.people[:joiners]
	c.people = c.people[joiners:]
	rate := perSecond(b, joiners, func(i int) (net.Conn, error) {
		return open(c.addr, func(v *rawClient) error { return v.enterRoom(people[i].Token(), int64(c.live)) })
	})
	eventuallySoon(b, "everybody has left", func() bool { return c.Hub.Stats().Viewers == 0 })
	return rate
}

// perSecond opens n connections and returns their number in a second. Opened connections read until all are open.
func perSecond(b *testing.B, n int, open func(i int) (net.Conn, error)) float64 {
	conns := make([]net.Conn, n)
	var opening, reading sync.WaitGroup
	start := time.Now()
	for part := range joinsAtOnce {
		opening.Go(func() {
			for i := part; i < n; i += joinsAtOnce {
				var err error
				if conns[i], err = open(i); err != nil {
					b.Error(err)
					return
				}
				reading.Go(func() { _, _ = io.Copy(io.Discard, conns[i]) })
			}
		})
	}
	opening.Wait()
	took := time.Since(start)
	for _, c := range conns {
		if c != nil {
			_ = c.Close()
		}
	}
	reading.Wait()
	return float64(n) / took.Seconds()
}

// echoServer returns the address of a gws server that sends every frame back.
func echoServer(b *testing.B) string {
	upgrader := gws.NewUpgrader(echoing{}, &gws.ServerOption{CheckUtf8Enabled: true})
	server := &http.Server{ReadHeaderTimeout: wstest.Timeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if socket, err := upgrader.Upgrade(w, r); err == nil {
			go socket.ReadLoop()
		}
	})}
	l := wstest.Listen(b)
	go func() { _ = server.Serve(l) }()
	b.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

type echoing struct{ gws.BuiltinEventHandler }

// OnMessage sends a message back.
func (echoing) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	_ = c.WriteMessage(m.Opcode, m.Bytes())
}

// open connects a client.
func open(addr string, enter func(*rawClient) error) (net.Conn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn, enter(&rawClient{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)})
}

// enterEcho waits until an echo server has sent one frame back.
func enterEcho(w *rawClient) error {
	if err := w.upgrade("/ws", ""); err != nil {
		return err
	}
	if err := w.say("hello"); err != nil {
		return err
	}
	_, _, err := w.frame()
	return err
}
