package media_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"roomlog/internal/logtest"
	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/amf"
	"roomlog/media/flv"
	"roomlog/media/rtmp"
)

const mostHeap = 20 << 20 // maximum number of bytes of memory that one connection may use

// heap returns the size of all live objects.
func heap() uint64 {
	runtime.GC()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // HeapAlloc would include what was allocated after the garbage collection
	metrics.Read(live)
	return live[0].Value.Uint64()
}

// unfinished returns the beginnings of messages in several chunk streams. The messages announce more bytes than are
// sent.
func unfinished(streams int, kind byte, length int) []byte {
	var b []byte
	for i := range streams {
		b = append(b, 0, byte(i), 0, 0, 0, byte(length>>16), byte(length>>8), byte(length), kind, 0, 0, 0, 0)
		b = append(b, make([]byte, min(length, rtmp.ChunkSize))...)
	}
	return b
}

// flood returns incomplete media messages of 8 MiB, each in its own chunk stream.
func flood() []byte {
	b := make([]byte, 0, 3*140*rtmp.ChunkSize)
	for cs := byte(10); cs < 13; cs++ {
		b = append(b, cs, 0, 0, 0, 0x7f, 0xff, 0xff, flv.Video, 1, 0, 0, 0)
		b = append(b, make([]byte, rtmp.ChunkSize)...)
		for range 130 {
			b = append(append(b, 3<<6|cs), make([]byte, rtmp.ChunkSize)...)
		}
	}
	return b
}

func nested(n int) []byte {
	return append(amf.Encode("connect", 1), bytes.Repeat([]byte{3, 0, 1, 'a'}, n)...)
}

// TestAttacksOfUnauthenticatedClients checks that clients without a sign cannot end the process, use much memory, or
// stay connected.
func TestAttacksOfUnauthenticatedClients(t *testing.T) {
	h := run(t, func(c *media.Config) { c.RTMP.HandshakeTimeout = time.Second })
	greeting := append([]byte{3}, make([]byte, 2*1536)...)
	join := func(b ...[]byte) []byte { return bytes.Join(append([][]byte{greeting}, b...), nil) }
	chunks := hello("live", "x", 1)[1+2*1536:][:16]
	for name, b := range map[string][]byte{
		"nothing":                         nil,
		"half a handshake":                greeting[:700],
		"another version":                 append([]byte{6}, greeting[1:]...),
		"HTTP":                            []byte("GET /live/KEY.flv HTTP/1.1\r\nHost: x\r\n\r\n"),
		"TLS":                             {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3},
		"a handshake and nothing else":    greeting,
		"an AMF bomb":                     join(chunks, rtmpMessage(20, append(amf.Encode("connect", 1), 10, 0xff, 0xff, 0xff, 0xff, 0))),
		"AMF nested 16,000 deep":          join(chunks, rtmpMessage(20, nested(16_000))),
		"AMF of 2 MB, nested without end": join(chunks, rtmpMessage(20, nested(9<<16))),
		"32 chunk streams of 64 KiB":      join(unfinished(32, 20, 64<<10)),
		"a thousand chunk streams":        join(bytes.Repeat(unfinished(250, 20, 100), 4)),
		"16 MiB announced and not sent":   join(unfinished(1, 20, 1<<24-1)),
		"media before a request":          join(chunks, rtmpCommand("connect", 1, amf.Object{"app": "live"}), flood()[:1<<20]),
		"a name of %zz":                   hello("live", "publish", 3, nil, "%zz", "live"),
		"an app of %zz":                   hello("%zz", "play", 3, nil, "%zz?%zz=%zz"),
		"a name of 60 KB":                 hello("live", "play", 3, nil, strings.Repeat("a", 60_000)),
		"a name with ..":                  hello("live", "publish", 3, nil, "../../etc/passwd", "live"),
		"a thousand messages":             join(chunks, bytes.Repeat(rtmpCommand("_checkbw", 1, nil), 1000)),
		"a thousand chunk sizes":          join(bytes.Repeat(chunks, 1000)),
		"media after a refused publish":   append(hello("live", "publish", 3, nil, "KEY", "live"), flood()[:1<<20]...),
		"unknown commands":                join(chunks, rtmpMessage(20, []byte{0, 0, 0}), rtmpMessage(17, []byte{0})),
		"a ping, a window size and an unknown message": join(chunks, rtmpMessage(4, []byte{0, 6}), rtmpMessage(5, nil), rtmpMessage(77, []byte("x"))),
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			s := dialRTMP(t, h.rtmp)
			begun := time.Now()
			done := make(chan struct{})
			go func() { defer close(done); s.send(b) }()
			most := uint64(0)
			for open := true; open; {
				select {
				case <-s.ended:
					open = false
				case <-time.After(50 * time.Millisecond):
					most = max(most, heap())
				}
				if time.Since(begun) > 2*timeout { // time passes: it bounds the wait
					t.Fatal("the connection does not end")
				}
			}
			waittest.Receive(t, done, "the end of the sender")
			if most > before+mostHeap {
				t.Fatalf("the connection used %d KiB", (most-before)>>10)
			}
		})
	}
	h.publishInTime(t, "KEY").begin(0)
	h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "first"))
}

