package api

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"roomlog/domain"
	"roomlog/internal/limit"
)

// observe is the middleware that logs and counts every request when it ends. It logs no headers and no query, which may
// contain a sign.
func (s *server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		startedAt := s.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		s.meters.inFlight.Inc()
		defer func() {
			s.meters.inFlight.Dec()
			duration := s.Now().Sub(startedAt)
			route := chi.RouteContext(r.Context()).RoutePattern()
			s.meters.count(r.Method, route, ww.Status(), duration)
			s.logRequest(r, ww, route, duration)
		}()
		next.ServeHTTP(ww, r)
	})
}

func (s *server) logRequest(r *http.Request, ww middleware.WrapResponseWriter, route string, duration time.Duration) {
	level := slog.LevelInfo
	switch route {
	case "/healthz", "/readyz", "/metrics": // requested all the time
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
		attrs = append(attrs, slog.Int64("user_id", int64(rc.caller.user)))
	}
	s.log.LogAttrs(r.Context(), level, "request completed", attrs...)
}

// recoverPanic is the middleware that turns a panic of a handler into a response with status 500.
func (s *server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause) // a handler asks the HTTP server to close the connection
			}
			if r.Context().Err() != nil {
				return // the client is gone
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
