package rtmp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/internal/waittest"
	"roomlog/media/rtmp"
)

const soon = 200 * time.Millisecond

// trickle writes b byte by byte, each before any deadline, until the connection ends.
func (c *client) trickle(b []byte) {
	for _, one := range b {
		if _, err := c.Write([]byte{one}); err != nil {
			return
		}
		<-time.After(5 * time.Millisecond) // time passes: the client is slow, and slower on a slow machine
	}
}

// expectOpen fails the test if ch is closed.
func expectOpen(t *testing.T, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
		t.Fatal(what)
	default:
	}
}

func TestHandshakeIsLimited(t *testing.T) {
	for _, tt := range []struct {
		name     string
		say      func(*client)
		trickles bool // whether say sends for at least 15 s, with pauses shorter than any timeout
	}{
		{"of a silent client", func(*client) {}, false},
		{"of a handshake byte by byte", func(c *client) { c.trickle(greeting()) }, true},
		{"of a connect byte by byte", func(c *client) { c.send(greeting()); c.trickle(bytes.Repeat(connect("live"), 50)) }, true},
		{"of a client that waits after connect", func(c *client) { c.send(greeting(), connect("live")) }, false},
		{"of a client that sends many messages", func(c *client) { c.send(greeting(), connect("live")); c.trickle(bytes.Repeat(command("x", 1), 100)) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, c := pair(t, rtmp.Config{HandshakeTimeout: soon})
			begun, sent := time.Now(), make(chan struct{})
			go func() {
				defer close(sent)
				tt.say(c)
			}()
			_, err := open(conn)
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			if took := time.Since(begun); took < soon { // time passes: a slow machine needs longer
				t.Fatalf("it took %v", took)
			}
			if tt.trickles {
				expectOpen(t, sent, "the client has sent everything")
			}
		})
	}
}

func TestIdlePublishersEnd(t *testing.T) {
	for _, tt := range []struct {
		name     string
		cfg      rtmp.Config
		trickles bool // whether say sends for at least 25 s, with pauses shorter than any timeout
		say      func(*client)
	}{
		{"when no message comes", rtmp.Config{MessageTimeout: soon}, false, func(*client) {}},
		{"when a message comes byte by byte", rtmp.Config{MessageTimeout: soon}, true, func(c *client) { c.trickle(header(4, 9, 5000, 0)); c.trickle(make([]byte, 5000)) }},
		{"when no media comes among the messages", rtmp.Config{RTMPTimeout: soon}, true, func(c *client) {
			c.trickle(bytes.Repeat(command("_checkbw", 0, nil), 1000))
		}},
		{"when only metadata comes", rtmp.Config{RTMPTimeout: soon}, true, func(c *client) {
			c.trickle(bytes.Repeat(message(18, []byte("x")), 1000))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, c := publishing(t, tt.cfg)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				tt.say(c)
			}()
			for {
				_, err := conn.ReadMedia()
				if errors.Is(err, rtmp.ErrIdle) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if tt.trickles {
				expectOpen(t, sent, "the client has sent everything")
			}
			conn.Close()
		})
	}
}

func TestPublisherEndsWithUnpublish(t *testing.T) {
	frame := append(header(4, 9, 2, 0), 0x17, 1)
	for _, tt := range []struct {
		name string
		say  []byte
		then func(*client)
	}{
		{"by deleteStream", command("deleteStream", 5, nil, 1), nil},
		{"by closeStream", command("closeStream", 5, nil), nil},
		{"by FCUnpublish and deleteStream", bytes.Join([][]byte{command("FCUnpublish", 4, nil, "KEY"), command("deleteStream", 5, nil, 1)}, nil), nil},
		{"by FCUnpublish followed by media", bytes.Join([][]byte{command("FCUnpublish", 4, nil, "KEY"), frame, command("deleteStream", 5, nil, 1)}, nil), nil},
		{"by FCUnpublish and a closed connection", command("FCUnpublish", 4, nil, "KEY"), func(c *client) { c.Close() }},
		{"by FCUnpublish alone", command("FCUnpublish", 4, nil, "KEY"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, c := publishing(t, rtmp.Config{})
			c.send(frame, tt.say)
			if m, err := conn.ReadMedia(); err != nil || len(m.Data) != 2 {
				t.Fatalf("got %+v, %v", m, err)
			}
			if tt.then != nil {
				tt.then(c)
			}
			if m, err := conn.ReadMedia(); !errors.Is(err, rtmp.ErrDone) {
				t.Fatalf("got %+v, %v", m, err)
			}
			if tt.then != nil {
				return
			}
			again := command("publish", 6, nil, "AGAIN")
			if !strings.HasSuffix(tt.name, "alone") {
				c.send(again)
				if r, err := conn.NextRequest(); err != nil || r.Name != "AGAIN" || !r.Publish {
					t.Fatalf("got %+v, %v", r, err)
				}
			} else if _, err := conn.NextRequest(); !errors.Is(err, rtmp.ErrDone) { // a message may be incomplete
				t.Fatal(err)
			}
			conn.Finish()
			waittest.Receive(t, c.ended, "the end of the client")
			if !c.hears(rtmp.UnpublishSuccess) {
				t.Fatalf("got %q", c.heard.String())
			}
		})
	}
	t.Run("but not by a broken connection", func(t *testing.T) {
		conn, c := publishing(t, rtmp.Config{})
		c.send(frame)
		if _, err := conn.ReadMedia(); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if _, err := conn.ReadMedia(); errors.Is(err, rtmp.ErrDone) || !isClosed(err) {
			t.Fatal(err)
		}
	})
}

