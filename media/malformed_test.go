package media_test

import (
	"bytes"
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib/pkg/message"

	"roomlog/media"
	"roomlog/media/amf"
	"roomlog/media/flv"
	"roomlog/media/flv/flvtest"
	"roomlog/media/record"
	"roomlog/media/rtmp"
)

// malformed returns payloads and messages that no decoder can use: by type of message.
func malformed() (all []rtmp.Message) {
	add := func(kind byte, payloads ...string) {
		for _, payload := range payloads {
			all = append(all, rtmp.Message{Type: kind, Data: []byte(payload)})
		}
	}
	prefixes := func(kind byte, payload string, until int) {
		for n := range until {
			add(kind, payload[:n])
		}
	}
	prefixes(flv.Video, string(avcHeader()), len(avcHeader()))
	prefixes(flv.Video, string(hevcHeader()), 120)
	prefixes(flv.Video, "\x90av01\x81\x08\x0c\x00", 9)
	prefixes(flv.Video, string(videoFrame(true, "key")), 12) // a key frame without complete NAL units
	prefixes(flv.Video, string(videoFrame(false, "picture")), 12)
	prefixes(flv.Audio, string(aacHeader()), len(aacHeader()))
	prefixes(flv.Audio, "\xaf\x01x", 3)
	prefixes(flv.Audio, "\x2f\xff\xfb\x50\x00", 5)
	prefixes(flv.Audio, "\x90OpusOpusHead\x01", 14)
	prefixes(flv.Audio, "\x91Opusx", 6)
	add(flv.Video, "\x17\x02\x00\x00\x00", "\x57\x00", "\xd1\x00", "\x97\xff\x00\x10x", "\x97\x00x\x07\x00x\x07", "\x17\x00\x00\x00\x00"+strings.Repeat("\xff", 5000))
	add(flv.Video, "\x1f\x00", "\x12\x00", "\x14\x00") // codecs without headers, and an unknown one
	add(flv.Audio, "\xb6x", "\x72x", "\x3fx", "\xcfx")
	version0, badVPS, badPPS := avcHeader(), hevcHeader(), hevcHeader() // headers whose contents are corrupt
	version0[5] = 0
	copy(badVPS[bytes.Index(badVPS, hevcVPS)+2:], bytes.Repeat([]byte{0}, len(hevcVPS)-2))
	copy(badPPS[bytes.Index(badPPS, hevcPPS)+2:], bytes.Repeat([]byte{0}, len(hevcPPS)-2))
	add(flv.Video, string(version0), string(badVPS), string(badPPS), "\x90av01\x01\x08\x0c\x00\x0a\x0b\x00\x00\x00\x42\xa7\xbf\xe4\x60\x0d\x00\x40")
	add(flv.Audio, "\xaf\x00\x00\x00", "\x90Opus"+strings.Repeat("\xff", 19), "\x90OpusOpusHead\x01\x00\x38\x01\x80\xbb\x00\x00\x00\x00\x00")
	add(flv.Video, "\x17\x03\x00\x00\x00", "\x17\x04\x00\x00\x00x", "\x27\x03\x00\x00\x00x") // unknown packet types
	for packet := byte(2); packet < 16; packet++ {
		if packet != 3 { // a picture without a composition time
			for _, codec := range []string{"avc1", "hvc1", "av01", "xxxx"} {
				add(flv.Video, string([]byte{0x90 | packet})+codec+"\x00\x00\x00\x01x")
			}
			add(flv.Audio, string([]byte{0x90 | packet})+"Opus\x00x", string([]byte{0x90 | packet})+"mp4a\x00x")
		}
	}
	add(flv.Video, "\x96\x11avc1\x00\x00\x00\x05\x00\x00\x00\x01\x65", "\x96\x21avc1\x00\x00\x00\x05\x00\x00\x00\x01\x65", "\x96\x01hvc1\x01\x00\x00\x00x", "\x96\x01avc1\x01\x00\x00\x00\x00\x00\x00\x01\x65") // several tracks, and the second track
	add(flv.Audio, "\x95\x11mp4a\x00\x00\x00\x01x", "\x95\x01mp4a\x01x", "\xaf\x02x", "\xaf\x02\x12\x10", "\xaf\x01\xff\xf1\x50\x80\x01", "\x2f\x00\x00\x00\x00\x00\x00")
	add(flv.Audio, "\xaf\x00\xff\xff\xff\xff", "\xaf\x00\x17\x80\x00\x00\x10", "\x97\xff\x00\x10x")
	script := string(amf.Encode("@setDataFrame", "onMetaData", amf.Object{"width": 64}))
	prefixes(flv.Script, script, len(script))
	add(flv.Script, "\x02\x00\x0aonMetaData\x0a\xff\xff\xff\xff", "\x02\x00\x0aonTextData\x05", "\x11\x0a", "\x08\xff\xff\xff\xff")
	onMeta := "\x02\x00\x0aonMetaData"
	add(flv.Script, onMeta+"\x0b"+strings.Repeat("\x00", 10), onMeta+"\x07\x00\x01", onMeta+"\x10\x00\x01x\x00\x00\x09", onMeta+strings.Repeat("\x0a\x00\x00\x00\x01", 1000)+"\x05", // date, reference, typed object, deep nesting
		onMeta+"\x03\x00\x05width\x00\x7f\xf8\x00\x00\x00\x00\x00\x00\x00\x00\x09") // NaN
	for _, value := range []string{"\x0b\x42\x76\x00\x00\x00\x00\x00\x00\x00\x00", "\x06", "\x0c\x00\x00\x00\x01x", "\x0a\x00\x00\x00\x01\x05", "\x01\x07", "\x02\x00\x02\xff\xfe", "\x00\xff\xf0\x00\x00\x00\x00\x00\x00"} {
		for _, object := range []string{"\x03", "\x08\xff\xff\xff\xff"} { // a date, undefined, a long string, an array, a boolean, a string that is not UTF-8, and an infinite number in place of the width
			add(flv.Script, onMeta+object+"\x00\x05width"+value+"\x00\x0ccreationdate"+value+"\x00\x00\x09", "\x02\x00\x0d@setDataFrame"+onMeta+object+"\x00\x05width"+value+"\x00\x00\x09")
		}
	}
	for _, codec := range []string{"\x0c", "\x0d"} { // pictures of HEVC and AV1 with the numbers that are not standardized, as a stray one of another track
		for _, packet := range []string{"\x00\x00\x00\x00", "\x01\x00\x00\x00", "\x02\x00\x00\x00", "\x01\x00\x00\x00\x00\x00\x00\x04\x26\x01xx", "\x00\x00\x00\x00\x01\x01\x60"} {
			for _, frame := range []byte{1, 2, 5} {
				add(flv.Video, string(append([]byte{frame<<4 | codec[0]}, packet...)))
			}
		}
	}
	add(15, "", "\x00", "\x00\x02\x00", "\x0a\x0b\x01") // data in AMF3
	add(16, "x")                                        // a shared object
	add(20, string(amf.Encode("onFI", 0, nil, "x")), string(amf.Encode("unknown", 7)))
	add(22, "", "\x08\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00x") // an aggregate
	add(99, "x")
	return all
}

