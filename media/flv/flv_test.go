package flv_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/deepch/vdk/format/flv/flvio"
	"github.com/google/go-cmp/cmp"

	"roomlog/media/amf"
	"roomlog/media/flv"
	"roomlog/media/flv/flvtest"
)

func TestOtherImplementationReadsTags(t *testing.T) {
	for _, stamp := range []uint32{0, 40, 0xffffff, 17_000_000, 1<<32 - 1} {
		tag := flv.Tag(flv.Video, stamp, []byte("\x17\x01\x00\x00\x05frame"))
		r := bytes.NewReader(append(flv.FileHeader(true, false), tag...))
		head := make([]byte, flvio.FileHeaderLength)
		if _, err := io.ReadFull(r, head); err != nil {
			t.Fatal(err)
		}
		flags, skip, err := flvio.ParseFileHeader(head)
		if err != nil || flags != flvio.FILE_HAS_VIDEO || skip != 4 {
			t.Fatal(flags, skip, err)
		}
		_, _ = r.Seek(int64(skip), io.SeekCurrent)
		got, at, err := flvio.ReadTag(r, make([]byte, flvio.TagHeaderLength))
		if err != nil || uint32(at) != stamp || string(got.Data) != "frame" || got.CompositionTime != 5 || r.Len() != 0 {
			t.Fatal(got, at, err)
		}
		if size := binary.BigEndian.Uint32(tag[len(tag)-4:]); int(size) != len(tag)-4 {
			t.Fatalf("the previous tag has %d bytes, but the size field is %d", len(tag)-4, size)
		}
		if string(flv.Payload(tag)) != "\x17\x01\x00\x00\x05frame" {
			t.Fatal(flv.Payload(tag))
		}
	}
}

func TestFileHeaderAnnouncesTracks(t *testing.T) {
	for _, tt := range []struct {
		video, audio bool
		flags        byte
	}{{true, true, 5}, {true, false, 1}, {false, true, 4}} {
		if b := flv.FileHeader(tt.video, tt.audio); b[4] != tt.flags || len(b) != 13 {
			t.Errorf("%v, %v: % x, want b[4] %v, 13 elements", tt.video, tt.audio, b, tt.flags)
		}
	}
}

