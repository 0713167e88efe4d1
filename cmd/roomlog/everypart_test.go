package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/eventstore/pgtest/failover"
	"roomlog/internal/natsconn/natstest"
	"roomlog/internal/wait"
)

// TestEveryPartIsKilledOnce plays a show on three nodes with two NATS servers, and a primary with a synchronous standby. Viewers of both
// dialects and players of the stream are on all nodes, the encoder on one. Each part is killed once and comes back: a node without a role
// of its own, the relay, the node with the encoder, each NATS server, the standby, the primary. Afterwards everything that was
// acknowledged is in the log once, and every viewer has received it once and in order.
func TestEveryPartIsKilledOnce(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	need(t, "node", "node")
	h := startScenario(t)
	relay, others := relayOf(t, h.servers)
	edge := others[0]
	if edge == h.origin {
		edge = others[1]
	}
	h.killNode("an edge", edge)
	h.killNode("the relay", relay)
	h.killNode("the node with the encoder", h.origin)
	for i, server := range h.nats {
		server.Stop()
		h.everybodyHearsNATS()
		h.recovers(fmt.Sprintf("without NATS server %d", i))
		server.Restart()
	}
	h.standby.Kill()
	eventually(t, "commands are refused without a standby", func() bool {
		return strings.Contains(h.servers[0].output(), "no synchronous standby confirms commits")
	})
	h.standby.Start()
	h.recovers("the standby was killed")

	h.database.Promote(h.standby)
	h.standby = h.database.Rejoin()
	h.standby.Synchronous()
	h.recovers("the primary was killed")

	h.judgeScenario()
}

// scenario is a deployment with a live, its viewers, its stream, and users who comment and send gifts.
type scenario struct {
	*load
	database *failover.Database
	standby  *failover.Standby
	nats     []*natstest.Server
	room     signedRoom
	streamer *person
	encoder  *running
	origin   *process // the node with the encoder
	players  []*flvPlayer
	viewers  []*socketViewer
	kills    map[*process]int
}

const (
	scenarioGivers   = 3
	scenarioCommands = 10_000 // limit of the commands of each giver, more than are sent
)

// startScenario starts the deployment of a show with all parts that can be killed.
func startScenario(t *testing.T) *scenario {
	h := &scenario{database: failover.Start(t)}
	h.standby = h.database.Standby()
	h.standby.Synchronous()
	h.database.Execute("GRANT pg_read_all_stats TO roomlog_serving") // for --require-synchronous
	one, two := natstest.Cluster(t)
	h.nats = []*natstest.Server{one, two}
	env := append([]string{"DATABASE_URL=" + h.database.HostsDSN(h.standby), "ROOMLOG_NATS_URL=" + one.URL + "," + two.URL}, sharedSecrets...)
	var servers []*process
	for range 3 {
		servers = append(servers, serve(t, env, append([]string{"--data", dataDir(t), "--require-synchronous", "--presence-grace", "10s", "--media-internal-addr", "127.0.0.1:0"}, scenarioSettings...)...))
	}
	_, others := relayOf(t, servers)
	h.begin(t, others, servers)
	return h
}

// scenarioSettings are settings of all nodes of a show.
var scenarioSettings = append([]string{"--stream-grace", "10m", "--comment-rate", "100000", "--comment-burst", "100000"}, unhurried...)

// begin begins the show. The encoder publishes at one of the nodes origins.
func (h *scenario) begin(t *testing.T, origins, servers []*process) {
	t.Helper()
	h.kills = make(map[*process]int)
	h.load = beginLoad(t, &steady{pace: 100 * time.Millisecond, over: make(chan struct{})}, scenarioGivers, 3, scenarioCommands, servers...)
	h.streamer = &person{t: t, at: servers[0], name: "streamer"}
	h.streamer.signIn()
	h.room = h.streamer.read(h.live)
	h.everybodyHearsNATS()
	h.encode(origins...)
	for i, at := range servers {
		viewer := join(t, at, fmt.Sprintf("viewer-%d", i))
		h.players = append(h.players, playAlways(t, at, viewer.read(h.live)))
		h.viewers = append(h.viewers, watchAlways(t, at, viewer, h.live))
	}
	h.recovers("the start")
}

