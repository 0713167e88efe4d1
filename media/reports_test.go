package media_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/amf"
	"roomlog/media/flv"
	"roomlog/media/flv/flvtest"
	"roomlog/media/record"
	"roomlog/media/rtmp"
)

// lateAuthorizer is an Authorizer that admits a publisher after the test has sent on answer.
type lateAuthorizer struct {
	media.Authorizer
	requested, answer chan struct{}
}

func (a lateAuthorizer) AuthorizePublish(ctx context.Context, r media.PublishRequest) error {
	close(a.requested)
	<-a.answer
	return a.Authorizer.AuthorizePublish(context.WithoutCancel(ctx), r)
}

// TestReportsOfPlayers plays what users of other servers have reported about players; docs/MEDIA.md lists the reports.
func TestReportsOfPlayers(t *testing.T) {
	t.Parallel()
	t.Run("the timestamps of a player continue when another one joins", func(t *testing.T) {
		h := run(t, nil)
		s := h.publish(t, "KEY")
		s.begin(0)
		first := h.watch(t, h.flvURL("KEY"))
		first.sees(videoFrame(true, "first"))
		for i := range uint32(10) {
			s.video(40*(i+2), videoFrame(false, "before"))
		}
		second := h.watch(t, h.flvURL("KEY"))
		h.stream(t, "KEY", "two players", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 2 })
		second.sees(videoFrame(true, "first"))
		s.video(40*12, videoFrame(true, "after"))
		all := first.sees(videoFrame(true, "after"))
		if last, before := all[len(all)-1], all[len(all)-2]; last.at != before.at+40 {
			t.Errorf("the first player gets a frame at %d ms after one at %d ms, want 40 ms later", last.at, before.at)
		}
	})
	t.Run("a player that came while the publisher was being authorized gets the stream", func(t *testing.T) {
		late := lateAuthorizer{requested: make(chan struct{}), answer: make(chan struct{})}
		h := run(t, func(c *media.Config) {
			late.Authorizer = c.Authorizer
			c.Authorizer = late
		})
		release := sync.OnceFunc(func() { close(late.answer) })
		t.Cleanup(release)
		published := make(chan *sender, 1)
		go func() { published <- h.publish(t, "KEY") }()
		waittest.Receive(t, late.requested, "the authorizer")
		early := h.watch(t, h.flvURL("KEY"))
		h.stream(t, "KEY", "a player that waits", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 1 })
		release()
		s := waittest.Receive(t, published, "the publisher")
		s.begin(0)
		early.sees(videoFrame(true, "first"))
		h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "first"))
	})
	t.Run("a player that requests a range gets the stream", func(t *testing.T) {
		h := run(t, nil)
		h.publish(t, "KEY").begin(0)
		for _, method := range []string{http.MethodOptions, http.MethodGet} { // a page of another origin asks first
			r, err := http.NewRequestWithContext(t.Context(), method, h.flvURL("KEY"), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Origin", "https://page.example")
			if method == http.MethodGet {
				r.Header.Set("Range", "bytes=0-1")
			} else {
				r.Header.Set("Access-Control-Request-Method", http.MethodGet)
				r.Header.Set("Access-Control-Request-Headers", "range")
			}
			response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: the headers are %v", method, response.Header)
			}
			if method == http.MethodOptions {
				if allowed := response.Header.Get("Access-Control-Allow-Headers"); response.StatusCode != http.StatusNoContent || !strings.Contains(allowed, "range") {
					t.Errorf("the preflight gets %s and allows %q", response.Status, allowed)
				}
				continue
			}
			head := make([]byte, 13)
			if _, err := io.ReadFull(response.Body, head); err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != http.StatusOK || response.Header.Get("Content-Range") != "" || !strings.HasPrefix(string(head), "FLV\x01") {
				t.Errorf("got %s %v %q, want the stream from its header on", response.Status, response.Header, head)
			}
		}
	})
	// https://github.com/balvinderz/video_player_web_hls/pull/21, https://github.com/shaka-project/shaka-player/issues/1576,
	// https://github.com/Vanilagy/mediabunny/issues/354
	t.Run("a player requests ranges of HLS", func(t *testing.T) {
		h := run(t, nil)
		s := h.onHLS(t, "KEY")
		p := h.playHLS(t, "KEY")
		p.plays(t, s, 2, 6)
		for _, name := range []string{p.lists[0], refs(p.version(t, ""))[0]} {
			_, whole, _ := page(t, p.base+name)
			for _, bytes := range []string{"0-1023", "0-1", "NaN-NaN", "9999999-"} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+name, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Range", "bytes="+bytes)
				response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				changed := strings.HasPrefix(name, p.lists[0]) && strings.HasPrefix(string(body), "#EXTM3U") // a list of a running stream is another one each time
				if err != nil || response.StatusCode != http.StatusOK || response.Header.Get("Content-Range") != "" || string(body) != whole && !changed {
					t.Errorf("bytes %s of %s: got %s with %d bytes, %v; want all %d bytes", bytes, name, response.Status, len(body), err, len(whole))
				}
			}
		}
	})
}

