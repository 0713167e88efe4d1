package main

import (
	"math"
	"runtime"
	"slices"
	"sort"
)

// costs are what one thing costs: seconds of CPU time, unless a comment says otherwise. Those of idle parts are for each second.
type costs struct {
	postgresIdle, postgresNode           float64 // without nodes; for each node
	postgresComment, postgresNodeComment float64
	firstIdle, firstComment              float64 // of the node that is the relay and the projector
	nodeIdle, nodeComment, nodePush      float64
	nodeAnnounce                         float64 // a node receives the announcement of another one
	natsIdle, natsComment                float64
	natsMessage                          float64 // NATS sends a message to a node
	readPush                             float64 // a viewer of this program reads a push

	commentMessages float64 // number of messages for each comment and receiver
	commentBytes    float64 // their bytes
	announceBytes   float64
	pushBytes       float64
	nodeSessions    float64 // sessions of PostgreSQL for each node
	sessionMemory   float64 // bytes of each session
	nodeMemory      float64 // bytes of a node

	arrivals    []float64 // seconds from the command to the arrival of its message at the only edge, for each comment
	competitors float64   // number of other programs with which the processes share the machine
}

// fit computes costs from four scenarios: one without nodes, one with many emulated edges that announce themselves, and two with the same
// number of nodes but different numbers of viewers. A cost that would be negative is too small to be measured and becomes zero.
func fit(alone, emulated, few, more *measurement) costs {
	var c costs
	n := float64(few.nodes)
	idle, comment := alone.perSecond(), alone.perComment()
	mean := func(of func(*measurement) float64) float64 { return (of(few) + of(more)) / 2 }
	c.postgresIdle, c.postgresComment = idle.postgres, comment.postgres
	c.postgresNode = atLeast0(mean(func(m *measurement) float64 { return m.perSecond().postgres })-idle.postgres) / n
	c.postgresNodeComment = atLeast0(mean(func(m *measurement) float64 { return m.perComment().postgres })-comment.postgres) / n
	c.firstIdle, c.firstComment = idle.first, comment.first
	c.nodeIdle = mean(func(m *measurement) float64 { return m.perSecond().nodes }) / n

	viewers := float64(more.viewers - few.viewers)
	c.nodePush = atLeast0(more.perComment().nodes-few.perComment().nodes) / n / viewers
	c.nodeComment = atLeast0(few.perComment().nodes/n - c.nodePush*float64(few.viewers))
	c.readPush = atLeast0(more.perComment().self-few.perComment().self) / n / viewers

	heard := announced(emulated.members()) - announced(alone.members())
	c.nodeAnnounce = atLeast0(emulated.perSecond().first-idle.first) / heard

	// Every node sends announcements to every node. The relay sends a heartbeat to every receiver while there are no comments.
	announcements := func(m *measurement) float64 { return float64(m.members()) * announced(m.members()) }
	bytes := func(m *measurement) float64 { return float64(m.idleSent.bytes) / m.idleTime }
	receivers := float64(few.receivers()) / float64(alone.receivers())
	c.announceBytes = atLeast0(bytes(few)-receivers*bytes(alone)) / (announcements(few) - receivers*announcements(alone))
	received := float64(few.comments * few.receivers())
	c.commentMessages = (float64(few.loadSent.messages) - announcements(few)*few.loadTime) / received
	c.commentBytes = (float64(few.loadSent.bytes) - announcements(few)*few.loadTime*c.announceBytes) / received

	// Both times with comments have the same number of comments.
	used := mean(func(m *measurement) float64 { return m.loadUsed.nats }) - alone.loadUsed.nats
	sent := mean(func(m *measurement) float64 { return float64(m.loadSent.messages) }) - float64(alone.loadSent.messages)
	c.natsMessage = atLeast0(used) / sent
	c.natsIdle = atLeast0(idle.nats - c.natsMessage*float64(alone.idleSent.messages)/alone.idleTime)
	known := c.natsIdle*alone.loadTime + c.natsMessage*float64(alone.loadSent.messages)
	c.natsComment = atLeast0(alone.loadUsed.nats-known) / float64(alone.comments)

	c.pushBytes = more.pushBytes
	c.nodeSessions = atLeast0(mean(func(m *measurement) float64 { return float64(m.sessions) })-float64(alone.sessions)) / n
	c.sessionMemory = more.sessionMemory / float64(more.sessions)
	c.nodeMemory = few.nodeMemory / n
	c.arrivals = alone.arrivals[0]
	half := quantile(slices.Clone(more.pushes), 0.5) - quantile(slices.Clone(c.arrivals), 0.5)
	c.competitors = competitors(more.nodes, c.perPush(more.viewers)*n*float64(more.viewers)/2/max(half, 1e-9))
	return c
}

