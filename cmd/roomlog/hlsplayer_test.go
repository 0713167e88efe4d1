package main_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"roomlog/media/hls/hlstest"
)

// playHLS opens a page of another origin in a real browser. The page plays the playlist at a URL with hls.js.
func playHLS(t testing.TB, playlist string) *inspector {
	t.Helper()
	return playIn(t, "testdata/clients/hls", "hls.js/dist/hls.js", playlist)
}

// playIn opens the page player.html of a client folder, with a script of its npm packages, in a real browser. The page plays
// the stream at an address.
func playIn(t testing.TB, client, script, address string) *inspector {
	t.Helper()
	files := map[string]string{
		"/": filepath.Join(client, "player.html"), "/player.js": filepath.Join(npmPackages(t, client), script),
		"/pictures.js": "testdata/clients/pictures.js",
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if file, ok := files[r.URL.Path]; ok {
			http.ServeFile(w, r, file)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(site.Close)
	return inspect(t, site.URL+"/?url="+url.QueryEscape(address), 640)
}

// hlsReport contains the observations of the page.
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
// segments, blocking reloads and delta updates of both tracks, and shows moving pictures. Then the test checks the media that
// the server has served. How soon pictures are shown is a figure: see BenchmarkFigureLatencyOfHLS.
func TestHLSPlayerPlaysLowLatency(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	need(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	need(t, "node", "npm")
	at := serve(t, withDatabase(t), "--data", dataDir(t), "--auto-live", "--stream-grace", "10m")
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	room := anna.create("a show")
	encoder := publish(t, film(t, 10), at.rtmpURL(room), "-stream_loop", "-1")
	eventually(t, "the live has media info", func() bool { return bert.read(room.Data.ID).Data.Media != nil })
	index := at.flvURL(bert.read(room.Data.ID), "/index.m3u8")
	page := playHLS(t, index)

	var r hlsReport
	defer func() {
		if t.Failed() {
			t.Logf("the last report of the player: %+v", r)
		}
	}()
	// Partial segments are listed only near the end of a playlist. A player that falls behind on a slow machine loads segments.
	eventually(t, "the player follows both tracks by delta updates and plays on", func() bool {
		page.run(`return player.report();`, &r)
		return r.Fatal || r.FailedDelta > 0 ||
			r.Time >= 5 && r.Pictures >= 20 && r.Delta["main"] >= 10 && r.Delta["audio"] >= 10 && r.Parts["main"] > 0 && r.Parts["audio"] > 0
	})
	if r.Fatal || r.FailedDelta > 0 || r.Black > 0 {
		t.Errorf("the player reports %+v, want no fatal error, no delta update that does not fit, and no black picture", r)
	}
	for _, text := range r.Errors {
		if !errorOfSlowPlayer(text) {
			t.Errorf("the player reports %s", text)
		}
	}
	for _, query := range []string{"_HLS_msn=", "_HLS_part=", "_HLS_skip="} {
		if page.sent(query) == "" {
			t.Errorf("the player has not sent a request with %s", query)
		}
	}
	encoder.kill() // the files stay until the encoder's grace period ends
	text := fetch(t, index)
	for _, name := range []string{"video1_stream.m3u8", "audio2_stream.m3u8"} {
		list := regexp.MustCompile(name + `\?session=\w+`).FindString(text)
		if list == "" {
			t.Fatalf("no %s in %s", name, text)
		}
		checkServedMedia(t, index, list)
	}
}

// errorOfSlowPlayer reports whether a slow machine may be the cause of an error of hls.js:
//
//   - The player stalls, or begins in the gap before the first segment.
//   - It has lost a part because its buffer was busy: hls.js appends while Chromium changes the duration, and does not
//     repeat it.
//   - It has waited for a blocking reload for about a second: hls.js ignores its settings for these requests.
func errorOfSlowPlayer(text string) bool {
	details, cause, _ := strings.Cut(text, ": ")
	switch details {
	case "bufferStalledError", "bufferNudgeOnStall", "bufferSeekOverHole", "fragGap", "aborted", "levelLoadTimeOut", "audioTrackLoadTimeOut":
		return true
	case "bufferAppendError":
		return strings.HasPrefix(cause, "InvalidStateError: ")
	}
	return false
}

// checkServedMedia checks the newest version of a playlist, and that its segments and its parts follow each other without a
// hole and without a lost picture. list refers to the playlist in an index.
func checkServedMedia(t *testing.T, index, list string) {
	t.Helper()
	base, err := url.Parse(index)
	if err != nil {
		t.Fatal(err)
	}
	file := func(ref string) string {
		t.Helper()
		address, err := base.Parse(ref)
		if err != nil {
			t.Fatal(err)
		}
		return fetch(t, address.String())
	}
	check := hlstest.Checker{Renditions: 1}
	if err := check.Add(file(list)); err != nil {
		t.Error(err)
		return
	}
	// A picture of the film lasts 40 ms, the last one before the film begins again up to 60 ms. An audio frame lasts 23 ms;
	// audio parts end at the audio frame that arrived before the end of the video part.
	segments := hlstest.Media{MaxSample: 0.1, Slack: 0.001}
	if strings.HasPrefix(list, "audio") {
		segments.Slack = 1
	}
	if err := segments.Init([]byte(file(check.Last.Map))); err != nil {
		t.Fatal(err)
	}
	parts := segments
	var listed []hlstest.Part
	for _, s := range check.Last.Segments {
		if s.Gap {
			continue
		}
		if err := segments.Add([]byte(file(s.URI)), s.Duration); err != nil {
			t.Errorf("%s: %v", s.URI, err)
		}
		listed = append(listed, s.Parts...)
	}
	for _, p := range append(listed, check.Last.Parts...) {
		if err := parts.Add([]byte(file(p.URI)), p.Duration); err != nil {
			t.Errorf("%s: %v", p.URI, err)
		}
	}
	if segments.Listed < 4 || parts.Listed < 1 {
		t.Errorf("%s has segments of %.3f s and parts of %.3f s", list, segments.Listed, parts.Listed)
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