// TestReportedEncoders publishes like the encoders that users of other RTMP servers have reported; docs/MEDIA.md lists
// them.
func TestReportedEncoders(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	coded := func(tag seen, kind byte) bool { return tag.kind == kind && tag.info().Coded }
	for name, tt := range map[string]struct {
		change    func(testing.TB, *seen) (keep bool)
		least     int // flashes in the recording
		parts     int
		tolerance int // ms between a flash and its beep; 0: there is no sound
	}{
		"NAL units with start codes": {func(t testing.TB, tag *seen) bool {
			if coded(*tag, flv.Video) {
				tag.payload = string(withStartCodes(t, []byte(tag.payload), 0))
			}
			return true
		}, filmSeconds - 2, 1, 40},
		"several NAL units behind one length": {func(t testing.TB, tag *seen) bool {
			if coded(*tag, flv.Video) {
				tag.payload = string(withStartCodes(t, []byte(tag.payload), 1))
			}
			return true
		}, filmSeconds - 2, 1, 40},
		"only audio in the first four seconds": {func(_ testing.TB, tag *seen) bool {
			return tag.kind != flv.Video || tag.info().Header || tag.at >= 4000
		}, filmSeconds - 5, 2, 40}, // the first part has no track for the pictures
		"several frames with one timestamp": {func(_ testing.TB, tag *seen) bool {
			tag.at -= tag.at % 80
			return true
		}, filmSeconds - 2, 1, 130},
		"AAC without a header": {func(_ testing.TB, tag *seen) bool {
			return !(tag.kind == flv.Audio && tag.info().Header)
		}, filmSeconds - 2, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEncoder(t, flashes(t), func(c *media.Config) { c.SettleTime = time.Second })
			var tags []seen
			for _, tag := range e.tags {
				if tt.change(t, &tag) {
					tags = append(tags, tag)
				}
			}
			e.tags = tags
			e.connect()
			e.play(1500)
			e.clock.Forward(5 * time.Second) // the stream no longer waits for another kind
			e.film += 5000
			recorded := e.startRecording()
			e.meet()
			e.play(filmSeconds*1000 - 3000)
			var late sync.WaitGroup
			late.Go(func() {
				if n := flashCount(t, e.h.flvURL("KEY")); n < 2 {
					t.Errorf("a late player sees %d flashes", n)
				}
			})
			e.h.stream(t, "KEY", "a late player", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 1 })
			if status, list, _ := page(t, e.h.hlsURL("KEY")); status != 200 || !strings.Contains(list, "video") {
				t.Errorf("HLS has status %d: %s", status, list)
			}
			e.play(filmSeconds*1000 + 1000)
			e.sender.unpublish()
			late.Wait()
			rec, files := recorded()
			if len(files) != tt.parts || rec.Reason != record.ReasonOf(media.ReasonStopped) {
				t.Fatalf("%d parts, %s", len(files), rec.Reason)
			}
			if len(files) == 2 {
				if got := strings.TrimSpace(tool(t, "ffprobe", "-show_entries", "stream=codec_type", "-of", "csv=p=0", files[0])); got != "audio" {
					t.Errorf("the first part has the tracks %q", got)
				}
			}
			last := files[len(files)-1]
			if tt.tolerance == 0 {
				if n := flashCount(t, last); n < tt.least {
					t.Errorf("%d flashes", n)
				}
				return
			}
			found := offsets(t, last)
			for _, off := range found {
				if off < -tt.tolerance || off > tt.tolerance {
					t.Errorf("a beep is %d ms away from its flash", off)
				}
			}
			if len(found) < tt.least {
				t.Errorf("%d flashes have a beep: %v", len(found), found)
			}
		})
	}
}

