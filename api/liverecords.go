package api

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// viewer is a user who is or was in a live, in a response. Lists are ordered by first visit.
type viewer struct {
	User     PublicUser        `json:"user"`
	Present  bool              `json:"present"`
	JoinedAt time.Time         `json:"joined_at" doc:"time of the newest visit"`
	LeftAt   *time.Time        `json:"left_at" doc:"null while present"`
	Cause    domain.LeaveCause `json:"cause,omitempty" doc:"cause of leaving"`
}

type viewersInput struct {
	LivePath
	Present bool `query:"present" doc:"only viewers who are present now"`
	Window
}

func (s *server) listViewers(ctx context.Context, in *viewersInput) (history[viewer], error) {
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[viewer]{}, err
	}
	found, err := s.Queries.Viewers(ctx, projections.ViewerFilter{Live: in.ID, Present: in.Present, Window: w})
	if err != nil {
		return history[viewer]{}, err
	}
	return newHistory(ctx, s, found, func(v projections.Viewer) (viewer, int64) {
		item := viewer{User: newPublicUser(v.Profile), Present: v.Present, JoinedAt: v.JoinedAt, Cause: v.Cause}
		if !v.LeftAt.IsZero() {
			item.LeftAt = &v.LeftAt
		}
		return item, v.FirstPosition
	})
}

// comment is one comment of a live, in a response.
type comment struct {
	ID      string     `json:"id"`
	User    PublicUser `json:"user"`
	Content string     `json:"content"`
	At      time.Time  `json:"at"`
}

type commentsInput struct {
	LivePath
	User domain.UserID `query:"user" doc:"only comments of this user"`
	Window
}

func (s *server) listComments(ctx context.Context, in *commentsInput) (history[comment], error) {
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[comment]{}, err
	}
	found, err := s.Queries.Comments(ctx, projections.CommentFilter{Live: in.ID, User: in.User, Window: w})
	if err != nil {
		return history[comment]{}, err
	}
	return newHistory(ctx, s, found, func(c projections.Comment) (comment, int64) {
		return comment{c.ID, newPublicUser(c.User), c.Text, c.At}, c.Position
	})
}
