package media_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"

	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/flv/flvtest"
	"roomlog/media/hls"
)

// raw encodes a short film with one codec, without a container.
func raw(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	tool(t, "ffmpeg", append(append([]string{"-f", "lavfi", "-i", "testsrc=s=320x180:r=25:d=3", "-pix_fmt", "yuv420p", "-g", "25"}, args...), file)...)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pictures splits a film into pictures, each of which begins with a delimiter.
func pictures(units [][]byte, delimits func([]byte) bool) [][][]byte {
	var all [][][]byte
	for _, unit := range units {
		if delimits(unit) {
			all = append(all, nil)
			continue
		}
		all[len(all)-1] = append(all[len(all)-1], unit)
	}
	return all
}

// hevcFilm encodes a film of HEVC, and replaces the sequence parameter sets among its pictures by what edit returns. The
// track keeps the encoder's, because the library of the publisher cannot read every set.
func hevcFilm(t *testing.T, params string, edit func(sps []byte) []byte) (*gortmplib.Track, [][][]byte) {
	t.Helper()
	film := raw(t, "film.hevc", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", params+":aud=1:keyint=25:min-keyint=25:log-level=none")
	units := bytes.Split(film, []byte{0, 0, 1})[1:]
	codec := &codecs.H265{}
	for i := range units {
		units[i] = bytes.TrimRight(units[i], "\x00")
		switch units[i][0] >> 1 & 0x3f {
		case 32:
			codec.VPS = units[i]
		case 33:
			codec.SPS, units[i] = units[i], edit(units[i])
		case 34:
			codec.PPS = units[i]
		}
	}
	return &gortmplib.Track{Codec: codec}, pictures(units, func(unit []byte) bool { return unit[0]>>1&0x3f == 35 })
}

func TestHLSOfNewerCodecs(t *testing.T) {
	needFFmpeg(t)
	for _, tt := range []struct {
		name string
		film func(*testing.T) (*gortmplib.Track, [][][]byte)
	}{
		{"hevc", func(t *testing.T) (*gortmplib.Track, [][][]byte) {
			return hevcFilm(t, "bframes=0", func(sps []byte) []byte { return sps })
		}},
		{"hevc with profiles of sub-layers in its pictures", func(t *testing.T) (*gortmplib.Track, [][][]byte) {
			return hevcFilm(t, "temporal-layers=1:bframes=1:b-adapt=0:scenecut=0:open-gop=0", flvtest.WithSubLayers)
		}},
		{"av1", func(t *testing.T) (*gortmplib.Track, [][][]byte) {
			var units av1.Bitstream
			if err := units.Unmarshal(raw(t, "film.obu", "-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime")); err != nil {
				t.Fatal(err)
			}
			return &gortmplib.Track{Codec: &codecs.AV1{}}, pictures(units, func(unit []byte) bool { return unit[0]>>3&15 == 2 })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			track, film := tt.film(t)
			h := run(t, func(c *media.Config) { c.StreamGrace, c.SettleTime = -1, 100*time.Millisecond })
			w := h.peerPublisher(t, "KEY", track)
			for i, picture := range film {
				at := time.Duration(i) * 40 * time.Millisecond
				var err error
				if _, is := track.Codec.(*codecs.H265); is {
					shown := at
					if n := i % 25; strings.Contains(tt.name, "sub-layers") && n > 0 { // each B-frame comes after the picture that is shown next
						shown += time.Duration(n%2*2-1) * 40 * time.Millisecond
					}
					err = w.WriteH265(track, shown+40*time.Millisecond, at, picture)
				} else {
					err = w.WriteAV1(track, at, picture)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			h.stream(t, "KEY", "the film", func(s media.StreamStats) bool { return s.GOP == 25 && s.FramesIn >= 75 })
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				eventually(t, "a player", func() bool {
					s := h.Snapshot().Streams
					return len(s) == 1 && s[0].BytesOut > 1000
				})
				w.Conn.(*gortmplib.Client).Close()
			}()
			text := tool(t, "ffmpeg", "-i", h.hlsURL("KEY"), "-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-f", "framemd5", "-") // otherwise ffmpeg leaves out pictures, because it guesses a frame rate
			waittest.Receive(t, ended, "the end of the publisher")
			if n := strings.Count(text, "\n0,"); n < 25 || !strings.Contains(text, "320x180") {
				t.Fatalf("%d pictures in %s", n, bytes.TrimSpace([]byte(text)[:min(len(text), 500)]))
			}
		})
	}
}

// TestHLSAfterSwappedPictures writes pictures in the wrong order, as they can reach HLS when nothing shows their right order.
// Some players show all later pictures too late if one has a presentation time before its decoding time.
func TestHLSAfterSwappedPictures(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	m := hls.New(hls.Config{Now: time.Now, Token: "TOKEN"})
	t.Cleanup(m.Close)
	film := repeatedAndSwapped(tagsOf(t, flashes(t)))
	for _, tag := range film {
		if tag.at > 14_000 { // the playlist still has the swapped pictures
			break
		}
		if err := m.Write(media.NewFrame(tag.kind, tag.at, []byte(tag.payload))); err != nil {
			t.Fatal(err)
		}
	}
	get := func(serve func(w http.ResponseWriter, r *http.Request, name string), name string) string {
		w := httptest.NewRecorder()
		serve(w, httptest.NewRequest(http.MethodGet, "/"+name, nil), name)
		return w.Body.String()
	}
	list := get(func(w http.ResponseWriter, r *http.Request, name string) { m.Playlist(w, r, name, "session=S") }, "video1_stream.m3u8")
	samples := 0
	for _, segment := range regexp.MustCompile(`(?m)^[^#\n?]+\.mp4`).FindAllString(list, -1) {
		if segment == "gap.mp4" {
			continue
		}
		var parts fmp4.Parts
		if err := parts.Unmarshal([]byte(get(m.File, segment))); err != nil {
			t.Fatalf("%s: %v", segment, err)
		}
		for _, part := range parts {
			for _, sample := range part.Tracks[0].Samples {
				if samples++; sample.PTSOffset < 0 {
					t.Fatalf("%s has a picture that is shown %d ticks before it is decoded", segment, -sample.PTSOffset)
				}
			}
		}
	}
	if samples < 100 {
		t.Fatalf("%d pictures in %s", samples, list)
	}
}
