package media_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roomlog/internal/clocktest"
	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/rtmp"
)

func TestPlayersStartWithHeadersAndAKeyFrame(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(1000)
	for i := range 10 {
		s.video(1000+uint32(i)*40, videoFrame(i == 5, fmt.Sprint("picture ", i)))
		s.audio(1000+uint32(i)*40, sound(fmt.Sprint("sound ", i)))
	}
	h.stream(t, "KEY", "all frames", func(s media.StreamStats) bool { return s.FramesIn == 5+20 })
	v := h.watch(t, h.flvURL("KEY")) // nothing is published from here on
	tags := v.sees(sound("sound 9"))
	want := []string{"meta", "h264 header", "aac header", "key", "sound", "picture", "sound", "picture", "sound", "picture", "sound", "picture", "sound"}
	if diff := cmp.Diff(want, kinds(tags)); diff != "" {
		t.Fatal(diff)
	}
	if tags[3].at != 1200 || tags[3].payload != string(videoFrame(true, "picture 5")) {
		t.Fatalf("the first key frame is %+v", tags[3])
	}
	if v.flags != 5 {
		t.Fatalf("flags are %d, want 5", v.flags)
	}
	s.video(1400, videoFrame(true, "next"))
	v.sees(videoFrame(true, "next"))
	s.unpublish()
	if err := v.ended(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

func TestFLVHeaderAnnouncesTracks(t *testing.T) {
	for _, tt := range []struct {
		name  string
		send  func(*sender, uint32)
		flags byte
		first []string
	}{
		{"video and audio", func(s *sender, at uint32) { s.video(at, videoFrame(true, "p")); s.audio(at, sound("s")) }, 5, []string{"h264 header", "aac header", "key"}},
		{"picture only", func(s *sender, at uint32) { s.video(at, videoFrame(true, "p")) }, 1, []string{"h264 header", "key"}},
		{"sound only", func(s *sender, at uint32) { s.audio(at, sound("s")) }, 4, []string{"aac header", "sound"}},
		{"MP3 only, without a header", func(s *sender, at uint32) { s.audio(at, []byte("\x2fmp3")) }, 4, []string{"sound"}},
		{"G.711 only", func(s *sender, at uint32) { s.audio(at, []byte("\x72pcm")) }, 4, []string{"sound"}},
		{"VP6", func(s *sender, at uint32) { s.video(at, []byte("\x14vp6")) }, 1, []string{"key"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := run(t, func(c *media.Config) {
				if c.SettleTime = timeout; tt.flags != 5 { // only video or only audio will arrive
					c.SettleTime = 300 * time.Millisecond
				}
			})
			early := h.watch(t, h.flvURL("KEY"))
			s := h.publish(t, "KEY")
			s.meta(map[string]any{"encoder": "hand"})
			if slices.Contains(tt.first, "h264 header") {
				s.video(0, avcHeader())
			}
			if slices.Contains(tt.first, "aac header") {
				s.audio(0, aacHeader())
			}
			var at uint32
			eventually(t, "the first frames", func() bool {
				at += 20
				tt.send(s, at)
				return len(early.got()) > len(tt.first)
			})
			late := h.watch(t, h.flvURL("KEY"))
			eventually(t, "the first frames again", func() bool { return len(late.got()) > len(tt.first) })
			for _, v := range []*viewer{early, late} {
				if got := kinds(v.got())[:len(tt.first)+1]; !slices.Equal(got, append([]string{"meta"}, tt.first...)) || v.flags != tt.flags {
					t.Errorf("flags %d, %q", v.flags, got)
				}
			}
		})
	}
}

func TestTimestampsPastFourHoursAreRelayed(t *testing.T) {
	h := run(t, nil)
	const late = 17_000_000
	s := h.publish(t, "KEY")
	s.begin(late)
	big := videoFrame(true, string(make([]byte, 200_000))) // sent as several chunks, each with an extended timestamp
	s.video(late+40, big)
	s.audio(late+41, sound("after"))
	tags := h.watch(t, h.flvURL("KEY")).sees(sound("after"))
	for _, tag := range tags[len(tags)-2:] {
		if tag.at != late+40 && tag.at != late+41 {
			t.Fatalf("a time of %d", tag.at)
		}
	}
	if tags[len(tags)-2].payload != string(big) {
		t.Fatal("the key frame has changed")
	}
}

func TestResolutionChangesAreRelayed(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	v := h.watch(t, h.flvURL("KEY"))
	v.sees(videoFrame(true, "first"))
	other := avcHeader()
	other[len(other)-1]++ // a different parameter set
	s.video(40, other)
	s.video(40, videoFrame(true, "larger"))
	tags := v.sees(videoFrame(true, "larger"))
	if got := kinds(tags[len(tags)-2:]); !slices.Equal(got, []string{"h264 header", "key"}) || tags[len(tags)-2].payload != string(other) {
		t.Fatalf("got %q", got)
	}
	tags = h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "larger"))
	if got := kinds(tags); !slices.Equal(got, []string{"meta", "aac header", "h264 header", "key"}) || tags[2].payload != string(other) {
		t.Fatalf("a later player got %q", got)
	}
}