// encode publishes the stream at one of several nodes, as encoders do that are given several addresses.
func (h *scenario) encode(at ...*process) {
	h.t.Helper()
	n := 0
	eventually(h.t, "the encoder publishes", func() bool {
		if h.encoder == nil || h.encoder.over() {
			h.origin = at[n%len(at)]
			n++
			h.encoder = publish(h.t, film(h.t, 2), h.origin.rtmpURL(h.room), "-stream_loop", "-1")
		}
		return (&person{t: h.t, at: h.origin}).metric("roomlog_media_publishers") == 1
	})
}

func (h *scenario) everybodyHearsNATS() {
	h.t.Helper()
	for _, p := range h.servers {
		p.receives(true)
	}
}

// killNode kills a node, waits until the others go on without it, and starts it again.
func (h *scenario) killNode(what string, dead *process) {
	h.t.Helper()
	ghost := join(h.t, dead, fmt.Sprint("ghost-", len(h.kills))) // is in the live when the node is killed, and does not come back
	enter(h.t, ghost.connect(""), h.live, "")
	dead.kill()
	h.kills[dead]++
	var others []*process
	for _, p := range h.servers {
		if p != dead {
			others = append(others, p)
		}
	}
	if dead == h.origin {
		h.encoder.awaitEnd()
		h.encode(others...)
	}
	h.streamer.at = others[0]
	h.goesOn(what+" is dead", others...)
	dead.again()
	dead.receives(true)
	h.recovers(what + " was killed")
}

// goesOn waits until each giver goes on, every native viewer has received what was acknowledged before, and the stream plays at the
// nodes that run.
func (h *scenario) goesOn(what string, running ...*process) {
	h.t.Helper()
	before := h.steady.done()
	eventually(h.t, what+": each giver goes on", func() bool {
		now := h.steady.done()
		for i := range scenarioGivers {
			if name := fmt.Sprint("giver-", i); now[name] < before[name]+5 {
				return false
			}
		}
		return true
	})
	last := h.last.Load()
	eventually(h.t, what+": each viewer has received what was acknowledged", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return !slices.ContainsFunc(h.watchers, func(l *line) bool { return l.at < last })
	})
	for _, p := range h.players {
		if slices.Contains(running, p.at) {
			p.gets(what)
		}
	}
}

// recovers waits until all users are at their nodes again, everything goes on, all nodes are ready, and each user is listed once.
func (h *scenario) recovers(what string) {
	h.t.Helper()
	h.steady.back.Add(1)
	eventually(h.t, what+": all users are back", func() bool { return h.steady.allBack(scenarioGivers + len(h.watchers)) })
	h.everybodyHearsNATS()
	h.goesOn(what, h.servers...)
	for i, p := range h.servers {
		eventually(h.t, fmt.Sprintf("%s: node %d is ready", what, i), func() bool {
			status, r := (&person{t: h.t, at: p}).ready()
			return status == http.StatusOK && r.Status == "ready"
		})
	}
	for _, v := range h.viewers {
		v.hears(what)
	}
	if h.encoder.over() {
		h.t.Errorf("%s: the encoder was disconnected", what)
	}
}

// judgeScenario ends the show, and compares everything with the log.
func (h *scenario) judgeScenario() {
	h.t.Helper()
	for i, p := range h.players {
		if got := p.connections.Load(); got != int64(1+h.kills[p.at]) {
			h.t.Errorf("the player at node %d was disconnected %d times, want %d", i, got-1, h.kills[p.at])
		}
	}
	want := decode(h.t, film(h.t, 2)).frames()
	for i, p := range h.players {
		pictures := decode(h.t, p.url(), "-t", "1").frames()
		if len(pictures) < 10 || slices.ContainsFunc(pictures, func(f shown) bool { return !slices.ContainsFunc(want, func(w shown) bool { return w.hash == f.hash }) }) {
			h.t.Errorf("node %d shows %d pictures, or others than the encoder sends", i, len(pictures))
		}
	}
	eventually(h.t, "the streams list one encoder, two relays, and each player once", func() bool {
		all := h.streamer.streams()
		return len(all) == 1 && all[0].Publishing && len(all[0].Relays) == 2 && all[0].Players["http-flv"] == len(h.players)
	})
	close(h.steady.over)
	h.streams.Wait()
	eventually(h.t, "only those are listed who are there", func() bool { return len(h.streamer.viewers(h.live)) == len(h.watchers)+len(h.viewers) })
	close(h.end)
	h.watches.Wait()

	h.compareWithLog()
	for _, v := range h.viewers {
		v.order(map[string]any{"quit": true})
	}
	eventually(h.t, "the live has no viewers", func() bool { return len(h.streamer.viewers(h.live)) == 0 })
	if out := h.servers[0].roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		h.t.Errorf("verify printed %s", out)
	}
	for i, p := range h.servers {
		if code := p.stop(); code != 0 {
			h.t.Errorf("node %d ended with exit code %d, want 0", i, code)
		}
	}
}

