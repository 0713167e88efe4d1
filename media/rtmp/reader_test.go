package rtmp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib/pkg/bytecounter"
	peer "github.com/bluenviron/gortmplib/pkg/message"

	"roomlog/media/amf"
	"roomlog/media/rtmp"
)

// body returns a payload in which a lost or repeated byte is visible.
func body(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// chunked returns a media message in chunks of types 0 and 3. rest is the rest of the header of each chunk of type 3.
func chunked(kind byte, stamp uint32, payload []byte, size int, rest []byte) []byte {
	b := header(4, kind, len(payload), stamp)
	for {
		n := min(len(payload), size)
		b = append(b, payload[:n]...)
		if payload = payload[n:]; len(payload) == 0 {
			return b
		}
		b = append(append(b, 3<<6|4), rest...)
	}
}

func TestTimestampsPastFourHours(t *testing.T) {
	const late = 17_000_000 // ms; timestamps need four bytes from 16,777,215 on
	full := binary.BigEndian.AppendUint32(nil, late)
	for _, tt := range []struct {
		name string
		rest []byte
	}{
		{"repeated in every chunk, as specified", full},
		{"zeros in every chunk but the first", make([]byte, 4)},
		{"only in the first chunk", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, c := publishing(t, rtmp.Config{})
			c.send(chunkSize(4096))
			payload := body(20_000)
			c.send(chunked(9, late, payload, 4096, tt.rest), chunked(9, late+40, payload[:9], 4096, nil))
			for i, want := range []struct {
				time uint32
				data []byte
			}{{late, payload}, {late + 40, payload[:9]}} {
				m, err := conn.ReadMedia()
				if err != nil || m.Time != want.time || !bytes.Equal(m.Data, want.data) {
					t.Fatalf("message %d: time %d, %d bytes, %v", i, m.Time, len(m.Data), err)
				}
			}
		})
	}
}

func TestShortHeadersReferToTheHeaderBefore(t *testing.T) {
	conn, c := publishing(t, rtmp.Config{})
	c.send(
		header(4, 9, 2, 1000), []byte("v0"),
		[]byte{1<<6 | 4, 0, 0, 40, 0, 0, 3, 9}, []byte("v01"), // type 1: delta, length, kind
		[]byte{2<<6 | 4, 0, 0, 30}, []byte("v02"), // type 2: delta
		[]byte{3<<6 | 4}, []byte("v03"), // type 3: the same delta again
		[]byte{1<<6 | 4, 0xff, 0xff, 0xff, 0, 0, 3, 9, 1, 0, 0, 0}, []byte("v04"), // an extended delta
		[]byte{3<<6 | 4, 1, 0, 0, 0}, []byte("v05"), // and again
		header(0, 8, 1, 7)[:1], []byte{10}, header(0, 8, 1, 7)[1:], []byte("a"), // chunk stream 74 in two bytes
		header(1, 8, 1, 8)[:1], []byte{10, 1}, header(1, 8, 1, 8)[1:], []byte("b"), // 330 in three
	)
	for _, want := range []struct {
		kind byte
		time uint32
		data string
	}{
		{9, 1000, "v0"}, {9, 1040, "v01"}, {9, 1070, "v02"}, {9, 1100, "v03"},
		{9, 1100 + 1<<24, "v04"}, {9, 1100 + 2<<24, "v05"}, {8, 7, "a"}, {8, 8, "b"},
	} {
		m, err := conn.ReadMedia()
		if err != nil || m.Type != want.kind || m.Time != want.time || string(m.Data) != want.data {
			t.Fatalf("got %+v, %v, want %+v", m, err, want)
		}
	}
}

func TestInterleavedChunksAreAssembled(t *testing.T) {
	conn, c := publishing(t, rtmp.Config{})
	video, audio := body(300), body(200)
	c.send(
		header(4, 9, 300, 10), video[:128], header(5, 8, 200, 11), audio[:128],
		[]byte{3<<6 | 4}, video[128:256], []byte{3<<6 | 5}, audio[128:], []byte{3<<6 | 4}, video[256:],
		header(4, 9, 300, 20), video[:128], message(2, []byte{0, 0, 0, 4}), // begun and aborted
		header(4, 9, 300, 30), video[:128], header(4, 9, 4, 40), video[:4], // begun again
	)
	for _, want := range []rtmp.Message{
		{Type: 8, Time: 11, Data: audio}, {Type: 9, Time: 10, Data: video}, {Type: 9, Time: 40, Data: video[:4]},
	} {
		m, err := conn.ReadMedia()
		if err != nil || m.Type != want.Type || m.Time != want.Time || !bytes.Equal(m.Data, want.Data) {
			t.Fatalf("got type %d, time %d, %d bytes, %v", m.Type, m.Time, len(m.Data), err)
		}
	}
}

