package hls_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
				if err := <-results; err != nil {
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

// TestPartsAfterTheEndOfASegmentAreOfTheNext checks section 6.2.5.2: a request for a part that a complete segment does not
// have waits for the first part of the next segment.
func TestPartsAfterTheEndOfASegmentAreOfTheNext(t *testing.T) {
	m := open(t, hls.Config{})
	write(t, m, avcHeader())
	for i := range uint32(76) {
		write(t, m, videoFrame(i*40, i%25 == 0)) // the last frame begins a segment
	}
	index(m)
	l, err := hlstest.Parse(settled(m, "video1_stream.m3u8"))
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
	if l, err = hlstest.Parse(<-answers); err != nil || l.Next() != last+1 || len(l.Parts) == 0 {
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
	want := settled(m, "video1_stream.m3u8")
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
