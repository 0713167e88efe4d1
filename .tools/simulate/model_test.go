package main

import (
	"math"
	"runtime"
	"slices"
	"testing"
	"time"
)

// trueCosts are costs whose measurements the tests compute.
func trueCosts() costs {
	return costs{
		postgresIdle: 0.005, postgresNode: 0.001, postgresComment: 0.004, postgresNodeComment: 0.0001,
		firstIdle: 0.006, firstComment: 0.004,
		nodeIdle: 0.004, nodeComment: 0.0005, nodePush: 20e-6, nodeAnnounce: 50e-6,
		natsIdle: 0.002, natsComment: 0.0003, natsMessage: 30e-6, commentMessages: 2,
		readPush: 10e-6, commentBytes: 900, announceBytes: 14, pushBytes: 213,
		nodeSessions: 5, sessionMemory: 2e6, nodeMemory: 60e6,
		arrivals: []float64{0.004, 0.005}, competitors: 6,
	}
}

// measured returns what a scenario measures if c is true. It has 10 s without comments, and 40 comments in 20 s.
func (c costs) measured(s scenario) *measurement {
	const idle, load, comments = 10, 20, 40
	m := &measurement{scenario: s, comments: comments, idleTime: idle, loadTime: load, arrivals: [][]float64{c.arrivals}}
	members, nodes := float64(s.members()), float64(s.nodes)
	second := usage{
		postgres: c.postgresIdle + nodes*c.postgresNode,
		nats:     c.natsIdle + members*announced(s.members())*c.natsMessage,
		first:    c.firstIdle + (announced(s.members())-1)*c.nodeAnnounce,
		nodes:    nodes * c.nodeIdle,
		self:     0.01,
	}
	comment := usage{
		postgres: c.postgresComment + nodes*c.postgresNodeComment,
		nats:     c.natsComment + float64(s.receivers())*c.commentMessages*c.natsMessage,
		first:    c.firstComment,
		nodes:    nodes * (c.nodeComment + float64(s.viewers)*c.nodePush),
		self:     0.001 + nodes*float64(s.viewers)*c.readPush,
	}
	m.idleUsed = second.times(idle)
	m.loadUsed = second.times(load).minus(comment.times(-comments))
	second.machine, comment.machine = second.ours()+0.5, comment.ours()
	m.idleUsed.machine = second.machine * idle
	m.loadUsed.machine = second.machine*load + comment.machine*comments
	announcements, received := members*announced(s.members()), comments*float64(s.receivers())
	m.idleSent = traffic{int64(announcements * idle), int64(announcements * idle * c.announceBytes)}
	m.loadSent.messages = int64(announcements*load + received*c.commentMessages)
	m.loadSent.bytes = int64(announcements*load*c.announceBytes + received*c.commentBytes)
	if s.viewers > 0 {
		for k := range comments {
			m.sentAt = append(m.sentAt, float64(k)/2)
		}
		pushes := c.shared(m.sentAt, s.nodes, s.viewers)
		for range s.nodes * s.viewers / points { // shared returns some of the pushes of each comment
			m.pushes = append(m.pushes, pushes...)
		}
	}
	m.sessions = 20 + int(nodes*c.nodeSessions)
	m.sessionMemory = float64(m.sessions) * c.sessionMemory
	m.nodeMemory = nodes * c.nodeMemory
	m.pushBytes = c.pushBytes
	return m
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Max(math.Abs(a), math.Abs(b)) }

func fitted(c costs) costs {
	return fit(c.measured(scenario{}), c.measured(scenario{edges: 100, announces: true}),
		c.measured(scenario{nodes: 4, viewers: 5}), c.measured(scenario{nodes: 4, viewers: 255}))
}

