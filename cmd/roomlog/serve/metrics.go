package serve

import (
	"github.com/prometheus/client_golang/prometheus"

	"roomlog/cmd/roomlog/cli"
	"roomlog/internal/certificate"
)

// metrics registers metrics with the prefix roomlog_. Each value is read when the metrics are requested.
type metrics struct {
	registry   *prometheus.Registry
	registerer prometheus.Registerer
}

// dialect returns metrics that have the name of a dialect as a label.
func (m metrics) dialect(name string) metrics {
	return metrics{m.registry, prometheus.WrapRegistererWith(prometheus.Labels{"dialect": name}, m.registry)}
}

func (m metrics) gauge(name, help string, value func() float64) {
	m.registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "roomlog_" + name, Help: help}, value))
}

func (m metrics) counter(name, help string, value func() float64) {
	m.registerer.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "roomlog_" + name, Help: help}, value))
}

// buildInfo registers a metric with the constant value 1 and the labels of the build.
func (m metrics) buildInfo(b cli.Build) {
	m.registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "roomlog_build_info", Help: "Always 1; the labels name the version, commit, commit date and Go version of the program.",
		ConstLabels: prometheus.Labels{"version": b.Version, "commit": b.Commit, "date": b.Date, "goversion": b.Go},
	}, func() float64 { return 1 }))
}

// registerCertificate registers the metric of the certificate. cert may be nil.
func registerCertificate(m metrics, cert *certificate.Source) {
	m.gauge("tls_certificate_expires_timestamp_seconds", "Unix time at which the certificate for HTTPS and RTMPS expires; 0 if there is none, or none yet.", func() float64 {
		if cert == nil || cert.Expires().IsZero() {
			return 0
		}
		return float64(cert.Expires().Unix())
	})
}
