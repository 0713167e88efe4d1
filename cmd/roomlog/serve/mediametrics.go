package serve

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"roomlog/media"
)

// mediaMetrics collects all metrics of the media server from one snapshot.
type mediaMetrics struct{ server *media.Server }

func mediaDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("roomlog_media_"+name, help, labels, nil)
}

var (
	mediaPublishers  = mediaDesc("publishers", "Encoders that publish a stream.")
	mediaPlayers     = mediaDesc("players", "Players of streams, with those that wait for one, by protocol.", "protocol")
	mediaConnections = mediaDesc("connections", "Open connections of publishers and players.")
	mediaPending     = mediaDesc("pending", "RTMP connections that neither publish nor play yet.")
	mediaBitrate     = mediaDesc("bits_per_second", "Bits per second received from all publishers.")
	mediaGOP         = mediaDesc("gop_seconds", "Longest group of pictures of all streams: the longest time a player waits for a key frame after a gap.")
	mediaFrames      = mediaDesc("frames_total", "Media frames received from publishers, and from the nodes whose streams this node relays.")
	mediaIn          = mediaDesc("in_bytes_total", "Bytes received from publishers, and from the nodes whose streams this node relays.")
	mediaOut         = mediaDesc("out_bytes_total", "Bytes sent to players, and to the nodes that relay streams of this node.")
	mediaSkips       = mediaDesc("skips_total", "Times that a slow player was moved to a newer key frame.")
	mediaDrops       = mediaDesc("drops_total", "Players disconnected because they accepted no data.")
	mediaIgnored     = mediaDesc("ignored_payloads_total", "Payloads of publishers that no player can use: malformed headers and media, repetitions, pictures that arrive too late, and pictures before the first key frame.")
	mediaJumps       = mediaDesc("timestamp_jumps_total", "Times that the clock of an encoder had jumped, drifted or stopped and was set again for players.")
	mediaRelayed     = mediaDesc("relayed_streams", "Streams that this node relays from other nodes.")
	mediaRelays      = mediaDesc("relays", "Times that other nodes relay a stream of this node.")
	mediaRefused     = mediaDesc("refused_total", "Connections, publishers and players that were refused.")
)

func (mediaMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{mediaPublishers, mediaPlayers, mediaConnections, mediaPending, mediaBitrate, mediaGOP,
		mediaFrames, mediaIn, mediaOut, mediaSkips, mediaDrops, mediaIgnored, mediaJumps, mediaRelayed, mediaRelays, mediaRefused} {
		to <- d
	}
}

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
		mediaPublishers: float64(now.Publishers), mediaConnections: float64(now.Connections), mediaPending: float64(now.Pending),
		mediaBitrate: float64(bitrate), mediaGOP: gop.Seconds(), mediaRelayed: float64(now.Relayed), mediaRelays: float64(now.Relays),
	} {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	for d, value := range map[*prometheus.Desc]uint64{
		mediaFrames: now.FramesIn, mediaIn: now.BytesIn, mediaOut: now.BytesOut, mediaSkips: now.Skips, mediaDrops: now.Drops, mediaIgnored: now.Ignored, mediaJumps: now.Jumps, mediaRefused: now.Refused,
	} {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value))
	}
}

// registerMetrics registers the metrics of the media server, the recordings and the webhooks.
func (m *mediaServer) registerMetrics(to metrics) {
	to.registerer.MustRegister(mediaMetrics{m.server})
	to.counter("media_relays_restarted_total", "Connections to the node with the publisher of a relayed stream that it has ended because the tracks of the stream have changed.", func() float64 { return float64(m.puller.Stats().Restarted) })
	to.counter("media_relays_lost_total", "Connections to the node with the publisher of a relayed stream that were lost.", func() float64 { return float64(m.puller.Stats().Lost) })
	m.recordings.registerMetrics(to)
	to.gauge("restreams_live", "Restream targets that receive a broadcast.", func() float64 { return float64(m.pusher.Stats().Live) })
	to.gauge("restreams_failed", "Restream targets of running broadcasts whose last connection has failed.", func() float64 { return float64(m.pusher.Stats().Failed) })
	to.counter("restreams_out_bytes_total", "Bytes that restream targets have accepted.", func() float64 { return float64(m.pusher.Stats().Bytes) })
	to.counter("restreams_failures_total", "Connections to restream targets that were refused, could not be made or were lost.", func() float64 { return float64(m.pusher.Stats().Failures) })
	to.counter("restreams_skips_total", "Times that a slow restream target was moved to a newer key frame.", func() float64 { return float64(m.pusher.Stats().Skips) })
	if m.hooks == nil {
		return
	}
	to.gauge("hooks_waiting", "Webhooks that wait to be delivered.", func() float64 { return float64(m.hooks.Stats().Waiting) })
	to.counter("hooks_delivered_total", "Webhooks that were delivered.", func() float64 { return float64(m.hooks.Stats().Delivered) })
	to.counter("hooks_retried_total", "Deliveries of webhooks that failed and were repeated.", func() float64 { return float64(m.hooks.Stats().Retried) })
	to.counter("hooks_dropped_total", "Webhooks that were dropped: rejected, not accepted in time, or without room in the queue.", func() float64 { return float64(m.hooks.Stats().Dropped) })
}
