package tracing

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// A Request is a request of a client, which becomes the root span of a trace. A nil *Request records nothing. It is safe for
// concurrent use.
type Request struct {
	tracer *Tracer
	begun  time.Time
	link   trace.SpanContext // the caller's span; invalid if there is none

	mu    sync.Mutex
	trace uuid.UUID // id of the trace; zero until a command has ended
	span  spanID
	code  string // why the request has failed, see Fail
}

type requestKey struct{}

// Start begins a request. Commands that are executed with the context become parts of its trace. Call End.
func (t *Tracer) Start(ctx context.Context) (context.Context, *Request) {
	if t == nil {
		return ctx, nil
	}
	r := &Request{tracer: t, begun: t.now()}
	return context.WithValue(ctx, requestKey{}, r), r
}

// StartHTTP begins a request like Start. The span has a link to the span in the header traceparent, if there is one. The client
// thereby influences neither the id of the trace nor whether it is sampled.
func (t *Tracer) StartHTTP(ctx context.Context, header http.Header) (context.Context, *Request) {
	ctx, r := t.Start(ctx)
	if r != nil && header.Get("Traceparent") != "" {
		r.link = trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(header)))
	}
	return ctx, r
}

func requestOf(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// Fail sets the code with which the request of ctx ends, in place of the code that is passed to End.
func Fail(ctx context.Context, code string) {
	if r := requestOf(ctx); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.code = code
	}
}

// End ends a request. protocol and operation together are the name of the span; they must be from a fixed list. code says why the
// request has failed; it is "" if it has not. A request that has executed no command is not recorded, so that refused
// requests do not displace traces of events.
func (r *Request) End(protocol, operation, code string) {
	if r == nil {
		return
	}
	ended := r.tracer.now()
	r.mu.Lock()
	if r.code != "" {
		code = r.code
	}
	id := r.trace
	r.mu.Unlock()
	if id == uuid.Nil || !r.tracer.sampled(id) {
		return
	}
	s := r.tracer.span(id, r.span, 0, protocol+" "+operation, r.begun, ended)
	s.Kind = tracepb.Span_SPAN_KIND_SERVER
	fail(s, code)
	if r.link.IsValid() {
		trace, span := r.link.TraceID(), r.link.SpanID()
		s.Links = append(s.Links, &tracepb.Span_Link{TraceId: trace[:], SpanId: span[:]})
	}
	r.tracer.exporter.add(s)
}

// join makes trace the trace of r, unless r has one. It returns the trace of r and the id of its span.
func (r *Request) join(trace uuid.UUID) (uuid.UUID, spanID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trace == uuid.Nil {
		r.trace, r.span = trace, newSpanID()
	}
	return r.trace, r.span
}

// fail marks s as failed with a code, unless the code is "".
func fail(s *tracepb.Span, code string) {
	if code != "" {
		s.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: code}
		s.Attributes = append(s.Attributes, text("error.type", code))
	}
}

// A Command is a command that was decided, or that has failed.
type Command struct {
	Type         string
	Begun, Ended time.Time
	Batch        *Batch  // the transaction that has executed the command; nil if none has
	Events       []Event // the events that the command has appended
	Repeated     bool    // whether Events were appended by an earlier command with the same idempotency key
	Code         string  // why the command has failed; "" if it has not
}

// A Batch is one transaction of the log.
type Batch struct {
	Begun, Ended     time.Time
	Commands, Events int
}

// Command records a command as a part of the request of ctx. Without a request, it is the root of its trace.
func (t *Tracer) Command(ctx context.Context, c Command) {
	if t == nil {
		return
	}
	r := requestOf(ctx)
	var id uuid.UUID
	if len(c.Events) > 0 {
		id = c.Events[0].ID
	} else {
		id = newTrace()
	}
	own := newSpanID()
	var parent spanID
	var link []*tracepb.Span_Link
	if r != nil {
		trace, span := r.join(id)
		switch {
		case trace == id:
			parent = span
		case len(c.Events) == 0:
			id, parent = trace, span
		default: // the request has appended another event before
			link = []*tracepb.Span_Link{{TraceId: trace[:], SpanId: span.bytes()}}
		}
	}
	if t.sampled(id) {
		t.exporter.add(t.commandSpan(c, id, own, parent, link))
		if c.Batch != nil {
			t.exporter.add(t.span(id, newSpanID(), own, "queue", c.Begun, c.Batch.Begun))
		}
	}
	if c.Batch == nil || c.Repeated {
		return
	}
	for i, e := range c.Events {
		if !t.sampled(e.ID) {
			continue
		}
		s := t.span(e.ID, appendID(e.ID), own, "append", c.Batch.Begun, c.Batch.Ended, append(e.attributes(),
			number("roomlog.batch.commands", int64(c.Batch.Commands)), number("roomlog.batch.events", int64(c.Batch.Events)))...)
		if i > 0 { // the command belongs to the trace of its first event
			s.ParentSpanId, s.Links = nil, []*tracepb.Span_Link{{TraceId: id[:], SpanId: own.bytes()}}
		}
		t.exporter.add(s)
	}
}

func (t *Tracer) commandSpan(c Command, id uuid.UUID, own, parent spanID, link []*tracepb.Span_Link) *tracepb.Span {
	attributes := []*commonpb.KeyValue{text("roomlog.command.type", c.Type), number("roomlog.command.events", int64(len(c.Events)))}
	if c.Repeated {
		attributes = append(attributes, &commonpb.KeyValue{Key: "roomlog.command.repeated", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: true}}})
	}
	s := t.span(id, own, parent, "command "+c.Type, c.Begun, c.Ended, attributes...)
	s.Links = link
	fail(s, c.Code)
	return s
}
