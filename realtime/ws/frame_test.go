package ws_test

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"roomlog/internal/clocktest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// echo sends every message back.
func echo(p *peer, message string) { p.conn.Send(ws.TextFrame([]byte(message))) }

func echoing(cfg *ws.Config) {
	cfg.Open = func(c *ws.Conn, _ *http.Request) ws.Peer {
		return &peer{conn: c, onText: echo, closed: make(chan ending, 1)}
	}
}

func TestMessages(t *testing.T) {
	s := serve(t, echoing)

	t.Run("are delivered whole in both directions", func(t *testing.T) {
		c := wstest.Dial(t, s.addr)
		for _, size := range []int{0, 1, 125, 126, 1000, 1024, 5000, 16 << 10} {
			message := strings.Repeat("ä", size/2)
			c.SendText(message)
			c.ExpectText(message)
		}
	})
	t.Run("sent directly after the upgrade request are delivered", func(t *testing.T) {
		c := wstest.Dial(t, s.addr, append(wstest.MaskedFrame(wstest.Fin|wstest.OpText, "early"), wstest.MaskedFrame(wstest.Fin|wstest.OpText, strings.Repeat("x", 3000))...)...)
		c.ExpectText("early")
		c.ExpectText(strings.Repeat("x", 3000))
	})
	t.Run("in fragments are joined, with a ping between them", func(t *testing.T) {
		c := wstest.Dial(t, s.addr)
		c.Write(wstest.MaskedFrame(wstest.OpText, "one ")...)
		c.Write(wstest.MaskedFrame(0, "")...)
		c.Write(wstest.MaskedFrame(wstest.Fin|wstest.OpPing, "still there?")...)
		c.Write(wstest.MaskedFrame(0, "two ")...)
		c.Write(wstest.MaskedFrame(wstest.Fin, "three")...)
		if opcode, payload, err := c.ReadFrame(); err != nil || opcode != wstest.OpPong || payload != "still there?" {
			t.Errorf("the ping got the response %d %q %v", opcode, payload, err)
		}
		c.ExpectText("one two three")
	})
	t.Run("are accepted byte by byte", func(t *testing.T) {
		c := wstest.Dial(t, s.addr)
		for _, b := range append(wstest.MaskedFrame(wstest.Fin|wstest.OpText, strings.Repeat("y", 300)), wstest.MaskedFrame(wstest.Fin|wstest.OpText, "z")...) {
			c.Write(b)
		}
		c.ExpectText(strings.Repeat("y", 300))
		c.ExpectText("z")
	})
	t.Run("with a mask are unmasked", func(t *testing.T) {
		c := wstest.Dial(t, s.addr)
		c.Write(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58) // example from RFC 6455, section 5.7
		c.ExpectText("Hello")
	})
}

// TestAnnouncedMessagesNeedLittleMemory checks that the server allocates memory for the bytes of a message that have arrived, not for those
// that a header announces.
func TestAnnouncedMessagesNeedLittleMemory(t *testing.T) { // not parallel: it measures the memory of the process
	const size, clients = 1 << 20, 128
	s := serve(t, func(cfg *ws.Config) { echoing(cfg); cfg.MaxMessage = size })
	used := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	whole := wstest.MaskedFrame(wstest.Fin|wstest.OpText, strings.Repeat("long ", size/5))
	all := make([]*wstest.Client, clients)
	for i := range all {
		all[i] = wstest.Dial(t, s.addr)
	}
	before := used()
	for _, c := range all {
		c.Write(whole[:20]...)
	}
	wstest.Eventually(t, "the server has read all headers", func() bool { return s.Stats().FramesIn.Load() == clients })
	if after := used(); after > before+clients*size/4 {
		t.Errorf("%d bytes are allocated for %d messages of which 6 bytes have arrived", after-before, clients)
	}
	for _, c := range all[:2] {
		for rest := whole[20:]; len(rest) > 0; {
			n := min(5000, len(rest))
			c.Write(rest[:n]...)
			rest = rest[n:]
		}
		c.ExpectText(strings.Repeat("long ", size/5))
	}
}

