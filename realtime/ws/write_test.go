package ws_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/internal/clocktest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// skippedText is the function Config.Skipped in these tests.
func skippedText(lost ws.Span, count int) []byte {
	return fmt.Appendf(nil, `{"type":"skipped","live":%d,"prev":%d,"pos":%d,"n":%d}`, lost.Group, lost.Prev, lost.Pos, count)
}

// stall connects a client with small buffers. If it does not read, the server soon notices a slow reader. With even
// smaller buffers TCP itself would be slow.
func stall(t *testing.T, s *server) (*wstest.Client, *peer) {
	t.Helper()
	c := wstest.Upgrade(t, wstest.Connect(t, s.addr, 32<<10))
	return c, wstest.Receive(t, s.peers, "the connection")
}

func TestStalledReadersTogether(t *testing.T) {
	const (
		stalled  = 10
		healthy  = 20
		messages = 1000
		ahead    = 50 // maximum number of messages by which the sender may be ahead of a healthy reader
		queue    = 128 << 10
	)
	s := serve(t, func(cfg *ws.Config) {
		cfg.WriteTimeout, cfg.SendBuffer, cfg.PushWindow = wstest.Timeout, 8<<10, time.Millisecond
	})
	room := s.NewFanout()
	var lame []*peer
	for range stalled {
		_, p := stall(t, s)
		lame = append(lame, p)
		room.Add(p.conn)
	}
	done := make(chan error, healthy)
	var read [healthy]chan struct{}
	for i := range healthy {
		c, p := wstest.Dial(t, s.addr), wstest.Receive(t, s.peers, "the connection")
		room.Add(p.conn)
		read[i] = make(chan struct{}, messages)
		reads := read[i]
		go func() {
			for i := range messages {
				if _, payload, err := c.ReadFrame(); err != nil || !strings.HasPrefix(payload, fmt.Sprintf("%d ", i)) {
					done <- fmt.Errorf("message %d: %.20q %w", i, payload, err)
					return
				}
				reads <- struct{}{}
			}
			done <- nil
		}()
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := int64(0)
	padding := strings.Repeat("x", 500)
	for i := range messages { // sends at the speed of the healthy readers
		room.Push(ws.TextFrame(fmt.Appendf(nil, "%d %s", i, padding)))
		peak = max(peak, s.Stats().QueuedBytes.Load())
		for _, reads := range read {
			if i >= ahead {
				wstest.Receive(t, reads, "a healthy reader to read on")
			}
		}
	}
	runtime.ReadMemStats(&after)
	for range healthy {
		if err := wstest.Receive(t, done, "a healthy reader to get everything"); err != nil {
			t.Error(err)
		}
	}
	for _, p := range lame {
		if got := wstest.Receive(t, p.closed, "the end of a stalled reader"); got.code != ws.CloseSlow {
			t.Errorf("a stalled reader was closed with %v, want code %v", got, ws.CloseSlow)
		}
	}
	if n := s.Stats().ClosedSlow.Load(); n != stalled {
		t.Errorf("%d connections were closed as slow, want %d", n, stalled)
	}
	if limit := int64(stalled+healthy) * (2*queue + 64<<10); peak > limit {
		t.Errorf("%d bytes were queued, more than %d", peak, limit)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	wstest.Eventually(t, "no frame is queued", func() bool { return s.Stats().QueuedBytes.Load() == 0 })
}

func TestStalledReader(t *testing.T) {
	start := func(t *testing.T, writeTimeout time.Duration) *server {
		return serve(t, func(cfg *ws.Config) {
			cfg.WriteTimeout, cfg.SendBuffer, cfg.Skipped = writeTimeout, 8<<10, skippedText
		})
	}
	// startPatient starts a server whose write deadlines are too long to pass.
	startPatient := func(t *testing.T) *server {
		clock := clocktest.New()
		return serve(t, func(cfg *ws.Config) { cfg.Now, cfg.SendBuffer, cfg.Skipped = clock.Now, 8<<10, skippedText })
	}
	// fill sends droppable frames until all buffers are full and some frames were dropped.
	fill := func(t *testing.T, s *server, p *peer) {
		t.Helper()
		for s.Stats().Dropped.Load() < 100 && !p.conn.Ended() { // on a slow machine, the deadline passes meanwhile
			p.conn.Send(ws.DroppableFrame(make([]byte, 1000), ws.Span{Group: 6}))
		}
	}
	t.Run("is closed at the write deadline without further frames", func(t *testing.T) {
		t.Parallel()
		s := start(t, 400*time.Millisecond)
		_, p := stall(t, s)
		fill(t, s, p)
		if got := wstest.Receive(t, p.closed, "Closed"); got.code != ws.CloseSlow {
			t.Errorf("closed with %v, want code %v", got, ws.CloseSlow)
		}
	})
	t.Run("does not block Close", func(t *testing.T) {
		t.Parallel()
		s := start(t, wstest.Timeout)
		_, p := stall(t, s)
		fill(t, s, p)
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			p.conn.Close(ws.CloseReplaced, "")
		}()
		wstest.Receive(t, closed, "Close to return")
		if got := wstest.Receive(t, p.closed, "Closed"); got.code != ws.CloseReplaced {
			t.Errorf("closed with %v, want code %v", got, ws.CloseReplaced)
		}
	})
	t.Run("is closed soon after Close", func(t *testing.T) {
		t.Parallel()
		s := serve(t, func(cfg *ws.Config) { cfg.SendBuffer, cfg.WriteTimeout = 8<<10, time.Minute })
		_, p := stall(t, s)
		fill(t, s, p)
		if p.conn.Ended() {
			t.Fatal("the connection has ended before Close")
		}
		p.conn.Close(ws.CloseReplaced, "")
		wstest.Eventually(t, "the connection has ended", func() bool { return s.Stats().Open.Load() == 0 })
	})
	t.Run("does not block Shutdown", func(t *testing.T) {
		t.Parallel()
		s := start(t, wstest.Timeout)
		_, p := stall(t, s)
		fill(t, s, p)
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if got := wstest.Receive(t, p.closed, "Closed"); got.code != ws.CloseRestart {
			t.Errorf("closed with %v, want code %v", got, ws.CloseRestart)
		}
	})
	t.Run("that reads again in time gets the close code after the queue", func(t *testing.T) {
		t.Parallel()
		s := startPatient(t)
		c, p := stall(t, s)
		fill(t, s, p)
		p.conn.Close(ws.CloseReplaced, "")
		c.ExpectClose(ws.CloseReplaced)
	})
	t.Run("that reads again in time stays open after the old deadline", func(t *testing.T) {
		t.Parallel()
		for writeTimeout := time.Second; writeTimeout < wstest.Timeout; writeTimeout *= 4 { // tries a longer timeout if the client was too slow
			s := start(t, writeTimeout)
			c, p := stall(t, s)
			fill(t, s, p)
			p.conn.Send(ws.TextFrame([]byte("here we are")))
			var payload string
			var err error
			for err == nil && payload != "here we are" {
				_, payload, err = c.ReadFrame()
			}
			if s.Stats().ClosedSlow.Load() > 0 {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			wstest.Eventually(t, "no frame is queued", func() bool { return s.Stats().QueuedBytes.Load() == 0 })
			<-time.After(2 * writeTimeout) // waits longer than a deadline that was not removed
			p.conn.Send(ws.TextFrame([]byte("still")))
			c.ExpectText("still")
			return
		}
		t.Error("the client never read in time")
	})
	t.Run("above twice the limit of reliable frames is closed at once with its code", func(t *testing.T) {
		t.Parallel()
		s := startPatient(t)
		c, p := stall(t, s)
		sent := 0
		for ; s.Stats().ClosedSlow.Load() == 0; sent++ {
			p.conn.Send(ws.TextFrame(make([]byte, 1000)))
			if n := s.Stats().QueuedBytes.Load(); n > 2*128<<10+2000 {
				t.Fatalf("%d bytes are queued", n)
			}
		}
		read := 0
		opcode, _, err := c.ReadFrame()
		for ; err == nil && opcode == wstest.OpText; opcode, _, err = c.ReadFrame() {
			read++
		}
		if err != nil || opcode != wstest.OpClose {
			t.Errorf("the close frame did not arrive: %v, want opcode %v", err, wstest.OpClose)
		}
		if queued := 128 << 10 / 1000; read > sent-queued {
			t.Errorf("%d of %d frames were written before the close frame", read, sent)
		}
		if n := s.Stats().Dropped.Load(); n != 0 {
			t.Errorf("%d frames counted as dropped, want 0", n)
		}
	})
}

// counter counts the writes of a frame.
type counter struct{ all, ofUser atomic.Int64 }

func (r *counter) Written(tag int64) {
	r.all.Add(1)
	if tag == 7 {
		r.ofUser.Add(1)
	}
}

// TestWriteCounters pushes frames with counters to readers and to one that does not read. Only what a socket has accepted is counted, once
// for each connection.
func TestWriteCounters(t *testing.T) {
	s := serve(t, func(cfg *ws.Config) {
		cfg.SendBuffer, cfg.WriteTimeout, cfg.PushWindow = 8<<10, wstest.Timeout, time.Millisecond
	})
	room := s.NewFanout()
	stalled, lame := stall(t, s)
	lame.conn.SetTag(7)
	room.Add(lame.conn)
	const readers = 3
	var heard []<-chan int
	for range readers {
		c := wstest.Dial(t, s.addr)
		room.Add(wstest.Receive(t, s.peers, "the connection").conn)
		read := make(chan int, 1)
		heard = append(heard, read)
		go func() {
			n := 0
			for {
				if _, payload, err := c.ReadFrame(); err != nil || strings.HasPrefix(payload, "end") {
					read <- n
					return
				}
				n++
			}
		}()
	}
	var all []*counter
	for i := range 1000 { // more than fits into the buffers of the stalled reader and its queue
		r := &counter{}
		all = append(all, r)
		frame := ws.TextFrame(fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", 1000)))
		room.Push(frame.WithCounter(r))
		wstest.Eventually(t, "the readers have got a frame", func() bool { return r.all.Load()-r.ofUser.Load() == readers })
	}
	if got := wstest.Receive(t, lame.closed, "the end of the stalled reader"); got.code != ws.CloseSlow {
		t.Errorf("closed with %v, want code %v", got, ws.CloseSlow)
	}
	room.Push(ws.TextFrame([]byte("end")))
	for _, read := range heard {
		if n := wstest.Receive(t, read, "a reader"); n != len(all) {
			t.Errorf("a reader has got %d frames, want %d", n, len(all))
		}
	}
	read := 0
	for opcode, _, err := stalled.ReadFrame(); err == nil && opcode == wstest.OpText; opcode, _, err = stalled.ReadFrame() {
		read++
	}
	counted := 0
	for i, r := range all {
		n := r.ofUser.Load()
		if r.all.Load() != readers+n || n > 1 {
			t.Fatalf("frame %d: %d writes, %d of them to the stalled reader", i, r.all.Load(), n)
		}
		if n == 1 && i != counted {
			t.Fatalf("frame %d is counted, an earlier one is not", i)
		}
		counted += int(n)
	}
	const chunk = 17 // frames of the last write, of which a part may have been accepted
	if counted == 0 || counted == len(all) || counted < read-chunk {
		t.Errorf("%d frames are counted for the stalled reader, which has got %d of %d", counted, read, len(all))
	}
}

func TestPriorities(t *testing.T) {
	s := serve(t, func(cfg *ws.Config) {
		cfg.SendBuffer, cfg.Skipped, cfg.WriteTimeout = 8<<10, skippedText, wstest.Timeout
	})
	c, p := stall(t, s)

	// The frames of a busy live: comments, with some gifts among them, and gauges.
	const total = 4000
	padding := strings.Repeat("x", 300)
	gifts := 0
	for pos := 1; pos <= total; pos++ {
		span := ws.Span{Group: 6, Prev: int64(pos - 1), Pos: int64(pos)}
		body := func(kind string) []byte {
			return fmt.Appendf(nil, `{"type":%q,"live":6,"prev":%d,"pos":%d,"data":%q}`, kind, pos-1, pos, padding)
		}
		if pos%100 == 0 {
			gifts++
			p.conn.Send(ws.TextFrame(body("gift")))
		} else {
			p.conn.Send(ws.DroppableFrame(body("comment"), span))
		}
		p.conn.Send(ws.LatestFrame(fmt.Appendf(nil, `{"type":"gauges","live":6,"pos":%d}`, pos), "6"))
		p.conn.Send(ws.LatestFrame(fmt.Appendf(nil, `{"type":"gauges","live":7,"pos":%d}`, pos), "7"))
	}
	p.conn.Send(ws.TextFrame([]byte(`{"type":"end"}`)))

	var (
		pos, comments, seen, skipped int
		gauges                       = map[int]int{}
	)
	for {
		_, payload, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Type               string
			Live, Prev, Pos, N int
		}
		if err := json.Unmarshal([]byte(payload), &got); err != nil {
			t.Fatalf("%q: %v", payload, err)
		}
		switch got.Type {
		case "gauges":
			if got.Pos < gauges[got.Live] {
				t.Fatalf("gauge %d after %d", got.Pos, gauges[got.Live])
			}
			gauges[got.Live] = got.Pos
			continue
		case "gift":
			seen++
		case "comment":
			comments++
		case "skipped":
			skipped += got.N
			if got.N != got.Pos-got.Prev {
				t.Fatalf("got a skipped frame that replaces no dropped frames: %s", payload)
			}
		}
		if got.Type == "end" {
			break
		}
		if got.Prev != pos {
			t.Fatalf("a gap: after %d came %s, want got.Prev %v", pos, payload[:60], pos)
		}
		pos = got.Pos
	}
	if seen != gifts {
		t.Errorf("%d of %d gifts arrived, want %v", seen, gifts, gifts)
	}
	if pos != total || comments+skipped != total-gifts {
		t.Errorf("%d comments and %d skipped up to %d of %d", comments, skipped, pos, total)
	}
	if n := s.Stats().Dropped.Load(); int(n) != skipped || skipped == 0 {
		t.Errorf("%d frames were dropped, but skipped frames report %d", n, skipped)
	}
	if s.Stats().Replaced.Load() == 0 {
		t.Error("no gauge was replaced")
	}
	if gauges[6] != total || gauges[7] != total {
		t.Errorf("the newest gauges are %v, want gauges[6] %v, gauges[7] %v", gauges, total, total)
	}
	if s.Stats().ClosedSlow.Load() != 0 {
		t.Error("the reader was kicked")
	}
}

// unread is a TLS listener whose connections wait in Close until they are released, as if no client read close_notify.
type unread struct {
	net.Listener
	release <-chan struct{}
}

func (l unread) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return unreadConn{conn.(*tls.Conn), l.release}, nil
}

type unreadConn struct {
	*tls.Conn
	release <-chan struct{}
}

func (c unreadConn) Close() error {
	<-c.release
	return c.Conn.Close()
}

func TestConnectionsOtherThanTCP(t *testing.T) {
	web := httptest.NewUnstartedServer(nil) // used for its certificate
	web.StartTLS()
	defer web.Close()
	start := func(t *testing.T, writeTimeout time.Duration) *server {
		return serveOn(t, tls.NewListener(wstest.Listen(t), web.TLS), nil, func(cfg *ws.Config) {
			cfg.WriteTimeout, cfg.SendBuffer, cfg.Skipped = writeTimeout, 8<<10, skippedText
		})
	}
	t.Run("deliver messages both ways and close", func(t *testing.T) {
		s := start(t, wstest.Timeout)
		c := wstest.DialTLS(t, s.addr)
		p := wstest.Receive(t, s.peers, "the connection")
		c.SendText("hello")
		if got := wstest.Receive(t, p.texts, "the message"); got != "hello" {
			t.Errorf(`heard %q, want "hello"`, got)
		}
		room := s.NewFanout()
		room.Add(p.conn)
		for i := range 500 {
			room.Push(ws.TextFrame(fmt.Append(nil, i)))
		}
		for i := range 500 {
			c.ExpectText(fmt.Sprint(i))
		}
		p.conn.Send(ws.TextFrame(bytes.Repeat([]byte("x"), 100_000)))
		p.conn.Close(ws.CloseKicked, "bye")
		c.ExpectText(strings.Repeat("x", 100_000))
		c.ExpectClose(ws.CloseKicked)
	})
	t.Run("count no stall while their clients read", func(t *testing.T) {
		s := start(t, wstest.Timeout)
		c := wstest.DialTLS(t, s.addr)
		p := wstest.Receive(t, s.peers, "the connection")
		for i := range 20 {
			// The writer may not know yet that everything was written: before the first text, the response to the upgrade.
			wstest.Eventually(t, "the queue is written", func() bool { return s.Stats().QueuedBytes.Load() == 0 })
			p.conn.Send(ws.TextFrame(fmt.Append(nil, i)))
			c.ExpectText(fmt.Sprint(i))
		}
		if stalls, slow := s.Stats().Stalls.Load(), s.Stats().Slow.Load(); stalls != 0 || slow != 0 {
			t.Errorf("%d stalls were counted and %d connections are slow, want none", stalls, slow)
		}
	})
	t.Run("do not wait for close_notify when they stall", func(t *testing.T) {
		release := make(chan struct{})
		s := serveOn(t, unread{tls.NewListener(wstest.Listen(t), web.TLS), release}, nil, func(cfg *ws.Config) {
			cfg.WriteTimeout, cfg.SendBuffer, cfg.Skipped = 100*time.Millisecond, 8<<10, skippedText
		})
		t.Cleanup(func() { close(release) })
		wstest.Upgrade(t, tls.Client(wstest.Connect(t, s.addr, 4096), &tls.Config{InsecureSkipVerify: true}))
		p := wstest.Receive(t, s.peers, "the connection")
		for s.Stats().Dropped.Load() < 100 && !p.conn.Ended() {
			p.conn.Send(ws.DroppableFrame(make([]byte, 1000), ws.Span{}))
		}
		if got := wstest.Receive(t, p.closed, "Closed"); got.code != ws.CloseSlow {
			t.Errorf("closed with %v, want code %v", got, ws.CloseSlow)
		}
		if s.Stats().Stalls.Load() == 0 {
			t.Error("no stall was counted")
		}
	})
	t.Run("are closed when they stall", func(t *testing.T) {
		s := start(t, 500*time.Millisecond)
		raw := wstest.Connect(t, s.addr, 4096)
		wstest.Upgrade(t, tls.Client(raw, &tls.Config{InsecureSkipVerify: true}))
		p := wstest.Receive(t, s.peers, "the connection")
		for s.Stats().Dropped.Load() < 100 && !p.conn.Ended() {
			p.conn.Send(ws.DroppableFrame(make([]byte, 1000), ws.Span{}))
		}
		if got := wstest.Receive(t, p.closed, "Closed"); got.code != ws.CloseSlow {
			t.Errorf("closed with %v, want code %v", got, ws.CloseSlow)
		}
	})
}
