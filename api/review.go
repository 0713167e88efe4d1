package api

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// heldComment is a comment that waits for a review, in a response.
type heldComment struct {
	Held     int64            `json:"held" doc:"number of the held comment in the live"`
	Position int64            `json:"position"`
	User     PublicUser       `json:"user" doc:"the author"`
	Text     string           `json:"text" example:"free coins"`
	Cause    domain.HoldCause `json:"cause" enum:"word,first" doc:"word: a word of a list; first: the mode review is on, and no comment of the author was released in the live"`
	At       time.Time        `json:"at"`
}

type heldInput struct {
	LivePath
	Window
}

// listHeld lists the comments of a live that wait for a review. The owner, moderators and operators see all, other users
// their own.
func (s *server) listHeld(ctx context.Context, in *heldInput) (history[heldComment], error) {
	standing, w, err := s.standing(ctx, in.ID, in.Window)
	if err != nil {
		return history[heldComment]{}, err
	}
	f := projections.HeldFilter{Live: in.ID, Window: w}
	if !standing.Moderates() {
		f.User = requestOf(ctx).user.ID
	}
	found, err := s.Queries.HeldComments(ctx, f)
	if err != nil {
		return history[heldComment]{}, err
	}
	return newHistory(ctx, s, found, func(c projections.HeldComment) (heldComment, int64) {
		return heldComment{c.Held, c.Position, newPublicUser(c.User), c.Text, c.Cause, c.At}, c.Position
	})
}

// standing returns what the caller may see of the order in a live, and the window of a page.
func (s *server) standing(ctx context.Context, live domain.LiveID, page Window) (projections.Standing, projections.Window, error) {
	if _, err := s.live(ctx, live); err != nil {
		return projections.Standing{}, projections.Window{}, err
	}
	standing, err := s.Queries.Standing(ctx, live, requestOf(ctx).user.ID)
	if err != nil {
		return standing, projections.Window{}, err
	}
	w, err := s.window(ctx, page)
	return standing, w, err
}

type releaseInput struct {
	Body struct {
		ID   number `json:"id" doc:"id of the live"`
		Held number `json:"held" doc:"number of the held comment"`
	}
}

func (s *server) releaseComment(ctx context.Context, in *releaseInput) (string, error) {
	history := s.Store.History().Number
	c, err := s.Queries.ReleaseComment(ctx, domain.LiveID(in.Body.ID), int64(in.Body.Held))
	if err == nil {
		_, err = s.executeFrom(ctx, history, c)
	}
	return "ok", err
}

type dropInput struct {
	Body struct {
		ID     number `json:"id" doc:"id of the live"`
		Held   number `json:"held" doc:"number of the held comment"`
		Reason string `json:"reason,omitempty" example:"advertising" doc:"sent to the author and recorded: at most 100 characters"`
	}
}

func (s *server) dropComment(ctx context.Context, in *dropInput) (string, error) {
	history := s.Store.History().Number
	c, err := s.Queries.DropComment(ctx, domain.LiveID(in.Body.ID), int64(in.Body.Held), in.Body.Reason)
	if err == nil {
		_, err = s.executeFrom(ctx, history, c)
	}
	return "ok", err
}

type warnInput struct {
	Body struct {
		ID     number `json:"id" doc:"id of the live"`
		User   number `json:"user"`
		Reason string `json:"reason" example:"no capitals, please" doc:"sent to the user and recorded: 1 to 100 characters"`
	}
}

func warnViewer(in *warnInput) domain.Command {
	return domain.WarnViewer{Live: domain.LiveID(in.Body.ID), User: domain.UserID(in.Body.User), Reason: in.Body.Reason}
}

type sendReportInput struct {
	Body struct {
		ID      number             `json:"id" doc:"id of the live"`
		User    number             `json:"user,omitempty" doc:"the user to report; absent: the author of the comment"`
		Comment number             `json:"comment,omitempty" doc:"position of the comment to report; absent: the user is reported"`
		Cause   domain.ReportCause `json:"cause" enum:"spam,insult,hate,sexual,privacy,fraud,other"`
		Text    string             `json:"text,omitempty" example:"pretends to be the streamer" doc:"what happened: at most 200 characters; required for other"`
	}
}

func (s *server) sendReport(ctx context.Context, in *sendReportInput) (string, error) {
	b, history := in.Body, s.Store.History().Number
	c, err := s.Queries.SendReport(ctx, domain.SendReport{Live: domain.LiveID(b.ID), User: domain.UserID(b.User), Comment: int64(b.Comment), Cause: b.Cause, Text: b.Text})
	if err == nil {
		_, err = s.executeFrom(ctx, history, c)
	}
	return "ok", err
}

type claimInput struct {
	Body struct {
		ID     number `json:"id" doc:"id of the live"`
		Report number `json:"report" doc:"number of the report"`
	}
}

