package rtmp_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"roomlog/media/rtmp"
)

// FuzzConn sends any bytes to a server. The connection must end, and use no more memory than the limits
// allow.
func FuzzConn(f *testing.F) {
	frame := append(header(4, 9, 5, 17_000_000), 0x17, 1, 0, 0, 0)
	f.Add(append(toPublish("KEY?sign=1-a"), frame...))
	f.Add(append(toPlay("KEY"), message(4, []byte{0, 6, 0, 0, 0, 1})...))
	f.Add(bytes.Join([][]byte{toPublish("KEY"), chunkSize(4096), chunked(9, 1<<24, body(300), 128, []byte{1, 0, 0, 0}), command("FCUnpublish", 1, nil)}, nil))
	f.Add(bytes.Join([][]byte{toPublish("KEY"), message(15, []byte{0, 2, 0, 1, 'x'}), message(17, []byte{0, 5}), message(2, []byte{0, 0, 0, 3})}, nil))
	f.Add(bytes.Join([][]byte{toPublish("%zz"), header(4, 9, 8<<20, 0)}, nil))
	f.Add(append(greeting(), message(20, bytes.Repeat([]byte{10, 0, 0, 0, 1}, 40))...))
	again := command("publish", 6, nil, "KEY?sign=1-a")
	f.Add(bytes.Join([][]byte{toPublish("KEY?sign=1-a"), frame, command("deleteStream", 5, nil, 1), frame, command("createStream", 5, nil), again, frame}, nil))
	f.Add(bytes.Join([][]byte{toPublish("KEY?sign=1-a"), frame, command("FCUnpublish", 4, nil, "KEY"), again, frame}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ours, theirs := net.Pipe()
		defer ours.Close()
		go func() {
			defer theirs.Close()
			go io.Copy(io.Discard, theirs)
			theirs.Write(b)
		}()
		conn := rtmp.NewConn(ours, rtmp.Config{Now: time.Now, HandshakeTimeout: 5 * time.Second, MessageTimeout: 5 * time.Second})
		r, err := open(conn)
		if err == nil && (r.App != "" && !rtmp.ValidName(r.App) || !rtmp.ValidName(r.Name)) {
			t.Fatalf("the request is %+v", r)
		}
		if err == nil {
			err = conn.Accept()
		}
		for messages := 0; err == nil; messages++ {
			if messages > len(b) {
				t.Fatalf("%d messages from %d bytes", messages, len(b))
			}
			var m rtmp.Message
			if !r.Publish {
				err = conn.Serve(func(rtmp.Reception) {})
			} else if m, err = conn.ReadMedia(); err == nil && len(m.Data) == 0 {
				t.Fatal("a message of no byte")
			}
			if errors.Is(err, rtmp.ErrDone) {
				if r, err = conn.NextRequest(); err == nil {
					err = conn.Accept()
				}
			}
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(200*len(b))+4<<20 {
			t.Fatalf("%d bytes took %d", len(b), grown)
		}
	})
}
