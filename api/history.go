package api

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// Window selects the items of a page by their cursors. Without a cursor, the page begins with the newest item.
type Window struct {
	After  string `query:"after" doc:"cursor: return what follows it, oldest first; 0 is the beginning"`
	Before string `query:"before" doc:"cursor: return what precedes it, newest first"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// history is a page with items in the order of the log. Cursor is the cursor of its last item. To get the next page,
// the client sends Cursor in the same parameter, after or before, that it used for this page.
type history[T any] struct {
	Items  []T     `json:"items"`
	Cursor *string `json:"cursor" example:"4711.5f0c2a77" doc:"null when the part is empty"`
}

func (s *server) window(ctx context.Context, w Window) (projections.Window, error) {
	if w.After != "" && w.Before != "" {
		return projections.Window{}, badRequest("send either after or before, not both")
	}
	after, err := s.Store.ParseCursor(ctx, w.After)
	if err != nil {
		return projections.Window{}, err
	}
	before, err := s.Store.ParseCursor(ctx, w.Before)
	return projections.Window{After: after, Before: before, OldestFirst: w.After != "", Limit: w.Limit}, err
}

// newHistory returns a page with the items of the found rows. convert converts a row to an item, and also returns the
// position of the row in the log.
func newHistory[R, T any](ctx context.Context, s *server, found []R, convert func(R) (T, int64)) (history[T], error) {
	h := history[T]{Items: make([]T, 0, len(found))}
	var position int64
	for _, r := range found {
		var item T
		item, position = convert(r)
		h.Items = append(h.Items, item)
	}
	if len(found) == 0 {
		return h, nil
	}
	cursor, err := s.Store.Cursor(ctx, position)
	h.Cursor = &cursor
	return h, err
}

// viewer is a user who is or was a viewer of a live, in a response. Lists of viewers are ordered by first visit.
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
	ID      string     `json:"id" example:"09a791fff0"`
	User    PublicUser `json:"user"`
	Content string     `json:"content" example:"hello"`
	At      time.Time  `json:"at"`
}

type commentsInput struct {
	LivePath
	User domain.UserID `query:"user" minimum:"1" doc:"only comments of this user"`
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
