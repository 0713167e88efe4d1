package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
)

// BenchmarkFigureReplay measures a replay of the log as lines of JSON, over HTTP: lines in a second, and the memory that it
// needs. It also measures the time from an append to the line of the event at a reader that follows with server-sent events.
func BenchmarkFigureReplay(b *testing.B) {
	const (
		events = 200_000
		rounds = 5
		tails  = 500
	)
	d := startAPIOn(b, pgtest.Server(b, pgtest.Durable).Open())
	plain := httptest.NewServer(d.api) // does not compare responses with the document
	b.Cleanup(plain.Close)
	b.Cleanup(d.api.Drain)
	d.url = plain.URL
	analyst := d.account("ann").grant(domain.RoleAnalyst)
	live := analyst.onAir("show")
	d.fill(events, live)
	head, err := d.store.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var rates []float64
	var memory uint64
	var delays []time.Duration
	for b.Loop() { // runs once
		for range rounds {
			var read int64
			used, took := d.sampled(func() { read = analyst.countLines("?follow=false") })
			if read < head {
				b.Fatalf("the replay has %d lines, the log %d events", read, head)
			}
			rates, memory = append(rates, float64(read)/took.Seconds()), max(memory, used)
		}
		follower := analyst.follow("?from=now&format=sse")
		for n := range tails {
			text := fmt.Sprintf("tail %d", n)
			begun := time.Now()
			d.execute(domain.Request{Actor: analyst.actor(), Command: domain.PostComment{Live: live, Text: text}})
			for !strings.Contains(follower.text(), `"type":"comment.posted.v1"`) { // the events arrive in order
			}
			delays = append(delays, time.Since(begun))
		}
	}
	slices.Sort(rates)
	slices.Sort(delays)
	b.ReportMetric(rates[len(rates)/2], "replay_rate")
	b.ReportMetric(float64(memory)/(1<<20), "replay_memory_mib")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds())/1000, "replay_tail_p99_ms")
}

// fill appends comments until the log has n events.
func (d *testAPI) fill(n int64, live domain.LiveID) {
	d.Helper()
	a := d.account("filler")
	var all sync.WaitGroup
	for worker := range 256 {
		all.Go(func() {
			for i := range n / 256 {
				text := fmt.Sprintf("comment %d of %d", i, worker)
				if _, err := d.sequencer.Execute(context.Background(), domain.Request{Actor: a.actor(), Command: domain.PostComment{Live: live, Text: text}}); err != nil {
					d.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// countLines reads a replay and returns the number of its lines.
func (a account) countLines(query string) (lines int64) {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), http.MethodGet, a.url+"/api/events"+query, nil)
	if err != nil {
		a.Fatal(err)
	}
	r.Header.Set("token", a.Token)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		a.Fatal(err)
	}
	defer response.Body.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := response.Body.Read(buffer)
		lines += int64(strings.Count(string(buffer[:n]), "\n"))
		if err == io.EOF {
			return lines
		}
		if err != nil {
			a.Fatal(err)
		}
	}
}

// sampled runs work, and returns how many bytes more than before were in use at most, and the time.
func (d *testAPI) sampled(work func()) (used uint64, took time.Duration) {
	d.Helper()
	live := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	runtime.GC()
	before, largest := live(), uint64(0)
	ctx, stop := context.WithCancel(d.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			largest = max(largest, live())
			<-tick.C
		}
	}()
	begun := time.Now()
	work()
	took = time.Since(begun)
	stop()
	<-done
	return largest - min(before, largest), took
}
