package main_test

import (
	"slices"
	"testing"
)

// clockFilter is an ffmpeg filter that draws the wall clock into each picture: 16 columns, black or white, are the bits
// of the time in milliseconds.
const clockFilter = "settb=1/1000,setpts=RTCTIME/1000,geq=lum='if(mod(floor(floor(T*1000+0.5)/pow(2,X)),2),235,16)':cb=128:cr=128," +
	"scale=320:180:flags=neighbor,settb=1/25,setpts=N"

// BenchmarkFigureLatencyOfHLS measures the time from the drawing of a picture before the encoder to its presentation in a
// browser, which plays low-latency HLS with hls.js.
func BenchmarkFigureLatencyOfHLS(b *testing.B) {
	const (
		warmUp  = 250 // pictures until the player has come to its distance from the live edge
		samples = 250
	)
	needFFmpeg(b)
	need(b, "chromium", "chromium", "chromium-browser", "google-chrome")
	need(b, "node", "npm")
	at := serve(b, nil, "--data", dataDir(b), "--auto-live")
	anna, bert := join(b, at, "anna"), join(b, at, "bert")
	room := anna.create("a clock")
	ffmpeg(b, "-re", "-f", "lavfi", "-i", "color=s=16x9:r=25", "-re", "-f", "lavfi", "-i", "sine=r=44100", "-vf", clockFilter,
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k",
		"-f", "flv", at.rtmpURL(room))
	eventually(b, "the live has media info", func() bool { return bert.read(room.Data.ID).Data.Media != nil })
	page := playHLS(b, at.flvURL(bert.read(room.Data.ID), "/index.m3u8"))
	for b.Loop() {
		var clocks [][2]int64
		eventually(b, "the player presents pictures", func() bool {
			page.run(`return player.clocks;`, &clocks)
			return len(clocks) >= warmUp+samples
		})
		var r hlsReport
		if page.run(`return player.report();`, &r); r.Fatal {
			b.Fatalf("the player reports %+v", r)
		}
		var ages []int64
		for _, clock := range clocks[warmUp:] {
			ages = append(ages, (clock[0]-clock[1])&0xffff)
		}
		slices.Sort(ages)
		b.Logf("ages of pictures: %d–%d ms; the player reports %+v", ages[0], ages[len(ages)-1], r)
		b.ReportMetric(float64(ages[len(ages)/2])/1000, "llhls_glass_to_glass_seconds")
	}
}
