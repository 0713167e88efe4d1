package native_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The fan-out figures measure one live. The server runs in a separate process, so that its CPU time can be measured;
// the clients run in this process. All servers take turns in the same run.
const (
	rounds  = 3
	warmth  = 40 // number of facts that are sent before the measurement
	viewers = 1000
)

// contender is one of the servers that are compared.
type contender struct {
	kind    string // kind of server that the child runs
	headers string // HTTP headers that the clients send
	enter   func(*rawClient) error
	probe   func([]byte) time.Time
}

var (
	bare     = contender{kind: "bare"}
	window   = contender{kind: "room 50ms"}
	noWindow = contender{kind: "room -1ns"}
	packed   = contender{kind: "packed 50ms", headers: "Sec-WebSocket-Extensions: permessage-deflate\r\n"}
	sio      = contender{kind: "socketio 50ms", enter: enterSocketIO, probe: sentSocketIO}
	peer     = contender{kind: "centrifugo", enter: enterCentrifugo}
	node     = contender{kind: "node", enter: enterSocketIO, probe: sentSocketIO}
)

// result contains the resources that a contender used in one round.
type result struct {
	cpu      float64 // seconds of CPU time for a million deliveries
	p50, p99 float64 // latencies in milliseconds
	wire     float64 // number of bytes sent for a delivery
}

// open starts a contender and connects n clients to it.
func (c contender) open(b *testing.B, n int) (*child, *clientGroup) {
	var s *child
	switch c.kind {
	case "node":
		s = startNode(b)
	case "centrifugo":
		s = startCentrifugo(b)
	default:
		s = start(b, c.kind)
	}
	enter, probe := c.enter, c.probe
	if enter == nil {
		enter = func(w *rawClient) error { return w.upgrade("/ws", c.headers) }
	}
	if probe == nil {
		probe = sent
	}
	clients := gather(b, n, probe, enter, s.addr)
	s.holds(n)
	return s, clients
}

// measure publishes facts at a rate to n viewers for some seconds. It fails if a fact is lost.
func (c contender) measure(b *testing.B, n, rate, seconds int) result {
	s, clients := c.open(b, n)
	defer s.Stop()
	defer clients.leave()
	s.publish(rate, warmth)
	clients.await(warmth)
	clients.took()
	traffic, before := clients.traffic(), s.Usage()
	s.publish(rate, rate*seconds)
	clients.await(int64(warmth + rate*seconds))
	deliveries := float64(n * rate * seconds)
	took := clients.took()
	r := result{
		cpu: (s.Usage().CPU - before.CPU) / deliveries * 1e6,
		p50: percentile(took, 50), p99: percentile(took, 99),
		wire: float64(clients.traffic()-traffic) / deliveries,
	}
	b.Logf("%s, %d viewers, %d a second: %.2f CPU seconds for a million, p50 %.1f ms, p99 %.1f ms, %.0f bytes",
		c.kind, n, rate, r.cpu, r.p50, r.p99, r.wire)
	return r
}

// compete measures contenders in turns and returns the median of each.
func compete(b *testing.B, n, rate, seconds int, contenders ...contender) []result {
	all := make([][]result, len(contenders))
	for range rounds {
		for i, c := range contenders {
			all[i] = append(all[i], c.measure(b, n, rate, seconds))
		}
	}
	medians := make([]result, len(contenders))
	for i, results := range all {
		of := func(value func(result) float64) float64 {
			var values []float64
			for _, r := range results {
				values = append(values, value(r))
			}
			return middle(values)
		}
		medians[i] = result{
			of(func(r result) float64 { return r.cpu }), of(func(r result) float64 { return r.p50 }),
			of(func(r result) float64 { return r.p99 }), of(func(r result) float64 { return r.wire }),
		}
	}
	return medians
}

// BenchmarkFigureFanoutBusyRoom measures a live with 1000 viewers and 80 comments per second.
func BenchmarkFigureFanoutBusyRoom(b *testing.B) {
	for b.Loop() {
		r := compete(b, viewers, 80, 5, bare, window, noWindow, packed)
		bare, window, noWindow, packed := r[0], r[1], r[2], r[3]
		b.ReportMetric(window.cpu/bare.cpu, "fanout_window_ratio")
		b.ReportMetric(window.p50, "fanout_window_p50_ms")
		b.ReportMetric(window.p99, "fanout_window_p99_ms")
		b.ReportMetric(noWindow.cpu/bare.cpu, "fanout_no_window_ratio")
		b.ReportMetric(noWindow.p99/bare.p99, "fanout_no_window_p99_ratio")
		b.ReportMetric(packed.cpu/bare.cpu, "fanout_deflate_ratio")
		b.ReportMetric(packed.wire, "fanout_deflate_wire_bytes")
	}
}

// BenchmarkFigureCentrifugo compares the fan-out to 1000 viewers, 80 comments per second, with that of Centrifugo.
func BenchmarkFigureCentrifugo(b *testing.B) {
	for b.Loop() {
		r := compete(b, viewers, 80, 5, peer, window, noWindow)
		peer, window, noWindow := r[0], r[1], r[2]
		b.ReportMetric(window.cpu/peer.cpu, "centrifugo_window_ratio")
		b.ReportMetric(noWindow.cpu/peer.cpu, "centrifugo_no_window_ratio")
		b.ReportMetric(noWindow.p99/peer.p99, "centrifugo_no_window_p99_ratio")
	}
}

