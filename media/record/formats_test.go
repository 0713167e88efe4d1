package record_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/flv/flvtest"
)

func TestOtherFormatsAreRecorded(t *testing.T) {
	for name, tt := range map[string]struct {
		args         []string
		file         string
		video, audio flv.Codec
	}{
		"sound":                         {[]string{"-vn", "-c:a", "aac"}, "1.mp4", "", flv.AAC},
		"picture":                       {videoFrame("-an"), "1.mp4", flv.H264, ""},
		"mp3":                           {videoFrame("-c:a", "libmp3lame", "-ar", "44100"), "1.mp4", flv.H264, flv.MP3},
		"mp3 with fewer samples, alone": {[]string{"-vn", "-c:a", "libmp3lame", "-ar", "22050"}, "1.mp4", "", flv.MP3},
		"a codec that MP4 cannot store": {[]string{"-c:v", "flv", "-g", "25", "-c:a", "adpcm_swf"}, "1.flv", "h263", "adpcm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := clip(t, "film.flv", tt.args...)
			s := open(t, t.TempDir(), nil)
			rec := s.record("broadcast", frames(t, source, 1000))
			if len(rec.Parts) != 1 || rec.Parts[0].File != tt.file || rec.Parts[0].Video != tt.video || rec.Parts[0].Audio != tt.audio {
				t.Fatal(sprint(rec))
			}
			same(t, packets(t, source), packets(t, s.file(rec, 0)))
			if got := duration(t, s.file(rec, 0)); got < 4900 || got > 5200 {
				t.Fatalf("ffprobe reports a duration of %d ms", got)
			}
		})
	}
}

// enhanced returns the frames of an MP4 film in enhanced RTMP.
func enhanced(t *testing.T, file, fourCC string) (all []*media.Frame) {
	t.Helper()
	for _, p := range flvtest.Enhanced(t, file, fourCC) {
		all = append(all, media.NewFrame(p.Kind, p.At, p.Data))
	}
	return all
}

func TestNewerCodecsAreRecorded(t *testing.T) {
	for name, tt := range map[string]struct {
		codec  flv.Codec
		fourCC string
		args   []string
	}{
		"hevc": {flv.HEVC, "hvc1", []string{"-an", "-c:v", "libx265", "-tag:v", "hvc1", "-preset", "ultrafast", "-x265-params", "keyint=25:log-level=none"}},
		"av1":  {flv.AV1, "av01", []string{"-an", "-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-g", "25"}},
		"opus": {flv.Opus, "Opus", []string{"-vn", "-c:a", "libopus", "-ac", "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := clip(t, "film.mp4", append(tt.args, "-pix_fmt", "yuv420p", "-movflags", "frag_keyframe+empty_moov+default_base_moof")...)
			s := open(t, t.TempDir(), nil)
			rec := s.record("broadcast", enhanced(t, source, tt.fourCC))
			if len(rec.Parts) != 1 || rec.Parts[0].File != "1.mp4" || rec.Parts[0].Video != tt.codec && rec.Parts[0].Audio != tt.codec {
				t.Fatal(sprint(rec))
			}
			want, got := packets(t, source), packets(t, s.file(rec, 0))
			if tt.codec == flv.AV1 { // delimiters are not stored
				if !slices.Equal(pictures(t, source), pictures(t, s.file(rec, 0))) {
					t.Fatal("the pictures are not the same")
				}
				return
			}
			same(t, want, got)
		})
	}
}

