package main_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"roomlog/internal/natsconn/natstest"
	"roomlog/internal/tracing/tracetest"
)

// receives waits until a server receives over NATS, or no longer.
func (p *process) receives(over bool) {
	p.t.Helper()
	probe := &person{t: p.t, at: p}
	eventually(p.t, fmt.Sprintf("the server receives over NATS: %v", over), func() bool { return (probe.metric("roomlog_relay_received") == 1) == over })
}

// relayOf waits until one of the servers is the relay, and returns it and the others.
func relayOf(t testing.TB, servers []*process) (relay *process, others []*process) {
	t.Helper()
	eventually(t, "a server is the relay", func() bool {
		relay, others = nil, nil
		for _, p := range servers {
			if (&person{t: t, at: p}).metric("roomlog_relay_active") == 1 {
				relay = p
			} else {
				others = append(others, p)
			}
		}
		return relay != nil
	})
	return relay, others
}

// TestNATSUnderLoad kills and freezes the relay, and stops NATS servers, while users send gifts on three servers. Every viewer receives every
// fact once and in order. Afterwards a gift on one server is one trace with its push on another, to which it came over NATS.
func TestNATSUnderLoad(t *testing.T) {
	t.Parallel()
	one, two := natstest.Cluster(t)
	collector := tracetest.Start(t)
	env := append(withDatabase(t), "ROOMLOG_NATS_URL="+one.URL+","+two.URL, "ROOMLOG_OTLP_ENDPOINT="+collector.URL, "ROOMLOG_OTLP_SAMPLE_RATIO=1")
	var servers []*process
	for range 3 {
		servers = append(servers, serve(t, env, append([]string{"--data", dataDir(t), "--presence-grace", "1m"}, unhurried...)...))
	}
	for _, p := range servers {
		p.receives(true)
	}
	c := startLoad(t, 3, 3, 60, servers...)
	c.middle(0, 3)
	relay, _ := relayOf(t, servers)
	relay.kill()
	c.middle(1, 3)
	relay.again()
	one.Stop()
	c.middle(2, 3)
	one.Restart()
	c.judge()

	for _, p := range servers {
		p.receives(true)
	}
	relay, others := relayOf(t, servers)
	messages, err := two.Connect().SubscribeSync("roomlog.*.feed")
	if err != nil {
		t.Fatal(err)
	}
	next := func() (relay string) {
		t.Helper()
		m, err := messages.NextMsg(timeout)
		if err != nil {
			t.Fatal(err)
		}
		relay = m.Header.Get("Relay")
		if relay == "" {
			t.Fatal("a message names no relay")
		}
		return relay
	}
	former := next()
	relay.signal(syscall.SIGSTOP)
	relayOf(t, others)
	for next() == former {
	}
	relay.signal(syscall.SIGCONT)
	relay.receives(true)
	eventually(t, "the former relay has ended", func() bool { return (&person{t: t, at: relay}).metric("roomlog_relay_active") == 0 })
	for pending, _, _ := messages.Pending(); pending > 0; pending-- {
		if next() == former {
			t.Error("the former relay has published after the new one")
		}
	}
	anna := join(t, others[0], "anna")
	live := anna.open("after the freeze")
	anna.at = relay
	viewer := anna.connect("")
	enter(t, viewer, live, "")
	anna.at = others[0]
	anna.topUp(10_000, 1)
	giver := anna.connect("")
	tracedOverNATS(t, collector, len(servers), func() (trace string) {
		sent := into[purse](t, giver.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 1}, ""))
		viewer.await("the gift", func(f frame) bool { return f.Type == "gift" && f.Pos == sent.Pos })
		return lastGift(relay)
	})

	one.Stop()
	two.Stop()
	others[0].receives(false)
	if status, r := anna.ready(); status != 200 || r.Status != "degraded" || !strings.Contains(r.Checks["nats"], "no connection to a NATS server") {
		t.Errorf("without NATS: %d %+v, want degraded", status, r)
	}
	if out := relay.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Error(out)
	}
}

// tracedOverNATS checks that the trace of a gift has the request, the commit, the tables, the message of the relay, the release of every
// server, and the push on another server than that of the request. A server drops spans that it cannot send in time, so another gift is
// sent until the spans of one have arrived.
func tracedOverNATS(t *testing.T, collector *tracetest.Receiver, servers int, gift func() (trace string)) {
	t.Helper()
	const root = "native gift.send > command gift.send > append"
	want := []string{"native gift.send", "native gift.send > command gift.send", "native gift.send > command gift.send > queue", root, root + " > project", root + " > relay",
		root + " > release > push gift", root + " > release > push balance", root + " > release > push balance"}
	for range servers {
		want = append(want, root+" > release")
	}
	slices.Sort(want)
	var sent []string
	var spans []tracetest.Span
	var trace string // the first with all spans
	eventually(t, strings.Join(want, "\n"), func() (ok bool) {
		sent = append(sent, gift())
		spans, ok = collector.Within(10*time.Second, func(spans []tracetest.Span) bool { // time passes: then a gift is sent that is not needed
			i := slices.IndexFunc(sent, func(trace string) bool { return len(spanPaths(spans, trace)) >= len(want) })
			if i >= 0 {
				trace = sent[i]
			}
			return i >= 0
		})
		if !ok {
			t.Logf("got only\n%s", strings.Join(spanPaths(spans, sent[len(sent)-1]), "\n"))
		}
		return ok
	})
	if got := spanPaths(spans, trace); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	nodes := make(map[string][]string)
	for _, s := range spans {
		if node := s.Resource["service.instance.id"]; s.Trace() == trace && (s.Name == "release" || !slices.Contains(nodes[s.Name], node)) {
			nodes[s.Name] = append(nodes[s.Name], node) // a span that was sent again is in spans twice
		}
	}
	if slices.Sort(nodes["release"]); len(slices.Compact(nodes["release"])) != servers || slices.Equal(nodes["push gift"], nodes["native gift.send"]) {
		t.Errorf("the spans belong to the servers %v", nodes)
	}
}