func TestDescribe(t *testing.T) {
	for _, tt := range []struct {
		name    string
		kind    byte
		payload string
		want    flv.Info
	}{
		{"H264 sequence header", 9, "\x17\x00\x00\x00\x00\x01", flv.Info{Codec: flv.H264, Header: true, Body: 5}},
		{"H264 key frame", 9, "\x17\x01\x00\x00\x2a\x00", flv.Info{Codec: flv.H264, Key: true, Coded: true, Body: 5, Offset: 42}},
		{"H264 frame with a negative composition time", 9, "\x27\x01\xff\xff\xff", flv.Info{Codec: flv.H264, Coded: true, Body: 5, Offset: -1}},
		{"H264 end of sequence", 9, "\x17\x02\x00\x00\x00", flv.Info{Codec: flv.H264, Body: 5}},
		{"truncated H264", 9, "\x17\x01\x00", flv.Info{Codec: flv.H264}},
		{"HEVC with codec number 12", 9, "\x1c\x01\x00\x00\x00\x01", flv.Info{Codec: flv.HEVC, Key: true, Coded: true, Body: 5}},
		{"VP6 key frame", 9, "\x14\x00", flv.Info{Codec: "vp6", Key: true, Coded: true, Body: 1}},
		{"a command frame", 9, "\x57\x00", flv.Info{Codec: flv.H264}},
		{"an unknown codec", 9, "\x2f\x00", flv.Info{Coded: true, Body: 1}},
		{"enhanced HEVC header", 9, "\x90hvc1\x01", flv.Info{Codec: flv.HEVC, Header: true, Body: 5}},
		{"enhanced HEVC key frame", 9, "\x91hvc1\x00\x00\x07x", flv.Info{Codec: flv.HEVC, Key: true, Coded: true, Body: 8, Offset: 7}},
		{"enhanced HEVC frame without offset", 9, "\xa3hvc1x", flv.Info{Codec: flv.HEVC, Coded: true, Body: 5}},
		{"enhanced AV1 key frame", 9, "\x91av01x", flv.Info{Codec: flv.AV1, Key: true, Coded: true, Body: 5}},
		{"enhanced metadata", 9, "\xd4hvc1x", flv.Info{Codec: flv.HEVC, Body: 5}},
		{"enhanced command", 9, "\xd1x", flv.Info{}},
		{"enhanced unknown codec", 9, "\x91vvc1x", flv.Info{Codec: "vvc1", Key: true, Coded: true, Body: 5}},
		{"enhanced codec with an unprintable FourCC", 9, "\x91\x00\x01\x02\x03x", flv.Info{Key: true, Coded: true, Body: 5}},
		{"truncated enhanced payload", 9, "\x91hv", flv.Info{}},
		{"HEVC key frame that is not marked", 9, "\x83hvc1\x00\x00\x00\x02\x42\x01\x00\x00\x00\x02\x26\x01", flv.Info{Codec: flv.HEVC, Key: true, Coded: true, Body: 5}},
		{"HEVC frame that is no key frame and not marked", 9, "\x83hvc1\x00\x00\x00\x02\x02\x01", flv.Info{Codec: flv.HEVC, Coded: true, Body: 5}},
		{"H264 key frame that is not marked", 9, "\x81avc1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x65\x01", flv.Info{Codec: flv.H264, Key: true, Coded: true, Body: 8}},
		{"AV1 key frame that is not marked", 9, "\x83av01\x12\x00\x0a\x01x\x32", flv.Info{Codec: flv.AV1, Key: true, Coded: true, Body: 5}},
		{"AV1 frame that is no key frame and not marked", 9, "\x83av01\x12\x00\x32\x01x", flv.Info{Codec: flv.AV1, Coded: true, Body: 5}},
		{"VP9 key frame that is not marked", 9, "\x83vp09\x82", flv.Info{Codec: flv.VP9, Key: true, Coded: true, Body: 5}},
		{"VP9 frame that is no key frame and not marked", 9, "\x83vp09\x86", flv.Info{Codec: flv.VP9, Coded: true, Body: 5}},
		{"with a modifier", 9, "\x97\x02abc\x01av01x", flv.Info{Codec: flv.AV1, Key: true, Coded: true, Body: 10}},
		{"a truncated long modifier", 9, "\x97\xff\x00\x10x", flv.Info{}},
		{"modifiers without end", 9, "\x97\x00x\x07\x00x\x07", flv.Info{}},
		{"one track of several, header", 9, "\x96\x00avc1\x03x", flv.Info{Codec: flv.H264, Track: 3, Header: true, Body: 7}},
		{"several tracks in one", 9, "\x96\x11av01\x00\x00\x00\x01x", flv.Info{Codec: flv.AV1, Key: true, Coded: true, Mixed: true, Body: 7}},
		{"AAC sequence header", 8, "\xaf\x00\x12\x10", flv.Info{Codec: flv.AAC, Header: true, Body: 2}},
		{"AAC frame", 8, "\xaf\x01x", flv.Info{Codec: flv.AAC, Coded: true, Body: 2}},
		{"truncated AAC", 8, "\xaf", flv.Info{Codec: flv.AAC}},
		{"MP3", 8, "\x2fx", flv.Info{Codec: flv.MP3, Coded: true, Body: 1}},
		{"G.711", 8, "\x72x", flv.Info{Codec: "pcma", Coded: true, Body: 1}},
		{"enhanced Opus header", 8, "\x90OpusOpusHead", flv.Info{Codec: flv.Opus, Header: true, Body: 5}},
		{"enhanced Opus frame", 8, "\x91Opusx", flv.Info{Codec: flv.Opus, Coded: true, Body: 5}},
		{"enhanced audio track", 8, "\x95\x01mp4a\x02x", flv.Info{Codec: flv.AAC, Track: 2, Coded: true, Body: 7}},
		{"metadata", 18, "\x02", flv.Info{Header: true}},
		{"nothing", 9, "", flv.Info{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Kind = tt.kind
			if diff := cmp.Diff(tt.want, flv.Describe(tt.kind, []byte(tt.payload))); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestParseMetadata(t *testing.T) {
	fields := amf.Object{"width": 1280.0, "encoder": "OBS"}
	plain := amf.Encode("onMetaData", fields)
	for _, tt := range []struct {
		name    string
		payload []byte
		ok      bool
	}{
		{"with @setDataFrame", amf.Encode("@setDataFrame", "onMetaData", fields), true},
		{"without them", plain, true},
		{"with another name", amf.Encode("@setDataFrame", "onTextData", fields), false},
		{"that is not an object", amf.Encode("onMetaData", 1), false},
		{"without a value", amf.Encode("onMetaData"), false},
		{"that is malformed", append(plain[:len(plain):len(plain)], 13), false},
		{"that is empty", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean, got, err := flv.ParseMetadata(tt.payload)
			if (err == nil) != tt.ok {
				t.Fatal(err)
			}
			if !tt.ok {
				return
			}
			if diff := cmp.Diff(fields, got); diff != "" {
				t.Fatal(diff)
			}
			if _, again, err := flv.ParseMetadata(clean); err != nil || !cmp.Equal(fields, again) || len(clean) != len(plain) {
				t.Fatal(again, err)
			}
		})
	}
}

// TestMetadataWithoutTrackFlags checks that only the fields hasAudio and hasVideo are cut out of metadata, and that every other byte stays.
func TestMetadataWithoutTrackFlags(t *testing.T) {
	const name, number, end = "\x02\x00\x0aonMetaData", "\x00\x40\x94\x00\x00\x00\x00\x00\x00", "\x00\x00\x09"
	const audio, video = "\x00\x08hasAudio\x01\x01", "\x00\x08hasVideo\x01\x00"
	const width, height = "\x00\x05width" + number, "\x00\x06height" + number
	long := "\x00\x07comment\x0c\x00\x01\x00\x00" + strings.Repeat("c", 1<<16) // a string of 65,536 bytes
	for _, tt := range []struct{ name, before, after string }{
		{"an object", "\x03" + width + audio + height + video + end, "\x03" + width + height + end},
		{"an ECMA array", "\x08\x00\x00\x00\x04" + audio + height + width + video + end, "\x08\x00\x00\x00\x04" + height + width + end},
		{"a long string", "\x03" + audio + long + width + end, "\x03" + long + width + end},
		{"flags of another type", "\x03" + "\x00\x08hasAudio" + number + width + end, "\x03" + width + end},
		{"another object in it", "\x03\x00\x05other\x03" + audio + end + video + end, "\x03\x00\x05other\x03" + audio + end + end},
		{"a text in it", "\x03\x00\x04text\x02\x00\x0c" + audio + video + end, "\x03\x00\x04text\x02\x00\x0c" + audio + end},
		{"another value after it", "\x03" + audio + end + "\x03" + audio + end, "\x03" + end + "\x03" + audio + end},
		{"no flags", "\x03" + width + end, "\x03" + width + end},
	} {
		t.Run(tt.name, func(t *testing.T) {
			given := []byte(name + tt.before)
			clean, fields, err := flv.ParseMetadata(given)
			if err != nil || string(clean) != name+tt.after || string(given) != name+tt.before {
				t.Errorf("%.200q became %.200q, error %v, want %.200q", given, clean, err, name+tt.after)
			}
			for _, flag := range []string{"hasAudio", "hasVideo"} {
				if _, found := fields[flag]; found {
					t.Errorf("the fields contain %s", flag)
				}
			}
		})
	}
}

var ( // H.264 with 1920 x 1080, HEVC with 960 x 540, and AV1 with 1920 x 804 pixels
	sps = []byte{0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27, 0xe5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04,
		0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc9, 0x20}
	pps = []byte{0x68, 0xeb, 0xe3, 0xcb}

	// H.264 with 640 x 360 pixels in 4:4:4, where cropping is counted in single lines
	spsFull = []byte{0x67, 0xf4, 0x00, 0x1e, 0x91, 0x96, 0x80, 0xa0, 0x2f, 0xf8, 0x9c, 0x04, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40,
		0x00, 0x00, 0x0c, 0x83, 0xc5, 0x8b, 0xa8}

	hevcVPS = []byte{0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0xb0, 0x00, 0x00, 0x03,
		0x00, 0x00, 0x03, 0x00, 0x7b, 0x18, 0xb0, 0x24}
	hevcSPS = []byte{0x42, 0x01, 0x01, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0xb0, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
		0x00, 0x7b, 0xa0, 0x07, 0x82, 0x00, 0x88, 0x7d, 0xb6, 0x71, 0x8b, 0x92, 0x44, 0x80, 0x53, 0x88,
		0x88, 0x92, 0xcf, 0x24, 0xa6, 0x92, 0x72, 0xc9, 0x12, 0x49, 0x22, 0xdc, 0x91, 0xaa, 0x48, 0xfc,
		0xa2, 0x23, 0xff, 0x00, 0x01, 0x00, 0x01, 0x6a, 0x02, 0x02, 0x02, 0x01}
	// HEVC of 320 x 180 pixels with two temporal layers
	hevcLayers = []byte{0x42, 0x01, 0x02, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
		0x00, 0x3c, 0x00, 0x00, 0xa0, 0x0a, 0x08, 0x0c, 0x1f, 0x3e, 0x59, 0x59, 0x4a, 0xca, 0x94, 0x98,
		0x5e, 0x02, 0xd0, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x01, 0x90, 0x80}
	hevcPPS = []byte{0x44, 0x01, 0xc0, 0x25, 0x2f, 0x05, 0x32, 0x40}

	av1Header = []byte{0x0a, 0x0b, 0x00, 0x00, 0x00, 0x42, 0xa7, 0xbf, 0xe4, 0x60, 0x0d, 0x00, 0x40} // an OBU with a size field
)

func sized(n int, b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b)))[4-n:], b...)
}

