package hls_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"roomlog/internal/waittest"
	"roomlog/media/hls"
	"roomlog/media/hls/hlstest"
)

// follower follows one playlist with blocking reloads, as RFC 8216bis requires of players.
type follower struct {
	check hlstest.Checker
	name  string
	skips int
	seen  uint32      // newest time that waitFor has received from end
	end   chan uint32 // holds the end of the newest version, in ms of the stream
}

// setEnd stores the end of the newest version.
func (f *follower) setEnd() {
	end := float64(f.check.Last.Next()-firstSegment) * 1000
	for _, p := range f.check.Last.Parts {
		end += p.Duration * 1000
	}
	select {
	case <-f.end:
	default:
	}
	f.end <- uint32(end) // Only this goroutine sends, so the channel has room.
}

// waitFor blocks until the playlist has reached the time at, in ms of the stream.
func (f *follower) waitFor(at uint32) {
	for open := true; open && f.seen < at; {
		f.seen, open = <-f.end
	}
}

const firstSegment = 7 // number of the first segment that is not a gap

// next requests the version with the next part, and checks it.
func (f *follower) next(m *hls.Muxer) error {
	query := "_HLS_skip=YES"
	if f.check.Last.Version > 0 {
		query += fmt.Sprintf("&_HLS_msn=%d&_HLS_part=%d", f.check.Last.Next(), len(f.check.Last.Parts))
	} else {
		query = ""
	}
	w := list(m, f.name, query)
	if w.Code != http.StatusOK {
		return fmt.Errorf("%s?%s: status %d", f.name, query, w.Code)
	}
	text := w.Body.String()
	if strings.Contains(text, "#EXT-X-SKIP:") {
		f.skips++
	}
	return f.check.Add(text)
}

// TestPlaylistsFollowRFC8216bis checks every version of the playlists of a stream, as received by players that use
// blocking reloads and delta updates.
func TestPlaylistsFollowRFC8216bis(t *testing.T) {
	for name, tt := range map[string]struct {
		lists []string
		sound bool
	}{
		"video and audio": {[]string{"video1_stream.m3u8", "audio2_stream.m3u8"}, true},
		"video":           {[]string{"video1_stream.m3u8"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t, hls.Config{})
			write(t, m, avcHeader())
			if tt.sound {
				write(t, m, aacHeader())
			}
			frames := func(at uint32) {
				write(t, m, videoFrame(at, at%1000 == 0))
				if tt.sound {
					write(t, m, sound(at), sound(at+20))
				}
			}
			for at := uint32(0); at < 2000; at += 40 {
				frames(at)
			}
			index(m)
			results := make(chan error)
			var all []*follower
			for _, name := range tt.lists {
				f := &follower{name: name, check: hlstest.Checker{Renditions: len(tt.lists) - 1}, end: make(chan uint32, 1)}
				all = append(all, f)
				go func() {
					var err error
					for err == nil && f.check.Last.Next() < firstSegment+30 {
						err = f.next(m)
						f.setEnd()
					}
					close(f.end)
					results <- err
				}()
			}
			for at := uint32(2000); at < 32_000; at += 40 {
				frames(at)
				for _, f := range all { // like a stream in real time: the players have all but the newest parts
					f.waitFor(at - 1000)
				}
			}
			for range all {
				if err := waittest.Receive(t, results, "a player"); err != nil {
					t.Error(err)
				}
			}
			if t.Failed() {
				return
			}
			m.End()
			for _, f := range all {
				if err := f.next(m); err != nil || !f.check.Last.Ended {
					t.Errorf("ended: %v, error %v", f.check.Last.Ended, err)
				}
				if f.skips == 0 {
					t.Errorf("%s: no delta update", f.name)
				}
			}
		})
	}
}

// TestABurstLosesNoVersion writes many seconds at once. The playlists then have the parts and the wall-clock times that they
// would have in real time, and the segments follow each other without a hole.
func TestABurstLosesNoVersion(t *testing.T) {
	const seconds = 20
	m := open(t, hls.Config{Segments: 2 * seconds})
	write(t, m, avcHeader(), aacHeader())
	for i := range uint32(seconds) {
		second(t, m, i*1000)
	}
	for name, media := range map[string]hlstest.Media{"video1_stream.m3u8": {MaxSample: 0.04, Slack: 0.001}, "audio2_stream.m3u8": {MaxSample: 0.05, Slack: 0.1}} {
		check := hlstest.Checker{Renditions: 1}
		if err := check.Add(list(m, name, "").Body.String()); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := media.Init(file(m, check.Last.Map).Body.Bytes()); err != nil {
			t.Fatal(err)
		}
		for _, s := range check.Last.Segments {
			if s.Gap {
				continue
			}
			if err := media.Add(file(m, s.URI).Body.Bytes(), s.Duration); err != nil {
				t.Fatalf("%s, %s: %v", name, s.URI, err)
			}
		}
		if media.Listed != seconds-1 {
			t.Errorf("%s: the segments last %.3f s, want %d s", name, media.Listed, seconds-1)
		}
	}
}

