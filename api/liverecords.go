package api

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// viewer is somebody who is or was in a room. The list is in the order of first visits.
type viewer struct {
	User     Shown             `json:"user"`
	Present  bool              `json:"present"`
	JoinedAt time.Time         `json:"joined_at" doc:"the newest time"`
	LeftAt   *time.Time        `json:"left_at" doc:"null while present"`
	Cause    domain.LeaveCause `json:"cause,omitempty" doc:"why they left"`
}

type viewersOf struct {
	ID      domain.LiveID `path:"id"`
	Present bool          `query:"present" doc:"only those who are there now"`
	Window
}

func (s *server) liveViewers(ctx context.Context, _ caller, in *viewersOf) (history[viewer], error) {
	live, err := s.reviewed(ctx, in.ID)
	if err != nil {
		return history[viewer]{}, err
	}
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[viewer]{}, err
	}
	found, err := s.Queries.Viewers(ctx, projections.ViewerFilter{Live: live.ID, Present: in.Present, Window: w})
	if err != nil {
		return history[viewer]{}, err
	}
	return part(ctx, s, found, func(v projections.Viewer) (viewer, int64) {
		form := viewer{User: shown(v.Profile), Present: v.Present, JoinedAt: v.JoinedAt, Cause: v.Cause}
		if !v.LeftAt.IsZero() {
			form.LeftAt = &v.LeftAt
		}
		return form, v.FirstPosition
	})
}

// comment is something said in a room.
type comment struct {
	ID      string    `json:"id"`
	User    Shown     `json:"user"`
	Content string    `json:"content"`
	At      time.Time `json:"at"`
}

type commentsIn struct {
	ID   domain.LiveID `path:"id"`
	User domain.UserID `query:"user" doc:"only this person's"`
	Window
}

func (s *server) liveComments(ctx context.Context, _ caller, in *commentsIn) (history[comment], error) {
	live, err := s.reviewed(ctx, in.ID)
	if err != nil {
		return history[comment]{}, err
	}
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[comment]{}, err
	}
	found, err := s.Queries.Comments(ctx, projections.CommentFilter{Live: live.ID, User: in.User, Window: w})
	if err != nil {
		return history[comment]{}, err
	}
	return part(ctx, s, found, func(c projections.Comment) (comment, int64) {
		return comment{c.ID, shown(c.User), c.Text, c.At}, c.Position
	})
}