// avc returns an H.264 sequence header with these parameter sets.
func avc(sps, pps []byte) []byte {
	b := append([]byte{0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x28, 0xff, 0xe1}, sized(2, sps)...)
	return append(append(b, 1), sized(2, pps)...)
}

// hvc returns an enhanced HEVC sequence header with these parameter sets, of the given kinds.
func hvc(kinds []byte, sets ...[]byte) []byte {
	b := append([]byte("\x90hvc1\x01"), make([]byte, 22)...)
	b[5+21], b[5+22] = 3, byte(len(sets))
	for i, set := range sets {
		b = append(append(b, kinds[i], 0, 1), sized(2, set)...)
	}
	return b
}

func TestParseSize(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header []byte
		want   flv.Size
		ok     bool
	}{
		{"H264", avc(sps, pps), flv.Size{Width: 1920, Height: 1080}, true},
		{"H264 in 4:4:4", avc(spsFull, pps), flv.Size{Width: 640, Height: 360}, true},
		{"HEVC", hvc([]byte{32, 33, 34}, hevcVPS, hevcSPS, hevcPPS), flv.Size{Width: 960, Height: 540}, true},
		{"HEVC with profiles of sub-layers", hvc([]byte{32, 33, 34}, hevcVPS, flvtest.WithSubLayers(hevcLayers), hevcPPS), flv.Size{Width: 320, Height: 180}, true},
		{"HEVC in another order", hvc([]byte{34, 0xa0 | 1<<7, 33}, hevcPPS, hevcVPS, hevcSPS), flv.Size{Width: 960, Height: 540}, true},
		{"AV1", append([]byte("\x90av01\x81\x08\x0c\x00"), av1Header...), flv.Size{Width: 1920, Height: 804}, true},
		{"VP9, whose header has no size", []byte("\x90vp09\x01\x00\x00\x00"), flv.Size{}, true},
		{"no header", []byte{0x17, 1, 0, 0, 0}, flv.Size{}, false},
		{"H264 without sets", []byte{0x17, 0, 0, 0, 0, 1, 2, 3, 4, 0xff, 0xe0, 0}, flv.Size{}, false},
		{"H264 with a malformed parameter set", avc([]byte{0x67, 0x64}, pps), flv.Size{}, false},
		{"H264 with an empty parameter set", avc(nil, pps), flv.Size{}, false},
		{"HEVC without a parameter set", hvc([]byte{32, 33}, hevcVPS, hevcSPS), flv.Size{}, false},
		{"HEVC with an empty parameter set", hvc([]byte{32, 33, 34}, hevcVPS, nil, hevcPPS), flv.Size{}, false},
		{"truncated HEVC", hvc([]byte{32, 33, 34}, hevcVPS, hevcSPS, hevcPPS)[:60], flv.Size{}, false},
		{"HEVC with a malformed parameter set", hvc([]byte{32, 33, 34}, hevcVPS, hevcSPS[:9], hevcPPS), flv.Size{}, false},
		{"HEVC that announces 65535 sets", append(hvc(nil)[:5+22], 1, 32, 0xff, 0xff), flv.Size{}, false},
		{"AV1 without an OBU", []byte("\x90av01\x81\x08\x0c\x00"), flv.Size{}, false},
		{"AV1 with another OBU", []byte("\x90av01\x81\x08\x0c\x00\x12\x00"), flv.Size{}, false},
		{"nothing", nil, flv.Size{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := flv.ParseSize(tt.header)
			if got != tt.want || (err == nil) != tt.ok || !tt.ok && !errors.Is(err, flv.ErrMalformed) {
				t.Fatal(got, err)
			}
		})
	}
}

