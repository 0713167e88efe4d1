package past

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/projections/acts"
)

// Live is the state that a live had at a position.
type Live struct {
	ID        domain.LiveID
	Streamer  domain.UserID
	Title     string
	Cover     string
	Status    domain.Status
	LookCount int64        // number of different users who had joined
	Gifts     int64        // number of gifts that the live had received
	Coins     domain.Coins // number of coins that the live had received
	CreatedAt time.Time
	UpdatedAt time.Time // time of the last change of the status
	Broadcast Broadcast // its ID is "" if there was none
	Viewers   []Viewer  // the viewers who were present, newest join first

	CommentCount int64     // number of comments that had been posted, also of those that were removed
	Comments     []Comment // the newest comments, at most MaxComments, newest first, without those that had been removed

	Moderators []domain.UserID // moderators in the order of their appointments
	Modes      []domain.Mode   // modes that were on at the time At, in the order of their names

	// Position and At are those of the newest event of the live that is included.
	Position int64
	At       time.Time
}

// Broadcast is a broadcast that was running.
type Broadcast struct {
	ID        domain.BroadcastID
	Media     domain.MediaInfo
	StartedAt time.Time
}

// Viewer is a user who was present.
type Viewer struct {
	User     domain.UserID
	Position int64 // position of the newest join
	JoinedAt time.Time
}

// Comment is a comment that had been posted.
type Comment struct {
	Position int64
	User     domain.UserID
	Text     string // text of the comment; "" if it was removed later
	Removed  bool   // whether the comment was removed later
	At       time.Time
}

const (
	eventsPerRead = 1000
	actsPerRead   = 500

	// MaxComments is the maximum number of comments in a Live.
	MaxComments = 50
)

// Events reads the events of a log, for example from a standby.
type Events interface {
	Read(ctx context.Context, q eventstore.Query) (eventstore.Page, error)
}

// LiveAt returns what a live was after the event at a position, or projections.ErrNotFound if it had not been created.
// It reads all events of the live up to the position, without those that an operator has set aside.
func LiveAt(ctx context.Context, store *eventstore.Store, events Events, id domain.LiveID, position int64) (Live, error) {
	aside, err := store.SetAside(ctx)
	if err != nil {
		return Live{}, err
	}
	f := fold{viewers: map[domain.UserID]Viewer{}, modes: map[domain.ModeName]domain.Mode{}}
	query := eventstore.Query{Live: id, UpTo: position, Limit: eventsPerRead, History: store.History().Number}
	for query.After < position {
		page, err := events.Read(ctx, query)
		if err != nil {
			return Live{}, err
		}
		for _, r := range page.Events {
			if _, ignored := aside[r.Position]; ignored {
				continue
			}
			if r.Fault != nil {
				return Live{}, fmt.Errorf("read live %d at %d: event %d: %w", id, position, r.Position, r.Fault)
			}
			f.apply(r)
		}
		if query.After = page.Next; page.Next >= page.Head {
			break
		}
	}
	if f.ID == 0 {
		return Live{}, projections.ErrNotFound
	}
	live := f.result()
	return live, hideRemoved(ctx, store, &live, position)
}

// hideRemoved hides the texts of the comments that were removed after a position.
func hideRemoved(ctx context.Context, store *eventstore.Store, live *Live, position int64) error {
	filter := acts.Filter{Live: live.ID, Window: projections.Window{After: position, OldestFirst: true, Limit: actsPerRead}}
	for len(live.Comments) > 0 {
		page, err := acts.List(ctx, store, filter)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, a := range page {
			for i := range live.Comments {
				if c := &live.Comments[i]; a.Removes(c.Position, c.User) {
					c.Text, c.Removed = "", true
				}
			}
		}
		filter.After = page[len(page)-1].Position
	}
	return nil
}

// fold is a live with the events that were applied so far.
type fold struct {
	Live
	viewers map[domain.UserID]Viewer
	modes   map[domain.ModeName]domain.Mode
}

func (f *fold) apply(r eventstore.Record) {
	f.Position, f.At = r.Position, r.RecordedAt
	switch e := r.Event.(type) {
	case domain.LiveCreated:
		f.ID, f.Streamer, f.Title, f.Cover, f.CreatedAt, f.UpdatedAt = e.Live, e.Streamer, e.Title, e.Cover, r.RecordedAt, r.RecordedAt
	case domain.LiveStatusChanged:
		f.Status, f.UpdatedAt = e.To, r.RecordedAt
	case domain.ViewerJoined:
		f.viewers[e.User] = Viewer{User: e.User, Position: r.Position, JoinedAt: r.RecordedAt}
		if e.FirstVisit {
			f.LookCount++
		}
	case domain.ViewerLeft:
		delete(f.viewers, e.User)
	case domain.CommentPosted:
		f.CommentCount++
		if len(f.Comments) == MaxComments {
			f.Comments = append(f.Comments[:0], f.Comments[1:]...)
		}
		f.Comments = append(f.Comments, Comment{Position: r.Position, User: e.User, Text: e.Text, At: r.RecordedAt})
	case domain.CommentRemoved:
		f.Comments = slices.DeleteFunc(f.Comments, func(c Comment) bool { return c.Position == e.Comment })
	case domain.CommentsCleared:
		f.Comments = slices.DeleteFunc(f.Comments, func(c Comment) bool { return c.User == e.User })
	case domain.ModeratorAppointed:
		f.Moderators = append(f.Moderators, e.User)
	case domain.ModeratorRemoved:
		f.Moderators = slices.DeleteFunc(f.Moderators, func(u domain.UserID) bool { return u == e.User })
	case domain.LiveModeSet:
		f.modes[e.Mode] = domain.Mode{Mode: e.Mode, Value: e.Value, Until: e.Until}
	case domain.GiftSent:
		f.Gifts, f.Coins = f.Gifts+int64(e.Num), f.Coins+e.Coins
	case domain.GiftRefunded:
		f.Gifts, f.Coins = f.Gifts-int64(e.Num), f.Coins-e.Coins
	case domain.BroadcastStarted:
		f.Broadcast = Broadcast{ID: e.Broadcast, Media: e.Media, StartedAt: r.RecordedAt}
	case domain.BroadcastStopped:
		if e.Broadcast == f.Broadcast.ID {
			f.Broadcast = Broadcast{}
		}
	}
}

func (f *fold) result() Live {
	f.Viewers = slices.SortedFunc(maps.Values(f.viewers), func(a, b Viewer) int { return cmp.Compare(b.Position, a.Position) })
	slices.Reverse(f.Comments)
	for _, name := range slices.Sorted(maps.Keys(f.modes)) {
		if m := f.modes[name]; m.Active(f.At) {
			f.Modes = append(f.Modes, m)
		}
	}
	return f.Live
}
