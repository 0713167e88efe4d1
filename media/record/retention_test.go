package record_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/record"
)

// TestOldestRecordingsMakeRoom checks that the oldest closed recordings are deleted to make room for running
// recordings, which stay.
func TestOldestRecordingsMakeRoom(t *testing.T) {
	t.Parallel()
	broadcast := long(t, 120)
	s := open(t, t.TempDir(), nil)
	one := s.record("measure", broadcast).Bytes
	s.stop()
	s = open(t, t.TempDir(), func(c *record.Config) { c.RecordQuota = 5*one + one/2 })
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		s.record(id, broadcast)
	}
	var kept []string
	for _, r := range s.List() {
		kept = append(kept, r.ID)
	}
	if !slices.Equal(kept, []string{"c", "d", "e", "f", "g"}) {
		t.Fatalf("kept %q", kept)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "6/a")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the files of a deleted recording: %v", err)
	}
	if st := s.Stats(); st.Deleted != 2 || st.Kept != 5 || st.Bytes > 5*one+one/2 || st.Bytes != onDisk(t, s.dir) {
		t.Fatalf("%+v, and %d bytes on the disk", st, onDisk(t, s.dir))
	}
	if got := s.testObserver.list(); !slices.Contains(got, "discard quota a") || !slices.Contains(got, "discard quota b") {
		t.Fatal(got)
	}
}

// TestLongRecordingsAreARing checks that a show that is longer than its quota goes on as a ring: its oldest parts make
// room for the newest one.
func TestLongRecordingsAreARing(t *testing.T) {
	t.Parallel()
	broadcast := long(t, 120)
	s := open(t, t.TempDir(), nil)
	one := s.record("measure", broadcast).Bytes
	s.stop()
	quota := 4 * one
	for name, limit := range map[string]func(*record.Config){
		"of the live":        func(c *record.Config) { c.RecordLiveQuota = quota },
		"of all recordings":  func(c *record.Config) { c.RecordQuota = quota },
		"smaller than a GOP": func(c *record.Config) { c.RecordQuota = one / 2 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir(), limit)
			s.record("before", long(t, 20))
			seconds := 3000
			if name == "smaller than a GOP" {
				seconds = 200
			}
			rec := s.record("giant", long(t, seconds))
			if rec.Reason != record.ReasonOf(media.ReasonStopped) || s.Stats().Failures != 0 {
				t.Fatalf("the recording ended with %s", rec.Reason)
			}
			if st := s.Stats(); st.Kept != 1 || st.Bytes != onDisk(t, s.dir) {
				t.Fatalf("%+v, and %d bytes on the disk", st, onDisk(t, s.dir))
			}
			if name == "smaller than a GOP" { // it has the newest pictures nevertheless
				if n := len(rec.Parts); n > 2 || len(pictures(t, s.file(rec, n-1))) == 0 {
					t.Fatal(sprint(rec))
				}
				return
			}
			if used := onDisk(t, s.dir); used > quota+quota/10 || used < quota/2 {
				t.Fatalf("%d of %d bytes are used", used, quota)
			}
			first := strings.TrimSuffix(rec.Parts[0].File, ".mp4")
			if n := len(rec.Parts); n < 3 || first == "1" || s.file(rec, n-1) == "" {
				t.Fatal(sprint(rec))
			}
			count := 0
			for i := range rec.Parts {
				count += len(pictures(t, s.file(rec, i)))
			}
			if want := int(rec.Length / time.Second); count < want-1 || count > want+1 || count > seconds/2 {
				t.Fatalf("%d pictures in %v", count, rec.Length)
			}
			s.stop()
			again := open(t, s.dir, limit) // the index describes what is there
			if got, _ := again.Get("6", "giant"); got.Length.Round(time.Second) != rec.Length.Round(time.Second) || len(got.Parts) != len(rec.Parts) || again.Stats().Bytes != onDisk(t, s.dir) {
				t.Fatalf("after a restart: %+v, was %+v", got, rec)
			}
		})
	}
}