func TestParseSound(t *testing.T) {
	for _, tt := range []struct {
		name    string
		payload string
		want    flv.Sound
		ok      bool
	}{
		{"AAC, 44100 Hz stereo", "\xaf\x00\x12\x10", flv.Sound{Rate: 44100, Channels: 2}, true},
		{"AAC with an explicit rate", "\xaf\x00\x17\x80\x5d\xc0\x10", flv.Sound{Rate: 48000, Channels: 2}, true},
		{"AAC without a rate", "\xaf\x00\x17\x80\x00\x00\x10", flv.Sound{}, false},
		{"AAC with a reserved rate", "\xaf\x00\x17\x10", flv.Sound{}, false},
		{"AAC with an unknown channel layout", "\xaf\x00\x12\x78", flv.Sound{}, false},
		{"truncated AAC", "\xaf\x00", flv.Sound{}, false},
		{"AAC that is not a header", "\xaf\x01\x12\x10", flv.Sound{}, true},
		{"AAC without an object type", "\xaf\x00\x00\x00", flv.Sound{}, false},
		{"AAC without channels", "\xaf\x00\x12\x00", flv.Sound{}, false},
		{"AAC with a program configuration element", "\xaf\x00\x12\x00\x05\x08\x00", flv.Sound{Rate: 44100}, true},
		{"another object type", "\xaf\x00\x42\x10", flv.Sound{}, false},
		{"Opus", "\x90OpusOpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00", flv.Sound{Rate: 48000, Channels: 2}, true},
		{"Opus with six channels", "\x90OpusOpusHead\x01\x06\x38\x01\x80\xbb\x00\x00\x00\x00\x01\x04\x02\x00\x04\x01\x02\x03\x05", flv.Sound{Rate: 48000, Channels: 6}, true},
		{"Opus with six channels and no mapping", "\x90OpusOpusHead\x01\x06\x38\x01\x80\xbb\x00\x00\x00\x00\x01", flv.Sound{}, false},
		{"Opus of another version", "\x90OpusOpusHead\x11\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00", flv.Sound{}, false},
		{"truncated Opus", "\x90OpusOpusHead\x01\x02\x38\x01", flv.Sound{}, false},
		{"MP3, 44100 Hz stereo", "\x2f\xff\xfb", flv.Sound{Rate: 44100, Channels: 2}, true},
		{"nothing", "", flv.Sound{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := flv.ParseSound([]byte(tt.payload)); got != tt.want || (err == nil) != tt.ok {
				t.Fatal(got, err)
			}
		})
	}
}

