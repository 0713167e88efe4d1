package tracetest

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span that the Receiver has received, with the attributes of its process.
type Span struct {
	*tracepb.Span
	Resource map[string]string // attributes of the process
}

// Trace returns the id of the trace in hexadecimal digits.
func (s Span) Trace() string { return hex.EncodeToString(s.TraceId) }

// ID returns the id of the span in hexadecimal digits.
func (s Span) ID() string { return hex.EncodeToString(s.SpanId) }

// Parent returns the id of the parent in hexadecimal digits, or "" for a root.
func (s Span) Parent() string { return hex.EncodeToString(s.ParentSpanId) }

// Attribute returns an attribute as a string, an int64 or a bool, or nil if the span does not have it.
func (s Span) Attribute(key string) any {
	for _, a := range s.Attributes {
		if a.Key == key {
			switch v := a.Value; {
			case v.GetStringValue() != "":
				return v.GetStringValue()
			case v.GetBoolValue():
				return true
			default:
				return v.GetIntValue()
			}
		}
	}
	return nil
}

// Receiver is a collector on a loopback address.
type Receiver struct {
	URL string // value of --otlp-endpoint

	t       testing.TB
	server  *httptest.Server
	mu      sync.Mutex
	spans   []Span
	headers []http.Header
	raw     []byte
	refuse  func(http.ResponseWriter, *http.Request) bool
	changed chan struct{}
}

// Start starts a receiver, which is closed at the end of the test.
func Start(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{t: t, changed: make(chan struct{})}
	r.server = httptest.NewServer(r)
	r.URL = r.server.URL
	t.Cleanup(r.server.Close)
	return r
}

// Refuse sets a function that may write the response to a request in place of the receiver. It then returns true.
func (r *Receiver) Refuse(refuse func(http.ResponseWriter, *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = refuse
}

// ServeHTTP receives one request of an exporter.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.headers = append(r.headers, req.Header.Clone())
	refuse := r.refuse
	r.mu.Unlock()
	if refuse != nil && refuse(w, req) {
		return
	}
	sent, broken := io.ReadAll(req.Body)
	var request coltracepb.ExportTraceServiceRequest
	var raw []byte
	var err error
	if broken == nil { // otherwise the test has killed the exporter, or frozen it
		raw, err = decompress(sent)
	}
	if broken == nil && err == nil {
		err = proto.Unmarshal(raw, &request)
	}
	if err != nil || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
		r.t.Errorf("%s %s: %v %v", req.Method, req.URL, req.Header, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if broken != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw = append(r.raw, raw...)
	for _, from := range request.ResourceSpans {
		resource := make(map[string]string)
		for _, a := range from.Resource.GetAttributes() {
			resource[a.Key] = a.Value.GetStringValue()
		}
		for _, scope := range from.ScopeSpans {
			for _, s := range scope.Spans {
				r.spans = append(r.spans, Span{s, maps.Clone(resource)})
			}
		}
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

func decompress(sent []byte) ([]byte, error) {
	body, err := gzip.NewReader(bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(body)
}

// Spans returns the spans that were received so far.
func (r *Receiver) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

// Raw returns the bytes of all requests that were received so far, without compression.
func (r *Receiver) Raw() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.raw)
}

// Headers returns the headers of all requests so far.
func (r *Receiver) Headers() []http.Header {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.headers)
}

// Await blocks until a condition holds for the spans that were received so far, and returns them. what describes the condition.
func (r *Receiver) Await(what string, holds func([]Span) bool) []Span {
	r.t.Helper()
	spans, ok := r.Within(3*time.Minute, holds)
	if !ok {
		for _, s := range spans {
			r.t.Logf("%s %s %s %q %v", s.Trace(), s.Parent(), s.ID(), s.Name, s.Attributes)
		}
		r.t.Fatalf("not received: %s", what)
	}
	return spans
}

// Within blocks until a condition holds for the spans that were received so far, but no longer than limit. It returns the spans, and
// whether the condition holds.
func (r *Receiver) Within(limit time.Duration, holds func([]Span) bool) ([]Span, bool) {
	over := time.NewTimer(limit)
	defer over.Stop()
	for {
		r.mu.Lock()
		spans, changed := slices.Clone(r.spans), r.changed
		r.mu.Unlock()
		if holds(spans) {
			return spans, true
		}
		select {
		case <-changed:
		case <-over.C:
			return spans, false
		}
	}
}