// truncated returns beginnings of the payloads of a film: of each header, and of the first frames of each kind. A sound is
// cut before its body, because nobody can see that a body is truncated.
func truncated(film []seen) (all []rtmp.Message) {
	enough := map[bool]int{false: 40, true: 120} // bytes of frames and headers after which beginnings no longer differ in kind
	type class struct {
		kind        byte
		header, key bool
	}
	done := map[class]bool{}
	for _, tag := range film {
		info := tag.info()
		is := class{tag.kind, info.Header, info.Key}
		if done[is] || tag.kind == flv.Script {
			continue
		}
		done[is] = true
		until := len(tag.payload)
		if tag.kind == flv.Audio && info.Coded {
			until = info.Body + 1
		}
		for n := range until {
			if n <= enough[info.Header] || n == until/2 || n >= until-8 {
				all = append(all, rtmp.Message{Type: tag.kind, Data: []byte(tag.payload[:n])})
			}
		}
	}
	return all
}

// disordered returns a film whose sounds arrive in the wrong order in the seconds 5 to 8. Four sounds from 8.7 s on arrive
// twice, and four sounds from 9.7 s on are missing.
func disordered(film []seen) (all []seen) {
	first, doubled, lost := -1, 0, 0 // first is the index of a sound that waits for the next one
	for _, tag := range film {
		if tag.kind == flv.Audio && tag.at >= 9700 && lost < 4 {
			lost++
			continue
		}
		all = append(all, tag)
		last := len(all) - 1
		switch {
		case tag.kind != flv.Audio || !tag.info().Coded:
		case tag.at >= 5000 && tag.at < 8000 && first < 0:
			first = last
		case first >= 0:
			all[first], all[last] = all[last], all[first]
			first = -1
		case tag.at >= 8700 && doubled < 4:
			all = append(all, tag)
			doubled++
		}
	}
	return all
}

// hevcEncoder contains the arguments of ffmpeg for HEVC with a key frame in each second.
var hevcEncoder = []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "bframes=0:keyint=25:min-keyint=25:scenecut=0:log-level=none"}

