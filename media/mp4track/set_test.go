package mp4track_test

import (
	"testing"

	"roomlog/media/flv"
	"roomlog/media/mp4track"
)

// TestUpdate checks which sequence headers describe another track.
func TestUpdate(t *testing.T) {
	const (
		avc  = "\x17\x00\x00\x00\x00\x01\x42\xc0\x28\xff\xe1\x00\x19\x67\x42\xc0\x28\xd9\x00\x78\x02\x27\xe5\x84\x00\x00\x03\x00\x04\x00\x00\x03\x00\xf0\x3c\x60\xc9\x20\x01\x00\x04\x68\xeb\xe3\xcb"
		aac  = "\xaf\x00\x12\x08"
		opus = "\x90OpusOpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"
	)
	var set mp4track.Set
	for _, tt := range []struct {
		name    string
		kind    byte
		header  string
		changed bool
		ok      bool
	}{
		{"the first H.264 header", flv.Video, avc, true, true},
		{"the same", flv.Video, avc, false, true},
		{"with an extension at its end", flv.Video, avc + "\xfd\xf8\xf8\x00", false, true},
		{"with another picture parameter set", flv.Video, avc[:len(avc)-1] + "\xcd", true, true},
		{"a malformed one", flv.Video, avc[:20], true, false},
		{"a good one after it", flv.Video, avc, true, true},
		{"the first AAC header", flv.Audio, aac + "\x56\xe5\x00", true, true},
		{"without its extension", flv.Audio, aac, false, true},
		{"with another sample rate", flv.Audio, "\xaf\x00\x11\x88", true, true},
		{"a header of another codec", flv.Audio, opus, true, true},
		{"with another gain", flv.Audio, opus[:len(opus)-3] + "\x01\x00\x00", false, true},
	} {
		changed, err := set.Update(flv.Describe(tt.kind, []byte(tt.header)), []byte(tt.header))
		if changed != tt.changed || (err == nil) != tt.ok {
			t.Errorf("%s: changed %v, %v, want %v", tt.name, changed, err, tt.changed)
		}
	}
}