// TestEncodersMayAnnounceLargeChunks announces chunks of up to 2 GiB, as some encoders do. No chunk has this size,
// because a chunk ends with its message.
func TestEncodersMayAnnounceLargeChunks(t *testing.T) {
	for _, size := range []uint32{128 << 20, 1<<31 - 1, 128} {
		h := run(t, nil)
		s := h.publish(t, "KEY")
		s.begin(0)
		s.send(rtmpMessage(1, binary.BigEndian.AppendUint32(nil, size)))
		key := videoFrame(true, strings.Repeat("x", 100_000))
		if size == 128 {
			key = videoFrame(true, "x")
		}
		b := rtmp.AppendMedia(nil, flv.Video, 40, nil) // the header
		b[4], b[5], b[6] = byte(len(key)>>16), byte(len(key)>>8), byte(len(key))
		s.send(append(b, key...))
		h.watch(t, h.flvURL("KEY")).sees(key)
	}
}

// TestReportedPayloads sends payloads that users of other RTMP servers have reported; docs/MEDIA.md lists the reports.
func TestReportedPayloads(t *testing.T) {
	t.Parallel()
	h := run(t, nil)
	// https://github.com/ZLMediaKit/ZLMediaKit/pull/4800: a camera sends two numbers before its metadata.
	t.Run("numbers before the metadata", func(t *testing.T) {
		s := h.publish(t, "NUMBERS")
		s.send(rtmp.AppendMedia(nil, flv.Script, 0, amf.Encode(0, 0, "@setDataFrame", "onMetaData", amf.Object{"width": 1920})))
		s.video(0, avcHeader())
		s.audio(0, aacHeader())
		s.video(0, videoFrame(true, "first"))
		s.audio(0, sound("first"))
		if tags := h.watch(t, h.flvURL("NUMBERS")).sees(sound("first")); tags[0].payload != string(amf.Encode("onMetaData", amf.Object{"width": 1920})) {
			t.Errorf("the first tag is %q, want the metadata", tags[0].payload)
		}
	})
	// https://github.com/bluenviron/mediamtx/issues/769, https://github.com/bluenviron/mediamtx/issues/3301 and
	// https://github.com/owncast/owncast/pull/365: null, no track, and codecs as texts instead of metadata.
	for name, metadata := range map[string][]any{
		"null as metadata":           {"@setDataFrame", "onMetaData", nil},
		"metadata without a track":   {"@setDataFrame", "onMetaData", amf.Object{}},
		"metadata without an object": {"@setDataFrame", "onMetaData"},
		"codecs as texts":            {"@setDataFrame", "onMetaData", amf.Object{"videocodecid": "avc1", "audiocodecid": "mp4a", "width": "wide"}},
	} {
		t.Run(name, func(t *testing.T) {
			key := strings.ToUpper(strings.ReplaceAll(name, " ", "-"))
			s := h.publish(t, key)
			s.send(rtmp.AppendMedia(nil, flv.Script, 0, amf.Encode(metadata...)))
			s.video(0, avcHeader())
			s.audio(0, aacHeader())
			s.video(0, videoFrame(true, "first"))
			s.audio(0, sound("first"))
			h.watch(t, h.flvURL(key)).sees(sound("first"))
		})
	}
	// https://github.com/bluenviron/mediamtx/issues/2375: a drone sends pictures with empty NAL units, and some without any.
	t.Run("empty NAL units", func(t *testing.T) {
		s := h.publish(t, "UNITS")
		s.begin(0)
		v := h.watch(t, h.flvURL("UNITS"))
		v.sees(videoFrame(true, "first"))
		s.video(80, []byte("\x27\x01\x00\x00\x00\x00\x00\x00\x00"))
		s.video(120, []byte("\x27\x01\x00\x00\x00"))
		s.video(160, append([]byte("\x27\x01\x00\x00\x00\x00\x00\x00\x00"), videoFrame(false, "after")[5:]...))
		s.video(200, videoFrame(true, "last"))
		v.sees(videoFrame(true, "last"))
	})
	// https://github.com/bluenviron/mediamtx/issues/2564: a drone sends sound that only the device understands.
	t.Run("sound of a device-specific format", func(t *testing.T) {
		h := run(t, func(c *media.Config) { c.SettleTime = time.Millisecond })
		s := h.publish(t, "KEY")
		s.audio(0, []byte("\xff\x00drone"))
		s.video(0, avcHeader())
		s.video(0, videoFrame(true, "first"))
		v := h.watch(t, h.flvURL("KEY"))
		for i := range uint32(5) {
			s.audio(40*i, []byte("\xff\x01drone"))
			s.video(40*(i+1), videoFrame(false, "next"))
		}
		s.video(400, videoFrame(true, "last"))
		const videoOnly = 1
		if tags := kinds(v.sees(videoFrame(true, "last"))); v.flags != videoOnly || slices.Contains(tags, "sound") {
			t.Errorf("the flags of the file are %d, its tags %v; want video only", v.flags, tags)
		}
	})
	// https://github.com/ossrs/srs/issues/1232: the first sequence header is empty, because the encoder has not seen a key frame.
	t.Run("a sequence header without parameter sets before the right one", func(t *testing.T) {
		s := h.publish(t, "EMPTY")
		s.video(0, []byte("\x17\x00\x00\x00\x00\x01\x64\x00\x28\xff\xe0\x00"))
		s.video(0, videoFrame(false, "no key frame"))
		s.video(40, avcHeader())
		s.audio(40, aacHeader())
		s.video(40, videoFrame(true, "first"))
		s.audio(40, sound("first"))
		if tags := kinds(h.watch(t, h.flvURL("EMPTY")).sees(sound("first"))); !slices.Equal(tags, []string{"h264 header", "aac header", "key", "sound"}) {
			t.Errorf("got %v", tags)
		}
	})
}

