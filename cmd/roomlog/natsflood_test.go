package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"roomlog/internal/natsconn/natstest"
)

const (
	floodRounds = 60         // each sends about ten messages
	floodLarge  = 1000 << 10 // size in bytes of a large message; the NATS server permits 1 MB
	floodHeap   = 256 << 20  // most bytes in the heap of a node at any moment
	floodRest   = 80 << 20   // most bytes in the heap of a node after the flood
)

// foreign is a client of NATS with the credentials of the nodes. It receives everything that they send, and publishes on their subjects.
type foreign struct {
	t      *testing.T
	conn   *nats.Conn
	heard  *nats.Subscription
	prefix string // begins all subjects of the nodes
	chance *rand.Rand
	copies []*nats.Msg // messages of the nodes, the newest last
}

// intrude connects a client, and waits until it has heard the relay.
func intrude(t *testing.T, server *natstest.Server) *foreign {
	t.Helper()
	conn, err := nats.Connect(server.URL, nats.NoEcho(), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	f := &foreign{t: t, conn: conn, chance: rand.New(rand.NewPCG(1, 2))}
	if f.heard, err = conn.SubscribeSync("roomlog.>"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the foreign client hears the relay", func() bool {
		f.listen()
		return slices.ContainsFunc(f.copies, func(m *nats.Msg) bool { return strings.HasSuffix(m.Subject, ".feed") })
	})
	store, _, _ := strings.Cut(strings.TrimPrefix(f.copies[0].Subject, "roomlog."), ".")
	f.prefix = "roomlog." + store + "."
	return f
}

// listen keeps some of the messages that have arrived.
func (f *foreign) listen() {
	for waiting, _, _ := f.heard.Pending(); waiting > 0; waiting-- {
		m, err := f.heard.NextMsg(time.Millisecond)
		if err != nil {
			continue // the client was too slow
		}
		f.copies = append(f.copies[max(0, len(f.copies)-500):], m)
	}
}

// send publishes a message on a subject of the nodes.
func (f *foreign) send(subject, reply string, header nats.Header, data []byte) {
	if err := f.conn.PublishMsg(&nats.Msg{Subject: subject, Reply: reply, Header: header, Data: data}); err != nil && f.t.Context().Err() == nil {
		f.t.Errorf("publish on %s: %v", subject, err)
	}
}

// flood sends one round: copies of messages of the nodes, the same with changes, and messages that no node sends.
func (f *foreign) flood(round int) {
	f.listen()
	copied := f.copies[f.chance.IntN(len(f.copies))]
	f.send(copied.Subject, copied.Reply, copied.Header, copied.Data)
	for _, change := range []func(map[string]any){
		func(m map[string]any) { m["number"] = 1 << 60 },
		func(m map[string]any) { m["number"], m["after"], m["checkpoint"] = 1<<60, 1<<60, 1<<60+1 },
		func(m map[string]any) { m["number"], m["tables"], m["held"] = 1<<60, 1<<60, true },
		func(m map[string]any) { m["number"], m["checkpoint"] = 1<<60, 1<<60 },
		func(m map[string]any) { m["program"] = "another" },
		func(m map[string]any) { m["events"] = "none" },
	} {
		var m map[string]any
		if strings.HasSuffix(copied.Subject, ".feed") && json.Unmarshal(copied.Data, &m) == nil {
			change(m)
			changed, err := json.Marshal(m)
			if err != nil {
				f.t.Error(err)
			}
			f.send(copied.Subject, "", copied.Header, changed)
		}
	}
	cut := slices.Clone(copied.Data[:f.chance.IntN(len(copied.Data)+1)])
	for i := range cut {
		if f.chance.IntN(20) == 0 {
			cut[i] ^= byte(1 << f.chance.IntN(8))
		}
	}
	f.send(copied.Subject, "", copied.Header, cut)
	topics := []string{
		"chat.typing", "socketio.sockets", "socketio.target", "connections", "media.streams", "media.player", "cluster.nats_lost", "unknown",
	}
	topic := topics[round%len(topics)]
	id := strings.NewReplacer("0", "A", "1", "B", "8", "C", "9", "D").Replace(fmt.Sprintf("%026X", round)) // as a node makes it
	f.send(f.prefix+"cluster.messages", "", nil, []byte(topic+"\n[{},{\"r\":\"x\",\"f\":\"nobody\"}]"))
	f.send(f.prefix+"cluster.messages", "", nil, []byte("survey:"+topic+"\n"+id+" 1"))
	f.send(f.prefix+"cluster.messages", "", nil, []byte("survey:"+topic+"\nan id * of > nobody\r\n"))
	f.send(f.prefix+"cluster.alive", "", nil, fmt.Append(nil, "node ", round))
	f.send(f.prefix+"cluster.left", "", nil, copied.Data)
	f.send(f.prefix+"cluster.ping", f.prefix+"feed", nil, nil)
	if round%2 == 0 {
		f.large(round)
	}
}

