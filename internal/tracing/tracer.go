package tracing

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"roomlog/internal/settings"
)

// Tracer records spans. A nil *Tracer records nothing. It is safe for concurrent use.
type Tracer struct {
	now       func() time.Time
	skew      func() time.Duration
	threshold uint64 // smallest random part of the id of a sampled trace
	state     string // trace state of all spans, which contains the threshold
	salt      uint64 // distinguishes the spans of this process from those of others about the same event
	exporter  *exporter
}

// New returns a Tracer, or nil if c contains no endpoint. It sends spans while Run runs.
func New(c Config) (*Tracer, error) {
	settings.Defaults(&c)
	if err := errors.Join(c.CheckSettings(), c.CheckHeaders(c.Headers)); err != nil || !c.Set() {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Skew == nil {
		c.Skew = func() time.Duration { return 0 }
	}
	t := &Tracer{now: c.Now, skew: c.Skew, threshold: thresholdOf(c.OTLPSampleRatio), salt: mathrand.Uint64(), exporter: newExporter(c)}
	t.state = "ot=th:" + encodeThreshold(t.threshold)
	return t, nil
}

// Run sends spans until ctx ends. It then sends the waiting spans, for at most 5 seconds, and returns nil.
func (t *Tracer) Run(ctx context.Context) error {
	t.exporter.run(ctx)
	return nil
}

// Stats returns the current counters.
func (t *Tracer) Stats() Stats {
	if t == nil {
		return Stats{}
	}
	return Stats{t.exporter.sent.Load(), t.exporter.failed.Load(), t.exporter.dropped.Load()}
}

// Now returns the time for the beginning or the end of a span. It returns the zero time if t is nil.
func (t *Tracer) Now() time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.now()
}

// An Event is an event of the log, as far as spans contain it.
type Event struct {
	ID       uuid.UUID // id of the event, of version 7; also the id of the trace
	Type     string
	Position int64
	Live     int64 // live of the event; 0: none
}

// randomBits is the number of random bits at the end of an event id of version 7, and of a trace id.
const randomBits = 56

// thresholdOf returns the threshold of the ratio, as the OpenTelemetry specification defines it for consistent probability
// sampling: a trace is sampled if the last 56 bits of its id are at least the threshold. The specification requires that these bits
// are random, and in a UUID of version 7 they are.
func thresholdOf(ratio float64) uint64 {
	return uint64((1 - ratio) * (1 << randomBits))
}

// encodeThreshold returns the threshold as the value th of the trace state.
func encodeThreshold(threshold uint64) string {
	digits := strconv.FormatUint(1<<randomBits|threshold, 16)[1:]
	if digits = strings.TrimRight(digits, "0"); digits == "" {
		return "0"
	}
	return digits
}

func (t *Tracer) sampled(trace uuid.UUID) bool {
	return binary.BigEndian.Uint64(trace[8:])&(1<<randomBits-1) >= t.threshold
}

// Sampled reports whether spans about an event are recorded. If not, the other methods do nothing with it.
func (t *Tracer) Sampled(event uuid.UUID) bool { return t != nil && t.sampled(event) }

// spanID is the id of a span.
type spanID uint64

func (s spanID) bytes() []byte {
	if s == 0 {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, uint64(s))
}

func newSpanID() spanID { return spanID(max(1, mathrand.Uint64())) }

// appendID returns the id of the span of the append of an event. All processes know it. It is not zero, because the variant of a UUID is
// not.
func appendID(event uuid.UUID) spanID { return spanID(binary.BigEndian.Uint64(event[8:])) }

// releaseID returns the id of the span of the release of an event by this process.
func (t *Tracer) releaseID(event uuid.UUID) spanID {
	return spanID(max(1, uint64(appendID(event))^t.salt))
}

// newTrace returns the id of a trace that belongs to no event.
func newTrace() (id uuid.UUID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// span returns a span from begun to ended. Both times are results of Now.
func (t *Tracer) span(trace uuid.UUID, id, parent spanID, name string, begun, ended time.Time, attributes ...*commonpb.KeyValue) *tracepb.Span {
	start := begun.Add(-t.skew()).UnixNano()
	return &tracepb.Span{
		TraceId: trace[:], SpanId: id.bytes(), ParentSpanId: parent.bytes(), TraceState: t.state, Flags: flags,
		Name: name, Kind: tracepb.Span_SPAN_KIND_INTERNAL,
		// The difference uses the monotonic clock, so that no step of the clock makes a span negative.
		StartTimeUnixNano: uint64(start), EndTimeUnixNano: uint64(start + max(0, ended.Sub(begun)).Nanoseconds()),
		Attributes: attributes,
	}
}

// flags are the flags of W3C Trace Context Level 2 of all spans: sampled, and the last 56 bits of the trace id are random.
const flags = 0x01 | 0x02

// Projected records that the tables have applied an event, as one of count events in a transaction from begun to ended.
func (t *Tracer) Projected(e Event, count int, begun, ended time.Time) {
	if t == nil || !t.sampled(e.ID) {
		return
	}
	s := t.span(e.ID, newSpanID(), appendID(e.ID), "project", begun, ended, append(e.attributes(), number("roomlog.batch.events", int64(count)))...)
	s.Kind = tracepb.Span_SPAN_KIND_CONSUMER
	t.exporter.add(s)
}

// Released records that the feed of this process has released an event. begun is when it began to make the deltas, ended
// when their receivers had taken them.
func (t *Tracer) Released(e Event, begun, ended time.Time) {
	if t == nil || !t.sampled(e.ID) {
		return
	}
	s := t.span(e.ID, t.releaseID(e.ID), appendID(e.ID), "release", begun, ended, e.attributes()...)
	s.Kind = tracepb.Span_SPAN_KIND_CONSUMER
	t.exporter.add(s)
}

// Relayed records that this process, as the relay, has published an event to the other processes.
func (t *Tracer) Relayed(e Event, begun, ended time.Time) {
	if t == nil || !t.sampled(e.ID) {
		return
	}
	s := t.span(e.ID, newSpanID(), appendID(e.ID), "relay", begun, ended, e.attributes()...)
	s.Kind = tracepb.Span_SPAN_KIND_PRODUCER
	t.exporter.add(s)
}

// Pushed records that this process has passed a push to the queues of clients. kind is the kind of the push.
func (t *Tracer) Pushed(e Event, kind string, begun, ended time.Time) {
	if t == nil || !t.sampled(e.ID) {
		return
	}
	s := t.span(e.ID, newSpanID(), t.releaseID(e.ID), "push "+kind, begun, ended, e.attributes()...)
	s.Kind = tracepb.Span_SPAN_KIND_PRODUCER
	t.exporter.add(s)
}

func (e Event) attributes() []*commonpb.KeyValue {
	all := []*commonpb.KeyValue{text("roomlog.event.type", e.Type), number("roomlog.event.position", e.Position)}
	if e.Live != 0 {
		all = append(all, number("roomlog.live.id", e.Live))
	}
	return all
}
