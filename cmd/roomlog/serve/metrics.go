package serve

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// metrics registers figures under the prefix roomlog_. Each figure is read when it is scraped.
type metrics struct {
	registry   *prometheus.Registry
	registerer prometheus.Registerer
}

// metrics returns a registry with the figures of the process and of the backend.
func (b *backend) metrics() metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := metrics{registry, registry}
	m.buildInfo(cli.ReadBuild())
	b.registerLogMetrics(m)
	b.registerTableMetrics(m)
	b.registerDatabaseMetrics(m)
	return m
}

// dialect returns metrics that label every figure with the name of a dialect.
func (m metrics) dialect(name string) metrics {
	return metrics{m.registry, prometheus.WrapRegistererWith(prometheus.Labels{"dialect": name}, m.registry)}
}

func (m metrics) gauge(name, help string, value func() float64) {
	m.registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "roomlog_" + name, Help: help}, value))
}

func (m metrics) counter(name, help string, value func() float64) {
	m.registerer.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "roomlog_" + name, Help: help}, value))
}

// buildInfo registers a constant 1 with the labels of the build.
func (m metrics) buildInfo(b cli.Build) {
	m.registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "roomlog_build_info", Help: "Always 1; the labels name the version, commit, commit date and Go version of the program.",
		ConstLabels: prometheus.Labels{"version": b.Version, "commit": b.Commit, "date": b.Date, "goversion": b.Go},
	}, func() float64 { return 1 }))
}

func (b *backend) registerLogMetrics(m metrics) {
	stat := func(read func(eventstore.Stats) int64) func() float64 {
		return func() float64 { return float64(read(b.sequencer.Stats())) }
	}
	m.gauge("commands_waiting", "Commands in the queue of the sequencer.", func() float64 { return float64(b.sequencer.Stats().Queued) })
	m.counter("commands_total", "Commands that were decided.", stat(func(s eventstore.Stats) int64 { return s.Commands }))
	m.counter("commands_refused_total", "Commands that the rules refused.", stat(func(s eventstore.Stats) int64 { return s.Refused }))
	m.counter("commands_repeated_total", "Commands that returned the outcome of an earlier one with the same key.", stat(func(s eventstore.Stats) int64 { return s.Repeated }))
	m.counter("events_appended_total", "Events that this process appended to the log.", stat(func(s eventstore.Stats) int64 { return s.Events }))
	m.counter("append_batches_total", "Transactions that appended events.", stat(func(s eventstore.Stats) int64 { return s.Batches }))
	m.counter("append_retries_total", "Append transactions that were repeated because of a database error.", stat(func(s eventstore.Stats) int64 { return s.Retries }))
}

func (b *backend) registerTableMetrics(m metrics) {
	m.gauge("released_position", "Position up to which this process has released deltas to its clients.",
		func() float64 { return float64(b.feed.Checkpoint()) })
	if b.projector == nil {
		return
	}
	stat := func(read func(projections.ProjectorStatus) float64) func() float64 {
		return func() float64 { return read(b.projector.Status()) }
	}
	m.gauge("log_position", "Newest position of the log.", stat(func(s projections.ProjectorStatus) float64 { return float64(s.Head) }))
	m.gauge("tables_position", "Position up to which the tables contain the log.", stat(func(s projections.ProjectorStatus) float64 { return float64(s.Position) }))
	m.gauge("tables_lag_events", "Events in the log that the tables lack.", stat(func(s projections.ProjectorStatus) float64 { return float64(s.Head - s.Position) }))
	m.gauge("tables_lag_seconds", "Age of the oldest event that the tables lack.", stat(func(s projections.ProjectorStatus) float64 { return s.LagSeconds }))
	m.gauge("poisoned_events", "Events that the projector could not apply and stored in the table poison.", stat(func(s projections.ProjectorStatus) float64 { return float64(s.Poisoned) }))
	m.gauge("projector_halted", "1 while the projector cannot continue, else 0.", stat(func(s projections.ProjectorStatus) float64 {
		if s.Halted != nil {
			return 1
		}
		return 0
	}))
}

func (s *servers) registerMetrics(m metrics) {
	registerSocketMetrics(m.dialect("native"), s.native.Stats(), s.native.Lives)
	registerSocketMetrics(m.dialect("socketio"), s.socketio.Stats(), s.socketio.Lives)
	m.gauge("polling_sessions", "Socket.IO clients without a WebSocket connection.", func() float64 { return float64(s.socketio.Polling()) })
}

func registerSocketMetrics(m metrics, s *ws.Stats, lives func() int) {
	count := func(n *atomic.Int64) func() float64 { return func() float64 { return float64(n.Load()) } }
	m.gauge("sockets", "Open WebSocket connections.", count(&s.Open))
	m.gauge("lives_joined", "Lives that at least one connection of this process has joined.", func() float64 { return float64(lives()) })
	m.gauge("sockets_slow", "WebSocket connections with queued frames.", count(&s.Slow))
	m.gauge("sockets_queued_bytes", "Bytes queued for slow readers.", count(&s.QueuedBytes))
	m.counter("sockets_opened_total", "WebSocket connections opened.", count(&s.Opened))
	m.counter("sockets_refused_total", "WebSocket requests refused before the upgrade.", count(&s.Refused))
	m.counter("frames_in_total", "Frames received from clients.", count(&s.FramesIn))
	m.counter("frames_out_total", "Frames handed to connections.", count(&s.FramesOut))
	m.counter("socket_stalls_total", "Writes that a socket did not accept at once.", count(&s.Stalls))
	m.counter("frames_dropped_total", "Frames dropped for slow readers, who were notified.", count(&s.Dropped))
	m.counter("frames_replaced_total", "Queued gauges replaced by newer ones.", count(&s.Replaced))
	m.counter("sockets_kicked_total", "Connections closed because their reader was too slow.", count(&s.ClosedSlow))
	m.counter("socket_panics_total", "Panics recovered in the code of a connection.", count(&s.Panics))
	m.registerer.MustRegister(closedSockets{s}, s.FlushFrames, s.PushSeconds)
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

func (b *backend) registerDatabaseMetrics(m metrics) {
	m.gauge("database_connections", "Connections of the pool.", func() float64 { return float64(b.pool.Stat().TotalConns()) })
	m.gauge("database_connections_used", "Connections of the pool that are in use.", func() float64 { return float64(b.pool.Stat().AcquiredConns()) })
	m.counter("database_waits_total", "Times that code waited for a connection of the pool.", func() float64 { return float64(b.pool.Stat().EmptyAcquireCount()) })
	m.counter("database_wait_seconds_total", "Time that code waited for a connection of the pool.", func() float64 { return b.pool.Stat().EmptyAcquireWaitTime().Seconds() })
	if b.postgres != nil {
		m.counter("postgresql_restarts_total", "Restarts of the private PostgreSQL after it died.",
			func() float64 { return float64(b.postgres.restarts.Load()) })
	}
}
