package media_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/flv/flvtest"
	"roomlog/media/hls"
)

// hevcClip encodes four seconds of HEVC with a key frame each second. It returns the file and its frames in enhanced RTMP.
func hevcClip(t *testing.T, size, format, params string) (file string, frames []flvtest.Payload) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "film.mp4")
	tool(t, "ffmpeg", "-f", "lavfi", "-i", "testsrc=s="+size+":r=25:d=4", "-pix_fmt", format, "-c:v", "libx265", "-tag:v", "hvc1", "-preset", "ultrafast",
		"-x265-params", params+":keyint=25:min-keyint=25:scenecut=0:log-level=none", "-movflags", "frag_keyframe+empty_moov+default_base_moof", file)
	return file, flvtest.Enhanced(t, file, "hvc1")
}

// decoded returns the hashes of the pictures of a film, in the order in which they are shown.
func decoded(t *testing.T, file string) (hashes []string) {
	t.Helper()
	for _, found := range regexp.MustCompile(`(?m)^0,.*, ([0-9a-f]{32})$`).FindAllStringSubmatch(tool(t, "ffmpeg", "-i", file, "-fps_mode", "passthrough", "-f", "framemd5", "-"), -1) {
		hashes = append(hashes, found[1])
	}
	return hashes
}

// segmented writes frames to HLS, and returns the index, and a file with the init file and all segments. The last group of
// pictures belongs to no segment.
func segmented(t *testing.T, frames []flvtest.Payload) (index, file string) {
	t.Helper()
	m := hls.New(hls.Config{Now: time.Now, Token: "TOKEN", Segments: 30, OnError: func(err error) { t.Error(err) }})
	t.Cleanup(m.Close)
	for _, f := range frames {
		if err := m.Write(media.NewFrame(f.Kind, f.At, f.Data)); err != nil {
			t.Fatal(err)
		}
	}
	get := func(serve func(w http.ResponseWriter, r *http.Request, name string), name string) []byte {
		w := httptest.NewRecorder()
		serve(w, httptest.NewRequest(http.MethodGet, "/"+name, nil), name)
		if w.Code != http.StatusOK {
			t.Fatalf("%s has status %d", name, w.Code)
		}
		return w.Body.Bytes()
	}
	index = string(get(func(w http.ResponseWriter, r *http.Request, _ string) { m.Index(w, r, "") }, "index.m3u8"))
	list := string(get(func(w http.ResponseWriter, r *http.Request, name string) { m.Playlist(w, r, name, "session=S") }, "video1_stream.m3u8"))
	all := get(m.File, regexp.MustCompile(`MAP:URI="([^?]+)`).FindStringSubmatch(list)[1])
	for _, name := range regexp.MustCompile(`(?m)^[^#\n?]+_seg\d+\.mp4`).FindAllString(list, -1) {
		all = append(all, get(m.File, name)...)
	}
	file = filepath.Join(t.TempDir(), "hls.mp4")
	if err := os.WriteFile(file, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return index, file
}

// TestHLSHasEveryFrameOfHEVC compares the pictures that a decoder gets from HLS with those of the encoder, for what x265 can
// put into a sequence parameter set, and for several orders of pictures.
func TestHLSHasEveryFrameOfHEVC(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	for name, tt := range map[string]struct{ size, format, params string }{
		"no reordering":                          {"320x180", "yuv420p", "bframes=0"},
		"temporal sub-layers":                    {"320x180", "yuv420p", "temporal-layers=1:bframes=1:b-adapt=0"},
		"temporal sub-layers and a pyramid":      {"320x180", "yuv420p", "temporal-layers=1:bframes=3:b-adapt=0:b-pyramid=1"},
		"temporal sub-layers and an open group":  {"320x180", "yuv420p", "temporal-layers=1:bframes=3:b-adapt=0:open-gop=1"},
		"a deep pyramid and many references":     {"320x180", "yuv420p", "bframes=8:b-adapt=0:ref=5:rc-lookahead=20:open-gop=0"},
		"an open group of pictures":              {"320x180", "yuv420p", "bframes=4:b-adapt=0:open-gop=1"},
		"a window smaller than the coded frames": {"318x178", "yuv420p", "bframes=3"},
		"scaling lists":                          {"320x180", "yuv420p", "scaling-list=default"},
		"usability information": {"320x180", "yuv420p", "sar=2:overscan=show:videoformat=pal:range=full:colorprim=bt709:transfer=bt709:colormatrix=bt709:chromaloc=1:" +
			"display-window=2,2,2,2:hrd=1:vbv-bufsize=1000:vbv-maxrate=1000:bitrate=500"},
		"10 bits":            {"320x180", "yuv420p10le", "bframes=3"},
		"4:2:2 with 10 bits": {"320x180", "yuv422p10le", "bframes=3"},
		"4:4:4":              {"320x180", "yuv444p", "bframes=3"},
		"gray":               {"320x180", "gray", "bframes=3"},
		"slices":             {"320x192", "yuv420p", "slices=3:bframes=2"},
		"interlaced":         {"320x180", "yuv420p", "interlace=tff"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, frames := hevcClip(t, tt.size, tt.format, tt.params)
			index, file := segmented(t, frames)
			want, got := decoded(t, source), decoded(t, file)
			least := 75
			if strings.Contains(tt.params, "open-gop=1") { // the last pictures of a group come after the next key frame
				least -= 4
			}
			if len(want) < 90 || len(got) < least || len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
				t.Errorf("HLS has %d pictures of %d, and they are not the same", len(got), len(want))
			}
			if !strings.Contains(index, "RESOLUTION="+tt.size) || !strings.Contains(index, `CODECS="hvc1.`) {
				t.Error(index)
			}
		})
	}
}