func TestWithoutSubLayers(t *testing.T) {
	with := flvtest.WithSubLayers(hevcLayers)
	unchanged := bytes.Clone(with)
	if got := flv.WithoutSubLayers(with); !bytes.Equal(got, hevcLayers) || !bytes.Equal(with, unchanged) {
		t.Fatalf("got %x, want %x", got, hevcLayers)
	}
	for name, unit := range map[string][]byte{
		"without sub-layers": hevcSPS, "without profiles": hevcLayers, "of another kind": append([]byte{0x44}, with[1:]...), "nothing": nil,
	} {
		if got := flv.WithoutSubLayers(unit); !bytes.Equal(got, unit) {
			t.Errorf("%s: got %x, want %x", name, got, unit)
		}
	}
	end := bytes.LastIndex(with, []byte{0xa0, 0x0a}) // the profiles end here
	for size := range end {
		if got := flv.WithoutSubLayers(with[:size]); !bytes.Equal(got, with[:size]) {
			t.Errorf("truncated to %d bytes: got %x", size, got)
		}
	}
	sets, err := flv.ParseParameterSets(hvc([]byte{32, 33, 34}, hevcVPS, with, hevcPPS))
	if err != nil || !bytes.Equal(sets.SPS, hevcLayers) {
		t.Fatalf("got %x, %v", sets.SPS, err)
	}
}

