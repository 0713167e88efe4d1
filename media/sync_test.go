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
	"strconv"
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

const filmSeconds = 24

// Inputs of ffmpeg with a flash and with a beep in the middle of every second.
var (
	flashInput = []string{"-f", "lavfi", "-i", fmt.Sprintf("color=black:s=64x64:r=25:d=%d,drawbox=c=white:t=fill:enable='between(mod(t,1),0.47,0.61)'", filmSeconds)}
	beepInput  = []string{"-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='if(between(mod(t,1),0.48,0.6),sin(2*PI*1000*t),0)':s=44100:d=%d", filmSeconds)}
)

// flashes creates a film with a flash and a beep in the middle of every second.
func flashes(t testing.TB) string { return flashesWith(t, "aac") }

// flashesWith creates the film with sound that an encoder of ffmpeg has encoded.
func flashesWith(t testing.TB, sound string) string {
	return clipFrom(t, "flashes with "+sound, append(slices.Clone(flashInput), beepInput...),
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", sound, "-b:a", "64k")
}

// offsets decodes video and audio, which may be in one file or two. It returns for each flash how many milliseconds
// later its beep begins. It leaves out a flash without a beep nearby.
func offsets(t testing.TB, inputs ...string) []int {
	t.Helper()
	dir := t.TempDir()
	pictures, sounds, samples := filepath.Join(dir, "pictures"), filepath.Join(dir, "sounds"), filepath.Join(dir, "samples")
	args := []string{"-copyts"}
	for _, input := range inputs {
		args = append(args, "-i", input)
	}
	audio := fmt.Sprintf("%d:a", len(inputs)-1)
	tool(t, "ffmpeg", append(args,
		"-map", "0:v", "-vf", "scale=1:1:flags=area,format=gray,lut=y='if(gt(val,128),255,0)'", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framecrc", pictures,
		"-map", audio, "-ac", "1", "-c:a", "pcm_s16le", "-enc_time_base", "1:44100", "-f", "framecrc", sounds,
		"-map", audio, "-ac", "1", "-c:a", "pcm_s16le", "-f", "s16le", samples)...)
	var all []int
	beeps := beepTimes(t, sounds, samples)
	for _, flash := range flashTimes(t, pictures) {
		for _, beep := range beeps {
			if off := beep - flash; off > -450 && off < 450 {
				all = append(all, off)
				break
			}
		}
	}
	return all
}

// crcLine is a line of the output of ffmpeg's framecrc: a frame with its time in milliseconds and its size in bytes.
type crcLine struct {
	at   float64
	size int
	crc  string
}

func crcLines(t testing.TB, file string) (all []crcLine) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	base := 0.0
	for line := range strings.Lines(string(text)) {
		if found := regexp.MustCompile(`^#tb 0: (\d+)/(\d+)`).FindStringSubmatch(line); found != nil {
			n, _ := strconv.ParseFloat(found[1], 64)
			d, _ := strconv.ParseFloat(found[2], 64)
			base = 1000 * n / d
		}
		fields := strings.Split(line, ",")
		if len(fields) < 6 || line[0] == '#' {
			continue
		}
		at, _ := strconv.ParseFloat(strings.TrimSpace(fields[2]), 64)
		size, _ := strconv.Atoi(strings.TrimSpace(fields[4]))
		all = append(all, crcLine{at * base, size, strings.TrimSpace(fields[5])})
	}
	return all
}

// flashTimes returns the times at which a white picture follows a black one.
func flashTimes(t testing.TB, pictures string) (all []int) {
	t.Helper()
	white := true
	for _, line := range crcLines(t, pictures) {
		now := line.crc != "0x00000000"
		if now && !white {
			all = append(all, int(line.at))
		}
		white = now
	}
	return all
}

