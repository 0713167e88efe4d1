package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"text/tabwriter"
)

// capacity is what each machine of the simulated platform has.
type capacity struct {
	processors, gigabits, sessions float64
}

// table returns a writer of columns that are separated by tabs. The caller flushes it.
func table(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0) }

// writeMeasurement writes one line for each time of a measurement.
func writeMeasurement(out io.Writer, m *measurement) {
	for _, part := range []struct {
		name    string
		seconds float64
		used    usage
		sent    traffic
	}{{"idle", m.idleTime, m.idleUsed, m.idleSent}, {fmt.Sprint(m.comments, " comments"), m.loadTime, m.loadUsed, m.loadSent}} {
		fmt.Fprintf(out, "  %s, %.1f s: CPU seconds of PostgreSQL %.3f, NATS %.3f, first node %.3f, other nodes %.3f, ",
			part.name, part.seconds, part.used.postgres, part.used.nats, part.used.first, part.used.nodes)
		others := max(0, part.used.machine-part.used.ours())
		fmt.Fprintf(out, "simulator %.3f, other programs %.2f; NATS sent %s\n", part.used.self, others, part.sent)
	}
	arrivals := flat(m.arrivals)
	fmt.Fprintf(out, "  from the command to the message at an edge: %s", percentiles(arrivals))
	if len(m.pushes) > 0 {
		fmt.Fprintf(out, "; to the push: %s", percentiles(slices.Clone(m.pushes)))
	}
	fmt.Fprintf(out, "; %d batches missing\n", m.holes)
}

// percentiles describes times in seconds. It sorts them.
func percentiles(seconds []float64) string {
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", 1e3*quantile(seconds, 0.5), 1e3*quantile(seconds, 0.99))
}

func flat(values [][]float64) (all []float64) {
	for _, v := range values {
		all = append(all, v...)
	}
	return all
}

// writeCosts writes what was measured with few nodes.
func writeCosts(out io.Writer, c costs) {
	fmt.Fprintln(out, "Costs, CPU in milliseconds")
	w := table(out)
	for _, row := range []struct {
		what string
		cost float64
	}{
		{"PostgreSQL for each second", c.postgresIdle},
		{"PostgreSQL for each node and second", c.postgresNode},
		{"PostgreSQL for each comment", c.postgresComment},
		{"PostgreSQL for each comment and node", c.postgresNodeComment},
		{"first node for each second", c.firstIdle},
		{"first node for each comment", c.firstComment},
		{"node for each second", c.nodeIdle},
		{"node for each comment", c.nodeComment},
		{"node for each push", c.nodePush},
		{"node for each announcement of another node", c.nodeAnnounce},
		{"NATS for each second", c.natsIdle},
		{"NATS for each comment", c.natsComment},
		{"NATS for each message to a node", c.natsMessage},
	} {
		fmt.Fprintf(w, "%s\t%.4f\n", row.what, 1e3*row.cost)
	}
	w.Flush()
	fmt.Fprintf(out, "NATS sends %.1f messages with %.0f bytes for each comment and receiver, ", c.commentMessages, c.commentBytes)
	fmt.Fprintf(out, "and %.0f bytes for each announcement and receiver. A push has %.0f bytes.\n", c.announceBytes, c.pushBytes)
	fmt.Fprintf(out, "A node has %.0f MB of memory, and %.1f sessions of %.1f MB at PostgreSQL. ",
		c.nodeMemory/1e6, c.nodeSessions, c.sessionMemory/1e6)
	fmt.Fprintf(out, "Other programs compete for the processors like %.1f nodes.\n\n", c.competitors)
}

// A comparison is a predicted and a measured value.
type comparison struct {
	what                string
	unit                string
	predicted, measured float64
}

// deviation returns by which part of the measured value the prediction is too high.
func (c comparison) deviation() float64 { return c.predicted/c.measured - 1 }

// compare predicts the run of real nodes m.
func compare(c costs, m *measurement) []comparison {
	p := c.predict(m.nodes, m.viewers, m.comments, m.loadTime)
	times := c.shared(m.sentAt, m.nodes, m.viewers)
	pushes := float64(len(m.pushes))
	return []comparison{
		{"CPU of PostgreSQL", "s", p.postgres, m.loadUsed.postgres},
		{"CPU of NATS", "s", p.nats, m.loadUsed.nats},
		{"CPU of the first node", "s", p.first, m.loadUsed.first},
		{"CPU of the other nodes", "s", p.nodes, m.loadUsed.nodes},
		{"CPU of the other nodes for each push", "µs", 1e6 * p.nodes / pushes, 1e6 * m.loadUsed.nodes / pushes},
		{"sent by NATS", "MB", p.natsBytes / 1e6, float64(m.loadSent.bytes) / 1e6},
		{"memory of a node", "MB", c.nodeMemory / 1e6, m.nodeMemory / float64(m.nodes) / 1e6},
		{"command to push, p50", "ms", 1e3 * quantile(times, 0.5), 1e3 * quantile(m.pushes, 0.5)},
		{"command to push, p99", "ms", 1e3 * quantile(times, 0.99), 1e3 * quantile(m.pushes, 0.99)},
	}
}