func TestParameterSetsAndNALUs(t *testing.T) {
	sets, err := flv.ParseParameterSets(avc(sps, pps))
	if err != nil || !bytes.Equal(sets.SPS, sps) || !bytes.Equal(sets.PPS, pps) || sets.LengthSize != 4 {
		t.Fatal(sets, err)
	}
	sets, err = flv.ParseParameterSets(hvc([]byte{34, 33, 32}, hevcPPS, hevcSPS, hevcVPS))
	if err != nil || !bytes.Equal(sets.VPS, hevcVPS) || !bytes.Equal(sets.SPS, hevcSPS) || !bytes.Equal(sets.PPS, hevcPPS) {
		t.Fatal(sets, err)
	}
	for _, n := range []int{1, 2, 3, 4} {
		frame := bytes.Join([][]byte{sized(n, []byte("one")), sized(n, nil), sized(n, []byte("two"))}, nil)
		units, err := flv.AppendNALUs(nil, frame, n)
		if err != nil || len(units) != 2 || string(units[0]) != "one" || string(units[1]) != "two" {
			t.Fatalf("%d: got %q, %v", n, units, err)
		}
		for cut := 1; cut < n; cut++ {
			if _, err := flv.AppendNALUs(nil, frame[:len(frame)-cut], n); !errors.Is(err, flv.ErrMalformed) {
				t.Fatalf("truncated by %d: %v", cut, err)
			}
		}
	}
	if _, err := flv.AppendNALUs(nil, make([]byte, 4<<20), 4); !errors.Is(err, flv.ErrMalformed) {
		t.Fatalf("a million empty units: %v", err)
	}
}

func TestSplitOBUs(t *testing.T) {
	frame := append([]byte{0x12, 0x00}, av1Header...) // begins with a temporal delimiter
	frame = append(frame, 0x36, 0x40, 0x02, 'a', 'b') // continues with a frame that has an extension header
	units, err := flv.SplitOBUs(frame)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]byte{append([]byte{0x08}, av1Header[2:]...), {0x34, 0x40, 'a', 'b'}}
	if diff := cmp.Diff(want, units); diff != "" {
		t.Fatal(diff)
	}
	for _, bad := range []string{"\x10", "\x12", "\x12\x05a", "\x12\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x16\x00"} {
		if units, err := flv.SplitOBUs([]byte(bad)); !errors.Is(err, flv.ErrMalformed) {
			t.Errorf("%q: got %q, %v", bad, units, err)
		}
	}
	if _, err := flv.SplitOBUs(bytes.Repeat([]byte{0x0a, 0}, 1<<20)); !errors.Is(err, flv.ErrMalformed) {
		t.Errorf("a million units: %v", err)
	}
}

