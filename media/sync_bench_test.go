package media_test

import (
	"bufio"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"roomlog/media/flv"
)

const (
	lateRounds  = 31
	latePlayers = 200
)

// BenchmarkFigureMediaSync publishes a film with ten odd events and measures sound against picture at every output.
func BenchmarkFigureMediaSync(b *testing.B) {
	for b.Loop() {
		m, _ := broadcastFilm(b, honest, true)
		m.require(b, leastOdd)
		b.ReportMetric(float64(m.worst(b)), "av_offset_ms")
	}
}

// BenchmarkFigureMediaLate lets players join after the odd events, and in turns a stream without them.
func BenchmarkFigureMediaLate(b *testing.B) {
	for b.Loop() {
		streams := []*encoder{lateStream(b, false), lateStream(b, true)}
		var p99 [2][]time.Duration // 99th percentiles of each round, by stream
		for range lateRounds {
			var times [2][]time.Duration
			for n := range latePlayers {
				for i := range streams {
					i = (i + n) % len(streams) // in turns, so that neither is always the first one
					times[i] = append(times[i], firstFrame(b, streams[i].h.flvURL("KEY")))
				}
			}
			for i := range times {
				slices.Sort(times[i])
				p99[i] = append(p99[i], times[i][latePlayers*99/100])
			}
		}
		for i := range p99 {
			slices.Sort(p99[i])
		}
		b.Logf("median of the 99th percentiles without odd events %v, with %v", p99[0][lateRounds/2], p99[1][lateRounds/2])
		b.ReportMetric(float64(p99[1][lateRounds/2])/float64(p99[0][lateRounds/2]), "late_first_frame_ratio")
	}
}

// lateStream publishes the film, with or without odd events, nearly to its end.
func lateStream(b *testing.B, odd bool) *encoder {
	b.Helper()
	e := newEncoder(b, flashes(b), nil)
	e.connect()
	for _, event := range oddEvents {
		e.play(event.second * 1000)
		if odd {
			event.happen(e)
		}
	}
	e.play(e.film + 500)
	return e
}

// firstFrame plays a stream until it has a picture that can be decoded, and returns how long that took.
func firstFrame(b *testing.B, url string) time.Duration {
	b.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	begun := time.Now()
	answer, err := client.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	r := bufio.NewReader(answer.Body)
	if _, err := r.Discard(13); err != nil { // the header of the file
		b.Fatal(err)
	}
	lengthSize := 0
	for {
		tag, err := readTag(r)
		if err != nil {
			b.Fatal(err)
		}
		info, payload := tag.info(), []byte(tag.payload)
		switch {
		case info.Kind == flv.Video && info.Header:
			sets, err := flv.ParseParameterSets(payload)
			if _, sizeErr := flv.ParseSize(payload); errors.Join(err, sizeErr) != nil {
				b.Fatal(err, sizeErr)
			}
			lengthSize = sets.LengthSize
		case info.Key && lengthSize > 0:
			if _, err := flv.AppendNALUs(nil, payload[info.Body:], lengthSize); err != nil {
				b.Fatal(err)
			}
			return time.Since(begun)
		case info.Kind == flv.Video:
			b.Fatal("a picture before its header and key frame")
		}
	}
}
