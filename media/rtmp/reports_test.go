package rtmp_test

import (
	"bytes"
	"slices"
	"testing"

	"roomlog/internal/waittest"
	"roomlog/media/amf"
	"roomlog/media/rtmp"
)

// wide returns the header of a chunk of type 0 whose basic header has two or three bytes.
func wide(id uint16, kind byte, length int, stamp uint32) []byte {
	h := header(0, kind, length, stamp)[1:]
	if id < 320 {
		return append([]byte{0, byte(id - 64)}, h...)
	}
	return append([]byte{1, byte(id - 64), byte((id - 64) >> 8)}, h...)
}

// TestReportedBytes sends what users of other RTMP servers have reported about encoders; docs/MEDIA.md lists the reports.
func TestReportedBytes(t *testing.T) {
	video, sound := body(300), body(200)
	type received struct {
		kind byte
		time uint32
		data []byte
	}
	for name, tt := range map[string]struct {
		sent [][]byte
		want []received
	}{
		// https://github.com/bluenviron/mediamtx/issues/4807 and 4909: a camera sets the chunk size on chunk stream 4.
		"control messages on the chunk stream of the pictures": {
			[][]byte{header(4, 1, 4, 0), {0, 0, 1, 0}, header(4, 5, 4, 0), {0, 1, 0, 0}, header(4, 9, 300, 40), video[:256], {3<<6 | 4}, video[256:]},
			[]received{{9, 40, video}},
		},
		// https://github.com/arut/nginx-rtmp-module/issues/246, https://github.com/membraneframework/membrane_rtmp_plugin/pull/118
		"interleaved chunk streams with large ids": {
			[][]byte{wide(64, 9, 300, 40), video[:128], wide(7000, 8, 200, 41), sound[:128], {3 << 6, 0}, video[128:256],
				{3<<6 | 1, byte(6936 & 0xff), byte(6936 >> 8)}, sound[128:], {3 << 6, 0}, video[256:]},
			[]received{{8, 41, sound}, {9, 40, video}},
		},
		// https://github.com/bluenviron/mediamtx/issues/4673, https://github.com/apache/brpc/pull/3515: the header outlives the
		// message that is abandoned.
		"an abandoned message": {
			[][]byte{header(4, 9, 300, 40), video[:128], header(2, 2, 4, 0), {0, 0, 0, 4}, {2<<6 | 4, 0, 0, 20}, video[:128], {3<<6 | 4}, video[128:256], {3<<6 | 4}, video[256:]},
			[]received{{9, 60, video}},
		},
		// https://github.com/bluenviron/mediamtx/pull/3302
		"a new chunk size within a message": {
			[][]byte{header(4, 9, 300, 40), video[:128], header(2, 1, 4, 0), {0, 0, 4, 0}, {3<<6 | 4}, video[128:]},
			[]received{{9, 40, video}},
		},
		// https://github.com/veovera/enhanced-rtmp/issues/42
		"an extended timestamp that is a difference": {
			[][]byte{header(4, 9, 2, 11_000), {1, 2}, {1<<6 | 4, 0xff, 0xff, 0xff, 0, 0, 2, 9, 0x00, 0xff, 0xff, 0xff}, {3, 4}},
			[]received{{9, 11_000, []byte{1, 2}}, {9, 11_000 + 0xffffff, []byte{3, 4}}},
		},
		// https://github.com/illuspas/Node-Media-Server/issues/2: arguments in AMF3 follow those in AMF0.
		"a command with an argument in AMF3": {
			[][]byte{message(20, append(amf.Encode("onTimer", 7, nil), 0x11, 0x0a, 0x0b, 0x01)), header(4, 9, 2, 40), {1, 2}},
			[]received{{9, 40, []byte{1, 2}}},
		},
		// https://github.com/bluenviron/mediamtx/issues/2077: an argument that is the end of an object.
		"a command with an end of an object as an argument": {
			[][]byte{message(20, append(amf.Encode("onTimer", 7, nil), 9)), message(20, append(amf.Encode("onTimer", 7, nil, 1), 0, 0, 9)), header(4, 9, 2, 40), {1, 2}},
			[]received{{9, 40, []byte{1, 2}}},
		},
		// https://github.com/iizukanao/node-rtsp-rtmp-server/issues/27, https://github.com/bluenviron/mediamtx/issues/928
		"commands and a bandwidth that only servers send": {
			[][]byte{command("_checkbw", 5, nil), command("onBWDone", 0, nil, 8192), header(2, 6, 5, 0), {0, 0x26, 0x25, 0xa0, 2}, header(4, 9, 2, 40), {1, 2}},
			[]received{{9, 40, []byte{1, 2}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, c := publishing(t, rtmp.Config{})
			c.send(tt.sent...)
			for _, want := range tt.want {
				m, err := conn.ReadMedia()
				if err != nil || m.Type != want.kind || m.Time != want.time || !bytes.Equal(m.Data, want.data) {
					t.Fatalf("got type %d at %d ms with %d bytes, %v; want type %d at %d ms", m.Type, m.Time, len(m.Data), err, want.kind, want.time)
				}
			}
		})
	}
	// https://github.com/illuspas/Node-Media-Server/issues/2
	t.Run("connect and publish with arguments in AMF3", func(t *testing.T) {
		t.Parallel()
		conn, c := pair(t, rtmp.Config{})
		other := []byte{0x11, 0x0a, 0x0b, 0x01}
		c.send(greeting(), message(20, slices.Concat(amf.Encode("connect", 1, amf.Object{"app": "live", "objectEncoding": 3}), other)),
			command("createStream", 2, nil), message(17, slices.Concat([]byte{0}, amf.Encode("publish", 3, nil, "KEY"), other)))
		if r, err := open(conn); err != nil || r.App != "live" || r.Name != "KEY" || !r.Publish {
			t.Errorf("got %+v, %v", r, err)
		}
	})
	// https://github.com/HaishinKit/HaishinKit.swift/issues/1486: connect lists codecs, also those that the stream does not have.
	t.Run("connect with a list of codecs", func(t *testing.T) {
		t.Parallel()
		conn, c := pair(t, rtmp.Config{})
		c.send(greeting(), command("connect", 1, amf.Object{"app": "live", "fourCcList": amf.Array{"hvc1", "av01", 7, nil}, "videoFourCcInfoMap": amf.Object{"*": 4}, "capsEx": 1}),
			command("createStream", 2, nil), command("publish", 3, nil, "KEY", "live"))
		if r, err := open(conn); err != nil || r.App != "live" || r.Name != "KEY" || !r.Publish {
			t.Errorf("got %+v, %v", r, err)
		}
	})
	// https://github.com/membraneframework/membrane_rtmp_plugin/pull/81: a service that publishes sends pings and acknowledgements.
	t.Run("a publisher that sends pings", func(t *testing.T) {
		t.Parallel()
		conn, c := publishing(t, rtmp.Config{})
		received := make(chan error, 1)
		go func() {
			_, err := conn.ReadMedia()
			received <- err
		}()
		c.send(message(3, []byte{0, 0, 1, 0}), message(4, []byte{0, 6, 0, 0, 0x12, 0x34}))
		c.expect(t, string([]byte{0, 7, 0, 0, 0x12, 0x34}))
		c.send(header(4, 9, 2, 40), []byte{1, 2})
		if err := waittest.Receive(t, received, "the media"); err != nil {
			t.Error(err)
		}
	})
	// https://github.com/sergey-dryabzhinsky/nginx-rtmp-module/issues/38: an encoder goes on after onFCPublish.
	t.Run("an encoder that waits for the responses of Flash Media Server", func(t *testing.T) {
		t.Parallel()
		conn, c := pair(t, rtmp.Config{})
		requested := make(chan error, 1)
		go func() {
			_, err := open(conn)
			requested <- err
		}()
		c.send(greeting(), connect("live"), command("releaseStream", 2, nil, "KEY"), command("FCPublish", 3, nil, "KEY"))
		c.expect(t, string(amf.Encode("onFCPublish", 0, nil)))
		c.send(command("createStream", 4, nil), command("publish", 5, nil, "KEY", "live"))
		if err := waittest.Receive(t, requested, "the request"); err != nil {
			t.Fatal(err)
		}
		if err := conn.Accept(); err != nil {
			t.Fatal(err)
		}
		c.send(command("FCUnpublish", 6, nil, "KEY"), command("deleteStream", 7, nil, 1))
		if _, err := conn.ReadMedia(); err == nil {
			t.Error("the stream goes on")
		}
		c.expect(t, string(amf.Encode("onFCUnpublish", 0, nil)))
	})
}