// FuzzPayload passes random payloads to every parser.
func FuzzPayload(f *testing.F) {
	for _, seed := range [][]byte{
		avc(sps, pps), hvc([]byte{32, 33, 34}, hevcVPS, hevcSPS, hevcPPS),
		hvc([]byte{32, 33, 34}, hevcVPS, flvtest.WithSubLayers(hevcLayers), hevcPPS), append([]byte("\x90av01\x81\x08\x0c\x00"), av1Header...),
		{0x1c, 0, 0, 0, 0, 1}, []byte("\x97\x02abc\x00hvc1"), append([]byte{0x17, 1, 0, 0, 0}, sized(4, []byte("unit"))...),
	} {
		f.Add(byte(9), seed)
	}
	for _, seed := range []string{"\xaf\x00\x12\x10", "\xaf\x00\x17\x80\x00\x00\x10", "\x90OpusOpusHead\x01\x02", "\x95\x00mp4a\x01\x11\x90"} {
		f.Add(byte(8), []byte(seed))
	}
	f.Add(byte(18), amf.Encode("@setDataFrame", "onMetaData", amf.Object{"width": 1.0}))
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		info := flv.Describe(kind, b)
		if info.Body < 0 || info.Body > len(b) || info.Header && info.Key || info.Key && kind != 9 {
			t.Fatalf("%+v of %d bytes", info, len(b))
		}
		if size, err := flv.ParseSize(b); err != nil && size != (flv.Size{}) || size.Width < 0 || size.Height < 0 {
			t.Fatal(size, err)
		}
		if sound, err := flv.ParseSound(b); sound.Rate < 0 || err != nil && sound != (flv.Sound{}) {
			t.Fatal(sound, err)
		}
		if sets, err := flv.ParseParameterSets(b); err == nil && (len(sets.SPS) == 0 || len(sets.PPS) == 0 || sets.LengthSize < 1 || sets.LengthSize > 4) {
			t.Fatalf("got %+v", sets)
		}
		units, _ := flv.AppendNALUs(nil, b[info.Body:], 4)
		obus, _ := flv.SplitOBUs(b[info.Body:])
		for _, unit := range append(units, obus...) {
			if len(unit) == 0 {
				t.Fatal("an empty unit")
			}
		}
		if obu, err := flv.ParseAV1Header(b); err == nil && len(obu) == 0 {
			t.Fatal("an empty header")
		}
		if clean, _, err := flv.ParseMetadata(b); err == nil && len(clean) > len(b) {
			t.Fatal("metadata grew")
		}
	})
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name    string
		kind    byte
		payload []byte
		ok      bool
	}{
		{"H264 header", 9, avc(sps, pps), true},
		{"empty H264 header", 9, []byte{0x17, 0, 0, 0, 0}, false},
		{"H264 header without parameter sets", 9, []byte{0x17, 0, 0, 0, 0, 1, 2, 3, 4, 0xff, 0xe0, 0}, false},
		{"H264 header whose parameter set cannot be parsed", 9, avc([]byte{0x67, 0x64}, pps), true},
		{"truncated H264 header", 9, avc(sps, pps)[:20], false},
		{"HEVC header", 9, hvc([]byte{32, 33, 34}, hevcVPS, hevcSPS, hevcPPS), true},
		{"truncated HEVC header", 9, hvc([]byte{32, 33, 34}, hevcVPS, hevcSPS, hevcPPS)[:60], false},
		{"AV1 header without an OBU", 9, []byte("\x90av01\x81\x08\x0c\x00"), true},
		{"truncated AV1 header", 9, []byte("\x90av01\x81"), false},
		{"AAC header", 8, []byte{0xaf, 0, 0x12, 0x10}, true},
		{"empty AAC header", 8, []byte{0xaf, 0}, false},
		{"Opus header", 8, []byte("\x90OpusOpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"), true},
		{"truncated Opus header", 8, []byte("\x90OpusOpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00"), false},
		{"header of an unknown codec", 9, []byte("\x90vvc1\x01"), true},
		{"empty header of an unknown codec", 9, []byte("\x90vvc1"), false},
		{"picture", 9, []byte("\x27\x01\x00\x00\x00\x00"), true},
		{"empty picture", 9, []byte("\x27\x01\x00\x00\x00"), false},
		{"truncated picture", 9, []byte("\x27\x01"), false},
		{"end of sequence", 9, []byte("\x17\x02\x00\x00\x00"), true},
		{"command frame", 9, []byte("\x57\x00"), true},
		{"enhanced command", 9, []byte("\xd1x"), true},
		{"truncated enhanced picture", 9, []byte("\x91hv"), false},
		{"several tracks in one", 9, []byte("\x96\x11av01\x00\x00\x00\x01x"), true},
		{"sound", 8, []byte("\xaf\x01x"), true},
		{"empty sound", 8, []byte("\xaf\x01"), false},
		{"MP3", 8, []byte("\x2fx"), true},
		{"metadata", 18, []byte("x"), true},
		{"nothing", 9, nil, false},
	} {
		if err := flv.Check(flv.Describe(tt.kind, tt.payload), tt.payload); (err == nil) != tt.ok || !tt.ok && !errors.Is(err, flv.ErrMalformed) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestSetTime(t *testing.T) {
	tag := flv.Tag(flv.Video, 0, []byte("\x17\x01\x00\x00\x05frame"))
	flv.SetTime(tag, 17_000_000)
	if want := flv.Tag(flv.Video, 17_000_000, []byte("\x17\x01\x00\x00\x05frame")); !bytes.Equal(tag, want) {
		t.Fatalf("got % x, want % x", tag, want)
	}
}

func TestRepairUnits(t *testing.T) {
	two := slices.Concat(sized(4, []byte("one")), sized(4, []byte("two")))
	short := slices.Concat(sized(2, []byte("one")), sized(2, []byte("two")))
	long := bytes.Repeat([]byte("x"), 300) // its length contains a start code
	for name, tt := range map[string]struct {
		body       []byte
		lengthSize int
		want       []byte
		ok         bool
	}{
		"lengths":                         {two, 4, two, true},
		"lengths of two bytes":            {short, 2, short, true},
		"a length that looks like a code": {sized(4, long), 4, sized(4, long), true},
		"start codes":                     {[]byte("\x00\x00\x00\x01one\x00\x00\x01two\x00"), 4, two, true},
		"short start codes":               {[]byte("\x00\x00\x01one\x00\x00\x01two"), 2, short, true},
		"start codes inside a unit":       {sized(4, []byte("one\x00\x00\x00\x01two")), 4, two, true},
		"truncated":                       {two[:len(two)-1], 4, two[:len(two)-1], false},
		"no unit":                         {make([]byte, 8), 4, make([]byte, 8), false},
		"an odd beginning":                {[]byte("\x01\x17\x01\x17"), 4, []byte("\x01\x17\x01\x17"), false},
		"only start codes":                {[]byte("\x00\x00\x00\x01\x00\x00\x01"), 4, nil, false},
		"a unit too long for its length":  {append([]byte("\x00\x00\x01"), long...), 1, append([]byte("\x00\x00\x01"), long...), false},
		"nothing":                         {nil, 4, nil, false},
	} {
		got, ok := flv.RepairUnits(tt.body, tt.lengthSize)
		if ok != tt.ok || tt.want != nil && !bytes.Equal(got, tt.want) {
			t.Errorf("%s: got %q, %v, want %q, %v", name, got, ok, tt.want, tt.ok)
		}
	}
}