// enhancedFlashes returns the film of flashes with newer codecs, and the files that it consists of.
func enhancedFlashes(t testing.TB, fourCC string, encoder ...string) (film []seen, files []string) {
	t.Helper()
	fragmented := []string{"-movflags", "frag_keyframe+empty_moov+default_base_moof"}
	files = []string{
		clipFrom(t, "flashes "+fourCC+".mp4", flashInput, slices.Concat(encoder, []string{"-g", "25", "-pix_fmt", "yuv420p", "-tag:v", fourCC}, fragmented)...),
		clipFrom(t, "beeps.mp4", beepInput, append([]string{"-c:a", "libopus", "-ac", "1", "-frag_duration", "1000000"}, fragmented...)...),
	}
	for i, codec := range []string{fourCC, "Opus"} {
		for _, p := range flvtest.Enhanced(t, files[i], codec) {
			film = append(film, seen{p.Kind, p.At, string(p.Data)})
		}
	}
	order := func(tag seen) int64 { // headers come first
		if tag.info().Header {
			return -1
		}
		return int64(tag.at)
	}
	slices.SortStableFunc(film, func(a, b seen) int { return cmp.Compare(order(a), order(b)) })
	return film, files
}

// lateFrames plays a stream until it ends, over HTTP-FLV, WS-FLV and RTMP. The returned function returns the frames that
// each player has received, without the bytes before their bodies.
func lateFrames(t *testing.T, h *testServer) (wait func() map[string][]seen) {
	t.Helper()
	overHTTP := h.watch(t, h.flvURL("KEY"))
	overWS, _ := h.watchWS(t, "KEY", false)
	peer := h.dialPeer(t, "KEY")
	var overRTMP []seen
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			m, err := peer.Read()
			if err != nil {
				return
			}
			frame := func(kind byte, at time.Duration, body []byte) {
				overRTMP = append(overRTMP, seen{kind, uint32(at.Milliseconds()), string(body)})
			}
			switch m := m.(type) {
			case *message.VideoExCodedFrames:
				frame(flv.Video, m.DTS, m.Payload)
			case *message.VideoExFramesX:
				frame(flv.Video, m.DTS, m.Payload)
			case *message.AudioExCodedFrames:
				frame(flv.Audio, m.DTS, m.Payload)
			}
		}
	}()
	return func() map[string][]seen {
		t.Helper()
		_ = overHTTP.ended()
		<-ended
		return map[string][]seen{"HTTP-FLV": bodies(overHTTP.got()), "WS-FLV": bodies(tagsOf(t, overWS.file(t))), "RTMP": overRTMP}
	}
}

// bodies returns the frames among tags, without the bytes before their bodies.
func bodies(tags []seen) (all []seen) {
	for _, tag := range tags {
		if info := tag.info(); info.Coded {
			all = append(all, seen{tag.kind, tag.at, tag.payload[info.Body:]})
		}
	}
	return all
}

// TestMalformedMessagesHideNothing sends malformed messages with various timestamps between the frames of an encoder.
// Players, HLS and the recording must continue.
func TestMalformedMessagesHideNothing(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	for _, sound := range []string{"aac", "libmp3lame"} {
		t.Run("H.264 and "+sound, func(t *testing.T) {
			t.Parallel()
			file := flashesWith(t, sound)
			malformedMessagesHideNothing(t, tagsOf(t, file), file)
		})
	}
	for fourCC, encoder := range map[string][]string{
		"hvc1": hevcEncoder,
		"av01": {"-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime"},
	} {
		t.Run(fourCC+" and Opus", func(t *testing.T) {
			t.Parallel()
			film, files := enhancedFlashes(t, fourCC, encoder...)
			malformedMessagesHideNothing(t, film, files...)
		})
	}
}

