package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"roomlog/internal/tracing/tracetest"
	"roomlog/realtime/socketio/siotest"
)

// lastGift returns the id of the trace of the newest gift.
func lastGift(p *process) (trace string) {
	p.t.Helper()
	lines := strings.Split(strings.TrimSpace(p.roomlog("export", "--type", "gift.sent.v2")), "\n")
	var e struct {
		ID string `json:"event_id"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &e); err != nil {
		p.t.Fatal(err)
	}
	return strings.ReplaceAll(e.ID, "-", "")
}

// spanPaths returns the names of the spans of a trace, each with the names of its ancestors, sorted.
func spanPaths(spans []tracetest.Span, trace string) (paths []string) {
	byID := make(map[string]tracetest.Span)
	for _, s := range spans {
		if s.Trace() == trace {
			byID[s.ID()] = s
		}
	}
	for _, s := range byID {
		path := s.Name
		for parent, found := byID[s.Parent()]; found; parent, found = byID[parent.Parent()] {
			path = parent.Name + " > " + path
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// TestTraces checks that a gift is one trace on two nodes, for native and Socket.IO clients, that a REST request and a broadcast are traces,
// that spans contain no secret and no text, and that gifts go on without the collector.
func TestTraces(t *testing.T) {
	t.Parallel()
	receiver := tracetest.Start(t)
	env := append(withDatabase(t), "ROOMLOG_OTLP_ENDPOINT="+receiver.URL, "ROOMLOG_OTLP_SAMPLE_RATIO=1", "ROOMLOG_OTLP_HEADERS=authorization=Bearer%20key-of-the-collector")
	a := serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)
	b := serve(t, env, append([]string{"--data", dataDir(t), "--roles", "api,realtime"}, unhurried...)...)
	a.roomlog("gift", "add", "--name", "Rosamunde", "--coin", "30")
	anna, ben, vera, wim := join(t, a, "anneliese"), join(t, a, "benedikt"), join(t, a, "veronika"), join(t, b, "wilhelmina")
	ben.topUp(100, 1)
	live := anna.open("An evening with Anneliese")
	giver, viewerA, viewerB := ben.connect(""), vera.connect(""), wim.connect("")
	for _, s := range []*socket{giver, viewerA, viewerB} {
		enter(t, s, live, "")
	}
	isGift := func(f frame) bool { return f.Type == "gift" }

	t.Run("a gift over a native socket", func(t *testing.T) {
		giver.must("comment.post", map[string]any{"live": live, "text": "Guten Abend allerseits"}, "")
		giver.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 1}, "key-of-the-gift")
		viewerA.await("the gift", isGift)
		viewerB.await("the gift", isGift)
		trace := lastGift(a)
		root := "native gift.send > command gift.send > append"
		want := []string{
			"native gift.send", "native gift.send > command gift.send", root, root + " > project",
			root + " > release", root + " > release", root + " > release > push balance", root + " > release > push gift", root + " > release > push gift",
			"native gift.send > command gift.send > queue",
		}
		slices.Sort(want)
		spans := receiver.Await(strings.Join(want, "\n"), func(spans []tracetest.Span) bool { return len(spanPaths(spans, trace)) >= len(want) })
		if got := spanPaths(spans, trace); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		nodes := make(map[string]map[string]bool)
		for _, s := range spans {
			if s.Trace() != trace {
				continue
			}
			if nodes[s.Name] == nil {
				nodes[s.Name] = make(map[string]bool)
			}
			nodes[s.Name][s.Resource["service.instance.id"]] = true
			if s.EndTimeUnixNano < s.StartTimeUnixNano {
				t.Errorf("%s ends before it begins", s.Name)
			}
			if s.Name == "append" && (s.Attribute("roomlog.event.type") != "gift.sent.v2" || s.Attribute("roomlog.live.id") != live || s.Attribute("roomlog.batch.commands").(int64) < 1) {
				t.Errorf("append has %v", s.Attributes)
			}
		}
		for name, n := range map[string]int{"native gift.send": 1, "append": 1, "project": 1, "release": 2, "push gift": 2, "push balance": 1} {
			if len(nodes[name]) != n {
				t.Errorf("%s has spans of %d nodes, want %d", name, len(nodes[name]), n)
			}
		}
	})
	t.Run("a repeated gift", func(t *testing.T) {
		trace := lastGift(a)
		giver.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 1}, "key-of-the-gift")
		receiver.Await("a second request in the trace of the gift", func(spans []tracetest.Span) bool {
			paths := spanPaths(spans, trace)
			roots := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p != "native gift.send" })
			return len(roots) == 2 && slices.Contains(paths, "native gift.send > command gift.send")
		})
	})
	t.Run("a gift that is refused", func(t *testing.T) {
		if f, err := giver.ask("gift.send", map[string]any{"live": live, "gift": 1, "num": 99}, ""); err != nil || f.Type != "error" {
			t.Fatalf("the gift got %s %s %v", f.Type, f.Data, err)
		}
		receiver.Await("a failed gift", func(spans []tracetest.Span) bool {
			for _, s := range spans {
				if s.Name == "command gift.send" && s.GetStatus().GetMessage() == "coins_too_few" && s.Attribute("error.type") == "coins_too_few" {
					paths := spanPaths(spans, s.Trace())
					return slices.Equal(paths, []string{"native gift.send", "native gift.send > command gift.send", "native gift.send > command gift.send > queue"})
				}
			}
			return false
		})
	})
	t.Run("a gift over Socket.IO", func(t *testing.T) {
		gifts := func() int {
			return len(slices.DeleteFunc(viewerA.heard(), func(f frame) bool { return f.Type != "gift" }))
		}
		before := gifts()
		sio := siotest.Dial(t, "http://"+b.addr+"/socket.io/", siotest.Options{Version: 3})
		sio.Connect()
		sio.Emit("gift", map[string]any{"live_id": live, "gift_id": 1, "token": ben.token})
		eventually(t, "the gift arrives", func() bool { return gifts() == before+1 })
		trace := lastGift(a)
		receiver.Await("the gift over Socket.IO", func(spans []tracetest.Span) bool {
			paths := spanPaths(spans, trace)
			root := "socketio gift > command gift.send > append"
			pushes := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p != root+" > release > push gift" })
			return slices.Contains(paths, "socketio gift") && slices.Contains(paths, root+" > project") && len(pushes) == 2
		})
	})
	t.Run("a REST request", func(t *testing.T) {
		header := http.Header{"Content-Type": {"application/json"}, "Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "Tracestate": {"vendor=state-of-the-client"}}
		if status, raw := anna.do(http.MethodPost, "/api/live/create", header, []byte(`{"title":"Another evening","cover":""}`)); status != http.StatusOK {
			t.Fatalf("%d %s", status, raw)
		}
		var trace string
		receiver.Await("the request", func(spans []tracetest.Span) bool {
			for _, s := range spans {
				if s.Name == "POST /api/live/create" && len(s.Links) == 1 && fmt.Sprintf("%x", s.Links[0].TraceId) == "4bf92f3577b34da6a3ce929d0e0e4736" {
					trace = s.Trace()
				}
			}
			return slices.Contains(spanPaths(spans, trace), "POST /api/live/create > command live.create > append > project")
		})
		if trace == "4bf92f3577b34da6a3ce929d0e0e4736" {
			t.Error("the client has chosen the id of the trace")
		}
		eventually(t, "the log message of the request has the id of the trace", func() bool {
			return regexp.MustCompile(`msg="request completed".* path=/api/live/create .*trace_id=` + trace).MatchString(a.output())
		})
	})
	t.Run("a broadcast", func(t *testing.T) {
		file := film(t, 2)
		room := vera.create("On the road")
		if err := publish(t, file, a.rtmpURL(room)).wait(); err != nil {
			t.Fatal(err)
		}
		receiver.Await("the broadcast", func(spans []tracetest.Span) bool {
			for _, s := range spans {
				if s.Name == "broadcast start" {
					return slices.Contains(spanPaths(spans, s.Trace()), "broadcast start > command broadcast.start > append > project")
				}
			}
			return false
		})
	})
	t.Run("no secrets and no texts", func(t *testing.T) {
		raw := receiver.Raw()
		for _, secret := range []string{"Rosamunde", "anneliese", "Anneliese", "benedikt", "veronika", "wilhelmina", "Guten Abend", "Another evening", "On the road", "secret of",
			"key-of-the-gift", "key-of-the-collector", "state-of-the-client", anna.token, ben.token, "127.0.0.1", paymentSecret} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("the spans contain %q", secret)
			}
		}
		for _, h := range receiver.Headers() {
			if h.Get("Authorization") != "Bearer key-of-the-collector" {
				t.Errorf("the collector got %v", h)
			}
		}
		if strings.Contains(a.output()+b.output(), "key-of-the-collector") {
			t.Error("the log contains a header for the collector")
		}
	})
	t.Run("without the collector", func(t *testing.T) {
		if ben.metric("roomlog_trace_spans_sent_total") == 0 || ben.metric("roomlog_trace_spans_dropped_total") != 0 {
			t.Error("the metrics count no spans")
		}
		receiver.Refuse(func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		})
		ben.topUp(100, 1)
		failed := ben.metric("roomlog_trace_spans_failed_total")
		for range 10 {
			giver.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 1}, "")
		}
		eventually(t, "lost spans are counted", func() bool { return ben.metric("roomlog_trace_spans_failed_total") > failed })
		eventually(t, "the log names the reason", func() bool { return strings.Contains(a.output(), `msg="traces cannot be sent`) })
	})
	t.Run("a stop sends the spans that wait", func(t *testing.T) {
		receiver.Refuse(nil)
		giver.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 1}, "")
		trace := lastGift(a)
		if code := a.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if got := spanPaths(receiver.Spans(), trace); !slices.Contains(got, "native gift.send > command gift.send > append > release > push balance") {
			t.Errorf("received %v", got)
		}
	})
}
