package main_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hlsClient is the folder with hls.js and the page that plays with it.
const hlsClient = "testdata/clients/hls"

// playHLS opens a page of another origin in a real browser. The page plays the playlist at a URL with hls.js.
func playHLS(t testing.TB, playlist string) *inspector {
	t.Helper()
	script := filepath.Join(npmPackages(t, hlsClient), "hls.js", "dist", "hls.js")
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.ServeFile(w, r, filepath.Join(hlsClient, "player.html"))
		case "/hls.js":
			http.ServeFile(w, r, script)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(site.Close)
	return inspect(t, site.URL+"/?playlist="+url.QueryEscape(playlist), 640)
}

// hlsReport is what the page has observed.
type hlsReport struct {
	Errors      []string       // errors of hls.js, with their details first
	Fatal       bool           // whether one of the errors has ended playback
	Time        float64        // seconds of the video that have been played
	Pictures    int            // sampled pictures that differ from the one before
	Black       int            // sampled pictures without a bright pixel
	Parts       map[string]int // partial segments that were loaded, of each track
	Delta       map[string]int // delta updates of each track
	FailedDelta int            // delta updates that could not be merged with the playlist before
}

// TestHLSPlayerPlaysLowLatency plays the low-latency HLS of a live with hls.js in a real browser. The player uses partial
// segments, blocking reloads and delta updates of both tracks, and shows moving pictures.
func TestHLSPlayerPlaysLowLatency(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	need(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	need(t, "node", "npm")
	at := serve(t, nil, "--data", dataDir(t), "--auto-live")
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	room := anna.create("a show")
	publish(t, film(t, 10), at.rtmpURL(room), "-stream_loop", "-1")
	eventually(t, "the live has media info", func() bool { return bert.read(room.Data.ID).Data.Media != nil })
	page := playHLS(t, at.flvURL(bert.read(room.Data.ID), "/index.m3u8"))

	var r hlsReport
	defer func() {
		if t.Failed() {
			t.Logf("the last report of the player: %+v", r)
		}
	}()
	eventually(t, "the player follows both tracks by delta updates and plays on", func() bool {
		page.run(`return player.report();`, &r)
		return r.Fatal || r.FailedDelta > 0 ||
			r.Time >= 5 && r.Pictures >= 20 && r.Delta["main"] >= 10 && r.Delta["audio"] >= 10 && r.Parts["main"] >= 10 && r.Parts["audio"] >= 10
	})
	if r.Fatal || r.FailedDelta > 0 || r.Black > 0 {
		t.Errorf("the player reports %+v, want no fatal error, no delta update that does not fit, and no black picture", r)
	}
	// On a slow machine the player may stall, or begin in the gap before the first segment.
	harmless := []string{"bufferStalledError", "bufferNudgeOnStall", "fragGap", "aborted"}
	for _, text := range r.Errors {
		if details, _, _ := strings.Cut(text, ":"); !slices.Contains(harmless, details) {
			t.Errorf("the player reports %s", text)
		}
	}
	for _, query := range []string{"_HLS_msn=", "_HLS_part=", "_HLS_skip="} {
		if page.sent(query) == "" {
			t.Errorf("the player has not sent a request with %s", query)
		}
	}
}

// sent returns the address of a request that contains text, or an empty string.
func (p *inspector) sent(text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.IndexFunc(p.requests, func(address string) bool { return strings.Contains(address, text) }); i >= 0 {
		return p.requests[i]
	}
	return ""
}