func TestInvalidFrames(t *testing.T) {
	s := serve(t, func(cfg *ws.Config) { echoing(cfg); cfg.FrameBurst = 100_000; cfg.FrameRate = 100_000 })
	witness := wstest.Dial(t, s.addr)
	long := func(first byte, length ...byte) []byte {
		return append(append([]byte{first, 0xff}, length...), 0, 0, 0, 0)
	}
	for _, test := range []struct {
		name string
		send []byte
		code uint16
	}{
		{"14 bytes whose length has the top bit set", long(wstest.Fin|wstest.OpText, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 1002},
		{"a length of exactly the top bit", long(wstest.Fin|wstest.OpText, 0x80, 0, 0, 0, 0, 0, 0, 0), 1002},
		{"a length that would overflow the message so far", append(wstest.MaskedFrame(wstest.OpText, "x"), long(0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)...), 1009},
		{"an announced megabyte of which nothing comes", long(wstest.Fin|wstest.OpText, 0, 0, 0, 0, 0, 0x10, 0, 0), 1009},
		{"a megabyte", wstest.MaskedFrame(wstest.Fin|wstest.OpText, strings.Repeat("x", 1<<20)), 1009},
		{"a message too large by a byte", wstest.MaskedFrame(wstest.Fin|wstest.OpText, strings.Repeat("x", 16<<10+1)), 1009},
		{"fragments too large together", append(wstest.MaskedFrame(wstest.OpText, strings.Repeat("x", 9<<10)), wstest.MaskedFrame(wstest.Fin, strings.Repeat("x", 9<<10))...), 1009},
		{"a binary frame", wstest.MaskedFrame(wstest.Fin|wstest.OpBinary, "x"), 1003},
		{"invalid UTF-8", wstest.MaskedFrame(wstest.Fin|wstest.OpText, "\xff\xfe"), 1007},
		{"UTF-8 that ends inside a rune", wstest.MaskedFrame(wstest.Fin|wstest.OpText, "\xe4\xbd"), 1007},
		{"no mask", []byte{wstest.Fin | wstest.OpText, 1, 'x'}, 1002},
		{"reserved bit 1", wstest.MaskedFrame(wstest.Fin|0x40|wstest.OpText, "x"), 1002},
		{"reserved bit 2", wstest.MaskedFrame(wstest.Fin|0x20|wstest.OpText, "x"), 1002},
		{"reserved bit 3", wstest.MaskedFrame(wstest.Fin|0x10|wstest.OpText, "x"), 1002},
		{"reserved data opcode", wstest.MaskedFrame(wstest.Fin|0x3, "x"), 1002},
		{"reserved control opcode", wstest.MaskedFrame(wstest.Fin|0xb, "x"), 1002},
		{"a continuation of nothing", wstest.MaskedFrame(wstest.Fin, "x"), 1002},
		{"a message inside a message", append(wstest.MaskedFrame(wstest.OpText, "x"), wstest.MaskedFrame(wstest.Fin|wstest.OpText, "x")...), 1002},
		{"a fragmented ping", wstest.MaskedFrame(wstest.OpPing, "x"), 1002},
		{"a ping too long", wstest.MaskedFrame(wstest.Fin|wstest.OpPing, strings.Repeat("x", 126)), 1002},
		{"a close frame too long", wstest.MaskedFrame(wstest.Fin|wstest.OpClose, wstest.ClosePayload(1000, strings.Repeat("x", 124))), 1002},
		{"a close code that may not be sent", wstest.MaskedFrame(wstest.Fin|wstest.OpClose, wstest.ClosePayload(1006, "")), 1002},
		{"a close reason that is not UTF-8", wstest.MaskedFrame(wstest.Fin|wstest.OpClose, wstest.ClosePayload(1000, "\xff")), 1007},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := wstest.Dial(t, s.addr)
			c.SendText("before")
			c.Write(test.send...)
			c.ExpectText("before")
			c.ExpectClose(test.code)
			witness.SendText("still here")
			witness.ExpectText("still here")
		})
	}
	if n := s.Stats().Panics.Load(); n != 0 {
		t.Errorf("%d panics, want 0", n)
	}
}

