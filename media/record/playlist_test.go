package record_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/media"
	"roomlog/media/hls/hlstest"
	"roomlog/media/record"
)

// playlist requests the playlist of a recording. It returns "" while there is none.
func (s *testRecorder) playlist(id string) string {
	s.t.Helper()
	handler := &record.Handler{Recorder: s.Recorder, Authorize: func(context.Context, string, string, string) error { return nil }}
	answer := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "/6/"+id+"/"+record.PlaylistFile, nil).WithContext(s.t.Context())
	http.StripPrefix("/", handler).ServeHTTP(answer, request)
	if answer.Code == http.StatusNotFound {
		return ""
	}
	if answer.Code != http.StatusOK {
		s.t.Fatalf("the playlist has status %d", answer.Code)
	}
	return answer.Body.String()
}

// withPause moves all frames after the first n by a pause.
func withPause(frames []*media.Frame, n int, pause time.Duration) []*media.Frame {
	all := slices.Clone(frames[:n])
	for _, f := range frames[n:] {
		all = append(all, media.NewFrame(f.Info().Kind, f.Time()+uint32(pause/time.Millisecond), f.Payload()))
	}
	return all
}

// TestPlaylistsOfRunningRecordings checks every version of the playlist of a running recording: what players know does
// not change, not even if the beginning is deleted or the broadcast pauses.
func TestPlaylistsOfRunningRecordings(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	one := s.record("measure", long(t, 120)).Bytes
	s.stop()
	broadcast := withPause(withPause(long(t, 1200), 150, time.Minute), 700, 25*time.Second)
	for name, tt := range map[string]struct {
		change func(*record.Config)
		loses  bool // whether the recording loses its beginning
		kind   string
	}{
		"ring":                 {func(c *record.Config) { c.RecordLiveQuota = 4 * one }, true, ""},
		"ring below its quota": {func(*record.Config) {}, false, ""},
		"end":                  {func(c *record.Config) { c.RecordOverflow = record.OverflowEnd }, false, "EVENT"},
		"without quotas":       {func(c *record.Config) { c.RecordQuota, c.RecordLiveQuota = -1, -1 }, false, "EVENT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir(), tt.change)
			source := newReel()
			if err := s.Start("6", "show", "stream", source); err != nil {
				t.Fatal(err)
			}
			check := hlstest.Checker{Plain: true}
			add := func() {
				text := s.playlist("show")
				if text == "" {
					return
				}
				if err := check.Add(text); err != nil {
					t.Fatal(err)
				}
				if l := check.Last; l.Type != tt.kind || l.Start != "TIME-OFFSET=0" || l.Map == "" {
					t.Fatalf("the type is %q, the start %q", l.Type, l.Start)
				}
			}
			lost, gaps := 0, 0
			for some := range slices.Chunk(broadcast, 14) {
				source.play(some)
				before := check.Last.Sequence
				add()
				if check.Last.Sequence > before {
					lost++
				}
			}
			close(source.frames)
			s.finished("show")
			add()
			for _, segment := range check.Last.Segments {
				if segment.Duration == float64(check.Last.Target) {
					gaps++
				}
			}
			if l := check.Last; !l.Ended || (lost > 3) != tt.loses || l.Before > l.Sequence || !tt.loses && (gaps != 2 || l.Before != 0 || l.Sequence != 0) {
				t.Fatalf("ended: %t, segments were lost %d times, %d pauses, %d discontinuities before segment %d", l.Ended, lost, gaps, l.Before, l.Sequence)
			}
			s.stop()
			again := open(t, s.dir, tt.change)
			if err := check.Add(again.playlist("show")); err != nil {
				t.Fatalf("after a restart: %v", err)
			}
		})
	}
}

// running starts a recording and plays frames until the playlist has segments.
func (s *testRecorder) running(id string, frames []*media.Frame) *testSource {
	s.t.Helper()
	source := newReel()
	if err := s.Start("6", id, "stream", source); err != nil {
		s.t.Fatal(err)
	}
	source.play(frames)
	eventually(s.t, "the playlist of "+id+" has three segments", func() bool { return strings.Count(s.playlist(id), "#EXTINF") >= 3 })
	return source
}

// spoilIndex overwrites the line of the first fragment in an index, so that it cannot be read again.
func (s *testRecorder) spoilIndex(id string) {
	s.t.Helper()
	file, err := os.OpenFile(filepath.Join(s.dir, "6", id, record.IndexFile), os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	b := make([]byte, 4096)
	n, _ := file.ReadAt(b, 0)
	if _, err := file.WriteAt([]byte("x"), int64(bytes.Index(b[:n], []byte(`{"kind":"fragment"`)))); err != nil {
		s.t.Fatal(err)
	}
}

// TestReloadsReadOnlyNewLines checks that a reload of the playlist of a running recording reads only the lines of the
// index that are new.
func TestReloadsReadOnlyNewLines(t *testing.T) {
	t.Parallel()
	broadcast := long(t, 40)
	s := open(t, t.TempDir(), nil)
	source := s.running("show", broadcast[:21])
	before := s.playlist("show")
	s.spoilIndex("show")
	source.play(broadcast[21:])
	eventually(t, "the playlist has new segments", func() bool {
		now := s.playlist("show")
		if !strings.HasPrefix(now, before) {
			t.Fatalf("the reload has read lines that are not new: %s", now)
		}
		return strings.Count(now, "#EXTINF") >= 7
	})
	source.Close()
	s.finished("show")
}

// TestTheCacheOfPlaylistsIsBounded checks that the playlists of many running recordings do not all stay in memory.
func TestTheCacheOfPlaylistsIsBounded(t *testing.T) {
	t.Parallel()
	broadcast := long(t, 20)
	s := open(t, t.TempDir(), nil)
	const recordings = 65
	id := func(n int) string { return "show" + string(rune('A'+n/10)) + string(rune('0'+n%10)) }
	for n := range recordings {
		source := s.running(id(n), broadcast)
		defer source.Close()
	}
	s.spoilIndex(id(0))
	s.spoilIndex(id(recordings - 1))
	if text := s.playlist(id(recordings - 1)); strings.Count(text, "#EXTINF") < 3 {
		t.Errorf("the newest playlist was read again: %s", text)
	}
	if text := s.playlist(id(0)); text != "" {
		t.Errorf("the cache has not forgotten the oldest playlist: %s", text)
	}
}