// logged is a gift or comment in the log.
type logged struct {
	Position int64
	Type     string
	Actor    string
	Data     struct{ Text string }
}

// compareWithLog compares acknowledgements, balances, and what all viewers have received with the log.
func (h *scenario) compareWithLog() {
	h.t.Helper()
	var positions []int64
	var order []string // the comments, and whose gifts
	names := make(map[string]string)
	for _, p := range h.givers {
		names[fmt.Sprint("user-", p.id)] = p.name
	}
	comments, gifts := make(map[string]int), make(map[string]int)
	for line := range strings.Lines(h.servers[0].roomlog("export")) {
		var e logged
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			h.t.Fatalf("%v in %s", err, line)
		}
		if e.Type != "gift.sent.v2" && e.Type != "comment.posted.v1" {
			continue
		}
		positions = append(positions, e.Position)
		if e.Type == "gift.sent.v2" {
			gifts[names[e.Actor]]++
			order = append(order, giftOf(names[e.Actor]))
		} else {
			order = append(order, e.Data.Text)
			if comments[e.Data.Text]++; comments[e.Data.Text] > 1 {
				h.t.Errorf("the comment %q is in the log twice", e.Data.Text)
			}
		}
		receipt, found := h.receipts[e.Position]
		if !found || e.Data.Text != "" && e.Data.Text != receipt {
			h.t.Errorf("position %d has %s %q, and was acknowledged as %q", e.Position, e.Type, e.Data.Text, receipt)
		}
	}
	if len(positions) != len(h.receipts) {
		h.t.Errorf("the log has %d gifts and comments, and %d were acknowledged", len(positions), len(h.receipts))
	}
	for _, p := range h.givers {
		p.at = h.servers[0]
		sent := (h.steady.done()[p.name] + 1) / 2 // every other command is a gift
		if got := gifts[p.name]; got != sent {
			h.t.Errorf("%s has sent %d gifts, want %d", p.name, got, sent)
		}
		if got, want := p.coins(), int64(30*(scenarioCommands-sent)); got != want {
			h.t.Errorf("%s has %d coins after %d gifts, want %d", p.name, got, sent, want)
		}
	}
	for i, l := range h.watchers {
		if !slices.Equal(l.facts, positions) {
			h.t.Errorf("watcher %d has received %d gifts and comments, not the %d of the log in their order", i, len(l.facts), len(positions))
		}
	}
	for _, v := range h.viewers {
		v.compare(order)
	}
}

// flvPlayer is an HTTP-FLV player that connects again whenever it is disconnected.
type flvPlayer struct {
	t           testing.TB
	at          *process
	room        signedRoom
	connections atomic.Int64 // number of responses that began
	bytes       atomic.Int64
}

func playAlways(t testing.TB, at *process, room signedRoom) *flvPlayer {
	p := &flvPlayer{t: t, at: at, room: room}
	ctx, cancel := context.WithCancel(context.Background())
	var playing sync.WaitGroup
	playing.Go(func() {
		for wait.Sleep(ctx, 50*time.Millisecond) {
			_ = p.play(ctx) // the node is killed
		}
	})
	t.Cleanup(func() { cancel(); playing.Wait() })
	return p
}

func (p *flvPlayer) url() string { return p.at.flvURL(p.room, ".flv") }

// play plays until the connection ends.
func (p *flvPlayer) play(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url(), nil)
	if err != nil {
		return err
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	p.connections.Add(1)
	buffer := make([]byte, 64<<10)
	for {
		n, err := response.Body.Read(buffer)
		p.bytes.Add(int64(n))
		if err != nil {
			return err
		}
	}
}

