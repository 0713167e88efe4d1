package broadcasts

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/projections"
)

// Directory lists the streams and players of all nodes for operators. It works on any node, and without a media
// server. A node that does not reply within the survey timeout is missing from the lists.
type Directory struct {
	cluster *cluster.Cluster
	queries *projections.Queries
}

// NewDirectory returns a Directory that asks all nodes of c for their streams.
func NewDirectory(c *cluster.Cluster, queries *projections.Queries) *Directory {
	return &Directory{c, queries}
}

// Stream describes the stream of a live: its broadcast in the tables, and its state on each node that has the stream. If
// players only wait for a stream, Live.Broadcast has no ID.
type Stream struct {
	Live  projections.Live
	Nodes []NodeStats // the node with the publisher first
}

// Streams returns the streams of all nodes, ordered by live.
func (d *Directory) Streams(ctx context.Context) ([]Stream, error) {
	streams := make(map[string]*Stream) // streams by stream key
	err := eachBroadcast(ctx, d.queries, func(b projections.Broadcast) error {
		live, err := d.queries.Live(ctx, b.Live)
		if err != nil {
			return err
		}
		streams[live.StreamKey] = &Stream{Live: live}
		return nil
	})
	if err != nil {
		return nil, err
	}
	stats, err := survey[NodeStats](ctx, d.cluster, topicStreams, "")
	if err != nil {
		return nil, err
	}
	for _, s := range stats {
		stream := streams[s.Key]
		if stream == nil {
			live, err := d.queries.LiveByStreamKey(ctx, s.Key)
			if errors.Is(err, projections.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			stream = &Stream{Live: live}
			streams[s.Key] = stream
		}
		stream.Nodes = append(stream.Nodes, s)
	}
	all := make([]Stream, 0, len(streams))
	for _, stream := range streams {
		slices.SortFunc(stream.Nodes, func(a, b NodeStats) int { return cmp.Compare(b.Publisher, a.Publisher) })
		all = append(all, *stream)
	}
	slices.SortFunc(all, func(a, b Stream) int { return cmp.Compare(a.Live.ID, b.Live.ID) })
	return all, nil
}

// Players returns the players of a live on all nodes, at most 500 per node, in the order in which they started.
func (d *Directory) Players(ctx context.Context, live projections.Live) ([]Player, error) {
	players, err := survey[Player](ctx, d.cluster, topicPlayers, live.StreamKey)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(players, func(a, b Player) int { return a.StartedAt.Compare(b.StartedAt) })
	return players, nil
}

// LiveOfPlayer returns the live that a player plays, and reports whether a node has such a player. To disconnect the
// player, execute domain.KickPlayer.
func (d *Directory) LiveOfPlayer(ctx context.Context, id domain.PlayerID) (live domain.LiveID, found bool, err error) {
	if len(id) > 64 {
		return 0, false, nil
	}
	keys, err := survey[string](ctx, d.cluster, topicPlayer, string(id))
	if err != nil || len(keys) == 0 {
		return 0, false, err
	}
	l, err := d.queries.LiveByStreamKey(ctx, keys[0])
	return l.ID, err == nil, err
}
