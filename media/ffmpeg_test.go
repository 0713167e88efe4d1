package media_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/rtmp"
)

// needFFmpeg fails the test if ffmpeg is missing, unless ROOMLOG_SKIP permits that.
func needFFmpeg(t testing.TB) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("ROOMLOG_SKIP"), ","), "ffmpeg") {
		t.Skip("ffmpeg is left out by ROOMLOG_SKIP")
	}
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing; install it with `make deps`, or leave it out with ROOMLOG_SKIP=ffmpeg", tool)
		}
	}
}

// tool runs a program and returns its output. It fails the test if the program writes to standard error.
func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, append([]string{"-hide_banner", "-loglevel", "error"}, args...)...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		t.Errorf("%s %s: got %v: %s", name, strings.Join(args, " "), err, complaints.String())
	}
	return out.String()
}

// clips contains the films that clipFrom has created, by name.
var clips = struct {
	sync.Mutex
	dir  string
	made map[string]string
}{made: map[string]string{}}

// clip creates a film of three seconds, once for each name: video with a key frame every second, and a tone.
func clip(t testing.TB, name string, args ...string) string {
	t.Helper()
	return clipFrom(t, name, []string{"-f", "lavfi", "-i", "testsrc=s=320x180:r=25:d=3", "-f", "lavfi", "-i", "sine=d=3:r=44100"}, args...)
}

// clipFrom creates a film from inputs, once for each name. A name without an extension is that of an FLV file.
func clipFrom(t testing.TB, name string, inputs []string, args ...string) string {
	t.Helper()
	clips.Lock()
	defer clips.Unlock()
	if file := clips.made[name]; file != "" {
		return file
	}
	if clips.dir == "" {
		dir, err := os.MkdirTemp("", "roomlog-clips-")
		if err != nil {
			t.Fatal(err)
		}
		clips.dir = dir
	}
	file := filepath.Join(clips.dir, name)
	if filepath.Ext(name) == "" {
		file += ".flv"
	}
	tool(t, "ffmpeg", slices.Concat(inputs, args, []string{file})...)
	clips.made[name] = file
	return file
}

func film(t testing.TB) string { return filmOf(t, "film", 25) }

