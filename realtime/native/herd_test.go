package native_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// TestAllClientsReconnectAtOnce restarts the server: all clients reconnect at the same time and must not miss a fact.
// The benchmark does the same with 5000 clients.
func TestAllClientsReconnectAtOnce(t *testing.T) {
	herd(t, pgtest.New(t), 300, 2*time.Second)
}

// BenchmarkFigureThunderingHerd measures how long 5000 clients take to reconnect if the server spreads them over five
// seconds.
func BenchmarkFigureThunderingHerd(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(herd(b, pgtest.Server(b, pgtest.Durable).Open(), 5000, 5*time.Second).Seconds(), "herd_5000_seconds")
	}
}

// herd connects n clients to a live, stops the server and starts another one while comments are posted. The clients
// reconnect when the first server has requested it, and must receive every comment once and in order. herd returns the
// time from the start of the second server until the last client was back.
func herd(t testing.TB, db *pgtest.DB, n int, spread time.Duration) time.Duration {
	const accounts, before, between, after = 40, 60, 30, 30
	config := func(c *config) {
		c.MaxConnectionsPerUser = -1
		c.Sockets = ws.Config{RestartSpread: spread, HelloTimeout: wstest.Timeout, WriteTimeout: wstest.Timeout, SocketTimeout: -1}
	}
	first := openWorld(t, db, true, config)
	people := make([]person, accounts)
	for i := range people {
		people[i] = first.register(fmt.Sprintf("viewer%d", i))
	}
	live := people[0].goLive("x")
	h := &herdState{live: live, total: before + between + after}
	var finish func()
	h.running, finish = context.WithCancel(t.Context())
	h.addr.Store(&first.addr)
	defer h.clients.Wait()
	defer finish()
	for i := range n {
		h.clients.Go(func() { h.run(t, people[i%accounts]) })
	}
	eventuallySoon(t, "everybody is there", func() bool { return h.entered.Load() == int64(n) || t.Failed() })
	talk := func(w *world, n int) {
		for range n {
			h.msg++
			people[h.msg%accounts].on(w).Asks(domain.PostComment{Live: live, Text: fmt.Sprintf("comment %d of many", h.msg)})
		}
	}
	talk(first, before)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := first.handler.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	first.kill()
	second := openWorld(t, db, true, config)
	talk(second, between) // while no client is connected
	h.addr.Store(&second.addr)
	start := time.Now()
	talk(second, after) // while the clients reconnect
	eventuallySoon(t, "everybody is back", func() bool { return h.back.Load() == int64(n) || t.Failed() })
	took := time.Since(start)
	eventuallySoon(t, "everybody has heard everything", func() bool { return h.done.Load() == int64(n) || t.Failed() })
	t.Logf("%d clients were back after %v", n, took)
	return took
}

// eventuallySoon waits until ok returns true, like eventually, but longer, because there are many clients.
func eventuallySoon(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// herdState is the state that all clients share.
type herdState struct {
	live                domain.LiveID
	total, msg          int
	addr                atomic.Pointer[string]
	entered, back, done atomic.Int64
	clients             sync.WaitGroup
	running             context.Context // ends when all clients must disconnect
}

// run is one client. It reconnects until it has received everything.
func (h *herdState) run(t testing.TB, p person) {
	left, since := "", ""
	have, heard, returned := int64(0), 0, false
	for heard < h.total && h.running.Err() == nil {
		at := *h.addr.Load()
		if at == left { // the second server is not running yet
			<-time.After(10 * time.Millisecond)
			continue
		}
		c := &herdClient{since: since, live: h.live, have: have, heard: heard, running: h.running}
		c.in = func() {
			if have == 0 {
				h.entered.Add(1)
			} else if !returned {
				returned = true
				h.back.Add(1)
			}
		}
		c.all = func() { // the client stays until all clients have received everything, because its leave would be another fact
			h.done.Add(1)
			<-h.running.Done()
		}
		wait, err := c.receive(at, p, h.total)
		have, heard, since = c.have, c.heard, c.since
		switch {
		case h.running.Err() != nil: // the connection was closed because the test ends
			return
		case err != nil:
			t.Errorf("at %d, having heard %d: %v", have, heard, err)
			return
		}
		if wait > 0 { // the server closed the connection with the time after which the client reconnects
			left = at
			<-time.After(wait)
		}
	}
}

// herdClient is one connection of a client.
type herdClient struct {
	since string // cursor of the fact at have
	live  domain.LiveID
	have  int64
	heard int
	in    func()       // called after each join
	all   func()       // called when all comments were received
	again func() error // sends hello and room.join again
	retry int64        // milliseconds after which the client must send the request again

	running context.Context // its end closes the connection: gauges arrive for as long as the server runs
}

// receive joins the live at the position of the client. It reads until all comments were received, or until the server
// closes the connection with the time after which to reconnect.
func (c *herdClient) receive(addr string, p person, total int) (wait time.Duration, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	defer context.AfterFunc(c.running, func() { _ = conn.Close() })()
	w := &rawClient{conn: conn, in: bufio.NewReader(conn)}
	if err := w.upgrade("/ws", ""); err != nil {
		return 0, err
	}
	hello, _ := json.Marshal(map[string]any{"id": "h", "type": "hello", "data": map[string]any{"token": p.Token()}})
	join := map[string]any{"live": c.live}
	if c.have > 0 {
		join["since"] = c.since
	}
	enter, _ := json.Marshal(map[string]any{"id": "j", "type": "room.join", "data": join})
	requests := append(wstest.MaskedFrame(wstest.Fin|wstest.OpText, string(hello)), wstest.MaskedFrame(wstest.Fin|wstest.OpText, string(enter))...)
	if _, err := conn.Write(requests); err != nil {
		return 0, err
	}
	c.again = func() error { _, err := conn.Write(requests); return err }
	for c.heard < total {
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Minute))
		opcode, payload, err := w.frame()
		switch {
		case err != nil:
			return 0, err
		case opcode == wstest.OpClose && binary.BigEndian.Uint16(payload) == ws.CloseRestart:
			var hint struct {
				Retry int64 `json:"retry_after"`
			}
			err := json.Unmarshal(payload[2:], &hint)
			return time.Duration(max(1, hint.Retry)) * time.Millisecond, err
		case opcode == wstest.OpClose:
			return 0, fmt.Errorf("closed with %x", payload)
		case opcode == wstest.OpText:
			if err := c.take(payload); err != nil {
				return 0, err
			}
		}
	}
	c.all()
	return 0, nil
}

