package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"roomlog/domain"
	"roomlog/internal/limit"
)

// meters holds the metrics of this server.
type meters struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	streams  prometheus.Gauge
}

func newMeters(registry *prometheus.Registry) (*meters, error) {
	m := &meters{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "roomlog_http_requests_total", Help: "HTTP requests that were completed.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "roomlog_http_request_seconds", Help: "Duration of HTTP requests in seconds, without event streams.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "roomlog_http_requests_in_flight", Help: "HTTP requests in progress.",
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "roomlog_event_streams", Help: "Open replays of the event log.",
		}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.inFlight, m.streams} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("api: register metrics: %w", err)
		}
	}
	return m, nil
}

// count counts a request under its route. The path is not a label, because clients can send any number of paths.
func (m *meters) count(method, route string, status int, duration time.Duration) {
	if route == "" || route == "/*" {
		route = "none"
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	if route != eventsRoute { // the duration of an event stream depends on the reader
		m.seconds.WithLabelValues(method, route).Observe(duration.Seconds())
	}
}

// metrics returns the handler of /metrics. Clients outside Config.MetricsFrom receive 404.
func (s *server) metrics() http.HandlerFunc {
	all := promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.MetricsFrom.Contains(requestOf(r.Context()).addr) {
			s.routeNotFound(w, r)
			return
		}
		all.ServeHTTP(w, r)
	}
}

// observe is the middleware that logs and counts every request when it ends. It logs neither headers nor the query,
// which may contain a sign.
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
	case "/healthz", "/readyz", "/metrics": // too frequent to log
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
				panic(cause) // http.ErrAbortHandler: the handler wants the connection closed
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
