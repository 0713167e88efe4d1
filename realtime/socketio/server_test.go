package socketio_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

func TestNewRequiresDependencies(t *testing.T) {
	t.Parallel()
	if _, err := socketio.New(socketio.Config{}); err == nil {
		t.Error("New accepted an empty Config")
	}
}

// TestLiveAfterReset checks that a client that has missed deltas is disconnected, reconnects, and sees the live without
// a gap.
func TestLiveAfterReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	ann, bob := w.register("ann"), w.register("bob")
	old, polled, newer := w.app(siotest.Options{Version: 3}), w.app(siotest.Options{Version: 3, Polling: true}), w.recovering()
	for _, a := range []*app{old, polled, newer} {
		a.joins(ann, live)
	}
	w.server.ResetLive(live)
	for _, a := range []*app{old, polled, newer} {
		a.Ended()
	}
	bob.Asks(domain.PostComment{Live: live, Text: "missed"})
	back := w.back(newer, "")
	if s, _ := push[comment](back, "comment"); s.Content != "missed" || back.id != newer.id {
		t.Errorf(`came back as %s and hears %+v, want Content "missed", %v`, back.id, s, newer.id)
	}
	again := w.app(siotest.Options{Version: 3})
	again.joins(ann, live)
	bob.Asks(domain.PostComment{Live: live, Text: "after"})
	for _, a := range []*app{back, again} {
		if s, _ := push[comment](a, "comment"); s.Content != "after" {
			t.Errorf(`hears %+v, want Content "after"`, s)
		}
	}
}

func TestMemoryIsFreedAfterClientsLeave(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	for name, o := range kinds() {
		a := w.app(o)
		a.joins(w.register(name), live)
		a.Send("1")
	}
	wstest.Eventually(t, "the live is released", func() bool { return w.server.Lives() == 0 })
	wstest.Eventually(t, "all users have left", func() bool { return len(events[domain.ViewerLeft](w)) == len(kinds()) })
	wstest.Eventually(t, "no session is left", func() bool { return w.server.Polling() == 0 && w.server.Stats().Open.Load() == 0 })
}

// TestShutdownKeepsViewersInTheirLives checks that a shutdown makes nobody leave a live: a client that reconnects in
// time has never left.
func TestShutdownKeepsViewersInTheirLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	live := w.register("streamer").goLive()
	for name, o := range kinds() {
		w.app(o).joins(w.register(name), live)
	}
	if err := w.server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	wstest.Eventually(t, "the live has no sockets", func() bool { return w.server.Lives() == 0 })
	if n := len(events[domain.ViewerLeft](w)); n != 0 {
		t.Errorf("%d left, want 0", n)
	}
}

func TestClientScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"socket.io.js": "io = 1", "secret.js": "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "socket.io.min.js")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "socket.io.slim.js"), 0o700); err != nil {
		t.Fatal(err)
	}
	with := newWorld(t, func(c *socketio.Config, _ *roomsConfig) { c.Assets = dir })
	without := newWorld(t, nil)
	nowhere := newWorld(t, func(c *socketio.Config, _ *roomsConfig) { c.Assets = filepath.Join(dir, "nowhere") })
	const hint = "make assets"
	for _, tt := range []struct {
		method, address string
		status          int
		text            string
	}{
		{"GET", with.base + "socket.io.js", http.StatusOK, "io = 1"},
		{"GET", with.base + "socket.io.js?v=2", http.StatusOK, "io = 1"},
		{"HEAD", with.base + "socket.io.js", http.StatusOK, ""},
		{"POST", with.base + "socket.io.js", http.StatusMethodNotAllowed, ""},
		{"GET", with.base + "socket.io.js.map", http.StatusNotFound, hint},
		{"GET", with.base + "secret.js", http.StatusBadRequest, "Transport unknown"},
		{"GET", with.base + "../socket.io.js", http.StatusNotFound, ""},
		{"GET", with.base + "socket.io.min.js", http.StatusNotFound, hint},  // a symbolic link to a file outside the folder
		{"GET", with.base + "socket.io.slim.js", http.StatusNotFound, hint}, // a folder in place of the file
		{"GET", without.base + "socket.io.js", http.StatusNotFound, hint},
		{"GET", nowhere.base + "socket.io.js", http.StatusNotFound, hint},
		{"GET", without.base + "?EIO=2&transport=polling", http.StatusBadRequest, "Unsupported protocol version"},
	} {
		answer, text := fetch(t, tt.method, tt.address, nil)
		if answer.StatusCode != tt.status || !strings.Contains(text, tt.text) {
			t.Errorf("%s %s: got %d %q", tt.method, tt.address, answer.StatusCode, text)
		}
		if cached := answer.Header.Get("Cache-Control") == "public, max-age=3600"; cached != (tt.status == http.StatusOK) {
			t.Errorf("%s %s: may be cached: %v", tt.method, tt.address, cached)
		}
	}
	first, _ := fetch(t, "GET", with.base+"socket.io.js", nil)
	if kind := first.Header.Get("Content-Type"); kind != "text/javascript; charset=utf-8" {
		t.Errorf(`the script is %s, want "text/javascript; charset=utf-8"`, kind)
	}
	again, _ := fetch(t, "GET", with.base+"socket.io.js", http.Header{"If-Modified-Since": first.Header["Last-Modified"]})
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("asked again it gets the response %d, want %v", again.StatusCode, http.StatusNotModified)
	}
}

func fetch(t testing.TB, method, address string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, values := range header {
		r.Header[key] = values
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}