func claimReport(in *claimInput) domain.Command {
	return domain.ClaimReport{Live: domain.LiveID(in.Body.ID), Report: int64(in.Body.Report)}
}

type decideInput struct {
	Body struct {
		ID       number                `json:"id" doc:"id of the live"`
		Report   number                `json:"report" doc:"number of the report"`
		Decision domain.ReportDecision `json:"decision" enum:"upheld,rejected"`
		Reason   string                `json:"reason,omitempty" example:"muted for a day" doc:"sent to those who reported, shown to the reported user, and recorded: at most 100 characters"`
	}
}

func (s *server) decideReport(ctx context.Context, in *decideInput) (string, error) {
	b, history := in.Body, s.Store.History().Number
	c, err := s.Queries.DecideReport(ctx, domain.DecideReport{Live: domain.LiveID(b.ID), Report: int64(b.Report), Decision: b.Decision, Reason: b.Reason})
	if err == nil {
		_, err = s.executeFrom(ctx, history, c)
	}
	return "ok", err
}

// report is a report of a comment or a user, in a response.
type report struct {
	Live         domain.LiveID         `json:"live"`
	Report       int64                 `json:"report" doc:"number of the report in the live"`
	Position     int64                 `json:"position"`
	User         PublicUser            `json:"user" doc:"the user who is reported"`
	Comment      int64                 `json:"comment,omitempty" doc:"position of the reported comment; absent: the user is reported"`
	CommentText  string                `json:"comment_text,omitempty" example:"free coins" doc:"text of the comment; absent if it was removed"`
	Claimer      *PublicUser           `json:"claimer" doc:"who has claimed the report last; null: nobody, or an operator at the command line"`
	ClaimedUntil *time.Time            `json:"claimed_until,omitempty" doc:"end of the claim"`
	Decision     domain.ReportDecision `json:"decision,omitempty" enum:"upheld,rejected" doc:"absent: nobody has decided"`
	Reports      []reportEntry         `json:"reports" doc:"what each user has reported, oldest first"`
	At           time.Time             `json:"at"`
}

// reportEntry is what one user has reported, in a response.
type reportEntry struct {
	By    *PublicUser        `json:"by" doc:"who reported; null unless the caller has the role operator"`
	Cause domain.ReportCause `json:"cause" enum:"spam,insult,hate,sexual,privacy,fraud,other"`
	Text  string             `json:"text,omitempty" example:"pretends to be the streamer"`
	At    time.Time          `json:"at"`
}

type reportsInput struct {
	LivePath
	Decided bool `query:"decided" doc:"reports about which somebody has decided, too"`
	Window
}

// listReports lists the reports in a live. Nobody sees reports of the own person; moderators do not see reports of
// moderators, and only operators see reports of the owner.
func (s *server) listReports(ctx context.Context, in *reportsInput) (history[report], error) {
	standing, w, err := s.standing(ctx, in.ID, in.Window)
	if err == nil && !standing.Moderates() {
		err = refusal(domain.CodeForbidden, "only the owner and moderators of the live and operators see reports")
	}
	if err != nil {
		return history[report]{}, err
	}
	return s.reports(ctx, projections.ReportFilter{Live: in.ID, Decided: in.Decided, For: standing, Window: w})
}

type allReportsInput struct {
	Decided bool `query:"decided" doc:"reports about which somebody has decided, too"`
	Window
}

// listAllReports lists the reports in all lives, except those of the operator who asks.
func (s *server) listAllReports(ctx context.Context, in *allReportsInput) (history[report], error) {
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[report]{}, err
	}
	return s.reports(ctx, projections.ReportFilter{Decided: in.Decided, For: projections.OperatorStanding(requestOf(ctx).user.ID), Window: w})
}

func (s *server) reports(ctx context.Context, f projections.ReportFilter) (history[report], error) {
	found, err := s.Queries.Reports(ctx, f)
	if err != nil {
		return history[report]{}, err
	}
	var ids []domain.UserID
	for _, r := range found {
		ids = append(ids, userOf(r.Claimer))
		for _, e := range r.Entries {
			ids = append(ids, e.User)
		}
	}
	people, err := s.people(ctx, ids)
	if err != nil {
		return history[report]{}, err
	}
	return newHistory(ctx, s, found, func(r projections.Report) (report, int64) {
		item := report{
			Live: r.Live, Report: r.Report, Position: r.Position, User: newPublicUser(r.Target), Comment: r.Comment, CommentText: r.CommentText,
			Claimer: people(userOf(r.Claimer)), ClaimedUntil: endOf(r.ClaimedUntil), Decision: r.Decision, Reports: make([]reportEntry, 0, len(r.Entries)), At: r.At,
		}
		for _, e := range r.Entries {
			entry := reportEntry{Cause: e.Cause, Text: e.Text, At: e.At.UTC()}
			if f.For.Operator {
				entry.By = people(e.User)
			}
			item.Reports = append(item.Reports, entry)
		}
		return item, r.Position
	})
}
