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

	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/record"
)

// long is a show of so many seconds, with a key frame in each and nothing else.
func long(t *testing.T, seconds int) []*media.Frame {
	t.Helper()
	var header, key *media.Frame
	for _, f := range frames(t, clip(t, "tiny.flv", picture("-s", "32x32", "-an")...), 0) {
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

// A recording of an evening has a table of bounded size, and a player finds its way by it.
func TestLongRecordingsHaveASeekTable(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	const hours = 5
	rec := s.record("show", long(t, hours*3600))
	if rec.Length.Round(time.Second) < hours*time.Hour-time.Second { // nobody knows how long the last picture lasts
		t.Fatalf("it is %v long", rec.Length)
	}
	file := s.file(rec, 0)
	if got := duration(t, file); off(got - int(rec.Length/time.Millisecond)) {
		t.Fatalf("a player thinks that it is %d ms long", got)
	}
	text := tool(t, "ffprobe", "-read_intervals", "16000%+1", "-show_entries", "packet=pts_time", "-of", "csv=p=0", file)
	if at := ms(strings.TrimRight(strings.Fields(text)[0], ",")); at > 16_000_000 || at < 15_980_000 {
		t.Fatalf("a player that looks for 16000 s finds %d ms", at)
	}
}

// studioOfAnother is what a child process does: it records until it is ended.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RECORD_AS_A_CHILD"); dir != "" {
		child(dir)
	}
	leaks(m)
}

func child(dir string) {
	r, err := record.New(record.Config{Recordings: dir, Now: time.Now, RecordReserve: -1})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	reel := newReel()
	if err := r.Start("6", "show", reel); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	frames, _ := readFrames(os.Getenv("RECORD_FILM"), 0)
	reel.play(frames)
	fmt.Println("played")
	if os.Getenv("RECORD_TO_THE_END") == "" {
		select {} // until it is killed
	}
	r.Stop("6", "show", "stopped")
	select {
	case <-reel.gone:
	default:
		close(reel.frames)
	}
	for r.Stats().Running > 0 {
		<-time.After(time.Millisecond)
	}
	rec := r.List()[0]
	fmt.Printf("%s %d %v\n", rec.Reason, len(rec.Parts), rec.Length)
	os.Exit(0)
}

// A power cut takes what the disk was not asked to keep: it is asked every few seconds, and no more often.
func TestRunningRecordingsAreSynced(t *testing.T) {
	t.Parallel()
	show := long(t, 60)
	var clock atomic.Int64
	s := open(t, t.TempDir(), func(c *record.Config) { c.Now = func() time.Time { return time.Unix(clock.Load(), 0) } })
	s.record("still", show)
	if got := s.Stats().Syncs; got != 1 { // the first fragment
		t.Fatalf("asked %d times in no time", got)
	}
	r := newReel()
	if err := s.Start("6", "moving", r); err != nil {
		t.Fatal(err)
	}
	for _, f := range show {
		clock.Add(5)
		r.play([]*media.Frame{f})
	}
	s.Stop("6", "moving", record.ReasonOf(media.ReasonStopped))
	close(r.frames)
	s.finished("moving")
	if got := s.Stats().Syncs; got < 20 || got > 62 {
		t.Fatalf("asked %d times in five minutes", got)
	}
}

// A process that is killed leaves what is nearly all of the show. The next one closes it, and tells of it.
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
		t.Fatalf("the child says %q, %v", buf, err)
	}
	if _, err := record.New(record.Config{Recordings: dir, Now: time.Now}); !errors.Is(err, record.ErrInUse) {
		t.Fatalf("a folder in use is taken: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if got := pictures(t, filepath.Join(dir, "6/show/1.mp4")); len(got) < 75 {
		t.Fatalf("a player finds %d pictures before anybody has closed it", len(got))
	}
	s := open(t, dir, nil)
	rec := s.finished("show")
	if rec.Reason != record.ReasonInterrupted || rec.Length < 3*time.Second || !rec.EndedAt.After(rec.StartedAt) {
		t.Fatal(sprint(rec))
	}
	if got := pictures(t, s.file(rec, 0)); len(got) < 75 || !slices.Equal(got, pictures(t, source)[:len(got)]) {
		t.Fatalf("%d pictures", len(got))
	}
	if got := duration(t, s.file(rec, 0)); got < 2900 {
		t.Fatalf("a player thinks that it is %d ms long", got)
	}
	s.stop()
	s = open(t, dir, nil) // nothing to do any more
	if again, _ := s.Get("6", "show"); again.Length != rec.Length || again.Reason != rec.Reason || again.Bytes < rec.Bytes || len(s.ears.list()) > 0 {
		t.Fatalf("%+v, then %+v, and %q was heard", rec, again, s.ears.list())
	}
}

// Wherever a file or its index was cut off, what is left is taken in and can be played.
func TestInterruptedRecordingsAreClosed(t *testing.T) {
	t.Parallel()
	source := frames(t, film(t), 0)
	s := open(t, t.TempDir(), nil)
	rec := s.record("show", source)
	s.stop()
	index, err := os.ReadFile(filepath.Join(s.dir, "6/show", record.IndexFile))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(s.file(rec, 0))
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, index, file []byte) {
		dir := t.TempDir()
		folder := filepath.Join(dir, "6/show")
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
		rec, there := s.Get("6", "show")
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
	try("an index that is none", []byte("none"), file)
	try("an index of another", []byte(strings.ReplaceAll(string(index), "show", "shop")), file)
}

// A disk that is full ends the recording, which is closed and complete. Nothing else ends.
func TestFullDiskEndsTheRecording(t *testing.T) {
	t.Parallel()
	source, dir := film(t), t.TempDir()
	script := `mount -t tmpfs -o size=128k none "$RECORD_AS_A_CHILD" && "$0" && cp -r "$RECORD_AS_A_CHILD"/6 "$RECORD_AS_A_CHILD".kept`
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, os.Args[0])
	cmd.Env = append(os.Environ(), "RECORD_AS_A_CHILD="+dir, "RECORD_FILM="+source, "RECORD_TO_THE_END=1")
	out, err := cmd.Output()
	if err != nil && !strings.Contains(string(out), "played") {
		t.Skipf("no disk of one's own can be mounted here: %v", err)
	}
	if !strings.Contains(string(out), "disk_full 1 ") {
		t.Fatalf("the child says %q", out)
	}
	if got := pictures(t, dir+".kept/show/1.mp4"); len(got) < 50 || len(got) > 100 {
		t.Fatalf("%d pictures", len(got))
	}
	if got := duration(t, dir+".kept/show/1.mp4"); got < 1900 || got > 4000 {
		t.Fatalf("a player thinks that it is %d ms long", got)
	}
	if err := os.RemoveAll(dir + ".kept"); err != nil {
		t.Fatal(err)
	}
}

// What has to stay free is left free: a recording is not even begun.
func TestReserveStaysFree(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), func(c *record.Config) { c.RecordReserve = 1 << 60 })
	s.record("show", long(t, 3))
	if got := s.ears.list(); !slices.Equal(got, []string{"finished disk_full show"}) || s.Stats().Failures != 1 {
		t.Fatal(got)
	}
}
