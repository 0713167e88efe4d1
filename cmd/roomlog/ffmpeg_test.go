package main_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// needFFmpeg fails the test if ffmpeg is missing, and skips it if ROOMLOG_SKIP contains ffmpeg.
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

// film returns a video file with B-frames, a key frame every second, and a tone.
func film(t testing.TB, seconds int) string {
	t.Helper()
	return filmOf(t, seconds, 25)
}

// filmOf returns a film with a key frame every group pictures. A player may be late by a group, before it is moved to the
// newest key frame. Tests that use the same film share one file.
func filmOf(t testing.TB, seconds, group int) string {
	t.Helper()
	films.Lock()
	defer films.Unlock()
	key := [2]int{seconds, group}
	if file, found := films.files[key]; found {
		return file
	}
	file := filepath.Join(sharedDir(), fmt.Sprintf("film-%d-%d.flv", seconds, group))
	run := ffmpeg(t, "-y", "-f", "lavfi", "-i", fmt.Sprintf("testsrc=s=320x180:r=25:d=%d", seconds), "-f", "lavfi", "-i", fmt.Sprintf("sine=d=%d:r=44100", seconds),
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", strconv.Itoa(group), "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", file)
	if err := run.wait(); err != nil {
		t.Fatal(err)
	}
	films.files[key] = file
	return file
}

// films contains the films that were made, by seconds and group.
var films = struct {
	sync.Mutex
	files map[[2]int]string
}{files: map[[2]int]string{}}

// running is a running ffmpeg process.
type running struct {
	t        testing.TB
	cmd      *exec.Cmd
	out, err bytes.Buffer
	ended    chan struct{}
}

// ffmpeg starts ffmpeg. The end of the test stops it: an encoder may publish longer than a test waits for one thing.
func ffmpeg(t testing.TB, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, ended: make(chan struct{})}
	r.cmd = exec.CommandContext(ctx, "ffmpeg", append([]string{"-nostdin", "-hide_banner", "-loglevel", "error"}, args...)...)
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.err
	if err := r.cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() { defer close(r.ended); defer cancel(); _ = r.cmd.Wait() }()
	t.Cleanup(func() { cancel(); <-r.ended })
	return r
}

// wait waits for the process to end. It returns what the process has written to standard error as an error.
func (r *running) wait() error {
	r.t.Helper()
	r.awaitEnd()
	if code := r.cmd.ProcessState.ExitCode(); code != 0 || r.err.Len() > 0 {
		return fmt.Errorf("ffmpeg %s: exit code %d: %s", strings.Join(r.cmd.Args[1:], " "), code, r.err.String())
	}
	return nil
}

// awaitEnd waits until the process has ended.
func (r *running) awaitEnd() {
	r.t.Helper()
	awaitSignal(r.t, "ffmpeg "+strings.Join(r.cmd.Args[1:], " ")+" ends", r.ended)
}

// interrupt ends the process like Ctrl-C: an encoder ends its stream, and says so to the server.
func (r *running) interrupt() {
	r.t.Helper()
	_ = r.cmd.Process.Signal(os.Interrupt)
	r.awaitEnd()
}

// kill kills the process with SIGKILL and waits for its end.
func (r *running) kill() { _ = r.cmd.Process.Kill(); <-r.ended }

func (r *running) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// publish publishes a file in real time. args are ffmpeg options of the input.
func publish(t testing.TB, file, url string, args ...string) *running {
	t.Helper()
	return ffmpeg(t, append(append([]string{"-re"}, args...), "-i", file, "-c", "copy", "-f", "flv", url)...)
}

// shown is a decoded frame: its hash and its presentation time.
type shown struct {
	at   int // time in milliseconds since the first frame
	hash string
}

// decode starts an ffmpeg process that plays the video of a source to its end and prints a hash of every frame.
func decode(t testing.TB, from string, options ...string) *running {
	t.Helper()
	return ffmpeg(t, append(options, "-i", from, "-map", "0:v", "-vsync", "passthrough", "-enc_time_base", "1:1000", "-f", "framemd5", "-")...)
}

var framemd5 = regexp.MustCompile(`(?m)^0,\s*-?\d+,\s*(-?\d+),\s*\d+,\s*\d+, ([0-9a-f]{32})$`)

// frames waits for the end of decode and returns the video frames.
func (r *running) frames() (all []shown) {
	r.t.Helper()
	if err := r.wait(); err != nil {
		r.t.Error(err)
	}
	for _, found := range framemd5.FindAllStringSubmatch(r.out.String(), -1) {
		var at int
		fmt.Sscan(found[1], &at)
		all = append(all, shown{at, found[2]})
	}
	for i := range all[min(1, len(all)):] {
		all[i+1].at -= all[0].at
	}
	if len(all) > 0 {
		all[0].at = 0
	}
	return all
}

// part checks that got is a contiguous part of want with at least least frames and the same times, rounded to 1 ms.
func part(t testing.TB, what string, want, got []shown, least int) {
	t.Helper()
	if len(got) < least || len(got) == 0 {
		t.Errorf("%s: got %d pictures, want at least %d", what, len(got), least)
		return
	}
	from := slices.IndexFunc(want, func(s shown) bool { return s.hash == got[0].hash })
	if from < 0 || from+len(got) > len(want) {
		t.Errorf("%s: the first of %d pictures is the one at %d of %d", what, len(got), from, len(want))
		return
	}
	for i, g := range got {
		w := want[from+i]
		if away := w.at - want[from].at - g.at; w.hash != g.hash || away < -1 || away > 1 {
			t.Errorf("%s: picture %d is %+v, want %+v", what, i, g, w)
			return
		}
	}
}