// TestHEVCWithProfilesOfSubLayersIsRecorded checks that the recording is an MP4 file, and that its pictures are those of
// the publisher.
func TestHEVCWithProfilesOfSubLayersIsRecorded(t *testing.T) {
	t.Parallel()
	source := clip(t, "film.mp4", "-an", "-c:v", "libx265", "-tag:v", "hvc1", "-preset", "ultrafast", "-x265-params",
		"temporal-layers=1:bframes=3:keyint=25:log-level=none", "-pix_fmt", "yuv420p", "-movflags", "frag_keyframe+empty_moov+default_base_moof")
	all := enhanced(t, source, "hvc1")
	header := all[0].Payload()
	sets, err := flv.ParseParameterSets(header)
	if err != nil {
		t.Fatal(err)
	}
	sized := func(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
	changed := bytes.Replace(header, sized(sets.SPS), sized(flvtest.WithSubLayers(sets.SPS)), 1)
	all[0] = media.NewFrame(flv.Video, all[0].Time(), changed)
	s := open(t, t.TempDir(), nil)
	rec := s.record("broadcast", all)
	if len(rec.Parts) != 1 || rec.Parts[0].File != "1.mp4" || rec.Parts[0].Video != flv.HEVC {
		t.Fatal(sprint(rec))
	}
	same(t, packets(t, source), packets(t, s.file(rec, 0)))
	if want := pictures(t, source); len(want) == 0 || !slices.Equal(want, pictures(t, s.file(rec, 0))) {
		t.Fatal("the pictures are not the same")
	}
}

// TestChangeOfSizeBeginsAPart checks that a change of the video size begins another file.
func TestChangeOfSizeBeginsAPart(t *testing.T) {
	t.Parallel()
	small, large := film(t), clip(t, "large.flv", videoFrame("-s", "640x360", "-c:a", "aac", "-b:a", "64k")...)
	s := open(t, t.TempDir(), nil)
	rec := s.record("broadcast", append(frames(t, small, 0), frames(t, large, 5100)...))
	if len(rec.Parts) != 2 || rec.Parts[1].Size != (flv.Size{Width: 640, Height: 360}) || rec.Parts[1].File != "2.mp4" {
		t.Fatal(sprint(rec))
	}
	same(t, packets(t, small), packets(t, s.file(rec, 0)))
	same(t, packets(t, large), packets(t, s.file(rec, 1)))
	if rec.Length < 9900*time.Millisecond || rec.Length > 10300*time.Millisecond {
		t.Fatalf("the length is %v", rec.Length)
	}
	if off := rec.Parts[1].StartedAt.Sub(rec.Parts[0].StartedAt); off < -time.Second || off > 10*timeout {
		t.Fatalf("the second part began %v after the first", off)
	}
}

// TestReconnectContinuesTheRecording checks that a publisher that reconnects continues in the same file, and that the
// last picture stays during the gap.
func TestReconnectContinuesTheRecording(t *testing.T) {
	t.Parallel()
	source := film(t)
	s := open(t, t.TempDir(), nil)
	rec := s.record("broadcast", append(frames(t, source, 0), frames(t, source, 12_000)...))
	if len(rec.Parts) != 1 || rec.Length < 16900*time.Millisecond || rec.Length > 17200*time.Millisecond {
		t.Fatal(sprint(rec))
	}
	if got := pictures(t, s.file(rec, 0)); len(got) != 250 {
		t.Fatalf("%d pictures, want 250", len(got))
	}
	if got := pictures(t, s.file(rec, 0), "-ss", "12.5"); len(got) < 100 || len(got) > 115 {
		t.Fatalf("got %d pictures from 12.5 s on", len(got))
	}
}

// TestLargeTimestampsAreRecorded checks timestamps in milliseconds that need more than 24 bits, and timestamps that
// overflow 32 bits during the recording.
func TestLargeTimestampsAreRecorded(t *testing.T) {
	t.Parallel()
	source := film(t)
	want := packets(t, source)
	for name, from := range map[string]uint32{"past 4.66 hours": 17_000_000, "past half of it": 1<<31 - 2000, "past the end": 1<<32 - 2000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir(), nil)
			rec := s.record("broadcast", frames(t, source, from))
			if len(rec.Parts) != 1 {
				t.Fatal(sprint(rec))
			}
			same(t, want, packets(t, s.file(rec, 0)))
		})
	}
}

// TestMalformedFramesAreLeftOut checks that a recording leaves out malformed frames and contains all others.
func TestMalformedFramesAreLeftOut(t *testing.T) {
	t.Parallel()
	source := frames(t, film(t), 0)
	var all []*media.Frame
	for i, f := range source {
		all = append(all, f)
		if i < 5 || i%10 > 0 {
			continue
		}
		long := binary.BigEndian.AppendUint32([]byte{0x27, 1, 0, 0, 0}, 1<<30)
		all = append(all, media.NewFrame(flv.Video, f.Time(), append(long, "short"...)),
			media.NewFrame(flv.Video, f.Time(), []byte{0x27, 1, 0, 0, 0}), media.NewFrame(flv.Audio, f.Time(), []byte{0xaf, 1}),
			media.NewFrame(flv.Audio, f.Time(), nil), media.NewFrame(flv.Video, f.Time(), []byte{0x27}))
	}
	s := open(t, t.TempDir(), nil)
	rec := s.record("broadcast", all)
	if got := pictures(t, s.file(rec, 0)); len(rec.Parts) != 1 || len(got) != 125 {
		t.Fatalf("%d pictures in %+v, want 1 Parts, 125", len(got), rec)
	}
}

// TestTooManyPartsEndTheRecording checks that a stream whose headers change all the time ends its recording, not the
// process.
func TestTooManyPartsEndTheRecording(t *testing.T) {
	t.Parallel()
	source := frames(t, film(t), 0)
	var header, key *media.Frame
	for _, f := range source {
		switch {
		case f.Info().Kind == flv.Video && f.Info().Header:
			header = f
		case f.Info().Key && key == nil:
			key = f
		}
	}
	other := bytes.Clone(header.Payload())
	other[15] ^= 4 // a flag of the SPS, which decoders ignore
	var all []*media.Frame
	for i := range uint32(300) {
		h := header.Payload()
		if i%2 > 0 {
			h = other
		}
		all = append(all, media.NewFrame(flv.Video, i*40, h), media.NewFrame(flv.Video, i*40, key.Payload()))
	}
	s := open(t, t.TempDir(), nil)
	rec := s.record("broadcast", all)
	if rec.Reason != "parts" || len(rec.Parts) != 100 {
		t.Fatalf(`%d parts, %s, want "parts", 100`, len(rec.Parts), rec.Reason)
	}
	if got := s.testObserver.list(); !strings.HasPrefix(got[len(got)-1], "finished parts") || s.Stats().Failures != 1 {
		t.Fatal(got)
	}
}
