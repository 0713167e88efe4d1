package bridge

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Register registers the metrics of the bridge, with the name of the stream as a label.
func (b *Bridge) Register(to prometheus.Registerer) {
	r := prometheus.WrapRegistererWith(prometheus.Labels{"nats_stream": b.c.Stream}, to)
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "roomlog_bridge_" + name, Help: help}, value))
	}
	counter := func(name, help string, value func() int64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "roomlog_bridge_" + name, Help: help}, func() float64 { return float64(value()) }))
	}
	gauge("position", "Position of the newest event that is known to be in the stream.", func() float64 { return float64(b.position.Load()) })
	gauge("released_position", "Position up to which the bridge may copy: that of the tables.", func() float64 { return float64(b.released.Load()) })
	gauge("behind_seconds", "Time since which released events wait to be copied; 0 while there are none.", func() float64 {
		since := b.behind.Load()
		if since == 0 {
			return 0
		}
		return max(0, time.Duration(b.c.Now().UnixNano()-since).Seconds())
	})
	counter("copied_total", "Events that this process has copied to the stream.", b.copied.Load)
	counter("conflicts_total", "Batches that the stream has refused because another bridge has written it.", b.conflicts.Load)
	counter("failures_total", "Batches that have failed, for example because NATS or the database could not be reached.", b.failures.Load)
}
