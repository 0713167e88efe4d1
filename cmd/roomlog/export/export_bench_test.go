package export_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"roomlog/cmd/roomlog/export"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/projections/projtest"
)

// BenchmarkFigureExport measures an export to Parquet: events written in a second ÷ events that reading alone yields.
func BenchmarkFigureExport(b *testing.B) {
	const (
		events = 200_000
		rounds = 5
	)
	w := projtest.Open(b, pgtest.Server(b, pgtest.Durable).Open(), eventstore.Config{}, "first")
	c := projtest.NewTraffic(w, 500, 20)
	for w.Head() < events {
		c.Act(256, int(events-w.Head())+256)
	}
	head := w.Head()
	var ratios []float64
	dir := b.TempDir()
	for b.Loop() { // runs once
		for round := range rounds {
			begun := time.Now()
			for q := (eventstore.Query{UpTo: head, Limit: 1000, History: w.Store.History().Number}); q.After < head; {
				page, err := w.Store.Read(b.Context(), q)
				if err != nil {
					b.Fatal(err)
				}
				q.After = page.Next
			}
			reading := time.Since(begun)
			begun = time.Now()
			update(b, w, export.Options{Dir: filepath.Join(dir, strconv.Itoa(round)), Format: export.Parquet})
			ratios = append(ratios, reading.Seconds()/time.Since(begun).Seconds())
		}
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[rounds/2], "parquet_export_ratio")
}