// TestKeyFramesComeWithTheirHeaders checks that a player that joins between a new header and its key frame gets the
// previous key frame with the previous header.
func TestKeyFramesComeWithTheirHeaders(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	other := avcHeader()
	other[len(other)-1]++
	s.video(40, other)
	s.audio(40, sound("between"))
	tags := h.watch(t, h.flvURL("KEY")).sees(sound("between"))
	if got := kinds(tags); !slices.Equal(got, []string{"meta", "h264 header", "aac header", "key", "sound", "h264 header", "sound"}) || tags[1].payload != string(avcHeader()) {
		t.Fatalf("got %q", got)
	}
}

func TestPicturesBeforeTheFirstKeyFrameAreDropped(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	v := h.watch(t, h.flvURL("KEY"))
	s.video(0, avcHeader())
	s.audio(0, aacHeader())
	s.video(0, videoFrame(false, "useless"))
	s.audio(0, sound("useful"))
	s.video(40, videoFrame(true, "key"))
	if got := kinds(v.sees(videoFrame(true, "key"))); !slices.Equal(got, []string{"aac header", "h264 header", "key"}) { // the sound comes first
		t.Fatalf("got %q", got)
	}
}

// TestAnnouncedVideoThatNeverComesHidesNoSound checks that players get the audio of an encoder that announces video
// but sends none.
func TestAnnouncedVideoThatNeverComesHidesNoSound(t *testing.T) {
	h := run(t, func(c *media.Config) { c.SettleTime = 200 * time.Millisecond })
	s := h.publish(t, "KEY")
	s.video(0, avcHeader())
	s.audio(0, aacHeader())
	v := h.watch(t, h.flvURL("KEY"))
	var at uint32
	eventually(t, "the sound", func() bool {
		at += 20
		s.audio(at, sound("sound"))
		return len(v.got()) > 5
	})
	s.video(at, videoFrame(true, "key"))
	got := kinds(v.sees(videoFrame(true, "key")))
	if !slices.Equal(got[:2], []string{"aac header", "sound"}) || !slices.Equal(got[len(got)-2:], []string{"h264 header", "key"}) {
		t.Fatalf("got %q", got)
	}
}

// TestPlayersDoNotStartWithATruncatedKeyFrame checks that a key frame whose NAL units are truncated is relayed, but
// that no player starts with it.
func TestPlayersDoNotStartWithATruncatedKeyFrame(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	truncated := videoFrame(true, "truncated")
	truncated = truncated[:len(truncated)-3]
	s.video(40, truncated)
	s.audio(60, sound("after"))
	tags := h.watch(t, h.flvURL("KEY")).sees(sound("after"))
	if got := kinds(tags); got[3] != "key" || tags[3].payload != string(videoFrame(true, "first")) {
		t.Fatalf("got %q", got)
	}
}

func TestOtherScriptDataIsDropped(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	for _, bad := range []string{"", "\x02\x00\x0donTextDataxx", "\x0a\xff\xff\xff\xff", "\x02\x00\x0aonMetaData\x0a\xff\xff\xff\xff"} {
		s.send(rtmp.AppendMedia(nil, flv.Script, 0, []byte(bad)))
	}
	s.video(0, avcHeader())
	s.audio(0, aacHeader())
	s.video(0, videoFrame(true, "key"))
	s.audio(0, sound("sound"))
	if got := kinds(h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "key"))); !slices.Equal(got, []string{"h264 header", "aac header", "key"}) {
		t.Fatalf("got %q", got)
	}
}

