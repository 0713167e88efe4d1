package serve

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore"
	"roomlog/eventstore/transparency/tree"
	"roomlog/internal/tracing"
	"roomlog/projections"
	"roomlog/projections/feed"
)

// metrics returns a registry with the metrics of the process and of the backend.
func (b *backend) metrics() metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := metrics{registry, registry}
	m.buildInfo(cli.ReadBuild())
	b.registerLogMetrics(m)
	b.registerTableMetrics(m)
	b.registerTreeMetrics(m)
	b.registerDatabaseMetrics(m)
	b.registerRelayMetrics(m)
	b.registerTraceMetrics(m)
	b.registerReplicaMetrics(m)
	if b.webhooks != nil {
		b.webhooks.Register(m.registerer)
	}
	return m
}

func (b *backend) registerLogMetrics(m metrics) {
	stat := func(read func(eventstore.Stats) int64) func() float64 {
		return func() float64 { return float64(read(b.sequencer.Stats())) }
	}
	m.gauge("commands_waiting", "Commands in the queue of the sequencer.", func() float64 { return float64(b.sequencer.Stats().Queued) })
	m.counter("commands_total", "Commands that were decided.", stat(func(s eventstore.Stats) int64 { return s.Commands }))
	m.counter("commands_refused_total", "Commands that the rules refused.", stat(func(s eventstore.Stats) int64 { return s.Refused }))
	m.counter("commands_limited_total", "Commands refused because the user or the address has sent too many.", func() float64 { return float64(b.clients.Refused()) })
	m.counter("commands_repeated_total", "Commands that returned the outcome of an earlier one with the same key.", stat(func(s eventstore.Stats) int64 { return s.Repeated }))
	m.counter("events_appended_total", "Events that this process appended to the log.", stat(func(s eventstore.Stats) int64 { return s.Events }))
	m.counter("append_batches_total", "Transactions that appended events.", stat(func(s eventstore.Stats) int64 { return s.Batches }))
	m.counter("log_history_changes_total", "Times that the database has fallen back to an earlier state of the log, as this process noticed.",
		func() float64 { return float64(b.store.History().Number - 1) })
	m.gauge("clock_skew_seconds", "Seconds by which the clock of this process is ahead of the clock of the database.", func() float64 { return b.store.ClockSkew().Seconds() })
	m.counter("snapshots_invalid_total", "Snapshots of states that were ignored because their checksum is not valid.", stat(func(s eventstore.Stats) int64 { return s.InvalidSnapshots }))
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
	m.gauge("poisoned_events", "Events that the projector could not apply, in the table poison, and that no operator has set aside.", stat(func(s projections.ProjectorStatus) float64 { return float64(s.Poisoned) }))
	m.gauge("coins_closed_users", "Users whose coins are closed because of an event that cannot be applied.", stat(func(s projections.ProjectorStatus) float64 { return float64(s.Closed.Users) }))
	m.gauge("coins_closed_everybody", "1 while the coins of all users are closed, else 0.", stat(func(s projections.ProjectorStatus) float64 {
		if s.Closed.Everybody {
			return 1
		}
		return 0
	}))
	m.gauge("projector_halted", "1 while the projector cannot continue, else 0.", stat(func(s projections.ProjectorStatus) float64 {
		if s.Halted != nil {
			return 1
		}
		return 0
	}))
}

func (b *backend) registerTreeMetrics(m metrics) {
	if b.tree == nil {
		return
	}
	m.gauge("tlog_size", "Events in the transparency log, as this process last saw it.", func() float64 { return float64(b.tree.Status().Size) })
	m.gauge("tlog_unsigned_events", "Events in the log that no signed checkpoint covers, as this process last saw it.",
		func() float64 { s := b.tree.Status(); return float64(s.Head - s.SignedSize) })
	m.gauge("tlog_anchored_position", "Position up to which enough witnesses have cosigned the transparency log, as this process last saw it; 0 without --witnesses.",
		func() float64 { return float64(b.tree.Status().Anchored) })
	m.gauge("tlog_halted", "1 while the transparency log cannot continue, for example because the history of the log has changed, else 0.", func() float64 {
		var halt *tree.HaltError
		if errors.As(b.tree.Status().Err, &halt) {
			return 1
		}
		return 0
	})
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

func (b *backend) registerTraceMetrics(m metrics) {
	if b.tracer == nil {
		return
	}
	count := func(read func(tracing.Stats) int64) func() float64 {
		return func() float64 { return float64(read(b.tracer.Stats())) }
	}
	m.counter("trace_spans_sent_total", "Spans of traces that the collector has accepted.", count(func(s tracing.Stats) int64 { return s.Sent }))
	m.counter("trace_spans_failed_total", "Spans of traces that are lost because the collector has not accepted them.", count(func(s tracing.Stats) int64 { return s.Failed }))
	m.counter("trace_spans_dropped_total", "Spans of traces that are lost because too many were waiting for the collector.", count(func(s tracing.Stats) int64 { return s.Dropped }))
}

func (b *backend) registerReplicaMetrics(m metrics) {
	if !b.events.Configured() {
		return
	}
	m.gauge("replica_used", "1 while the standby of --read-url serves reads, 0 while the primary does.", func() float64 {
		if b.events.Status().Err != nil {
			return 0
		}
		return 1
	})
	m.gauge("replica_position", "Position up to which the standby has the log, as this process last saw it; 0 while it is not used.",
		func() float64 { return float64(b.events.Status().Position) })
	m.gauge("replica_behind_seconds", "Age of the oldest event that the standby lacks, as this process last saw it; 0 if there is none, or while it is not used.",
		func() float64 { return b.events.Status().Behind.Seconds() })
	m.counter("replica_reads_total", "Reads that the standby has served.", func() float64 { return float64(b.events.Status().Reads) })
	m.counter("replica_fallbacks_total", "Reads that the standby should have served, and that the primary has served because of an error.",
		func() float64 { return float64(b.events.Status().Fallbacks) })
	m.counter("replica_conflicts_total", "Queries that the standby has cancelled because they conflict with the replay of changes of the primary.",
		func() float64 { return float64(b.events.Status().Conflicts) })
}

func (b *backend) registerRelayMetrics(m metrics) {
	if b.nats == nil {
		return
	}
	flag := func(read func(feed.RelayStatus) bool) func() float64 {
		return func() float64 {
			if read(b.feed.Relay()) {
				return 1
			}
			return 0
		}
	}
	count := func(read func(feed.RelayStatus) int64) func() float64 {
		return func() float64 { return float64(read(b.feed.Relay())) }
	}
	m.gauge("relay_active", "1 while this process is the relay, which publishes released events on NATS, else 0.", flag(func(s feed.RelayStatus) bool { return s.Active }))
	m.gauge("relay_received", "1 while released events arrive over NATS, 0 while this process reads them in PostgreSQL.", flag(func(s feed.RelayStatus) bool { return s.Received }))
	m.counter("relay_messages_sent_total", "Messages that this process has published on NATS as relay.", count(func(s feed.RelayStatus) int64 { return s.Sent }))
	m.counter("relay_messages_received_total", "Messages of the relay that this process has received over NATS.", count(func(s feed.RelayStatus) int64 { return s.Messages }))
	m.counter("relay_messages_refused_total", "Messages on NATS that were ignored: of another format, damaged, repeated, or not signed by the process that is the relay according to the database.",
		count(func(s feed.RelayStatus) int64 { return s.Refused }))
	m.counter("relay_holes_total", "Holes between messages of the relay that this process has read from the log.", count(func(s feed.RelayStatus) int64 { return s.Holes }))
}
