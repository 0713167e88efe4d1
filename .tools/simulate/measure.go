package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	settle      = 5 * time.Second // time between the start of the last edge and the measurement
	receiveWait = 2 * time.Minute // time in which the last comment must arrive everywhere
	probes      = 1               // emulated edges of a scenario that has none: they measure arrivals, and do not announce themselves
)

// scenario is one measurement: first a time without comments, then one with comments in one live at a steady rate.
type scenario struct {
	name       string
	nodes      int // processes with viewers, beside the first one
	viewers    int // viewers of each of them, or of each emulated edge
	edges      int // emulated edges
	announces  bool
	rate       float64 // comments per second
	idle, load time.Duration
}

// members returns the number of nodes that announce themselves over NATS.
func (s scenario) members() int {
	if s.announces {
		return 1 + s.nodes + s.edges
	}
	return 1 + s.nodes
}

// receivers returns the number of nodes that receive the messages of the relay.
func (s scenario) receivers() int { return 1 + s.nodes + max(s.edges, probes) }

// usage is CPU time in seconds.
type usage struct {
	postgres, nats, first, nodes, self, machine float64
}

func (u usage) minus(o usage) usage {
	return usage{u.postgres - o.postgres, u.nats - o.nats, u.first - o.first, u.nodes - o.nodes, u.self - o.self, u.machine - o.machine}
}

// times returns the usage of x times the time.
func (u usage) times(x float64) usage {
	return usage{u.postgres * x, u.nats * x, u.first * x, u.nodes * x, u.self * x, u.machine * x}
}

// ours returns the CPU time of all processes of the simulation.
func (u usage) ours() float64 { return u.postgres + u.nats + u.first + u.nodes + u.self }

// measurement is what a scenario has used and how long its comments took. Times are in seconds, sizes in bytes.
type measurement struct {
	scenario
	comments           int
	idleTime, loadTime float64
	idleUsed, loadUsed usage
	idleSent, loadSent traffic // what NATS has sent

	sentAt   []float64   // time of each comment after the first
	arrivals [][]float64 // emulated edge → comment → time from the command to its arrival
	pushes   []float64   // times from the command to the push, of all comments and viewers of real nodes
	counted  int64       // pushes to the viewers of emulated edges
	holes    int64

	sessions      int     // of PostgreSQL
	sessionMemory float64 // of all of them
	nodeMemory    float64 // resident memory of all real nodes beside the first one
	pushBytes     float64 // size of a push, mean
}

// perComment returns the usage of one comment beyond that of the time that passed.
func (m *measurement) perComment() usage {
	return m.loadUsed.minus(m.idleUsed.times(m.loadTime / m.idleTime)).times(1 / float64(m.comments))
}

// perSecond returns the usage of a second without comments.
func (m *measurement) perSecond() usage { return m.idleUsed.times(1 / m.idleTime) }

// others returns the processors that other programs have used while comments were sent.
func (m *measurement) others() float64 {
	return max(0, (m.loadUsed.machine-m.loadUsed.ours())/m.loadTime)
}

// crowd is what takes part in a scenario.
type crowd struct {
	p       *platform
	nodes   []*node
	edges   []*edge
	viewers []*socket
	sender  *socket
	live    int64

	toEdges, toViewers atomic.Int64 // comments received
}

// measure runs a scenario on a platform.
func measure(ctx context.Context, p *platform, s scenario) (_ *measurement, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &crowd{p: p}
	defer func() {
		for _, v := range append(c.viewers, c.sender) {
			if v != nil {
				_ = v.conn.NetConn().Close()
			}
		}
		err = errors.Join(err, stopAll(c.nodes))
	}()
	if c.nodes, err = p.startEdges(s.nodes); err != nil {
		return nil, err
	}
	if err := c.enterAll(s); err != nil {
		return nil, err
	}
	failed, err := c.emulate(ctx, s)
	if err != nil {
		return nil, err
	}
	m := &measurement{scenario: s}
	pause(ctx, settle)
	start, begun, sent, err := c.now()
	if err != nil {
		return nil, err
	}
	pause(ctx, s.idle)
	middle, idled, idleSent, err := c.now()
	if err != nil {
		return nil, err
	}
	m.idleTime, m.idleUsed, m.idleSent = idled.Sub(begun).Seconds(), middle.minus(start), idleSent.minus(sent)
	at, err := c.post(ctx, s)
	if err == nil {
		err = c.awaitAll(ctx, s, len(at), failed)
	}
	if err != nil {
		return nil, err
	}
	end, loaded, loadSent, err := c.now()
	if err != nil {
		return nil, err
	}
	m.loadTime, m.loadUsed, m.loadSent = loaded.Sub(idled).Seconds(), end.minus(middle), loadSent.minus(idleSent)
	m.comments = len(at)
	if m.sessions, m.sessionMemory, err = p.sessions(ctx); err != nil {
		return nil, err
	}
	for _, n := range c.nodes {
		size, err := memoryOf(strconv.Itoa(n.cmd.Process.Pid), "status", "VmRSS")
		if err != nil {
			return nil, err
		}
		m.nodeMemory += size
	}
	cancel()
	for range c.edges {
		if err := <-failed; err != nil {
			return nil, err
		}
	}
	return m, c.collect(m, at)
}

