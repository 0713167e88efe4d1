package serve

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"roomlog/projections/delivery"
	"roomlog/realtime/ws"
)

func registerSocketMetrics(m metrics, s *ws.Stats, lives func() int) {
	count := func(n *atomic.Int64) func() float64 { return func() float64 { return float64(n.Load()) } }
	m.gauge("sockets", "Open WebSocket connections.", count(&s.Open))
	m.gauge("lives_joined", "Lives that at least one connection of this process has joined.", func() float64 { return float64(lives()) })
	m.gauge("sockets_slow", "WebSocket connections with frames that wait for a slow reader.", count(&s.Slow))
	m.gauge("sockets_queued_bytes", "Bytes queued for slow readers.", count(&s.QueuedBytes))
	m.counter("sockets_opened_total", "WebSocket connections opened.", count(&s.Opened))
	m.counter("sockets_refused_total", "WebSocket requests refused before the upgrade.", count(&s.Refused))
	m.counter("frames_in_total", "Frames received from clients.", count(&s.FramesIn))
	m.counter("frames_out_total", "Frames handed to connections.", count(&s.FramesOut))
	m.counter("socket_stalls_total", "Writes that a socket did not accept at once; with TLS, before more frames came.", count(&s.Stalls))
	m.counter("frames_dropped_total", "Frames dropped for slow readers, who were notified.", count(&s.Dropped))
	m.counter("frames_replaced_total", "Queued gauges replaced by newer ones.", count(&s.Replaced))
	m.counter("sockets_kicked_total", "Connections closed because their reader was too slow.", count(&s.ClosedSlow))
	m.counter("socket_panics_total", "Panics recovered in the code of a connection.", count(&s.Panics))
	m.registerer.MustRegister(closedSockets{s}, s.FlushFrames, s.PushSeconds)
}

func registerDeliveryMetrics(m metrics, stats func() delivery.Stats) {
	m.gauge("gift_deliveries_open", "Gifts whose deliveries are being counted, or are not stored yet.", func() float64 { return float64(stats().Open) })
	m.counter("gift_deliveries_not_counted_total", "Pushes of gifts whose deliveries were not counted, because too many gifts were open.", func() float64 { return float64(stats().NotCounted) })
	m.counter("gift_delivery_failures_total", "Writes of deliveries of gifts that have failed. They are repeated for ten minutes.", func() float64 { return float64(stats().Failed) })
	m.counter("gift_deliveries_lost_total", "Gifts with deliveries that were counted and not stored, because writes have failed.", func() float64 { return float64(stats().Lost) })
}

// closedSockets counts ended connections by close code.
type closedSockets struct{ stats *ws.Stats }

var closedDesc = prometheus.NewDesc("roomlog_sockets_closed_total", "WebSocket connections ended, by close code.", []string{"code"}, nil)

func (closedSockets) Describe(to chan<- *prometheus.Desc) { to <- closedDesc }

func (c closedSockets) Collect(to chan<- prometheus.Metric) {
	for code, n := range c.stats.Closed() {
		to <- prometheus.MustNewConstMetric(closedDesc, prometheus.CounterValue, float64(n), strconv.Itoa(int(code)))
	}
}
