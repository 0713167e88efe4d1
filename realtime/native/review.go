package native

import (
	"context"
	"math"
	"strconv"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// reviewPage is the maximum number of held comments or reports in a reply.
const reviewPage = 100

// Types for the field data of requests about held comments and reports.
type (
	pageData struct {
		Live  domain.LiveID `json:"live"`
		After string        `json:"after,omitempty" jsonschema:"maxLength=20" jsonschema_description:"value of next in the previous page"`
	}
	heldData struct {
		Live domain.LiveID `json:"live"`
		Held int64         `json:"held" jsonschema_description:"number of the held comment"`
	}
	dropData struct {
		Live   domain.LiveID `json:"live"`
		Held   int64         `json:"held" jsonschema_description:"number of the held comment"`
		Reason string        `json:"reason,omitempty" jsonschema_description:"shown to the author and recorded: at most 100 characters"`
	}
	reportData struct {
		Live    domain.LiveID      `json:"live"`
		User    domain.UserID      `json:"user,omitempty" jsonschema_description:"the user to report; absent: the author of the comment"`
		Comment int64              `json:"comment,omitempty" jsonschema_description:"pos of the comment to report; absent: the user is reported"`
		Cause   domain.ReportCause `json:"cause" jsonschema:"enum=spam,enum=insult,enum=hate,enum=sexual,enum=privacy,enum=fraud,enum=other"`
		Text    string             `json:"text,omitempty" jsonschema_description:"what happened: at most 200 characters; required for other"`
	}
	claimData struct {
		Live   domain.LiveID `json:"live"`
		Report int64         `json:"report" jsonschema_description:"number of the report"`
	}
	decideData struct {
		Live     domain.LiveID         `json:"live"`
		Report   int64                 `json:"report" jsonschema_description:"number of the report"`
		Decision domain.ReportDecision `json:"decision" jsonschema:"enum=upheld,enum=rejected"`
		Reason   string                `json:"reason,omitempty" jsonschema_description:"shown to those who reported and to the reported user, and recorded: at most 100 characters"`
	}
)

// Types for the field data of replies about held comments and reports.
type (
	heldReply struct {
		Comments []heldInfo `json:"comments"`
		Next     string     `json:"next,omitempty" jsonschema_description:"there are more: send it as after"`
	}
	heldInfo struct {
		Held  int64                   `json:"held" jsonschema_description:"number of the held comment"`
		User  projections.UserPayload `json:"user"`
		Text  string                  `json:"text"`
		Cause domain.HoldCause        `json:"cause" jsonschema:"enum=word,enum=first" jsonschema_description:"word: a word of a list; first: the mode review is on"`
		At    time.Time               `json:"at"`
	}
	reportsReply struct {
		Reports []reportInfo `json:"reports"`
		Next    string       `json:"next,omitempty" jsonschema_description:"there are more: send it as after"`
	}
	reportInfo struct {
		Report       int64                   `json:"report" jsonschema_description:"number of the report"`
		User         projections.UserPayload `json:"user" jsonschema_description:"the user who is reported"`
		Comment      int64                   `json:"comment,omitempty" jsonschema_description:"pos of the reported comment"`
		CommentText  string                  `json:"comment_text,omitempty" jsonschema_description:"absent if the comment was removed"`
		Claimer      string                  `json:"claimer,omitempty" jsonschema_description:"who has claimed the report last, like user-7"`
		ClaimedUntil *time.Time              `json:"claimed_until,omitempty"`
		Reports      []reportEntry           `json:"reports" jsonschema_description:"what each user has reported, oldest first"`
		At           time.Time               `json:"at"`
	}
	reportEntry struct {
		Cause domain.ReportCause `json:"cause"`
		Text  string             `json:"text,omitempty"`
		At    time.Time          `json:"at"`
	}
)

func (s *session) onHeldComments(ctx context.Context, _ request, data pageData) (any, error) {
	after, standing, err := s.page(ctx, data)
	if err != nil {
		return nil, err
	}
	f := projections.HeldFilter{Live: data.Live, Window: projections.Window{After: after, OldestFirst: true, Limit: reviewPage}}
	if !standing.Moderates() {
		f.User = s.Identity().User
	}
	found, err := s.Queries.HeldComments(ctx, f)
	if err != nil {
		return nil, err
	}
	reply := heldReply{Comments: make([]heldInfo, 0, len(found))}
	for _, c := range found {
		reply.Comments = append(reply.Comments, heldInfo{c.Held, projections.UserPayloadOf(c.User), c.Text, c.Cause, c.At})
	}
	if len(found) == reviewPage {
		reply.Next = strconv.FormatInt(found[len(found)-1].Position, 10)
	}
	return reply, nil
}

// page returns the position after which a page begins, and what the user may see of the live.
func (s *session) page(ctx context.Context, data pageData) (after int64, standing projections.Standing, err error) {
	if err := checkLive(data.Live); err != nil {
		return 0, standing, err
	}
	if data.After != "" {
		if after, err = strconv.ParseInt(data.After, 10, 64); err != nil || after < 0 || after == math.MaxInt64 {
			return 0, standing, badRequest("after must be the next of another reply")
		}
	}
	standing, err = s.Queries.Standing(ctx, data.Live, s.Identity().User)
	return after, standing, err
}

func (s *session) onReleaseComment(ctx context.Context, r request, data heldData) (any, error) {
	history := s.Store.History().Number
	c, err := s.Queries.ReleaseComment(ctx, data.Live, data.Held)
	if err != nil {
		return nil, err
	}
	return s.actFrom(ctx, r, history, c)
}

func (s *session) onDropComment(ctx context.Context, r request, data dropData) (any, error) {
	history := s.Store.History().Number
	c, err := s.Queries.DropComment(ctx, data.Live, data.Held, data.Reason)
	if err != nil {
		return nil, err
	}
	return s.actFrom(ctx, r, history, c)
}

func (s *session) onSendReport(ctx context.Context, r request, data reportData) (any, error) {
	history := s.Store.History().Number
	c, err := s.Queries.SendReport(ctx, domain.SendReport{Live: data.Live, User: data.User, Comment: data.Comment, Cause: data.Cause, Text: data.Text})
	if err != nil {
		return nil, err
	}
	return s.actFrom(ctx, r, history, c)
}

func (s *session) onReports(ctx context.Context, _ request, data pageData) (any, error) {
	after, standing, err := s.page(ctx, data)
	if err != nil {
		return nil, err
	}
	if !standing.Moderates() {
		return nil, &domain.Refusal{Code: domain.CodeForbidden, Text: "only the owner and moderators of the live and operators see reports"}
	}
	found, err := s.Queries.Reports(ctx, projections.ReportFilter{
		Live: data.Live, For: standing, Window: projections.Window{After: after, OldestFirst: true, Limit: reviewPage},
	})
	if err != nil {
		return nil, err
	}
	reply := reportsReply{Reports: make([]reportInfo, 0, len(found))}
	for _, f := range found {
		info := reportInfo{
			Report: f.Report, User: projections.UserPayloadOf(f.Target), Comment: f.Comment, CommentText: f.CommentText, Claimer: f.Claimer,
			ClaimedUntil: projections.EndOf(f.ClaimedUntil), At: f.At,
		}
		for _, e := range f.Entries {
			info.Reports = append(info.Reports, reportEntry{e.Cause, e.Text, e.At.UTC()})
		}
		reply.Reports = append(reply.Reports, info)
	}
	if len(found) == reviewPage {
		reply.Next = strconv.FormatInt(found[len(found)-1].Position, 10)
	}
	return reply, nil
}

func (s *session) onDecideReport(ctx context.Context, r request, data decideData) (any, error) {
	history := s.Store.History().Number
	c, err := s.Queries.DecideReport(ctx, domain.DecideReport{Live: data.Live, Report: data.Report, Decision: data.Decision, Reason: data.Reason})
	if err != nil {
		return nil, err
	}
	return s.actFrom(ctx, r, history, c)
}