// writeCheck compares the prediction with a run of real nodes.
func writeCheck(out io.Writer, c costs, m *measurement) {
	fmt.Fprintf(out, "Check: %d real nodes with %d viewers each, %d comments in %.1f s, %d pushes; other programs used %.2f processors\n",
		m.nodes, m.viewers, m.comments, m.loadTime, len(m.pushes), m.others())
	w := table(out)
	fmt.Fprintln(w, "\tpredicted\tmeasured\tdeviation")
	for _, row := range compare(c, m) {
		fmt.Fprintf(w, "%s\t%.3g %s\t%.3g %s\t%+.0f %%\n", row.what, row.predicted, row.unit, row.measured, row.unit, 100*row.deviation())
	}
	w.Flush()
	fmt.Fprintln(out)
}

// A resource is used more with each node.
type resource struct {
	name, unit string
	use        func(n int) float64 // with n nodes beside the first one
	capacity   float64
}

// mostConsidered is the number of nodes above which nothing is predicted.
const mostConsidered = 100_000

// resources returns the resources of a platform whose nodes have some viewers each, while comments are posted at a rate.
func (c *costs) resources(viewers int, rate float64, has capacity) []resource {
	pushes := float64(viewers) * rate
	network := has.gigabits * 1e3
	bits := func(bytes float64) float64 { return 8 * bytes / 1e6 }
	line := func(fixed, node float64) func(int) float64 {
		return func(n int) float64 { return fixed + node*float64(n) }
	}
	announcements := func(fixed, each float64) func(int) float64 { // that one node receives
		return func(n int) float64 { return fixed + each*announced(n) }
	}
	allAnnouncements := func(each float64) func(int) float64 {
		return func(n int) float64 { return each * float64(n) * announced(n) }
	}
	return []resource{
		{"CPU of PostgreSQL", "processors",
			line(c.postgresIdle+rate*c.postgresComment, c.postgresNode+rate*c.postgresNodeComment), has.processors},
		{"sessions of PostgreSQL", "sessions", line(0, c.nodeSessions), has.sessions},
		{"memory of these sessions", "GB", line(0, c.nodeSessions*c.sessionMemory/1e9), math.Inf(1)},
		{"CPU of NATS, comments", "processors", line(c.natsIdle+rate*c.natsComment, rate*c.commentMessages*c.natsMessage), has.processors},
		{"CPU of NATS, announcements", "processors", allAnnouncements(c.natsMessage), has.processors},
		{"network of NATS, comments", "Mbit/s", line(0, bits(rate*c.commentBytes)), network},
		{"network of NATS, announcements", "Mbit/s", allAnnouncements(bits(c.announceBytes)), network},
		{"CPU of the first node", "processors", announcements(c.firstIdle+rate*c.firstComment, c.nodeAnnounce), has.processors},
		{"CPU of another node", "processors", announcements(c.nodeIdle+rate*c.nodeComment+pushes*c.nodePush, c.nodeAnnounce), has.processors},
		{"network of another node", "Mbit/s", announcements(bits(pushes*c.pushBytes+rate*c.commentBytes), bits(c.announceBytes)), network},
		{"memory of another node", "GB", line((c.nodeMemory+float64(viewers)*socketMemory)/1e9, 0), math.Inf(1)},
	}
}

// socketMemory is the memory in bytes of an idle WebSocket (docs/BENCH.md). It is too small to be measured here.
const socketMemory = 6.8e3

// writeSimulation writes what the emulated edges have measured, and what the nodes would use.
func writeSimulation(out io.Writer, c costs, m *measurement, has capacity) {
	n := m.edges
	fmt.Fprintf(out, "Simulation: %d emulated edges with %d viewers each, %d comments in %.1f s. ", n, m.viewers, m.comments, m.loadTime)
	fmt.Fprintf(out, "Each edge has received all of them in order, %d pushes are counted, %d batches were missing\n", m.counted, m.holes)
	arrivals := flat(m.arrivals)
	pushes := c.apart(m.sentAt, m.arrivals, m.viewers, has.processors)
	fmt.Fprintf(out, "From the command to the message at an edge, measured: %s\n", percentiles(arrivals))
	fmt.Fprintf(out, "From the command to the push, if each edge has %g processors: %s\n", has.processors, percentiles(pushes))
	used := m.loadUsed.times(1 / m.loadTime)
	fmt.Fprintf(out, "Of %d processors, PostgreSQL used %.2f, the first node %.2f, the simulator %.2f, other programs %.2f, ",
		runtime.NumCPU(), used.postgres, used.first, used.self, m.others())
	fmt.Fprintf(out, "NATS %.2f: %.1f µs for each message; NATS sent %.0f Mbit/s\n",
		used.nats, 1e6*m.loadUsed.nats/float64(m.loadSent.messages), 8*float64(m.loadSent.bytes)/m.loadTime/1e6)
	fmt.Fprintf(out, "\nPredicted use, %g comments per second, %d viewers at each node\n", m.rate, m.viewers)
	w := table(out)
	fmt.Fprintf(w, "\t20 nodes\t%d nodes\tfull at\n", n)
	for _, r := range c.resources(m.viewers, m.rate, has) {
		full := "–"
		if most, is := mostNodes(r.use, r.capacity, mostConsidered); is {
			full = fmt.Sprintf("%d nodes (%g %s)", most, r.capacity, r.unit)
		}
		fmt.Fprintf(w, "%s\t%.3g %s\t%.3g %s\t%s\n", r.name, r.use(20), r.unit, r.use(n), r.unit, full)
	}
	w.Flush()
}
