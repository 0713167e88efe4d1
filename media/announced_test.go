package media_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/internal/clocktest"
	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/amf"
	"roomlog/media/flv"
)

// begin returns the first n elements, or all if there are fewer.
func begin[T any](all []T, n int) []T { return all[:min(n, len(all))] }

// end returns the last n elements, or all if there are fewer.
func end[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }

// silentEncoder publishes a film without the media of one kind, which it announces in its metadata and by a sequence header.
func silentEncoder(t testing.TB, kind byte, without func(seen) bool) *encoder {
	t.Helper()
	e := newEncoder(t, flashes(t), func(c *media.Config) { c.SettleTime = time.Second })
	e.tags = slices.DeleteFunc(e.tags, func(tag seen) bool {
		return tag.kind == flv.Script || tag.kind == kind && tag.info().Coded && without(tag)
	})
	metadata := amf.Object{"audiocodecid": 10, "hasAudio": true, "videocodecid": 7, "hasVideo": true}
	e.tags = slices.Insert(e.tags, 0, seen{flv.Script, 0, string(amf.Encode("@setDataFrame", "onMetaData", metadata))})
	return e
}

// TestAnnouncedMediaThatNeverComes publishes only pictures although sound is announced, and the other way round. Nobody gets a header that
// promises the other kind: browsers and ffmpeg would wait for it.
func TestAnnouncedMediaThatNeverComes(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	for name, tt := range map[string]struct {
		missing byte
		flags   byte
		streams string
		list    string
	}{
		"sound":    {flv.Audio, 1, "video", "video1"},
		"pictures": {flv.Video, 4, "audio", "audio1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := silentEncoder(t, tt.missing, func(seen) bool { return true })
			early := e.h.watch(t, e.h.flvURL("KEY"))
			e.connect()
			e.play(5000) // the wait for announced media is over: players start
			recorded := e.startRecording()
			late := e.h.watch(t, e.h.flvURL("KEY"))
			overRTMP := make(chan string, 1)
			var probing sync.WaitGroup // tool has a bound
			probing.Go(func() {
				overRTMP <- tool(t, "ffprobe", "-loglevel", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", e.h.rtmpURL("KEY"))
			})
			t.Cleanup(probing.Wait)
			e.h.stream(t, "KEY", "three players", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 2 && s.Players[media.RTMP] == 1 })
			player := e.h.playHLS(t, "KEY")
			if len(player.lists) != 1 || !strings.HasPrefix(player.lists[0], tt.list) {
				t.Errorf("HLS has the playlists %v", player.lists)
			}
			e.play(filmSeconds * 1000)
			e.sender.unpublish()
			for who, v := range map[string]*viewer{"an early": early, "a late": late} {
				_ = v.ended()
				has := slices.ContainsFunc(v.got(), func(tag seen) bool { return tag.kind == tt.missing })
				promises := slices.ContainsFunc(v.got(), func(tag seen) bool { return tag.kind == flv.Script && strings.Contains(tag.payload, "hasAudio") })
				if v.flags != tt.flags || has || promises || len(v.got()) < 20 {
					t.Errorf("%s player gets %d tags after the flags %d, want %d; %v", who, len(v.got()), v.flags, tt.flags, begin(kinds(v.got()), 4))
				}
			}
			if got := strings.TrimSpace(waittest.Receive(t, overRTMP, "the tracks over RTMP")); got != tt.streams {
				t.Errorf("over RTMP, ffprobe finds %q", got)
			}
			_, files := recorded()
			if len(files) != 1 {
				t.Fatalf("the recording has the files %v", files)
			}
			if got := strings.TrimSpace(tool(t, "ffprobe", "-loglevel", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", files[0])); got != tt.streams {
				t.Errorf("the recording has the tracks %q", got)
			}
			if b := e.h.log.broadcast(0); (b.Video == "") != (tt.missing == flv.Video) || (b.Audio == "") != (tt.missing == flv.Audio) {
				t.Errorf("the broadcast has the codecs %q and %q", b.Video, b.Audio)
			}
		})
	}
}

