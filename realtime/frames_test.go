package realtime_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"roomlog/realtime"
)

// echo answers every message with itself.
func echo(p *peer, message string) { p.conn.Send(realtime.MustFrame([]byte(message))) }

func echoing(cfg *realtime.SocketConfig) {
	cfg.Open = func(c *realtime.Conn, _ *http.Request) realtime.Peer {
		return &peer{conn: c, onText: echo, closed: make(chan ending, 1)}
	}
}

func TestMessages(t *testing.T) {
	s := serve(t, echoing)

	t.Run("come and go whole", func(t *testing.T) {
		c := dial(t, s.addr)
		for _, size := range []int{0, 1, 125, 126, 1000, 1024, 5000, 16 << 10} {
			message := strings.Repeat("ä", size/2)
			c.say(message)
			c.hear(message)
		}
	})
	t.Run("sent right behind the upgrade request are not lost", func(t *testing.T) {
		c := dial(t, s.addr, append(frame(fin|text, "early"), frame(fin|text, strings.Repeat("x", 3000))...)...)
		c.hear("early")
		c.hear(strings.Repeat("x", 3000))
	})
	t.Run("in fragments are put together, with a ping between them", func(t *testing.T) {
		c := dial(t, s.addr)
		c.send(frame(text, "one ")...)
		c.send(frame(0, "")...)
		c.send(frame(fin|ping, "still there?")...)
		c.send(frame(0, "two ")...)
		c.send(frame(fin, "three")...)
		if opcode, payload, err := c.next(); err != nil || opcode != pong || payload != "still there?" {
			t.Errorf("the ping was answered with %d %q %v", opcode, payload, err)
		}
		c.hear("one two three")
	})
	t.Run("arrive byte by byte too", func(t *testing.T) {
		c := dial(t, s.addr)
		for _, b := range append(frame(fin|text, strings.Repeat("y", 300)), frame(fin|text, "z")...) {
			c.send(b)
		}
		c.hear(strings.Repeat("y", 300))
		c.hear("z")
	})
	t.Run("with a mask are unmasked", func(t *testing.T) {
		c := dial(t, s.addr)
		c.send(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58) // RFC 6455, 5.7
		c.hear("Hello")
	})
}

func TestBadFrames(t *testing.T) {
	s := serve(t, func(cfg *realtime.SocketConfig) { echoing(cfg); cfg.FrameBurst = 100_000; cfg.FrameRate = 100_000 })
	witness := dial(t, s.addr)
	long := func(first byte, length ...byte) []byte {
		return append(append([]byte{first, 0xff}, length...), 0, 0, 0, 0)
	}
	for _, test := range []struct {
		name string
		send []byte
		code uint16
	}{
		{"14 bytes whose length has the top bit set", long(fin|text, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 1002},
		{"a length of exactly the top bit", long(fin|text, 0x80, 0, 0, 0, 0, 0, 0, 0), 1002},
		{"a length that would overflow the message so far", append(frame(text, "x"), long(0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)...), 1009},
		{"an announced megabyte of which nothing comes", long(fin|text, 0, 0, 0, 0, 0, 0x10, 0, 0), 1009},
		{"a megabyte", frame(fin|text, strings.Repeat("x", 1<<20)), 1009},
		{"a message too large by a byte", frame(fin|text, strings.Repeat("x", 16<<10+1)), 1009},
		{"fragments too large together", append(frame(text, strings.Repeat("x", 9<<10)), frame(fin, strings.Repeat("x", 9<<10))...), 1009},
		{"a binary frame", frame(fin|bin, "x"), 1003},
		{"invalid UTF-8", frame(fin|text, "\xff\xfe"), 1007},
		{"UTF-8 that ends inside a rune", frame(fin|text, "\xe4\xbd"), 1007},
		{"no mask", []byte{fin | text, 1, 'x'}, 1002},
		{"reserved bit 1", frame(fin|0x40|text, "x"), 1002},
		{"reserved bit 2", frame(fin|0x20|text, "x"), 1002},
		{"reserved bit 3", frame(fin|0x10|text, "x"), 1002},
		{"reserved data opcode", frame(fin|0x3, "x"), 1002},
		{"reserved control opcode", frame(fin|0xb, "x"), 1002},
		{"a continuation of nothing", frame(fin, "x"), 1002},
		{"a message inside a message", append(frame(text, "x"), frame(fin|text, "x")...), 1002},
		{"a fragmented ping", frame(ping, "x"), 1002},
		{"a ping too long", frame(fin|ping, strings.Repeat("x", 126)), 1002},
		{"a close frame too long", frame(fin|closing, closePayload(1000, strings.Repeat("x", 124))), 1002},
		{"a close code that may not be sent", frame(fin|closing, closePayload(1006, "")), 1002},
		{"a close reason that is not UTF-8", frame(fin|closing, closePayload(1000, "\xff")), 1007},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := dial(t, s.addr)
			c.say("before")
			c.send(test.send...)
			c.hear("before")
			c.closedWith(test.code)
			witness.say("still here")
			witness.hear("still here")
		})
	}
	if n := s.Stats().Panics.Load(); n != 0 {
		t.Errorf("%d panics", n)
	}
}

