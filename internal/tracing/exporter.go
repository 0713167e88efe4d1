package tracing

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"

	"roomlog/internal/loglimit"
	"roomlog/internal/netconn"
)

const (
	queueSize      = 8192             // maximum number of spans that wait
	batchSize      = 512              // maximum number of spans in one request
	exportInterval = time.Second      // maximum time that a span waits for others
	uploadTimeout  = 10 * time.Second // maximum duration of one request with its repetitions
	flushTimeout   = 5 * time.Second  // time for sending the waiting spans when Run ends
	maxError       = 300              // maximum length of an error in a log message in bytes
)

// Stats holds counters of spans since the start.
type Stats struct {
	Sent    int64 // number of spans that the collector has accepted
	Failed  int64 // number of spans that the collector has not accepted
	Dropped int64 // number of spans that did not fit into the queue
}

// exporter sends spans to the collector.
type exporter struct {
	client   otlptrace.Client
	http     *http.Client
	answers  *answers
	resource *resourcepb.Resource
	log      *slog.Logger
	queue    chan *tracepb.Span
	failure  loglimit.Cause

	sent, failed, dropped atomic.Int64
}

func newExporter(c Config) *exporter {
	received := &answers{Transport: netconn.NewTransport()}
	e := &exporter{
		answers: received,
		// Redirects are not followed: they could lead with the headers to another host.
		http:     &http.Client{Transport: received, Timeout: uploadTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("service.name", "roomlog"), text("service.version", c.Version), text("service.instance.id", c.Instance)}},
		log:      c.Log, queue: make(chan *tracepb.Span, queueSize),
	}
	// Each option that the library reads from an OTEL_ variable is set here, so that these variables have no effect.
	e.client = otlptracehttp.NewClient(
		otlptracehttp.WithEndpointURL(strings.TrimRight(c.OTLPEndpoint, "/")+tracesPath),
		otlptracehttp.WithHTTPClient(e.http), otlptracehttp.WithHeaders(c.Headers), otlptracehttp.WithTimeout(uploadTimeout),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression), otlptracehttp.WithEncoding(otlptracehttp.EncodingProtobuf),
		otlptracehttp.WithMaxResponseSize(maxResponse),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: 500 * time.Millisecond, MaxInterval: 4 * time.Second, MaxElapsedTime: uploadTimeout}),
	)
	return e
}

// add queues a span. If the queue is full, it counts the span and drops it.
func (e *exporter) add(s *tracepb.Span) {
	select {
	case e.queue <- s:
	default:
		e.dropped.Add(1)
	}
}

// run sends spans until ctx ends. It then sends the waiting spans within flushTimeout.
func (e *exporter) run(ctx context.Context) {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(flushTimeout, cut) })()
	defer e.http.CloseIdleConnections()
	tick := time.NewTicker(exportInterval)
	defer tick.Stop()
	batch := make([]*tracepb.Span, 0, batchSize)
	for {
		select {
		case s := <-e.queue:
			if batch = append(batch, s); len(batch) == batchSize {
				e.send(work, batch)
				batch = make([]*tracepb.Span, 0, batchSize)
			}
		case <-tick.C:
			e.send(work, batch)
			batch = make([]*tracepb.Span, 0, batchSize)
		case <-ctx.Done():
			e.flush(work, batch)
			return
		}
	}
}

// flush sends batch and the spans in the queue.
func (e *exporter) flush(ctx context.Context, batch []*tracepb.Span) {
	for {
		select {
		case s := <-e.queue:
			if batch = append(batch, s); len(batch) < batchSize {
				continue
			}
			e.send(ctx, batch)
			batch = nil
		default:
			e.send(ctx, batch)
			return
		}
	}
}

// send sends a batch and counts its spans. It logs each new reason for a failure once.
func (e *exporter) send(ctx context.Context, batch []*tracepb.Span) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	err := e.client.UploadTraces(ctx, []*tracepb.ResourceSpans{{
		Resource: e.resource, ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "roomlog"}, Spans: batch}},
	}})
	failed := int64(len(batch))
	if err == nil {
		if failed = min(e.answers.rejected, failed); failed > 0 {
			err = errRejected
		}
	} else {
		err = shown(err)
	}
	e.failed.Add(failed)
	e.sent.Add(int64(len(batch)) - failed)
	switch {
	case !e.failure.Changed(err):
	case err == nil:
		e.log.InfoContext(ctx, "traces are sent again")
	default:
		e.log.WarnContext(ctx, "traces cannot be sent, they are lost until the collector accepts them", slog.Any("error", err))
	}
}

// shown returns err, shortened to maxError bytes for log messages. The result contains no text of the collector, see
// answers.
func shown(err error) error {
	message := err.Error()
	return errors.New(strings.ToValidUTF8(message[:min(len(message), maxError)], ""))
}
