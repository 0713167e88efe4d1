package tracing

import (
	"context"
	"encoding/hex"
	"log/slog"

	"github.com/google/uuid"
)

// LogHandler adds the attribute trace_id to log messages about a request whose trace is sampled. The id is known when the first
// command of the request has ended; earlier messages do not have it.
type LogHandler struct{ slog.Handler }

// Handle passes the message on.
func (h LogHandler) Handle(ctx context.Context, message slog.Record) error {
	if id := requestOf(ctx).id(); id != uuid.Nil {
		message = message.Clone()
		message.AddAttrs(slog.String("trace_id", hex.EncodeToString(id[:])))
	}
	return h.Handler.Handle(ctx, message)
}

// WithAttrs returns a LogHandler with attributes.
func (h LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return LogHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup returns a LogHandler with a group.
func (h LogHandler) WithGroup(name string) slog.Handler { return LogHandler{h.Handler.WithGroup(name)} }

// id returns the id of the trace of r, or zero if it is not known or not sampled.
func (r *Request) id() uuid.UUID {
	if r == nil {
		return uuid.Nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.tracer.sampled(r.trace) {
		return uuid.Nil
	}
	return r.trace
}
