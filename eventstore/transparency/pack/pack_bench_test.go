package pack_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"roomlog/eventstore/transparency/pack"
)

// BenchmarkFigurePack measures how many events of a pack roomlog audit verify checks in a second. Every fifth event is a
// gift.
func BenchmarkFigurePack(b *testing.B) {
	const (
		events = 200_000
		rounds = 5
	)
	path, known := assemble(b, events)
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	var rates []float64
	for b.Loop() { // runs once
		for range rounds {
			begun := time.Now()
			if _, err := pack.Verify(b.Context(), file, info.Size(), known, nil); err != nil {
				b.Fatal(err)
			}
			rates = append(rates, events/time.Since(begun).Seconds())
		}
	}
	slices.Sort(rates)
	b.ReportMetric(rates[len(rates)/2], "pack_verify_rate")
}
