package ws_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lxzan/gws"

	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// deflated returns a compressed message from a client. The message refers to no earlier message.
func deflated(text string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = io.WriteString(w, text)
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

const offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

// dialPacked connects a client that accepts compressed messages.
func dialPacked(t testing.TB, addr string) *wstest.Client {
	t.Helper()
	c := wstest.NewClient(t, wstest.Connect(t, addr, 0))
	c.Inflates = true
	if answer := c.Handshake(offer); answer.Header.Get("Sec-WebSocket-Extensions") != "permessage-deflate; client_no_context_takeover" {
		t.Fatalf("the offer got the response %q", answer.Header)
	}
	return c
}

func packing(cfg *ws.Config) {
	cfg.Deflate, cfg.PushWindow = true, 5*time.Millisecond
}

func TestDeflateNegotiation(t *testing.T) {
	for _, tt := range []struct{ offers, answer string }{
		{"", ""},
		{"permessage-deflate", "permessage-deflate; client_no_context_takeover"},
		{"permessage-deflate; client_no_context_takeover; client_max_window_bits=10", "permessage-deflate; client_no_context_takeover"},
		{"permessage-deflate; server_no_context_takeover", ""}, // the client could not inflate a batch
		{"permessage-deflate; server_max_window_bits=9", ""},
		{"permessage-deflate; server_no_context_takeover, permessage-deflate", "permessage-deflate; client_no_context_takeover"},
		{"x-webkit-deflate-frame, foo; bar=1", ""},
		{"permessage-deflate; nonsense", ""},
	} {
		for _, on := range []bool{true, false} {
			s := serve(t, func(cfg *ws.Config) { cfg.Deflate = on })
			answer := wstest.NewClient(t, wstest.Connect(t, s.addr, 0)).Handshake("Sec-WebSocket-Extensions: " + tt.offers + "\r\n")
			want := tt.answer
			if !on {
				want = ""
			}
			if got := answer.Header.Get("Sec-WebSocket-Extensions"); answer.StatusCode != http.StatusSwitchingProtocols || got != want {
				t.Errorf("%q gets the response %d %q, want %q", tt.offers, answer.StatusCode, got, want)
			}
		}
	}
}

func TestDeflatedFanout(t *testing.T) {
	s := serve(t, packing)
	rooms := []*ws.Fanout{s.NewFanout(), s.NewFanout()}
	const people, frames = 24, 500
	type member struct {
		*wstest.Client
		conn *ws.Conn
	}
	var members []member
	for i := range people {
		c := dialPacked
		if i%4 == 0 {
			c = func(t testing.TB, addr string) *wstest.Client { t.Helper(); return wstest.Dial(t, addr) }
		}
		v := member{c(t, s.addr), wstest.Receive(t, s.peers, "the connection").conn}
		members = append(members, v)
		rooms[0].Add(v.conn)
		if i%5 == 0 {
			rooms[1].Add(v.conn) // this client receives the frames of both fan-outs
		}
	}
	textOf := func(room, i int) string {
		return fmt.Sprintf(`{"room":%d,"n":%d,"text":"%s"}`, room, i, strings.Repeat("long words, ", i%17*i%11))
	}
	go func() {
		for i := range frames {
			rooms[0].Push(ws.TextFrame([]byte(textOf(0, i))))
			rooms[1].Push(ws.DroppableFrame([]byte(textOf(1, i)), ws.Span{}))
			if i%50 == 0 {
				v := members[rand.N(people)]
				v.conn.Send(ws.TextFrame([]byte("a reply in between")))
				<-time.After(3 * time.Millisecond) // time passes: the frames fill several push windows
			}
		}
	}()
	packed := 0
	for i, v := range members {
		next := [2]int{}
		for next[0] < frames || i%5 == 0 && next[1] < frames {
			_, payload, err := v.ReadFrame()
			if err != nil {
				t.Fatalf("visitor %d after %v: %v", i, next, err)
			}
			var room, n int
			if _, err := fmt.Sscanf(payload, `{"room":%d,"n":%d`, &room, &n); err != nil {
				continue // a reply, not a frame of the fan-out
			}
			if n != next[room] || payload != textOf(room, n) {
				t.Fatalf("client %d: after %v got %.80q", i, next, payload)
			}
			next[room]++
		}
		packed += v.Compressed
	}
	if packed < frames {
		t.Errorf("only %d messages were compressed", packed)
	}
}

// TestDeflatedFanoutAfterRejoining removes a connection from a fan-out and adds it again. It must not receive frames
// that refer to frames that it has missed.
func TestDeflatedFanoutAfterRejoining(t *testing.T) {
	s := serve(t, packing)
	room := s.NewFanout()
	stays := dialPacked(t, s.addr)
	room.Add(wstest.Receive(t, s.peers, "the connection").conn)
	goes := dialPacked(t, s.addr)
	conn := wstest.Receive(t, s.peers, "the connection").conn
	text := func(round int) string { return strings.Repeat(fmt.Sprintf("round %d of many ", round), 20) }
	for round := range 30 {
		if round%3 == 0 {
			room.Remove(conn)
		} else {
			room.Add(conn)
		}
		room.Push(ws.TextFrame([]byte(text(round))))
		stays.ExpectText(text(round))
		if round%3 != 0 {
			goes.ExpectText(text(round))
		}
	}
	if stays.Compressed == 0 || goes.Compressed == 0 {
		t.Error("no frame was compressed")
	}
}

// TestDeflatedFanoutToSlowReader checks that later frames do not refer to frames that were dropped for a slow reader.
func TestDeflatedFanoutToSlowReader(t *testing.T) {
	s := serve(t, func(cfg *ws.Config) {
		packing(cfg)
		cfg.SendBuffer, cfg.Skipped, cfg.WriteTimeout = 8<<10, skippedText, wstest.Timeout
	})
	room := s.NewFanout()
	c := wstest.NewClient(t, wstest.Connect(t, s.addr, 32<<10))
	c.Inflates = true
	c.Handshake(offer)
	conn := wstest.Receive(t, s.peers, "the connection").conn
	room.Add(conn)
	random := rand.NewChaCha8([32]byte{}) // random bytes cannot be compressed, so buffers fill
	textOf := map[string]bool{}
	pos := 0
	for ; s.Stats().Dropped.Load() < 100; pos++ {
		noise := make([]byte, 500)
		_, _ = random.Read(noise)
		payload := fmt.Sprintf(`{"n":%d,"noise":"%x"}`, pos, noise)
		textOf[payload] = true
		room.Push(ws.DroppableFrame([]byte(payload), ws.Span{Group: 6, Prev: int64(pos), Pos: int64(pos + 1)}))
		if pos%10 == 0 {
			<-time.After(time.Millisecond)
		}
	}
	room.Push(ws.TextFrame([]byte(strings.Repeat("the end ", 50))))
	for {
		_, payload, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(payload, "the end") {
			break
		}
		if !textOf[payload] && !strings.Contains(payload, `"skipped"`) {
			t.Fatalf("got %.100q, which was not pushed", payload)
		}
	}
	wstest.Eventually(t, "no frame is queued", func() bool { return s.Stats().QueuedBytes.Load() == 0 })
	before := c.Compressed
	for i := range 20 {
		again := strings.Repeat(fmt.Sprintf("again %d ", i), 50)
		room.Push(ws.TextFrame([]byte(again)))
		c.ExpectText(again)
	}
	if c.Compressed == before {
		t.Error("no frame is compressed after the slow client has caught up")
	}
}

// TestLargeBatchToIdleConnection sends a batch that is larger than the queue. The client must have time to read it, and
// later frames are dropped.
func TestLargeBatchToIdleConnection(t *testing.T) {
	for name, request := range map[string]string{"plain": "", "compressed": offer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(cfg *ws.Config) {
				packing(cfg)
				cfg.SendBuffer, cfg.Skipped, cfg.WriteTimeout = 8<<10, skippedText, wstest.Timeout
			})
			room := s.NewFanout()
			c := wstest.NewClient(t, wstest.Connect(t, s.addr, 32<<10))
			c.Inflates = request != ""
			c.Handshake(request)
			room.Add(wstest.Receive(t, s.peers, "the connection").conn)
			noise := make([]byte, 512<<10)
			_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
			large := fmt.Sprintf("%x", noise)
			room.Push(ws.DroppableFrame([]byte(large), ws.Span{Group: 6, Pos: 1}))
			wstest.Eventually(t, "the goroutine waits", func() bool { return s.Stats().QueuedBytes.Load() > 256<<10 })
			room.Push(ws.DroppableFrame([]byte(large), ws.Span{Group: 6, Prev: 1, Pos: 2}))
			wstest.Eventually(t, "the next notification is dropped", func() bool { return s.Stats().Dropped.Load() == 1 })
			c.ExpectText(large)
			c.ExpectText(string(skippedText(ws.Span{Group: 6, Prev: 1, Pos: 2}, 1)))
		})
	}
}

