package media_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"roomlog/media/amf"
	"roomlog/media/flv"
	"roomlog/media/rtmp"
)

// sender is a publisher that sends bytes which a test controls.
type sender struct {
	net.Conn
	t     testing.TB
	mu    sync.Mutex
	heard bytes.Buffer
	ended chan struct{}
}

// dialRTMP connects and collects the responses of the server.
func dialRTMP(t testing.TB, addr string) *sender {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &sender{Conn: conn, t: t, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		defer conn.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := conn.Read(buf)
			s.mu.Lock()
			s.heard.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-s.ended })
	return s
}

func (s *sender) hears(text string) bool { return s.count(text) > 0 }

// count returns how often text occurs in the responses.
func (s *sender) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Count(s.heard.Bytes(), []byte(text))
}

func (s *sender) expect(text string) {
	s.t.Helper()
	eventually(s.t, "the response contains "+text, func() bool { return s.hears(text) })
}

// gone waits for the end of the connection.
func (s *sender) gone() {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(timeout):
		s.t.Fatal("the connection is open")
	}
}

// send writes bytes and ignores errors.
func (s *sender) send(b []byte) { _, _ = s.Write(b) }

// rtmpMessage returns a message in one large chunk with a full header.
func rtmpMessage(kind byte, payload []byte) []byte {
	b := rtmp.AppendMedia(nil, kind, 0, payload)
	binary.LittleEndian.PutUint32(b[8:], 0)
	return b
}

func rtmpCommand(values ...any) []byte { return rtmpMessage(20, amf.Encode(values...)) }

// hello returns the bytes of a client up to its publish or play request.
func hello(app string, request ...any) []byte {
	b := append([]byte{3}, make([]byte, 2*1536)...)
	b = append(b, []byte{2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0}...) // sets the chunk size to 60,000 bytes
	b = binary.BigEndian.AppendUint32(b, rtmp.ChunkSize)
	b = append(b, rtmpCommand("connect", 1, amf.Object{"app": app, "tcUrl": "rtmp://127.0.0.1/" + app})...)
	b = append(b, rtmpCommand("createStream", 2, nil)...)
	return append(b, rtmpCommand(request...)...)
}

// publish returns a publisher that the server has accepted.
func (h *testServer) publish(t testing.TB, key string) *sender {
	t.Helper()
	s := dialRTMP(t, h.rtmp)
	s.send(hello("live", "publish", 3, nil, key+"?sign="+h.signer.Publish(key), "live"))
	s.expect(rtmp.PublishStart)
	return s
}

func (s *sender) video(at uint32, payload []byte) {
	s.send(rtmp.AppendMedia(nil, flv.Video, at, payload))
}
func (s *sender) audio(at uint32, payload []byte) {
	s.send(rtmp.AppendMedia(nil, flv.Audio, at, payload))
}
func (s *sender) meta(fields amf.Object) {
	s.send(rtmp.AppendMedia(nil, flv.Script, 0, amf.Encode("@setDataFrame", "onMetaData", fields)))
}

// unpublish ends publishing as encoders do.
func (s *sender) unpublish() {
	s.send(rtmpCommand("FCUnpublish", 4, nil, "KEY"))
	s.send(rtmpCommand("deleteStream", 5, nil, 1))
}

// The functions from here on return payloads that look like real ones.
func avcHeader() []byte {
	sps := []byte{0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27, 0xe5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04,
		0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc9, 0x20}
	b := append([]byte{0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x28, 0xff, 0xe1, 0, byte(len(sps))}, sps...)
	return append(b, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb)
}

func aacHeader() []byte { return []byte{0xaf, 0, 0x12, 0x10} }

func videoFrame(key bool, text string) []byte {
	kind := byte(0x27)
	unit := append([]byte{0x41}, text...)
	if key {
		kind, unit[0] = 0x17, 0x65
	}
	b := binary.BigEndian.AppendUint32([]byte{kind, 1, 0, 0, 0}, uint32(len(unit)))
	return append(b, unit...)
}

func sound(text string) []byte { return append([]byte{0xaf, 1}, text...) }

// begin sends the headers and the first key frame.
func (s *sender) begin(at uint32) {
	s.meta(amf.Object{"width": 1920, "height": 1080})
	s.video(at, avcHeader())
	s.audio(at, aacHeader())
	s.video(at, videoFrame(true, "first"))
	s.audio(at, sound("first"))
}
