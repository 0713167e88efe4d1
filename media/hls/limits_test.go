package hls_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"

	"roomlog/media/flv"
	"roomlog/media/hls"
	"roomlog/media/hls/hlstest"
)

const (
	videoList = "video1_stream.m3u8"
	audioList = "audio2_stream.m3u8"
)

// videoOfSize returns a picture of which the NAL unit has size bytes.
func videoOfSize(at uint32, key bool, size int) frame {
	f := videoFrame(at, key)
	unit := make([]byte, size)
	unit[0] = f.payload[9]
	f.payload = append(binary.BigEndian.AppendUint32(bytes.Clone(f.payload[:5]), uint32(size)), unit...)
	return f
}

// parsed returns the current version of a playlist.
func parsed(t *testing.T, m *hls.Muxer, name string) hlstest.List {
	t.Helper()
	l, err := hlstest.Parse(list(m, name, "").Body.String())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// samplesOf returns the samples of a segment or of a part.
func samplesOf(t *testing.T, m *hls.Muxer, name string) (samples []*fmp4.Sample) {
	t.Helper()
	w := file(m, name)
	if w.Code != 200 {
		t.Fatalf("%s has status %d", name, w.Code)
	}
	var parts fmp4.Parts
	if err := parts.Unmarshal(w.Body.Bytes()); err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		for _, track := range part.Tracks {
			samples = append(samples, track.Samples...)
		}
	}
	return samples
}

// TestWithoutKeyFramesTheStreamEndsWithAnError checks that neither the size nor the number of parts of a segment is unlimited,
// whatever arrives in the other track.
func TestWithoutKeyFramesTheStreamEndsWithAnError(t *testing.T) {
	for name, tt := range map[string]struct {
		size        int    // of a picture
		every       uint32 // ms between two pictures
		first       bool   // whether the stream begins with a key frame
		atLeast, by uint32 // time of the error in ms
	}{
		"pictures beyond the maximum size": {16 << 10, 40, true, 12_000, 22_000},
		"tiny pictures":                    {1, 200, true, 60_000, 62_000},
		"no key frame at all":              {1, 40, false, 60_000, 62_000},
	} {
		for _, sound := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, sound=%v", name, sound), func(t *testing.T) {
				m := open(t, hls.Config{MaxSegment: 4 << 20})
				write(t, m, avcHeader())
				if sound {
					write(t, m, aacHeader())
				}
				if tt.first { // a whole segment, after which playlists are served
					write(t, m, videoOfSize(0, true, 10), videoOfSize(1000, true, 10))
				}
				at, err := uint32(1000), error(nil)
				for ; at < 2*tt.by && err == nil; at += tt.every {
					if err = m.Write(videoOfSize(at, false, tt.size)); err == nil && sound {
						err = m.Write(frame{flv.Audio, at, []byte("\xaf\x01sound")})
					}
				}
				if !errors.Is(err, hls.ErrSegmenting) || at < tt.atLeast || at > tt.by {
					t.Fatalf("after %d ms: error %v", at, err)
				}
				if !tt.first {
					return
				}
				if n := len(parsed(t, m, videoList).Parts); n == 0 || n > 301 {
					t.Errorf("the segment has %d parts", n)
				}
			})
		}
	}
}

// TestFramesWithoutPayloadAndTimeAreLimited writes frames that have neither a size nor a length worth mentioning.
func TestFramesWithoutPayloadAndTimeAreLimited(t *testing.T) {
	left := 0
	m := open(t, hls.Config{MaxSegment: 1 << 20, OnError: func(error) { left++ }})
	write(t, m, avcHeader(), aacHeader(), videoFrame(0, true), videoFrame(40, false))
	for range 20_000 {
		write(t, m, frame{flv.Audio, 40, []byte("\xaf\x01s")})
	}
	for at := uint32(80); at < 1100; at += 40 {
		write(t, m, videoFrame(at, at == 1000))
	}
	segments := parsed(t, m, audioList).Segments
	if n := len(samplesOf(t, m, segments[len(segments)-1].URI)); n < 5000 || n > 1<<20/128 || left != 1 {
		t.Errorf("the segment has %d frames of sound, %d errors", n, left)
	}
}

// TestAFullSegmentIsNotContinued checks that after a frame that is too large, no smaller frame follows in the same segment, which
// would be shown at the wrong time and without the picture on which it depends.
func TestAFullSegmentIsNotContinued(t *testing.T) {
	m := open(t, hls.Config{MaxSegment: 100_000})
	write(t, m, avcHeader())
	for i := range uint32(76) {
		size := 100
		if i == 35 {
			size = 100_000
		}
		write(t, m, videoOfSize(i*40, i%25 == 0, size))
	}
	var counts []int
	for _, s := range parsed(t, m, videoList).Segments {
		if !s.Gap {
			counts = append(counts, len(samplesOf(t, m, s.URI)))
		}
	}
	if fmt.Sprint(counts) != "[25 10 25]" {
		t.Errorf("the segments have %v pictures", counts)
	}
}

