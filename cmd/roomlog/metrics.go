package main

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// meters puts what the engine counts into a registry. Each figure is read when it is asked for.
func (e *engine) meters() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := metering{registry}
	e.meterLog(m)
	e.meterTables(m)
	e.meterDatabase(m)
	return registry
}

type metering struct{ registry prometheus.Registerer }

// of labels what is metered with the dialect that it is of.
func (m metering) of(dialect string) metering {
	return metering{prometheus.WrapRegistererWith(prometheus.Labels{"dialect": dialect}, m.registry)}
}

func (m metering) gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "roomlog_" + name, Help: help}, value))
}

func (m metering) counter(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "roomlog_" + name, Help: help}, value))
}

func (e *engine) meterLog(m metering) {
	stat := func(read func(eventstore.Stats) int64) func() float64 {
		return func() float64 { return float64(read(e.sequencer.Stats())) }
	}
	m.gauge("commands_waiting", "Commands in the queue of the log.", func() float64 { return float64(e.sequencer.Stats().Queued) })
	m.counter("commands_total", "Commands answered.", stat(func(s eventstore.Stats) int64 { return s.Commands }))
	m.counter("commands_refused_total", "Commands that the rules refused.", stat(func(s eventstore.Stats) int64 { return s.Refused }))
	m.counter("commands_repeated_total", "Commands answered with an earlier outcome.", stat(func(s eventstore.Stats) int64 { return s.Repeated }))
	m.counter("events_appended_total", "Events that this process appended.", stat(func(s eventstore.Stats) int64 { return s.Events }))
	m.counter("append_batches_total", "Transactions that appended.", stat(func(s eventstore.Stats) int64 { return s.Batches }))
	m.counter("append_retries_total", "Transactions done again because of the database.", stat(func(s eventstore.Stats) int64 { return s.Retries }))
}

func (e *engine) meterTables(m metering) {
	m.gauge("released_position", "Position up to which this process has released what happened.",
		func() float64 { return float64(e.feed.Checkpoint()) })
	if e.projector == nil {
		return
	}
	stat := func(read func(projections.ProjectorStatus) float64) func() float64 {
		return func() float64 { return read(e.projector.Status()) }
	}
	m.gauge("log_position", "The newest position of the log.", stat(func(s projections.ProjectorStatus) float64 { return float64(s.Head) }))
	m.gauge("tables_position", "The position that the tables have.", stat(func(s projections.ProjectorStatus) float64 { return float64(s.Position) }))
	m.gauge("tables_lag_events", "Events that the tables lack.", stat(func(s projections.ProjectorStatus) float64 { return float64(s.Head - s.Position) }))
	m.gauge("tables_lag_seconds", "How long the oldest of them has been in the log.", stat(func(s projections.ProjectorStatus) float64 { return s.LagSeconds }))
	m.gauge("poisoned_events", "Events set aside: see table poison.", stat(func(s projections.ProjectorStatus) float64 { return float64(s.Poisoned) }))
	m.gauge("projector_halted", "1 while the projector cannot go on.", stat(func(s projections.ProjectorStatus) float64 {
		if s.Halted != nil {
			return 1
		}
		return 0
	}))
}

func meterSockets(m metering, s *ws.Stats, rooms func() int) {
	count := func(n *atomic.Int64) func() float64 { return func() float64 { return float64(n.Load()) } }
	m.gauge("sockets", "Open WebSocket connections.", count(&s.Open))
	m.gauge("rooms", "Rooms that somebody here is in.", func() float64 { return float64(rooms()) })
	m.gauge("sockets_slow", "WebSocket connections that something waits for.", count(&s.Slow))
	m.gauge("sockets_queued_bytes", "Bytes that wait for slow readers.", count(&s.QueuedBytes))
	m.counter("sockets_opened_total", "WebSocket connections opened.", count(&s.Opened))
	m.counter("sockets_refused_total", "Requests refused before they became one.", count(&s.Refused))
	m.counter("frames_in_total", "Frames from clients.", count(&s.FramesIn))
	m.counter("frames_out_total", "Frames handed to connections.", count(&s.FramesOut))
	m.counter("socket_stalls_total", "Times that a socket did not take a write at once.", count(&s.Stalls))
	m.counter("frames_dropped_total", "Frames that slow readers lost and were told of.", count(&s.Dropped))
	m.counter("frames_replaced_total", "Gauges that a newer one overtook.", count(&s.Replaced))
	m.counter("sockets_kicked_total", "Connections closed because their reader was too slow.", count(&s.Kicked))
	m.counter("socket_panics_total", "Faults of ours caught in a connection.", count(&s.Panics))
	m.registry.MustRegister(closedSockets{s}, s.FlushFrames, s.PushSeconds)
}

// closedSockets counts ended connections by their close code.
type closedSockets struct{ stats *ws.Stats }

var closedDesc = prometheus.NewDesc("roomlog_sockets_closed_total", "WebSocket connections ended, by close code.", []string{"code"}, nil)

// Describe implements prometheus.Collector.
func (closedSockets) Describe(to chan<- *prometheus.Desc) { to <- closedDesc }

// Collect implements prometheus.Collector.
func (c closedSockets) Collect(to chan<- prometheus.Metric) {
	for code, n := range c.stats.Closed() {
		to <- prometheus.MustNewConstMetric(closedDesc, prometheus.CounterValue, float64(n), strconv.Itoa(int(code)))
	}
}

func (e *engine) meterDatabase(m metering) {
	m.gauge("database_connections", "Connections of the pool.", func() float64 { return float64(e.pool.Stat().TotalConns()) })
	m.gauge("database_connections_used", "Connections in use.", func() float64 { return float64(e.pool.Stat().AcquiredConns()) })
	m.counter("database_waits_total", "Times that a connection had to be waited for.", func() float64 { return float64(e.pool.Stat().EmptyAcquireCount()) })
	m.counter("database_wait_seconds_total", "Time spent waiting for one.", func() float64 { return e.pool.Stat().EmptyAcquireWaitTime().Seconds() })
	if e.keeper != nil {
		m.counter("postgresql_restarts_total", "Times that the private PostgreSQL had to be started again.",
			func() float64 { return float64(e.keeper.restarts.Load()) })
	}
}
