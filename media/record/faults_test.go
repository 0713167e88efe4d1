package record_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/internal/disk"
	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/record"
)

// long returns a broadcast of some seconds with one key frame per second and nothing else.
func long(t *testing.T, seconds int) []*media.Frame {
	t.Helper()
	var header, key *media.Frame
	for _, f := range frames(t, clip(t, "tiny.flv", videoFrame("-s", "32x32", "-an")...), 0) {
		switch info := f.Info(); {
		case info.Kind == flv.Video && info.Header:
			header = f
		case info.Key && key == nil:
			key = f
		}
	}
	all := []*media.Frame{header}
	for i := range seconds {
		all = append(all, media.NewFrame(flv.Video, uint32(i)*1000, key.Payload()))
	}
	return all
}

// TestLongRecordingsHaveASeekTable checks that a recording of several hours has a seek table of bounded size, with
// which players can seek.
func TestLongRecordingsHaveASeekTable(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	const hours = 5
	rec := s.record("broadcast", long(t, hours*3600))
	if rec.Length.Round(time.Second) < hours*time.Hour-time.Second { // the duration of the last picture is not known
		t.Fatalf("the length is %v", rec.Length)
	}
	file := s.file(rec, 0)
	if got := duration(t, file); off(got - int(rec.Length/time.Millisecond)) {
		t.Fatalf("ffprobe reports a duration of %d ms", got)
	}
	text := tool(t, "ffprobe", "-read_intervals", "16000%+1", "-show_entries", "packet=pts_time", "-of", "csv=p=0", file)
	if at := ms(strings.TrimRight(strings.Fields(text)[0], ",")); at > 16_000_000 || at < 15_980_000 {
		t.Fatalf("a player that looks for 16000 s finds %d ms", at)
	}
}

// TestMain runs the tests, or makes this process a child that records until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RECORD_AS_A_CHILD"); dir != "" {
		child(dir)
	}
	leaks(m)
}