func TestPublishersGetPingsAndAcknowledgements(t *testing.T) {
	conn, c := publishing(t, rtmp.Config{RTMPPing: time.Millisecond})
	window := binary.BigEndian.AppendUint32(nil, 1) // the client wants an acknowledgement for every byte
	c.send(message(5, window))
	go func() {
		for c.hears("") {
			if _, err := c.Write(append(header(4, 9, 128, 0), body(128)...)); err != nil {
				return
			}
		}
	}()
	const ping, ack = "\x02\x00\x00\x00\x00\x00\x06\x04\x00\x00\x00\x00\x00\x06", "\x02\x00\x00\x00\x00\x00\x04\x03\x00\x00\x00\x00\x00\x00"
	eventually(t, "a ping and an acknowledgement", func() bool {
		if _, err := conn.ReadMedia(); err != nil {
			t.Fatal(err)
		}
		return c.hears(ping) && c.hears(ack)
	})
	c.mu.Lock()
	acks := bytes.Count(c.heard.Bytes(), []byte(ack))
	c.mu.Unlock()
	if most := conn.Bytes()/(32<<10) + 1; uint64(acks) > most {
		t.Fatalf("%d acknowledgements of %d bytes", acks, conn.Bytes())
	}
	c.Close()
}

func TestPlayersAreKeptAliveByPings(t *testing.T) {
	playing := func(t *testing.T, cfg rtmp.Config) (*rtmp.Conn, *client, chan error) {
		conn, c := pair(t, cfg)
		c.send(toPlay("KEY"))
		accept(t, conn)
		ended := make(chan error, 1)
		go func() { ended <- conn.Serve(func(rtmp.Reception) {}) }()
		return conn, c, ended
	}
	t.Run("silent players get a ping and are disconnected", func(t *testing.T) {
		for limit := soon; limit <= 32*soon; limit *= 2 { // on a slow machine, a short time is over before the first ping
			conn, c, ended := playing(t, rtmp.Config{RTMPPing: 50 * time.Millisecond, RTMPTimeout: limit})
			if err := waittest.Receive(t, ended, "the end of the connection"); !errors.Is(err, rtmp.ErrIdle) {
				t.Fatal(err)
			}
			_ = conn.Close()
			waittest.Receive(t, c.ended, "the end of the client")
			if c.hears("\x00\x06\x04\x00\x00\x00\x00\x00\x06") {
				return
			}
		}
		t.Error("no player has got a ping before its end")
	})
	t.Run("players that answer stay", func(t *testing.T) {
		var ahead atomic.Int64 // time by which the server's clock is ahead of the real time
		now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		_, c, ended := playing(t, rtmp.Config{Now: now, RTMPPing: 50 * time.Millisecond, RTMPTimeout: time.Hour})
		for i := range byte(10) {
			ahead.Add(int64(50 * time.Minute))
			c.send(message(4, []byte{0, 7, 0, 0, 0, 0}), message(4, []byte{0, 6, 0, 0, 0, i})) // a pong, and a ping
			c.expect(t, string([]byte{0, 7, 0, 0, 0, i}))
		}
		c.Close()
		if err := waittest.Receive(t, ended, "the end of the connection"); !isClosed(err) {
			t.Fatal(err)
		}
	})
	t.Run("pings of players are answered", func(t *testing.T) {
		_, c, _ := playing(t, rtmp.Config{})
		c.send(message(4, []byte{0, 6, 1, 2, 3, 4}))
		c.expect(t, "\x00\x07\x01\x02\x03\x04")
		c.Close()
	})
	t.Run("deleteStream ends a player", func(t *testing.T) {
		_, c, ended := playing(t, rtmp.Config{})
		c.send(command("deleteStream", 9, nil, 1))
		if err := waittest.Receive(t, ended, "the end of the connection"); !errors.Is(err, rtmp.ErrDone) {
			t.Fatal(err)
		}
	})
	t.Run("players must not send media", func(t *testing.T) {
		_, c, ended := playing(t, rtmp.Config{})
		c.send(header(4, 9, 10, 0))
		if err := waittest.Receive(t, ended, "the end of the connection"); !errors.Is(err, rtmp.ErrProtocol) {
			t.Fatal(err)
		}
	})
	t.Run("the player is notified of the end of the stream", func(t *testing.T) {
		conn, c, ended := playing(t, rtmp.Config{})
		frame := rtmp.AppendMedia(nil, rtmp.TypeVideo, 0, []byte("frame"))
		if n, err := conn.Write(&net.Buffers{frame, frame}); err != nil || n != int64(2*len(frame)) {
			t.Fatal(n, err)
		}
		conn.Finish()
		waittest.Receive(t, c.ended, "the end of the client")
		if !c.hears(string(frame)+string(frame)) || !c.hears(rtmp.PlayUnpublished) {
			t.Fatalf("got %q", c.heard.String())
		}
		if err := waittest.Receive(t, ended, "the end of the connection"); !isClosed(err) {
			t.Fatal(err)
		}
	})
	t.Run("players that accept no data are disconnected", func(t *testing.T) {
		conn, c := pair(t, rtmp.Config{MediaTimeout: soon})
		c.send(toPlay("KEY"))
		accept(t, conn)
		c.mu.Lock() // the reader of the client stops
		defer c.mu.Unlock()
		for range 1000 {
			if _, err := conn.Write(&net.Buffers{make([]byte, 1<<20)}); err != nil {
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatal(err)
				}
				return
			}
		}
		t.Fatal("the player accepted all frames, want it to stall")
	})
}