func TestMetadataInAMF3Messages(t *testing.T) {
	conn, c := publishing(t, rtmp.Config{})
	meta := amf.Encode("@setDataFrame", "onMetaData", amf.Object{"width": 64})
	c.send(message(15, append([]byte{0}, meta...)), message(18, nil), header(4, 8, 0, 5), message(18, meta))
	for range 2 {
		if m, err := conn.ReadMedia(); err != nil || m.Type != rtmp.TypeData || !bytes.Equal(m.Data, meta) {
			t.Fatalf("got %+v, %v", m, err)
		}
	}
}

// TestOtherImplementationReadsOurMessages checks that an independent implementation reads the chunks of AppendMedia,
// also those with extended timestamps.
func TestOtherImplementationReadsOurMessages(t *testing.T) {
	for _, size := range []int{5, rtmp.ChunkSize - 1, rtmp.ChunkSize, rtmp.ChunkSize + 1, 3*rtmp.ChunkSize + 7} {
		for _, stamp := range []uint32{0, 0xfffffe, 0xffffff, 17_000_000, 1<<32 - 1} {
			payload := body(size)
			payload[0], payload[1] = 0x17, 1 // a key frame of H.264
			b := second(t, chunkSize(rtmp.ChunkSize), rtmp.AppendMedia(nil, rtmp.TypeVideo, stamp, payload))
			got, ok := b.(*peer.Video)
			if !ok || uint32(got.DTS/time.Millisecond) != stamp || !bytes.Equal(got.AU, payload[5:]) {
				t.Fatalf("%d bytes at %d: got %T", size, stamp, b)
			}
			if room := rtmp.MediaSize(size); len(rtmp.AppendMedia(nil, 9, stamp, payload)) > room+5*(size/rtmp.ChunkSize)+4 {
				t.Fatalf("MediaSize(%d) is %d", size, room)
			}
		}
	}
}

// second returns the second message in b. The first one sets the chunk size.
func second(t *testing.T, b ...[]byte) peer.Message {
	t.Helper()
	bytes := bytecounter.NewReadWriter(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(bytes.Join(b, nil)), io.Discard})
	rw := peer.NewReadWriter(bytes, bytes, true)
	for range 2 {
		m, err := rw.Read()
		if err != nil {
			t.Fatal(err)
		}
		if _, steers := m.(*peer.SetChunkSize); !steers {
			return m
		}
	}
	return nil
}

// TestLimits checks that each of these inputs ends the connection of the client and uses no memory before that.
func TestLimits(t *testing.T) {
	streams := func(n int) []byte {
		var b []byte
		for i := range n {
			b = append(append(b, 0, byte(i)), header(0, 9, 1<<20, 0)[1:]...)
			b = append(b, make([]byte, 128)...)
		}
		return b
	}
	big := func(cs byte) []byte { // almost all of a message of 8 MiB
		return append(header(cs, 9, 8<<20, 0), make([]byte, 1<<20)...)
	}
	more := func(cs byte, n int) []byte {
		var b []byte
		for range n {
			b = append(append(b, 3<<6|cs), make([]byte, 1<<20)...)
		}
		return b
	}
	for _, tt := range []struct {
		name string
		b    []byte
		want error
	}{
		{"a media message of more than 8 MiB", header(4, 9, 8<<20+1, 0), rtmp.ErrLimit},
		{"a command of more than 64 KiB", header(3, 20, 64<<10+1, 0), rtmp.ErrLimit},
		{"metadata of more than 64 KiB", header(3, 18, 64<<10+1, 0), rtmp.ErrLimit},
		{"an unknown message of 16 MiB", header(3, 99, 1<<24-1, 0), rtmp.ErrLimit},
		{"chunks of one byte", chunkSize(1), rtmp.ErrLimit},
		{"chunks of zero bytes", chunkSize(0), rtmp.ErrLimit},
		{"chunks of 127 bytes", chunkSize(127), rtmp.ErrLimit},
		{"chunks of two gigabytes", chunkSize(1 << 31), rtmp.ErrLimit},
		{"a chunk size in three bytes", message(1, []byte{0, 0, 1}), rtmp.ErrProtocol},
		{"an abort in three bytes", message(2, []byte{0, 0, 1}), rtmp.ErrProtocol},
		{"a window in three bytes", message(5, []byte{0, 0, 1}), rtmp.ErrProtocol},
		{"33 chunk streams", streams(33), rtmp.ErrLimit},
		{"16 MiB in incomplete messages", bytes.Join([][]byte{chunkSize(1 << 20), big(4), more(4, 4), big(5), more(5, 4), big(6)}, nil), rtmp.ErrLimit},
		{"a chunk that refers to nothing", []byte{3<<6 | 40}, rtmp.ErrProtocol},
		{"a command that is not AMF", message(20, []byte{99}), rtmp.ErrProtocol},
		{"a command of one value", command("publish"), rtmp.ErrProtocol},
		{"a command without a name", command(1, 1), rtmp.ErrProtocol},
		{"a command in AMF3", message(17, []byte{3, 2, 0}), rtmp.ErrProtocol},
		{"an empty command in AMF3", message(17, nil), rtmp.ErrProtocol},
		{"a command nested 200,000 times", message(20, bytes.Repeat([]byte{3, 0, 1, 'a'}, 16_000)), rtmp.ErrProtocol},
		{"a second publish", command("publish", 4, nil, "OTHER"), rtmp.ErrProtocol},
		{"a second connect", command("connect", 4, amf.Object{}), rtmp.ErrProtocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, c := publishing(t, rtmp.Config{})
			go c.send(tt.b)
			m, err := conn.ReadMedia()
			if !errors.Is(err, tt.want) {
				t.Fatalf("got a message of %d bytes, %v, want %v", len(m.Data), err, tt.want)
			}
		})
	}
	t.Run("accepts messages just within the limits", func(t *testing.T) {
		conn, c := publishing(t, rtmp.Config{})
		go c.send(streams(30), chunkSize(1<<20), header(4, 9, 8<<20, 9), make([]byte, 1<<20), more(4, 7))
		if m, err := conn.ReadMedia(); err != nil || len(m.Data) != 8<<20 {
			t.Fatalf("%d bytes, %v", len(m.Data), err)
		}
	})
}

