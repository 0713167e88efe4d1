package media_test

import (
	"bytes"
	"net/url"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"roomlog/media"
	"roomlog/media/flv"
)

var (
	hevcVPS = []byte{0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0xb0, 0x00, 0x00, 0x03,
		0x00, 0x00, 0x03, 0x00, 0x7b, 0x18, 0xb0, 0x24}
	hevcSPS = []byte{0x42, 0x01, 0x01, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0xb0, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
		0x00, 0x7b, 0xa0, 0x07, 0x82, 0x00, 0x88, 0x7d, 0xb6, 0x71, 0x8b, 0x92, 0x44, 0x80, 0x53, 0x88,
		0x88, 0x92, 0xcf, 0x24, 0xa6, 0x92, 0x72, 0xc9, 0x12, 0x49, 0x22, 0xdc, 0x91, 0xaa, 0x48, 0xfc,
		0xa2, 0x23, 0xff, 0x00, 0x01, 0x00, 0x01, 0x6a, 0x02, 0x02, 0x02, 0x01}
	hevcPPS   = []byte{0x44, 0x01, 0xc0, 0x25, 0x2f, 0x05, 0x32, 0x40}
	av1Header = []byte{0x08, 0x00, 0x00, 0x00, 0x42, 0xa7, 0xbf, 0xe4, 0x60, 0x0d, 0x00, 0x40}
)

// peerPublisher publishes with an independent RTMP implementation, which uses enhanced RTMP where necessary.
func (h *testServer) peerPublisher(t *testing.T, key string, tracks ...*gortmplib.Track) *gortmplib.Writer {
	t.Helper()
	c := &gortmplib.Client{URL: &url.URL{Scheme: "rtmp", Host: h.rtmp, Path: "/live/" + key, RawQuery: "sign=" + h.signer.Publish(key)}, Publish: true}
	if err := c.Initialize(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := &gortmplib.Writer{Conn: c, Tracks: tracks}
	if err := w.Initialize(); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestEnhancedCodecsPassThrough(t *testing.T) {
	hevc := &gortmplib.Track{Codec: &codecs.H265{VPS: hevcVPS, SPS: hevcSPS, PPS: hevcPPS}}
	av1 := &gortmplib.Track{Codec: &codecs.AV1{}}
	aac := &gortmplib.Track{Codec: &codecs.MPEG4Audio{Config: &mpeg4audio.AudioSpecificConfig{Type: 2, SampleRate: 48000, ChannelConfig: 2}}}
	opusTrack := &gortmplib.Track{Codec: &codecs.Opus{IDHeader: &opus.IDHeader{Version: 1, ChannelCount: 2, InputSampleRate: 48000}}}
	key, next := append([]byte{0x26, 0x01}, "key"...), append([]byte{0x02, 0x01}, "next"...)
	packet := []byte{0xfc, 'o', 'p', 'u', 's'}
	for _, tt := range []struct {
		name   string
		tracks []*gortmplib.Track
		write  func(*gortmplib.Writer, time.Duration) error
		video  flv.Codec
		size   flv.Size
		audio  flv.Codec
		sound  flv.Sound
		unit   []byte // the unit that the reader must receive
	}{
		{"HEVC and Opus", []*gortmplib.Track{hevc, opusTrack}, func(w *gortmplib.Writer, at time.Duration) error {
			if err := w.WriteH265(hevc, at+80*time.Millisecond, at, [][]byte{key}); err != nil {
				return err
			}
			if err := w.WriteH265(hevc, at+20*time.Millisecond, at+20*time.Millisecond, [][]byte{next}); err != nil {
				return err
			}
			return w.WriteOpus(opusTrack, at, packet)
		}, flv.HEVC, flv.Size{Width: 960, Height: 540}, flv.Opus, flv.Sound{Rate: 48000, Channels: 2}, key},
		{"AV1 and AAC", []*gortmplib.Track{av1, aac}, func(w *gortmplib.Writer, at time.Duration) error {
			if err := w.WriteAV1(av1, at, [][]byte{av1Header, {0x30, 'k', 'e', 'y'}}); err != nil {
				return err
			}
			return w.WriteMPEG4Audio(aac, at, []byte("aac"))
		}, flv.AV1, flv.Size{Width: 1920, Height: 804}, flv.AAC, flv.Sound{Rate: 48000, Channels: 2}, []byte{0x30, 'k', 'e', 'y'}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := run(t, nil)
			w := h.peerPublisher(t, "KEY", tt.tracks...)
			var at time.Duration
			write := func() {
				at += 40 * time.Millisecond
				if err := tt.write(w, at); err != nil {
					t.Fatal(err)
				}
			}
			write()
			broadcast := h.stream(t, "KEY", "the stream", func(s media.StreamStats) bool { return s.Broadcast.Audio != "" && s.Broadcast.Video != "" }).Broadcast
			if broadcast.Video != tt.video || broadcast.Audio != tt.audio || broadcast.Sound != tt.sound || tt.video == flv.HEVC && broadcast.Size != tt.size {
				t.Fatalf("got %+v", broadcast)
			}
			v := h.watch(t, h.flvURL("KEY"))
			c := h.dialPeer(t, "KEY")
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() { // the reader needs more frames to detect the tracks
				defer close(stopped)
				for {
					select {
					case <-stop:
						return
					case <-time.After(20 * time.Millisecond):
						write()
					}
				}
			}()
			got := read(t, c)
			close(stop)
			<-stopped
			if !bytes.Equal(got, tt.unit) {
				t.Fatalf("the other implementation read %q, want %v", got, tt.unit)
			}
			eventually(t, "a key frame over HTTP-FLV", func() bool {
				for _, s := range v.got() {
					if info := s.info(); info.Key && info.Codec == tt.video {
						return true
					}
				}
				return false
			})
		})
	}
}

// read returns the last unit of the first picture that the independent implementation can parse.
func read(t *testing.T, c *gortmplib.Client) []byte {
	t.Helper()
	r := &gortmplib.Reader{Conn: c}
	if err := r.Initialize(); err != nil {
		t.Fatal(err)
	}
	if len(r.Tracks()) != 2 {
		t.Fatalf("the other implementation found %d tracks, want 2", len(r.Tracks()))
	}
	var unit []byte
	for _, track := range r.Tracks() {
		switch track.Codec.(type) {
		case *codecs.H265:
			r.OnDataH265(track, func(_, _ time.Duration, au [][]byte) { unit = au[len(au)-1] })
		case *codecs.AV1:
			r.OnDataAV1(track, func(_ time.Duration, tu [][]byte) { unit = tu[len(tu)-1] })
		case *codecs.Opus:
			r.OnDataOpus(track, func(time.Duration, []byte) {})
		case *codecs.MPEG4Audio:
			r.OnDataMPEG4Audio(track, func(time.Duration, []byte) {})
		default:
			t.Fatalf("the other implementation found %T", track.Codec)
		}
	}
	for begun := time.Now(); unit == nil; {
		if err := r.Read(); err != nil || time.Since(begun) > timeout { // time passes: it bounds the wait
			t.Fatal("the reader got nothing: ", err)
		}
	}
	return unit
}