// TestRecordingsEndAtTheQuotaOnDemand checks that with the setting "end" the running recording ends, and nothing is
// deleted.
func TestRecordingsEndAtTheQuotaOnDemand(t *testing.T) {
	t.Parallel()
	broadcast := long(t, 120)
	s := open(t, t.TempDir(), nil)
	one := s.record("measure", broadcast).Bytes
	s.stop()
	s = open(t, t.TempDir(), func(c *record.Config) { c.RecordLiveQuota, c.RecordOverflow = 3*one+one/2, record.OverflowEnd })
	s.record("a", broadcast)
	s.record("b", broadcast)
	rec := s.record("giant", long(t, 3000))
	if rec.Reason != record.ReasonQuota || s.Stats().Kept != 3 || s.Stats().Deleted != 0 || len(rec.Parts) != 1 || onDisk(t, s.dir) > 3*one+one/2+4096 {
		t.Fatalf("got %+v, %+v", rec, s.Stats())
	}
	if got := pictures(t, s.file(rec, 0)); len(got) < 100 {
		t.Fatalf("%d pictures", len(got))
	}
}

// TestLeftoversOfDeletedPartsAreRemoved checks that the next process deletes the files that a process left when it was
// killed while it deleted a part.
func TestLeftoversOfDeletedPartsAreRemoved(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	rec := s.record("broadcast", long(t, 20))
	dir := filepath.Join(s.dir, "6/broadcast")
	s.stop()
	index := filepath.Join(dir, record.IndexFile)
	lines, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	running := lines[:bytes.Index(lines, []byte(`{"kind":"end"`))]
	for file, content := range map[string][]byte{index: running, filepath.Join(dir, "7.mp4"): []byte("old"), index + ".new": []byte("half"), filepath.Join(dir, "mine.txt"): nil} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, s.dir, nil)
	if got, _ := again.Get("6", "broadcast"); got.Length.Round(time.Second) != rec.Length.Round(time.Second) || got.Reason != record.ReasonInterrupted {
		t.Fatal(sprint(got))
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	if !slices.Equal(files, []string{"1.mp4", "index.jsonl", "mine.txt"}) {
		t.Fatalf("the files are %q", files)
	}
}

