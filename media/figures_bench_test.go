package media_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/internal/peertest"
	"roomlog/media"
	"roomlog/media/rtmp"
)

const (
	figureRounds = 3
	figureWarmth = 3 * time.Second // time until all players have caught up
	figureTime   = 6 * time.Second
)

// cost contains the resources that a server used to serve an audience.
type cost struct {
	perMB    float64 // milliseconds of CPU time per megabyte delivered
	memory   float64 // resident memory in bytes
	firstKey time.Duration
	gap      time.Duration
}

// measure measures a server with n players over RTMP or HTTP.
func measure(b *testing.B, kind string, n int, overRTMP bool) (c cost) {
	peertest.Scope(b, func(b testing.TB) {
		h := openTheatre(b, kind)
		h.broadcast(b)
		addr, play := h.http, func(l *listener) error { return l.playFLV(h.flvPath()) }
		if overRTMP {
			addr, play = h.rtmp, (*listener).playRTMP
		}
		<-time.After(groupLength) // waits until a complete group of pictures is buffered
		a := h.gather(b, n, addr, play)
		<-time.After(figureWarmth)
		if !overRTMP {
			keys := a.firstKeys()
			c.firstKey = keys[len(keys)*99/100]
		}
		a.longest()
		bytes, before := a.bytes(), h.Usage()
		<-time.After(figureTime)
		bytes, after := a.bytes()-bytes, h.Usage()
		if expected := 0.9 * float64(n) * 250_000 * figureTime.Seconds(); float64(bytes) < expected {
			b.Fatalf("only %d bytes were delivered, of %.0f", bytes, expected)
		}
		c.perMB, c.memory, c.gap = (after.CPU-before.CPU)*1e9/float64(bytes), after.Memory, a.longest()
		b.Logf("%s, %d players: %.3f ms/MB, %.1f MB resident, first key frame p99 %v, longest gap %v", kind, n, c.perMB, c.memory/1e6, c.firstKey, c.gap)
	})
	return c
}

