package api

import (
	"context"
	"slices"

	"roomlog/domain"
	"roomlog/projections"
)

// Window is how a client asks for a part of a history. Without a cursor it begins with the newest.
type Window struct {
	After  string `query:"after" doc:"go on after this cursor, oldest first; 0 is the beginning"`
	Before string `query:"before" doc:"go on before this cursor, newest first"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// history is a part of one. Cursor names its last item: it goes into the parameter that the part
// was asked for with, after or before.
type history[T any] struct {
	Items  []T     `json:"items"`
	Cursor *string `json:"cursor" doc:"null when there is nothing there"`
}

func (s *server) window(ctx context.Context, w Window) (projections.Window, error) {
	if w.After != "" && w.Before != "" {
		return projections.Window{}, badRequest("after or before, not both")
	}
	after, err := s.Store.ParseCursor(ctx, w.After)
	if err != nil {
		return projections.Window{}, err
	}
	before, err := s.Store.ParseCursor(ctx, w.Before)
	return projections.Window{After: after, Before: before, OldestFirst: w.After != "", Limit: w.Limit}, err
}

// part puts what was found into its form; item answers its form and where it stands.
func part[R, T any](ctx context.Context, s *server, found []R, item func(R) (T, int64)) (history[T], error) {
	h := history[T]{Items: make([]T, 0, len(found))}
	var position int64
	for _, r := range found {
		var form T
		form, position = item(r)
		h.Items = append(h.Items, form)
	}
	if len(found) == 0 {
		return h, nil
	}
	cursor, err := s.Store.Cursor(ctx, position)
	h.Cursor = &cursor
	return h, err
}

// Shown is a person in a history.
type Shown struct {
	ID     domain.UserID `json:"id"`
	Name   string        `json:"name"`
	Avatar string        `json:"avatar"`
}

func shown(p projections.Profile) Shown { return Shown{p.ID, p.Name(), p.Avatar} }

func auditor(member projections.User) bool { return slices.Contains(member.Roles, domain.RoleAuditor) }

// reviewed answers the live of a review after making sure that the asker owns it or is an auditor.
func (s *server) reviewed(ctx context.Context, id domain.LiveID) (projections.Live, error) {
	member, err := s.member(ctx)
	if err != nil {
		return projections.Live{}, err
	}
	live, err := s.live(ctx, id)
	if err == nil && live.UserID != member.ID && !auditor(member) {
		err = refusal(domain.CodeForbidden, "this needs the live's owner or the role %s", domain.RoleAuditor)
	}
	return live, err
}
