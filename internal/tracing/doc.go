// Package tracing records OpenTelemetry traces and sends them to a collector with OTLP over HTTP.
//
// The id of a trace is the id of the event that the request has appended: both have 16 bytes. Every process that reads an
// event therefore knows its trace, its parent span and whether it is sampled, and nothing travels with the event. A request
// learns the id of its trace when its command is decided. Spans are made when they end, so that this is early enough.
//
// It guarantees:
//
//   - A nil *Tracer records nothing and costs a comparison. No method blocks.
//   - Spans contain ids, types, positions and counts. They contain no text, name, address, token or key of a client.
//   - Clients cannot choose the id of a trace, nor whether it is sampled. A traceparent of a client becomes a link.
//   - The headers for the collector appear in no error and no log message.
//   - Spans wait in a queue of fixed size. Spans that do not fit, or that the collector does not accept, are counted and lost.
//
// It stores nothing.
package tracing