// TestPartsFollowEachOther checks every version of the playlists, and that the files of all parts follow each other without a
// hole.
func TestPartsFollowEachOther(t *testing.T) {
	const seconds = 8
	m := open(t, hls.Config{Segments: 2 * seconds})
	write(t, m, avcHeader(), aacHeader())
	type track struct {
		check hlstest.Checker
		media hlstest.Media
		parts map[string]float64 // duration of each part that a version has listed
		order []string
	}
	tracks := map[string]*track{
		"video1_stream.m3u8": {media: hlstest.Media{MaxSample: 0.04, Slack: 0.001}},
		"audio2_stream.m3u8": {media: hlstest.Media{MaxSample: 0.05, Slack: 0.1}}, // audio frames end where they end
	}
	for _, tr := range tracks {
		tr.check.Renditions, tr.parts = 1, make(map[string]float64)
	}
	for at := uint32(0); at < seconds*1000; at += 40 {
		write(t, m, videoFrame(at, at%1000 == 0), sound(at), sound(at+20))
		if at < 2000 {
			continue
		}
		for name, tr := range tracks {
			if err := tr.check.Add(list(m, name, "").Body.String()); err != nil {
				t.Fatalf("%s at %d ms: %v", name, at, err)
			}
			for _, s := range append(slices.Clone(tr.check.Last.Segments), hlstest.Segment{Parts: tr.check.Last.Parts}) {
				for _, p := range s.Parts {
					if _, known := tr.parts[p.URI]; !known {
						tr.order = append(tr.order, p.URI)
					}
					tr.parts[p.URI] = p.Duration
				}
			}
		}
	}
	for name, tr := range tracks {
		if err := tr.media.Init(file(m, tr.check.Last.Map).Body.Bytes()); err != nil {
			t.Fatal(err)
		}
		for _, uri := range tr.order {
			if err := tr.media.Add(file(m, uri).Body.Bytes(), tr.parts[uri]); err != nil {
				t.Fatalf("%s, %s: %v", name, uri, err)
			}
		}
		if tr.media.Listed < seconds-1 {
			t.Errorf("%s: the parts last %.3f s, want %d s", name, tr.media.Listed, seconds)
		}
	}
}

// TestPartsAfterTheEndOfASegmentAreOfTheNext checks section 6.2.5.2: a request for a part that a complete segment does not
// have waits for the first part of the next segment.
func TestPartsAfterTheEndOfASegmentAreOfTheNext(t *testing.T) {
	m := open(t, hls.Config{})
	write(t, m, avcHeader())
	for i := range uint32(76) {
		write(t, m, videoFrame(i*40, i%25 == 0)) // the last frame begins a segment
	}
	index(m)
	l, err := hlstest.Parse(list(m, "video1_stream.m3u8", "").Body.String())
	if err != nil || len(l.Parts) > 0 {
		t.Fatal(l, err)
	}
	last := l.Next() - 1
	answers := make(chan string)
	go func() {
		answers <- list(m, "video1_stream.m3u8", fmt.Sprintf("_HLS_msn=%d&_HLS_part=%d", last, len(l.Segments[len(l.Segments)-1].Parts))).Body.String()
	}()
	for i := range uint32(24) {
		write(t, m, videoFrame(3040+i*40, false))
	}
	if l, err = hlstest.Parse(waittest.Receive(t, answers, "the playlist")); err != nil || l.Next() != last+1 || len(l.Parts) == 0 {
		t.Fatalf("got %d parts of segment %d: %v", len(l.Parts), l.Next(), err)
	}
}

func TestPlaylistsAreCompressed(t *testing.T) {
	m := open(t, hls.Config{})
	write(t, m, avcHeader(), aacHeader())
	for i := range uint32(4) {
		second(t, m, i*1000)
	}
	index(m)
	want := list(m, "video1_stream.m3u8", "").Body.String()
	for accepts, compressed := range map[string]bool{"gzip": true, "br, GZIP;q=0.5": true, "deflate, gzip, br": true, "": false, "gzip;q=0": false, "br": false, "gzip;q=x": false} {
		get := func(serve func(http.ResponseWriter, *http.Request)) (string, int) {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept-Encoding", accepts)
			serve(w, r)
			size := w.Body.Len()
			if (w.Header().Get("Content-Encoding") == "gzip") != compressed || w.Header().Get("Vary") != "Accept-Encoding" || w.Header().Get("Content-Length") != fmt.Sprint(size) {
				t.Fatalf("%q: headers %v", accepts, w.Header())
			}
			if !compressed {
				return w.Body.String(), size
			}
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(z) // checks the sum and the length
			if err != nil {
				t.Fatal(err)
			}
			return string(text), size
		}
		text, size := get(func(w http.ResponseWriter, r *http.Request) { m.Playlist(w, r, "video1_stream.m3u8", "session=S") })
		if text != want || compressed && size > len(want)/2 {
			t.Errorf("%q: %d bytes: %s", accepts, size, text)
		}
		if text, _ := get(func(w http.ResponseWriter, r *http.Request) { m.Index(w, r, "session=S") }); !strings.Contains(text, "session=S") {
			t.Errorf("%q: %s", accepts, text)
		}
	}
}
