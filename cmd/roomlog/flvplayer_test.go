package main_test

import (
	"strings"
	"testing"
	"time"
)

// playFLV opens a page of another origin in a real browser. The page plays a URL of HTTP-FLV or WS-FLV with mpegts.js.
func playFLV(t testing.TB, address string) *inspector {
	t.Helper()
	return playIn(t, "testdata/clients/flv", "mpegts.js/dist/mpegts.js", address)
}

// flvReport contains the observations of the page.
type flvReport struct {
	Errors   []string     // errors of mpegts.js and of the video element
	Ended    bool         // whether the server has ended the stream
	Time     float64      // seconds of the video since its first picture
	Pictures int          // sampled pictures that differ from the one before
	Black    int          // sampled pictures without a bright pixel
	Buffered [][2]float64 // ranges of the video that can be played
	Position float64      // time in the video in seconds
	Dry      bool         // whether the video has nothing to play after its current picture
}

// TestFLVPlayersFollowAnOddEncoder plays a live with mpegts.js in a real browser, over HTTP-FLV and WS-FLV. The clock of the
// encoder jumps an hour forward, then its connection is lost until the players have played everything, and it comes back
// with a clock that begins anew. Playback goes on each time.
func TestFLVPlayersFollowAnOddEncoder(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	need(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	need(t, "node", "npm")
	at := serve(t, withDatabase(t), "--data", dataDir(t), "--auto-live", "--stream-grace", "10m")
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	room := anna.create("a show")
	address := at.flvURL(bert.read(room.Data.ID), ".flv")
	pages := map[string]*inspector{
		"HTTP-FLV": playFLV(t, address),
		"WS-FLV":   playFLV(t, strings.Replace(address, "http", "ws", 1)),
	}
	reports := map[string]flvReport{}
	defer func() {
		if t.Failed() {
			t.Logf("the last reports of the players: %+v", reports)
		}
	}()
	// each waits until the report of each player fulfils a condition, which also gets the last report before.
	each := func(what string, check func(before, now flvReport) bool) {
		t.Helper()
		for name, page := range pages {
			before := reports[name]
			eventually(t, "over "+name+", "+what, func() bool {
				var now flvReport
				page.run(`return player.report();`, &now)
				reports[name] = now
				if now.Ended || len(now.Errors) > 0 {
					t.Fatalf("the player over %s reports %+v", name, now)
				}
				return check(before, now)
			})
		}
	}
	playsOn := func(before, now flvReport) bool {
		return now.Time >= before.Time+12 && now.Pictures >= before.Pictures+60
	}
	// The clock jumps after 6 s.
	const jump = `setts=pts=PTS+if(gte(DTS*TB\,6)\,3600/TB\,0):dts=DTS+if(gte(DTS*TB\,6)\,3600/TB\,0)`
	file := film(t, 20) // it is repeated without end, so that a slow player does not reach its end
	encoder := ffmpeg(t, "-re", "-stream_loop", "-1", "-i", file, "-c", "copy", "-bsf:v", jump, "-bsf:a", jump, "-f", "flv", at.rtmpURL(room))
	each("the video is played past the jump", playsOn)
	encoder.kill()
	each("everything is played", func(_, now flvReport) bool { return now.Dry })
	<-time.After(3 * time.Second) // time passes: the connection is lost for some seconds, and a longer loss changes nothing
	publish(t, file, at.rtmpURL(room), "-stream_loop", "-1")
	each("the video is played when the encoder is back", playsOn)
	for name, r := range reports {
		if r.Black > 0 {
			t.Errorf("over %s, %d pictures are black", name, r.Black)
		}
	}
	for _, page := range pages {
		page.sound()
	}
}