func TestSubscribeReadsABroadcast(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	s.video(1000, videoFrame(true, "second"))
	s.video(2000, videoFrame(true, "third"))
	h.stream(t, "KEY", "all frames", func(s media.StreamStats) bool { return s.FramesIn == 7 })
	h.log.wait(t, "started KEY")
	broadcast := h.log.broadcast(0)
	p, err := h.Subscribe(broadcast)
	if err != nil {
		t.Fatal(err)
	}
	frames, err := p.Next(nil)
	if err != nil || len(frames) != 5 || frames[3].Time() != 1000 || !frames[3].Info().Key || string(frames[4].Payload()) != string(videoFrame(true, "third")) {
		t.Fatalf("got %d frames, %v", len(frames), err)
	}
	p.Close()
	if _, err := p.Next(nil); !errors.Is(err, media.ErrEnded) {
		t.Fatal(err)
	}
	broadcast.ID += "x"
	if _, err := h.Subscribe(broadcast); !errors.Is(err, media.ErrEnded) {
		t.Fatalf("an unknown broadcast was subscribed: %v", err)
	}
}

// TestSubscribeReadsToTheEndOfACutStream checks that a subscriber reads the complete broadcast, even if the stream is
// cut before the subscriber has read it.
func TestSubscribeReadsToTheEndOfACutStream(t *testing.T) {
	for what, cut := range map[string]func(*testServer){"cut": func(h *testServer) { h.Cut("KEY", media.ReasonEnded) }, "stopped": func(h *testServer) { h.stop() }} {
		t.Run(what, func(t *testing.T) {
			h := run(t, func(c *media.Config) { c.Limits.MaxStreamPlayers = 1 })
			s := h.publish(t, "KEY")
			s.begin(0)
			v := h.watch(t, h.flvURL("KEY")) // this player takes the only slot
			v.sees(sound("first"))
			h.log.wait(t, "started KEY")
			p, err := h.Subscribe(h.log.broadcast(0))
			if err != nil {
				t.Fatal(err)
			}
			frames, err := p.Next(nil)
			var got []string
			for ; err == nil; frames, err = p.Next(nil) {
				for _, f := range frames {
					got = append(got, string(f.Payload()))
				}
				if len(got) == 5 {
					s.video(40, videoFrame(false, "last"))
					v.sees(videoFrame(false, "last"))
					cut(h)
				}
			}
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			if len(got) != 6 || got[5] != string(videoFrame(false, "last")) {
				t.Fatalf("%d frames: %q", len(got), got)
			}
			if _, err := h.Subscribe(h.log.broadcast(0)); !errors.Is(err, media.ErrEnded) {
				t.Fatal(err)
			}
		})
	}
}

// TestSubscribersGetFramesThatWait ends a broadcast while its newest sound waits for one that is missing.
func TestSubscribersGetFramesThatWait(t *testing.T) {
	for what, cut := range map[string]func(*testServer){
		"cut": func(h *testServer) { h.Cut("KEY", media.ReasonEnded) },
		"publisher cut": func(h *testServer) {
			h.CutPublisher("KEY", media.ReasonKicked, func(media.Client) bool { return true })
		},
		"publisher is gone": func(h *testServer) { h.Kick(h.log.broadcast(0).Publisher.ID) },
	} {
		t.Run(what, func(t *testing.T) {
			h := run(t, func(c *media.Config) { c.Now = clocktest.New().Now })
			s := h.publish(t, "KEY")
			s.begin(0)
			p := h.subscribe(t, "KEY")
			for at := uint32(20); at <= 40*20; at += 20 {
				s.audio(at, sound(fmt.Sprint("sound ", at)))
			}
			last := sound("last")
			s.audio(42*20, last)
			s.video(42*20, videoFrame(false, "after"))
			h.stream(t, "KEY", "all other frames", func(s media.StreamStats) bool { return s.FramesIn == 5+40+1 })
			cut(h)
			var newest []byte
			frames, err := p.Next(nil)
			for ; err == nil; frames, err = p.Next(nil) {
				newest = frames[len(frames)-1].Payload()
			}
			if !errors.Is(err, io.EOF) || !bytes.Equal(newest, last) {
				t.Errorf("the newest frame is %q, error %v, want the frame that waited, and the end", newest, err)
			}
		})
	}
}

