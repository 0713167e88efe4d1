package projections

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
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
	live, position, user []int64 // columns of the acts
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

// PostedComment contains what the decision about the removal of a comment needs.
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

// RemovedComments returns the positions of removed comments: those at which the tables contain no comment. The
// parameter contains positions of comments.
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

// Reviews projects the comments that wait for a review, and the reports of users.
var Reviews = Projection{
	Name: "reviews", Version: 2, // version 1 before the events of migration 29
	Tables: []string{"held_comment", "report", "report_entry"},
	Handlers: []Handler{
		on(foldHeld), on(foldReleased), on(foldDropped), on(foldCommentDisplaced),
		on(foldReport), on(foldReportClaimed), on(foldReportDecided), on(foldReportDisplaced), on(foldReviewsForgotten),
	},
	Write: writes(writeReviews),
}

type reviewsBatch struct {
	held struct {
		live, held, position, user []int64
		text, cause                []string
		at                         []time.Time
	}
	ended   struct{ live, held []int64 }
	reports struct {
		live, report, position, target, comment, user []int64
		cause, text                                   []string
		at                                            []time.Time
	}
	claimed, decided map[reportKey]reportChange
	forgotten        []int64
}

type reportKey struct {
	live   domain.LiveID
	report int64
}

// reportChange is a claim with its end, or a decision with its position.
type reportChange struct {
	text   string
	number int64
}

func foldHeld(b *reviewsBatch, r eventstore.Record, e domain.CommentHeld) {
	h := &b.held
	h.live, h.held, h.position, h.user = append(h.live, int64(e.Live)), append(h.held, e.Held), append(h.position, r.Position), append(h.user, int64(e.User))
	h.text, h.cause, h.at = append(h.text, e.Text), append(h.cause, string(e.Cause)), append(h.at, r.RecordedAt)
}

func foldReleased(b *reviewsBatch, _ eventstore.Record, e domain.CommentReleased) {
	b.ended.live, b.ended.held = append(b.ended.live, int64(e.Live)), append(b.ended.held, e.Held)
}

func foldDropped(b *reviewsBatch, _ eventstore.Record, e domain.CommentDropped) {
	b.ended.live, b.ended.held = append(b.ended.live, int64(e.Live)), append(b.ended.held, e.Held)
}

func foldCommentDisplaced(b *reviewsBatch, _ eventstore.Record, e domain.CommentDisplaced) {
	b.ended.live, b.ended.held = append(b.ended.live, int64(e.Live)), append(b.ended.held, e.Held)
}

func foldReport(b *reviewsBatch, r eventstore.Record, e domain.ReportSent) {
	s := &b.reports
	s.live, s.report, s.position = append(s.live, int64(e.Live)), append(s.report, e.Report), append(s.position, r.Position)
	s.target, s.comment, s.user = append(s.target, int64(e.Target)), append(s.comment, e.Comment), append(s.user, int64(e.User))
	s.cause, s.text, s.at = append(s.cause, string(e.Cause)), append(s.text, e.Text), append(s.at, r.RecordedAt)
}

func foldReportClaimed(b *reviewsBatch, _ eventstore.Record, e domain.ReportClaimed) {
	set(&b.claimed, reportKey{e.Live, e.Report}, reportChange{e.Claimer, e.Until})
}

func foldReportDecided(b *reviewsBatch, r eventstore.Record, e domain.ReportDecided) {
	set(&b.decided, reportKey{e.Live, e.Report}, reportChange{string(e.Decision), r.Position})
}

func foldReportDisplaced(b *reviewsBatch, r eventstore.Record, e domain.ReportDisplaced) {
	set(&b.decided, reportKey{e.Live, e.Report}, reportChange{string(Displaced), r.Position})
}

func foldReviewsForgotten(b *reviewsBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.User))
}

func writeReviews(b *reviewsBatch, tables *pgx.Batch) {
	if h := b.held; len(h.live) > 0 {
		tables.Queue(insertHeldComment, h.live, h.held, h.position, h.user, h.text, h.cause, h.at)
	}
	if len(b.ended.live) > 0 {
		tables.Queue(deleteHeldComment, b.ended.live, b.ended.held)
	}
	if s := b.reports; len(s.live) > 0 {
		tables.Queue(insertReport, s.live, s.report, s.position, s.target, s.comment, s.at)
		tables.Queue(insertReportEntry, s.live, s.report, s.user, s.position, s.cause, s.text, s.at)
	}
	queueReportChanges(tables, updateReportClaimed, b.claimed)
	queueReportChanges(tables, updateReportDecided, b.decided)
	if len(b.forgotten) > 0 {
		tables.Queue(eraseHeldComment, b.forgotten)
		tables.Queue(eraseReportEntry, b.forgotten)
	}
}