// large sends messages of the largest size on all subjects.
func (f *foreign) large(round int) {
	fill := func(begin, fill string) []byte {
		return append([]byte(begin), bytes.Repeat([]byte(fill), (floodLarge-len(begin))/len(fill))...)
	}
	unique := fmt.Sprint("x", round)
	for subject, data := range map[string][]byte{
		"feed":          fill(`{"format":1,"events":[`, "{},"),
		"cluster.alive": fill(unique, "x"),
		"cluster.left":  fill(unique, "x"),
		"cluster.messages": [][]byte{
			append(fill("copy:"+unique, "X"), ":chat.typing\n[]"...), fill("copy:"+unique+":chat.typing\n[", "{},"),
			append(fill("survey:connections\n"+unique, "X"), " {}"...), append(fill("survey:"+unique, "x"), "\nX {}"...),
		}[round/2%4],
	} {
		f.send(f.prefix+subject, "", nil, data)
	}
	f.send(f.prefix+"feed", "", nil, fill("", "["))
	f.send(f.prefix+"cluster.messages", "", nats.Header{"Any": {string(fill("", "h"))}}, nil)
	for _, m := range f.copies {
		if strings.Contains(m.Subject, ".inbox.") {
			f.send(m.Subject, "", nats.Header{"Node": {unique}, "Part": {"0"}, "Parts": {"1"}}, fill("", "r"))
		}
	}
	if err := f.conn.FlushTimeout(timeout); err != nil {
		f.t.Error(err)
	}
}

// TestNATSUnderForeignFlood lets a client of the same NATS send what it likes to two nodes, while users send gifts and watch. Every viewer
// receives every gift once and in order, the memory of the nodes is bounded, and afterwards they receive over NATS and reply to surveys.
func TestNATSUnderForeignFlood(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t)
	env := append(withDatabase(t), "ROOMLOG_NATS_URL="+server.URL)
	var servers []*process
	for range 2 {
		servers = append(servers, serve(t, env, append([]string{"--data", dataDir(t), "--presence-grace", "1m"}, unhurried...)...))
	}
	for _, p := range servers {
		p.receives(true)
	}
	var most, rest float64
	heaps := func() {
		rest = 0
		for _, p := range servers {
			rest = max(rest, (&person{t: t, at: p}).metric("go_memstats_heap_alloc_bytes"))
		}
		most = max(most, rest)
	}
	users := &steady{pace: 100 * time.Millisecond, gifts: true, over: make(chan struct{})}
	c := beginLoad(t, users, 10, 10, 20_000, servers...)
	f := intrude(t, server)
	for round := range floodRounds {
		f.flood(round)
		if round%25 == 0 {
			heaps()
		}
	}
	c.more(100) // also after the flood
	close(users.over)
	c.judge()
	for _, p := range servers {
		p.receives(true)
		probe := &person{t: t, at: p}
		if refused := probe.metric("roomlog_relay_messages_refused_total"); refused == 0 {
			t.Error("the node has refused no message")
		}
		eventually(t, "the node is ready", func() bool { status, r := probe.ready(); return status == 200 && r.Status == "ready" })
	}
	relayOf(t, servers)
	holes := (&person{t: t, at: servers[0]}).metric("roomlog_relay_holes_total")
	eventually(t, "the heap is small again", func() bool { heaps(); return rest <= floodRest })
	t.Logf("heap: at most %.0f MB, then %.0f MB; %.0f holes", most/1e6, rest/1e6, holes)
	if most > floodHeap {
		t.Errorf("the heap of a node had %.0f MB", most/1e6)
	}
	eventually(t, "both nodes reply to a survey", func() bool {
		_, missing, code := servers[0].run("sockets")
		return code == 0 && !strings.Contains(missing, "did not reply")
	})
}