func TestFloods(t *testing.T) {
	s := serve(t, echoing)
	witness := wstest.Dial(t, s.addr)
	for name, flood := range map[string]struct{ begin, again []byte }{
		"10,000 messages":             {nil, wstest.MaskedFrame(wstest.Fin|wstest.OpText, "x")},
		"endless empty fragments":     {wstest.MaskedFrame(wstest.OpText, ""), wstest.MaskedFrame(0, "")},
		"pings":                       {nil, wstest.MaskedFrame(wstest.Fin|wstest.OpPing, "")},
		"pongs that nobody asked for": {nil, wstest.MaskedFrame(wstest.Fin|wstest.OpPong, "")},
	} {
		t.Run(name+" are closed", func(t *testing.T) {
			c := wstest.Dial(t, s.addr)
			before := s.Stats().FramesIn.Load()
			c.Write(append(flood.begin, bytes.Repeat(flood.again, 10_000)...)...)
			c.ExpectClose(ws.CloseTooMany)
			if n := s.Stats().FramesIn.Load() - before; n > 300 {
				t.Errorf("%d frames were checked", n)
			}
			witness.SendText("still here")
			witness.ExpectText("still here")
		})
	}
	t.Run("that never end still get the close code", func(t *testing.T) {
		c := wstest.Dial(t, s.addr)
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for flood := bytes.Repeat(wstest.MaskedFrame(wstest.Fin|wstest.OpText, strings.Repeat("x", 2000)), 16); ; {
				if _, err := c.Conn.Write(flood); err != nil {
					return
				}
			}
		}()
		for {
			opcode, payload, err := c.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			if opcode == wstest.OpClose {
				if want := wstest.ClosePayload(ws.CloseTooMany, "too many frames"); payload != want {
					t.Errorf("closed with %q, want %q", payload, want)
				}
				break
			}
		}
		wstest.Receive(t, stopped, "the server to close the connection")
	})
	t.Run("below the limit are accepted", func(t *testing.T) {
		s := serve(t, func(cfg *ws.Config) { echoing(cfg); cfg.FrameRate, cfg.FrameBurst = 1e6, 10 })
		c := wstest.Dial(t, s.addr)
		for i := range 2000 {
			message := fmt.Sprint(i)
			c.SendText(message)
			c.ExpectText(message)
		}
	})
}