// TestSubscribersMissNoFrameOfABurst checks that the stream keeps the frames that a subscriber has not read, when an encoder
// sends many groups of pictures at once. Other players still start at the newest key frame.
func TestSubscribersMissNoFrameOfABurst(t *testing.T) {
	const groups = 20
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	p := h.subscribe(t, "KEY")
	defer p.Close()
	frames, err := p.Next(nil)
	got := len(frames)
	s.seconds(1, groups)
	h.stream(t, "KEY", "the burst", func(s media.StreamStats) bool { return s.FramesIn == 5+groups*75 })
	tags := h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "picture"))
	if start := tags[len(tags)-1].at; start != groups*1000 {
		t.Errorf("a new player starts at %d ms, want the newest key frame", start)
	}
	for ; err == nil && got < 5+groups*75 && p.Skips() == 0; got += len(frames) {
		frames, err = p.Next(nil)
	}
	if err != nil || got != 5+groups*75 || p.Skips() != 0 {
		t.Errorf("got %d of %d frames with %d skips, error %v", got, 5+groups*75, p.Skips(), err)
	}
}

// TestSubscribersThatReadNothingAreLimited checks that the frames kept for a subscriber do not exceed the limits of the
// buffer. Then the subscriber is moved to the newest key frame.
func TestSubscribersThatReadNothingAreLimited(t *testing.T) {
	h := run(t, func(c *media.Config) { c.Limits.GOPFrames = 200 })
	s := h.publish(t, "KEY")
	s.begin(0)
	p := h.subscribe(t, "KEY")
	defer p.Close()
	if _, err := p.Next(nil); err != nil {
		t.Fatal(err)
	}
	s.seconds(1, 20)
	h.stream(t, "KEY", "the burst", func(s media.StreamStats) bool { return s.FramesIn == 5+20*75 })
	frames, err := p.Next(nil)
	if err != nil || p.Skips() != 1 || len(frames) < 3 || !frames[2].Info().Key || frames[2].Time() != 20_000 {
		t.Fatalf("got %d frames and %d skips, error %v, want headers and the newest key frame", len(frames), p.Skips(), err)
	}
}