// take handles a frame.
func (c *herdClient) take(payload []byte) error {
	switch {
	case bytes.Contains(payload, []byte(`"type":"error"`)):
		c.retry = max(c.retry, number(payload, `"retry_after":`))
		switch {
		case c.retry == 0:
			return fmt.Errorf("refused: %s", payload)
		case bytes.HasPrefix(payload, []byte(`{"re":"h"`)):
			return nil // room.join is refused, too
		}
		<-time.After(time.Duration(c.retry) * time.Millisecond) // time passes: the server says when to repeat
		c.retry = 0
		return c.again()
	case bytes.HasPrefix(payload, []byte(`{"re":"j"`)):
		if bytes.Contains(payload, []byte(`"snapshot"`)) {
			if c.have > 0 {
				return fmt.Errorf("a client that resumed got a snapshot")
			}
			defer func() { c.have, c.since = number(payload, `"pos":`), text(payload, `"cursor":"`) }()
		}
		c.in()
		return nil
	case !bytes.Contains(payload, []byte(`"live":`)) || !bytes.Contains(payload, []byte(`"prev":`)):
		return nil // gauges or a push of the user channel
	}
	pos, prev := number(payload, `"pos":`), number(payload, `"prev":`)
	if prev > c.have || pos <= c.have {
		return fmt.Errorf("after position %d got %s", c.have, payload)
	}
	c.have, c.since = pos, text(payload, `"cursor":"`)
	if bytes.HasPrefix(payload, []byte(`{"type":"comment"`)) {
		c.heard++
		if want := fmt.Sprintf(`"text":"comment %d of many"`, c.heard); !bytes.Contains(payload, []byte(want)) {
			return fmt.Errorf("got %[2]s, want %[1]s", want, payload)
		}
	}
	return nil
}

// text returns the string after a name and a quotation mark in JSON.
func text(payload []byte, name string) string {
	_, after, _ := bytes.Cut(payload, []byte(name))
	value, _, _ := bytes.Cut(after, []byte(`"`))
	return string(value)
}

// number returns the number after a name in JSON.
func number(payload []byte, name string) int64 {
	_, after, _ := bytes.Cut(payload, []byte(name))
	end := bytes.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
	n, _ := strconv.ParseInt(string(after[:max(0, end)]), 10, 64)
	return n
}

// frame reads one frame.
func (w *rawClient) frame() (opcode byte, payload []byte, err error) {
	var header [10]byte
	if _, err := io.ReadFull(w.in, header[:2]); err != nil {
		return 0, nil, err
	}
	size := uint64(header[1])
	switch size {
	case 126:
		_, err = io.ReadFull(w.in, header[2:4])
		size = uint64(binary.BigEndian.Uint16(header[2:]))
	case 127:
		_, err = io.ReadFull(w.in, header[2:10])
		size = binary.BigEndian.Uint64(header[2:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(w.in, payload)
	return header[0] & 0x0f, payload, err
}