// TestFit checks that costs are found again in what they cause, and that the prediction with them is what they cause.
func TestFit(t *testing.T) {
	c := trueCosts()
	got := fitted(c)
	for name, pair := range map[string][2]float64{
		"postgresIdle": {got.postgresIdle, c.postgresIdle}, "postgresNode": {got.postgresNode, c.postgresNode},
		"postgresComment": {got.postgresComment, c.postgresComment}, "postgresNodeComment": {got.postgresNodeComment, c.postgresNodeComment},
		"firstIdle": {got.firstIdle, c.firstIdle}, "firstComment": {got.firstComment, c.firstComment},
		"nodeIdle": {got.nodeIdle, c.nodeIdle}, "nodeComment": {got.nodeComment, c.nodeComment}, "nodePush": {got.nodePush, c.nodePush},
		"nodeAnnounce": {got.nodeAnnounce, c.nodeAnnounce},
		"natsIdle":     {got.natsIdle, c.natsIdle}, "natsMessage": {got.natsMessage, c.natsMessage},
		"natsComment": {got.natsComment, c.natsComment}, "commentMessages": {got.commentMessages, c.commentMessages},
		"readPush":     {got.readPush, c.readPush},
		"commentBytes": {got.commentBytes, c.commentBytes}, "announceBytes": {got.announceBytes, c.announceBytes},
		"pushBytes":    {got.pushBytes, c.pushBytes},
		"nodeSessions": {got.nodeSessions, c.nodeSessions}, "sessionMemory": {got.sessionMemory, c.sessionMemory},
		"nodeMemory": {got.nodeMemory, c.nodeMemory},
	} {
		if !near(pair[0], pair[1]) {
			t.Errorf("%s is %g, want %g", name, pair[0], pair[1])
		}
	}
}

// TestCheck predicts a run that the costs cause, and one that costs more.
func TestCheck(t *testing.T) {
	c := trueCosts()
	c.nodeAnnounce = 0 // the number of members of a scenario of real nodes is in nodeIdle
	m := c.measured(scenario{nodes: 20, viewers: 50})
	for _, row := range compare(fitted(c), m) {
		if math.Abs(row.deviation()) > 0.05 { // the costs of pushes are found again with the median of few pushes
			t.Errorf("%s: %g is predicted, %g measured", row.what, row.predicted, row.measured)
		}
	}
	m.loadUsed.nodes *= 2
	if row := compare(fitted(c), m)[3]; row.what != "CPU of the other nodes" || !near(row.deviation(), -0.5) {
		t.Errorf("%+v deviates by %g, want -0.5", row, row.deviation())
	}
}

func TestProcessors(t *testing.T) {
	for _, n := range []int{1, 4, 20} {
		got := processors(n, 6)
		if want := float64(runtime.NumCPU()) * float64(n+1) / float64(n+7); !near(got, want) || !near(competitors(n, got), 6) {
			t.Errorf("%d nodes get %g processors, want %g, because of %g competitors", n, got, want, competitors(n, got))
		}
	}
	if got := competitors(4, 1000); got != 0 {
		t.Errorf("nodes that get more than the machine has have %g competitors", got)
	}
}

func TestPushTimes(t *testing.T) {
	// 100 pushes of 2 ms on two processors take 100 ms. The second comment waits for the first, the third does not wait.
	sent, arrivals := []float64{0, 0.05, 1}, []float64{0.01, 0.06, 1.02}
	got := pushTimes(sent, arrivals, work{fixed: 0.001, push: 0.002, pushes: 100, processors: 2})
	if len(got) != 3*points {
		t.Fatalf("%d times, want %d", len(got), 3*points)
	}
	for i, want := range map[int]float64{
		0: 0.01 + 0.001 + 0.005, points - 1: 0.01 + 0.001 + 0.095,
		points: 0.111 + 0.001 + 0.005 - 0.05, 2*points - 1: 0.111 + 0.001 + 0.095 - 0.05,
		2 * points: 0.02 + 0.001 + 0.005, 3*points - 1: 0.02 + 0.001 + 0.095,
	} {
		if !near(got[i], want) {
			t.Errorf("point %d: %g, want %g", i, got[i], want)
		}
	}
}

