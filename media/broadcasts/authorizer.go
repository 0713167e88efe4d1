package broadcasts

import (
	"context"
	"errors"
	"fmt"

	"roomlog/domain"
	"roomlog/media"
	"roomlog/projections"
)

// Why a good sign does not open a stream.
var (
	ErrLiveNotFound   = errors.New("stage: no room has this stream")
	ErrLiveEnded      = errors.New("stage: the room has ended")
	ErrOwnerRefused   = errors.New("stage: the room's owner is locked out")
	ErrRecentlyKicked = errors.New("stage: an operator has ended the stream of this room a moment ago")
)

// AuthorizeConnect lets everybody connect: what counts is decided later.
func (s *Manager) AuthorizeConnect(context.Context, media.ConnectRequest) error { return nil }

// AuthorizePublish wants a sign that opens publishing, and a room that may have a stream and has none elsewhere.
func (s *Manager) AuthorizePublish(ctx context.Context, r media.PublishRequest) error {
	if err := s.cfg.Signer.Verify(media.ScopePublish, r.Key, r.Sign); err != nil {
		return err
	}
	live, err := s.room(ctx, r.Key)
	switch {
	case err != nil:
		return err
	case s.rests(live.ID):
		return ErrRecentlyKicked
	case live.Broadcast.ID == "" || live.Broadcast.Node == s.cfg.Node:
		return nil // who else publishes here is this process's own business
	}
	alive, err := s.cfg.Store.Alive(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", media.ErrUnavailable, err)
	}
	if alive(live.Broadcast.Node) {
		return media.ErrAlreadyPublishing
	}
	return nil // what is left of a dead process ends as this begins
}

// AuthorizePlay wants a sign that opens playing, and a room that may have a stream.
func (s *Manager) AuthorizePlay(ctx context.Context, r media.PlayRequest) error {
	if err := s.cfg.Signer.Verify(media.ScopePlay, r.Key, r.Sign); err != nil {
		return err
	}
	_, err := s.room(ctx, r.Key)
	return err
}

// room answers the room of a stream if it may have one. The tables may be behind a room that was made a moment
// ago: a no is asked for again when they are where the log is now.
func (s *Manager) room(ctx context.Context, key string) (projections.Live, error) {
	live, err := s.cfg.Queries.LiveByStreamKey(ctx, key)
	if errors.Is(err, projections.ErrNotFound) {
		var head int64
		if head, err = s.cfg.Store.Head(ctx); err == nil {
			if err = s.cfg.Feed.WaitFor(ctx, head); err == nil {
				live, err = s.cfg.Queries.LiveByStreamKey(ctx, key)
			}
		}
	}
	switch {
	case errors.Is(err, projections.ErrNotFound):
		return live, ErrLiveNotFound
	case err != nil:
		return live, fmt.Errorf("%w: %w", media.ErrUnavailable, err)
	case live.Status == domain.StatusEnded:
		return live, ErrLiveEnded
	case live.OwnerStatus.Check(live.UserID, s.cfg.Now()) != nil:
		return live, ErrOwnerRefused
	}
	return live, nil
}
