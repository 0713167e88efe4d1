package flv_test

import (
	"testing"

	"roomlog/media/flv"
)

// TestCodecTrack checks which payloads belong to a track, and which sequence header is put before the first frame of
// another codec.
func TestCodecTrack(t *testing.T) {
	type step struct {
		kind    byte
		payload string
		header  string // what Accept must return
		ok      bool
	}
	const (
		aacHeader, otherAACHeader, aacFrame = "\xaf\x00\x12\x10", "\xaf\x00\x11\x90", "\xaf\x01x"
		opusHeader, opusFrame               = "\x90OpusOpusHead\x01\x02", "\x91Opusx"
		avcHeader, avcKey, avcInter         = "\x17\x00\x00\x00\x00x", "\x17\x01\x00\x00\x00x", "\x27\x01\x00\x00\x00x"
		hevcHeader, hevcKey, hevcInter      = "\x90hvc1x", "\x91hvc1\x00\x00\x00x", "\xa1hvc1\x00\x00\x00x"
	)
	mp3Frame := "\x2f\xff\xfb\x10\x00" + string(make([]byte, 200)) // 32 kbit/s at 44100 Hz: 104 bytes
	for name, steps := range map[string][]step{
		"one codec": {{8, aacHeader, "", true}, {8, aacFrame, "", true}, {8, otherAACHeader, "", true}, {8, aacFrame, "", true}},
		"no header": {{8, aacFrame, "", true}, {9, avcKey, "", true}},
		"another codec": {
			{8, aacHeader, "", true}, {8, aacFrame, "", true}, {8, opusHeader, "", false}, {8, opusFrame, opusHeader, true}, {8, opusFrame, "", true},
			{8, aacFrame, aacHeader, true}, {8, opusFrame, opusHeader, true},
		},
		"a header before another codec, which no frame follows": {
			{8, mp3Frame, "", true}, {8, aacHeader, "", false}, {8, mp3Frame, "", true}, {8, aacFrame, "", false},
		},
		"frames without a header": {{8, opusHeader, "", true}, {8, aacFrame, "", false}, {8, opusFrame, "", true}},
		"MP3": {
			{8, aacHeader, "", true}, {8, "\x2f\xff\xfb\x10\x00", "", false}, {8, "\x2fmp3", "", false}, {8, mp3Frame, "", true},
			{8, aacFrame, aacHeader, true},
		},
		"audio of codecs without headers": {{8, aacHeader, "", true}, {8, "\xb6x", "", false}, {8, "\x72x", "", false}, {8, "\x3fx", "", false}, {8, "\xcfx", "", false}, {8, aacFrame, "", true}},
		"video of codecs without headers": {{9, avcHeader, "", true}, {9, "\x12\x00", "", false}, {9, "\x14\x00", "", false}, {9, "\x1f\x00", "", false}, {9, avcInter, "", true}},
		"a codec without headers first":   {{8, "\x72x", "", true}, {8, "\x72x", "", true}, {8, "\xb6x", "", false}, {8, aacHeader, "", false}, {8, aacFrame, aacHeader, true}},
		"several tracks in one payload": {
			{9, "\x96\x10avc1\x00\x00\x00\x01x", "", true}, {9, avcHeader, "", true}, {9, "\x96\x11avc1\x00\x00\x00\x01x", "", false}, {9, avcKey, "", true},
		},
		"video changes with a key frame": {
			{9, avcHeader, "", true}, {9, avcKey, "", true}, {9, hevcHeader, "", false}, {9, hevcInter, "", false}, {9, hevcKey, hevcHeader, true},
			{9, avcInter, "", false}, {9, avcKey, avcHeader, true}, {9, avcInter, "", true},
		},
		"neither header nor frame": {{9, avcHeader, "", true}, {9, "\x57\x00", "", true}, {9, "\xd1\x00", "", true}},
	} {
		t.Run(name, func(t *testing.T) {
			tracks := map[byte]*flv.CodecTrack{flv.Audio: {}, flv.Video: {}}
			for i, s := range steps {
				header, ok := tracks[s.kind].Accept(flv.Describe(s.kind, []byte(s.payload)), []byte(s.payload))
				if string(header) != s.header || ok != s.ok {
					t.Errorf("payload %d, %.20q: got %q, %v, want %q, %v", i, s.payload, header, ok, s.header, s.ok)
				}
			}
		})
	}
}
