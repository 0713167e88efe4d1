package media

import (
	"maps"
	"slices"
	"time"
)

// Snapshot describes a Server at one moment.
type Snapshot struct {
	Time                 time.Time
	Streams              []StreamStats // the streams, ordered by key
	Publishers           int
	Relayed              int // number of streams that are relayed from other nodes
	Relays               int // number of connections over which other nodes relay streams of this node
	Players              int // number of players, without those in this process and without other nodes
	Connections          int // number of publishers and players
	Pending              int // number of RTMP connections that have not requested to publish or play yet
	Refused              uint64
	DroppedNotifications uint64 // number of players and connections that were not announced because observers were slow
	// Totals of all streams since the start of the server.
	FramesIn, BytesIn, BytesOut, Skips, Drops, Ignored, Jumps uint64
}

// StreamStats describes a stream at one moment.
type StreamStats struct {
	Key        string
	Broadcast  Broadcast // the broadcast; its ID is empty if nothing was published yet
	Publishing bool      // whether a publisher is connected
	Bitrate    int       // bit rate of the publisher in bits per second
	GOP        int       // number of pictures in the last complete group of pictures
	GOPLength  time.Duration
	Relayed    bool             // whether the stream comes from another node
	Relays     int              // number of nodes that relay the stream from this node
	Players    map[Protocol]int // number of players, also those in this process, without other nodes
	FramesIn   uint64
	BytesIn    uint64
	BytesOut   uint64
	Skips      uint64 // number of times that slow players were moved to a newer key frame
	Drops      uint64 // number of players that were disconnected because they accepted no data
	Ignored    uint64 // number of payloads of the publisher that players cannot use: malformed ones, repetitions, late pictures, and those before the first key frame
	Jumps      uint64 // number of times that the timestamps of a track have jumped, drifted or stopped
}

func (s *stream) stats(now time.Time) StreamStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &s.meter
	st := StreamStats{Key: s.key, Broadcast: s.broadcast, Publishing: s.publisher != nil && s.broadcast.ID != "" && !s.relayed, Relayed: s.relayed, Bitrate: m.bitrate(now),
		GOP: m.gop, GOPLength: m.gopLen, Players: map[Protocol]int{},
		FramesIn: m.frames, BytesIn: m.bytes, BytesOut: m.sent, Skips: m.skips, Drops: m.drops, Ignored: m.ignored, Jumps: s.timeline.Jumps()}
	for p := range s.players {
		if p.client.Protocol == Relay {
			st.Relays++
		} else {
			st.Players[p.client.Protocol]++
		}
		st.BytesOut += p.bytes.Load()
	}
	return st
}

// stats returns the counters of all streams.
func (h *hub) stats() Snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.cfg.Now()
	past := h.past
	shot := Snapshot{Time: now, FramesIn: past.frames, BytesIn: past.in, BytesOut: past.out, Skips: past.skips, Drops: past.drops, Ignored: past.ignored, Jumps: past.jumps,
		DroppedNotifications: h.notifier.droppedCount()}
	for _, key := range slices.Sorted(maps.Keys(h.streams)) {
		st := h.streams[key].stats(now)
		shot.Streams = append(shot.Streams, st)
		if st.Publishing {
			shot.Publishers++
		}
		if st.Relayed {
			shot.Relayed++
		}
		shot.Relays += st.Relays
		for protocol, n := range st.Players {
			if protocol != Internal {
				shot.Players += n
			}
		}
		shot.FramesIn += st.FramesIn
		shot.BytesIn += st.BytesIn
		shot.BytesOut += st.BytesOut
		shot.Skips += st.Skips
		shot.Drops += st.Drops
		shot.Ignored += st.Ignored
		shot.Jumps += st.Jumps
	}
	return shot
}
