package media_test

import (
	"fmt"
	"testing"

	"roomlog/media/rtmp"
)

// TestAddressesThatEncodersSend publishes and plays with the forms of app and stream name that RTMP clients send.
func TestAddressesThatEncodersSend(t *testing.T) {
	h := run(t, nil)
	for i, tt := range []struct{ app, name string }{
		{"", "KEY"},
		{"", "live/KEY"},
		{"", "/live/KEY"},
		{"live/_definst_", "KEY"},
		{"live/", "KEY"},
		{"live", "flv:KEY"},
		{"live", "live/KEY"},
		{"live/KEY", ""},
		{"", "rtmp://127.0.0.1/live/KEY"},
		{"live", "rtmp://127.0.0.1/live/KEY"},
		{"live/_definst_", "rtmp://127.0.0.1:1935/live/_definst_/flv:KEY"},
	} {
		t.Run(tt.app+" and "+tt.name, func(t *testing.T) {
			s := h.dialRequest(t, tt.app, "publish", 3, nil, tt.name+"?sign="+h.signer.Publish("KEY"), "live")
			s.expect(rtmp.PublishStart)
			s.begin(0)
			frame := videoFrame(true, fmt.Sprint("picture ", i))
			s.video(40, frame)
			v := h.watch(t, h.flvURL("KEY"))
			v.sees(frame)
			p := h.dialRequest(t, tt.app, "play", 3, nil, tt.name+"?sign="+h.signer.Play("KEY"))
			p.expect(rtmp.PlayStart)
			p.expect(string(frame[9:]))
			s.unpublish()
			p.gone()
			_ = v.ended()
			eventually(t, "the end of the stream", func() bool { return len(h.Snapshot().Streams) == 0 })
		})
	}
}
