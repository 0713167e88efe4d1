package tree_test

import (
	"slices"
	"testing"
	"time"

	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/transparency/tree"
	"roomlog/projections/projtest"
)

// BenchmarkFigureTree measures what the transparency log costs: appending beside a follower with its default settings ÷
// without one, and how much faster a follower adds events to the tree than the sequencer appends them. Appending without
// a follower is measured before and after each round, because the log grows and other load changes.
func BenchmarkFigureTree(b *testing.B) {
	const (
		rounds   = 10
		commands = 16384
	)
	w := projtest.Open(b, pgtest.Server(b, pgtest.Durable).Open(), eventstore.Config{}, "first")
	c := projtest.NewTraffic(w, 200, 20)
	rate := func(work func()) float64 { // events per second
		before, begun := w.Head(), time.Now()
		work()
		return float64(w.Head()-before) / time.Since(begun).Seconds()
	}
	act := func() { c.Act(256, commands) }
	var beside, faster []float64
	for b.Loop() { // runs once
		act()
		before := rate(act)
		for range rounds {
			behind := w.Head() - w.Int("SELECT size FROM tlog_tree")
			begun := time.Now()
			w.GrowTree()
			grown := float64(behind) / time.Since(begun).Seconds()
			follower, err := tree.NewFollower(tree.Config{Store: w.Store, Secrets: secrets})
			if err != nil {
				b.Fatal(err)
			}
			stop := w.Start(follower.Run)
			with := rate(act)
			stop()
			after := rate(act)
			without := (before + after) / 2
			beside, faster = append(beside, with/without), append(faster, grown/without)
			before = after
		}
	}
	slices.Sort(beside)
	slices.Sort(faster)
	b.ReportMetric(beside[rounds/2], "append_beside_tree_ratio")
	b.ReportMetric(faster[rounds/2], "tree_append_ratio")
}
