package media_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/internal/clocktest"
	"roomlog/internal/disk"
	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/record"
	"roomlog/media/rtmp"
)

// encoder publishes a film with a clock that a test sets. It sends a payload only when the server has received the
// previous one, so that the time of arrival is exact.
type encoder struct {
	t      testing.TB
	h      *testServer
	clock  *clocktest.Clock
	tags   []seen // payloads that were not sent yet
	sender *sender
	film   uint32          // time in the film in milliseconds
	shift  map[byte]uint32 // milliseconds to add to the timestamps of each kind
	held   bool            // whether the network stalls: everything then arrives later, at once
	zero   bool            // whether all audio has the timestamp 0
	sent   uint64
	lacks  map[string]uint64 // for each player, the number of frames that preceded it
	each   func()            // called for every second of the film
	swaps  bool              // whether a message of each kind may wait for the next one, see package reorder
}

// newEncoder starts a server whose clock does not move, and an encoder of an FLV file that has not published yet.
func newEncoder(t testing.TB, film string, change func(*media.Config)) *encoder {
	t.Helper()
	return newEncoderOf(t, tagsOf(t, film), change)
}

// tagsOf returns the tags of an FLV file.
func tagsOf(t testing.TB, film string) []seen {
	t.Helper()
	content, err := os.Open(film)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	var tags viewer
	if err := tags.read(content); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return tags.tags
}

// newEncoderOf does the same as newEncoder, with the tags of a film.
func newEncoderOf(t testing.TB, film []seen, change func(*media.Config)) *encoder {
	t.Helper()
	clock := clocktest.New()
	h := run(t, func(c *media.Config) {
		c.Now = clock.Now
		if change != nil {
			change(c)
		}
	})
	return &encoder{t: t, h: h, clock: clock, tags: film, shift: map[byte]uint32{}, lacks: map[string]uint64{}}
}

// connect publishes on a new connection. If it is not the first connection, it sends the headers again.
func (e *encoder) connect() {
	e.t.Helper()
	if e.sender != nil {
		e.sender.Close()
		e.h.stream(e.t, "KEY", "a lost publisher", func(s media.StreamStats) bool { return !s.Publishing })
	}
	e.sender = e.h.publish(e.t, "KEY")
	if e.film > 0 {
		for _, tag := range e.headers() {
			e.send(tag.kind, 0, []byte(tag.payload))
		}
	}
}

// headers returns the sequence headers of the film.
func (e *encoder) headers() (all []seen) {
	for _, tag := range tagsOf(e.t, flashes(e.t)) {
		if tag.info().Header && tag.kind != flv.Script {
			all = append(all, tag)
		}
	}
	return all
}

// send sends a payload and waits until the server has received it.
func (e *encoder) send(kind byte, at uint32, payload []byte) {
	e.t.Helper()
	e.sender.send(rtmp.AppendMedia(nil, kind, at, payload))
	if len(payload) > 0 {
		e.sent++
	}
	e.arrived()
}

func (e *encoder) arrived() {
	e.t.Helper()
	eventually(e.t, "the server has all payloads", func() bool {
		now := e.h.Snapshot()
		waiting := uint64(0)
		if e.swaps {
			waiting = 2
		}
		return now.FramesIn+now.Ignored+waiting >= e.sent
	})
}

// play sends the film up to a time in milliseconds.
func (e *encoder) play(until uint32) {
	e.t.Helper()
	for len(e.tags) > 0 && e.tags[0].at < until {
		tag := e.tags[0]
		e.tags = e.tags[1:]
		if !e.held && tag.at > e.film {
			e.clock.Forward(time.Duration(tag.at-e.film) * time.Millisecond)
		}
		if e.sent%20 == 0 {
			e.playersKeepUp()
		}
		if tag.at > e.film && tag.at/1000 > e.film/1000 && e.each != nil {
			e.each()
		}
		e.film = max(e.film, tag.at)
		at := tag.at + e.shift[tag.kind]
		if tag.kind == flv.Audio && e.zero {
			at = 0
		}
		e.send(tag.kind, at, []byte(tag.payload))
	}
}

