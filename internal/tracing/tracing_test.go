package tracing_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"roomlog/internal/clocktest"
	"roomlog/internal/logtest"
	"roomlog/internal/tracing"
	"roomlog/internal/tracing/tracetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a tracer whose Run ends when stop is called.
func open(t *testing.T, c tracing.Config) (tracer *tracing.Tracer, stop func()) {
	t.Helper()
	if c.Now == nil {
		c.Now = time.Now
	}
	tracer, err := tracing.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tracer.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ended <- nil
	}
	t.Cleanup(stop)
	return tracer, stop
}

func newEvent(t *testing.T, position int64) tracing.Event {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return tracing.Event{ID: id, Type: "gift.sent.v2", Position: position, Live: 6}
}

func hexOf(id uuid.UUID) string { return strings.ReplaceAll(id.String(), "-", "") }

func settingsOf(url string, ratio float64) tracing.Settings {
	return tracing.Settings{OTLPEndpoint: url, OTLPSampleRatio: ratio}
}

// TestOneTrace checks that the spans of an event that two processes record form one tree, and what they contain.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	receiver := tracetest.Start(t)
	clock := clocktest.New()
	start := clock.Now()
	a, stopA := open(t, tracing.Config{Settings: settingsOf(receiver.URL, 1), Version: "v1", Instance: "node-a", Now: clock.Now, Skew: func() time.Duration { return time.Hour }})
	b, stopB := open(t, tracing.Config{Settings: settingsOf(receiver.URL+"/", 1), Instance: "node-b", Now: clock.Now})
	header := http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"}}
	ctx, request := a.StartHTTP(t.Context(), header)
	gift, other := newEvent(t, 132), newEvent(t, 133)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	batch := &tracing.Batch{Begun: at(3), Ended: at(7), Commands: 5, Events: 9}
	a.Command(ctx, tracing.Command{Type: "gift.send", Begun: at(1), Ended: at(8), Batch: batch, Events: []tracing.Event{gift, other}})
	clock.Forward(9 * time.Millisecond)
	request.End("native", "gift.send", "")
	a.Projected(gift, 9, at(10), at(20))
	b.Released(gift, at(11), at(12))
	b.Pushed(gift, "gift", at(12), at(11)) // the clock has stepped back
	stopA()
	stopB()
	spans := make(map[string]tracetest.Span)
	for _, s := range receiver.Spans() {
		name := s.Name
		if s.Trace() == hexOf(other.ID) {
			name += " of the other event"
		} else if s.Trace() != hexOf(gift.ID) {
			t.Errorf("%s is in the trace %s, want %s", s.Name, s.Trace(), hexOf(gift.ID))
		}
		spans[name] = s
	}
	for name, want := range map[string]struct {
		parent, node string
		begun, took  int // ms
	}{
		"native gift.send":          {"", "node-a", 0, 9},
		"command gift.send":         {"native gift.send", "node-a", 1, 7},
		"queue":                     {"command gift.send", "node-a", 1, 2},
		"append":                    {"command gift.send", "node-a", 3, 4},
		"append of the other event": {"", "node-a", 3, 4},
		"project":                   {"append", "node-a", 10, 10},
		"release":                   {"append", "node-b", 11, 1},
		"push gift":                 {"release", "node-b", 12, 0},
	} {
		s, found := spans[name]
		if !found {
			t.Errorf("no span %q", name)
			continue
		}
		if want.parent != "" && s.Parent() != spans[want.parent].ID() || want.parent == "" && s.Parent() != "" {
			t.Errorf("%s has the parent %s, want %s", name, s.Parent(), want.parent)
		}
		begun := at(want.begun)
		if want.node == "node-a" {
			begun = begun.Add(-time.Hour)
		}
		if s.StartTimeUnixNano != uint64(begun.UnixNano()) || s.EndTimeUnixNano-s.StartTimeUnixNano != uint64(want.took)*1e6 {
			t.Errorf("%s begins at %d and takes %d ns", name, s.StartTimeUnixNano, s.EndTimeUnixNano-s.StartTimeUnixNano)
		}
		if s.Resource["service.name"] != "roomlog" || s.Resource["service.instance.id"] != want.node {
			t.Errorf("%s is of %v", name, s.Resource)
		}
		if s.Flags != 3 || s.TraceState != "ot=th:0" {
			t.Errorf("%s has the flags %d and the state %s", name, s.Flags, s.TraceState)
		}
	}
	if len(spans) != 8 {
		t.Errorf("%d spans, want 8", len(spans))
	}
	if link := spans["native gift.send"].Links; len(link) != 1 || fmt.Sprintf("%x %x", link[0].TraceId, link[0].SpanId) != "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7" {
		t.Errorf("the request has the links %v", link)
	}
	if link := spans["append of the other event"].Links; len(link) != 1 || fmt.Sprintf("%x", link[0].SpanId) != spans["command gift.send"].ID() {
		t.Errorf("the second event has the links %v", link)
	}
	s := spans["append"]
	for key, want := range map[string]any{"roomlog.event.type": "gift.sent.v2", "roomlog.event.position": int64(132), "roomlog.live.id": int64(6),
		"roomlog.batch.commands": int64(5), "roomlog.batch.events": int64(9)} {
		if s.Attribute(key) != want {
			t.Errorf("append has %s %v, want %v", key, s.Attribute(key), want)
		}
	}
	if got := a.Stats(); got != (tracing.Stats{Sent: 6}) {
		t.Errorf("%+v", got)
	}
}

