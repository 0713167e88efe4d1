package media_test

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"roomlog/media/flv"
)

const filmSeconds = 24

// The signals of a film, by second: the luma of a flash and the frequency of a beep.
const (
	firstLuma, lumaStep = 91, 6
	firstHertz, hzStep  = 600, 100
)

// Inputs of ffmpeg with a flash and with a beep in the middle of every second. No two seconds have the same signals.
var (
	flashInput = []string{"-f", "lavfi", "-i", fmt.Sprintf("color=black:s=64x64:r=25:d=%d,format=yuv420p,geq=lum='if(between(mod(T,1),0.47,0.61),%d+%d*floor(T),16)':cb=128:cr=128",
		filmSeconds, firstLuma, lumaStep)}
	beepInput = []string{"-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='if(between(mod(t,1),0.48,0.6),sin(2*PI*(%d+%d*floor(t))*t),0)':s=44100:d=%d",
		firstHertz, hzStep, filmSeconds)}
)

// flashes creates a film with a flash and a beep in the middle of every second.
func flashes(t testing.TB) string { return flashesWith(t, "aac") }

// flashesWith creates the film with sound that an encoder of ffmpeg has encoded.
func flashesWith(t testing.TB, sound string) string {
	return clipFrom(t, "flashes with "+sound, append(slices.Clone(flashInput), beepInput...),
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", sound, "-b:a", "64k")
}

// signal is a flash or a beep: the second of the film that it belongs to, and its beginning in milliseconds.
type signal struct{ second, at int }

// offsets decodes video and audio, which may be in one file or two. It returns for each flash how many milliseconds
// later the beep of the same second begins. It leaves out a flash whose beep is missing.
func offsets(t testing.TB, inputs ...string) (all []int) {
	t.Helper()
	dir := t.TempDir()
	pictures, sounds, samples := filepath.Join(dir, "pictures"), filepath.Join(dir, "sounds"), filepath.Join(dir, "samples")
	args := []string{"-copyts"}
	for _, input := range inputs {
		args = append(args, "-i", input)
	}
	audio := fmt.Sprintf("%d:a", len(inputs)-1)
	tool(t, "ffmpeg", append(args,
		"-map", "0:v", "-vf", "scale=1:1:flags=area,format=gray", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framecrc", pictures,
		"-map", audio, "-ac", "1", "-c:a", "pcm_s16le", "-enc_time_base", "1:44100", "-f", "framecrc", sounds,
		"-map", audio, "-ac", "1", "-c:a", "pcm_s16le", "-f", "s16le", samples)...)
	beeps := beepSignals(t, sounds, samples)
	for _, flash := range flashSignals(t, pictures) {
		var found []int
		for _, beep := range beeps {
			if beep.second == flash.second {
				found = append(found, beep.at-flash.at)
			}
		}
		if len(found) > 0 {
			all = append(all, slices.MinFunc(found, func(a, b int) int { return max(a, -a) - max(b, -b) }))
		}
	}
	return all
}

// crcLine is a line of the output of ffmpeg's framecrc: a frame with its time in milliseconds and its size in bytes.
type crcLine struct {
	at   float64
	size int
	crc  uint64
}

// crcLines returns the lines of a file, and the samples per second of audio.
func crcLines(t testing.TB, file string) (all []crcLine, rate float64) {
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
		if found := regexp.MustCompile(`^#sample_rate 0: (\d+)`).FindStringSubmatch(line); found != nil {
			rate, _ = strconv.ParseFloat(found[1], 64)
		}
		fields := strings.Split(line, ",")
		if len(fields) < 6 || line[0] == '#' {
			continue
		}
		at, _ := strconv.ParseFloat(strings.TrimSpace(fields[2]), 64)
		size, _ := strconv.Atoi(strings.TrimSpace(fields[4]))
		crc, _ := strconv.ParseUint(strings.TrimSpace(fields[5]), 0, 64)
		all = append(all, crcLine{at * base, size, crc})
	}
	return all, rate
}

// flashSignals returns the flashes among pictures of one gray pixel. The CRC of a byte ends with the byte.
func flashSignals(t testing.TB, pictures string) (all []signal) {
	t.Helper()
	lines, _ := crcLines(t, pictures)
	bright := true // a flash that has begun before the first picture does not count
	for _, line := range lines {
		luma := 16 + float64(line.crc&0xff)*219/255
		now := luma > firstLuma-2*lumaStep
		second := int(math.Round((luma - firstLuma) / lumaStep))
		switch {
		case now && !bright:
			all = append(all, signal{second, int(line.at)})
		case now && len(all) > 0: // later pictures of a flash are more exact
			all[len(all)-1].second = second
		}
		bright = now
	}
	return all
}

// beepSignals returns the sounds after at least 300 ms of silence.
func beepSignals(t testing.TB, sounds, samples string) (all []signal) {
	t.Helper()
	b, err := os.ReadFile(samples)
	if err != nil {
		t.Fatal(err)
	}
	const silence = 300 // ms
	lines, rate := crcLines(t, sounds)
	var rises []float64 // times at which the wave of the newest beep rises
	loudAt, high := 0.0, false
	end := func() {
		if n := len(rises) - 1; n > 4 {
			hertz := float64(n) * 1000 / (rises[n] - rises[0])
			all[len(all)-1].second = int(math.Round((hertz - firstHertz) / hzStep))
		}
		rises = nil
	}
	for _, line := range lines {
		n := min(line.size, len(b))
		for i := 0; i+1 < n; i += 2 {
			v := int16(uint16(b[i]) | uint16(b[i+1])<<8)
			if v > -4000 && v < 4000 {
				continue
			}
			at := line.at + float64(i/2)*1000/rate
			if at-loudAt > silence {
				end()
				all = append(all, signal{-1, int(at)})
			}
			if loudAt = at; v > 0 && !high && len(all) > 0 {
				rises = append(rises, at)
			}
			high = v > 0
		}
		b = b[n:]
	}
	end()
	return all
}

// TestOffsets checks that the measurement detects sound that is several seconds away from its picture.
func TestOffsets(t *testing.T) {
	needFFmpeg(t)
	t.Parallel()
	inFilm := offsets(t, flashes(t))
	if len(inFilm) != filmSeconds || slices.Max(inFilm)-slices.Min(inFilm) > 3 {
		t.Fatalf("the film has the offsets %v, want %d of the same length", inFilm, filmSeconds)
	}
	for _, moved := range []int{-3000, 3000} {
		name := filepath.Join(t.TempDir(), "moved.flv")
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w := bufio.NewWriter(file)
		_, _ = w.WriteString("FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00")
		for _, tag := range tagsOf(t, flashes(t)) {
			at := 5000 + tag.at
			if tag.kind == flv.Audio {
				at += uint32(moved)
			}
			_, _ = w.Write(flv.Tag(tag.kind, at, []byte(tag.payload)))
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		found := offsets(t, name)
		if len(found) != filmSeconds {
			t.Errorf("%d ms: %d flashes have a beep, want %d", moved, len(found), filmSeconds)
		}
		for _, off := range found {
			if off-inFilm[0] < moved-3 || off-inFilm[0] > moved+3 {
				t.Errorf("sound that was moved by %d ms measures as %d ms", moved, off-inFilm[0])
			}
		}
	}
}

// flashCount decodes the video of a file or stream and returns the number of flashes.
func flashCount(t testing.TB, input string) int {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pictures")
	tool(t, "ffmpeg", "-copyts", "-i", input, "-an", "-vf", "scale=1:1:flags=area,format=gray",
		"-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framecrc", file)
	return len(flashSignals(t, file))
}