// TestPausesOfVideo checks that the picture before a pause is not shown during the pause, which would also make all parts of the
// run seem as long as the pause: video begins again with another run.
func TestPausesOfVideo(t *testing.T) {
	m := open(t, hls.Config{})
	write(t, m, avcHeader(), aacHeader())
	second(t, m, 0)
	second(t, m, 1000)
	for at := uint32(2000); at < 62_000; at += 20 {
		write(t, m, sound(at))
	}
	if l := parsed(t, m, videoList); l.Before != 0 {
		t.Fatalf("%d runs before the pause has ended", l.Before+1)
	}
	for i := range uint32(4) {
		second(t, m, 62_000+i*1000)
	}
	for _, name := range []string{videoList, audioList} {
		l := parsed(t, m, name)
		if l.Before != 1 || l.PartTarget > 1 || l.PartHoldBack > 3 || l.Target > 2 {
			t.Errorf("%s: %d runs before, target duration %d s, parts of %.3f s", name, l.Before, l.Target, l.PartTarget)
		}
	}
}

// TestPausesOfSoundStartNoRun checks that viewers do not notice when the sound pauses.
func TestPausesOfSoundStartNoRun(t *testing.T) {
	m := open(t, hls.Config{})
	write(t, m, avcHeader(), aacHeader())
	second(t, m, 0)
	for at := uint32(1000); at < 9000; at += 40 {
		write(t, m, videoFrame(at, at%1000 == 0))
	}
	second(t, m, 9000)
	second(t, m, 10_000)
	if l := parsed(t, m, videoList); l.Before != 0 || l.Next() != firstSegment+10 {
		t.Errorf("%d runs before, next segment %d", l.Before, l.Next())
	}
}

// TestRunsOfAV1BeginWithAKeyFrame checks that a run that begins in the middle of a group of pictures leaves out the pictures
// before the next key frame.
func TestRunsOfAV1BeginWithAKeyFrame(t *testing.T) {
	const sequence = "\x0a\x0b\x00\x00\x00\x42\xa7\xbf\xe4\x60\x0d\x00\x40"
	m := open(t, hls.Config{})
	write(t, m, frame{flv.Video, 0, []byte("\x90av01\x81\x08\x0c\x00" + sequence)})
	for i := range uint32(90) {
		f := frame{flv.Video, i * 40, []byte("\xa1av01\x32\x01x")}
		if i >= 10 && (i-10)%25 == 0 {
			f.payload = []byte("\x91av01" + sequence + "\x32\x01x")
		}
		write(t, m, f)
	}
	segments := parsed(t, m, videoList).Segments
	if i := firstSegment; len(segments) <= i || len(samplesOf(t, m, segments[i].URI)) != 25 {
		t.Fatalf("segments %+v", segments)
	}
	if first := samplesOf(t, m, segments[firstSegment].URI)[0]; first.IsNonSyncSample || !strings.Contains(string(first.Payload), "\x42\xa7\xbf") {
		t.Errorf("the first picture is no key frame: %x", first.Payload)
	}
}

// TestNumbersOfIncompleteSegmentsAreNotUsedAgain checks that another run does not use the media sequence number of a segment of
// which playlists have listed parts.
func TestNumbersOfIncompleteSegmentsAreNotUsedAgain(t *testing.T) {
	m := open(t, hls.Config{})
	write(t, m, avcHeader())
	for i := range uint32(45) { // one segment, and some parts of the next one
		write(t, m, videoFrame(i*40, i%25 == 0))
	}
	before := parsed(t, m, videoList)
	if len(before.Parts) == 0 {
		t.Fatal(before)
	}
	for i := range uint32(26) {
		write(t, m, videoFrame(60_000+i*40, i == 0 || i == 25))
	}
	if after := parsed(t, m, videoList); after.Before != 1 || after.Sequence <= before.Next() {
		t.Errorf("the new run begins with segment %d, and parts of segment %d were listed", after.Sequence, before.Next())
	}
}

