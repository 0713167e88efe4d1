package media_test

import (
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/media"
	"roomlog/media/flv"
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
		<-late.requested
		early := h.watch(t, h.flvURL("KEY"))
		h.stream(t, "KEY", "a player that waits", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 1 })
		release()
		s := <-published
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
		}, filmSeconds - 5, 1, 40},
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
			e := newEncoder(t, flashes(t), nil)
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
			if tt.tolerance == 0 {
				if n := flashCount(t, files[0]); n < tt.least {
					t.Errorf("%d flashes", n)
				}
				return
			}
			found := offsets(t, files[0])
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
