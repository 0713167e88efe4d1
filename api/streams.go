package api

import (
	"context"
	"errors"
	"time"

	"roomlog/domain"
	"roomlog/projections"
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

// PublishKey is a new publish key in a response. It cannot be read again.
type PublishKey struct {
	PublishKey string `json:"publish_key" example:"pk_QYQMREMNZGVM47RAQYQMREMNZG" doc:"the argument sign of the encoder"`
	StreamKey  string `json:"stream_key" example:"L3V8KhRHin40gNug58zy?sign=pk_QYQMREMNZGVM47RAQYQMREMNZG" doc:"the stream key to enter in an encoder: KEY?sign=PUBLISH_KEY"`
}

type publishKeyInput struct {
	Body struct {
		ID number `json:"id" example:"6" doc:"id of the live"`
	}
}

// setPublishKey creates a publish key. An encoder that uses the earlier key is disconnected. A repeated request creates
// another key, because the first key is stored nowhere.
func (s *server) setPublishKey(ctx context.Context, in *publishKeyInput) (PublishKey, error) {
	key, hash := s.Signs.NewPublishKey()
	id := domain.LiveID(in.Body.ID)
	if _, err := s.execute(withoutIdempotencyKey(ctx), domain.SetPublishKey{Live: id, Hash: hash}); err != nil {
		return PublishKey{}, err
	}
	live, err := s.live(ctx, id)
	return PublishKey{key, live.StreamKey + "?sign=" + key}, err
}

func (s *server) revokePublishKey(ctx context.Context, in *publishKeyInput) (string, error) {
	_, err := s.execute(ctx, domain.RevokePublishKey{Live: domain.LiveID(in.Body.ID)})
	return "ok", err
}

// PublishKeyState describes the publish key of a live in a response.
type PublishKeyState struct {
	Set   bool       `json:"set"`
	SetAt *time.Time `json:"set_at" doc:"null without a publish key"`
}

func (s *server) readPublishKey(ctx context.Context, _ *LivePath) (PublishKeyState, error) {
	key, err := s.Queries.PublishKey(ctx, requestOf(ctx).live.ID)
	if errors.Is(err, projections.ErrNotFound) {
		return PublishKeyState{}, nil
	}
	return PublishKeyState{true, &key.SetAt}, err
}

type setRestreamInput struct {
	Body struct {
		ID     number `json:"id" example:"6" doc:"id of the live"`
		Target string `json:"target" example:"example" maxLength:"32" doc:"name of the target in the live: 1 to 32 characters of a-z, 0-9 and -; a target with the same name is replaced"`
		URL    string `json:"url" example:"rtmps://push.example/app" maxLength:"2048" doc:"address of the server: rtmp or rtmps; with the stream key as its last part if key is empty"`
		Key    string `json:"key,omitempty" example:"live_123" maxLength:"2048" doc:"stream key; it cannot be read again"`
	}
}

// setRestream sets a target to which the broadcasts of a live are pushed on. A repeated request sets it again.
func (s *server) setRestream(ctx context.Context, in *setRestreamInput) (string, error) {
	body := in.Body
	live := domain.LiveID(body.ID)
	url, secret, err := s.SealRestream(live, body.Target, body.URL, body.Key)
	if err != nil {
		return "", err
	}
	_, err = s.execute(withoutIdempotencyKey(ctx), domain.SetRestream{Live: live, Target: body.Target, URL: url, Secret: secret})
	return "ok", err
}

type removeRestreamInput struct {
	Body struct {
		ID     number `json:"id" example:"6" doc:"id of the live"`
		Target string `json:"target" example:"example" maxLength:"32" doc:"name of the target in the live"`
	}
}

func (s *server) removeRestream(ctx context.Context, in *removeRestreamInput) (string, error) {
	_, err := s.execute(ctx, domain.RemoveRestream{Live: domain.LiveID(in.Body.ID), Target: in.Body.Target})
	return "ok", err
}

func (s *server) listRestreams(ctx context.Context, _ *LivePath) ([]Restream, error) {
	return s.Streams.Restreams(ctx, requestOf(ctx).live.ID)
}
