package stage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"roomlog/domain"
	"roomlog/media"
	"roomlog/projections"
)

// watch cuts what the log says has to go, until ctx ends.
func (s *Stage) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.follow(ctx); err != nil && ctx.Err() == nil {
			if errors.Is(err, projections.ErrFeedEnded) {
				return nil // the process stops
			}
			s.cfg.Log.WarnContext(ctx, "what the log says of streams is not heard, trying again", slog.Any("err", err))
			pause(ctx, retryAfter)
		}
	}
	return nil
}

// follow looks at every stream once, since something may have been missed, and then at what happens.
func (s *Stage) follow(ctx context.Context) error {
	batches, err := s.cfg.Feed.Subscribe(ctx)
	if err != nil {
		return err
	}
	for _, st := range s.server.Snapshot().Streams {
		if err := s.look(ctx, st.Key); err != nil {
			return err
		}
	}
	for b := range batches {
		for _, d := range b.Deltas {
			if err := s.heard(ctx, d); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// look cuts a stream whose room may not have one.
func (s *Stage) look(ctx context.Context, key string) error {
	_, err := s.room(ctx, key)
	switch {
	case errors.Is(err, ErrEnded), errors.Is(err, ErrOwner), errors.Is(err, ErrNoRoom):
		s.server.Cut(key, media.Ended)
		return nil
	}
	return err
}

func (s *Stage) heard(ctx context.Context, d projections.Delta) error {
	switch e := d.Event.(type) {
	case domain.LiveStatusChanged:
		if e.To == domain.StatusEnded {
			return s.lookAt(ctx, e.Live)
		}
	case domain.UserDisabled:
		return s.lookAtAll(ctx)
	case domain.UserForgotten:
		return s.lookAtAll(ctx)
	case domain.LivePublishStopped:
		s.stopped(ctx, e)
	}
	return nil
}

// lookAt looks at the stream of a room.
func (s *Stage) lookAt(ctx context.Context, live domain.LiveID) error {
	found, err := s.cfg.Queries.Live(ctx, live)
	switch {
	case errors.Is(err, projections.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return s.look(ctx, found.Key)
}

// lookAtAll looks at every stream of this process: whose they are is in the tables only, and that somebody is
// locked out is rare.
func (s *Stage) lookAtAll(ctx context.Context) error {
	for _, st := range s.server.Snapshot().Streams {
		if err := s.look(ctx, st.Key); err != nil {
			return err
		}
	}
	return nil
}

// stopped hears that a show has ended. If it goes on here, somebody else has said so.
func (s *Stage) stopped(ctx context.Context, e domain.LivePublishStopped) {
	if e.Reason == domain.PublishKicked {
		s.rest(e.Live)
	}
	own, changed := s.own(e)
	switch {
	case !changed:
	case e.Reason == domain.PublishKicked:
		s.cfg.Log.InfoContext(ctx, "an operator has ended a stream", slog.String("key", own.key), slog.String("why", e.Note))
		s.server.Cut(own.key, media.Kicked)
	case e.Reason == domain.PublishReplaced:
		s.server.Cut(own.key, media.Replaced)
	case e.Reason == domain.PublishProcessLost: // we were thought dead, and are not
		s.begin(ctx, &own, false)
		s.check(ctx, own)
	}
}

// check ends a show in the log that has ended here while the log was told of it.
func (s *Stage) check(ctx context.Context, e entry) {
	s.mu.Lock()
	_, on := s.shows[e.show.ID]
	s.mu.Unlock()
	if on {
		return
	}
	if _, err := s.say(ctx, "", domain.StopPublish{Live: e.live, Show: e.name, Reason: domain.PublishLost}); err != nil {
		s.lost(ctx, "a show's end", e.show, err)
	}
}

// own answers the show of this process that e says has ended. If it was a mistake, it has another name from now on:
// in the log a show ends once.
func (s *Stage) own(e domain.LivePublishStopped) (entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, own := range s.shows {
		if own.name == e.Show {
			if e.Reason == domain.PublishProcessLost {
				own.name = domain.ShowID(fmt.Sprintf("%s-%d", own.show.ID, s.cfg.Now().UnixMilli()))
			}
			return *own, true
		}
	}
	return entry{}, false
}
