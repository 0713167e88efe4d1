package broadcasts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/media"
	"roomlog/projections"
)

const (
	retryAfter = 500 * time.Millisecond
	lastWords  = 4 * time.Second // for what is told while the process stops
)

// PublishStarted tells the log that a show has begun. It returns when the log has it.
func (s *Manager) PublishStarted(ctx context.Context, show media.Broadcast) {
	live, err := s.liveOf(ctx, show.Key)
	if err != nil {
		s.lost(ctx, "a show's beginning", show, err)
		s.server.Cut(show.Key, media.ReasonEnded)
		return
	}
	e := entry{key: show.Key, live: live, name: domain.BroadcastID(show.ID), show: show, after: s.cfg.Feed.Checkpoint()}
	known := e
	s.mu.Lock()
	s.shows[show.ID] = &known
	s.mu.Unlock()
	receipt, err := s.begin(ctx, e, s.cfg.AutoLive)
	if err != nil {
		s.forget(show) // nobody will hear of its end
		s.refused(e, err)
		return
	}
	s.cfg.OnChange(ctx, Change{Broadcast: show, Live: live, Position: receipt.Position})
}

// begin tells the log of a show.
func (s *Manager) begin(ctx context.Context, e entry, onAir bool) (eventstore.Receipt, error) {
	receipt, err := s.say(ctx, "show-"+string(e.name), domain.StartBroadcast{Live: e.live, Broadcast: e.name, Node: s.cfg.Node, OnAir: onAir,
		Media: domain.MediaInfo{Video: string(e.show.Video), Width: e.show.Size.Width, Height: e.show.Size.Height, Audio: string(e.show.Audio)}})
	if err != nil {
		s.lost(ctx, "a show's beginning", e.show, err)
	}
	return receipt, err
}

// refused cuts a show that the log does not take.
func (s *Manager) refused(e entry, err error) {
	if domain.AsRefusal(err) != nil {
		s.server.Cut(e.key, media.ReasonEnded)
	}
}

// forget answers what the log was told of a show, which it is told no more of.
func (s *Manager) forget(show media.Broadcast) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.shows[show.ID]
	delete(s.shows, show.ID)
	return e
}

// StopByPublisher tells the log that a show has ended. It returns when the log has it.
func (s *Manager) PublishStopped(ctx context.Context, show media.Broadcast, why media.Reason) {
	e := s.forget(show)
	if e == nil {
		return // nobody was told that it had begun
	}
	receipt, err := s.say(ctx, "", domain.StopBroadcast{Live: e.live, Broadcast: e.name, Cause: reasonOf(why), Bytes: int64(min(show.Bytes, 1<<62))})
	if err != nil {
		s.lost(ctx, "a show's end", show, err)
		return
	}
	position := receipt.Position
	if len(receipt.Events) == 0 { // somebody else has said so before
		position = e.ended
	}
	s.cfg.OnChange(ctx, Change{Broadcast: show, Reason: why, Live: e.live, Position: position})
}

// lost says what the log was not told. When it can be told, the shows of a process that is not there any more are ended
// by another.
func (s *Manager) lost(ctx context.Context, what string, show media.Broadcast, err error) {
	s.cfg.Log.WarnContext(ctx, what+" is not in the log", slog.String("show", show.ID), slog.String("key", show.Key), slog.Any("err", err))
}

// liveOf answers the room of a stream that its gate let in.
func (s *Manager) liveOf(ctx context.Context, key string) (live domain.LiveID, err error) {
	err = s.persist(ctx, func(ctx context.Context) error {
		found, err := s.cfg.Queries.LiveByStreamKey(ctx, key)
		live = found.ID
		return err
	})
	return live, err
}

// say has the log decide a command of the program itself.
func (s *Manager) say(ctx context.Context, key string, c domain.Command) (receipt eventstore.Receipt, err error) {
	err = s.persist(ctx, func(ctx context.Context) error {
		receipt, err = s.cfg.Commands.Execute(ctx, domain.Request{Command: c, Actor: domain.Actor{Kind: domain.System}, IdempotencyKey: key})
		return err
	})
	return receipt, err
}

var errTired = errors.New("the log has not listened, and this process ends")

// persist does something until it is done or refused. When ctx ends there is a little time left for it, once.
func (s *Manager) persist(ctx context.Context, do func(context.Context) error) error {
	if ctx.Err() != nil && s.tired.Load() {
		return errTired
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { pause(own, lastWords); cancel() })
	defer stop()
	for {
		err := do(own)
		if err == nil || domain.AsRefusal(err) != nil || errors.Is(err, projections.ErrNotFound) {
			return err
		}
		if pause(own, retryAfter); own.Err() != nil {
			s.tired.Store(true)
			return fmt.Errorf("%w: %w", errTired, err)
		}
	}
}

func reasonOf(why media.Reason) domain.StopCause {
	switch why {
	case media.ReasonStopped:
		return domain.StopByPublisher
	case media.ReasonReplaced:
		return domain.StopReplaced
	case media.ReasonKicked:
		return domain.StopKicked
	case media.ReasonEnded:
		return domain.StopLiveEnded
	case media.ReasonShutdown:
		return domain.StopShutdown
	}
	return domain.StopConnectionLost
}