// lose leaves out the film up to a time in milliseconds, while this time passes.
func (e *encoder) lose(until uint32) {
	for len(e.tags) > 0 && (e.tags[0].at < until || !e.tags[0].info().Key) {
		e.tags = e.tags[1:]
	}
	e.clock.Forward(time.Duration(e.tags[0].at-e.film) * time.Millisecond)
	e.film = e.tags[0].at
}

// jump shifts the timestamps of both kinds.
func (e *encoder) jump(ms int64) {
	e.shift[flv.Video] += uint32(ms)
	e.shift[flv.Audio] += uint32(ms)
}

// hlsFiles collects the segments of HLS. For each run of the segmenter it has a file with video and one with audio.
type hlsFiles struct {
	t       testing.TB
	player  hlsPlayer
	fetched map[string]bool
	content map[string]*bytes.Buffer // content by playlist and init segment
	order   []string
}

func (f *hlsFiles) poll() (ended bool) {
	f.t.Helper()
	ended = true
	for _, name := range f.player.lists {
		status, text, _ := page(f.t, f.player.base+name)
		if status != 200 {
			f.t.Fatalf("%s: status %d", name, status)
		}
		ended = ended && strings.Contains(text, "#EXT-X-ENDLIST")
		group := ""
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if found := regexp.MustCompile(`#EXT-X-MAP:.*URI="([^"]+)"`).FindStringSubmatch(line); found != nil {
				group = name[:1] + found[1] // the names of the playlists are video1_… and audio2_…
				f.fetch(group, found[1])
			}
			if line != "" && line[0] != '#' && !strings.HasPrefix(line, "gap.mp4") {
				f.fetch(group, line)
			}
		}
	}
	return ended
}

func (f *hlsFiles) fetch(group, ref string) {
	f.t.Helper()
	if f.fetched[group+ref] {
		return
	}
	f.fetched[group+ref] = true
	status, body, _ := page(f.t, f.player.base+ref)
	if status != 200 {
		f.t.Fatalf("%s: status %d", ref, status)
	}
	if f.content[group] == nil {
		f.content[group] = &bytes.Buffer{}
		f.order = append(f.order, group)
	}
	f.content[group].WriteString(body)
}

// runs returns two files, video and audio, for each run of the segmenter, or one file if HLS carries one of them only.
func (f *hlsFiles) runs() (pairs [][]string) {
	f.t.Helper()
	dir := f.t.TempDir()
	byList := map[byte][]string{}
	for i, group := range f.order {
		file := filepath.Join(dir, fmt.Sprint(i, ".mp4"))
		if err := os.WriteFile(file, f.content[group].Bytes(), 0o600); err != nil {
			f.t.Fatal(err)
		}
		byList[group[0]] = append(byList[group[0]], file)
	}
	if len(f.player.lists) == 2 && len(byList['v']) != len(byList['a']) {
		f.t.Fatalf("%d runs of video, %d of audio", len(byList['v']), len(byList['a']))
	}
	for i := range byList['v'] {
		pairs = append(pairs, []string{byList['v'][i]})
		if len(f.player.lists) == 2 {
			pairs[i] = append(pairs[i], byList['a'][i])
		}
	}
	return pairs
}

// startRecording records the stream of an encoder, which has begun. The returned function waits for the end of the
// recording and returns the media files.
func (e *encoder) startRecording() (files func() (record.Recording, []string)) {
	e.t.Helper()
	dir := e.t.TempDir()
	r, err := record.New(record.Config{Recordings: dir, Now: e.clock.Now, Log: quiet(), Settings: disk.Settings{DiskReserve: -1}})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = r.Close() })
	e.h.log.wait(e.t, "started KEY")
	source, err := e.h.Subscribe(e.h.log.broadcast(0))
	if err != nil {
		e.t.Fatal(err)
	}
	if err := r.Start("6", "show", "stream", source); err != nil {
		e.t.Fatal(err)
	}
	return func() (record.Recording, []string) {
		r.Stop("6", "show", record.ReasonOf(media.ReasonStopped))
		eventually(e.t, "the end of the recording", func() bool { return r.Stats().Running == 0 })
		rec, _ := r.Get("6", "show")
		var all []string
		for _, p := range rec.Parts {
			all = append(all, filepath.Join(dir, rec.Folder, rec.ID, p.File))
		}
		return rec, all
	}
}

