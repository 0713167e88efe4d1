package api

import (
	"context"

	"roomlog/domain"
)

// listStreams returns all streams to operators, and to other users the streams of their own lives.
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
		Live   number          `json:"live,omitempty" example:"6" doc:"end the broadcast of this live"`
		Player domain.PlayerID `json:"player,omitempty" maxLength:"64" doc:"disconnect this player"`
		Reason string          `json:"reason,omitempty" example:"not allowed" maxLength:"100" doc:"for the record"`
	}
}

// kickStream ends the broadcast of a live or disconnects a player. It executes a command; every node then acts on the
// event.
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
