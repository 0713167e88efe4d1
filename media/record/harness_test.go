package record_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/internal/disk"
	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/record"
)

const timeout = 3 * time.Minute

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(timeout); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// testSource is a Source under the control of a test.
type testSource struct {
	frames chan []*media.Frame
	gone   chan struct{}
	once   sync.Once
	skips  uint64
}

func newReel() *testSource {
	return &testSource{frames: make(chan []*media.Frame), gone: make(chan struct{})}
}

func (r *testSource) Next(dst []*media.Frame) ([]*media.Frame, error) {
	select {
	case frames, more := <-r.frames:
		if !more {
			return nil, io.EOF
		}
		return append(dst[:0], frames...), nil
	case <-r.gone:
		return nil, media.ErrEnded
	}
}

func (r *testSource) Skips() uint64 { return r.skips }

func (r *testSource) Close() { r.once.Do(func() { close(r.gone) }) }

// play delivers frames, a few at a time, until the reader closes the source.
func (r *testSource) play(frames []*media.Frame) {
	for some := range slices.Chunk(frames, 7) {
		select {
		case r.frames <- some:
		case <-r.gone:
			return
		}
	}
}

// testObserver stores notifications and fails on demand.
type testObserver struct {
	mu      sync.Mutex
	heard   []string
	last    record.Recording
	deaf    bool
	firmly  bool   // whether the observer refuses all deletions
	refused int    // number of refusals
	gone    string // name of a recording that was deleted elsewhere
}

func (e *testObserver) add(what string, r record.Recording) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.deaf {
		return io.ErrClosedPipe
	}
	e.heard, e.last = append(e.heard, what+" "+r.ID), r
	return nil
}

func (e *testObserver) RecordingStarted(_ context.Context, r record.Recording) error {
	return e.add("started", r)
}

func (e *testObserver) RecordingFinished(_ context.Context, r record.Recording) error {
	return e.add("finished "+string(r.Reason), r)
}

func (e *testObserver) DiscardRecording(_ context.Context, r record.Recording, why record.Reason) error {
	e.mu.Lock()
	firmly := e.firmly
	if firmly {
		e.refused++
	}
	e.mu.Unlock()
	if firmly {
		return io.ErrClosedPipe
	}
	return e.add("discard "+string(why), r)
}

func (e *testObserver) FindDeleted(_ context.Context, all []record.Recording) ([]record.Recording, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(all), func(r record.Recording) bool { return r.ID != e.gone }), nil
}

func (e *testObserver) list() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.heard)
}