// meet records how many frames preceded the players that have just joined.
func (e *encoder) meet() {
	e.t.Helper()
	var before []uint64
	for calm := 0; calm < 20; { // nothing is published meanwhile
		<-time.After(5 * time.Millisecond)
		var now []uint64
		for _, p := range e.h.Players("KEY") {
			now = append(now, p.Frames)
		}
		if calm++; !slices.Equal(now, before) {
			before, calm = now, 0
		}
	}
	for _, p := range e.h.Players("KEY") {
		e.lacks[p.Client.ID] = e.h.Snapshot().FramesIn - p.Frames
	}
}

// playersKeepUp waits until the players have nearly all frames, so that the server need not skip any.
func (e *encoder) playersKeepUp() {
	e.t.Helper()
	eventually(e.t, "the players keep up", func() bool {
		now := e.h.Snapshot().FramesIn
		for _, p := range e.h.Players("KEY") {
			if lacks, known := e.lacks[p.Client.ID]; known && p.Client.Protocol != media.HLS && p.Frames+lacks+10 < now {
				return false
			}
		}
		return true
	})
}

// oddEvents are things that encoders sometimes do. Each begins at a second of the film.
var oddEvents = []struct {
	name   string
	second uint32
	happen func(*encoder)
}{
	{"the clock jumps an hour forward", 3, func(e *encoder) { e.jump(3_600_000) }},
	{"an empty AVC header and an empty AAC header", 4, func(e *encoder) {
		for _, bad := range [][]byte{{0x17, 0, 0, 0, 0}, {0x17, 0, 0, 0, 0, 1, 0x64}, {0x17, 0}, {0x17}} {
			e.send(flv.Video, e.film+e.shift[flv.Video], bad)
		}
		e.send(flv.Audio, e.film+e.shift[flv.Audio], []byte{0xaf, 0})
		e.send(flv.Audio, e.film+e.shift[flv.Audio], []byte{0xaf})
	}},
	{"the clock jumps an hour back", 5, func(e *encoder) { e.jump(-3_600_000) }},
	{"the encoder reconnects after six seconds, with another clock", 7, func(e *encoder) {
		e.lose(e.film + 6000)
		e.jump(777_000 - int64(e.film))
		e.connect()
	}},
	{"the audio clock jumps 300 ms after the video clock", 15, func(e *encoder) {
		e.shift[flv.Video] += 90_000_000
		e.play(e.film + 300)
		e.shift[flv.Audio] += 90_000_000
	}},
	{"an encoder of another kind takes its place at once", 16, func(e *encoder) {
		e.jump(-int64(e.film+e.shift[flv.Video]) + 20)
		e.connect()
	}},
	{"the encoder pauses for three seconds", 17, func(e *encoder) { e.lose(e.film + 2500) }},
	{"the network stalls", 20, func(e *encoder) {
		e.clock.Forward(1500 * time.Millisecond)
		e.held = true
		e.play(e.film + 1500)
		e.held = false
	}},
	{"the timestamps pass the end of their 32 bits", 22, func(e *encoder) { e.jump(-int64(e.film+e.shift[flv.Video]) - 400) }},
	{"a payload arrives twice, and headers come with time 0", 23, func(e *encoder) {
		for _, header := range e.headers() {
			e.send(header.kind, 0, []byte(header.payload))
		}
		tag := e.tags[0]
		e.send(tag.kind, tag.at+e.shift[tag.kind], []byte(tag.payload))
	}},
}

// measured contains, for each output, the offsets of the beeps that arrived.
type measured map[string][]int

