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
)

// observe logs and counts every request when it has been answered. The path is logged without
// its query, which may hold a sign, and no header is.
func (s *server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		s.meters.inFlight.Inc()
		defer func() {
			s.meters.inFlight.Dec()
			took := s.Now().Sub(began)
			route := chi.RouteContext(r.Context()).RoutePattern()
			s.meters.count(r.Method, route, ww.Status(), took)
			s.logRequest(r, ww, route, took)
		}()
		next.ServeHTTP(ww, r)
	})
}

func (s *server) logRequest(r *http.Request, ww middleware.WrapResponseWriter, route string, took time.Duration) {
	level := slog.LevelInfo
	switch route {
	case "/healthz", "/readyz", "/metrics": // asked all the time
		level = slog.LevelDebug
	}
	asked := askerOf(r.Context())
	path := r.URL.Path
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", path[:min(len(path), 200)]),
		slog.Int("status", ww.Status()), slog.Int("bytes", ww.BytesWritten()), slog.Duration("took", took),
		slog.String("address", asked.address.String()), slog.String("request_id", asked.id),
	}
	if asked.refused == nil {
		attrs = append(attrs, slog.Int64("user_id", int64(asked.caller.user)))
	}
	s.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// recovered turns a broken handler into an answer, and keeps the process alive.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			broken := recover()
			if broken == nil {
				return
			}
			if err, ok := broken.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(broken) // how a handler asks the server to cut the connection
			}
			if r.Context().Err() != nil {
				return // the client has gone, and could not be answered
			}
			s.log.ErrorContext(r.Context(), "request broke", slog.String("request_id", askerOf(r.Context()).id),
				slog.Any("panic", broken), slog.String("stack", string(debug.Stack())))
			if ww, ok := w.(middleware.WrapResponseWriter); ok && ww.Status() == 0 {
				writeFailure(w, fail(domain.CodeInternal, "something went wrong here: try again later", nil))
			}
		}()
		next.ServeHTTP(w, r)
	})
}
