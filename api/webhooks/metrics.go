package webhooks

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"roomlog/domain"
	"roomlog/internal/webhook"
	"roomlog/projections"
)

// metricsInterval is the time between two reads of the tables for the metrics.
const metricsInterval = 5 * time.Second

// The results of an attempt, as values of the label result.
const (
	resultAccepted = "accepted" // a response 2xx
	resultRefused  = "refused"  // the receiver has sent another response
	resultFailed   = "failed"   // no response
)

// metrics are the metrics of a process that may send. Those of a webhook exist only in the process that sends.
type metrics struct {
	sending  prometheus.Gauge
	attempts *prometheus.CounterVec
	died     *prometheus.CounterVec
	position *prometheus.GaugeVec
	blocked  *prometheus.GaugeVec
	dead     *prometheus.GaugeVec
	halted   *prometheus.GaugeVec
}

func newMetrics() *metrics {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "roomlog_webhook_" + name, Help: help}, []string{"webhook"})
	}
	return &metrics{
		sending: prometheus.NewGauge(prometheus.GaugeOpts{Name: "roomlog_webhooks_sending", Help: "1 while this process sends events to webhooks, else 0."}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "roomlog_webhook_attempts_total",
			Help: "Requests with an event to the receiver of a webhook: accepted with 2xx, refused with another status, or failed without a response."}, []string{"webhook", "result"}),
		died:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "roomlog_webhook_died_total", Help: "Events that became dead letters of a webhook."}, []string{"webhook"}),
		position: gauge("position", "Position up to which the events of a webhook are accepted, blocked or dead letters. Up to 1000 behind the log while no event is selected."),
		blocked:  gauge("blocked_lives", "Lives whose next event the receiver of a webhook has not accepted."),
		dead:     gauge("dead_letters", "Dead letters of a webhook that are stored."),
		halted:   gauge("halted", "1 while a webhook sends nothing because the log has fallen back, else 0."),
	}
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.sending, m.attempts, m.died, m.position, m.blocked, m.dead, m.halted}
}

func (m *metrics) count(id string, response webhook.Response, err error) {
	result := resultRefused
	switch {
	case err != nil:
		result = resultFailed
	case accepted(response, nil):
		result = resultAccepted
	}
	m.attempts.WithLabelValues(id, result).Inc()
}

// accepted reports whether a receiver has accepted an event.
func accepted(r webhook.Response, err error) bool {
	return err == nil && r.Status >= 200 && r.Status < 300
}

// set sets the metrics of some webhooks that come from the tables.
func (m *metrics) set(webhooks []projections.Webhook, all map[domain.WebhookID]Progress) {
	m.reset()
	for _, w := range webhooks {
		p, found := all[w.ID]
		if !found { // its sender has not begun
			continue
		}
		name := string(w.ID)
		m.position.WithLabelValues(name).Set(float64(p.Position))
		m.blocked.WithLabelValues(name).Set(float64(p.Blocked))
		m.dead.WithLabelValues(name).Set(float64(p.Dead))
		halted := 0.0
		if p.Halted != "" {
			halted = 1
		}
		m.halted.WithLabelValues(name).Set(halted)
	}
}

// reset removes the metrics that come from the tables: a webhook was removed, or another process sends.
func (m *metrics) reset() {
	for _, v := range []*prometheus.GaugeVec{m.position, m.blocked, m.dead, m.halted} {
		v.Reset()
	}
}