// broadcastFilm publishes the film and measures every output. prepare sets the clocks of the encoder. If odd is true, the
// odd events happen.
func broadcastFilm(t testing.TB, prepare func(*encoder), odd bool) (measured, record.Recording) {
	t.Helper()
	var mu sync.Mutex
	var playing sync.WaitGroup
	t.Cleanup(playing.Wait)
	e := newEncoder(t, flashes(t), nil)
	prepare(e)
	result := measured{}
	play := func(name string, inputs ...string) {
		playing.Go(func() {
			found := offsets(t, inputs...)
			mu.Lock()
			defer mu.Unlock()
			result[name] = append(result[name], found...)
		})
	}
	players := func(n int) {
		e.h.stream(t, "KEY", "the players", func(s media.StreamStats) bool {
			return s.Players[media.HTTPFLV] == n && s.Players[media.RTMP] == n && s.Players[media.WSFLV] == n
		})
	}
	overWS := map[string]*wsViewer{}
	play("HTTP-FLV", e.h.flvURL("KEY"))
	play("RTMP", e.h.rtmpURL("KEY"))
	overWS["WS-FLV"], _ = e.h.watchWS(t, "KEY", false)
	players(1)
	e.meet()
	e.connect()
	e.play(2500)
	recorded := e.startRecording()
	hls := &hlsFiles{t: t, player: e.h.playHLS(t, "KEY"), fetched: map[string]bool{}, content: map[string]*bytes.Buffer{}}
	e.each = func() { hls.poll() }
	e.meet()
	for _, event := range oddEvents {
		e.play(event.second * 1000)
		if odd {
			event.happen(e)
		}
	}
	e.play(e.film + 200)
	play("late HTTP-FLV", e.h.flvURL("KEY"))
	play("late RTMP", e.h.rtmpURL("KEY"))
	overWS["late WS-FLV"], _ = e.h.watchWS(t, "KEY", false)
	players(2)
	e.play(filmSeconds*1000 + 1000)
	e.sender.unpublish()
	playing.Wait()
	for name, v := range overWS {
		play(name, v.file(t))
	}
	eventually(t, "the end of the playlists", hls.poll)
	for _, pair := range hls.runs() {
		play("HLS", pair...)
	}
	rec, files := recorded()
	for _, file := range files {
		play("recording", file)
	}
	playing.Wait()
	return result, rec
}

// worst returns the largest difference between an offset and the offset in the film.
func (m measured) worst(t testing.TB) int {
	t.Helper()
	film := offsets(t, flashes(t))
	if len(film) != filmSeconds {
		t.Fatalf("the film has %d flashes with a beep, want %d", len(film), filmSeconds)
	}
	worst := 0
	for output, all := range m {
		for _, off := range all {
			worst = max(worst, off-film[0], film[0]-off)
		}
		t.Logf("%s: %d flashes, %v, in the film %d", output, len(all), all, film[0])
	}
	return worst
}

// require checks that each output has at least a number of flashes with a beep.
func (m measured) require(t testing.TB, least map[string]int) {
	t.Helper()
	for output, n := range least {
		if len(m[output]) < n {
			t.Errorf("%s has %d flashes with a beep, want at least %d", output, len(m[output]), n)
		}
	}
}

// Least numbers of flashes with a beep after odd events, which remove some seconds of the film, and without.
var (
	leastOdd    = map[string]int{"HTTP-FLV": 14, "WS-FLV": 14, "RTMP": 14, "HLS": 11, "recording": 13, "late HTTP-FLV": 1, "late WS-FLV": 1, "late RTMP": 1}
	leastHonest = map[string]int{"HTTP-FLV": 24, "WS-FLV": 24, "RTMP": 24, "HLS": 21, "recording": 22, "late HTTP-FLV": 1, "late WS-FLV": 1, "late RTMP": 1}
)

func honest(*encoder) {}

