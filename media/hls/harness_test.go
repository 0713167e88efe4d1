package hls_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"roomlog/media/flv"
	"roomlog/media/hls"
)

const timeout = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// frame implements Frame.
type frame struct {
	kind    byte
	at      uint32
	payload []byte
}

func (f frame) Info() flv.Info  { return flv.Describe(f.kind, f.payload) }
func (f frame) Time() uint32    { return f.at }
func (f frame) Payload() []byte { return f.payload }

func avcHeader() frame {
	sps := []byte{0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27, 0xe5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04,
		0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc9, 0x20}
	b := append([]byte{0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x28, 0xff, 0xe1, 0, byte(len(sps))}, sps...)
	return frame{flv.Video, 0, append(b, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb)}
}

func aacHeader() frame { return frame{flv.Audio, 0, []byte{0xaf, 0, 0x12, 0x10}} }

func videoFrame(at uint32, key bool) frame {
	b := []byte{0x27, 1, 0, 0, 0, 0, 0, 0, 5, 0x41, 'p', 'i', 'c', 't'}
	if key {
		b[0], b[9] = 0x17, 0x65
	}
	return frame{flv.Video, at, b}
}

func sound(at uint32) frame { return frame{flv.Audio, at, []byte("\xaf\x01sound")} }

func write(t *testing.T, m *hls.Muxer, frames ...frame) {
	t.Helper()
	for _, f := range frames {
		if err := m.Write(f); err != nil {
			t.Fatal(err)
		}
	}
}

// second returns a group of 25 pictures with audio.
func second(t *testing.T, m *hls.Muxer, from uint32) {
	t.Helper()
	for i := range uint32(25) {
		write(t, m, videoFrame(from+i*40, i == 0), sound(from+i*40), sound(from+i*40+23))
	}
}

// open returns a muxer that is closed at the end of the test.
func open(t *testing.T, cfg hls.Config) *hls.Muxer {
	cfg.Now, cfg.Token = time.Now, "TOKEN"
	m := hls.New(cfg)
	t.Cleanup(m.Close)
	return m
}

func index(m *hls.Muxer) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	m.Index(w, httptest.NewRequest(http.MethodGet, "/index.m3u8", nil), "session=S")
	return w
}

func list(m *hls.Muxer, name, query string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	m.Playlist(w, httptest.NewRequest(http.MethodGet, "/"+name+"?"+query, nil), name, "session=S")
	return w
}

// settled returns a playlist when it does not change any more.
func settled(m *hls.Muxer, name string) string {
	before := ""
	for same := 0; same < 20; same++ { // 20 equal reads: the followers of the playlist had time to run
		text := list(m, name, "").Body.String()
		if text != before {
			before, same = text, 0
		}
		<-time.After(20 * time.Millisecond)
	}
	return before
}

func file(m *hls.Muxer, name string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	name, _, _ = strings.Cut(name, "?")
	m.File(w, httptest.NewRequest(http.MethodGet, "/"+name, nil), name)
	return w
}

// refs returns the references of a playlist to files, or of an index to playlists.
func refs(playlist string) []string {
	var all []string
	playlist = regexp.MustCompile("(?m)^#EXT-X-RENDITION-REPORT:.*\n").ReplaceAllString(playlist, "")
	for _, found := range regexp.MustCompile(`URI="([^"]+)"|(?m)^([^#\n].*)$`).FindAllStringSubmatch(playlist, -1) {
		if ref := found[1] + found[2]; !strings.HasPrefix(ref, "gap.mp4") {
			all = append(all, ref)
		}
	}
	return all
}

// number returns the value of a tag in a playlist.
func number(t *testing.T, playlist, tag string) int {
	t.Helper()
	found := regexp.MustCompile(`(?m)^#EXT-X-` + tag + `:(\d+)$`).FindStringSubmatch(playlist)
	if found == nil {
		t.Fatalf("no %s in %s", tag, playlist)
	}
	var n int
	fmt.Sscan(found[1], &n)
	return n
}
