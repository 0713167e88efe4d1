package media_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/lxzan/gws"

	"roomlog/internal/clocktest"
	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/amf"
	"roomlog/media/flv"
	"roomlog/media/reorder"
	"roomlog/media/rtmp"
)

// dialPeer starts a player that uses another implementation of RTMP than the server.
func (h *testServer) dialPeer(t *testing.T, key string) *gortmplib.Client {
	t.Helper()
	c := &gortmplib.Client{URL: &url.URL{Scheme: "rtmp", Host: h.rtmp, Path: "/live/" + key, RawQuery: "sign=" + h.signer.Play(key)}}
	if err := c.Initialize(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestOtherImplementationPlaysOverRTMP(t *testing.T) {
	h := run(t, nil)
	c := h.dialPeer(t, "KEY") // connects before there is a publisher
	s := h.publish(t, "KEY")
	s.begin(17_000_000)
	h.stream(t, "KEY", "a player that has begun", func(s media.StreamStats) bool { return s.BytesOut > 0 })
	large := videoFrame(true, strings.Repeat("large ", 30_000))
	s.video(17_000_040, large)
	s.unpublish()
	var got []string
	for {
		m, err := c.Read()
		if err != nil {
			break
		}
		switch m := m.(type) {
		case *message.DataAMF0:
			got = append(got, m.Payload[0].(string))
		case *message.Video:
			what := "picture"
			if m.Type == message.VideoTypeConfig {
				what = "header"
			} else if m.DTS != 17_000_000*time.Millisecond && m.DTS != 17_000_040*time.Millisecond {
				t.Errorf("a time of %v", m.DTS)
			}
			if bytes.Equal(m.AU, large[5:]) {
				what = "large"
			}
			got = append(got, what)
		case *message.Audio:
			got = append(got, "audio")
		case *message.CommandAMF0:
			got = append(got, m.Name)
		}
	}
	want := []string{"onStatus", "|RtmpSampleAccess", "onMetaData", "header", "audio", "picture", "audio", "large", "onStatus"}
	if !slices.Equal(got, want) {
		t.Fatalf("got %q", got)
	}
}

// wsViewer is a WebSocket client that stores messages.
type wsViewer struct {
	gws.BuiltinEventHandler
	mu       sync.Mutex
	messages [][]byte
	pings    int
	mute     bool
	closed   chan error
}

func (v *wsViewer) OnMessage(_ *gws.Conn, m *gws.Message) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.messages = append(v.messages, bytes.Clone(m.Bytes()))
	m.Close()
}

func (v *wsViewer) OnPing(c *gws.Conn, payload []byte) {
	v.mu.Lock()
	v.pings++
	v.mu.Unlock()
	if !v.mute {
		c.WritePong(payload)
	}
}

func (v *wsViewer) OnClose(_ *gws.Conn, err error) { v.closed <- err }

// file waits for the end of the stream and writes what has arrived to an FLV file.
func (v *wsViewer) file(t testing.TB) string {
	t.Helper()
	select {
	case <-v.closed:
	case <-time.After(timeout):
		t.Fatal("the stream has not ended")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	file := filepath.Join(t.TempDir(), "ws.flv")
	if err := os.WriteFile(file, bytes.Join(v.messages, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (h *testServer) watchWS(t testing.TB, key string, mute bool) (*wsViewer, *gws.Conn) {
	t.Helper()
	v := &wsViewer{closed: make(chan error, 1), mute: mute}
	c, _, err := gws.NewClient(v, &gws.ClientOption{Addr: strings.Replace(h.flvURL(key), "http", "ws", 1), ReadMaxPayloadSize: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); c.ReadLoop() }()
	t.Cleanup(func() { c.NetConn().Close(); <-done })
	return v, c
}

func TestWebSocketMessagesAreWholeTags(t *testing.T) {
	h := run(t, nil)
	v, _ := h.watchWS(t, "KEY", false)
	h.stream(t, "KEY", "a player", func(s media.StreamStats) bool { return s.Players[media.WSFLV] == 1 })
	s := h.publish(t, "KEY")
	s.begin(0)
	h.stream(t, "KEY", "a player that has begun", func(s media.StreamStats) bool { return s.BytesOut > 0 })
	for i := range 200 {
		s.video(uint32(i), videoFrame(false, strings.Repeat("x", i*100)))
	}
	s.video(300, videoFrame(true, "last"))
	s.unpublish()
	var err error
	select {
	case err = <-v.closed:
	case <-time.After(timeout):
		t.Fatal("the player is still connected")
	}
	var closing *gws.CloseError
	if !errors.As(err, &closing) || closing.Code != 1000 {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(v.messages[0], flv.FileHeader(true, true)) {
		t.Fatalf("the first message is %.40q", v.messages[0])
	}
	v.messages[0] = v.messages[0][13:]
	tags := 0
	var last seen
	for _, m := range v.messages {
		for r := bytes.NewReader(m); r.Len() > 0; tags++ {
			if last, err = readTag(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if tags != 206 || last.payload != string(videoFrame(true, "last")) {
		t.Fatalf("%d tags, the last %.40q", tags, last.payload)
	}
}

func TestWebSocketPlayers(t *testing.T) {
	impatient := func(ping time.Duration) func(*media.Config) {
		return func(c *media.Config) { c.RTMP.RTMPPing, c.RTMP.RTMPTimeout = ping, 4*ping }
	}
	t.Run("that answer pings stay", func(t *testing.T) {
		for ping := 50 * time.Millisecond; ping < timeout; ping *= 4 { // tries a longer interval if the client was too slow
			h := run(t, impatient(ping))
			v, _ := h.watchWS(t, "KEY", false)
			gone := false
			eventually(t, "ten pings", func() bool {
				select {
				case <-v.closed:
					gone = true
				default:
				}
				v.mu.Lock()
				defer v.mu.Unlock()
				return gone || v.pings >= 10
			})
			if !gone && len(h.Players("KEY")) == 1 {
				return
			}
		}
		t.Fatal("the player was disconnected")
	})
	t.Run("that do not are gone", func(t *testing.T) {
		h := run(t, impatient(50*time.Millisecond))
		v, _ := h.watchWS(t, "KEY", true)
		if err := waittest.Receive(t, v.closed, "the end of the player"); err == nil || len(h.Players("KEY")) > 0 {
			eventually(t, "the live has no viewers", func() bool { return len(h.Players("KEY")) == 0 })
		}
	})
	for name, b := range map[string][]byte{
		"that say a length below zero are gone":      {0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0},
		"that announce 16 MiB are gone":              {0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
		"that send continuations without end":        bytes.Repeat([]byte{0x00, 0x80, 0, 0, 0, 0}, 10_000),
		"that answer pings nobody sent, without end": bytes.Repeat([]byte{0x8a, 0x80, 0, 0, 0, 0}, 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			h := run(t, func(c *media.Config) { c.Log = quiet() })
			_, c := h.watchWS(t, "KEY", false)
			h.stream(t, "KEY", "a player", func(s media.StreamStats) bool { return len(s.Players) == 1 })
			go c.NetConn().Write(b)
			eventually(t, "the live has no viewers", func() bool { return h.Snapshot().Connections == 0 })
		})
	}
}

func TestSlowPlayersSkipToTheNewestKeyFrame(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	conn, err := net.Dial("tcp", h.http)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.0\r\n\r\n", strings.TrimPrefix(h.flvURL("KEY"), "http://"+h.http))
	h.stream(t, "KEY", "a player", func(s media.StreamStats) bool { return len(s.Players) == 1 && s.BytesOut > 0 })
	for i := range 400 { // 40 MB, which is more than the kernel buffers for a reader that has stopped
		s.video(uint32(i)*40, videoFrame(i%10 == 0, strings.Repeat("x", 100_000)))
	}
	h.stream(t, "KEY", "all frames", func(s media.StreamStats) bool { return s.FramesIn == 405 })
	v := &viewer{t: t, done: make(chan struct{})}
	go func() {
		defer close(v.done)
		head := make([]byte, 1)
		for end := ""; !strings.HasSuffix(end, "\r\n\r\n"); end += string(head) {
			if _, err := io.ReadFull(conn, head); err != nil {
				v.fail(err)
				return
			}
		}
		v.fail(v.read(conn))
	}()
	s.video(17_000, videoFrame(true, "end"))
	tags := v.sees(videoFrame(true, "end"))
	jumps := 0
	for i := 1; i < len(tags); i++ {
		switch at, before := tags[i], tags[i-1]; {
		case at.info().Header: // headers are repeated after a skip
			jumps++
			if next := tags[i+1]; !next.info().Header && !next.info().Key {
				t.Fatalf("after a skip got %q", kinds(tags[i:i+2]))
			}
		case at.at < before.at && !before.info().Header:
			t.Fatalf("timestamps decrease: %d after %d", at.at, before.at)
		}
	}
	if stats := h.stream(t, "KEY", "the stream", onAir); stats.Skips == 0 || jumps < 2 || stats.Drops != 0 {
		t.Fatalf("%d skips, %d repeated headers, %d drops", stats.Skips, jumps, stats.Drops)
	}
}

// stall connects ten players that read nothing, and sends until the buffers of the kernel are full.
func (h *testServer) stall(t *testing.T, s *sender) {
	t.Helper()
	for i := range 10 {
		conn, err := net.Dial("tcp", []string{h.http, h.rtmp}[i%2])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		if i%2 == 0 {
			r, _ := http.NewRequest(http.MethodGet, h.flvURL("KEY"), nil)
			_ = r.Write(conn)
		} else {
			_, _ = conn.Write(hello("live", "play", 3, nil, "KEY?sign="+h.signer.Play("KEY")))
		}
	}
	h.stream(t, "KEY", "those who stall", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV]+s.Players[media.RTMP] == 10 })
	for i := range 40 { // the kernel buffers the first megabyte
		s.video(uint32(i), videoFrame(i%20 == 0, strings.Repeat("x", 100_000)))
	}
}

// TestStalledPlayersDoNotDelayOthers lets ten of 50 players stall. The others and the publisher must not be affected.
func TestStalledPlayersDoNotDelayOthers(t *testing.T) {
	h := run(t, func(c *media.Config) { c.RTMP.MediaTimeout = 10 * timeout }) // the timeout is so long that a delay by stalled players would fail the test
	s := h.publish(t, "KEY")
	s.begin(0)
	h.stall(t, s)
	s.video(40, videoFrame(true, "first of the others"))
	s.audio(40, sound("first of the others"))
	h.stream(t, "KEY", "all frames", func(s media.StreamStats) bool { return s.FramesIn == 5+42 })
	viewers := make([]*viewer, 40)
	for i := range viewers {
		viewers[i] = h.watch(t, h.flvURL("KEY"))
	}
	h.stream(t, "KEY", "all players", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV]+s.Players[media.RTMP] == 50 })
	for _, v := range viewers {
		v.sees(sound("first of the others"))
	}
	const frames = 75
	for i := range uint32(frames) {
		last := videoFrame(i%25 == 0, fmt.Sprint(i, strings.Repeat("x", 8000)))
		s.video(80+i*40, last)
		if i%5 == 4 { // sends at the speed of the healthy players
			for _, v := range viewers {
				v.sees(last)
			}
		}
	}
	s.video(80+frames*40, videoFrame(true, "last"))
	for _, v := range viewers {
		tags := v.sees(videoFrame(true, "last"))
		if len(tags) != frames+6 { // metadata, two headers, a key frame, audio, and the last frame
			t.Fatalf("a healthy player got %d of %d frames", len(tags), frames+6)
		}
	}
	if stats := h.stream(t, "KEY", "the stream", onAir); stats.Players[media.HTTPFLV]+stats.Players[media.RTMP] != 50 {
		t.Fatalf("%v are left, want 50 players over HTTP-FLV and RTMP", stats.Players)
	}
}

func TestStalledPlayersAreDisconnected(t *testing.T) {
	h := run(t, func(c *media.Config) { c.RTMP.MediaTimeout = time.Second })
	s := h.publish(t, "KEY")
	s.begin(0)
	h.stall(t, s)
	sent := uint32(0)
	eventually(t, "the stalled players are disconnected", func() bool {
		sent++
		s.video(40+sent*40, videoFrame(sent%25 == 0, strings.Repeat("x", 8000)))
		return h.Snapshot().Drops == 10
	})
	if stats := h.stream(t, "KEY", "nobody", func(s media.StreamStats) bool { return len(s.Players) == 0 }); !stats.Publishing {
		t.Fatal("the publisher was disconnected, too")
	}
}

// TestAWaitingSoundIsPlayedWhenNothingFollows sends a sound before which one seems to be missing, and nothing afterwards.
func TestAWaitingSoundIsPlayedWhenNothingFollows(t *testing.T) {
	clock := clocktest.New()
	h := run(t, func(c *media.Config) { c.Now = clock.Now })
	s := h.publish(t, "KEY")
	s.begin(0)
	for i := range 30 {
		s.audio(uint32(i+1)*20, sound(fmt.Sprint("sound ", i)))
	}
	v := h.watch(t, h.flvURL("KEY"))
	v.sees(sound("sound 29"))
	s.audio(700, sound("after a pause"))
	s.meta(amf.Object{"width": 1920, "height": 1080}) // arrives after the sound, and is not put into order
	h.stream(t, "KEY", "the frame after the sound", func(s media.StreamStats) bool { return s.FramesIn == 5+30+1 })
	clock.Forward(reorder.MaxWait)
	v.sees(sound("after a pause"))
}

// TestPlayersPlayAgainOnTheirConnection plays several streams on one connection, like players that end their stream or just play another one.
func TestPlayersPlayAgainOnTheirConnection(t *testing.T) {
	t.Parallel()
	h := run(t, nil)
	s := map[string]*sender{"KEY": h.publish(t, "KEY"), "OTHER": h.publish(t, "OTHER")}
	for key, one := range s {
		one.begin(0)
		one.video(40, videoFrame(true, "of "+key))
		h.watch(t, h.flvURL(key)).sees(videoFrame(true, "of "+key))
	}
	play := func(key string) []any { return []any{"play", 3, nil, key + "?sign=" + h.signer.Play(key)} }
	p := dialRTMP(t, h.rtmp)
	p.send(hello("live", play("KEY")...))
	p.expect("of KEY")
	for i, end := range [][]byte{nil, rtmpCommand("deleteStream", 5, nil, 1), bytes.Join([][]byte{rtmpCommand("closeStream", 5, nil), rtmpCommand("deleteStream", 6, nil, 1)}, nil)} {
		key := []string{"OTHER", "KEY"}[i%2]
		before := p.count("of " + key)
		p.send(end)
		if end != nil {
			h.stream(t, []string{"KEY", "OTHER"}[i%2], "no player over RTMP", func(s media.StreamStats) bool { return s.Players[media.RTMP] == 0 })
			p.send(rtmpCommand("createStream", 7, nil))
		}
		p.send(rtmpCommand(play(key)...))
		eventually(t, "the player has the other stream", func() bool { return p.count("of "+key) == before+1 })
		h.stream(t, key, "a player over RTMP", func(s media.StreamStats) bool { return s.Players[media.RTMP] == 1 })
		if n := p.count(rtmp.PlayStop); n != i+1 || h.Snapshot().Pending != 0 {
			t.Errorf("the player got %d times %s, and %d connections are pending", n, rtmp.PlayStop, h.Snapshot().Pending)
		}
	}
	h.stream(t, "KEY", "no player over RTMP", func(s media.StreamStats) bool { return s.Players[media.RTMP] == 0 })
	p.send(rtmpCommand("play", 9, nil, "KEY?sign=x")) // every request is authorized
	p.expect(rtmp.PlayUnauthorized)
	p.gone()
}

// TestPlayersPause pauses a player, which gets nothing until it goes on, and leaves out sound and pictures.
func TestPlayersPause(t *testing.T) {
	t.Parallel()
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	p := dialRTMP(t, h.rtmp)
	p.send(hello("live", "play", 3, nil, "KEY?sign="+h.signer.Play("KEY")))
	p.expect("first")
	other := h.watch(t, h.flvURL("KEY"))
	at := uint32(0)
	send := func(key bool, text string) { // a picture and a sound that all other players have
		at += 40
		s.video(at, videoFrame(key, "picture "+text))
		s.audio(at, sound("sound "+text))
		other.sees(sound("sound " + text))
	}
	wait := func(on bool) {
		before := p.count("ause.Notify")
		p.send(rtmpCommand("pause", 0, nil, on, 1000))
		eventually(t, "the player has the response", func() bool { return p.count("ause.Notify") == before+1 })
	}
	wait(true)
	send(false, "of a short pause")
	wait(false)
	p.expect("sound of a short pause") // no key frame was missed, so nothing is
	wait(true)
	send(false, "of a pause")
	send(true, "after a pause")
	wait(false)
	p.expect("sound after a pause")
	for _, text := range []string{"picture of a pause", "sound of a pause"} {
		if p.hears(text) {
			t.Errorf("the player got %q, want the newest key frame", text)
		}
	}
	p.send(rtmpCommand("receiveVideo", 0, nil, false))
	wait(false)
	send(true, "without pictures")
	p.expect("sound without pictures")
	p.send(rtmpCommand("receiveVideo", 0, nil, true))
	wait(false)
	send(false, "before a key frame")
	p.send(rtmpCommand("receiveAudio", 0, nil, false))
	p.expect("sound before a key frame")
	wait(false)
	send(true, "without sound")
	p.expect("picture without sound")
	p.send(rtmpCommand("receiveAudio", 0, nil, true))
	wait(false)
	send(false, "at last")
	p.expect("sound at last")
	for _, text := range []string{"picture without pictures", "picture before a key frame", "sound without sound"} {
		if p.hears(text) {
			t.Errorf("the player got %q", text)
		}
	}
	wait(true)
	s.unpublish()
	p.expect(rtmp.PlayUnpublished)
	p.gone()
}