func TestApart(t *testing.T) {
	c := costs{nodeComment: 0.001, nodePush: 0.0001}
	got := c.apart([]float64{0, 1}, [][]float64{{0.01, 0.02}, {0.03, 0.04}}, 100, 4)
	if len(got) != 2*2*points {
		t.Fatalf("%d times, want %d", len(got), 2*2*points)
	}
	if q := quantile(got, 0); !near(q, 0.01+0.001+0.0025/points*0.5) {
		t.Errorf("the first push takes %g", q)
	}
	if q := quantile(got, 1); !near(q, 0.04+0.001+0.0025*(points-0.5)/points) {
		t.Errorf("the last push takes %g", q)
	}
}

func TestMostNodes(t *testing.T) {
	for _, tt := range []struct {
		fixed, linear, square float64
		most                  int
		full                  bool
	}{{1, 0.01, 0, 300, true}, {0, 0, 1e-6, 2000, true}, {4.1, 1, 0, 0, true}, {1, 0, 0, 10000, false}, {0, 0.5, 0, 8, true}} {
		use := func(n int) float64 { return tt.fixed + (tt.linear+tt.square*float64(n))*float64(n) }
		if most, full := mostNodes(use, 4+1e-9, 10000); most != tt.most || full != tt.full {
			t.Errorf("%+v: %d, %v", tt, most, full)
		}
	}
}

func TestAnnounced(t *testing.T) {
	for n, want := range map[int]float64{1: 1, 50: 50, 100: 50, 500: 50, 1000: 100} {
		if got := announced(n); !near(got, want) {
			t.Errorf("%d nodes send %g announcements in a second, want %g", n, got, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	got := [...]float64{quantile(values, 0), quantile(values, 0.5), quantile(values, 0.99)}
	if got != [...]float64{1, 3, 5} || !slices.IsSorted(values) {
		t.Errorf("%v of %v", got, values)
	}
	if !math.IsNaN(quantile(nil, 0.5)) {
		t.Error("no values have a quantile")
	}
}

func TestDurations(t *testing.T) {
	begun := time.Unix(100, 0)
	at := []time.Time{begun, begun.Add(time.Second)}
	first, second := arrival{0, begun.Add(time.Millisecond)}, arrival{1, begun.Add(time.Second + 3*time.Millisecond)}
	got, err := durations([]arrival{first, second}, at)
	if err != nil || !slices.Equal(got, []float64{0.001, 0.003}) {
		t.Errorf("%v, %v", got, err)
	}
	for name, bad := range map[string][]arrival{
		"one is missing": {first}, "out of order": {second, first}, "one came twice": {first, first}, "too many": {first, second, second},
	} {
		if _, err := durations(bad, at); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-edges", "7"}, t.Output())
	if err != nil || o.edges != 7 || o.viewers != 1000 || o.checkNodes != 20 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, bad := range [][]string{
		{"-edges", "0"}, {"-rate", "31"}, {"-rate", "0"}, {"-rate", "NaN"}, {"-load", "1ms"}, {"-check", "-1"}, {"-fit-edges", "1"},
	} {
		if _, err := parse(bad, t.Output()); err == nil {
			t.Errorf("accepted %v", bad)
		}
	}
}

func TestBusyOf(t *testing.T) {
	got, err := busyOf("cpu  100 20 30 4000 500 6 7 8 9 10")
	if err != nil || !near(got, 1.71) {
		t.Errorf("%g, %v", got, err)
	}
	if _, err := busyOf("intr 1 2 3 4 5 6 7 8 9"); err == nil {
		t.Error("accepted another line")
	}
	fields := statFields("12 (a ) b) S 1 12 12 0")
	if !slices.Equal(fields, []string{"S", "1", "12", "12", "0"}) {
		t.Errorf("%q", fields)
	}
}