// onDisk returns the size of the files of all recordings.
func onDisk(t *testing.T, dir string) (n int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

// TestFoldersHaveAQuota checks that a folder has its own quota, which does not affect other folders.
func TestFoldersHaveAQuota(t *testing.T) {
	t.Parallel()
	broadcast := long(t, 120)
	s := open(t, t.TempDir(), nil)
	one := s.record("measure", broadcast).Bytes
	s.stop()
	s = open(t, t.TempDir(), func(c *record.Config) { c.RecordLiveQuota = one + one/2 })
	other := newReel()
	if err := s.Start("7", "other", "stream", other); err != nil {
		t.Fatal(err)
	}
	other.play(broadcast)
	close(other.frames)
	s.Stop("7", "other", "lost")
	eventually(t, "the other recording has ended", func() bool { return slices.Contains(s.testObserver.list(), "finished lost other") })
	s.record("a", broadcast)
	s.record("b", broadcast)
	if _, there := s.Get("7", "other"); !there || s.Stats().Kept != 2 {
		t.Fatalf("got %+v", s.List())
	}
	if _, there := s.Get("6", "b"); !there {
		t.Fatal("the newest recording was deleted")
	}
}

// TestNothingIsDeletedWithoutTheObserver checks that a recording is deleted only if the observer agrees. Until then a
// running recording may exceed the quota.
func TestNothingIsDeletedWithoutTheObserver(t *testing.T) {
	t.Parallel()
	broadcast := long(t, 120)
	s := open(t, t.TempDir(), nil)
	one := s.record("measure", broadcast).Bytes
	s.stop()
	var ahead atomic.Int64
	s = open(t, t.TempDir(), func(c *record.Config) {
		c.RecordQuota = one + one/2
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	s.testObserver.set(func(e *testObserver) { e.firmly = true })
	s.record("a", broadcast)
	for _, id := range []string{"b", "c"} {
		if rec := s.record(id, broadcast); rec.Reason != record.ReasonOf(media.ReasonStopped) || rec.Length < s.List()[0].Length {
			t.Fatal(sprint(rec))
		}
	}
	if st := s.Stats(); st.Kept != 3 || st.Failures != 0 || st.Bytes != onDisk(t, s.dir) {
		t.Fatalf("%+v, and %d bytes on the disk", st, onDisk(t, s.dir))
	}
	if requested := s.testObserver.refused; requested != 1 {
		t.Fatalf("the observer was called %d times in a moment, want 1", requested)
	}
	s.testObserver.set(func(e *testObserver) { e.firmly = false })
	ahead.Store(int64(time.Minute))
	s.record("d", broadcast)
	if st := s.Stats(); st.Kept != 1 || st.Bytes > one+one/2 {
		t.Fatalf("got %+v", st)
	}
}

func TestExpiredRecordingsAreDeleted(t *testing.T) {
	t.Parallel()
	broadcast := long(t, 3)
	var clock sync.Mutex
	now := time.Now()
	s := open(t, t.TempDir(), func(c *record.Config) {
		c.RecordKeep, c.RecordSweep = time.Hour, 5*time.Millisecond
		c.Now = func() time.Time { clock.Lock(); defer clock.Unlock(); return now }
	})
	s.record("old", broadcast)
	clock.Lock()
	now = now.Add(59 * time.Minute)
	clock.Unlock()
	s.record("young", broadcast)
	if _, there := s.Get("6", "old"); !there {
		t.Fatal("the recording was deleted too early")
	}
	clock.Lock()
	now = now.Add(2 * time.Minute)
	clock.Unlock()
	eventually(t, "the old recording is deleted", func() bool {
		return slices.Contains(s.testObserver.list(), "discard expired old") && s.Stats().Kept == 1
	})
	if _, there := s.Get("6", "young"); !there {
		t.Fatal("the recent recording was deleted")
	}
}

// TestFailedNotificationsAreRepeated checks that a failed notification is repeated, even by the next process.
func TestFailedNotificationsAreRepeated(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), func(c *record.Config) { c.RecordSweep = 5 * time.Millisecond })
	s.testObserver.set(func(e *testObserver) { e.deaf = true })
	testSource := newReel()
	if err := s.Start("6", "broadcast", "stream", testSource); err != nil {
		t.Fatal(err)
	}
	testSource.play(long(t, 5))
	s.Stop("6", "broadcast", "kicked")
	close(testSource.frames)
	eventually(t, "the end", func() bool { return s.Stats().Running == 0 })
	s.stop()
	if got := s.testObserver.list(); len(got) > 0 {
		t.Fatal(got)
	}
	s = open(t, s.dir, func(c *record.Config) { c.RecordSweep = 5 * time.Millisecond })
	if rec := s.finished("broadcast"); rec.Reason != "kicked" || rec.Length < 4*time.Second {
		t.Fatal(sprint(rec))
	}
}

func TestOpenReturnsFilesOfRecordingsOnly(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	testSource := newReel()
	if err := s.Start("6", "broadcast", "stream", testSource); err != nil {
		t.Fatal(err)
	}
	testSource.play(long(t, 5))
	eventually(t, "the first part", func() bool { rec, _ := s.Get("6", "broadcast"); return len(rec.Parts) == 1 && rec.Parts[0].Length > 0 })
	if err := s.Remove("6", "broadcast"); !errors.Is(err, record.ErrStillRecording) {
		t.Fatalf("a running recording was deleted: %v", err)
	}
	f, _, err := s.Open("6", "broadcast", "1.mp4") // while it is running
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	_ = f.Close()
	if err != nil || !bytes.Contains(b, []byte("moof")) {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if err := s.Start("6", "broadcast", "stream", newReel()); !errors.Is(err, record.ErrExists) {
		t.Fatalf("a repeated id: %v", err)
	}
	s.Stop("6", "broadcast", "stopped")
	close(testSource.frames)
	s.finished("broadcast")
	for _, name := range [][3]string{{"6", "broadcast", "2.mp4"}, {"6", "broadcast", "../broadcast/1.mp4"}, {"6", "broadcast", ""}, {"6", "broadcast", "."}, {"6", "..", "1.mp4"},
		{"..", "6", "broadcast"}, {"6", "broadcast/../broadcast", "1.mp4"}, {"7", "broadcast", "1.mp4"}, {"", ".lock", ""}, {"6", "broadcast", "/etc/passwd"}} {
		if f, _, err := s.Open(name[0], name[1], name[2]); !errors.Is(err, record.ErrNotFound) {
			t.Errorf("%q is opened: %v, %v", name, f, err)
		}
	}
	for _, name := range [][2]string{{"", "x"}, {"..", "x"}, {"6", "a/b"}, {"6", "."}, {"6", ""}} {
		if err := s.Start(name[0], name[1], "stream", newReel()); !errors.Is(err, record.ErrName) {
			t.Errorf("%q was started: %v", name, err)
		}
	}
	index, _, err := s.Open("6", "broadcast", record.IndexFile)
	if err != nil {
		t.Fatal(err)
	}
	lines, _ := io.ReadAll(index)
	_ = index.Close()
	if n := bytes.Count(lines, []byte(`"kind":"fragment"`)); n != 5 {
		t.Fatalf("%d fragments in %s, want 5", n, lines)
	}
	if err := s.Remove("6", "broadcast"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Open("6", "broadcast", "1.mp4"); !errors.Is(err, record.ErrNotFound) || onDisk(t, s.dir) != 0 {
		t.Fatalf("a deleted recording was opened: %v", err)
	}
	if err := s.Remove("6", "broadcast"); !errors.Is(err, record.ErrNotFound) {
		t.Fatalf("the recording was deleted twice: %v", err)
	}
}

// TestBroadcastWithoutFramesIsNotRecorded checks that a broadcast without frames leaves no files, and that the observer
// is not notified.
func TestBroadcastWithoutFramesIsNotRecorded(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	testSource := newReel()
	if err := s.Start("6", "broadcast", "stream", testSource); err != nil {
		t.Fatal(err)
	}
	s.Stop("6", "broadcast", "stopped")
	close(testSource.frames)
	eventually(t, "the end", func() bool { return s.Stats().Running == 0 })
	if st := s.Stats(); st.Kept != 0 || onDisk(t, s.dir) != 0 || len(s.testObserver.list()) > 0 {
		t.Fatalf("got %+v, %q", st, s.testObserver.list())
	}
}

// TestRunEndsRunningRecordings checks that all recordings are closed, and new ones refused, when Run ends.
func TestRunEndsRunningRecordings(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	testSource := newReel()
	if err := s.Start("6", "broadcast", "stream", testSource); err != nil {
		t.Fatal(err)
	}
	testSource.play(long(t, 5))
	stopped := make(chan struct{})
	go func() { defer close(stopped); s.stop() }()
	s.Stop("6", "broadcast", record.ReasonOf(media.ReasonShutdown))
	close(testSource.frames)
	waittest.Receive(t, stopped, "the end of Run")
	if got := s.testObserver.list(); !slices.Equal(got, []string{"started broadcast", "finished shutdown broadcast"}) {
		t.Fatal(got)
	}
	late := newReel()
	if err := s.Start("6", "late", "stream", late); !errors.Is(err, record.ErrClosed) {
		t.Fatalf("started after the end: %v", err)
	}
	waittest.Receive(t, late.gone, "the end of the source")
}