// parameterSet writes a sequence parameter set of HEVC for 64×64 pixels (ITU-T H.265, section 7.3.2.2).
type parameterSet struct {
	bits []byte // one bit each

	pcm, longTerm, extension bool
	crop                     bool
	sets                     func(s *parameterSet) // writes the short-term reference picture sets
}

func (s *parameterSet) u(n, v int) {
	for i := n - 1; i >= 0; i-- {
		s.bits = append(s.bits, byte(v>>i&1))
	}
}

// ue writes numbers in Exp-Golomb code.
func (s *parameterSet) ue(numbers ...int) {
	for _, v := range numbers {
		n := 0
		for (v+1)>>n > 1 {
			n++
		}
		s.u(n, 0)
		s.u(n+1, v+1)
	}
}

func (s *parameterSet) flag(set bool) {
	s.bits = append(s.bits, map[bool]byte{true: 1}[set])
}

// unit returns the NAL unit.
func (s *parameterSet) unit() []byte {
	s.u(8, 0)           // id of the video parameter set, one layer
	s.u(8, 4)           // profile with range extensions
	s.u(32, 0x08000000) // is compatible with it
	s.u(24, 0x900000)
	s.u(24, 0)
	s.u(8, 30)         // level
	s.ue(0, 1, 64, 64) // id, 4:2:0, size
	if s.flag(s.crop); s.crop {
		s.ue(1, 1, 2, 2)
	}
	s.ue(0, 0, 4) // bit depths, size of the picture order count: 8 bits
	s.flag(true)
	s.ue(4, 2, 0)
	s.ue(0, 1, 0, 2, 1, 1) // sizes of blocks
	s.u(3, 0)              // no scaling lists, AMP and SAO
	if s.flag(s.pcm); s.pcm {
		s.u(8, 0x77)
		s.ue(0, 2)
		s.flag(true)
	}
	if s.sets == nil {
		s.ue(0)
	} else {
		s.sets(s)
	}
	if s.flag(s.longTerm); s.longTerm {
		s.ue(2)
		s.u(9, 5<<1|1)
		s.u(9, 9<<1)
	}
	s.u(2, 0)
	s.flag(false) // usability information
	if s.flag(s.extension); s.extension {
		s.u(8, 0x80)
		s.u(9, 0x1ff) // all tools of the range extensions
	}
	s.flag(true)
	for len(s.bits)%8 > 0 {
		s.flag(false)
	}
	out := []byte{33 << 1, 1}
	for i := 0; i < len(s.bits); i += 8 {
		b := byte(0)
		for _, bit := range s.bits[i : i+8] {
			b = b<<1 | bit
		}
		if n := len(out); b <= 3 && out[n-1] == 0 && out[n-2] == 0 {
			out = append(out, 3) // no start code
		}
		out = append(out, b)
	}
	return out
}