// BenchmarkFigureFanoutLargeRoom measures a live with 5000 viewers and few comments.
func BenchmarkFigureFanoutLargeRoom(b *testing.B) {
	for b.Loop() {
		r := compete(b, 5*viewers, 10, 6, bare, window)
		b.ReportMetric(r[1].cpu/r[0].cpu, "fanout_5000_ratio")
	}
}

// BenchmarkFigureSocketIO compares the CPU time per delivery with that of Socket.IO for Node.js, for 1000 Engine.IO 4
// clients and 80 comments per second.
func BenchmarkFigureSocketIO(b *testing.B) {
	for b.Loop() {
		r := compete(b, viewers, 80, 5, node, sio)
		b.ReportMetric(r[1].cpu/r[0].cpu, "socketio_node_ratio")
	}
}

// BenchmarkFigureFanoutMaxRate measures how many facts per second 1000 viewers can receive if nothing else limits the
// rate. A fact is published when the slowest viewer is not far behind.
func BenchmarkFigureFanoutMaxRate(b *testing.B) {
	const seconds, ahead = 4, 256
	most := func(c contender) float64 {
		s, clients := c.open(b, viewers)
		defer s.Stop()
		defer clients.leave()
		s.publish(80, warmth)
		clients.await(warmth)
		s.Send("flood %d %d", seconds, ahead)
		published := make(chan int64, 1)
		go func() {
			n, _ := strconv.ParseInt(s.Receive("published"), 10, 64)
			published <- n
		}()
		for start, delivered := time.Now(), int64(warmth); ; {
			select {
			case n := <-published:
				clients.await(warmth + n)
				rate := float64(n) * viewers / time.Since(start).Seconds()
				b.Logf("%s: %.0f deliveries a second", c.kind, rate)
				return rate
			case <-time.After(500 * time.Microsecond):
				if n := clients.least(); n > delivered {
					delivered = n
					s.Send("seen %d", delivered)
				}
			}
		}
	}
	for b.Loop() {
		var ours, theirs []float64
		for range rounds {
			theirs = append(theirs, most(bare))
			ours = append(ours, most(window))
		}
		b.ReportMetric(middle(ours)/middle(theirs), "fanout_max_rate_ratio")
	}
}

// BenchmarkFigureStalledReaders measures memory and latency in a live with 300 viewers and 200 facts of 4 KB per
// second, of which ten viewers stop reading.
func BenchmarkFigureStalledReaders(b *testing.B) {
	const people, stalled, rate, length = 300, 10, 200, 3900
	for b.Loop() {
		s, clients := window.open(b, people)
		defer s.Stop()
		defer clients.leave()
		s.Send("length %d", length)
		s.publish(rate, 8*rate) // until the recent facts of the channel fill their memory
		clients.await(8 * rate)
		clients.took()
		var calm, grown, after float64
		for range 5 {
			s.publish(rate, rate)
			calm = max(calm, s.Usage().Memory)
		}
		before := clients.took()
		lame := clients.watchers[1 : 1+stalled] // these clients are no probes
		for _, w := range lame {
			w.paused.Store(true)
		}
		start, kicked := time.Now(), 0.0
		for kicked == 0 && time.Since(start) < time.Minute {
			s.publish(rate, rate)
			gone := 0
			grown = max(grown, s.Usage(&gone).Memory)
			if gone == stalled {
				kicked = time.Since(start).Seconds()
			}
		}
		during := clients.took()
		for range 5 {
			s.publish(rate, rate)
			after = s.Usage().Memory
		}
		for _, w := range lame {
			w.paused.Store(false)
		}
		if kicked == 0 {
			b.Errorf("only %d of %d stalled readers were kicked", s.kicked(), stalled)
		}
		const mib = 1 << 20
		b.Logf("resident: calm %.1f MiB, with stalled readers %.1f, without them %.1f", calm/mib, grown/mib, after/mib)
		b.ReportMetric(max(0, grown-calm)/mib, "stalled_growth_mib")
		b.ReportMetric(kicked, "stalled_kick_seconds")
		b.ReportMetric(percentile(during, 99)/percentile(before, 99), "stalled_others_p99_ratio")
	}
}

// enterSocketIO connects a client of Engine.IO 4.
func enterSocketIO(w *rawClient) error {
	if err := w.upgrade("/socket.io/?EIO=4&transport=websocket", ""); err != nil {
		return err
	}
	if err := w.next(); err != nil { // reads the response to the handshake
		return err
	}
	if err := w.say("40"); err != nil {
		return err
	}
	if err := w.next(); err != nil { // reads the response to CONNECT
		return err
	}
	w.got.Store(0)
	return nil
}

// sentSocketIO returns when the fact in a frame of a Socket.IO server happened.
func sentSocketIO(text []byte) time.Time {
	_, after, _ := strings.Cut(string(text), `"at":"`)
	at, _, _ := strings.Cut(after, `"`)
	nanoseconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("%q: %v", text, err))
	}
	return time.Unix(0, nanoseconds)
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