func TestFloods(t *testing.T) {
	s := serve(t, echoing)
	witness := dial(t, s.addr)
	for name, flood := range map[string]struct{ begin, again []byte }{
		"10,000 messages":             {nil, frame(fin|text, "x")},
		"endless empty fragments":     {frame(text, ""), frame(0, "")},
		"pings":                       {nil, frame(fin|ping, "")},
		"pongs that nobody asked for": {nil, frame(fin|pong, "")},
	} {
		t.Run(name+" are closed", func(t *testing.T) {
			c := dial(t, s.addr)
			before := s.Stats().FramesIn.Load()
			c.send(append(flood.begin, bytes.Repeat(flood.again, 10_000)...)...)
			c.closedWith(realtime.CloseTooMany)
			if n := s.Stats().FramesIn.Load() - before; n > 300 {
				t.Errorf("%d frames were looked at", n)
			}
			witness.say("still here")
			witness.hear("still here")
		})
	}
	t.Run("that never end still learn the close code", func(t *testing.T) {
		c := dial(t, s.addr)
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for flood := bytes.Repeat(frame(fin|text, strings.Repeat("x", 2000)), 16); ; {
				if _, err := c.conn.Write(flood); err != nil {
					return
				}
			}
		}()
		for {
			opcode, payload, err := c.next()
			if err != nil {
				t.Fatal(err)
			}
			if opcode == closing {
				if want := closePayload(realtime.CloseTooMany, "too many frames"); payload != want {
					t.Errorf("closed with %q, want %q", payload, want)
				}
				break
			}
		}
		receive(t, stopped, "the server to cut the line")
	})
	t.Run("below the limit live", func(t *testing.T) {
		s := serve(t, func(cfg *realtime.SocketConfig) { echoing(cfg); cfg.FrameRate, cfg.FrameBurst = 1e6, 10 })
		c := dial(t, s.addr)
		for i := range 2000 {
			message := fmt.Sprint(i)
			c.say(message)
			c.hear(message)
		}
	})
}