// TestOddEncodersStayInSync checks that an encoder with odd timestamps and headers neither hides the picture, nor ends
// the recording, nor shifts the sound.
func TestOddEncodersStayInSync(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	for name, least := range map[string]map[string]int{"an honest encoder": leastHonest, "an odd encoder": leastOdd} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, rec := broadcastFilm(t, honest, name == "an odd encoder")
			if worst := m.worst(t); worst > 40 {
				t.Errorf("a beep is %d ms away from its flash", worst)
			}
			m.require(t, least)
			if length := rec.Length.Seconds(); len(rec.Parts) != 1 || length < filmSeconds-1.5 || length > filmSeconds+1.5 {
				t.Errorf("the recording has %d parts and %v s, want 1 and about %d", len(rec.Parts), length, filmSeconds)
			}
		})
	}
}

// TestTracksWithClocksOfTheirOwnStayInSync publishes video and audio whose timestamps are unrelated. The recording must
// continue, and what arrives together must be played together at every output.
func TestTracksWithClocksOfTheirOwnStayInSync(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	for name, prepare := range map[string]func(*encoder){
		"the audio clock is 3 s behind":  func(e *encoder) { e.shift[flv.Video] = 10_000; e.shift[flv.Audio] = 7000 },
		"the audio clock is 3 s ahead":   func(e *encoder) { e.shift[flv.Audio] = 3000 },
		"the audio clock stands still":   func(e *encoder) { e.zero = true },
		"the audio clock is an hour off": func(e *encoder) { e.shift[flv.Video] = 3_600_000 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, rec := broadcastFilm(t, prepare, false)
			if len(rec.Parts) != 1 || rec.Reason != record.ReasonOf(media.ReasonStopped) || rec.Length < (filmSeconds-2)*time.Second || rec.Length > (filmSeconds+4)*time.Second {
				t.Errorf("%d parts, %v, %s", len(rec.Parts), rec.Length, rec.Reason)
			}
			for output, found := range m {
				t.Log(output, found)
				for i, off := range found {
					if i >= 2 && (off < -150 || off > 150) { // frames do not arrive at exactly their time, and an AAC frame is 23 ms long
						t.Errorf("%s: a beep is %d ms away from its flash", output, off)
					}
				}
			}
			m.require(t, map[string]int{"HTTP-FLV": 20, "WS-FLV": 20, "RTMP": 20, "HLS": 18, "recording": 18, "late HTTP-FLV": 1, "late WS-FLV": 1, "late RTMP": 1})
		})
	}
}

// repeatedAndSwapped returns a film in which messages arrive twice or in the wrong order, each kind of fault for some
// seconds: pictures twice with the same timestamp, pictures twice with another timestamp, every second picture before the
// picture that precedes it, and the same with sounds.
func repeatedAndSwapped(film []seen) (all []seen) {
	const repeated, later, swapped, repeatedSounds, swappedSounds = 3, 6, 9, 12, 15
	waiting := map[byte]int{} // by kind, the index of a message that waits for the next one
	for _, tag := range film {
		all = append(all, tag)
		last := len(all) - 1
		first, waits := waiting[tag.kind]
		delete(waiting, tag.kind)
		if !tag.info().Coded {
			continue
		}
		switch fault, video := tag.at/3000*3, tag.kind == flv.Video; {
		case waits:
			all[first], all[last] = all[last], all[first]
		case fault == repeated && video, fault == repeatedSounds && !video:
			all = append(all, tag)
		case fault == later && video:
			all = append(all, seen{tag.kind, tag.at + 20, tag.payload})
		case fault == swapped && video, fault == swappedSounds && !video:
			waiting[tag.kind] = last
		}
	}
	return all
}

// TestRepeatedAndSwappedMessagesStayInSync publishes messages twice and in the wrong order.
func TestRepeatedAndSwappedMessagesStayInSync(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	m, rec := broadcastFilm(t, func(e *encoder) { e.tags, e.swaps = repeatedAndSwapped(e.tags), true }, false)
	if worst := m.worst(t); worst > 40 {
		t.Errorf("a beep is %d ms away from its flash", worst)
	}
	m.require(t, leastHonest)
	if length := rec.Length.Seconds(); len(rec.Parts) != 1 || length < filmSeconds-1.5 || length > filmSeconds+1.5 {
		t.Errorf("the recording has %d parts and %v s, want 1 and about %d", len(rec.Parts), length, filmSeconds)
	}
}