func TestCompressedClientMessages(t *testing.T) {
	s := serve(t, packing)
	t.Run("are read", func(t *testing.T) {
		c := dialPacked(t, s.addr)
		p := wstest.Receive(t, s.peers, "the connection")
		long := strings.Repeat("something ", 1000)
		c.Write(wstest.MaskedFrame(wstest.Fin|0x40|wstest.OpText, deflated(long))...)
		c.Write(wstest.MaskedFrame(wstest.Fin|wstest.OpText, "plain")...)
		half := deflated(long + "in halves")
		c.Write(wstest.MaskedFrame(0x40|wstest.OpText, half[:10])...)
		c.Write(wstest.MaskedFrame(wstest.Fin, half[10:])...)
		for _, want := range []string{long, "plain", long + "in halves"} {
			if got := wstest.Receive(t, p.texts, "a message"); got != want {
				t.Errorf("heard %.30q, want %.30q", got, want)
			}
		}
	})
	for _, tt := range []struct {
		name  string
		bytes []byte
		code  uint16
	}{
		{"that are not compressed", wstest.MaskedFrame(wstest.Fin|0x40|wstest.OpText, "\x07nonsense"), ws.CloseEncoding},
		{"that explode", wstest.MaskedFrame(wstest.Fin|0x40|wstest.OpText, deflated(strings.Repeat("a", 10<<20))), ws.CloseEncoding},
		{"that are not text", wstest.MaskedFrame(wstest.Fin|0x40|wstest.OpText, deflated("\xff\xfe")), ws.CloseEncoding},
		{"with another reserved bit", wstest.MaskedFrame(wstest.Fin|0x60|wstest.OpText, deflated("x")), ws.CloseProtocol},
		{"in a control frame", wstest.MaskedFrame(wstest.Fin|0x40|wstest.OpPing, ""), ws.CloseProtocol},
		{"that go on compressed", append(wstest.MaskedFrame(0x40|wstest.OpText, "x"), wstest.MaskedFrame(wstest.Fin|0x40, "x")...), ws.CloseProtocol},
	} {
		t.Run(tt.name+" end the connection", func(t *testing.T) {
			c := dialPacked(t, s.addr)
			c.Write(tt.bytes...)
			if reason := c.ExpectClose(tt.code); strings.Contains(reason, "gws") {
				t.Errorf("the reason names the library: %q", reason)
			}
		})
	}
}