func TestClose(t *testing.T) {
	s := serve(t, nil)
	meet := func(t *testing.T) (*wstest.Client, *peer) {
		c := wstest.Dial(t, s.addr)
		return c, wstest.Receive(t, s.peers, "the connection")
	}
	t.Run("by the client passes its code and reason to Closed", func(t *testing.T) {
		c, p := meet(t)
		c.Write(wstest.MaskedFrame(wstest.Fin|wstest.OpClose, wstest.ClosePayload(1001, "off to bed"))...)
		c.ExpectClose(1000)
		if got := wstest.Receive(t, p.closed, "Closed"); got != (ending{1001, "off to bed"}) {
			t.Errorf("Closed got %v", got)
		}
	})
	t.Run("by the client without a code is CloseNoStatus", func(t *testing.T) {
		c, p := meet(t)
		c.Write(wstest.MaskedFrame(wstest.Fin|wstest.OpClose, "")...)
		if opcode, payload, err := c.ReadFrame(); err != nil || opcode != wstest.OpClose || payload != "" {
			t.Errorf(`answered with %d %q %v, want %v, ""`, opcode, payload, err, wstest.OpClose)
		}
		if got := wstest.Receive(t, p.closed, "Closed"); got.code != ws.CloseNoStatus {
			t.Errorf("Closed got %v", got)
		}
	})
	t.Run("without a close frame is CloseLost", func(t *testing.T) {
		c, p := meet(t)
		_ = c.Conn.Close()
		if got := wstest.Receive(t, p.closed, "Closed"); got != (ending{ws.CloseLost, ""}) {
			t.Errorf("Closed got %v", got)
		}
	})
	t.Run("by the server follows all sent frames and counts once", func(t *testing.T) {
		c, p := meet(t)
		p.conn.Send(ws.TextFrame([]byte("last words")), ws.TextFrame([]byte("really")))
		p.conn.Close(ws.CloseReplaced, "after a sign-in elsewhere")
		p.conn.Close(ws.CloseKicked, "too late")
		p.conn.Send(ws.TextFrame([]byte("too late")))
		c.ExpectText("last words")
		c.ExpectText("really")
		if reason := c.ExpectClose(ws.CloseReplaced); reason != "after a sign-in elsewhere" {
			t.Errorf(`reason %q, want "after a sign-in elsewhere"`, reason)
		}
		if got := wstest.Receive(t, p.closed, "Closed"); got != (ending{ws.CloseReplaced, "after a sign-in elsewhere"}) {
			t.Errorf("Closed got %v", got)
		}
	})
	t.Run("delivers no message after it", func(t *testing.T) {
		heard := make(chan string, 10)
		s := serve(t, func(cfg *ws.Config) {
			cfg.Open = func(c *ws.Conn, _ *http.Request) ws.Peer {
				return &peer{conn: c, closed: make(chan ending, 1), onText: func(p *peer, message string) {
					heard <- message
					p.conn.Close(ws.CloseKicked, "")
				}}
			}
		})
		c := wstest.Dial(t, s.addr)
		c.Write(append(wstest.MaskedFrame(wstest.Fin|wstest.OpText, "one"), wstest.MaskedFrame(wstest.Fin|wstest.OpText, "two")...)...)
		c.ExpectClose(ws.CloseKicked)
		wstest.Eventually(t, "the connection has ended", func() bool { return s.Stats().Open.Load() == 0 })
		if len(heard) != 1 {
			t.Errorf("%d messages were delivered, want 1", len(heard))
		}
	})
	t.Run("cuts a long reason at a rune", func(t *testing.T) {
		for pad := range 3 {
			c, p := meet(t)
			p.conn.Close(ws.CloseKicked, strings.Repeat("x", pad)+strings.Repeat("直", 60))
			reason := c.ExpectClose(ws.CloseKicked)
			if !utf8.ValidString(reason) || len(reason) > 123 || len(reason) < 121 {
				t.Errorf("reason of %d bytes, valid %t: %q", len(reason), utf8.ValidString(reason), reason)
			}
		}
	})
	t.Run("is counted by code, with invented codes together", func(t *testing.T) {
		for _, code := range []uint16{3999, 4321, 4999} {
			c, p := meet(t)
			c.Write(wstest.MaskedFrame(wstest.Fin|wstest.OpClose, wstest.ClosePayload(code, ""))...)
			c.ExpectClose(code)
			wstest.Receive(t, p.closed, "Closed")
		}
		wstest.Eventually(t, "all connections are counted", func() bool {
			closed := s.Stats().Closed()
			return closed[ws.CodeOther] == 3 && closed[ws.CloseKicked] == 3
		})
	})
}