func (e *testObserver) set(change func(*testObserver)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

// testRecorder is a running Recorder.
type testRecorder struct {
	*record.Recorder
	t            testing.TB
	dir          string
	testObserver *testObserver
	stop         func()
}

func open(t testing.TB, dir string, change func(*record.Config)) *testRecorder {
	t.Helper()
	s := &testRecorder{t: t, dir: dir, testObserver: &testObserver{}}
	cfg := record.Config{Recordings: dir, Now: time.Now, Observer: s.testObserver, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Settings: disk.Settings{DiskReserve: -1}}
	if change != nil {
		change(&cfg)
	}
	var err error
	if s.Recorder, err = record.New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

// record records frames as one broadcast.
func (s *testRecorder) record(id string, frames []*media.Frame) record.Recording {
	s.t.Helper()
	r := newReel()
	if err := s.Start("6", id, "stream", r); err != nil {
		s.t.Fatal(err)
	}
	r.play(frames)
	s.Stop("6", id, record.ReasonOf(media.ReasonStopped))
	select {
	case <-r.gone:
	default:
		close(r.frames)
	}
	return s.finished(id)
}

// finished waits until a recording has ended and nothing writes to its files any more. No other recording may run.
func (s *testRecorder) finished(id string) record.Recording {
	s.t.Helper()
	eventually(s.t, "the end of "+id, func() bool {
		return s.Stats().Running == 0 && slices.ContainsFunc(s.testObserver.list(), func(heard string) bool {
			return strings.HasPrefix(heard, "finished ") && strings.HasSuffix(heard, " "+id)
		})
	})
	rec, there := s.Get("6", id)
	if !there && len(s.testObserver.last.Parts) > 0 {
		s.t.Fatalf("%s was not found", id)
	}
	return rec
}

func (s *testRecorder) file(rec record.Recording, n int) string {
	return filepath.Join(s.dir, rec.Folder, rec.ID, rec.Parts[n].File)
}

// needFFmpeg skips the test if ROOMLOG_SKIP contains ffmpeg, and otherwise fails it if ffmpeg or ffprobe is missing.
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

// tool runs a program and returns its output. Messages on standard error fail the test.
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

// clip creates a short film: video with a key frame every second, and a tone.
func clip(t testing.TB, name string, args ...string) string {
	t.Helper()
	needFFmpeg(t)
	file := filepath.Join(t.TempDir(), name)
	tool(t, "ffmpeg", append(append([]string{"-f", "lavfi", "-i", "testsrc=s=320x180:r=25:d=5", "-f", "lavfi", "-i", "sine=d=5:r=44100"}, args...), file)...)
	return file
}

func videoFrame(args ...string) []string {
	return append([]string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25", "-pix_fmt", "yuv420p"}, args...)
}

func film(t testing.TB) string {
	return clip(t, "film.flv", videoFrame("-c:a", "aac", "-b:a", "64k")...)
}

// frames reads an FLV file and shifts its timestamps.
func frames(t testing.TB, file string, shift uint32) []*media.Frame {
	t.Helper()
	all, err := readFrames(file, shift)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func readFrames(file string, shift uint32) (all []*media.Frame, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for b = b[13:]; len(b) > 15; {
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		at := binary.BigEndian.Uint32([]byte{b[7], b[4], b[5], b[6]})
		if b[0] == flv.Script {
			at = 0
		} else {
			at += shift
		}
		all = append(all, media.NewFrame(b[0], at, b[11:11+size]))
		b = b[11+size+4:]
	}
	return all, nil
}

// packet is a packet as ffprobe reports it, with times in milliseconds relative to the first packet of its kind.
type packet struct {
	kind     string
	pts, dts int
	hash     string
}

func packets(t testing.TB, file string) []packet {
	t.Helper()
	text := tool(t, "ffprobe", "-show_entries", "packet=codec_type,pts_time,dts_time,data_hash", "-show_data_hash", "MD5", "-of", "csv=p=0", file)
	var all []packet
	for _, line := range strings.Fields(text) {
		fields := strings.Split(line, ",")
		if len(fields) < 4 {
			t.Fatalf("ffprobe printed %q", line)
		}
		all = append(all, packet{fields[0], ms(fields[1]), ms(fields[2]), fields[3]})
	}
	slices.SortStableFunc(all, func(a, b packet) int { return -strings.Compare(a.kind, b.kind) }) // video first
	return all
}

func ms(seconds string) int {
	n, _ := strconv.ParseFloat(seconds, 64)
	if n < 0 {
		return -int(-n*1000 + 0.5)
	}
	return int(n*1000 + 0.5)
}

// same reports whether a recording has the packets that were sent, at the same times except for rounding.
func same(t testing.TB, want, got []packet) {
	t.Helper()
	if len(want) == 0 || len(got) != len(want) {
		t.Fatalf("got %d packets, want %d", len(got), len(want))
	}
	shift := got[0].dts - want[0].dts
	for i, w := range want {
		g := got[i]
		if g.kind != w.kind || g.hash != w.hash || off(g.pts-w.pts-shift) || off(g.dts-w.dts-shift) {
			t.Fatalf("packet %d is %+v, want %+v, shifted by %d", i, g, w, shift)
		}
	}
}

func off(ms int) bool { return ms < -2 || ms > 2 }

// pictures decodes a file and returns its pictures.
func pictures(t testing.TB, file string, args ...string) []string {
	t.Helper()
	text := tool(t, "ffmpeg", append(args, "-i", file, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-")...)
	var all []string
	for line := range strings.Lines(text) {
		if f := strings.Split(line, ","); len(f) == 6 && line[0] != '#' {
			all = append(all, strings.TrimSpace(f[5]))
		}
	}
	return all
}

// duration returns the duration of a file in milliseconds, as ffprobe reports it.
func duration(t testing.TB, file string) int {
	t.Helper()
	return ms(strings.TrimSpace(tool(t, "ffprobe", "-show_entries", "format=duration", "-of", "csv=p=0", file)))
}

func sprint(v any) string { return fmt.Sprintf("%+v", v) }