// TestRareParameterSetsOfHEVC publishes HEVC with sequence parameter sets that x265 does not write. Players of HTTP-FLV get the
// stream whatever the set contains. HLS has the pictures, or leaves the track out and says why.
func TestRareParameterSetsOfHEVC(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	_, film := hevcClip(t, "64x64", "yuv420p", "bframes=2")
	sets, err := flv.ParseParameterSets(film[0].Data)
	if err != nil {
		t.Fatal(err)
	}
	sized := func(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
	for name, tt := range map[string]struct {
		set    parameterSet
		size   string
		reason string // of HLS
	}{
		"nothing rare":     {parameterSet{}, "64x64", ""},
		"PCM":              {parameterSet{pcm: true}, "64x64", ""},
		"range extensions": {parameterSet{extension: true}, "64x64", ""},
		"a window":         {parameterSet{crop: true}, "60x56", ""},
		"reference sets that are predicted from others": {parameterSet{sets: func(s *parameterSet) {
			s.ue(3)
			s.ue(1, 1) // one picture before and one after
			s.ue(3)
			s.flag(true)
			s.ue(1)
			s.flag(true)
			s.flag(true) // predicted, 2 pictures later
			s.flag(false)
			s.ue(1)
			s.u(3, 7)
			s.flag(true) // predicted, 1 picture earlier, without one picture
			s.flag(true)
			s.ue(0)
			for range 3 {
				s.u(1, 1)
			}
			s.u(2, 0)
		}}, "64x64", ""},
		"long-term references":         {parameterSet{longTerm: true}, "", "long term ref pics inside SPS are not supported yet"},
		"long-term references and PCM": {parameterSet{longTerm: true, pcm: true, crop: true, extension: true}, "", "long term ref pics inside SPS are not supported yet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := bytes.Replace(film[0].Data, sized(sets.SPS), sized(tt.set.unit()), 1)
			if bytes.Equal(header, film[0].Data) {
				t.Fatal("the header has no such set")
			}
			h := run(t, nil)
			s := h.publish(t, "KEY")
			s.video(0, header)
			for _, f := range film[1:27] {
				s.video(f.At, f.Data)
			}
			h.watch(t, h.flvURL("KEY")).sees(header)
			var faults []error
			var err error
			m := hls.New(hls.Config{Now: time.Now, Token: "TOKEN", OnError: func(err error) { faults = append(faults, err) }})
			t.Cleanup(m.Close)
			for i, f := range film {
				if i == 0 {
					f.Data = header
				}
				if err = m.Write(media.NewFrame(f.Kind, f.At, f.Data)); err != nil {
					break
				}
			}
			if tt.reason != "" {
				if !errors.Is(err, hls.ErrCodec) || len(faults) != 1 || !strings.Contains(faults[0].Error(), tt.reason) {
					t.Errorf("HLS ends with %v, and says %v", err, faults)
				}
				return
			}
			w := httptest.NewRecorder()
			m.Index(w, httptest.NewRequest(http.MethodGet, "/index.m3u8", nil), "")
			if err != nil || len(faults) > 0 || w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "RESOLUTION="+tt.size) {
				t.Errorf("%v, %v, %d %s", err, faults, w.Code, w.Body)
			}
		})
	}
}

// TestManySubLayersOfHEVC publishes HEVC with three, five and seven temporal sub-layers, also with profiles of their own. Players of HTTP-FLV,
// HLS and the recording have all pictures.
func TestManySubLayersOfHEVC(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	source, film := hevcClip(t, "64x64", "yuv420p", "temporal-layers=1:bframes=3:b-adapt=0:b-pyramid=1")
	want := decoded(t, source)
	for _, layers := range []int{3, 5, 7} {
		t.Run(fmt.Sprint(layers), func(t *testing.T) {
			t.Parallel()
			frames := flvtest.MoreSubLayers(film, layers)
			if layers == 7 { // the last one has profiles, too
				sets, err := flv.ParseParameterSets(frames[0].Data)
				if err != nil {
					t.Fatal(err)
				}
				sized := func(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
				frames[0].Data = bytes.Replace(frames[0].Data, sized(sets.SPS), sized(flvtest.WithSubLayers(sets.SPS)), 1)
			}
			var tags []seen
			for _, f := range frames {
				tags = append(tags, seen{f.Kind, f.At, string(f.Data)})
			}
			_, file := segmented(t, frames)
			if got := decoded(t, file); len(got) < 75 || !slices.Equal(got, want[:min(len(got), len(want))]) {
				t.Errorf("HLS has %d pictures of %d, and they are not the same", len(got), len(want))
			}
			e := newEncoderOf(t, tags, func(c *media.Config) { c.SettleTime = time.Second })
			e.connect()
			e.play(1500)
			recorded := e.startRecording()
			watched := e.h.watch(t, e.h.flvURL("KEY"))
			watched.sees(frames[0].Data)
			e.meet()
			e.play(4000)
			got := watched.sees(frames[len(frames)-1].Data)
			if len(got) < 75 {
				t.Fatalf("a player has %d tags", len(got))
			}
			for i, tag := range got[1:] {
				if tag.payload != tags[len(tags)-len(got)+1+i].payload {
					t.Fatalf("tag %d of a player differs", i)
				}
			}
			e.sender.unpublish()
			_, parts := recorded()
			if len(parts) != 1 {
				t.Fatalf("the recording has %d parts", len(parts))
			}
			if got := decoded(t, parts[0]); len(got) < 75 || !slices.Equal(got, want[len(want)-min(len(got), len(want)):]) { // it may begin with the second group
				t.Errorf("the recording has %d pictures of %d, or they are not the same", len(got), len(want))
			}
		})
	}
}
