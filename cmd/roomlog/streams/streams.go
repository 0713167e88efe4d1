package streams

import (
	"context"
	"time"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/media/broadcasts"
	"roomlog/projections"
)

// Directory adapts a broadcasts.Directory to the interface of the REST API.
type Directory struct{ *broadcasts.Directory }

// Streams returns every stream with a publisher or waiting players, with the totals of all nodes.
func (d Directory) Streams(ctx context.Context) ([]api.Stream, error) {
	streams, err := d.Directory.Streams(ctx)
	all := make([]api.Stream, 0, len(streams))
	for _, s := range streams {
		all = append(all, total(s))
	}
	return all, err
}

// total adds up the counters of all nodes. The counters of the publisher come from the node that receives the
// broadcast.
func total(stream broadcasts.Stream) api.Stream {
	live, broadcast := stream.Live, stream.Live.Broadcast
	s := api.Stream{Live: live.ID, Title: live.Title, UserID: live.UserID, Broadcast: broadcast.ID, Node: broadcast.Node, Players: map[string]int{}, Relays: []string{}}
	if broadcast.ID != "" {
		s.Media = &api.LiveMedia{MediaInfo: broadcast.Media, StartedAt: broadcast.StartedAt}
	}
	for _, f := range stream.Nodes {
		if f.Relayed {
			s.Relays = append(s.Relays, f.Node)
		}
		for protocol, n := range f.Players {
			s.Players[string(protocol)] += n
		}
		s.BytesOut, s.Skips, s.Drops = s.BytesOut+f.BytesOut, s.Skips+f.Skips, s.Drops+f.Drops
		if f.Node == broadcast.Node {
			s.Publishing, s.Bitrate, s.GOP, s.GOPMillis = f.Publisher != "", f.Bitrate, f.GOP, f.GOPLength.Milliseconds()
			s.FramesIn, s.BytesIn = f.Frames, f.BytesIn
		}
	}
	return s
}

// Players returns the players of a live on all nodes.
func (d Directory) Players(ctx context.Context, live projections.Live) ([]api.StreamPlayer, error) {
	players, err := d.Directory.Players(ctx, live)
	all := make([]api.StreamPlayer, 0, len(players))
	for _, p := range players {
		all = append(all, api.StreamPlayer{ID: p.ID, Node: p.Node, Protocol: string(p.Protocol), Address: p.Address, User: p.User,
			Since: p.StartedAt, Bytes: p.Bytes, Frames: p.Frames, Skips: p.Skips})
	}
	return all, err
}

// RunningRecordings returns the recordings of a live that are being written, on all nodes.
func (d Directory) RunningRecordings(ctx context.Context, live domain.LiveID) ([]api.RunningRecording, error) {
	running, err := d.Directory.RunningRecordings(ctx, live)
	all := make([]api.RunningRecording, 0, len(running))
	for _, r := range running {
		all = append(all, api.RunningRecording{ID: r.ID, Duration: time.Duration(r.DurationMS) * time.Millisecond, Bytes: r.Bytes, Parts: r.Parts})
	}
	return all, err
}

// Restreams returns the restream targets of a live with their states.
func (d Directory) Restreams(ctx context.Context, live domain.LiveID) ([]api.Restream, error) {
	restreams, err := d.Directory.Restreams(ctx, live)
	all := make([]api.Restream, 0, len(restreams))
	for _, r := range restreams {
		one := api.Restream{Target: r.Target, URL: r.URL, State: "waiting"}
		if s := r.State; s.Status != "" {
			since := s.Since.UTC()
			one.State, one.Reason, one.Since, one.Bytes, one.Reconnects, one.Skips = string(s.Status), s.Reason, &since, s.Bytes, s.Reconnects, s.Skips
		}
		all = append(all, one)
	}
	return all, err
}
