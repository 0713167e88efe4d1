package acts

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
	"roomlog/projections"
)

//go:embed sql/select_acts.sql
var selectActsText string

var selectActs = sqltemplate.Must(selectActsText)

// Act is an act of an owner, a moderator or an operator in a live.
type Act struct {
	Position int64
	At       time.Time
	Type     string        // type of the event, such as "viewer.muted.v1"
	Actor    string        // who did it, such as "user-7" or "operator"
	User     domain.UserID // the user concerned; 0: everybody in the live
	Comment  int64         // position of the comment that was removed or reported; 0 for other acts
	Held     int64         // number of the comment that was released or dropped; 0 for other acts
	Report   int64         // number of the report that was decided; 0 for other acts
	Until    int64         // end of a ban, a mute or a mode in Unix seconds; 0: none
	Reason   string        // reason of the actor; may be empty

	Mode  domain.ModeName // the mode that was set; "" for other acts
	Value int64           // value of the mode; 0: off

	Decision domain.ReportDecision // decision about a report; "" for other acts
}

// Name returns the type of the event without its version.
func (a Act) Name() string {
	if i := strings.LastIndex(a.Type, ".v"); i >= 0 {
		return a.Type[:i]
	}
	return a.Type
}

// Removes reports whether the act removes a comment, given by its position and its author.
func (a Act) Removes(comment int64, author domain.UserID) bool {
	switch a.Type {
	case domain.CommentRemoved{}.Type():
		return a.Comment == comment
	case domain.CommentsCleared{}.Type():
		return a.User == author && comment < a.Position
	}
	return false
}

// Filter selects acts.
type Filter struct {
	Live domain.LiveID
	User domain.UserID // only acts that concern this user; 0: all
	projections.Window
}

const (
	defaultPage = 50
	maxPage     = 500
)

// List returns a page of acts. An event that this program cannot decode is left out.
func List(ctx context.Context, store *eventstore.Store, f Filter) ([]Act, error) {
	before, limit := f.Before, f.Limit
	if before <= 0 {
		before = math.MaxInt64
	}
	if limit <= 0 {
		limit = defaultPage
	}
	rows, err := store.Pool().Query(ctx, selectActs.With(sqltemplate.Options{"user": f.User != 0, "oldest_first": f.OldestFirst}),
		pgx.NamedArgs{"live": f.Live, "user": f.User, "after": f.After, "before": before, "limit": min(limit, maxPage)})
	if err != nil {
		return nil, fmt.Errorf("read the acts in live %d: %w", f.Live, err)
	}
	events, err := pgx.CollectRows(rows, scanRecord)
	if err == nil {
		err = store.Decode(ctx, events)
	}
	var undecodable *eventstore.DecodeError
	if err != nil && !errors.As(err, &undecodable) {
		return nil, fmt.Errorf("read the acts in live %d: %w", f.Live, err)
	}
	all := make([]Act, 0, len(events))
	for _, r := range events {
		if r.Event != nil {
			all = append(all, actOf(r))
		}
	}
	return all, nil
}

// actOf returns the act that an event records.
func actOf(r eventstore.Record) Act {
	a := Act{Position: r.Position, At: r.RecordedAt, Type: r.Event.Type(), Actor: r.Metadata.Actor}
	if e, ok := r.Event.(domain.UserEvent); ok {
		a.User = e.EventUser()
	}
	switch e := r.Event.(type) {
	case domain.ViewerBanned:
		a.Until, a.Reason = e.Until, e.Reason
	case domain.ViewerUnbanned:
		a.Reason = e.Reason
	case domain.ViewerMuted:
		a.Until, a.Reason = e.Until, e.Reason
	case domain.ViewerUnmuted:
		a.Reason = e.Reason
	case domain.ModeratorAppointed:
		a.Reason = e.Reason
	case domain.ModeratorRemoved:
		a.Reason = e.Reason
	case domain.CommentRemoved:
		a.Comment, a.Reason = e.Comment, e.Reason
	case domain.CommentsCleared:
		a.Reason = e.Reason
	case domain.CommentReleased:
		a.Held = e.Held
	case domain.CommentDropped:
		a.Held, a.Reason = e.Held, e.Reason
	case domain.ViewerWarned:
		a.Reason = e.Reason
	case domain.ReportDecided:
		a.Report, a.Comment, a.Decision, a.Reason = e.Report, e.Comment, e.Decision, e.Reason
	case domain.LiveModeSet:
		a.Mode, a.Value, a.Until, a.Reason = e.Mode, e.Value, e.Until, e.Reason
	}
	return a
}

func scanRecord(row pgx.CollectableRow) (r eventstore.Record, err error) {
	err = row.Scan(&r.Position, &r.Stream, &r.Version, &r.ID, &r.Type, &r.Payload, &r.RecordedAt, &r.Metadata.Actor)
	r.RecordedAt = r.RecordedAt.UTC()
	return r, err
}