func TestPanics(t *testing.T) {
	boom := func(*peer, string) { panic("boom") }
	s := serve(t, func(cfg *ws.Config) {
		cfg.Open = func(c *ws.Conn, r *http.Request) ws.Peer {
			switch r.Header.Get("Panic") {
			case "open":
				panic("boom")
			case "text":
				return &peer{conn: c, onText: boom, closed: make(chan ending, 1)}
			case "closed":
				return closedPanics{}
			}
			return &peer{conn: c, onText: echo, closed: make(chan ending, 1)}
		}
	})
	witness := wstest.Dial(t, s.addr)
	for _, where := range []string{"open", "text", "closed"} {
		t.Run("in "+where+" ends that connection only", func(t *testing.T) {
			before := s.Stats().Panics.Load()
			conn := wstest.Connect(t, s.addr, 0)
			c := wstest.NewClient(t, conn)
			c.Handshake("Panic: " + where + "\r\n")
			switch where {
			case "closed":
				c.Write(wstest.MaskedFrame(wstest.Fin|wstest.OpClose, wstest.ClosePayload(1000, ""))...)
				c.ExpectClose(1000)
			case "text":
				c.SendText("x")
				fallthrough
			default:
				c.ExpectClose(ws.CloseInternal)
			}
			wstest.Eventually(t, "the connection has ended", func() bool { return s.Stats().Open.Load() == 1 })
			if n := s.Stats().Panics.Load() - before; n != 1 {
				t.Errorf("%d panics counted, want 1", n)
			}
			witness.SendText("still here")
			witness.ExpectText("still here")
		})
	}
}

// closedPanics is a peer whose method Closed panics.
type closedPanics struct{}

func (closedPanics) Text([]byte)           {}
func (closedPanics) Closed(uint16, string) { panic("boom") }

// slowPeer is a peer whose method Text blocks until release receives a value.
type slowPeer struct {
	opened, begun, release chan struct{}
	others                 chan *peer // the peers of other connections
}

func newSlowPeer() *slowPeer {
	return &slowPeer{make(chan struct{}, 1), make(chan struct{}, 10), make(chan struct{}), make(chan *peer, 10)}
}

// openFirst returns a function for Config.Open. It returns p for the first connection.
func (p *slowPeer) openFirst() func(*ws.Conn, *http.Request) ws.Peer {
	var first atomic.Bool
	return func(c *ws.Conn, _ *http.Request) ws.Peer {
		if first.CompareAndSwap(false, true) {
			p.opened <- struct{}{}
			return p
		}
		other := &peer{conn: c, texts: make(chan string, 10), closed: make(chan ending, 1)}
		p.others <- other
		return other
	}
}

func (p *slowPeer) Text([]byte) {
	p.begun <- struct{}{}
	<-p.release
}

func (p *slowPeer) Closed(uint16, string) {}

