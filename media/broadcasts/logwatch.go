package broadcasts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/media"
	"roomlog/projections"
	"roomlog/projections/feed"
)

// watch cuts what the log says has to go, until ctx ends.
func (s *Manager) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.follow(ctx); err != nil && ctx.Err() == nil {
			if errors.Is(err, feed.ErrEnded) {
				return nil // the process stops
			}
			s.cfg.Log.WarnContext(ctx, "what the log says of streams is not heard, trying again", slog.Any("err", err))
			pause(ctx, retryAfter)
		}
	}
	return nil
}

// follow looks at every stream once, since something may have been missed, and then at what happens.
func (s *Manager) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // a subscription that nobody reads holds up the feed
	batches, err := s.cfg.Feed.Subscribe(ctx)
	if err != nil {
		return err
	}
	for _, st := range s.server.Snapshot().Streams {
		if err := s.look(ctx, st.Key); err != nil {
			return err
		}
	}
	if err := s.catchUp(ctx); err != nil {
		return err
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

// catchUp hears of the ends of shows of this process that were said while nobody listened.
func (s *Manager) catchUp(ctx context.Context) error {
	upTo := s.cfg.Feed.Checkpoint() // what follows comes as batches
	missed, after, err := s.missed(ctx, upTo)
	if err != nil || len(missed) == 0 {
		return err
	}
	for after < upTo {
		page, err := s.cfg.Store.Read(ctx, eventstore.Query{After: after, UpTo: upTo, Types: []string{domain.BroadcastStopped{}.Type()}})
		if err != nil {
			return err
		}
		for _, r := range page.Events {
			if e, is := r.Event.(domain.BroadcastStopped); is && missed[e.Broadcast] {
				s.stopped(ctx, e, r.Position)
			}
		}
		after = page.Next
	}
	return nil
}

// missed answers the shows that go on here and not in the tables, and a position that none of them ended before.
func (s *Manager) missed(ctx context.Context, upTo int64) (missed map[domain.BroadcastID]bool, after int64, err error) {
	missed, after = make(map[domain.BroadcastID]bool), upTo
	s.mu.Lock()
	on := make([]entry, 0, len(s.shows))
	for _, e := range s.shows {
		on = append(on, *e)
	}
	s.mu.Unlock()
	for _, e := range on {
		live, err := s.cfg.Queries.Live(ctx, e.live)
		switch {
		case err != nil && !errors.Is(err, projections.ErrNotFound):
			return nil, 0, err
		case err != nil || live.Broadcast.ID != e.name:
			missed[e.name], after = true, min(after, e.after)
		}
	}
	return missed, after, nil
}

// look cuts a stream whose room may not have one.
func (s *Manager) look(ctx context.Context, key string) error {
	_, err := s.room(ctx, key)
	switch {
	case errors.Is(err, ErrLiveEnded), errors.Is(err, ErrOwnerRefused), errors.Is(err, ErrLiveNotFound):
		s.server.Cut(key, media.ReasonEnded)
		return nil
	}
	return err
}

func (s *Manager) heard(ctx context.Context, d projections.Delta) error {
	switch e := d.Event.(type) {
	case domain.LiveStatusChanged:
		if e.To == domain.StatusEnded {
			return s.lookAt(ctx, e.Live)
		}
	case domain.UserDisabled:
		return s.lookAtAll(ctx)
	case domain.UserForgotten:
		return s.lookAtAll(ctx)
	case domain.BroadcastStopped:
		s.stopped(ctx, e, d.Position)
	}
	return nil
}

// lookAt looks at the stream of a room.
func (s *Manager) lookAt(ctx context.Context, live domain.LiveID) error {
	found, err := s.cfg.Queries.Live(ctx, live)
	switch {
	case errors.Is(err, projections.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return s.look(ctx, found.StreamKey)
}

// lookAtAll looks at every stream of this process: whose they are is in the tables only, and that somebody is
// locked out is rare.
func (s *Manager) lookAtAll(ctx context.Context) error {
	for _, st := range s.server.Snapshot().Streams {
		if err := s.look(ctx, st.Key); err != nil {
			return err
		}
	}
	return nil
}

// stopped hears that a show has ended. If it goes on here, somebody else has said so.
func (s *Manager) stopped(ctx context.Context, e domain.BroadcastStopped, position int64) {
	own, changed := s.own(e, position)
	if e.Cause == domain.StopKicked {
		s.rest(e.Live)
	}
	switch {
	case !changed:
	case e.Cause == domain.StopKicked:
		s.cfg.Log.InfoContext(ctx, "an operator has ended a stream", slog.String("key", own.key), slog.String("why", e.Reason))
		s.server.Cut(own.key, media.ReasonKicked)
	case e.Cause == domain.StopReplaced:
		s.server.Cut(own.key, media.ReasonReplaced)
	case e.Cause == domain.StopNodeLost: // we were thought dead, and are not: for all but the log it is the same show
		if _, err := s.begin(ctx, own, false); err != nil {
			s.refused(own, err)
			return
		}
		s.check(ctx, own)
	}
}

// check ends a show in the log that has ended here while the log was told of it.
func (s *Manager) check(ctx context.Context, e entry) {
	s.mu.Lock()
	_, on := s.shows[e.show.ID]
	s.mu.Unlock()
	if on {
		return
	}
	if _, err := s.say(ctx, "", domain.StopBroadcast{Live: e.live, Broadcast: e.name, Cause: domain.StopConnectionLost}); err != nil {
		s.lost(ctx, "a show's end", e.show, err)
	}
}

// own answers the show of this process that e says has ended. If it was a mistake, it has another name from now on:
// in the log a show ends once.
func (s *Manager) own(e domain.BroadcastStopped, position int64) (entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, own := range s.shows {
		if own.name == e.Broadcast {
			if e.Cause == domain.StopNodeLost {
				own.name = domain.BroadcastID(fmt.Sprintf("%s-%d", own.show.ID, s.cfg.Now().UnixMilli()))
			} else {
				own.ended = position
			}
			return *own, true
		}
	}
	return entry{}, false
}