// publishInTime publishes on a server with a short HandshakeTimeout. If it was too slow, it tries again.
func (h *testServer) publishInTime(t *testing.T, key string) (s *sender) {
	t.Helper()
	eventually(t, "a publisher in time", func() bool {
		s = h.dialRequest(t, "live", "publish", 3, nil, key+"?sign="+h.signer.Publish(key), "live")
		eventually(t, "a response or the end", func() bool {
			select {
			case <-s.ended:
				return true
			default:
				return s.hears(rtmp.PublishStart)
			}
		})
		return s.hears(rtmp.PublishStart)
	})
	return s
}

// TestAttacksOfPublishers checks that an authorized publisher can end only its own connection.
func TestAttacksOfPublishers(t *testing.T) {
	h := run(t, func(c *media.Config) { c.SettleTime = 50 * time.Millisecond }) // only video arrives
	bad := func(head string, body string) []byte { return append([]byte(head), body...) }
	media := func(kind byte, payloads ...[]byte) []byte {
		var b []byte
		for _, p := range payloads {
			b = rtmp.AppendMedia(b, kind, 0, p)
		}
		return b
	}
	for name, b := range map[string][]byte{
		"messages without an end": flood(),
		"chunks of one byte":      {2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 1},
		"malformed headers of H264": media(flv.Video, bad("\x17\x00\x00\x00\x00", ""), bad("\x17\x00\x00\x00\x00", "\x01\x64\x00\x1f\xff\xff\xff\xff"),
			bad("\x17\x00\x00\x00\x00", "\x01\x64\x00\x1f\xff\xe1\x00\x04\x67\x64\x00\x1f\x01\x00\x00")),
		"malformed headers of HEVC": media(flv.Video, bad("\x1c\x00\x00\x00\x00", "\x01"), bad("\x90hvc1", "\x01"+strings.Repeat("\xff", 40)),
			bad("\x90hvc1", strings.Repeat("\x00", 22)+"\xff\x20\xff\xff"), bad("\x90hvc1", "")),
		"malformed headers of AV1":   media(flv.Video, bad("\x90av01", "\x81\x08\x0c\x00\x0a\xff\xff\xff\xff\x0f"), bad("\x90av01", "")),
		"malformed headers of AAC":   media(flv.Audio, bad("\xaf\x00", ""), bad("\xaf\x00", "\x17\x80\x00\x00\x10"), bad("\xaf\x00", "\xff\xff\xff\xff\xff")),
		"enhanced packets cut short": media(flv.Video, []byte("\x97"), []byte("\x97\xff"), []byte("\x96"), []byte("\x96\x00avc"), []byte("\x91")),
		"headers of 64 tracks": func() []byte {
			var b []byte
			for i := range 64 {
				b = append(b, media(flv.Video, bad("\x96\x00avc1"+string([]byte{byte(i)}), strings.Repeat("x", 200_000)))...)
			}
			return b
		}(),
		"key frames of 7 MiB":          media(flv.Video, bytes.Repeat([]byte{0x17, 1}, 7<<19), bytes.Repeat([]byte{0x17, 1}, 7<<19), bytes.Repeat([]byte{0x17, 1}, 7<<19)),
		"pictures without a key frame": append(media(flv.Video, []byte{0x17, 1, 0, 0, 0}), bytes.Repeat(media(flv.Video, bytes.Repeat([]byte{0x27, 1}, 5000)), 1800)...),
		"audio without end":            bytes.Repeat(media(flv.Audio, bytes.Repeat([]byte{0x2f}, 1000)), 3000),
		"metadata without end":         bytes.Repeat(media(flv.Script, amf.Encode("onMetaData", amf.Object{"x": strings.Repeat("y", 60_000)})), 100),
		"an AMF bomb for metadata":     media(flv.Script, append(amf.Encode("onMetaData"), 10, 0xff, 0xff, 0xff, 0xff)),
		"timestamps that jump":         timeJumps(),
		"a command nested too deep":    rtmpMessage(20, nested(16_000)),
		"pings without end":            bytes.Repeat(rtmpMessage(4, []byte{0, 6, 0, 0, 0, 1}), 10_000),
		"FCUnpublish without an end":   bytes.Repeat(rtmpCommand("FCUnpublish", 1, nil), 3),
	} {
		t.Run(name, func(t *testing.T) {
			key := fmt.Sprintf("K%d", len(name))
			before := heap()
			s := h.publish(t, key)
			s.video(0, avcHeader())
			s.video(0, videoFrame(true, "first"))
			s.audio(0, []byte{0x2f})
			answer := get(t, http.MethodGet, h.flvURL(key), nil)
			go func() { _, _ = io.Copy(io.Discard, answer.Body) }()
			sent := make(chan struct{})
			go func() { defer close(sent); s.send(b); s.send(media(flv.Video, videoFrame(true, "last"))) }()
			most, end := uint64(0), time.Now().Add(timeout)
			for talking := true; time.Now().Before(end); {
				most = max(most, heap())
				select {
				case <-sent:
					if talking {
						talking, end = false, time.Now().Add(100*time.Millisecond)
					}
				default:
				}
				<-time.After(2 * time.Millisecond)
			}
			limit := uint64(mostHeap)
			if len(b) > 10<<20 && name != "messages without an end" { // complete frames fill the ring up to the limit of a stream
				limit += 16 << 20
			}
			if most > before+limit {
				t.Fatalf("the connection used %d KiB", (most-before)>>10)
			}
			s.Close()
			h.Cut(key, "ended")
		})
	}
	eventually(t, "the live has no viewers", func() bool { return h.Snapshot().Connections == 0 })
	h.publish(t, "KEY").begin(0)
	h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "first"))
}