func queueReportChanges(tables *pgx.Batch, statement string, changes map[reportKey]reportChange) {
	if len(changes) == 0 {
		return
	}
	var live, report, number []int64
	var texts []string
	for key, c := range changes {
		live, report, texts, number = append(live, int64(key.live)), append(report, key.report), append(texts, c.text), append(number, c.number)
	}
	expect(len(live), tables.Queue(statement, live, report, texts, number))
}

// Standing contains the rights of a user to read about the moderation of a live.
type Standing struct {
	Operator  bool
	Owner     bool
	Moderator bool

	hidden []domain.UserID // users whose reports the user does not see
}

// Moderates reports whether the user may decide about held comments and reports.
func (s Standing) Moderates() bool { return s.Operator || s.Owner || s.Moderator }

// OperatorStanding returns the rights of an operator: everything except reports about the operator. 0 stands for an
// operator at the command line.
func OperatorStanding(user domain.UserID) Standing {
	return Standing{Operator: true, hidden: []domain.UserID{user}}
}

// Standing returns the rights of a user to read about the moderation of a live. It returns ErrNotFound if the live or
// the user does not exist.
func (q *Queries) Standing(ctx context.Context, live domain.LiveID, user domain.UserID) (Standing, error) {
	l, err := q.Live(ctx, live)
	if err != nil {
		return Standing{}, err
	}
	u, err := q.User(ctx, user)
	if err != nil {
		return Standing{}, err
	}
	moderators, err := q.Moderators(ctx, live)
	if err != nil {
		return Standing{}, err
	}
	s := Standing{Operator: slices.Contains(u.Roles, domain.RoleOperator), Owner: l.UserID == user, hidden: []domain.UserID{user}}
	if !s.Operator {
		s.hidden = append(s.hidden, l.UserID)
	}
	for _, m := range moderators {
		s.Moderator = s.Moderator || m.ID == user
		if !s.Operator && !s.Owner {
			s.hidden = append(s.hidden, m.ID)
		}
	}
	return s, nil
}

// HeldComment is a comment that waits for a review.
type HeldComment struct {
	Position int64
	Held     int64 // number in the live
	User     Profile
	Text     string
	Cause    domain.HoldCause
	At       time.Time
}

// HeldFilter selects comments that wait in a live.
type HeldFilter struct {
	Live domain.LiveID
	User domain.UserID // only comments of this user; 0: all
	Window
}

// HeldComments returns a page of the comments that wait in a live.
func (q *Queries) HeldComments(ctx context.Context, f HeldFilter) ([]HeldComment, error) {
	after, before, limit := f.bounds()
	return many(ctx, q, "held comments", scanHeldComment, selectHeldComments.With(sqltemplate.Options{"user": f.User != 0, "oldest_first": f.OldestFirst}),
		pgx.NamedArgs{"live": f.Live, "user": f.User, "after": after, "before": before, "limit": limit})
}

func scanHeldComment(row pgx.CollectableRow) (c HeldComment, err error) {
	err = row.Scan(&c.Position, &c.Held, &c.User.ID, &c.User.Username, &c.User.Nickname, &c.User.Avatar, &c.Text, &c.Cause, &c.At)
	c.At = c.At.UTC()
	return c, err
}

// heldText contains what the decision about a held comment needs.
type heldText struct {
	Author domain.UserID
	Text   string
}

// heldText returns the author and the text of a held comment, or zero values if there is none.
func (q *Queries) heldText(ctx context.Context, live domain.LiveID, held int64) (heldText, error) {
	found, err := one(ctx, q, "held comment", pgx.RowToStructByPos[heldText], selectHeldComment, live, held)
	if errors.Is(err, ErrNotFound) {
		return heldText{}, nil
	}
	return found, err
}