// malformedMessagesHideNothing publishes a film, which ffmpeg can read from files.
func malformedMessagesHideNothing(t *testing.T, film []seen, files ...string) {
	inFilm := offsets(t, files...)
	e := newEncoderOf(t, disordered(film), nil)
	e.swaps = true
	e.connect()
	e.play(1500)
	recorded := e.startRecording()
	segments := &hlsFiles{t: t, player: e.h.playHLS(t, "KEY"), fetched: map[string]bool{}, content: map[string]*bytes.Buffer{}}
	e.each = func() { segments.poll() }
	e.meet()
	bad := append(malformed(), truncated(film)...)
	for i, m := range bad {
		if at := 1500 + 18_000*uint32(i)/uint32(len(bad)); at > e.film {
			e.play(at)
		}
		stamp := []uint32{0, 1 << 31, e.film, 1<<32 - 1, e.film + 3_600_000}[i%5]
		if info := flv.Describe(m.Type, m.Data); info.Coded {
			stamp = e.film // coded frames set the clock
		}
		if isMedia := m.Type == flv.Audio || m.Type == flv.Video || m.Type == flv.Script; len(m.Data) > 0 && (isMedia || m.Type == 15 && m.Data[0] == 0 && len(m.Data) > 1) {
			e.sent++
		}
		e.sender.send(rtmp.AppendMedia(nil, m.Type, stamp, m.Data))
		e.arrived()
	}
	e.play(filmSeconds*1000 - 3000)
	var mu sync.Mutex
	result := measured{}
	var playing sync.WaitGroup
	decode := func(output string, inputs ...string) {
		playing.Go(func() {
			found := offsets(t, inputs...)
			mu.Lock()
			defer mu.Unlock()
			result[output] = append(result[output], found...)
		})
	}
	lateSegments := &hlsFiles{t: t, player: e.h.playHLS(t, "KEY"), fetched: map[string]bool{}, content: map[string]*bytes.Buffer{}}
	e.each = func() { segments.poll(); lateSegments.poll() }
	old := len(files) == 1 // whether every version of ffmpeg can read the tags
	var frames func() map[string][]seen
	var overWS *wsViewer
	if old {
		decode("late HTTP-FLV", e.h.flvURL("KEY"))
		decode("late RTMP", e.h.rtmpURL("KEY"))
		overWS, _ = e.h.watchWS(t, "KEY", false)
	} else {
		frames = lateFrames(t, e.h)
	}
	e.h.stream(t, "KEY", "late players", func(s media.StreamStats) bool {
		return s.Players[media.HTTPFLV] == 1 && s.Players[media.RTMP] == 1 && s.Players[media.WSFLV] == 1
	})
	e.play(filmSeconds*1000 + 1000)
	e.sender.unpublish()
	rec, parts := recorded()
	playing.Wait()
	if old {
		decode("late WS-FLV", overWS.file(t))
	} else {
		for name, got := range frames() {
			checkLateFrames(t, name, bodies(film), got)
		}
	}
	least := map[string]int{"recording": filmSeconds - 3, "HLS": 18, "late HLS": 2}
	if old {
		least["late HTTP-FLV"], least["late WS-FLV"], least["late RTMP"] = 2, 2, 2
	}
	for output, from := range map[string]*hlsFiles{"HLS": segments, "late HLS": lateSegments} {
		eventually(t, "the end of the playlists", from.poll)
		switch pairs := from.runs(); {
		case len(pairs) != 1:
			t.Errorf("%s has %d runs of its segmenter, want 1", output, len(pairs))
		case len(pairs[0]) == 1: // HLS does not carry the sound
			if n := flashCount(t, pairs[0][0]); n < least[output] {
				t.Errorf("%s has %d flashes, want at least %d", output, n, least[output])
			}
			delete(least, output)
		default:
			decode(output, pairs[0]...)
		}
	}
	if len(parts) != 1 || filepath.Ext(parts[0]) != ".mp4" || rec.Reason != record.ReasonOf(media.ReasonStopped) || rec.Length < (filmSeconds-2)*time.Second || rec.Length > (filmSeconds+1)*time.Second {
		t.Fatalf("%d parts %v of %v, %s", len(parts), parts, rec.Length, rec.Reason)
	}
	decode("recording", parts[0])
	playing.Wait()
	for output, found := range result {
		t.Log(output, found)
		for _, off := range found {
			if off < inFilm[0]-40 || off > inFilm[0]+40 {
				t.Errorf("%s: a beep is %d ms away from its flash, in the film %d ms", output, off, inFilm[0])
			}
		}
	}
	result.require(t, least)
}

// checkLateFrames checks that a player starts with a key frame of the film, and then gets every frame of the film at its
// time, and nothing else.
func checkLateFrames(t *testing.T, player string, film, got []seen) {
	t.Helper()
	for _, kind := range []byte{flv.Video, flv.Audio} {
		of := func(all []seen) []seen {
			return slices.DeleteFunc(slices.Clone(all), func(tag seen) bool { return tag.kind != kind })
		}
		want, has := of(film), of(got)
		if len(has) < 50 {
			t.Errorf("%s: %d frames of kind %d", player, len(has), kind)
			continue
		}
		i := slices.Index(want, has[0])
		if i < 0 || !slices.Equal(want[i:], has) {
			t.Errorf("%s: %d frames of kind %d from %d ms on are not those of the film, which begin at %d", player, len(has), kind, has[0].at, i)
		}
	}
}
