package native_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/realtime/ws/wstest"
)

// clientGroup is a group of clients of one live in this process. They count what they receive with as little CPU time
// as possible. A few of them, the probes, also measure the latency.
type clientGroup struct {
	t        testing.TB
	watchers []*rawClient
	reading  sync.WaitGroup
}

// rawClient is one client of a clientGroup.
type rawClient struct {
	conn   net.Conn
	in     *bufio.Reader
	probe  func(text []byte) (sent time.Time) // returns when the fact in a frame happened; nil for a client that only counts
	begins string                             // beginning of the frames that count as facts; "": all count
	each   string                             // text with which each fact of a frame begins; "": a frame has one fact
	got    atomic.Int64                       // number of received facts
	bytes  atomic.Int64                       // number of received bytes, including other frames
	paused atomic.Bool                        // whether the client has stopped reading
	wstest.Inflater

	mu   sync.Mutex
	took []time.Duration
	end  error
}

// probes is the number of clients in a group that measure the latency.
const probes = 10

// shortest is the size in bytes from which a frame counts as a fact.
const shortest = 64

// gather connects n clients, calls enter for each, and starts reading.
func gather(t testing.TB, n int, probe func([]byte) time.Time, enter func(*rawClient) error, addr string) *clientGroup {
	t.Helper()
	c := &clientGroup{t: t, watchers: make([]*rawClient, n)}
	t.Cleanup(c.leave)
	const atOnce = 50
	var dialing sync.WaitGroup
	failed := make(chan error, n)
	for part := range slices.Chunk(c.watchers, (n+atOnce-1)/atOnce) {
		dialing.Go(func() {
			for i := range part {
				w := &rawClient{}
				var err error
				if w.conn, err = net.Dial("tcp", addr); err == nil {
					part[i] = w
					w.in = bufio.NewReaderSize(w.conn, 16<<10)
					err = enter(w)
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	dialing.Wait()
	if len(failed) > 0 {
		t.Fatalf("client %d could not connect: %v", len(failed), <-failed)
	}
	for i, w := range c.watchers {
		if i%max(1, n/probes) == 0 {
			w.probe = probe
		}
		c.reading.Go(w.read)
	}
	return c
}

func (c *clientGroup) leave() {
	for _, w := range c.watchers {
		if w != nil {
			_ = w.conn.Close()
		}
	}
	c.reading.Wait()
}

// upgrade opens a WebSocket connection. Each header ends with a line break.
func (w *rawClient) upgrade(path, headers string) error {
	request := strings.Replace(wstest.UpgradeRequest, "/ws", path, 1) + headers + "\r\n"
	if _, err := io.WriteString(w.conn, request); err != nil {
		return err
	}
	for first := true; ; first = false {
		line, err := w.in.ReadString('\n')
		switch {
		case err != nil:
			return err
		case first && !strings.Contains(line, " 101 "):
			return fmt.Errorf("the server responded with %q", line)
		case line == "\r\n":
			return nil
		}
	}
}

// say sends a short text message.
func (w *rawClient) say(text string) error {
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
	_, err := w.conn.Write(frame)
	return err
}

// read counts facts until the connection ends.
func (w *rawClient) read() {
	var err error
	for err == nil {
		err = w.next()
		for w.paused.Load() {
			<-time.After(10 * time.Millisecond)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end = err
}

// next reads one frame.
func (w *rawClient) next() error {
	head, err := w.in.Peek(2)
	if err != nil {
		return err
	}
	opcode, packed, size, header := head[0]&0x0f, head[0]&0x40 != 0, int(head[1]), 2
	switch size {
	case 126:
		if head, err = w.in.Peek(4); err != nil {
			return err
		}
		size, header = int(binary.BigEndian.Uint16(head[2:])), 4
	case 127:
		if head, err = w.in.Peek(10); err != nil {
			return err
		}
		size, header = int(binary.BigEndian.Uint64(head[2:])), 10
	}
	if _, err := w.in.Discard(header); err != nil {
		return err
	}
	w.bytes.Add(int64(header + size))
	fact := opcode == wstest.OpText && (packed || size >= shortest)
	if fact && w.begins != "" {
		if head, err = w.in.Peek(len(w.begins)); err != nil {
			return err
		}
		fact = string(head) == w.begins
	}
	switch {
	case opcode == wstest.OpClose:
		payload := make([]byte, size)
		if _, err := io.ReadFull(w.in, payload); err != nil {
			return err
		}
		return fmt.Errorf("closed with %d %s", binary.BigEndian.Uint16(payload), payload[2:])
	case w.each != "":
		return w.several(size)
	case fact && w.probe != nil:
		err = w.look(size, packed)
	default:
		_, err = w.in.Discard(size)
	}
	if fact {
		w.got.Add(1)
	}
	return err
}

// several counts the facts in a frame, and records their latencies.
func (w *rawClient) several(size int) error {
	payload := make([]byte, size)
	if _, err := io.ReadFull(w.in, payload); err != nil {
		return err
	}
	facts := strings.Split(string(payload), w.each)[1:]
	for _, fact := range facts {
		if w.probe != nil {
			w.record(time.Since(w.probe([]byte(fact))))
		}
	}
	w.got.Add(int64(len(facts)))
	return nil
}

// look records the latency of a fact.
func (w *rawClient) look(size int, packed bool) error {
	payload := make([]byte, size)
	if _, err := io.ReadFull(w.in, payload); err != nil {
		return err
	}
	if packed {
		var err error
		if payload, err = w.Inflate(payload); err != nil {
			return err
		}
	}
	w.record(time.Since(w.probe(payload)))
	return nil
}

func (w *rawClient) record(took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.took = append(w.took, took)
}

// sent returns when the fact in a frame of the native dialect happened.
func sent(text []byte) time.Time {
	_, after, _ := bytes.Cut(text, []byte(`"at":"`))
	at, _, _ := bytes.Cut(after, []byte(`"`))
	t, err := time.Parse(time.RFC3339Nano, string(at))
	if err != nil {
		panic(fmt.Sprintf("%q: %v", text, err))
	}
	return t
}

// has reports whether every client has received at least n facts. It also returns the total.
func (c *clientGroup) has(n int64) (all bool, total int64) {
	all = true
	for _, w := range c.watchers {
		got := w.got.Load()
		total += got
		all = all && got >= n
	}
	return all, total
}

// least returns the number of facts that the slowest client has received.
func (c *clientGroup) least() int64 {
	n := c.watchers[0].got.Load()
	for _, w := range c.watchers {
		n = min(n, w.got.Load())
	}
	return n
}

// await waits until every client has received exactly n facts.
func (c *clientGroup) await(n int64) {
	c.t.Helper()
	deadline := time.Now().Add(2 * wstest.Timeout)
	for {
		all, total := c.has(n)
		if all && total == n*int64(len(c.watchers)) {
			return
		}
		if time.Now().After(deadline) || total > n*int64(len(c.watchers)) {
			c.t.Fatalf("%d clients got %d facts altogether, not %d each: %v", len(c.watchers), total, n, c.ends())
		}
		<-time.After(5 * time.Millisecond)
	}
}

// ends returns the errors with which connections ended.
func (c *clientGroup) ends() (ends []error) {
	for _, w := range c.watchers {
		w.mu.Lock()
		if w.end != nil {
			ends = append(ends, w.end)
		}
		w.mu.Unlock()
	}
	return ends
}

// traffic returns the number of bytes that all clients have received.
func (c *clientGroup) traffic() (n int64) {
	for _, w := range c.watchers {
		n += w.bytes.Load()
	}
	return n
}

// took returns and clears the latencies, shortest first.
func (c *clientGroup) took() (all []time.Duration) {
	for _, w := range c.watchers {
		w.mu.Lock()
		all = append(all, w.took...)
		w.took = nil
		w.mu.Unlock()
	}
	slices.Sort(all)
	return all
}

// percentile returns a percentile of sorted durations in milliseconds.
func percentile(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(len(sorted)-1, len(sorted)*percent/100)].Microseconds()) / 1000
}