func TestLimitsBeforePublishIsAccepted(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    []byte
		want error
	}{
		{"an encrypted version", []byte{6}, rtmp.ErrProtocol},
		{"an HTTP request", []byte("GET / HTTP/1.1\r\n\r\n"), rtmp.ErrProtocol},
		{"publish before connect", append(greeting(), command("publish", 1, nil, "KEY")...), rtmp.ErrProtocol},
		{"connect without an object", append(greeting(), command("connect", 1)...), rtmp.ErrProtocol},
		{"a second connect", bytes.Join([][]byte{greeting(), connect("live"), connect("live")}, nil), rtmp.ErrProtocol},
		{"media before publish", bytes.Join([][]byte{greeting(), connect("live"), header(4, 9, 10, 0)}, nil), rtmp.ErrProtocol},
		{"9 MB announced in connect", append(greeting(), header(3, 20, 9<<20, 0)...), rtmp.ErrLimit},
		{"an array of four billion in connect", append(greeting(), message(20, append(amf.Encode("connect", 1), 10, 0xff, 0xff, 0xff, 0xff, 5))...), amf.ErrMalformed},
		{"65 messages", bytes.Join([][]byte{greeting(), connect("live"), bytes.Repeat(command("_checkbw", 2, nil), 64)}, nil), rtmp.ErrLimit},
		{"65 control messages", append(greeting(), bytes.Repeat(chunkSize(128), 65)...), rtmp.ErrLimit},
		{"three incomplete commands of 60 KiB", bytes.Join([][]byte{greeting(), connect("live"), begun(5, 60<<10), begun(6, 60<<10), begun(7, 60<<10)}, nil), rtmp.ErrLimit},
		{"an end before the request", bytes.Join([][]byte{greeting(), connect("live"), command("deleteStream", 4, nil, 1)}, nil), rtmp.ErrDone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, c := pair(t, rtmp.Config{})
			go c.send(tt.b)
			if r, err := open(conn); !errors.Is(err, tt.want) {
				t.Fatalf("got %+v, %v, want %v", r, err, tt.want)
			}
		})
	}
}

// begun returns size bytes of a command of 64 KiB, in chunks of 128 bytes.
func begun(cs byte, size int) []byte {
	b := header(cs, 20, 64<<10, 0)
	for range size / 128 {
		b = append(append(b, make([]byte, 128)...), 3<<6|cs)
	}
	return b[:len(b)-1]
}

// TestBegunMessagesNeedLittleMemory checks that a client that begins as many messages as it may, before it has shown a sign, makes the
// server hold little more than it sends.
func TestBegunMessagesNeedLittleMemory(t *testing.T) {
	conn, c := pair(t, rtmp.Config{})
	b := append(greeting(), connect("live")...)
	for cs := range byte(31) {
		b = append(b, begun(4+cs, 128)...)
	}
	go func() { c.send(b); _ = c.Conn.(*net.TCPConn).CloseWrite() }()
	if _, err := open(conn); err == nil {
		t.Fatal("accepted")
	}
	if n := conn.Pending(); n == 0 || n > 32<<10 {
		t.Errorf("%d bytes are held for 31 messages with 128 bytes each, want at most 1 KiB for each", n)
	}
}

// TestMessagesOfPublishersNeedOneBuffer checks that the first buffer of a message of an accepted publisher contains a usual picture.
func TestMessagesOfPublishersNeedOneBuffer(t *testing.T) {
	const size = 32 << 10
	conn, c := publishing(t, rtmp.Config{})
	go func() { c.send(header(4, 9, size, 0), make([]byte, 128)); _ = c.Conn.(*net.TCPConn).CloseWrite() }()
	if m, err := conn.ReadMedia(); err == nil {
		t.Fatalf("got %+v", m)
	}
	if n := conn.Pending(); n != size {
		t.Errorf("the buffer has %d bytes, want %d", n, size)
	}
}