// gets waits until the player receives more of the stream than buffers on the way contain.
func (p *flvPlayer) gets(what string) {
	p.t.Helper()
	const seconds = 32 << 10
	before := p.bytes.Load()
	eventually(p.t, what+": the stream plays at "+p.at.addr, func() bool { return p.bytes.Load() > before+seconds })
}

// socketViewer is an official Socket.IO client that joins the live whenever it is connected, as apps do.
type socketViewer struct {
	*player
	user    *person
	live    int64
	periods [][]string // comments and gifts that each connection has received; guarded by the lock of the player
}

func watchAlways(t testing.TB, at *process, user *person, live int64) *socketViewer {
	v := &socketViewer{player: play(t, at, "2", "websocket"), user: user, live: live, periods: make([][]string, 1)}
	v.join()
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() { v.read(ctx) })
	t.Cleanup(func() { cancel(); reading.Wait() })
	return v
}

func (v *socketViewer) join() {
	v.emit("joinLive", map[string]any{"live_id": v.live, "token": v.user.token})
}

// read takes the reports of the player until ctx ends.
func (v *socketViewer) read(ctx context.Context) {
	for {
		v.mu.Lock()
		reports, changed := v.lines, v.changed
		v.lines = nil
		v.mu.Unlock()
		for _, r := range reports {
			v.take(ctx, r)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (v *socketViewer) take(ctx context.Context, r report) {
	switch {
	case r.Event == "connect":
		v.mu.Lock()
		v.periods, v.id = append(v.periods, nil), r.ID
		v.mu.Unlock()
		v.join()
		return
	case r.Event != "heard" || len(r.Args) < 2:
		return
	}
	var event string
	_ = json.Unmarshal(r.Args[0], &event) // a message without a name has no name below
	switch event {
	case "comment":
		v.add(decoded[shownComment](v.t, r).Content)
	case "gift":
		v.add(giftOf(decoded[shownGift](v.t, r).Username))
	case r.ID: // a refusal
		if no := decoded[shownNotice](v.t, r).Data.Payload; no != "系统繁忙，请稍后再试" {
			v.t.Errorf("%s is refused: %s", v.user.name, no)
		} else if wait.Sleep(ctx, 50*time.Millisecond) {
			v.join()
		}
	}
}

func (v *socketViewer) add(what string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	last := len(v.periods) - 1
	v.periods[last] = append(v.periods[last], what)
}

func decoded[T any](t testing.TB, r report) (v T) {
	t.Helper()
	if err := json.Unmarshal(r.Args[1], &v); err != nil {
		t.Errorf("%v in %s", err, r.Args[1])
	}
	return v
}

func giftOf(name string) string { return "a gift of " + name }

// hears waits until the viewer receives more.
func (v *socketViewer) hears(what string) {
	v.t.Helper()
	received := func() (n int) {
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, p := range v.periods {
			n += len(p)
		}
		return n
	}
	before := received()
	eventually(v.t, what+": "+v.user.name+" receives comments and gifts", func() bool { return received() >= before+5 })
}

// compare checks that each connection has received everything from some point to its end, in the order of the log, and the last
// connection everything to the end.
func (v *socketViewer) compare(log []string) {
	v.t.Helper()
	received := func() [][]string {
		v.mu.Lock()
		defer v.mu.Unlock()
		return slices.Clone(v.periods)
	}
	eventually(v.t, v.user.name+" has the last comment", func() bool {
		all := received()
		last := all[len(all)-1]
		return len(last) > 0 && last[len(last)-1] == log[len(log)-1]
	})
	all := received()
	for i, got := range all {
		first := slices.IndexFunc(got, func(s string) bool { return !strings.HasPrefix(s, giftOf("")) }) // comments differ from each other
		if first < 0 {
			if len(got) > 2*scenarioGivers || i == len(all)-1 {
				v.t.Errorf("connection %d of %s has no comment among %q", i, v.user.name, got)
			}
			continue
		}
		from := slices.Index(log, got[first]) - first
		if from < 0 || from+len(got) > len(log) || !slices.Equal(log[from:from+len(got)], got) || i == len(all)-1 && from+len(got) != len(log) {
			v.t.Errorf("connection %d of %s has not received a part of the log: %q", i, v.user.name, got)
		}
	}
}