func TestClosing(t *testing.T) {
	s := serve(t, nil)
	meet := func(t *testing.T) (*client, *peer) {
		c := dial(t, s.addr)
		return c, receive(t, s.peers, "the connection")
	}
	t.Run("by the client tells its own code and reason", func(t *testing.T) {
		c, p := meet(t)
		c.send(frame(fin|closing, closePayload(1001, "off to bed"))...)
		c.closedWith(1000)
		if got := receive(t, p.closed, "Closed"); got != (ending{1001, "off to bed"}) {
			t.Errorf("Closed got %v", got)
		}
	})
	t.Run("by the client without a code is CloseNoStatus", func(t *testing.T) {
		c, p := meet(t)
		c.send(frame(fin|closing, "")...)
		if opcode, payload, err := c.next(); err != nil || opcode != closing || payload != "" {
			t.Errorf("answered with %d %q %v", opcode, payload, err)
		}
		if got := receive(t, p.closed, "Closed"); got.code != realtime.CloseNoStatus {
			t.Errorf("Closed got %v", got)
		}
	})
	t.Run("without a word is CloseLost", func(t *testing.T) {
		c, p := meet(t)
		_ = c.conn.Close()
		if got := receive(t, p.closed, "Closed"); got != (ending{realtime.CloseLost, ""}) {
			t.Errorf("Closed got %v", got)
		}
	})
	t.Run("by us comes after everything that was sent, and only once", func(t *testing.T) {
		c, p := meet(t)
		p.conn.Send(realtime.MustFrame([]byte("last words")), realtime.MustFrame([]byte("really")))
		p.conn.Close(realtime.CloseReplaced, "signed in elsewhere")
		p.conn.Close(realtime.CloseKicked, "too late")
		p.conn.Send(realtime.MustFrame([]byte("too late")))
		c.hear("last words")
		c.hear("really")
		if reason := c.closedWith(realtime.CloseReplaced); reason != "signed in elsewhere" {
			t.Errorf("reason %q", reason)
		}
		if got := receive(t, p.closed, "Closed"); got != (ending{realtime.CloseReplaced, "signed in elsewhere"}) {
			t.Errorf("Closed got %v", got)
		}
	})
	t.Run("while messages are under way: none is handed on after Close", func(t *testing.T) {
		heard := make(chan string, 10)
		s := serve(t, func(cfg *realtime.SocketConfig) {
			cfg.Open = func(c *realtime.Conn, _ *http.Request) realtime.Peer {
				return &peer{conn: c, closed: make(chan ending, 1), onText: func(p *peer, message string) {
					heard <- message
					p.conn.Close(realtime.CloseKicked, "")
				}}
			}
		})
		c := dial(t, s.addr)
		c.send(append(frame(fin|text, "one"), frame(fin|text, "two")...)...)
		c.closedWith(realtime.CloseKicked)
		eventually(t, "the connection is gone", func() bool { return s.Stats().Open.Load() == 0 })
		if len(heard) != 1 {
			t.Errorf("%d messages were handed on", len(heard))
		}
	})
	t.Run("with a reason too long is cut at a rune", func(t *testing.T) {
		for pad := range 3 {
			c, p := meet(t)
			p.conn.Close(realtime.CloseKicked, strings.Repeat("x", pad)+strings.Repeat("直", 60))
			reason := c.closedWith(realtime.CloseKicked)
			if !utf8.ValidString(reason) || len(reason) > 123 || len(reason) < 121 {
				t.Errorf("reason of %d bytes, valid %t: %q", len(reason), utf8.ValidString(reason), reason)
			}
		}
	})
	t.Run("is counted by code, and made-up codes together", func(t *testing.T) {
		for _, code := range []uint16{3999, 4321, 4999} {
			c, p := meet(t)
			c.send(frame(fin|closing, closePayload(code, ""))...)
			c.closedWith(code)
			receive(t, p.closed, "Closed")
		}
		eventually(t, "all are counted", func() bool { return s.Stats().Closed()[realtime.CodeOther] == 3 })
		if n := s.Stats().Closed()[realtime.CloseKicked]; n != 3 {
			t.Errorf("%d kicked, want 3", n)
		}
	})
}