// filmOf creates a film with a key frame every group pictures. Players of a film with one or two groups start at a key frame
// that does not depend on their speed, and are never too slow, because a stream keeps two groups.
func filmOf(t testing.TB, name string, group int) string {
	return clip(t, name, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", strconv.Itoa(group), "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k")
}

// send publishes a file in real time. args are input options.
func send(t testing.TB, file, url string, args ...string) {
	t.Helper()
	tool(t, "ffmpeg", append(append([]string{"-re"}, args...), "-i", file, "-c", "copy", "-f", "flv", url)...)
}

// packet is a packet as ffprobe reports it. Times are relative to the first packet of its kind.
type packet struct {
	stream, pts, dts int
	hash             string
}

// packets reads a file or a stream to its end. Times are relative to the first packet of each kind.
func packets(t testing.TB, from string) []packet {
	t.Helper()
	text := tool(t, "ffprobe", "-show_entries", "packet=codec_type,pts,dts,data_hash", "-show_data_hash", "MD5", "-of", "csv=p=0", from)
	var all []packet
	for _, line := range strings.Fields(text) {
		fields := strings.Split(line, ",")
		if len(fields) < 4 {
			t.Fatalf("ffprobe says %q", line)
		}
		p := packet{hash: fields[3]}
		p.pts, _ = strconv.Atoi(fields[1])
		p.dts, _ = strconv.Atoi(fields[2])
		if fields[0] == "audio" {
			p.stream = 1
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b packet) int { return a.stream - b.stream })
	return all
}

// same checks that two recordings of one film have the same packets, with times that differ by a constant. Audio before
// the first picture may be missing.
func same(t testing.TB, what string, want, got []packet) {
	t.Helper()
	sounds := slices.IndexFunc(want, func(p packet) bool { return p.stream == 1 })
	for range 2 {
		if sounds > 0 && len(got) < len(want) {
			want = slices.Delete(slices.Clone(want), sounds, sounds+1)
		}
	}
	if len(want) == 0 || len(got) != len(want) {
		t.Errorf("%s: %d packets in place of %d", what, len(got), len(want))
		return
	}
	shift := got[0].dts - want[0].dts
	for i := range want {
		w := want[i]
		w.pts, w.dts = w.pts+shift, w.dts+shift
		if got[i] != w {
			t.Errorf("%s: packet %d is %+v in place of %+v, want %v", what, i, got[i], w, w)
			return
		}
	}
}

func TestFFmpegPublishesAndPlays(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	film := filmOf(t, "one group", 75)
	want := packets(t, film)
	h := run(t, nil)
	v, _ := h.watchWS(t, "KEY", false)
	var over sync.WaitGroup
	for what, url := range map[string]string{"HTTP-FLV": h.flvURL("KEY"), "RTMP": h.rtmpURL("KEY")} {
		over.Go(func() { same(t, what, want, packets(t, url)) })
	}
	h.stream(t, "KEY", "three players", func(s media.StreamStats) bool {
		return s.Players[media.HTTPFLV] == 1 && s.Players[media.RTMP] == 1 && s.Players[media.WSFLV] == 1
	})
	send(t, film, h.publishURL("KEY"))
	over.Wait()
	waittest.Receive(t, v.closed, "the end of the player")
	file := filepath.Join(t.TempDir(), "ws.flv")
	if err := os.WriteFile(file, bytes.Join(v.messages, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	same(t, "WS-FLV", want, packets(t, file))
	h.log.wait(t, "stopped KEY stopped")
	broadcast := h.log.broadcast(0)
	if broadcast.Size.Width != 320 || broadcast.Size.Height != 180 || broadcast.Sound.Rate != 44100 {
		t.Fatalf("got %+v, want Size.Width 320, Size.Height 180, Sound.Rate 44100", broadcast)
	}
}

// TestFFmpegJoinsLate checks that a player that joins late decodes all pictures with correct times.
func TestFFmpegJoinsLate(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	h := run(t, nil)
	decoded := func(from string, args ...string) []string {
		text := tool(t, "ffmpeg", append(append(args, "-i", from), "-map", "0:v", "-copyts", "-fps_mode", "passthrough", "-f", "framemd5", "-")...)
		var frames []string // each in the form "pts hash"
		for _, line := range strings.Split(text, "\n") {
			if f := strings.Split(line, ","); len(f) == 6 && line[0] != '#' {
				frames = append(frames, strings.TrimSpace(f[2])+strings.TrimSpace(f[5]))
			}
		}
		return frames
	}
	const group = 50
	film := filmOf(t, "two groups", group)
	all := decoded(film)
	content, err := os.Open(film)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	var tags viewer
	if err := tags.read(content); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	s := h.publish(t, "KEY")
	publish := func(tags []seen) {
		for _, tag := range tags {
			s.send(rtmp.AppendMedia(nil, tag.kind, tag.at, []byte(tag.payload)))
		}
	}
	late := slices.IndexFunc(tags.tags, func(tag seen) bool { return tag.at > 2500 })
	publish(tags.tags[:late])
	h.stream(t, "KEY", "a second group", func(s media.StreamStats) bool { return s.GOP == group && s.GOPLength == 2*time.Second })
	var playing sync.WaitGroup
	for what, url := range map[string]string{"HTTP-FLV": h.flvURL("KEY"), "RTMP": h.rtmpURL("KEY")} {
		playing.Go(func() {
			got := decoded(url)
			if want := all[group:]; !slices.Equal(got, want) { // the player starts with the second group of pictures
				t.Errorf("%s: %d frames in place of %d, of them the first %.60q in place of %.60q", what, len(got), len(want), slices.Concat(got, []string{""})[0], want[0])
			}
		})
	}
	h.stream(t, "KEY", "two players", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV]+s.Players[media.RTMP] == 2 })
	publish(tags.tags[late:])
	s.unpublish()
	playing.Wait()
}

func TestFFmpegPublishesOtherKinds(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	// Only for the file with both kinds may players wait for the second kind: for the others, they would lose the first
	// frames.
	both := run(t, nil)
	one := run(t, func(c *media.Config) { c.SettleTime = 200 * time.Millisecond })
	server := func(key string) *testServer {
		if key == "mp3" {
			return both
		}
		return one
	}
	// A stream keeps one group of pictures, or two seconds of sound, for players that are slow.
	video := []string{"-c:v", "libx264", "-preset", "ultrafast", "-g", "75", "-pix_fmt", "yuv420p"}
	files := map[string]string{ // stream key → file
		"sound":   clip(t, "sound", "-vn", "-c:a", "aac", "-t", "1.9"),
		"picture": clip(t, "picture", append(video, "-an")...),
		"mp3":     clip(t, "mp3", append(video, "-c:a", "libmp3lame", "-ar", "44100")...),
	}
	kinds := map[string]byte{"sound": 4, "picture": 1, "mp3": 5} // flags that the header must contain, because ffprobe waits for the tracks that they announce
	viewers := make(map[string]*viewer)
	var over sync.WaitGroup
	defer over.Wait()
	for key, file := range files {
		want, h := packets(t, file), server(key)
		viewers[key] = h.watch(t, h.flvURL(key))
		for what, url := range map[string]string{" over HTTP-FLV": h.flvURL(key), " over RTMP": h.rtmpURL(key)} {
			over.Go(func() { same(t, key+what, want, packets(t, url)) })
		}
		h.stream(t, key, "three players", func(s media.StreamStats) bool {
			return s.Players[media.HTTPFLV] == 2 && s.Players[media.RTMP] == 1
		})
	}
	for key, file := range files {
		over.Go(func() { send(t, file, server(key).publishURL(key)) })
	}
	over.Wait()
	for key, v := range viewers {
		waittest.Receive(t, v.done, "the end of the player")
		if v.flags != kinds[key] {
			t.Errorf("%s: the header announces %d in place of %d, want %v", key, v.flags, kinds[key], kinds[key])
		}
	}
}

// TestKilledFFmpegContinuesItsBroadcast kills and restarts an encoder, which must continue its broadcast.
func TestKilledFFmpegContinuesItsBroadcast(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	h := run(t, nil)
	v := h.watch(t, h.flvURL("KEY"))
	ctx, kill := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, "ffmpeg", "-loglevel", "quiet", "-re", "-stream_loop", "-1", "-i", film(t), "-c", "copy", "-f", "flv", h.publishURL("KEY"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	keyFrames := func() (n int) {
		for _, tag := range v.got() {
			if tag.info().Key {
				n++
			}
		}
		return n
	}
	eventually(t, "the player has two key frames", func() bool { return keyFrames() >= 2 })
	kill()
	_ = cmd.Wait()
	h.stream(t, "KEY", "a lost publisher", func(s media.StreamStats) bool { return !s.Publishing })
	send(t, film(t), h.publishURL("KEY"), "-stream_loop", "2")
	_ = v.ended()
	var last uint32
	for i, tag := range v.got() {
		if tag.kind == 18 || tag.info().Header {
			continue
		}
		if last > tag.at+250 { // allows for audio and video that are not exactly interleaved
			t.Fatalf("tag %d: time runs back from %d to %d", i, last, tag.at)
		}
		last = tag.at
	}
	if keys := keyFrames(); keys < 5 || last < 3500 {
		t.Fatalf("%d key frames in %d ms", keys, last)
	}
	if got := fmt.Sprint(h.log.list()); got != "[started KEY stopped KEY stopped]" {
		h.log.wait(t, "stopped KEY stopped")
	}
}