// withStartCodes returns a picture whose NAL units, from the unit skip on, have start codes in place of lengths.
func withStartCodes(t testing.TB, payload []byte, skip int) []byte {
	t.Helper()
	units, err := flv.AppendNALUs(nil, payload[5:], 4)
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for i, unit := range units {
		if i >= skip {
			b = append(b, 0, 0, 0, 1)
		}
		b = append(b, unit...)
	}
	if skip > 0 {
		b = append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
	}
	return slices.Concat(payload[:5], b)
}

// damaged is a test whose decoder reports damaged pictures, which are not errors of the test.
type damaged struct{ testing.TB }

func (d damaged) Errorf(format string, arguments ...any) { d.Logf(format, arguments...) }

// TestSwappedPicturesOfHEVC publishes HEVC in which two neighbouring pictures are swapped in some seconds. Nothing in HEVC shows
// their order: they are damaged until the next key frame. All others are shown as they are, and sound and picture stay in sync.
func TestSwappedPicturesOfHEVC(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	const from, until, at = 9, 12, 480 // the seconds with swapped pictures, and the milliseconds of the first one: a flash begins
	film, files := enhancedFlashes(t, "hvc1", hevcEncoder...)
	inFilm := offsets(t, files...)
	swapped := slices.Clone(film)
	for i, first := 0, -1; i < len(swapped); i++ {
		switch tag := swapped[i]; {
		case tag.kind != flv.Video || !tag.info().Coded || tag.at/1000 < from || tag.at/1000 >= until:
		case first >= 0:
			swapped[first], swapped[i] = swapped[i], swapped[first]
			first = -1
		case tag.at%1000 == at:
			first = i
		}
	}
	e := newEncoderOf(t, swapped, nil)
	e.swaps = true
	e.connect()
	e.play(1500)
	recorded := e.startRecording()
	segments := &hlsFiles{t: t, player: e.h.playHLS(t, "KEY"), fetched: map[string]bool{}, content: map[string]*bytes.Buffer{}}
	e.each = func() { segments.poll() }
	e.meet()
	e.play(filmSeconds*1000 + 1000)
	e.sender.unpublish()
	rec, parts := recorded()
	if len(parts) != 1 || rec.Reason != record.ReasonOf(media.ReasonStopped) {
		t.Fatalf("%d parts, %s", len(parts), rec.Reason)
	}
	eventually(t, "the end of the playlists", segments.poll)
	pairs := segments.runs()
	if len(pairs) != 1 || len(pairs[0]) != 2 {
		t.Fatalf("HLS has the files %v, want one of each kind", pairs)
	}
	_, original := shown(t, files[0])
	for output, inputs := range map[string][]string{"the recording": parts, "HLS": pairs[0]} {
		found := offsets(damaged{t}, inputs...)
		if len(found) < filmSeconds-6 {
			t.Errorf("%s: %d flashes have a beep: %v", output, len(found), found)
		}
		away := slices.DeleteFunc(found, func(off int) bool { return off >= inFilm[0]-40 && off <= inFilm[0]+40 })
		if len(away) > 2*(until-from) { // a damaged flash may look like two flashes of other seconds
			t.Errorf("%s: beeps are %v ms away from their flashes, in the film %d ms", output, away, inFilm[0])
		}
		_, hashes := shown(damaged{t}, inputs[0])
		all := strings.Join(hashes, " ")
		for second := 2; second < filmSeconds-1; second++ {
			want := second < from || second >= until
			if whole := strings.Contains(all, strings.Join(original[25*second:25*(second+1)], " ")); whole != want {
				t.Errorf("%s: the pictures of second %d are those of the film: %v, want %v", output, second, whole, want)
			}
		}
	}
}