// processors returns how many processors of this machine n nodes and their clients get, which are one more process, if each of them and
// each of their competitors gets the same.
func processors(n int, competitors float64) float64 {
	ours := float64(n + 1)
	return float64(runtime.NumCPU()) * ours / (ours + competitors)
}

// competitors returns how many competitors n nodes have that get some processors.
func competitors(n int, got float64) float64 {
	ours := float64(n + 1)
	return atLeast0(float64(runtime.NumCPU())*ours/got - ours)
}

// perPush returns the CPU time in seconds of one push on a machine that nodes with some viewers share with their viewers and NATS.
func (c *costs) perPush(viewers int) float64 {
	return c.nodePush + c.readPush + (c.nodeComment+c.commentMessages*c.natsMessage)/float64(viewers)
}

func atLeast0(x float64) float64 { return max(0, x) }

// announced returns the number of announcements that n nodes send in a second.
func announced(n int) float64 { return float64(n) / announceInterval(n).Seconds() }

// prediction is the usage of a platform with n nodes beside the first one.
type prediction struct {
	usage
	natsBytes float64 // that NATS sends
}

// predict computes what n nodes with some viewers each use in a time in which comments are posted, with
// one emulated edge that measures. The clients and other programs are not in it.
func (c *costs) predict(n, viewers, comments int, seconds float64) prediction {
	nodes, members := float64(n), float64(n+1)
	posted := float64(comments)
	return prediction{
		usage: usage{
			postgres: seconds*(c.postgresIdle+nodes*c.postgresNode) + posted*(c.postgresComment+nodes*c.postgresNodeComment),
			nats: seconds*(c.natsIdle+members*announced(n+1)*c.natsMessage) +
				posted*(c.natsComment+(members+probes)*c.commentMessages*c.natsMessage),
			first: seconds*(c.firstIdle+announced(n)*c.nodeAnnounce) + posted*c.firstComment,
			nodes: nodes * (seconds*(c.nodeIdle+announced(n)*c.nodeAnnounce) + posted*(c.nodeComment+float64(viewers)*c.nodePush)),
		},
		natsBytes: seconds*members*announced(n+1)*c.announceBytes + posted*(members+probes)*c.commentBytes,
	}
}

// A work is what a comment causes on a machine after its message has arrived: a fixed time, then pushes.
type work struct {
	fixed, push float64 // seconds; push: on one processor
	pushes      int
	processors  float64 // that share the pushes
}

// points is the number of pushes of each comment whose times pushTimes returns. They are spread evenly over all pushes.
const points = 10

// pushTimes simulates a machine that handles comments one after another. sent and arrivals contain the times in seconds at which each
// comment was sent and has arrived. It returns the times from the command to the push, of some of the pushes of each comment.
func pushTimes(sent, arrivals []float64, w work) []float64 {
	took := make([]float64, 0, len(sent)*points)
	free := math.Inf(-1)
	for k, arrived := range arrivals {
		start := max(arrived, free) + w.fixed
		whole := w.push * float64(w.pushes) / w.processors
		for i := range points {
			took = append(took, start+whole*(float64(i)+0.5)/points-sent[k])
		}
		free = start + whole
	}
	return took
}

// shared returns the push times if all nodes, their viewers, PostgreSQL and NATS share the machine on which the costs were measured. The
// work of all nodes for a comment is one queue, because the scheduler divides the processors between them.
func (c *costs) shared(sent []float64, n, viewers int) []float64 {
	arrivals := make([]float64, len(sent))
	for k := range sent {
		arrivals[k] = sent[k] + c.arrivals[k%len(c.arrivals)]
	}
	slices.Sort(arrivals) // a comment does not overtake another one
	return pushTimes(sent, arrivals, work{push: c.perPush(viewers), pushes: n * viewers, processors: processors(n, c.competitors)})
}

// apart returns the push times if each edge has a machine of its own. took contains for each edge the times from the commands to the
// arrivals of their messages.
func (c *costs) apart(sent []float64, took [][]float64, viewers int, processors float64) (times []float64) {
	arrivals := make([]float64, len(sent))
	for _, edge := range took {
		for k := range edge {
			arrivals[k] = sent[k] + edge[k]
		}
		times = append(times, pushTimes(sent, arrivals, work{fixed: c.nodeComment, push: c.nodePush, pushes: viewers, processors: processors})...)
	}
	return times
}

// quantile returns the value below which a part q of the values lies. It sorts them.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	return values[min(int(q*float64(len(values))), len(values)-1)]
}

// mostNodes returns the largest number of nodes, up to limit, with which a use that grows with their number is at most capacity. It
// reports false if it is so with limit nodes, too.
func mostNodes(use func(n int) float64, capacity float64, limit int) (n int, full bool) {
	n = sort.Search(limit+1, func(n int) bool { return use(n) > capacity }) - 1
	return max(n, 0), n < limit
}