func timeJumps() []byte {
	var b []byte
	for i, at := range []uint32{0, 1 << 31, 5, 1<<32 - 1, 0, 1 << 24, 1} {
		b = rtmp.AppendMedia(b, flv.Video, at, videoFrame(i%2 == 0, "jump"))
		b = rtmp.AppendMedia(b, flv.Audio, at, sound("jump"))
	}
	return b
}

// TestHeadersWithUnknownContentAreRelayed checks that a header that this server cannot parse is relayed, because
// decoders may understand it.
func TestHeadersWithUnknownContentAreRelayed(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	unknown := append([]byte{0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 2, 0x67, 0x64, 1, 0, 4}, 0x68, 0xeb, 0xe3, 0xcb)
	s.video(0, unknown)
	s.audio(0, []byte("\xaf\x00\x17\x80\x00\x00\x10"))
	s.video(0, videoFrame(true, "key"))
	s.audio(0, sound("sound"))
	tags := h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "key"))
	if len(tags) != 3 || tags[0].payload != string(unknown) || tags[1].payload != "\xaf\x00\x17\x80\x00\x00\x10" {
		t.Fatalf("got %q", kinds(tags))
	}
	broadcast := h.stream(t, "KEY", "the stream", onAir).Broadcast
	if broadcast.Video != flv.H264 || broadcast.Size != (flv.Size{}) || broadcast.Sound != (flv.Sound{}) {
		t.Fatalf("got %+v", broadcast)
	}
}

