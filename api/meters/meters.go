package meters

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Meters contains the metrics of an HTTP server. It is safe for concurrent use.
type Meters struct {
	InFlight prometheus.Gauge // number of requests in progress
	Streams  prometheus.Gauge // number of open replays of the log

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// New registers the metrics of a server in registry. It returns an error if registry already contains them.
func New(registry *prometheus.Registry) (*Meters, error) {
	m := &Meters{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "roomlog_http_requests_total", Help: "HTTP requests that were completed.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "roomlog_http_request_seconds", Help: "Duration of HTTP requests in seconds, without event streams.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"method", "route"}),
		InFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "roomlog_http_requests_in_flight", Help: "HTTP requests in progress.",
		}),
		Streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "roomlog_event_streams", Help: "Open replays of the event log.",
		}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.InFlight, m.Streams} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("api: register metrics: %w", err)
		}
	}
	return m, nil
}

// Count counts a request under its route. The path is not a label, because clients can request any number of paths. The
// duration counts only if timed is true.
func (m *Meters) Count(method, route string, status int, duration time.Duration, timed bool) {
	if route == "" || route == "/*" {
		route = "none"
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	if timed {
		m.seconds.WithLabelValues(method, route).Observe(duration.Seconds())
	}
}
