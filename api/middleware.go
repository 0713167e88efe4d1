package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/internal/limit"
)

// withRequestContext is the middleware that adds a requestContext to the context. It never refuses a request: endpoints
// that need no token ignore an invalid token.
func (s *server) withRequestContext(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := &requestContext{
			id:             s.requestID(r),
			addr:           s.Proxies.ClientAddr(r),
			baseURL:        s.PublicURL,
			idempotencyKey: r.Header.Get("Idempotency-Key"),
		}
		if rc.baseURL == "" {
			rc.baseURL = baseURL(s.Proxies, r)
		}
		rc.token = tokenOf(r)
		rc.caller, rc.tokenError = s.Tokens.Read(rc.token)
		h := w.Header()
		h.Set("X-Request-Id", rc.id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store") // the default; handlers of cacheable responses replace it
		next.ServeHTTP(w, r.WithContext(limit.WithAddress(context.WithValue(r.Context(), requestContextKey{}, rc), limit.Key(rc.addr))))
	})
}

// requestID returns the X-Request-Id that a trusted proxy has set, or a new id.
func (s *server) requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if id == "" || len(id) > 64 || !s.Proxies.Contains(limit.Peer(r)) || strings.ContainsFunc(id, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.')
	}) {
		return uuid.NewString()
	}
	return id
}

// observe is the middleware that logs and counts every request when the request ends. It logs neither headers nor the
// query, because the query may contain a sign.
func (s *server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		startedAt := s.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		s.meters.InFlight.Inc()
		ctx, traced := s.Tracer.StartHTTP(r.Context(), r.Header)
		r = r.WithContext(ctx)
		defer func() {
			s.meters.InFlight.Dec()
			duration := s.Now().Sub(startedAt)
			route := chi.RouteContext(r.Context()).RoutePattern()
			s.meters.Count(r.Method, route, ww.Status(), duration, route != eventsRoute) // the duration of an event stream depends on the reader
			s.logRequest(r, ww, route, duration)
			if route != "" {
				traced.End(r.Method, route, faultOf(ww.Status()))
			}
		}()
		next.ServeHTTP(ww, r)
	})
}

// faultOf returns the code of a failed request that has no other code: its status. It returns "" for other statuses.
func faultOf(status int) string {
	if status < http.StatusBadRequest {
		return ""
	}
	return strconv.Itoa(status)
}

func (s *server) logRequest(r *http.Request, ww middleware.WrapResponseWriter, route string, duration time.Duration) {
	level := slog.LevelInfo
	switch route {
	case "/healthz", "/readyz", "/metrics": // these requests are too frequent to log
		level = slog.LevelDebug
	}
	rc := requestOf(r.Context())
	path := r.URL.Path
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", path[:min(len(path), 200)]),
		slog.Int("status", ww.Status()), slog.Int("bytes", ww.BytesWritten()), slog.Duration("duration", duration),
		slog.String("remote_addr", limit.Key(rc.addr)), slog.String("request_id", rc.id),
	}
	if rc.tokenError == nil {
		attrs = append(attrs, slog.Int64("user_id", int64(rc.caller.User)))
	}
	s.log.LogAttrs(r.Context(), level, "request completed", attrs...)
}

// recoverPanic is the middleware that recovers from a panic of a handler and sends status 500.
func (s *server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause) // with http.ErrAbortHandler the handler requests that the connection is closed
			}
			if r.Context().Err() != nil {
				return // the client has disconnected
			}
			s.log.ErrorContext(r.Context(), "request panicked", slog.String("request_id", requestOf(r.Context()).id),
				slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))
			if ww, ok := w.(middleware.WrapResponseWriter); ok && ww.Status() == 0 {
				writeFailure(w, newFailure(domain.CodeInternal, "internal error: try again later", nil))
			}
		}()
		next.ServeHTTP(w, r)
	})
}