// pause waits for a time.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// now returns the CPU time and the traffic of NATS until now.
func (c *crowd) now() (u usage, at time.Time, sent traffic, err error) {
	at = time.Now()
	var errs [6]error
	u.postgres, errs[0] = postgresCPU(c.p.pg.PID())
	u.nats, errs[1] = cpuOf(c.p.nats.cmd.Process.Pid)
	u.first, errs[2] = cpuOf(c.p.first.cmd.Process.Pid)
	for _, n := range c.nodes {
		used, err := cpuOf(n.cmd.Process.Pid)
		u.nodes, errs[3] = u.nodes+used, errors.Join(errs[3], err)
	}
	u.self, errs[4] = cpuOf(os.Getpid())
	u.machine, errs[5] = machineCPU()
	sent, err = c.p.nats.sent()
	return u, at, sent, errors.Join(append(errs[:], err)...)
}

// enterAll creates a live, and lets the viewers of all nodes and the sender of the comments join it.
func (c *crowd) enterAll(s scenario) error {
	host, err := signUp(c.p.first.addr, fmt.Sprintf("host%d", c.p.started))
	if err != nil {
		return err
	}
	c.p.started++ // so that each scenario has a user of its own
	if c.live, err = host.goLive(); err != nil {
		return err
	}
	var ignored atomic.Int64
	if c.sender, err = enter(c.p.first.addr, host, c.live, &ignored); err != nil {
		return err
	}
	for _, n := range c.nodes {
		for range s.viewers {
			v, err := enter(n.addr, host, c.live, &c.toViewers)
			if err != nil {
				return err
			}
			c.viewers = append(c.viewers, v)
		}
	}
	return nil
}

// emulate starts the emulated edges. The channel receives the result of each when it ends.
func (c *crowd) emulate(ctx context.Context, s scenario) (<-chan error, error) {
	known := new(batches)
	all := subjects(c.p.store)
	n := max(s.edges, probes)
	failed := make(chan error, n)
	for i := range n {
		name := fmt.Sprintf("edge-%d", i)
		conn, r, err := dialNATS(c.p.nats.addr, name, all...)
		if err != nil {
			return nil, err
		}
		e := &edge{conn: conn, name: name, batches: known, viewers: s.viewers, at: -1, count: &c.toEdges}
		c.edges = append(c.edges, e)
		every := time.Duration(0)
		if s.announces {
			every = announceInterval(s.members())
		}
		go func() { failed <- e.run(ctx, r, all[1], every) }()
		pause(ctx, every/time.Duration(n)) // edges that announce themselves at one moment would be a burst
	}
	return failed, nil
}

// post sends comments at a steady rate and returns when each was sent.
func (c *crowd) post(ctx context.Context, s scenario) (at []time.Time, err error) {
	tick := time.NewTicker(time.Duration(float64(time.Second) / s.rate))
	defer tick.Stop()
	for len(at) < int(s.rate*s.load.Seconds()) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		number := len(at)
		at = append(at, time.Now())
		comment := map[string]any{"live": c.live, "text": textOf(number)}
		if err := c.sender.send("c", fmt.Sprint("k", number), "comment.post", comment); err != nil {
			return nil, err
		}
	}
	return at, nil
}

// awaitAll waits until every edge and every viewer has received all comments.
func (c *crowd) awaitAll(ctx context.Context, s scenario, comments int, failed <-chan error) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	expired := time.After(receiveWait)
	for c.toEdges.Load() < int64(len(c.edges)*comments) || c.toViewers.Load() < int64(len(c.viewers)*comments) {
		select {
		case <-tick.C:
		case err := <-failed:
			return fmt.Errorf("an edge has ended: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-expired:
			return fmt.Errorf("of %d comments, %d edges have received %d and %d viewers %d",
				comments, len(c.edges), c.toEdges.Load(), len(c.viewers), c.toViewers.Load())
		}
	}
	return nil
}

// collect moves what edges and viewers have received into m. It fails if a comment is missing, came twice or came out of order.
func (c *crowd) collect(m *measurement, at []time.Time) error {
	for _, t := range at {
		m.sentAt = append(m.sentAt, t.Sub(at[0]).Seconds())
	}
	for _, e := range c.edges {
		took, err := durations(e.received, at)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		m.arrivals = append(m.arrivals, took)
		m.holes += e.holes
		if m.edges > 0 {
			m.counted += e.pushes
		}
	}
	size := int64(0)
	for i, v := range c.viewers { // awaitAll has seen what their goroutines have written
		took, err := durations(v.received, at)
		size += v.bytes
		if err != nil {
			return fmt.Errorf("viewer %d: %w", i, err)
		}
		m.pushes = append(m.pushes, took...)
	}
	if len(m.pushes) > 0 {
		m.pushBytes = float64(size) / float64(len(m.pushes))
	}
	return nil
}

// durations returns how long each comment took. The comments must be complete and in order.
func durations(received []arrival, at []time.Time) ([]float64, error) {
	if len(received) != len(at) {
		return nil, fmt.Errorf("%d comments arrived, want %d", len(received), len(at))
	}
	took := make([]float64, len(at))
	for i, a := range received {
		if a.number != i {
			return nil, fmt.Errorf("comment %d arrived as number %d", a.number, i)
		}
		took[i] = a.at.Sub(at[i]).Seconds()
	}
	return took, nil
}