// TestTheLastGroupOfPicturesIsInASegment checks that players without low latency receive all pictures of a stream that ends or
// whose headers change in the middle of a group of pictures.
func TestTheLastGroupOfPicturesIsInASegment(t *testing.T) {
	count := func(t *testing.T, m *hls.Muxer) (pictures, sounds int, length float64) {
		t.Helper()
		l := parsed(t, m, videoList)
		for _, s := range l.Segments {
			if !s.Gap {
				pictures, length = pictures+len(samplesOf(t, m, s.URI)), length+s.Duration
			}
		}
		for _, s := range parsed(t, m, audioList).Segments {
			if !s.Gap {
				sounds += len(samplesOf(t, m, s.URI))
			}
		}
		if len(l.Parts) > 0 {
			t.Errorf("%d parts are in no segment", len(l.Parts))
		}
		return pictures, sounds, length
	}
	for _, plain := range []bool{false, true} {
		for n, name := range map[uint32]string{60: "after two groups", 20: "before any segment", 75: "with a whole group"} {
			t.Run(fmt.Sprintf("%s, plain=%v", name, plain), func(t *testing.T) {
				m := open(t, hls.Config{NoLowLatency: plain, OnError: func(err error) { t.Error(err) }})
				write(t, m, avcHeader(), aacHeader())
				for i := range n {
					write(t, m, videoFrame(i*40, i%25 == 0), sound(i*40))
				}
				m.End()
				pictures, sounds, length := count(t, m)
				if pictures != int(n) || sounds != int(n) || length < float64(n)*0.04-0.001 || length > float64(n)*0.04+0.001 {
					t.Errorf("%d pictures and %d sounds of %d, %.3f s", pictures, sounds, n, length)
				}
				if l := parsed(t, m, videoList); !l.Ended {
					t.Error("the playlist has not ended")
				}
			})
		}
		t.Run(fmt.Sprintf("before other headers, plain=%v", plain), func(t *testing.T) {
			m := open(t, hls.Config{NoLowLatency: plain, OnError: func(err error) { t.Error(err) }})
			write(t, m, avcHeader(), aacHeader())
			for i := range uint32(60) {
				write(t, m, videoFrame(i*40, i%25 == 0), sound(i*40))
			}
			write(t, m, frame{flv.Audio, 2400, []byte{0xaf, 0, 0x11, 0x90}}) // 48 kHz
			if pictures, sounds, _ := count(t, m); pictures != 60 || sounds != 60 {
				t.Errorf("%d pictures and %d sounds of 60", pictures, sounds)
			}
			if l := parsed(t, m, videoList); l.Ended {
				t.Error("the playlist has ended")
			}
		})
	}
}

// TestFilesAreServedAfterTheirSegmentHasLeftThePlaylist checks section 6.2.2 of RFC 8216: a segment is available for at least its
// own duration and that of the playlist after it has left the playlist, but not for ever.
func TestFilesAreServedAfterTheirSegmentHasLeftThePlaylist(t *testing.T) {
	const segments = 8
	m := open(t, hls.Config{Segments: segments})
	write(t, m, avcHeader(), aacHeader())
	next := func(i uint32) { second(t, m, i*1000) }
	next(0)
	next(1)
	first := parsed(t, m, videoList).Segments[firstSegment]
	if len(first.Parts) == 0 {
		t.Fatal(first)
	}
	files := []string{first.URI, first.Parts[0].URI}
	i := uint32(2)
	for ; parsed(t, m, videoList).Sequence <= firstSegment; i++ { // until the segment has left the playlist
		next(i)
	}
	for range segments + 1 {
		for _, name := range files {
			if w := file(m, name); w.Code != 200 {
				t.Fatalf("after %d segments: %s has status %d", i, name, w.Code)
			}
		}
		next(i)
		i++
	}
	for range segments {
		next(i)
		i++
	}
	for _, name := range files {
		if w := file(m, name); w.Code != 404 {
			t.Errorf("%s is still served, with status %d", name, w.Code)
		}
	}
}

// TestBandwidthIsThatOfAllTracks checks section 4.3.4.2 of RFC 8216.
func TestBandwidthIsThatOfAllTracks(t *testing.T) {
	m := open(t, hls.Config{})
	write(t, m, avcHeader(), aacHeader())
	for i := range uint32(76) {
		write(t, m, videoOfSize(i*40, i%25 == 0, 500), frame{flv.Audio, i * 40, append([]byte("\xaf\x01"), make([]byte, 1000)...)})
	}
	var bandwidth, average int
	text := index(m).Body.String()
	if _, err := fmt.Sscanf(text[strings.Index(text, "BANDWIDTH="):], "BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d", &bandwidth, &average); err != nil {
		t.Fatal(text)
	}
	if least := 25 * 8 * (500 + 1000); bandwidth < least || bandwidth > 3*least/2 || average < least*9/10 || average > bandwidth {
		t.Errorf("BANDWIDTH %d, AVERAGE-BANDWIDTH %d, want at least %d: %s", bandwidth, average, least, text)
	}
}
