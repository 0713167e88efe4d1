package domain_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"roomlog/domain"
)

// BenchmarkFigureComment measures the decision of a comment of 60 characters in a live with all modes, and with lists of
// 10,000 words. The rounds take turns, and the medians of their CPU time are compared: a decision waits for nothing, and how
// long it waits for a processor depends on other programs.
func BenchmarkFigureComment(b *testing.B) {
	const rounds, decisions = 41, 20_000
	live := events(testUsers(), liveOnAir(6))
	modes := events(live, []domain.Event{
		modeSet(domain.ModeMuteAll, 1, now.Unix()), modeSet(domain.ModeSlow, 30, 0), modeSet(domain.ModeMembers, 10, 0), modeSet(domain.ModeLinksOff, 1, 0),
		domain.ViewerCommented{Live: 6, User: viewer, At: now.Add(-time.Minute).UnixMilli()},
	})
	lists := live
	for i := range 20 {
		added := domain.WordsAdded{Live: domain.LiveID(6 * (i % 2)), Exact: i%3 == 0, Mask: i%4 == 0}
		for n := range 500 {
			added.Words = append(added.Words, fmt.Sprintf("unwanted%x%x", n*7919, i*104729))
		}
		lists = append(lists, added)
	}
	request := domain.Request{Command: domain.PostComment{Live: 6, Text: "good evening everybody, this is a lovely song, thank you Ann"}, Actor: asUser(viewer)}
	round := func(given []domain.Event) func() time.Duration {
		states := after(b, given).statesFor(request)
		return func() time.Duration {
			began := cpuTime(b)
			for range decisions {
				if _, err := domain.Decide(request, now, states); err != nil {
					b.Fatal(err)
				}
			}
			return cpuTime(b) - began
		}
	}
	for b.Loop() {
		runs := []func() time.Duration{round(live), round(modes), round(lists)}
		times := make([][]time.Duration, len(runs))
		for range rounds {
			for i, run := range runs {
				times[i] = append(times[i], run())
			}
		}
		median := func(i int) float64 {
			slices.Sort(times[i])
			return float64(times[i][rounds/2])
		}
		plain, withModes, withWords := median(0), median(1), median(2)
		b.Logf("CPU time of a decision: %.0f ns, with modes %.0f ns, with words %.0f ns", plain/decisions, withModes/decisions, withWords/decisions)
		b.ReportMetric(withModes/plain, "comment_modes_ratio")
		b.ReportMetric(withWords/plain, "comment_words_ratio")
	}
}

// cpuTime returns the CPU time that this process has used, with that of its garbage collections.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
