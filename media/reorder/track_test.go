package reorder_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/media/flv"
	"roomlog/media/reorder"
)

// message is a message of a test, in the form "timestamp:payload". For a picture of H.264 it is "timestamp:number". The
// suffix "k" marks a key frame, and "n" a picture to which no other picture refers.
type message = reorder.Message[string]

func parse(t *testing.T, text string) (m message) {
	t.Helper()
	m.Value = text
	at, payload, _ := strings.Cut(text, ":")
	fmt.Sscan(at, &m.At)
	m.Payload = []byte(payload)
	var number byte
	if _, err := fmt.Sscan(payload, &number); err != nil && !strings.ContainsAny(payload, "kn") {
		m.Ordered = true
		return m
	}
	fmt.Sscanf(payload, "%d", &number)
	nal := byte(0x41)
	switch {
	case strings.HasSuffix(payload, "k"):
		nal = 0x65
	case strings.HasSuffix(payload, "n"):
		nal = 0x01
	}
	// A slice header: first_mb_in_slice 0, slice_type 0, pic_parameter_set_id 0, and four bits of frame_num.
	m.Number, m.Numbered = numbering(t).FrameNumber([]byte{0, 0, 0, 3, nal, 0b111<<5 | number<<1, 0}, 4)
	if !m.Numbered {
		t.Fatalf("%s is no picture", text)
	}
	return m
}

// numbering is that of a sequence header of x264 with numbers of four bits.
func numbering(t *testing.T) flv.Numbering {
	t.Helper()
	sps := []byte{0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x44, 0x26, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x48, 0x96, 0x58}
	header := slices.Concat([]byte{0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x0a, 0xff, 0xe1, 0, byte(len(sps))}, sps, []byte{1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb})
	n, err := flv.ParseNumbering(header)
	if err != nil || n == (flv.Numbering{}) {
		t.Fatalf("numbering %v, %v", n, err)
	}
	return n
}

// steps returns 30 sounds in steps of 20 ms, the last one at 600 ms: after them, a longer step is unusual.
func steps() (all []string) {
	for i := 1; i <= 30; i++ {
		all = append(all, fmt.Sprintf("%d:s%d", 20*i, i))
	}
	return all
}

func TestTrack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ before, in, out []string }{
		"pictures in order":                         {nil, []string{"0:0k", "40:1", "80:2n", "120:2"}, []string{"0:0k", "40:1", "80:2n", "120:2"}},
		"a picture arrives twice":                   {nil, []string{"0:0k", "40:1", "40:1", "80:2"}, []string{"0:0k", "40:1", "80:2"}},
		"twice, with another timestamp":             {nil, []string{"0:0k", "40:1", "60:1", "80:2"}, []string{"0:0k", "40:1", "80:2"}},
		"a key frame arrives twice":                 {nil, []string{"0:0k", "0:0k", "40:1", "80:0k", "90:0k", "120:1"}, []string{"0:0k", "40:1", "80:0k", "120:1"}},
		"a still image":                             {nil, []string{"0:0k", "40:0k", "80:0k"}, []string{"0:0k", "40:0k", "80:0k"}},
		"two pictures are swapped":                  {nil, []string{"0:0k", "40:1", "120:3", "80:2", "160:4"}, []string{"0:0k", "40:1", "80:2", "120:3", "160:4"}},
		"two pictures are swapped and arrive twice": {nil, []string{"0:0k", "40:1", "120:3", "120:3", "80:2", "80:2", "160:4"}, []string{"0:0k", "40:1", "80:2", "120:3", "160:4"}},
		"the number begins anew":                    {nil, []string{"0:0k", "40:14", "80:15", "160:1", "120:0", "200:2"}, []string{"0:0k", "40:14", "80:15", "120:0", "160:1", "200:2"}},
		"a picture is lost":                         {nil, []string{"0:0k", "40:1", "120:3", "160:4"}, []string{"0:0k", "40:1", "120:3", "160:4"}},
		"timestamps in presentation order":          {nil, []string{"0:0k", "80:1", "40:2n", "160:2", "120:3n", "240:3", "200:4n", "320:4"}, []string{"0:0k", "80:1", "40:2n", "160:2", "120:3n", "240:3", "200:4n", "320:4"}},
		"a picture is too late":                     {nil, []string{"0:0k", "40:1", "80:2", "80:3", "40:1", "120:4"}, []string{"0:0k", "40:1", "80:2", "80:3", "120:4"}},
		"pictures have numbers without meaning":     {nil, []string{"0:0k", "40:1", "200:2", "100:5", "110:6", "120:7", "130:8"}, []string{"0:0k", "40:1", "200:2", "120:7", "130:8"}},
		"sounds in order":                           {steps(), []string{"620:a", "640:b"}, []string{"620:a", "640:b"}},
		"two sounds are swapped":                    {steps(), []string{"640:b", "620:a", "660:c"}, []string{"620:a", "640:b", "660:c"}},
		"a sound arrives twice":                     {steps(), []string{"620:a", "620:a", "640:b"}, []string{"620:a", "640:b"}},
		"silence":                                   {steps(), []string{"620:a", "640:a", "660:a"}, []string{"620:a", "640:a", "660:a"}},
		"several sounds have one timestamp":         {[]string{"0:a", "0:b"}, []string{"40:c", "40:c", "80:d", "80:d"}, []string{"40:c", "40:c", "80:d", "80:d"}},
		"sounds in irregular steps":                 {nil, []string{"0:a", "20:b", "60:c", "50:d"}, []string{"0:a", "20:b", "60:c", "50:d"}},
		"a clock jumps":                             {steps(), []string{"9000:a", "9020:b", "20:c", "40:d"}, []string{"9000:a", "9020:b", "20:c", "40:d"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var track reorder.Track[string]
			var out []string
			pass := func(text string) { out = append(out, text) }
			for _, text := range tt.before {
				track.Add(parse(t, text), time.Time{}, pass)
			}
			out = nil
			for _, text := range tt.in {
				track.Add(parse(t, text), time.Time{}, pass)
			}
			track.Flush(pass)
			if !slices.Equal(out, tt.out) {
				t.Errorf("got %v, want %v", out, tt.out)
			}
		})
	}
}

// TestMessagesWaitForABoundedTime checks that a message waits only if one seems to be missing, and not for ever.
func TestMessagesWaitForABoundedTime(t *testing.T) {
	t.Parallel()
	var track reorder.Track[string]
	var out []string
	pass := func(text string) { out = append(out, text) }
	var now time.Time
	for _, text := range []string{"0:0k", "40:1", "80:2", "160:4"} {
		track.Add(parse(t, text), now, pass)
	}
	track.Expire(now.Add(reorder.MaxWait-1), pass)
	if len(out) != 3 {
		t.Fatalf("%v have passed, want all but the last one, before which one is missing", out)
	}
	track.Expire(now.Add(reorder.MaxWait), pass)
	if len(out) != 4 {
		t.Errorf("%v have passed after %v, want all", out, reorder.MaxWait)
	}
}