// beepTimes returns the times at which a sound follows 300 ms of silence.
func beepTimes(t testing.TB, sounds, samples string) (all []int) {
	t.Helper()
	b, err := os.ReadFile(samples)
	if err != nil {
		t.Fatal(err)
	}
	loudAt := 0.0
	for _, line := range crcLines(t, sounds) {
		n := min(line.size, len(b))
		for i := 0; i+1 < n; i += 2 {
			if v := int16(uint16(b[i]) | uint16(b[i+1])<<8); v > 4000 || v < -4000 {
				at := line.at + float64(i/2)*1000/44100
				if at-loudAt > 300 {
					all = append(all, int(at))
				}
				loudAt = at
			}
		}
		b = b[n:]
	}
	return all
}

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
		return now.FramesIn+now.Ignored >= e.sent
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

// broadcastFilm publishes the film and measures every output. If odd is true, the odd events happen.
func broadcastFilm(t testing.TB, odd bool) (measured, record.Recording) {
	t.Helper()
	var mu sync.Mutex
	var playing sync.WaitGroup
	t.Cleanup(playing.Wait)
	e := newEncoder(t, flashes(t), nil)
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

// TestOddEncodersStayInSync checks that an encoder with odd timestamps and headers neither hides the picture, nor ends
// the recording, nor shifts the sound.
func TestOddEncodersStayInSync(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	for name, odd := range map[string]bool{"an honest encoder": false, "an odd encoder": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, rec := broadcastFilm(t, odd)
			if worst := m.worst(t); worst > 40 {
				t.Errorf("a beep is %d ms away from its flash", worst)
			}
			outputs := map[string]int{"HTTP-FLV": 14, "RTMP": 14, "HLS": 11, "recording": 13, "late HTTP-FLV": 1, "late RTMP": 1, "WS-FLV": 14, "late WS-FLV": 1}
			for output, least := range outputs {
				if len(m[output]) < least {
					t.Errorf("%s has %d flashes with a beep, want at least %d", output, len(m[output]), least)
				}
			}
			if length := rec.Length.Seconds(); len(rec.Parts) != 1 || length < filmSeconds-1.5 || length > filmSeconds+1.5 {
				t.Errorf("the recording has %d parts and %v s, want 1 and about %d", len(rec.Parts), length, filmSeconds)
			}
		})
	}
}

// TestTracksWithClocksOfTheirOwnAreRecorded publishes video and audio whose timestamps are unrelated. The recording
// must continue, and what arrives together must be played together.
func TestTracksWithClocksOfTheirOwnAreRecorded(t *testing.T) {
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
			e := newEncoder(t, flashes(t), nil)
			prepare(e)
			e.connect()
			e.play(1500)
			recorded := e.startRecording()
			e.meet()
			e.play(filmSeconds*1000 + 1000)
			e.sender.unpublish()
			rec, files := recorded()
			if len(rec.Parts) != 1 || rec.Reason != record.ReasonOf(media.ReasonStopped) || rec.Length < (filmSeconds-1)*time.Second || rec.Length > (filmSeconds+4)*time.Second {
				t.Fatalf("%d parts, %v, %s", len(rec.Parts), rec.Length, rec.Reason)
			}
			found := offsets(t, files[0])
			for _, off := range found[min(2, len(found)):] {
				if off < -150 || off > 150 { // frames do not arrive at exactly their time, and an AAC frame is 23 ms long
					t.Errorf("a beep is %d ms away from its flash", off)
				}
			}
			if len(found) < filmSeconds-6 {
				t.Errorf("%d flashes have a beep: %v", len(found), found)
			}
		})
	}
}

// flashCount decodes the video of a file or stream and returns the number of flashes.
func flashCount(t testing.TB, input string) int {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pictures")
	tool(t, "ffmpeg", "-copyts", "-i", input, "-an", "-vf", "scale=1:1:flags=area,format=gray,lut=y='if(gt(val,128),255,0)'",
		"-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framecrc", file)
	return len(flashTimes(t, file))
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