// ReleaseComment returns the command that releases a held comment, with its author and text. If there is no such
// comment, the log refuses the command.
func (q *Queries) ReleaseComment(ctx context.Context, live domain.LiveID, held int64) (domain.ReleaseComment, error) {
	found, err := q.heldText(ctx, live, held)
	return domain.ReleaseComment{Live: live, Held: held, Author: found.Author, Text: found.Text}, err
}

// DropComment returns the command that drops a held comment, with its author. If there is no such comment, the log
// refuses the command.
func (q *Queries) DropComment(ctx context.Context, live domain.LiveID, held int64, reason string) (domain.DropComment, error) {
	found, err := q.heldText(ctx, live, held)
	return domain.DropComment{Live: live, Held: held, Reason: reason, Author: found.Author}, err
}

// Displaced is stored in the tables as the decision about a report that has given its place to another one.
const Displaced domain.ReportDecision = "displaced"

// Report is a report of a comment or a user.
type Report struct {
	Position     int64
	Live         domain.LiveID
	Report       int64   // number in the live
	Target       Profile // the user who is reported
	Comment      int64   // position of the reported comment; 0: the user is reported
	CommentText  string  // text of the comment; "" if it was removed
	At           time.Time
	Claimer      string // name of the actor who claimed the report last; "" if nobody has
	ClaimedUntil int64  // end of the claim in Unix seconds
	Decision     domain.ReportDecision
	Entries      []ReportEntry
}

// ReportEntry is the part of a report that one user has written.
type ReportEntry struct {
	User  domain.UserID      `json:"user"`
	Cause domain.ReportCause `json:"cause"`
	Text  string             `json:"text"`
	At    time.Time          `json:"at"`
}

// ReportFilter selects reports.
type ReportFilter struct {
	Live    domain.LiveID // live whose reports are returned; 0: all lives
	Decided bool          // whether decided reports are selected, too
	For     Standing      // rights of the reader, which hide some reports
	Window
}

// Reports returns a page of reports. It is empty only if there are no further ones.
func (q *Queries) Reports(ctx context.Context, f ReportFilter) ([]Report, error) {
	hidden := make([]int64, len(f.For.hidden))
	for i, u := range f.For.hidden {
		hidden[i] = int64(u)
	}
	statement := selectReports.With(sqltemplate.Options{"live": f.Live != 0, "open": !f.Decided, "oldest_first": f.OldestFirst})
	for {
		after, before, limit := f.bounds()
		found, err := many(ctx, q, "reports", scanReport, statement,
			pgx.NamedArgs{"live": f.Live, "after": after, "before": before, "limit": limit, "hidden": hidden})
		if err != nil || len(found) == 0 {
			return nil, err
		}
		if last := found[len(found)-1].Position; f.OldestFirst {
			f.After = last
		} else {
			f.Before = last
		}
		// Without a live, the statement also selects hidden reports, so that it reads by key.
		found = slices.DeleteFunc(found, func(r Report) bool { return slices.Contains(f.For.hidden, r.Target.ID) })
		if len(found) > 0 {
			return found, nil
		}
	}
}

func scanReport(row pgx.CollectableRow) (r Report, err error) {
	err = row.Scan(&r.Position, &r.Live, &r.Report, &r.Target.ID, &r.Target.Username, &r.Target.Nickname, &r.Target.Avatar,
		&r.Comment, &r.CommentText, &r.At, &r.Claimer, &r.ClaimedUntil, &r.Decision, &r.Entries)
	r.At = r.At.UTC()
	return r, err
}

// SendReport returns c with the author of the reported comment. If there is no such comment, the log refuses the command.
func (q *Queries) SendReport(ctx context.Context, c domain.SendReport) (domain.SendReport, error) {
	if c.Comment == 0 {
		return c, nil
	}
	found, err := many(ctx, q, "comment", pgx.RowToStructByPos[PostedComment], selectComment, c.Live, c.Comment)
	if len(found) > 0 {
		c.Author = found[0].Author
	}
	return c, err
}

// DecideReport returns c with the users who reported.
func (q *Queries) DecideReport(ctx context.Context, c domain.DecideReport) (domain.DecideReport, error) {
	var err error
	c.Reporters, err = many(ctx, q, "reporters", pgx.RowTo[domain.UserID], selectReporters, c.Live, c.Report)
	return c, err
}