// medianOf returns the median of a value of the costs.
func medianOf(costs []cost, value func(cost) float64) float64 {
	var all []float64
	for _, c := range costs {
		all = append(all, value(c))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func perMB(c cost) float64 { return c.perMB }

// BenchmarkFigureMediaFLV serves 200 HTTP players and compares the cost with node-media-server 2 and 4.
func BenchmarkFigureMediaFLV(b *testing.B) {
	for b.Loop() {
		costs := map[string][]cost{}
		for range figureRounds {
			for _, kind := range []string{nms2, ours, nms4} {
				costs[kind] = append(costs[kind], measure(b, kind, 200, false))
			}
		}
		b.ReportMetric(medianOf(costs[ours], perMB)/medianOf(costs[nms2], perMB), "media_flv_nms2_ratio")
		b.ReportMetric(medianOf(costs[ours], perMB)/medianOf(costs[nms4], perMB), "media_flv_nms4_ratio")
		b.ReportMetric(medianOf(costs[ours], func(c cost) float64 { return c.memory / 1e6 }), "media_memory_mb")
		b.ReportMetric(medianOf(costs[ours], func(c cost) float64 { return float64(c.firstKey.Microseconds()) / 1e3 }), "media_first_key_p99_ms")
	}
}

// BenchmarkFigureMediaRTMP serves 100 RTMP players and compares the cost with node-media-server 2.
func BenchmarkFigureMediaRTMP(b *testing.B) {
	for b.Loop() {
		costs := map[string][]cost{}
		for range figureRounds {
			for _, kind := range []string{nms2, ours} {
				costs[kind] = append(costs[kind], measure(b, kind, 100, true))
			}
		}
		b.ReportMetric(medianOf(costs[ours], perMB)/medianOf(costs[nms2], perMB), "media_rtmp_nms2_ratio")
	}
}

// BenchmarkFigureMediaGap stalls ten of 200 players and measures the others until the ten are disconnected.
func BenchmarkFigureMediaGap(b *testing.B) {
	const healthy, stalled = 190, 10
	for b.Loop() {
		h := openTheatre(b, ours)
		h.broadcast(b)
		a := h.gather(b, healthy, h.http, func(l *listener) error { return l.playFLV(h.flvPath()) })
		<-time.After(figureWarmth)
		a.longest()
		for range stalled {
			h.stall(b)
		}
		drops := 0
		for end := time.Now().Add(time.Minute); drops < stalled && time.Now().Before(end); h.Usage(&drops) {
			<-time.After(time.Second)
		}
		if drops != stalled {
			b.Fatalf("%d of %d stalled players were given up, want %v", drops, stalled, stalled)
		}
		b.ReportMetric(float64(a.longest().Microseconds())/1e3, "media_gap_ms")
	}
}

// BenchmarkFigureMediaHLS requests a stream without players, and measures the time until its playlist and the listed
// files are available.
func BenchmarkFigureMediaHLS(b *testing.B) {
	for b.Loop() {
		h := run(b, nil)
		var longest time.Duration
		for i := range 5 { // begins at different positions in a group of pictures
			key := fmt.Sprint("KEY", i)
			broadcast(b, dialRTMP(b, h.rtmp), key+"?sign="+h.signer.Publish(key))
			<-time.After(groupLength + groupLength*time.Duration(i)/5)
			requested := time.Now()
			p := h.playHLS(b, key)
			parts := 0
			for _, list := range p.lists {
				status, body, _ := page(b, p.base+list)
				if status != http.StatusOK {
					b.Fatalf("%s: status %d, want %v", list, status, http.StatusOK)
				}
				for _, ref := range refs(body) {
					if strings.Contains(body, `HINT:TYPE=PART,URI="`+ref) || ref == "gap.mp4" {
						continue // the file is not available yet
					}
					if status, media, _ := page(b, p.base+ref); status != http.StatusOK || len(media) == 0 {
						b.Fatalf("%s: status %d", ref, status)
					}
					parts++
				}
			}
			took := time.Since(requested)
			if longest = max(longest, took); parts < 2 { // parts counts the init segment and the media files
				b.Fatalf("%d files are listed", parts)
			}
			b.Logf("%d files after %v", parts, took)
		}
		b.ReportMetric(longest.Seconds()/groupLength.Seconds(), "media_hls_cold_gops")
	}
}

// BenchmarkFigureMediaRefused measures how many bytes the server accepts from refused publishers that nevertheless send
// media.
func BenchmarkFigureMediaRefused(b *testing.B) {
	for b.Loop() {
		h := run(b, nil)
		publisher := h.publish(b, "KEY")
		publisher.begin(0)
		var viewers []*sender
		for _, key := range []string{"KEY", "EMPTY"} { // one stream with a publisher, and one with waiting players
			v := dialRTMP(b, h.rtmp)
			v.send(hello("live", "play", 3, nil, key+"?sign="+h.signer.Play(key)))
			v.expect(rtmp.PlayStart)
			f := dialRTMP(b, h.http) // an arbitrary TCP connection
			f.send([]byte("GET /live/" + key + ".flv?sign=" + h.signer.Play(key) + " HTTP/1.1\r\nHost: x\r\n\r\n"))
			viewers = append(viewers, v, f)
		}
		h.stream(b, "EMPTY", "those who wait", func(s media.StreamStats) bool { return s.Players[media.RTMP]+s.Players[media.HTTPFLV] == 2 })
		for _, name := range []string{"KEY", "EMPTY", "KEY?sign=" + h.signer.Play("KEY"), "EMPTY?sign=" + h.signer.Publish("KEY"), "KEY?sign=" + h.signer.Publish("KEY")} {
			s := dialRTMP(b, h.rtmp)
			s.send(hello("live", "publish", 3, nil, name, "live"))
			for i := range uint32(100) {
				s.video(i, videoFrame(true, "injected"))
			}
			s.gone()
		}
		publisher.video(40, videoFrame(true, "last"))
		h.publish(b, "EMPTY").begin(0)
		bytes := 0
		for i, v := range viewers {
			v.expect([]string{"last", "last", "first", "first"}[i])
			bytes += v.count("injected") * len(videoFrame(true, "injected"))
		}
		b.ReportMetric(float64(bytes), "media_refused_bytes")
	}
}