func child(dir string) {
	r, err := record.New(record.Config{Recordings: dir, Now: time.Now, Settings: disk.Settings{DiskReserve: -1}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	testSource := newReel()
	if err := r.Start("6", "broadcast", "stream", testSource); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	frames, _ := readFrames(os.Getenv("RECORD_FILM"), 0)
	testSource.play(frames)
	fmt.Println("played")
	if os.Getenv("RECORD_TO_THE_END") == "" {
		select {} // waits until the process is killed
	}
	r.Stop("6", "broadcast", "stopped")
	select {
	case <-testSource.gone:
	default:
		close(testSource.frames)
	}
	for r.Stats().Running > 0 {
		<-time.After(time.Millisecond)
	}
	rec := r.List()[0]
	fmt.Printf("%s %d %v\n", rec.Reason, len(rec.Parts), rec.Length)
	os.Exit(0)
}

// TestRunningRecordingsAreSynced checks that the files are synced every few seconds, and not more often: a power
// failure loses what was not synced.
func TestRunningRecordingsAreSynced(t *testing.T) {
	t.Parallel()
	broadcast := long(t, 60)
	var clock atomic.Int64
	s := open(t, t.TempDir(), func(c *record.Config) { c.Now = func() time.Time { return time.Unix(clock.Load(), 0) } })
	s.record("still", broadcast)
	if got := s.Stats().Syncs; got != 1 { // the first fragment
		t.Fatalf("requested %d times in no time, want 1", got)
	}
	r := newReel()
	if err := s.Start("6", "moving", "stream", r); err != nil {
		t.Fatal(err)
	}
	for _, f := range broadcast {
		clock.Add(5)
		r.play([]*media.Frame{f})
	}
	s.Stop("6", "moving", record.ReasonOf(media.ReasonStopped))
	close(r.frames)
	s.finished("moving")
	if got := s.Stats().Syncs; got < 20 || got > 62 {
		t.Fatalf("requested %d times in five minutes", got)
	}
}

// TestRecordingSurvivesAKilledProcess checks that a killed process leaves nearly all of the recording, and that the
// next process closes and reports it.
func TestRecordingSurvivesAKilledProcess(t *testing.T) {
	t.Parallel()
	source, dir := film(t), t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RECORD_AS_A_CHILD="+dir, "RECORD_FILM="+source)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 6)
	if _, err := out.Read(buf); err != nil || string(buf) != "played" {
		t.Fatalf("the child process printed %q, %v", buf, err)
	}
	if _, err := record.New(record.Config{Recordings: dir, Now: time.Now}); !errors.Is(err, record.ErrInUse) {
		t.Fatalf("a folder in use is taken: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if got := pictures(t, filepath.Join(dir, "6/broadcast/1.mp4")); len(got) < 75 {
		t.Fatalf("a player finds %d pictures before anybody has closed it", len(got))
	}
	s := open(t, dir, nil)
	rec := s.finished("broadcast")
	if rec.Reason != record.ReasonInterrupted || rec.Length < 3*time.Second || !rec.EndedAt.After(rec.StartedAt) {
		t.Fatal(sprint(rec))
	}
	if got := pictures(t, s.file(rec, 0)); len(got) < 75 || !slices.Equal(got, pictures(t, source)[:len(got)]) {
		t.Fatalf("%d pictures", len(got))
	}
	if got := duration(t, s.file(rec, 0)); got < 2900 {
		t.Fatalf("ffprobe reports a duration of %d ms", got)
	}
	s.stop()
	s = open(t, dir, nil) // nothing is left to do
	if again, _ := s.Get("6", "broadcast"); again.Length != rec.Length || again.Reason != rec.Reason || again.Bytes < rec.Bytes || len(s.testObserver.list()) > 0 {
		t.Fatalf("got %+v, then %+v, and the observer got %q", rec, again, s.testObserver.list())
	}
}

// TestInterruptedRecordingsAreClosed truncates the files and indexes of recordings at many places. The rest must be
// recovered and playable.
func TestInterruptedRecordingsAreClosed(t *testing.T) {
	t.Parallel()
	source := frames(t, film(t), 0)
	s := open(t, t.TempDir(), nil)
	rec := s.record("broadcast", source)
	s.stop()
	index, err := os.ReadFile(filepath.Join(s.dir, "6/broadcast", record.IndexFile))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(s.file(rec, 0))
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, index, file []byte) {
		dir := t.TempDir()
		folder := filepath.Join(dir, "6/broadcast")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{record.IndexFile: index, "1.mp4": file} {
			if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, dir, nil)
		defer s.stop()
		rec, there := s.Get("6", "broadcast")
		if !there || len(rec.Parts) == 0 || rec.Parts[0].Length == 0 {
			return
		}
		want := int(rec.Parts[0].Length / time.Second * 25)
		if got := pictures(t, s.file(rec, 0)); len(got) < want-3 || len(got) > want+3 {
			t.Errorf("%s: %d pictures in %v", what, len(got), rec.Parts[0].Length)
		}
	}
	for cut := 1; cut < len(index); cut += 97 {
		try(fmt.Sprintf("an index of %d bytes", cut), index[:cut], file)
	}
	for cut := len(file) - 1; cut > 0; cut -= 15_000 {
		try(fmt.Sprintf("a file of %d bytes", cut), index, file[:cut])
	}
	try("an index that is malformed", []byte("none"), file)
	try("an index of another recording", []byte(strings.ReplaceAll(string(index), "broadcast", "shop")), file)
}

// TestFullDiskEndsTheRecording checks that a full disk ends the recording, which is closed and complete, and that
// nothing else ends.
func TestFullDiskEndsTheRecording(t *testing.T) {
	t.Parallel()
	source, dir := film(t), t.TempDir()
	script := `mount -t tmpfs -o size=128k none "$RECORD_AS_A_CHILD" && "$0" && cp -r "$RECORD_AS_A_CHILD"/6 "$RECORD_AS_A_CHILD".kept`
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, os.Args[0])
	cmd.Env = append(os.Environ(), "RECORD_AS_A_CHILD="+dir, "RECORD_FILM="+source, "RECORD_TO_THE_END=1")
	out, err := cmd.Output()
	if err != nil && !strings.Contains(string(out), "played") {
		t.Skipf("cannot mount a file system here: %v", err)
	}
	if !strings.Contains(string(out), "disk_full 1 ") {
		t.Fatalf("the child reports %q", out)
	}
	if got := pictures(t, dir+".kept/broadcast/1.mp4"); len(got) < 50 || len(got) > 100 {
		t.Fatalf("%d pictures", len(got))
	}
	if got := duration(t, dir+".kept/broadcast/1.mp4"); got < 1900 || got > 4000 {
		t.Fatalf("ffprobe reports a duration of %d ms", got)
	}
	if err := os.RemoveAll(dir + ".kept"); err != nil {
		t.Fatal(err)
	}
}

// TestReserveStaysFree checks that no recording starts that would use the reserve of the disk.
func TestReserveStaysFree(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), func(c *record.Config) { c.DiskReserve = 1 << 60 })
	s.record("broadcast", long(t, 3))
	if got := s.testObserver.list(); !slices.Equal(got, []string{"finished disk_full broadcast"}) || s.Stats().Failures != 1 {
		t.Fatal(got)
	}
}