// TestFailures checks the spans of requests whose command has failed, and that requests without a command have none.
func TestFailures(t *testing.T) {
	t.Parallel()
	receiver := tracetest.Start(t)
	tracer, stop := open(t, tracing.Config{Settings: settingsOf(receiver.URL, 1)})
	_, idle := tracer.Start(t.Context())
	idle.End("native", "ping", "")

	refused, request := tracer.Start(t.Context())
	tracer.Command(refused, tracing.Command{Type: "gift.send", Batch: &tracing.Batch{}, Code: "coins_too_few"})
	request.End("native", "gift.send", "coins_too_few")

	limited, request := tracer.StartHTTP(t.Context(), http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x"}})
	tracing.Fail(limited, "rate_limited")
	request.End("POST", "/api/gift", "429")

	repeat, request := tracer.Start(t.Context())
	gift, later := newEvent(t, 1), newEvent(t, 2)
	tracer.Command(repeat, tracing.Command{Type: "gift.send", Batch: &tracing.Batch{}, Events: []tracing.Event{gift}, Repeated: true})
	tracer.Command(repeat, tracing.Command{Type: "live.join", Batch: &tracing.Batch{}, Events: []tracing.Event{later}})
	request.End("socketio", "gift", "")
	stop()

	var got []string
	names := make(map[string]string)
	for _, s := range receiver.Spans() {
		names[s.ID()] = s.Name
	}
	for _, s := range receiver.Spans() {
		trace := "random"
		switch s.Trace() {
		case hexOf(gift.ID):
			trace = "gift"
		case hexOf(later.ID):
			trace = "later"
		}
		got = append(got, fmt.Sprintf("%s < %s, trace %s, %s %d", s.Name, names[s.Parent()], trace, s.GetStatus().GetMessage(), len(s.Links)))
	}
	want := []string{
		"command gift.send < native gift.send, trace random, coins_too_few 0",
		"queue < command gift.send, trace random,  0",
		"native gift.send < , trace random, coins_too_few 0",
		"command gift.send < socketio gift, trace gift,  0",
		"queue < command gift.send, trace gift,  0",
		"command live.join < , trace later,  1",
		"queue < command live.join, trace later,  0",
		"append < command live.join, trace later,  0",
		"socketio gift < , trace gift,  0",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSampling checks that all processes sample the same events, and the right fraction of them.
func TestSampling(t *testing.T) {
	t.Parallel()
	quarter, half, all := sampler(0.25), sampler(0.5), sampler(1)
	last := func(bits uint64) (id uuid.UUID) { // an id with these as its last 56 bits
		id = uuid.MustParse("01a1fb9b-f2bf-7ac6-9000-000000000000")
		for i := range 7 {
			id[15-i] = byte(bits >> (8 * i))
		}
		return id
	}
	for _, c := range []struct {
		bits          uint64
		quarter, half bool
	}{{0, false, false}, {1<<55 - 1, false, false}, {1 << 55, false, true}, {3<<54 - 1, false, true}, {3 << 54, true, true}, {1<<56 - 1, true, true}} {
		id := last(c.bits)
		if quarter.Sampled(id) != c.quarter || half.Sampled(id) != c.half || !all.Sampled(id) {
			t.Errorf("%s: sampled %v, %v, %v", id, quarter.Sampled(id), half.Sampled(id), all.Sampled(id))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Float64Range(0.000001, 1).Draw(t, "small")
		large := rapid.Float64Range(small, 1).Draw(t, "large")
		id := last(rapid.Uint64Range(0, 1<<56-1).Draw(t, "bits"))
		if one, other := sampler(small), sampler(large); one.Sampled(id) && !other.Sampled(id) {
			t.Errorf("%s is sampled with %v and not with %v", id, small, large)
		}
	})
}

// sampler returns a tracer with a ratio, which is not run.
func sampler(ratio float64) *tracing.Tracer {
	tracer, err := tracing.New(tracing.Config{Settings: settingsOf("http://127.0.0.1:1", ratio), Now: time.Now})
	if err != nil {
		panic(err)
	}
	return tracer
}

// TestOff checks that nothing is recorded without an endpoint, and for traces that are not sampled.
func TestOff(t *testing.T) {
	t.Parallel()
	off, err := tracing.New(tracing.Config{Now: time.Now})
	if off != nil || err != nil {
		t.Fatal(off, err)
	}
	ctx, request := off.StartHTTP(t.Context(), http.Header{})
	off.Command(ctx, tracing.Command{Code: "busy"})
	off.Projected(newEvent(t, 1), 1, off.Now(), off.Now())
	off.Released(newEvent(t, 1), off.Now(), off.Now())
	off.Relayed(newEvent(t, 1), off.Now(), off.Now())
	off.Pushed(newEvent(t, 1), "gift", off.Now(), off.Now())
	tracing.Fail(ctx, "busy")
	request.End("native", "gift.send", "")
	if ctx != t.Context() || off.Sampled(uuid.New()) || off.Stats() != (tracing.Stats{}) || !off.Now().IsZero() {
		t.Error("a tracer without an endpoint is not off")
	}
	receiver := tracetest.Start(t)
	rare, stop := open(t, tracing.Config{Settings: settingsOf(receiver.URL, 0.5)})
	gift := newEvent(t, 1)
	gift.ID[9] = 0 // below the threshold
	ctx, request = rare.Start(t.Context())
	rare.Command(ctx, tracing.Command{Type: "gift.send", Batch: &tracing.Batch{}, Events: []tracing.Event{gift}})
	request.End("native", "gift.send", "")
	rare.Projected(gift, 1, rare.Now(), rare.Now())
	rare.Released(gift, rare.Now(), rare.Now())
	rare.Relayed(gift, rare.Now(), rare.Now())
	rare.Pushed(gift, "gift", rare.Now(), rare.Now())
	stop()
	if got := receiver.Spans(); len(got) != 0 {
		t.Errorf("received %v", got)
	}
}

// TestCollectorAway checks that no method blocks while the collector does not respond, that each lost span is counted, that
// the log names the reason once and without the headers, and that Run ends.
func TestCollectorAway(t *testing.T) {
	t.Parallel()
	receiver := tracetest.Start(t)
	hold := make(chan struct{})
	receiver.Refuse(func(_ http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body) // so that the server notices the end of the connection
		select {
		case <-hold:
		case <-r.Context().Done():
		}
		return true
	})
	tracer, stop := open(t, tracing.Config{Settings: settingsOf(receiver.URL, 1)})
	const total = 20_000
	for i := range total {
		tracer.Released(newEvent(t, int64(i)), tracer.Now(), tracer.Now())
	}
	if got := tracer.Stats(); got.Dropped < total-8192-2*512 || got.Dropped >= total {
		t.Errorf("%+v", got)
	}
	stop()
	close(hold)
	if got := tracer.Stats(); got.Sent != 0 || got.Dropped+got.Failed != total {
		t.Errorf("%+v, want %d in total", got, total)
	}
}

// TestCollectorRefuses checks that the log names the reason of a refusal once and without the headers, which the collector repeats in
// parts.
func TestCollectorRefuses(t *testing.T) {
	t.Parallel()
	receiver := tracetest.Start(t)
	receiver.Refuse(func(w http.ResponseWriter, r *http.Request) bool {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("Location", "://"+token)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(w, "invalid token %s %s", token, strings.Repeat("x", 1000))
		return true
	})
	var log logtest.Buffer
	tracer, stop := open(t, tracing.Config{Settings: settingsOf(receiver.URL, 1), Headers: map[string]string{"Authorization": "Bearer a-secret", "X-Tenant": "0"}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for n := 1; n <= 2; n++ {
		tracer.Released(newEvent(t, 1), tracer.Now(), tracer.Now())
		for deadline := time.Now().Add(3 * time.Minute); tracer.Stats().Failed != int64(n) && time.Now().Before(deadline); {
			<-time.After(5 * time.Millisecond)
		}
	}
	if got := tracer.Stats(); got != (tracing.Stats{Failed: 2}) {
		t.Errorf("%+v", got)
	}
	if headers := receiver.Headers(); len(headers) != 2 || headers[0].Get("Authorization") != "Bearer a-secret" {
		t.Errorf("%v", headers)
	}
	receiver.Refuse(nil)
	tracer.Released(newEvent(t, 2), tracer.Now(), tracer.Now())
	stop()
	if text := log.String(); strings.Count(text, "traces cannot be sent") != 1 || !strings.Contains(text, "401 Unauthorized") || !strings.Contains(text, receiver.URL) || !strings.Contains(text, "traces are sent again") ||
		strings.Contains(text, "a-secret") || len(text) > 1000 {
		t.Errorf("the log says %s", text)
	}
}

// TestPartialSuccess checks that only the spans that the collector has rejected count as failed, and that its text is not logged.
func TestPartialSuccess(t *testing.T) {
	t.Parallel()
	receiver := tracetest.Start(t)
	answer, err := proto.Marshal(&coltracepb.ExportTraceServiceResponse{PartialSuccess: &coltracepb.ExportTracePartialSuccess{RejectedSpans: 1, ErrorMessage: "too old for a-secret"}})
	if err != nil {
		t.Fatal(err)
	}
	first := true
	receiver.Refuse(func(w http.ResponseWriter, _ *http.Request) bool {
		if !first { // requests come one after another
			return false
		}
		first = false
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(answer)
		return true
	})
	var log logtest.Buffer
	tracer, stop := open(t, tracing.Config{Settings: settingsOf(receiver.URL, 1), Log: slog.New(slog.NewTextHandler(&log, nil))})
	for i := range int64(3) {
		tracer.Released(newEvent(t, i), tracer.Now(), tracer.Now())
	}
	stop()
	if got := tracer.Stats(); got != (tracing.Stats{Sent: 2, Failed: 1}) {
		t.Errorf("%+v", got)
	}
	if text := log.String(); strings.Count(text, "the collector has rejected some of the spans") != 1 || strings.Contains(text, "a-secret") {
		t.Errorf("the log says %s", text)
	}
}

// TestEnvironment checks that variables of the library have no effect.
func TestEnvironment(t *testing.T) {
	for _, name := range []string{"", "TRACES_"} { // not parallel: environment variables belong to the whole process
		for option, value := range map[string]string{"ENDPOINT": "http://127.0.0.1:1", "HEADERS": "x-other=1", "COMPRESSION": "none", "TIMEOUT": "1",
			"PROTOCOL": "http/json", "CERTIFICATE": "/dev/null", "CLIENT_CERTIFICATE": "/dev/null", "CLIENT_KEY": "/dev/null", "INSECURE": "false"} {
			t.Setenv("OTEL_EXPORTER_OTLP_"+name+option, value)
		}
	}
	t.Setenv("OTEL_SERVICE_NAME", "other")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "x=y")
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	receiver := tracetest.Start(t)
	tracer, stop := open(t, tracing.Config{Settings: settingsOf(receiver.URL, 1)})
	tracer.Released(newEvent(t, 1), tracer.Now(), tracer.Now())
	stop()
	if got := receiver.Spans(); len(got) != 1 || got[0].Resource["service.name"] != "roomlog" || got[0].Resource["x"] != "" {
		t.Fatalf("received %v", got)
	}
	if h := receiver.Headers()[0]; h.Get("X-Other") != "" || h.Get("Content-Encoding") != "gzip" {
		t.Errorf("%v", h)
	}
}

// TestLogHandler checks that log messages have the id of a sampled trace as soon as it is known.
func TestLogHandler(t *testing.T) {
	t.Parallel()
	receiver := tracetest.Start(t)
	tracer, _ := open(t, tracing.Config{Settings: settingsOf(receiver.URL, 1)})
	var out logtest.Buffer
	log := slog.New(tracing.LogHandler{Handler: slog.NewTextHandler(&out, nil)}).With("node", "a")
	ctx, request := tracer.Start(t.Context())
	log.InfoContext(ctx, "early")
	gift := newEvent(t, 1)
	tracer.Command(ctx, tracing.Command{Events: []tracing.Event{gift}})
	log.InfoContext(ctx, "late")
	log.InfoContext(t.Context(), "elsewhere")
	request.End("native", "gift.send", "")
	lines := strings.Split(out.String(), "\n")
	if strings.Contains(lines[0], "trace_id") || !strings.HasSuffix(lines[1], "node=a trace_id="+hexOf(gift.ID)) || strings.Contains(lines[2], "trace_id") {
		t.Error(out.String())
	}
}

// TestSettings checks which endpoints and headers are refused, and that no fault contains a secret.
func TestSettings(t *testing.T) {
	t.Parallel()
	for endpoint, fault := range map[string]string{
		"http://127.0.0.1:4318": "", "https://collector.example/otlp": "", "http://collector.example:4318": "", "": "",
		"collector": "must be a URL", "127.0.0.1:4318": "must be a URL", "http://": "must be a URL", "http://a.example/?token=a-secret": "without a query",
		"http://user:a-secret@a.example": "ROOMLOG_OTLP_HEADERS", "grpc://a.example": "http://", "http://a.example/v1/traces/": "must not end",
	} {
		s := tracing.Settings{OTLPEndpoint: endpoint}
		switch err := s.CheckSettings(); {
		case fault == "" && err != nil:
			t.Errorf("%q: %v", endpoint, err)
		case fault != "" && (err == nil || !strings.Contains(err.Error(), fault) || !strings.Contains(err.Error(), "--otlp-endpoint") || strings.Contains(err.Error(), "a-secret")):
			t.Errorf("%q: %v, want %q", endpoint, err, fault)
		}
	}
	for text, want := range map[string]string{
		"": "map[]", "authorization=Bearer%20a-secret": "map[Authorization:Bearer a-secret]", " a=1 , b = 2": "map[A:1 B:2]", "a=b=c": "map[A:b=c]",
		"a-secret": "header 1 is not", "a=1,a-secret": "header 2 is not", "a b=a-secret": "header 1 is not", "=a-secret": "header 1 is not", "a=": "of the header A;",
		"a=%zza-secret": "of the header A;", "a=a-secret%0d%0ab": "of the header A;", "a=1,A=a-secret": "the header A twice", "content-type=a-secret": "the header Content-Type",
		"x=1" + many(16): "16 headers",
	} {
		headers, err := tracing.ParseHeaders(text)
		if err == nil && fmt.Sprint(headers) != want {
			t.Errorf("%q: %v, want %s", text, headers, want)
		}
		if err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "a-secret")) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	secret := map[string]string{"A": "a-secret"}
	for endpoint, fault := range map[string]string{
		"https://a.example": "", "http://localhost:4318": "", "http://[::1]:4318": "", "": "needs --otlp-endpoint",
		"http://a.example": "must begin with https://", "http://localhost.a.example": "must begin with https://",
	} {
		s := tracing.Settings{OTLPEndpoint: endpoint}
		if err := s.CheckHeaders(nil); err != nil {
			t.Errorf("%q without headers: %v", endpoint, err)
		}
		err := s.CheckHeaders(secret)
		if (err == nil) != (fault == "") || err != nil && (!strings.Contains(err.Error(), fault) || strings.Contains(err.Error(), "a-secret")) {
			t.Errorf("%q: %v, want %q", endpoint, err, fault)
		}
	}
	if _, err := tracing.New(tracing.Config{Settings: settingsOf("http://a.example", 1), Headers: secret, Now: time.Now}); err == nil {
		t.Error("headers are sent without TLS")
	}
}

// many returns n more headers of a list.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",y%d=1", i)
	}
	return b.String()
}
