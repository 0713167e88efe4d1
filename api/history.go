package api

import (
	"context"

	"roomlog/projections"
)

// Window selects a part of a history. Without a cursor the part starts with the newest item.
type Window struct {
	After  string `query:"after" doc:"cursor: return what follows it, oldest first; 0 is the beginning"`
	Before string `query:"before" doc:"cursor: return what precedes it, newest first"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// history is a part of a history. Cursor is the cursor of its last item. To get the next part, the client sends
// Cursor in the same parameter, after or before, that it used for this part.
type history[T any] struct {
	Items  []T     `json:"items"`
	Cursor *string `json:"cursor" doc:"null when the part is empty"`
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

// newHistory returns the history of found rows. convert converts a row to an item and returns the row's position in
// the log.
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