func TestPanics(t *testing.T) {
	boom := func(*peer, string) { panic("boom") }
	s := serve(t, func(cfg *realtime.SocketConfig) {
		cfg.Open = func(c *realtime.Conn, r *http.Request) realtime.Peer {
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
	witness := dial(t, s.addr)
	for _, where := range []string{"open", "text", "closed"} {
		t.Run("in "+where+" ends that connection only", func(t *testing.T) {
			before := s.Stats().Panics.Load()
			conn := connect(t, s.addr, 0)
			c := newClient(t, conn)
			c.request("Panic: " + where + "\r\n")
			switch where {
			case "closed":
				c.send(frame(fin|closing, closePayload(1000, ""))...)
				c.closedWith(1000)
			case "text":
				c.say("x")
				fallthrough
			default:
				c.closedWith(realtime.CloseInternal)
			}
			eventually(t, "the connection is gone", func() bool { return s.Stats().Open.Load() == 1 })
			if n := s.Stats().Panics.Load() - before; n != 1 {
				t.Errorf("%d panics counted", n)
			}
			witness.say("still here")
			witness.hear("still here")
		})
	}
}

// closedPanics is a peer that fails at its last call.
type closedPanics struct{}

func (closedPanics) Text([]byte)           {}
func (closedPanics) Closed(uint16, string) { panic("boom") }

func TestTimeouts(t *testing.T) {
	t.Run("a client that never says hello is closed", func(t *testing.T) {
		s := serve(t, func(cfg *realtime.SocketConfig) { cfg.HelloTimeout = 50 * time.Millisecond })
		c, p := dial(t, s.addr), receive(t, s.peers, "the connection")
		c.closedWith(realtime.CloseHelloTimeout)
		if got := receive(t, p.closed, "Closed"); got.code != realtime.CloseHelloTimeout {
			t.Errorf("Closed got %v", got)
		}
	})
	t.Run("a client that says hello stays, and a half-open connection is reaped", func(t *testing.T) {
		const idle = 300 * time.Millisecond
		s := serve(t, func(cfg *realtime.SocketConfig) {
			cfg.HelloTimeout, cfg.PingInterval, cfg.IdleTimeout = idle, idle/10, idle
		})
		alive, p := dial(t, s.addr), receive(t, s.peers, "the connection")
		p.conn.Greeted()
		dead, q := dial(t, s.addr), receive(t, s.peers, "the connection") // answers no ping
		q.conn.Greeted()
		for start := time.Now(); time.Since(start) < 3*idle; {
			opcode, payload, err := alive.next()
			if err != nil || opcode != ping {
				t.Fatalf("got %d %v, want a ping", opcode, err)
			}
			alive.send(frame(fin|pong, payload)...)
		}
		if got := receive(t, q.closed, "Closed"); got.code != realtime.CloseIdle {
			t.Errorf("Closed got %v", got)
		}
		dead.closedWith(realtime.CloseIdle)
		if len(p.closed) > 0 {
			t.Error("the living one was closed as well")
		}
	})
	t.Run("bytes that never become a frame do not keep a connection", func(t *testing.T) {
		const idle = 200 * time.Millisecond
		s := serve(t, func(cfg *realtime.SocketConfig) { cfg.IdleTimeout = idle })
		c, p := dial(t, s.addr), receive(t, s.peers, "the connection")
		c.send(frame(fin|text, strings.Repeat("x", 1000))[:8]...)
		ticks := time.NewTicker(idle / 10)
		defer ticks.Stop()
		for {
			select {
			case got := <-p.closed:
				if got.code != realtime.CloseIdle {
					t.Errorf("Closed got %v", got)
				}
				return
			case <-ticks.C:
				_, _ = c.conn.Write([]byte("x")) // the server may close meanwhile
			case <-time.After(patience):
				t.Fatal("the connection lives on")
			}
		}
	})
}

func TestReconnectAdvised(t *testing.T) {
	for code, want := range map[uint16]bool{
		1000: false, 1001: true, 1002: false, 1003: false, 1006: true, 1007: false, 1009: false, 1011: true, 1012: true,
		3000: true, 3499: true, 3500: false, 3999: false, 4499: true, 4999: false,
		realtime.CloseSlow: true, realtime.CloseBehind: true, realtime.CloseHelloTimeout: true, realtime.CloseIdle: true,
		realtime.CloseTooMany: true, realtime.CloseReplaced: false, realtime.CloseTokenInvalid: false, realtime.CloseKicked: false,
	} {
		if got := realtime.ReconnectAdvised(code); got != want {
			t.Errorf("ReconnectAdvised(%d) = %t", code, got)
		}
	}
}
