package media_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/rtmp"
)

// TestTruncatedKeyFramesAreNoStartPoints checks that a key frame that ends in the middle of a unit, or before its
// picture, is no start point.
func TestTruncatedKeyFramesAreNoStartPoints(t *testing.T) {
	slice := strings.Repeat("p", 600)
	units := func(all ...string) string {
		var b []byte
		for _, unit := range all {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(unit))), unit...)
		}
		return string(b)
	}
	avc, hevc := units("\x06sei", "\x65"+slice), units("\x4e\x01sei", "\x26\x01"+slice)
	av1 := "\x12\x00\x0a\x0b\x00\x00\x00\x42\xa7\xbf\xe4\x60\x0d\x00\x40\x32\xd8\x04" + slice // a delimiter, a sequence header and a frame
	hevcInFLV, av1InFLV := "\x1c\x00\x00\x00\x00"+string(hevcHeader()[5:]), "\x1d\x00\x00\x00\x00"+av1Record
	for name, tt := range map[string]struct{ header, head, body string }{
		"H.264":                                 {string(avcHeader()), "\x17\x01\x00\x00\x00", avc},
		"H.264 in enhanced RTMP":                {"\x90avc1" + string(avcHeader()[5:]), "\x91avc1\x00\x00\x00", avc},
		"HEVC":                                  {hevcInFLV, "\x1c\x01\x00\x00\x00", hevc},
		"HEVC in enhanced RTMP":                 {string(hevcHeader()), "\x91hvc1\x00\x00\x00", hevc},
		"HEVC without a composition time":       {string(hevcHeader()), "\x93hvc1", hevc},
		"AV1":                                   {av1InFLV, "\x1d\x01\x00\x00\x00", av1},
		"AV1 in enhanced RTMP":                  {"\x90av01" + av1Record, "\x91av01", av1},
		"AV1 in enhanced RTMP, without a frame": {"\x90av01" + av1Record, "\x93av01", av1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := run(t, nil)
			s := h.publish(t, "KEY")
			s.video(0, []byte(tt.header))
			s.audio(0, aacHeader())
			s.video(0, []byte(tt.head+tt.body))
			s.audio(0, sound("sound"))
			sent := uint64(4)
			h.stream(t, "KEY", "the key frame", func(s media.StreamStats) bool { return s.FramesIn == sent })
			begin := strings.Index(tt.body, "pp")
			for _, n := range []int{1, begin - 8, begin - 6, begin - 5, begin - 4, begin - 3, begin, len(tt.body) / 2, len(tt.body) - 1} {
				if n < 1 {
					continue
				}
				s.video(40, []byte(tt.head+tt.body[:n]))
				sent++
				h.stream(t, "KEY", "the truncated key frame", func(s media.StreamStats) bool { return s.FramesIn+s.Ignored == sent })
				v := h.watch(t, h.flvURL("KEY"))
				eventually(t, "a picture", func() bool {
					return slices.ContainsFunc(v.got(), func(tag seen) bool { return tag.kind == flv.Video && tag.info().Coded })
				})
				for _, tag := range v.got() {
					if tag.kind == flv.Video && tag.info().Coded {
						if tag.payload != tt.head+tt.body {
							t.Errorf("after the first %d of %d bytes a player starts with %d bytes", n, len(tt.body), len(tag.payload)-len(tt.head))
						}
						break
					}
				}
				v.cancel()
			}
		})
	}
}

// av1Record is a decoder configuration of AV1.
const av1Record = "\x81\x08\x0c\x00\x0a\x0b\x00\x00\x00\x42\xa7\xbf\xe4\x60\x0d\x00\x40"

// TestPlayersStartWithTheFirstTrack checks that a key frame of a second track is no start point.
func TestPlayersStartWithTheFirstTrack(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	second := "\x96\x01avc1\x01\x00\x00\x00\x00\x00\x00\x02\x65x" // a key frame of track 1
	s.video(40, []byte(second))
	h.stream(t, "KEY", "both tracks", func(s media.StreamStats) bool { return s.FramesIn == 6 })
	tags := h.watch(t, h.flvURL("KEY")).sees([]byte(second))
	if got := kinds(tags); !slices.Equal(got, []string{"meta", "h264 header", "aac header", "key", "sound", "key"}) {
		t.Fatalf("a player starts with %q", got)
	}
}

// TestImpossibleCompositionTimes checks that a picture with a composition time of hours is shown at its timestamp.
func TestImpossibleCompositionTimes(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	v := h.watch(t, h.flvURL("KEY"))
	for i, composition := range []string{"\x7f\xff\xff", "\x80\x00\x00", "\x00\x00\x50", "\xff\xff\xb0"} {
		frame := videoFrame(false, fmt.Sprint("picture ", i))
		s.send(rtmp.AppendMedia(nil, flv.Video, uint32(i+1)*40, slices.Concat(frame[:2], []byte(composition), frame[5:])))
		if i >= 2 { // possible times
			copy(frame[2:], composition)
		}
		v.sees(frame)
	}
}

// TestInterleavedChunks publishes messages whose chunks are interleaved, with short headers, and one that is aborted.
func TestInterleavedChunks(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	v := h.watch(t, h.flvURL("KEY"))
	v.sees(sound("first"))
	const size, video, audio = 128, 6, 7 // bytes of a chunk, and two chunk streams
	full := func(stream byte, at, length int, kind byte) []byte {
		return []byte{stream, 0, 0, byte(at), 0, byte(length >> 8), byte(length), kind, 1, 0, 0, 0}
	}
	text := strings.Repeat("x", 2*size)
	first, aborted, last := videoFrame(false, "first "+text), videoFrame(false, "aborted "+text), videoFrame(false, "last")
	heard, next := sound("heard "+text[:size]), sound("next! "+text[:size]) // of the same length
	s.send(slices.Concat(
		rtmpMessage(1, binary.BigEndian.AppendUint32(nil, size)),
		full(video, 40, len(first), flv.Video), first[:size], full(audio, 41, len(heard), flv.Audio), heard[:size],
		[]byte{3<<6 | video}, first[size:2*size], []byte{3<<6 | audio}, heard[size:], []byte{3<<6 | video}, first[2*size:],
		[]byte{1<<6 | video, 0, 0, 40, 0, byte(len(aborted) >> 8), byte(len(aborted)), flv.Video}, aborted[:size], rtmpMessage(2, []byte{0, 0, 0, video}),
		[]byte{2<<6 | audio, 0, 0, 23}, next[:size], []byte{3<<6 | audio}, next[size:],
		full(video, 120, len(last), flv.Video), last,
	))
	tags := v.sees(last)
	want := []seen{{flv.Audio, 41, string(heard)}, {flv.Video, 40, string(first)}, {flv.Audio, 64, string(next)}, {flv.Video, 120, string(last)}}
	if got := tags[len(tags)-4:]; !slices.Equal(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

// TestADTSHeadersAreRemoved checks that players get raw AAC frames from an encoder that sends ADTS headers.
func TestADTSHeadersAreRemoved(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	frame, err := mpeg4audio.ADTSPackets{{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 44100, ChannelCount: 2, AU: []byte("raw frame")}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	s.audio(40, sound(string(frame)))
	s.audio(60, sound("after"))
	tags := h.watch(t, h.flvURL("KEY")).sees(sound("after"))
	if got := tags[len(tags)-2]; got.payload != string(sound("raw frame")) {
		t.Fatalf("a player got %q", got.payload)
	}
}