func TestTimeouts(t *testing.T) {
	t.Run("close a client without a hello", func(t *testing.T) {
		s := serve(t, func(cfg *ws.Config) { cfg.HelloTimeout = 50 * time.Millisecond })
		c, p := wstest.Dial(t, s.addr), wstest.Receive(t, s.peers, "the connection")
		c.ExpectClose(ws.CloseHelloTimeout)
		if got := wstest.Receive(t, p.closed, "Closed"); got.code != ws.CloseHelloTimeout {
			t.Errorf("Closed got %v", got)
		}
	})
	t.Run("do not count the time in which a hello is handled", func(t *testing.T) {
		clock, slow := clocktest.New(), newSlowPeer()
		s := serve(t, func(cfg *ws.Config) {
			cfg.Now, cfg.HelloTimeout, cfg.PingInterval = clock.Now, time.Minute, 100*time.Hour
			cfg.Open = slow.openFirst()
		})
		c := wstest.Dial(t, s.addr)
		wstest.Receive(t, slow.opened, "the connection")
		pass := func(d time.Duration) { // d passes, and the server checks all connections
			t.Helper()
			wstest.Dial(t, s.addr)
			witness := wstest.Receive(t, slow.others, "the next connection")
			clock.Forward(d)
			wstest.Receive(t, witness.closed, "the end of a connection without a hello")
		}
		c.SendText("hello")
		wstest.Receive(t, slow.begun, "the hello")
		pass(time.Hour)
		slow.release <- struct{}{}
		c.SendText("another hello") // The client still has most of its minute.
		wstest.Receive(t, slow.begun, "the second hello")
		pass(time.Hour)
		slow.release <- struct{}{}
		c.Write(wstest.MaskedFrame(wstest.Fin|wstest.OpPing, "")...)
		if opcode, _, err := c.ReadFrame(); err != nil || opcode != wstest.OpPong { // The second hello is handled.
			t.Fatalf("got %d %v, want a pong", opcode, err)
		}
		clock.Forward(2 * time.Minute)
		c.ExpectClose(ws.CloseHelloTimeout)
	})
	t.Run("close a half-open connection and keep a live one", func(t *testing.T) {
		const interval = 40 * time.Millisecond // ping interval, on the clock below; checks run every 10 ms
		clock := clocktest.New()
		s := serve(t, func(cfg *ws.Config) {
			cfg.Now, cfg.HelloTimeout, cfg.PingInterval, cfg.SocketTimeout = clock.Now, 10*interval, interval, 10*interval
		})
		alive, p := wstest.Dial(t, s.addr), wstest.Receive(t, s.peers, "the connection")
		p.conn.Identified()
		dead, q := wstest.Dial(t, s.addr), wstest.Receive(t, s.peers, "the connection") // this client sends no pong
		q.conn.Identified()
		for range 30 {
			clock.Forward(interval)
			opcode, payload, err := alive.ReadFrame()
			if err != nil || opcode != wstest.OpPing {
				t.Fatalf("got %d %v, want a ping", opcode, err)
			}
			before := s.Stats().FramesIn.Load()
			alive.Write(wstest.MaskedFrame(wstest.Fin|wstest.OpPong, payload)...)
			wstest.Eventually(t, "the pong is read", func() bool { return s.Stats().FramesIn.Load() > before })
		}
		if got := wstest.Receive(t, q.closed, "Closed"); got.code != ws.CloseIdle {
			t.Errorf("Closed got %v", got)
		}
		dead.ExpectClose(ws.CloseIdle)
		if len(p.closed) > 0 {
			t.Error("the living one was closed as well")
		}
	})
	t.Run("close a connection that sends incomplete frames only", func(t *testing.T) {
		const idle = 200 * time.Millisecond
		s := serve(t, func(cfg *ws.Config) { cfg.SocketTimeout = idle })
		c, p := wstest.Dial(t, s.addr), wstest.Receive(t, s.peers, "the connection")
		c.Write(wstest.MaskedFrame(wstest.Fin|wstest.OpText, strings.Repeat("x", 1000))[:8]...)
		ticks := time.NewTicker(idle / 10)
		defer ticks.Stop()
		for {
			select {
			case got := <-p.closed:
				if got.code != ws.CloseIdle {
					t.Errorf("Closed got %v", got)
				}
				return
			case <-ticks.C:
				_, _ = c.Conn.Write([]byte("x")) // ignored: the server may close the connection meanwhile
			case <-time.After(wstest.Timeout):
				t.Fatal("the connection was not closed")
			}
		}
	})
}

func TestReconnectAdvised(t *testing.T) {
	for code, want := range map[uint16]bool{
		1000: false, 1001: true, 1002: false, 1003: false, 1006: true, 1007: false, 1009: false, 1011: true, 1012: true,
		3000: true, 3499: true, 3500: false, 3999: false, 4499: true, 4999: false,
		ws.CloseSlow: true, ws.CloseBehind: true, ws.CloseHelloTimeout: true, ws.CloseIdle: true,
		ws.CloseTooMany: true, ws.CloseReplaced: false, ws.CloseTokenInvalid: false, ws.CloseKicked: false,
	} {
		if got := ws.ReconnectAdvised(code); got != want {
			t.Errorf("ReconnectAdvised(%d) = %t, want %v", code, got, want)
		}
	}
}