// TestAnnouncedSoundThatBeginsLate begins to send sound after players have started. They get it: over FLV with its header first, over
// HLS after a discontinuity, and in the recording as another part.
func TestAnnouncedSoundThatBeginsLate(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	const begins = 9000 // ms
	e := silentEncoder(t, flv.Audio, func(tag seen) bool { return tag.at < begins })
	e.connect()
	e.play(5000)
	recorded := e.startRecording()
	v := e.h.watch(t, e.h.flvURL("KEY"))
	e.h.stream(t, "KEY", "a player", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 1 })
	e.meet()
	before := e.h.playHLS(t, "KEY")
	e.play(17_000)
	after := e.h.playHLS(t, "KEY")
	late := e.h.watch(t, e.h.flvURL("KEY"))
	e.h.stream(t, "KEY", "another player", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 2 })
	_, list, _ := page(t, after.base+after.lists[0])
	if len(before.lists) != 1 || len(after.lists) != 2 || !strings.Contains(list, "#EXT-X-DISCONTINUITY-SEQUENCE:1") {
		t.Errorf("HLS has the playlists %v, later %v: %s", before.lists, after.lists, list)
	}
	e.play(filmSeconds * 1000)
	e.sender.unpublish()
	_ = v.ended()
	_ = late.ended()
	tags := v.got()
	first := max(0, slices.IndexFunc(tags, func(tag seen) bool { return tag.kind == flv.Audio }))
	sounds := begin(tags[first:], 2)
	if got := kinds(sounds); v.flags != 1 || !slices.Equal(got, []string{"aac header", "sound"}) || sounds[0].at < begins-100 {
		t.Fatalf("flags %d, the first sound is %v, at %d of %d", v.flags, got, first, len(tags))
	}
	if got := begin(kinds(late.got()), 4); late.flags != 5 || !slices.Equal(got, []string{"meta", "h264 header", "aac header", "key"}) {
		t.Errorf("a late player gets the flags %d and %v", late.flags, got)
	}
	_, files := recorded()
	if len(files) != 2 {
		t.Fatalf("the recording has the files %v", files)
	}
	for _, off := range offsets(t, files[1]) {
		if off < -40 || off > 40 {
			t.Errorf("a beep is %d ms away from its flash", off)
		}
	}
}

// TestPlayersWaitForTheFirstSound checks that the player of a new stream whose sound is announced gets nothing before the first sound, which
// is late, and then begins with the headers of both kinds.
func TestPlayersWaitForTheFirstSound(t *testing.T) {
	clock := clocktest.New()
	h := run(t, func(c *media.Config) { c.Now, c.SettleTime = clock.Now, time.Second })
	v := h.watch(t, h.flvURL("KEY"))
	h.stream(t, "KEY", "a player", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 1 })
	s := h.publish(t, "KEY")
	s.video(0, avcHeader())
	s.audio(0, aacHeader())
	for i := range uint32(75) {
		s.video(40*i, videoFrame(i%25 == 0, fmt.Sprint("picture ", i)))
		h.stream(t, "KEY", "the picture", func(s media.StreamStats) bool { return s.FramesIn == uint64(3+i) })
		clock.Forward(40 * time.Millisecond)
	}
	if tags := v.got(); len(tags) > 0 {
		t.Fatalf("a player has got %v before the first sound", kinds(tags))
	}
	s.audio(3000, sound("late"))
	tags := v.sees(sound("late"))
	if got := begin(kinds(tags), 3); v.flags != 5 || !slices.Equal(got, []string{"h264 header", "aac header", "key"}) {
		t.Errorf("flags %d, %v", v.flags, got)
	}
	if n := slices.IndexFunc(tags[min(3, len(tags)):], func(tag seen) bool { return tag.info().Header }); n >= 0 {
		t.Errorf("a header is repeated: %v", kinds(tags))
	}
}

// TestReconnectionWithoutSound loses the sound of an encoder with its connection: it announces the sound again and sends none. Players that come
// later are not promised any, until it is back.
func TestReconnectionWithoutSound(t *testing.T) {
	clock := clocktest.New()
	h := run(t, func(c *media.Config) { c.Now, c.SettleTime = clock.Now, time.Second })
	s := h.publish(t, "KEY")
	s.begin(0)
	early := h.watch(t, h.flvURL("KEY"))
	early.sees(sound("first"))
	s.Close()
	h.stream(t, "KEY", "a lost publisher", func(s media.StreamStats) bool { return !s.Publishing })
	s = h.publish(t, "KEY")
	s.video(0, avcHeader())
	s.audio(0, aacHeader())
	s.video(0, videoFrame(true, "again"))
	if got := kinds(early.sees(videoFrame(true, "again"))); !slices.Equal(end(got, 3), []string{"h264 header", "aac header", "key"}) {
		t.Errorf("after the reconnection, a player gets %v", got)
	}
	clock.Forward(5 * time.Second)
	late := h.watch(t, h.flvURL("KEY"))
	if got := kinds(late.sees(videoFrame(true, "again"))); late.flags != 1 || !slices.Equal(got, []string{"h264 header", "key"}) {
		t.Errorf("flags %d, %v", late.flags, got)
	}
	s.audio(5000, sound("back"))
	for _, v := range []*viewer{early, late} {
		if got := kinds(v.sees(sound("back"))); !slices.Equal(end(got, 2), []string{"aac header", "sound"}) {
			t.Errorf("a player gets %v", got)
		}
	}
	if got := kinds(h.watch(t, h.flvURL("KEY")).sees(sound("back"))); !regexp.MustCompile(`h264 header.*key`).MatchString(strings.Join(got, " ")) {
		t.Errorf("a new player gets %v", got)
	}
}