// scalingLists returns a file with the scaling lists of HEVC, in the format of the reference encoder.
func scalingLists(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for i, size := range []int{4, 8, 16, 32} {
		for _, kind := range []string{"INTRA", "INTER"} {
			for _, channel := range []string{"LUMA", "CHROMAU", "CHROMAV"} {
				if i == 3 && channel != "LUMA" {
					continue
				}
				name := fmt.Sprintf("%s%dX%d_%s", kind, size, size, channel)
				fmt.Fprintf(&text, "%s =\n%s\n", name, strings.TrimSuffix(strings.Repeat("17,", min(size*size, 64)), ","))
				if i > 1 {
					fmt.Fprintf(&text, "%s_DC =\n17\n", name)
				}
			}
		}
	}
	name := filepath.Join(t.TempDir(), "lists.txt")
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestReportedParameterSets plays streams whose parameter sets other servers could not read, over HLS and as a recording.
func TestReportedParameterSets(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	lavfi := func(size string) []string {
		return []string{"-f", "lavfi", "-i", "testsrc=s=" + size + ":r=25:d=3"}
	}
	const frames = 75 // of a film of three seconds
	for name, tt := range map[string]struct {
		film func(*testing.T) []seen
		want int
	}{
		// https://github.com/bluenviron/mediamtx/issues/3290, https://github.com/ossrs/srs/issues/3388
		"scaling lists in HEVC": {func(t *testing.T) (film []seen) {
			file := clipFrom(t, "scaled.mp4", lavfi("64x64"), "-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-tag:v", "hvc1", "-movflags", "frag_keyframe+empty_moov+default_base_moof",
				"-x265-params", "scaling-list="+scalingLists(t)+":bframes=0:keyint=25:min-keyint=25:log-level=none")
			for _, p := range flvtest.Enhanced(t, file, "hvc1") {
				film = append(film, seen{p.Kind, p.At, string(p.Data)})
			}
			return film
		}, frames},
		// https://github.com/arut/nginx-rtmp-module/pull/742, https://github.com/begeekmyfriend/yasea/pull/840
		"another size, announced only in the pictures": {func(t *testing.T) (film []seen) {
			for i, size := range []string{"64x64", "128x96"} {
				for _, tag := range tagsOf(t, clipFrom(t, "sized "+size, lavfi(size), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x264-params", "repeat-headers=1:bframes=0:keyint=25:min-keyint=25")) {
					if i > 0 && !tag.info().Coded {
						continue
					}
					tag.at += 3000 * uint32(i)
					film = append(film, tag)
				}
			}
			return film
		}, 2 * frames},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEncoderOf(t, tt.film(t), func(c *media.Config) { c.SettleTime, c.HLS.Muxer.Segments = time.Second, 60 })
			e.connect()
			e.play(1500)
			recorded := e.startRecording()
			segments := &hlsFiles{t: t, player: e.h.playHLS(t, "KEY"), fetched: map[string]bool{}, content: map[string]*bytes.Buffer{}}
			e.meet()
			e.play(7000)
			e.sender.unpublish()
			_, parts := recorded()
			eventually(t, "the end of the playlists", segments.poll)
			outputs := map[string][]string{"the recording": parts}
			for _, files := range segments.runs() {
				outputs["HLS"] = append(outputs["HLS"], files[0])
			}
			for output, files := range outputs {
				var all []string
				for _, file := range files {
					_, hashes := shown(t, file)
					all = append(all, hashes...)
				}
				if len(all) != tt.want {
					t.Errorf("%s has %d pictures in %d files, want %d", output, len(all), len(files), tt.want)
				}
			}
		})
	}
}
