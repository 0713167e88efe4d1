package api

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// Streams lists the streams of all nodes.
type Streams interface {
	// Streams returns all streams with a publisher or waiting players, ordered by live.
	Streams(ctx context.Context) ([]Stream, error)
	// Players returns the connected players of a live.
	Players(ctx context.Context, live projections.Live) ([]StreamPlayer, error)
	// LiveOfPlayer returns the live that a connected player plays. found is false if there is no such player.
	LiveOfPlayer(ctx context.Context, id domain.PlayerID) (live domain.LiveID, found bool, err error)
}

// Stream describes the stream of a live, with statistics.
type Stream struct {
	Live      domain.LiveID      `json:"live"`
	Title     string             `json:"title"`
	UserID    domain.UserID      `json:"user_id" doc:"owner of the live"`
	Broadcast domain.BroadcastID `json:"broadcast" doc:"empty while players wait for a broadcast"`
	Node      string             `json:"node" doc:"the server process that receives the broadcast"`
	Media     *LiveMedia         `json:"media" doc:"null while players wait for a broadcast"`

	// Statistics of the node that receives the broadcast.
	Publishing bool   `json:"publishing" doc:"false while the server waits for a lost encoder"`
	Bitrate    int    `json:"bitrate" doc:"of the encoder, in bits per second"`
	GOP        int    `json:"gop" doc:"frames from one key frame to the next"`
	GOPMillis  int64  `json:"gop_ms" doc:"time from one key frame to the next"`
	FramesIn   uint64 `json:"frames_in"`
	BytesIn    uint64 `json:"bytes_in"`

	// Statistics of all nodes.
	Players  map[string]int `json:"players" doc:"number of players by protocol"`
	BytesOut uint64         `json:"bytes_out"`
	Skips    uint64         `json:"skips" doc:"times that a slow player was moved to a newer key frame"`
	Drops    uint64         `json:"drops" doc:"players that were disconnected because they read nothing"`
}

// StreamPlayer describes a player of a stream.
type StreamPlayer struct {
	ID       string    `json:"id" doc:"for kick"`
	Node     string    `json:"node" doc:"the server process that serves the player"`
	Protocol string    `json:"protocol" enum:"rtmp,http-flv,ws-flv,hls"`
	Address  string    `json:"address"`
	Since    time.Time `json:"since"`
	Bytes    uint64    `json:"bytes"`
	Frames   uint64    `json:"frames"`
	Skips    uint64    `json:"skips" doc:"times that the player was moved to a newer key frame"`
}

// listStreams returns all streams to operators. Other users receive their own streams.
func (s *server) listStreams(ctx context.Context, _ *struct{}) ([]Stream, error) {
	all, err := s.Streams.Streams(ctx)
	if err != nil {
		return nil, err
	}
	user := requestOf(ctx).user
	visible := make([]Stream, 0, len(all))
	for _, stream := range all {
		if stream.UserID == user.ID || hasRole(user, domain.RoleOperator) {
			visible = append(visible, stream)
		}
	}
	return visible, nil
}

func (s *server) listPlayers(ctx context.Context, _ *LivePath) ([]StreamPlayer, error) {
	return s.Streams.Players(ctx, requestOf(ctx).live)
}

type streamKickInput struct {
	Body struct {
		Live   number          `json:"live,omitempty" doc:"end the broadcast of this live"`
		Player domain.PlayerID `json:"player,omitempty" maxLength:"64" doc:"disconnect this player"`
		Reason string          `json:"reason,omitempty" maxLength:"100" doc:"for the record"`
	}
}

// kickStream ends the broadcast of a live or disconnects a player. It executes a command; every node acts on the
// resulting event.
func (s *server) kickStream(ctx context.Context, in *streamKickInput) (string, error) {
	kick := in.Body
	if (kick.Live != 0) == (kick.Player != "") {
		return "", badRequest("send either live or player")
	}
	if kick.Live != 0 {
		_, err := s.execute(ctx, domain.KickBroadcast{Live: domain.LiveID(kick.Live), Reason: kick.Reason})
		return "ok", err
	}
	live, found, err := s.Streams.LiveOfPlayer(ctx, kick.Player)
	if err == nil && !found {
		err = refusal(domain.CodeNoBroadcast, "there is no player %s", kick.Player)
	}
	if err != nil {
		return "", err
	}
	_, err = s.execute(ctx, domain.KickPlayer{Live: live, Player: kick.Player, Reason: kick.Reason})
	return "ok", err
}

// noStreams is the Streams of a server without media: it returns empty lists.
type noStreams struct{}

func (noStreams) Streams(context.Context) ([]Stream, error) { return nil, nil }

func (noStreams) Players(context.Context, projections.Live) ([]StreamPlayer, error) {
	return []StreamPlayer{}, nil
}

func (noStreams) LiveOfPlayer(context.Context, domain.PlayerID) (domain.LiveID, bool, error) {
	return 0, false, nil
}