// hearer is a client that uses the WebSocket library, with its independent inflate code.
type hearer struct {
	gws.BuiltinEventHandler
	heard chan string
}

// OnMessage sends the message to the channel.
func (h hearer) OnMessage(_ *gws.Conn, message *gws.Message) {
	defer message.Close()
	h.heard <- string(message.Bytes())
}

func TestDeflatedFanoutToLibraryClient(t *testing.T) {
	s := serve(t, packing)
	h := hearer{heard: make(chan string, 1000)}
	conn, _, err := gws.NewClient(h, &gws.ClientOption{
		Addr:              "ws://" + s.addr + "/ws",
		PermessageDeflate: gws.PermessageDeflate{Enabled: true, ServerContextTakeover: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	go conn.ReadLoop()
	defer func() { _ = conn.NetConn().Close() }()
	room := s.NewFanout()
	room.Add(wstest.Receive(t, s.peers, "the connection").conn)
	for batch := range 60 {
		var texts []string
		for i := range 1 + batch%5 {
			texts = append(texts, fmt.Sprintf(`{"type":"comment","pos":%d,"data":{"user":7,"nickname":"viewer 7","text":"hello %d"}}`, 5*batch+i, batch))
			room.Push(ws.TextFrame([]byte(texts[i])))
		}
		for _, want := range texts {
			if got := wstest.Receive(t, h.heard, "a push"); got != want {
				t.Fatalf("batch %d: heard %.80q, want %.80q", batch, got, want)
			}
		}
	}
}
