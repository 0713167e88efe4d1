package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Moderation projects the moderators of lives, and the positions of the acts of moderators. The texts of the acts are
// only in the log, see package acts.
var Moderation = Projection{
	Name: "moderation", Version: 2, // version 1 before the events of migration 21
	Tables: []string{"moderator", "moderation_act", "live_mode"},
	Handlers: []Handler{
		on(foldModeratorAppointed), on(foldModeratorRemoved),
		on(foldAct[domain.ViewerBanned]), on(foldAct[domain.ViewerUnbanned]), on(foldAct[domain.ViewerMuted]), on(foldAct[domain.ViewerUnmuted]),
		on(foldAct[domain.CommentRemoved]), on(foldAct[domain.CommentsCleared]), on(foldLiveMode),
		on(foldAct[domain.CommentReleased]), on(foldAct[domain.CommentDropped]), on(foldAct[domain.ViewerWarned]), on(foldAct[domain.ReportDecided]),
	},
	Write: writes(writeModeration),
}

type moderationBatch struct {
	moderators           map[ViewerKey]*int64 // position of the appointment; nil: removed
	modes                map[modeKey]domain.LiveModeSet
	live, position, user []int64 // acts
}

type modeKey struct {
	live domain.LiveID
	mode domain.ModeName
}

func foldLiveMode(b *moderationBatch, r eventstore.Record, e domain.LiveModeSet) {
	set(&b.modes, modeKey{e.Live, e.Mode}, e)
	b.live, b.position, b.user = append(b.live, int64(e.Live)), append(b.position, r.Position), append(b.user, 0)
}

func foldModeratorAppointed(b *moderationBatch, r eventstore.Record, e domain.ModeratorAppointed) {
	set(&b.moderators, ViewerKey{e.Live, e.User}, &r.Position)
	foldAct(b, r, e)
}

func foldModeratorRemoved(b *moderationBatch, r eventstore.Record, e domain.ModeratorRemoved) {
	set(&b.moderators, ViewerKey{e.Live, e.User}, nil)
	foldAct(b, r, e)
}

// foldAct adds an act of a moderator. Its user is the user concerned.
func foldAct[E interface {
	domain.LiveEvent
	domain.UserEvent
}](b *moderationBatch, r eventstore.Record, e E) {
	b.live, b.position, b.user = append(b.live, int64(e.EventLive())), append(b.position, r.Position), append(b.user, int64(e.EventUser()))
}

func writeModeration(b *moderationBatch, tables *pgx.Batch) {
	var appointed, removed struct{ live, user, position []int64 }
	for key, position := range b.moderators {
		to := &removed
		if position != nil {
			to = &appointed
			to.position = append(to.position, *position)
		}
		to.live, to.user = append(to.live, int64(key.Live)), append(to.user, int64(key.User))
	}
	if len(appointed.live) > 0 {
		tables.Queue(upsertModerator, appointed.live, appointed.user, appointed.position)
	}
	if len(removed.live) > 0 {
		tables.Queue(deleteModerator, removed.live, removed.user)
	}
	b.writeModes(tables)
	if len(b.live) > 0 {
		tables.Queue(insertModerationAct, b.live, b.position, b.user)
	}
}

func (b *moderationBatch) writeModes(tables *pgx.Batch) {
	var on, off struct {
		live, value, until []int64
		mode               []string
	}
	for key, e := range b.modes {
		to := &off
		if e.Value != 0 {
			to = &on
			to.value, to.until = append(to.value, e.Value), append(to.until, e.Until)
		}
		to.live, to.mode = append(to.live, int64(key.live)), append(to.mode, string(key.mode))
	}
	if len(on.live) > 0 {
		tables.Queue(upsertLiveMode, on.live, on.mode, on.value, on.until)
	}
	if len(off.live) > 0 {
		tables.Queue(deleteLiveMode, off.live, off.mode)
	}
}

// LiveModes returns the modes of a live that were switched on, in the order of their names. Some may have ended.
func (q *Queries) LiveModes(ctx context.Context, live domain.LiveID) ([]domain.Mode, error) {
	return many(ctx, q, "modes", pgx.RowToStructByPos[domain.Mode], selectLiveModes, live)
}

// Moderators returns the moderators of a live, in the order of their appointments.
func (q *Queries) Moderators(ctx context.Context, live domain.LiveID) ([]Profile, error) {
	return many(ctx, q, "moderators", scanModerator, selectModerators, live)
}

func scanModerator(row pgx.CollectableRow) (p Profile, err error) {
	err = row.Scan(&p.ID, &p.Username, &p.Nickname, &p.Avatar)
	return p, err
}

// PostedComment is what a decision about the removal of a comment needs.
type PostedComment struct {
	Author domain.UserID
	At     time.Time
}

// RemoveComment returns the command that removes the comment at a position, with the author and the time of the comment.
// If there is no such comment in the live, the log refuses the command.
func (q *Queries) RemoveComment(ctx context.Context, live domain.LiveID, comment int64, reason string) (domain.RemoveComment, error) {
	c := domain.RemoveComment{Live: live, Comment: comment, Reason: reason}
	found, err := many(ctx, q, "comment", pgx.RowToStructByPos[PostedComment], selectComment, live, comment)
	if len(found) > 0 {
		c.Author, c.PostedAt = found[0].Author, found[0].At
	}
	return c, err
}

// MarkRemoved marks the deltas of comments that were removed. Nobody may receive the text of such a comment. The tables
// must have reached the positions of the deltas.
func (q *Queries) MarkRemoved(ctx context.Context, deltas []Delta) error {
	var comments []int64
	for _, d := range deltas {
		if _, ok := d.Event.(domain.CommentPosted); ok {
			comments = append(comments, d.Position)
		}
	}
	removed, err := q.RemovedComments(ctx, comments)
	for i := range deltas {
		_, ok := deltas[i].Event.(domain.CommentPosted)
		deltas[i].Removed = ok && (err != nil || removed[deltas[i].Position])
	}
	return err
}

// RemovedComments returns those of the positions of comments at which the tables contain no comment, because it was
// removed.
func (q *Queries) RemovedComments(ctx context.Context, positions []int64) (map[int64]bool, error) {
	if len(positions) == 0 {
		return nil, nil
	}
	kept, err := many(ctx, q, "comments", pgx.RowTo[int64], selectKeptComments, positions)
	removed := make(map[int64]bool)
	for _, position := range positions {
		removed[position] = true
	}
	for _, position := range kept {
		delete(removed, position)
	}
	return removed, err
}