// TestWithdrawnHeaderBehindAKeyFrame announces sound behind the first picture of a reconnection, and sends none. Players that start with
// this picture are not promised any. A header that is announced twice is withdrawn twice.
func TestWithdrawnHeaderBehindAKeyFrame(t *testing.T) {
	t.Parallel()
	clock := clocktest.New()
	h := run(t, func(c *media.Config) { c.Now, c.SettleTime = clock.Now, time.Second })
	s := h.publish(t, "KEY")
	s.begin(0)
	early := h.watch(t, h.flvURL("KEY"))
	early.sees(sound("first"))
	s.Close()
	h.stream(t, "KEY", "a lost publisher", func(s media.StreamStats) bool { return !s.Publishing })
	s = h.publish(t, "KEY")
	s.video(0, avcHeader())
	s.video(0, videoFrame(true, "again"))
	s.audio(0, aacHeader())
	s.audio(0, []byte{0xaf, 0, 0x11, 0x90})
	s.video(40, videoFrame(false, "after the headers"))
	early.sees(videoFrame(false, "after the headers"))
	clock.Forward(5 * time.Second)
	late := h.watch(t, h.flvURL("KEY"))
	if got := kinds(late.sees(videoFrame(false, "after the headers"))); late.flags != 1 || !slices.Equal(got, []string{"h264 header", "key", "picture"}) {
		t.Errorf("flags %d, %v", late.flags, got)
	}
	s.audio(5000, sound("back"))
	for _, v := range []*viewer{early, late} {
		if got := kinds(v.sees(sound("back"))); !slices.Equal(end(got, 2), []string{"aac header", "sound"}) {
			t.Errorf("a player gets %v", got)
		}
	}
}

// TestNewestHeaderOfLateSound repeats a held sequence header with another sample rate before the first sound of its track. Players decode
// the sound with the newest header. After a reconnection without sound, a repeated header promises none to players that come later.
func TestNewestHeaderOfLateSound(t *testing.T) {
	newestHeader := func(tags []seen, track byte) (newest string) {
		for _, tag := range tags {
			if info := tag.info(); tag.kind == flv.Audio && info.Header && info.Track == track {
				newest = tag.payload
			}
		}
		return newest
	}
	t.Run("after a reconnection", func(t *testing.T) {
		t.Parallel()
		clock := clocktest.New()
		h := run(t, func(c *media.Config) { c.Now, c.SettleTime = clock.Now, time.Second })
		s := h.publish(t, "KEY")
		s.begin(0)
		early := h.watch(t, h.flvURL("KEY"))
		early.sees(sound("first"))
		s.Close()
		h.stream(t, "KEY", "a lost publisher", func(s media.StreamStats) bool { return !s.Publishing })
		s = h.publish(t, "KEY")
		s.video(0, avcHeader())
		s.audio(0, aacHeader())
		s.video(0, videoFrame(true, "again"))
		early.sees(videoFrame(true, "again"))
		clock.Forward(5 * time.Second)
		h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "again")) // the wait for sound is over
		other := []byte{0xaf, 0, 0x11, 0x90}
		s.audio(5000, other)
		s.video(5000, videoFrame(false, "after the header"))
		late := h.watch(t, h.flvURL("KEY"))
		if got := newestHeader(late.sees(videoFrame(false, "after the header")), 0); got != "" || late.flags != 1 {
			t.Errorf("a late player gets the flags %d and the header %q before there is sound", late.flags, got)
		}
		s.audio(5040, sound("back"))
		for who, v := range map[string]*viewer{"an early": early, "a late": late, "a new": h.watch(t, h.flvURL("KEY"))} {
			if got := newestHeader(v.sees(sound("back")), 0); got != string(other) {
				t.Errorf("%s player decodes with the header %q, want %q", who, got, other)
			}
		}
	})
	t.Run("of a second track", func(t *testing.T) {
		t.Parallel()
		second := func(packet byte, body string) []byte {
			return append([]byte{0x95, packet, 'm', 'p', '4', 'a', 1}, body...)
		}
		h := run(t, nil)
		s := h.publish(t, "KEY")
		s.video(0, avcHeader())
		s.audio(0, aacHeader())
		s.audio(0, second(0, "\x12\x10"))
		s.video(0, videoFrame(true, "key"))
		s.audio(0, sound("of the first track"))
		newest := second(0, "\x11\x90")
		s.audio(40, newest)
		s.audio(40, second(1, "sound"))
		for range 2 {
			if got := newestHeader(h.watch(t, h.flvURL("KEY")).sees(second(1, "sound")), 1); got != string(newest) {
				t.Errorf("a player decodes with the header %q, want %q", got, newest)
			}
		}
	})
}
