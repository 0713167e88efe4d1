package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"roomlog/media"
)

// mediaMetrics reads one snapshot for all its figures.
type mediaMetrics struct{ server *media.Server }

func mediaDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("roomlog_media_"+name, help, labels, nil)
}

var (
	mediaPublishers  = mediaDesc("publishers", "Streams that come in.")
	mediaPlayers     = mediaDesc("players", "Who plays, or waits for a stream.", "protocol")
	mediaConnections = mediaDesc("connections", "Publishers and players that have a connection.")
	mediaStrangers   = mediaDesc("strangers", "RTMP connections that want nothing yet.")
	mediaBitrate     = mediaDesc("bits_per_second", "What comes in, of all streams.")
	mediaGOP         = mediaDesc("gop_seconds", "The longest group of pictures: as long a player may have to wait for a picture after a gap.")
	mediaFrames      = mediaDesc("frames_total", "Frames that came in.")
	mediaIn          = mediaDesc("in_bytes_total", "Bytes that came in.")
	mediaOut         = mediaDesc("out_bytes_total", "Bytes that went out to players.")
	mediaSkips       = mediaDesc("skips_total", "Times that a slow player was taken to a newer key frame.")
	mediaDrops       = mediaDesc("drops_total", "Players that were given up because they took nothing.")
	mediaRefused     = mediaDesc("refused_total", "Connections, publishers and players that were refused.")
)

// Describe implements prometheus.Collector.
func (mediaMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{mediaPublishers, mediaPlayers, mediaConnections, mediaStrangers, mediaBitrate, mediaGOP,
		mediaFrames, mediaIn, mediaOut, mediaSkips, mediaDrops, mediaRefused} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m mediaMetrics) Collect(to chan<- prometheus.Metric) {
	now := m.server.Snapshot()
	players := map[media.Protocol]int{media.RTMP: 0, media.HTTPFLV: 0, media.WSFLV: 0, media.HLS: 0}
	bitrate, gop := 0, time.Duration(0)
	for _, s := range now.Streams {
		for protocol, n := range s.Players {
			players[protocol] += n
		}
		bitrate, gop = bitrate+s.Bitrate, max(gop, s.GOPLength)
	}
	for protocol, n := range players {
		to <- prometheus.MustNewConstMetric(mediaPlayers, prometheus.GaugeValue, float64(n), string(protocol))
	}
	for d, value := range map[*prometheus.Desc]float64{
		mediaPublishers: float64(now.Publishers), mediaConnections: float64(now.Connections), mediaStrangers: float64(now.Pending),
		mediaBitrate: float64(bitrate), mediaGOP: gop.Seconds(),
	} {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	for d, value := range map[*prometheus.Desc]uint64{
		mediaFrames: now.FramesIn, mediaIn: now.BytesIn, mediaOut: now.BytesOut, mediaSkips: now.Skips, mediaDrops: now.Drops, mediaRefused: now.Refused,
	} {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value))
	}
}

// meterHooks meters what becomes of webhooks.
func (s *studio) meterHooks(m metering) {
	if s.hooks == nil {
		return
	}
	m.gauge("hooks_waiting", "Webhooks that wait to be delivered.", func() float64 { return float64(s.hooks.Stats().Waiting) })
	m.counter("hooks_delivered_total", "Webhooks that were taken.", func() float64 { return float64(s.hooks.Stats().Delivered) })
	m.counter("hooks_retried_total", "Deliveries that failed and were tried again.", func() float64 { return float64(s.hooks.Stats().Retried) })
	m.counter("hooks_lost_total", "Webhooks that were given up.", func() float64 { return float64(s.hooks.Stats().Lost) })
}
