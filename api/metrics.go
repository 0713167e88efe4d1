package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// meters are the metrics of this server.
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

// count counts a request under its route. Paths are not labels, because clients can invent them.
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
	if route != eventsRoute { // its duration depends on the reader
		m.seconds.WithLabelValues(method, route).Observe(duration.Seconds())
	}
}

// metrics returns the handler of /metrics. Clients outside MetricsFrom get 404.
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
