package media_test

import (
	"testing"
	"time"

	"roomlog/internal/peertest"
)

const edgeRounds = 5

// measureNode measures a node with 200 HTTP players: the one with the publisher, or one that relays the stream from it.
func measureNode(b *testing.B, atEdge bool) (perMB float64) {
	peertest.Scope(b, func(b testing.TB) {
		origin := openTheatre(b, ours)
		origin.broadcast(b)
		node := origin
		if atEdge {
			node = openEdge(b, origin)
		}
		<-time.After(groupLength) // waits until a complete group of pictures is buffered
		a := node.gather(b, 200, node.http, func(l *listener) error { return l.playFLV(node.flvPath()) })
		<-time.After(figureWarmth)
		bytes, before := a.bytes(), node.Usage()
		<-time.After(figureTime)
		bytes, after := a.bytes()-bytes, node.Usage()
		if expected := 0.9 * 200 * 250_000 * figureTime.Seconds(); float64(bytes) < expected {
			b.Fatalf("only %d bytes were delivered, of %.0f", bytes, expected)
		}
		perMB = (after.CPU - before.CPU) * 1e9 / float64(bytes)
		b.Logf("at the edge %v: %.3f ms/MB", atEdge, perMB)
	})
	return perMB
}

// BenchmarkFigureMediaEdge compares the CPU time of an edge and of its origin, each with 200 players, and measures how long the first
// player of an edge waits for its first key frame, at different positions in a group of pictures.
func BenchmarkFigureMediaEdge(b *testing.B) {
	for b.Loop() {
		var costs [2][]cost
		for range figureRounds {
			for i, atEdge := range []bool{false, true} {
				costs[i] = append(costs[i], cost{perMB: measureNode(b, atEdge)})
			}
		}
		b.ReportMetric(medianOf(costs[1], perMB)/medianOf(costs[0], perMB), "edge_cpu_ratio")
		var longest time.Duration
		peertest.Scope(b, func(b testing.TB) {
			origin := openTheatre(b, ours)
			origin.broadcast(b)
			for i := range edgeRounds {
				<-time.After(groupLength + groupLength*time.Duration(i)/edgeRounds)
				edge := openEdge(b, origin)
				took := edge.gather(b, 1, edge.http, func(l *listener) error { return l.playFLV(edge.flvPath()) }).firstKeys()[0]
				b.Logf("the first key frame after %v", took)
				longest = max(longest, took)
			}
		})
		b.ReportMetric(longest.Seconds()/groupLength.Seconds(), "edge_first_frame_gops")
	}
}