// TestIdleConnections checks that five hundred idle connections are closed in time, and that they do not prevent other
// connections meanwhile.
func TestIdleConnections(t *testing.T) {
	h := run(t, func(c *media.Config) {
		c.RTMP.HandshakeTimeout = time.Second
		c.Limits.MaxPendingPerAddress = 10_000
	})
	before := heap()
	var conns []net.Conn
	for range 500 {
		conn, err := net.Dial("tcp", h.rtmp)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	_, _ = conns[0].Write([]byte{3})
	h.publishInTime(t, "KEY").begin(0)
	if grown := heap() - before; grown > 500*32<<10 && grown < 1<<40 {
		t.Fatalf("%d KiB a connection", grown/500>>10)
	}
	eventually(t, "no connection is pending", func() bool { return h.Snapshot().Pending == 0 })
	one := make([]byte, 1)
	for _, conn := range conns {
		_ = conn.SetReadDeadline(time.Now().Add(timeout))
		if _, err := conn.Read(one); err == nil {
			t.Fatal("an idle connection got a response")
		}
	}
}

// TestMissingRequestBodiesAreNotAwaited checks that the server does not wait for the announced body of a player's
// request.
func TestMissingRequestBodiesAreNotAwaited(t *testing.T) {
	h := run(t, func(c *media.Config) { c.RTMP.ControlTimeout = 200 * time.Millisecond })
	h.publish(t, "KEY").begin(0)
	signed := "?sign=" + h.signer.Play("KEY")
	const long, chunked = "Content-Length: 1000\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\nff\r\nx"
	for _, request := range []string{
		"POST /live/KEY.flv HTTP/1.1\r\nHost: x\r\n" + long,
		"GET /live/KEY.flv HTTP/1.1\r\nHost: x\r\n" + chunked,
		"GET /live/KEY/index.m3u8 HTTP/1.1\r\nHost: x\r\n" + long,
		"GET /nowhere HTTP/1.1\r\nHost: x\r\n" + long,
		"OPTIONS /live/KEY.flv HTTP/1.1\r\nHost: x\r\n" + chunked,
	} {
		conn := dialRTMP(t, h.http) // an arbitrary TCP connection
		conn.send([]byte(request))
		conn.gone()
		if !conn.hears("HTTP/1.1 ") || !conn.hears("Connection: close") {
			t.Errorf("request %q got the response %q", request, conn.heard.String())
		}
	}
	conn := dialRTMP(t, h.http)
	conn.send([]byte("GET /live/KEY.flv" + signed + " HTTP/1.1\r\nHost: x\r\n" + long))
	conn.expect("first")
}

// TestInvalidFramesOfWebSocketPlayers checks that a frame that the WebSocket library cannot handle closes the
// connection with a code and causes no panic.
func TestInvalidFramesOfWebSocketPlayers(t *testing.T) {
	t.Parallel()
	var log logtest.Buffer
	h := run(t, func(c *media.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: IHfMdf8a0aQXbwQO1pkGdA==\r\n"
	for name, c := range map[string]struct {
		frame string
		code  uint16
	}{
		"a length of 2^63":              {"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04", 1002},
		"a length of 2^64-1":            {"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04", 1002},
		"a length of 2^62":              {"\x82\xff\x40\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04", 1009},
		"a message above the limit":     {"\x82\xfe\x04\x01\x01\x02\x03\x04", 1009},
		"a continuation of nothing":     {"\x80\x80\x01\x02\x03\x04", 1002},
		"a frame without a mask":        {"\x82\x01x", 1002},
		"a long ping":                   {"\x89\xfe\x00\x80\x01\x02\x03\x04", 1002},
		"a fragmented close":            {"\x08\x80\x01\x02\x03\x04", 1002},
		"reserved bits":                 {"\xf2\x80\x01\x02\x03\x04", 1002},
		"a reserved opcode":             {"\x83\x80\x01\x02\x03\x04", 1002},
		"a bad frame after a good ping": {"\x89\x80\x01\x02\x03\x04\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04", 1002},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", h.http)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(timeout))
			target := strings.TrimPrefix(h.flvURL("KEY"), "http://"+h.http)
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n%s", target, upgrade, c.frame)
			got, err := io.ReadAll(conn)
			if err != nil {
				t.Fatalf("the connection stays open: %v", err)
			}
			closing := bytes.LastIndexByte(got, 0x88) // the first byte of a close frame
			if code := []byte{byte(c.code >> 8), byte(c.code)}; closing < 0 || !bytes.HasPrefix(got[closing+2:], code) {
				t.Fatalf("no close frame with code %d in %q", c.code, got)
			}
		})
	}
	if strings.Contains(log.String(), "panicked") {
		t.Fatalf("a client caused a panic:\n%s", log.String())
	}
}