// subscribe subscribes to the broadcast of a key.
func (h *testServer) subscribe(t testing.TB, key string) *media.Player {
	t.Helper()
	h.log.wait(t, "started "+key)
	p, err := h.Subscribe(h.log.broadcast(0))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestOnlyKeyFramesCauseNoSkips uses a key frame every 40 ms, so that two groups of pictures are shorter than a tick.
func TestOnlyKeyFramesCauseNoSkips(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	v := h.watch(t, h.flvURL("KEY"))
	v.sees(sound("first"))
	for i := range 40 {
		s.video(uint32(i)*40, videoFrame(true, fmt.Sprint("key ", i)))
	}
	if got := v.sees(videoFrame(true, "key 39")); len(got) != 5+40 {
		t.Fatalf("got %q", kinds(got))
	}
}

// TestTickCollectsFrames checks that a tick collects frames into fewer writes, and that every frame is written
// immediately without a tick.
func TestTickCollectsFrames(t *testing.T) {
	const frames = 50
	writes := func(tick time.Duration) int {
		h := run(t, func(c *media.Config) { c.Tick = tick })
		v, _ := h.watchWS(t, "KEY", false) // each write is one message
		h.stream(t, "KEY", "a player", func(s media.StreamStats) bool { return len(s.Players) == 1 })
		s := h.publish(t, "KEY")
		s.begin(0)
		h.stream(t, "KEY", "a player that has begun", func(s media.StreamStats) bool { return s.BytesOut > 0 })
		var together []byte
		for i := range frames {
			frame := rtmp.AppendMedia(nil, flv.Audio, uint32(i)*10, sound(fmt.Sprint(i)))
			if tick > 0 {
				together = append(together, frame...)
				continue
			}
			s.send(frame)
			eventually(t, "the frame", func() bool {
				v.mu.Lock()
				defer v.mu.Unlock()
				return bytes.Contains(bytes.Join(v.messages, nil), sound(fmt.Sprint(i)))
			})
		}
		s.send(together) // sent within one tick, or within a few if the machine is slow
		s.unpublish()
		waittest.Receive(t, v.closed, "the end of the player")
		return len(v.messages)
	}
	if few, many := writes(100*time.Millisecond), writes(-1); many < frames || few > frames/2 {
		t.Fatalf("%d writes with a tick of 100 ms, %d without", few, many)
	}
}

// TestUnusableHeadersAreIgnored checks that a header that is empty, truncated or unreadable does not replace a good
// one: players that join later get the good one.
func TestUnusableHeadersAreIgnored(t *testing.T) {
	unreadableHEVC := strings.Replace(string(hevcHeader()), string(hevcSPS[4:]), strings.Repeat("\xff", len(hevcSPS)-4), 1)
	unreadableHEVC = unreadableHEVC[:26] + "\x00" + unreadableHEVC[27:] // its NAL units have lengths of one byte
	slice := strings.Repeat("p", 600)                                   // with other lengths, its NAL units are truncated
	for name, tt := range map[string]struct{ good, key, bad []string }{
		"H.264 and AAC": {
			good: []string{string(avcHeader()), string(aacHeader())},
			key:  []string{string(videoFrame(true, slice)), string(sound("sound"))},
			bad: []string{"\x17\x00\x00\x00\x00", "\x17\x00\x00\x00", "\x17\x00", "\x17", "\x17\x00\x00\x00\x00\x01\x64\x00\x28\xff\xe0\x00", string(avcHeader()[:20]),
				"\x17\x00\x00\x00\x00\x01\x64\x00\x28\xff\xe1\x00\x02\x67\x64\x01\x00\x04\x68\xeb\xe3\xcb",
				"\x17\x00\x00\x00\x00\x01\x64\x00\x28\xfc\xe1\x00\x02\x67\x64\x01\x00\x04\x68\xeb\xe3\xcb", // its NAL units have lengths of one byte
				"\x17\x00\x00\x00\x00\x00" + string(avcHeader()[6:]),                                       // version 0
				strings.Replace(string(avcHeader()), "\x68\xeb\xe3\xcb", "\x68\x00\x00\x00", 1), strings.Replace(string(avcHeader()), "\x68\xeb", "\xff\xff", 1),
				"\x1f\x00", "\x12\x00", "\x14\x00", "\xb6x", "\x72x", "\x3fx", "\xcfx", // other codecs
				"\xaf\x00\x00\x00", "\xaf\x00\x10\x00", "\xaf\x00\xff\xff\xff\xff",
				"\xaf\x01\xff\xf1\x50\x80\x01", // an ADTS header without its frame
				"\x17\x01\x00\x00\x00", "\x27\x01", "\xaf\x00", "\xaf", "\xaf\x00\x12", "\xaf\x00\x17\x80\x00\x00\x10", "\xaf\x01"},
		},
		"HEVC and Opus": {
			good: []string{string(hevcHeader()), "\x90OpusOpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"},
			key:  []string{"\x93hvc1\x00\x00\x02\x5a\x26\x01" + slice, "\x91Opus\xfcopus"},
			bad: []string{"\x90hvc1", "\x90hvc1\x01", string(hevcHeader()[:60]), unreadableHEVC, "\x90hv",
				strings.Replace(string(hevcHeader()), string(hevcVPS[2:]), strings.Repeat("\x00", len(hevcVPS)-2), 1), strings.Replace(string(hevcHeader()), string(hevcVPS), strings.Repeat("\xff", len(hevcVPS)), 1),
				strings.Replace(string(hevcHeader()), string(hevcPPS[2:]), strings.Repeat("\x00", len(hevcPPS)-2), 1), strings.Replace(string(hevcHeader()), string(hevcPPS), strings.Repeat("\xff", len(hevcPPS)), 1),
				"\x90hvc1\xff" + string(hevcHeader()[6:]), "\x1f\x00", "\x12\x00", "\x14\x00", "\xb6x", "\x72x", "\x3fx", "\xcfx",
				"\x90Opus" + strings.Repeat("\xff", 19), "\x90OpusOpusHead\x01\x00\x38\x01\x80\xbb\x00\x00\x00\x00\x00", "\x90OpusOpusHead\xf1\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00",
				"\x90OpusOpusHead\x01\x09\x38\x01\x80\xbb\x00\x00\x00\x00\x00", "\x90OpusOpusHead\x01\x09\x38\x01\x80\xbb\x00\x00\x00\x00\x01", "\x90OpusXpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00",
				"\x93hvc1", "\x90Opus", "\x90OpusOpusHead", "\x90OpusOpusHead\x01\x02\x38\x01", "\x91Opus", "\x90"},
		},
		"AV1": {
			good: []string{"\x90av01\x81\x08\x0c\x00\x0a\x0b\x00\x00\x00\x42\xa7\xbf\xe4\x60\x0d\x00\x40"},
			key:  []string{"\x91av01\x32\x03ppp"},
			bad: []string{"\x90av01", "\x90av01\x81\x08", "\x90av01\x81\x08\x0c\x00\x0a\x0b\x00",
				"\x90av01\x01\x08\x0c\x00\x0a\x0b\x00\x00\x00\x42\xa7\xbf\xe4\x60\x0d\x00\x40", "\x90av01\xff\x08\x0c\x00\x0a\x0b\x00\x00\x00\x42\xa7\xbf\xe4\x60\x0d\x00\x40", "\x1f\x00", "\x12\x00", "\x14\x00", "\x91av01"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := run(t, func(c *media.Config) { c.SettleTime = 100 * time.Millisecond })
			s := h.publish(t, "KEY")
			send := func(at uint32, payloads []string) {
				for _, payload := range payloads {
					kind := byte(flv.Video)
					if first := payload[0]; first>>4 == 0xa || len(payload) == 2 && payload[1] == 'x' || len(payload) > 1 && first>>4 == 9 && payload[1] == 'O' {
						kind = flv.Audio
					}
					s.send(rtmp.AppendMedia(nil, kind, at, []byte(payload)))
				}
			}
			send(0, tt.good)
			send(0, tt.key)
			early := h.watch(t, h.flvURL("KEY"))
			early.sees([]byte(tt.key[0]))
			for i, bad := range tt.bad {
				send(40, []string{bad})
				h.stream(t, "KEY", fmt.Sprintf("%q is ignored", bad), func(s media.StreamStats) bool { return s.Ignored == uint64(i+1) })
				v := h.watch(t, h.flvURL("KEY"))
				if tags := v.sees([]byte(tt.key[0])); len(tags) != len(tt.good)+1 {
					t.Errorf("after %q a player starts with %q", bad, kinds(tags))
				}
				v.cancel()
			}
			next := append([]string{strings.ReplaceAll(tt.key[0], "p", "q")}, tt.key[1:]...)
			send(1000, next)
			h.stream(t, "KEY", "the next key frame", func(s media.StreamStats) bool { return s.FramesIn == uint64(len(tt.good)+2*len(tt.key)) })
			late := h.watch(t, h.flvURL("KEY"))
			for i, tag := range late.sees([]byte(next[0])) {
				if tag.info().Key && tag.payload != next[0] {
					t.Error("a late player does not start with the newest key frame")
				}
				if i < len(tt.good) && tag.payload != tt.good[i] {
					t.Errorf("header %d of a late player is %q, want %q", i, tag.payload, tt.good[i])
				}
			}
			for _, tag := range early.got() {
				if slices.Contains(tt.bad, tag.payload) {
					t.Errorf("a player got %q", tag.payload)
				}
			}
			if name == "H.264 and AAC" { // the other payloads do not contain real pictures
				if status, _, _ := page(t, h.hlsURL("KEY")); status != 200 {
					t.Errorf("HLS has status %d", status)
				}
			}
		})
	}
}

// hevcHeader returns a sequence header of enhanced RTMP.
func hevcHeader() []byte {
	b := append([]byte("\x90hvc1\x01"), make([]byte, 22)...)
	b[5+21], b[5+22] = 3, 3
	for i, set := range [][]byte{hevcVPS, hevcSPS, hevcPPS} {
		b = append(b, byte(32+i), 0, 1, 0, byte(len(set)))
		b = append(b, set...)
	}
	return b
}
