package broadcasts

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"roomlog/eventstore/cluster"
	"roomlog/media"
)

// The topics of the surveys that a Directory makes.
const (
	topicStreams = "media.streams" // all streams of a node
	topicPlayers = "media.players" // the players of the stream key in the request
	topicPlayer  = "media.player"  // the stream key of the player whose id is the request
)

const maxPlayers = 500 // maximum number of players of one stream in the reply of a node

// NodeStats describes a stream on one node.
type NodeStats struct {
	Key       string                 `json:"key"`
	Node      string                 `json:"node"`
	Publisher string                 `json:"publisher,omitempty"` // media.Client.ID of the publisher
	Bitrate   int                    `json:"bitrate"`             // bit rate of the publisher, in bits per second
	GOP       int                    `json:"gop"`                 // pictures in the last complete group of pictures
	GOPLength time.Duration          `json:"gop_length"`
	Players   map[media.Protocol]int `json:"players"` // number of players by protocol, without recorders and segmenters
	Frames    uint64                 `json:"frames"`
	BytesIn   uint64                 `json:"in"`
	BytesOut  uint64                 `json:"out"`
	Skips     uint64                 `json:"skips"`
	Drops     uint64                 `json:"drops"`
	Relayed   bool                   `json:"relayed,omitempty"` // whether the node relays the stream from another node
}

func nodeStatsOf(st media.StreamStats, node string) NodeStats {
	viewers := maps.Clone(st.Players)
	delete(viewers, media.Internal)
	f := NodeStats{Key: st.Key, Node: node, Bitrate: st.Bitrate, GOP: st.GOP, GOPLength: st.GOPLength, Players: viewers,
		Frames: st.FramesIn, BytesIn: st.BytesIn, BytesOut: st.BytesOut, Skips: st.Skips, Drops: st.Drops, Relayed: st.Relayed}
	if st.Publishing {
		f.Publisher = st.Broadcast.Publisher.ID
	}
	return f
}

// Player describes a player of a stream on one node.
type Player struct {
	ID        string         `json:"id"` // media.Client.ID of the player
	Node      string         `json:"node"`
	Protocol  media.Protocol `json:"protocol"`
	Address   string         `json:"address"`
	User      int64          `json:"user,omitempty"` // the user that the sign of the player names
	StartedAt time.Time      `json:"started_at"`
	Bytes     uint64         `json:"bytes"`
	Frames    uint64         `json:"frames"`
	Skips     uint64         `json:"skips"`
}

func playerOf(s media.PlaySession, node string) Player {
	return Player{s.Client.ID, node, s.Client.Protocol, s.Client.Address, s.Client.User, s.StartedAt, s.Bytes, s.Frames, s.Skips}
}

// answerSurveys replies to the surveys of a Directory until stop is called.
func answerSurveys(c *cluster.Cluster, server *serverRef) (stop func()) {
	stops := []func(){
		c.OnSurvey(topicStreams, func(context.Context, []byte) ([]byte, error) {
			all := []NodeStats{}
			for _, st := range server.Snapshot().Streams {
				all = append(all, nodeStatsOf(st, c.Node()))
			}
			return json.Marshal(all)
		}),
		c.OnSurvey(topicPlayers, func(_ context.Context, key []byte) ([]byte, error) {
			all := []Player{}
			for _, s := range server.Players(string(key)) {
				if len(all) < maxPlayers && s.Client.Protocol != media.Internal {
					all = append(all, playerOf(s, c.Node()))
				}
			}
			return json.Marshal(all)
		}),
		c.OnSurvey(topicPlayer, func(_ context.Context, id []byte) ([]byte, error) {
			all := []string{}
			if key, found := server.KeyOf(string(id)); found {
				all = append(all, key)
			}
			return json.Marshal(all)
		}),
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// survey sends a request to all nodes and returns the items of all replies.
func survey[T any](ctx context.Context, c *cluster.Cluster, topic, request string) ([]T, error) {
	all, _, err := surveyMembers[T](ctx, c, topic, request)
	return all, err
}

// surveyMembers sends a request to all nodes. It returns the items of all replies, and the members that did not reply in time.
func surveyMembers[T any](ctx context.Context, c *cluster.Cluster, topic, request string) (all []T, missing cluster.Nodes, err error) {
	s, err := c.Survey(ctx, topic, []byte(request))
	if err != nil {
		return nil, nil, err
	}
	for _, reply := range s.Replies {
		var items []T
		if err := json.Unmarshal(reply.Payload, &items); err != nil {
			return nil, nil, fmt.Errorf("survey %s: reply of node %s: %w", topic, reply.Node, err)
		}
		all = append(all, items...)
	}
	return all, s.Missing, nil
}
