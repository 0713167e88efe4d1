package domain

import (
	"math"
	"slices"
)

// Bounds of the comments that wait for a review.
const (
	maxHeld        = 500 // maximum number of held comments in one live, which every decision loads; a further comment displaces a waiting one
	maxHeldOfUser  = 3   // maximum number of held comments of one user in one live
	commentNotHeld = "no comment %d waits for a review in live %d: it was released or dropped, or never held"
)

// HoldCause is the cause for which a comment is held.
type HoldCause string

// The causes.
const (
	HeldForWord  HoldCause = "word"  // the comment contains a word whose act is hold
	HeldForFirst HoldCause = "first" // the mode review is on, and no comment of the author was released in this live
)

// Review is the state of the comments that wait for a review in one live.
type Review struct {
	Last     int64         `json:"last,omitempty"`     // number of the newest held comment
	Waiting  []HeldComment `json:"waiting,omitempty"`  // the comments that wait, oldest first
	Released UserID        `json:"released,omitempty"` // author of the comment that was released last
}

// HeldComment is a comment that waits for a review. Its text is only in the log.
type HeldComment struct {
	Held int64  `json:"held"`
	User UserID `json:"user"`
}

func reviewStream(live LiveID) Stream { return numberedStream("review-", int64(live)) }

// Review returns the comments that wait for a review in a live.
func (v View) Review(live LiveID) Review { return look[Review](v, reviewStream(live)) }

// find returns the comment that waits under a number.
func (r Review) find(held int64) (HeldComment, bool) {
	for _, c := range r.Waiting {
		if c.Held == held {
			return c, true
		}
	}
	return HeldComment{}, false
}

// of returns the comments of a user that wait.
func (r Review) of(user UserID) (waiting []HeldComment) {
	for _, c := range r.Waiting {
		if c.User == user {
			waiting = append(waiting, c)
		}
	}
	return waiting
}

// without returns r without a comment.
func (r Review) without(held int64) Review {
	r.Waiting = slices.DeleteFunc(slices.Clone(r.Waiting), func(c HeldComment) bool { return c.Held == held })
	if len(r.Waiting) == 0 {
		r.Waiting = nil
	}
	return r
}

// holdComment returns the events that hold a comment of the actor for a review, or a *Refusal if too many comments wait.
func (v View) holdComment(id LiveID, live Live, review Review, text string, cause HoldCause) (events []Event, err error) {
	own, left := len(review.of(v.Actor.User)), len(review.Waiting)
	if own >= maxHeldOfUser {
		return nil, refuse(CodeReviewFull, "%d of your comments wait for a review in live %d: wait until a moderator has decided about one", maxHeldOfUser, id)
	}
	if left >= maxHeld {
		queue := make([]queued, left)
		for i, c := range review.Waiting {
			queue[i].senders = []UserID{c.User}
		}
		at := v.displaced(queue, own, own == 0, live.Bans, live.Mutes)
		if at < 0 {
			return nil, refuse(CodeReviewFull, "%d comments wait for a review in live %d, and nobody has more there than you: wait until a moderator has decided about one of yours", left, id)
		}
		left--
		events = append(events, CommentDisplaced{id, review.Waiting[at].Held, review.Waiting[at].User, int64(left)})
	}
	return append(events, CommentHeld{id, review.Last + 1, v.Actor.User, text, cause, int64(left + 1)}), nil
}

// queued is an entry of a queue that the viewers of a live fill: a held comment, or an open report.
type queued struct {
	senders []UserID // the author, or the users who reported: first the one who opened the report, then those who joined it
	claimed bool     // whether a moderator works on the entry
}

// displaced returns the index of the entry in a full queue that gives its place to a new entry of the actor: the one
// with the greatest weight, and the oldest of several. The weight is the number of entries that the first sender has
// opened. If a user who has joined the entry has sent fewer entries, that number is the weight. A join therefore makes
// no other entry of the user heavier, and a user who joins many entries protects none of them. Senders who are in one
// of the lists of bans do not count: an entry without other senders has the greatest weight. A claimed entry has weight
// 0.
//
// own is the number of entries that the actor has opened; first reports that the new entry is the first one. displaced
// returns -1 if first is false and no entry has a greater weight than own.
func (v View) displaced(queue []queued, own int, first bool, bans ...[]Ban) int {
	opened, sent := map[UserID]int{}, map[UserID]int{}
	for _, q := range queue {
		opened[q.senders[0]]++
		for _, u := range q.senders {
			sent[u]++
		}
	}
	excluded := map[UserID]bool{}
	for _, list := range bans {
		for _, b := range list {
			if b.Active(v.Now) {
				excluded[b.User] = true
			}
		}
	}
	at, most := -1, -1
	for i, q := range queue {
		weight := math.MaxInt
		if q.claimed {
			weight = 0
		}
		for j, u := range q.senders {
			switch {
			case excluded[u]:
			case j == 0:
				weight = min(weight, opened[u])
			default:
				weight = min(weight, sent[u])
			}
		}
		if weight > most {
			at, most = i, weight
		}
	}
	if !first && most <= own {
		return -1
	}
	return at
}

// CommentHeld records a comment that waits for the decision of a moderator. Only its author, the owner and the
// moderators of the live, and operators see it.
type CommentHeld struct {
	Live    LiveID    `json:"live"`    // the live to which the comment belongs
	Held    int64     `json:"held"`    // number of the held comment in the live: 1, 2, 3, …
	User    UserID    `json:"user"`    // the author of the comment
	Text    string    `json:"text"`    // the comment as it would be posted
	Cause   HoldCause `json:"cause"`   // why the comment is held
	Waiting int64     `json:"waiting"` // number of comments that now wait in the live
}

func (CommentHeld) Type() string                     { return "comment.held.v1" }
func (e CommentHeld) Stream() Stream                 { return reviewStream(e.Live) }
func (e CommentHeld) EventLive() LiveID              { return e.Live }
func (e CommentHeld) EventUser() UserID              { return e.User }
func (e *CommentHeld) personal() (UserID, []*string) { return e.User, []*string{&e.Text} }
func (e CommentHeld) evolve(r Review) Review {
	r.Last, r.Waiting = e.Held, append(slices.Clone(r.Waiting), HeldComment{e.Held, e.User})
	return r
}

// ReleaseComment posts a held comment. The owner of the live, its moderators and operators may issue this command.
type ReleaseComment struct {
	Live   LiveID `json:"live"` // the live to which the comment belongs
	Held   int64  `json:"held"` // number of the held comment
	Author UserID `json:"-"`    // author of the comment; 0 if there is no such comment
	Text   string `json:"-"`    // text of the comment
}

func (ReleaseComment) Type() string { return "comment.release" }

func (c ReleaseComment) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), reviewStream(c.Live), commentStream(c.Live), visitStream(c.Live, c.Author), userStream(c.Author)}
}

func (c ReleaseComment) decide(view View) ([]Event, error) {
	live, review, visit, author := view.Live(c.Live), view.Review(c.Live), view.Visit(c.Live, c.Author), view.User(c.Author)
	if err := view.checkModerator(live, c.Live); err != nil {
		return nil, err
	}
	waiting, found := review.find(c.Held)
	if !found || waiting.User != c.Author || c.Text == "" {
		return nil, refuse(CodeCommentNotFound, commentNotHeld, c.Held, c.Live)
	}
	if err := live.checkOpen(c.Live); err != nil {
		return nil, err
	}
	switch {
	case author.Status().Check(c.Author, view.Now) != nil:
		return nil, refuse(CodeUserUnavailable, "user %d is disabled, forgotten or banned from the service: drop the comment", c.Author)
	case isBanned(live.Bans, c.Author, view.Now):
		return nil, refuse(CodeBanned, "user %d is banned from live %d: drop the comment, or end the ban first", c.Author, c.Live)
	case isBanned(live.Mutes, c.Author, view.Now):
		return nil, refuse(CodeMuted, "user %d is muted in live %d: drop the comment, or end the mute first", c.Author, c.Live)
	}
	events := []Event{CommentReleased{c.Live, c.Held, c.Author, int64(len(review.Waiting) - 1)}, CommentPosted{c.Live, c.Author, c.Text}}
	if !visit.Reviewed {
		events = append(events, ViewerReviewed{c.Live, c.Author})
	}
	return events, nil
}

// CommentDisplaced records that a held comment has given its place to another one, because too many comments waited in
// the live. Nobody will see it, unless the author posts it again.
type CommentDisplaced struct {
	Live    LiveID `json:"live"`    // the live to which the comment belongs
	Held    int64  `json:"held"`    // number of the held comment
	User    UserID `json:"user"`    // the author of the comment
	Waiting int64  `json:"waiting"` // number of comments that still wait in the live; comment.held follows
}

func (CommentDisplaced) Type() string             { return "comment.displaced.v1" }
func (e CommentDisplaced) Stream() Stream         { return reviewStream(e.Live) }
func (e CommentDisplaced) EventLive() LiveID      { return e.Live }
func (e CommentDisplaced) EventUser() UserID      { return e.User }
func (e CommentDisplaced) evolve(r Review) Review { return r.without(e.Held) }

// CommentReleased records that a moderator released a held comment. The comment follows as comment.posted.
type CommentReleased struct {
	Live    LiveID `json:"live"`    // the live to which the comment belongs
	Held    int64  `json:"held"`    // number of the held comment
	User    UserID `json:"user"`    // the author of the comment
	Waiting int64  `json:"waiting"` // number of comments that still wait in the live
}

func (CommentReleased) Type() string        { return "comment.released.v1" }
func (e CommentReleased) Stream() Stream    { return reviewStream(e.Live) }
func (e CommentReleased) EventLive() LiveID { return e.Live }
func (e CommentReleased) EventUser() UserID { return e.User }
func (e CommentReleased) evolve(r Review) Review {
	r = r.without(e.Held)
	r.Released = e.User
	return r
}

// ViewerReviewed records that a held comment of a user was released for the first time in a live. The mode review does
// not hold later comments of the user there.
type ViewerReviewed struct {
	Live LiveID `json:"live"` // the live to which the comment belongs
	User UserID `json:"user"` // the author of the comment
}

func (ViewerReviewed) Type() string           { return "viewer.reviewed.v1" }
func (e ViewerReviewed) Stream() Stream       { return visitStream(e.Live, e.User) }
func (e ViewerReviewed) EventLive() LiveID    { return e.Live }
func (e ViewerReviewed) EventUser() UserID    { return e.User }
func (e ViewerReviewed) evolve(v Visit) Visit { v.Reviewed = true; return v }

// DropComment drops a held comment: nobody will see it. The author, the owner of the live, its moderators and operators
// may issue this command.
type DropComment struct {
	Live   LiveID `json:"live"`   // the live to which the comment belongs
	Held   int64  `json:"held"`   // number of the held comment
	Reason string `json:"reason"` // the reason, shown to the author: at most 100 characters, may be empty; must not identify a person
	Author UserID `json:"-"`      // author of the comment; 0 if there is no such comment
}

func (DropComment) Type() string { return "comment.drop" }

func (c DropComment) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), reviewStream(c.Live), noticeStream(c.Author)}
}

func (c DropComment) decide(view View) ([]Event, error) {
	live, review := view.Live(c.Live), view.Review(c.Live)
	waiting, found := review.find(c.Held)
	own := found && waiting.User == view.Actor.User
	if !own {
		if err := view.checkModerator(live, c.Live); err != nil {
			return nil, err
		}
	}
	if !found || waiting.User != c.Author {
		return nil, refuse(CodeCommentNotFound, commentNotHeld, c.Held, c.Live)
	}
	if !own {
		if err := view.checkTarget(live, waiting.User); err != nil {
			return nil, err
		}
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	dropped := CommentDropped{c.Live, c.Held, waiting.User, reason, int64(len(review.Waiting) - 1)}
	if own {
		return []Event{dropped}, nil
	}
	return []Event{dropped, ViewerNotified{c.Live, waiting.User, NoticeCommentDropped, c.Held, "", reason}}, nil
}

// CommentDropped records that a held comment will not be posted.
type CommentDropped struct {
	Live    LiveID `json:"live"`    // the live to which the comment belongs
	Held    int64  `json:"held"`    // number of the held comment
	User    UserID `json:"user"`    // the author of the comment
	Reason  string `json:"reason"`  // the reason, shown to the author; not sealed; may be empty
	Waiting int64  `json:"waiting"` // number of comments that still wait in the live
}

func (CommentDropped) Type() string             { return "comment.dropped.v1" }
func (e CommentDropped) Stream() Stream         { return reviewStream(e.Live) }
func (e CommentDropped) EventLive() LiveID      { return e.Live }
func (e CommentDropped) EventUser() UserID      { return e.User }
func (e CommentDropped) evolve(r Review) Review { return r.without(e.Held) }

// dropHeldOf returns the events that drop the held comments of a user in a live.
func (v View) dropHeldOf(live LiveID, user UserID, reason string) (events []Event) {
	review := v.Review(live)
	left := int64(len(review.Waiting))
	for _, c := range review.of(user) {
		left--
		events = append(events, CommentDropped{live, c.Held, user, reason, left})
	}
	return events
}

// noticeStream returns the stream of the notices that moderators cause for one user.
func noticeStream(user UserID) Stream { return numberedStream("notice-", int64(user)) }

// ModerationNotice is the kind of a private notice about a decision of a moderator.
type ModerationNotice string

// The notices.
const (
	NoticeCommentDropped ModerationNotice = "comment_dropped" // a held comment of the user was dropped
	NoticeReportDecided  ModerationNotice = "report_decided"  // a report of the user was decided
)

// ViewerNotified records that a user is notified of a decision of a moderator. Nobody else receives the notice.
type ViewerNotified struct {
	Live     LiveID           `json:"live"`     // the live in which the moderator has decided
	User     UserID           `json:"user"`     // the user who is notified
	Notice   ModerationNotice `json:"notice"`   // what was decided
	Number   int64            `json:"number"`   // number of the held comment, or of the report
	Decision ReportDecision   `json:"decision"` // decision about the report; "" for other notices
	Reason   string           `json:"reason"`   // the words of the moderator; not sealed; may be empty
}

func (ViewerNotified) Type() string               { return "viewer.notified.v1" }
func (e ViewerNotified) Stream() Stream           { return noticeStream(e.User) }
func (e ViewerNotified) EventLive() LiveID        { return e.Live }
func (e ViewerNotified) EventUser() UserID        { return e.User }
func (ViewerNotified) evolve(Stateless) Stateless { return Stateless{} }

// WarnViewer warns a user in one live. Only the user receives the warning. The owner of the live, its moderators and
// operators may issue this command.
type WarnViewer struct {
	Live   LiveID `json:"live"`   // the live in which the user is warned
	User   UserID `json:"user"`   // the user to warn
	Reason string `json:"reason"` // the reason, shown to the user: 1–100 characters
}

func (WarnViewer) Type() string { return "viewer.warn" }

func (c WarnViewer) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), userStream(c.User), noticeStream(c.User)}
}

func (c WarnViewer) decide(view View) ([]Event, error) {
	live, user := view.Live(c.Live), view.User(c.User)
	err := view.checkModerator(live, c.Live)
	if err == nil {
		c.Reason, err = text("reason", c.Reason, 1, MaxReason)
	}
	switch {
	case err != nil:
		return nil, err
	case !user.Registered || user.Forgotten:
		return nil, refuse(CodeUserUnavailable, "there is no user %d", c.User)
	}
	if err := view.checkTarget(live, c.User); err != nil {
		return nil, err
	}
	return []Event{ViewerWarned(c)}, nil
}

// ViewerWarned records that a user was warned in one live.
type ViewerWarned struct {
	Live   LiveID `json:"live"`   // the live in which the user was warned
	User   UserID `json:"user"`   // the user who was warned
	Reason string `json:"reason"` // the reason, shown to the user
}

func (ViewerWarned) Type() string                     { return "viewer.warned.v1" }
func (e ViewerWarned) Stream() Stream                 { return noticeStream(e.User) }
func (e ViewerWarned) EventLive() LiveID              { return e.Live }
func (e ViewerWarned) EventUser() UserID              { return e.User }
func (e *ViewerWarned) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }
func (ViewerWarned) evolve(Stateless) Stateless       { return Stateless{} }

// Bounds of reports.
const (
	maxReports       = 200 // maximum number of open reports in one live, which every decision loads; a further report displaces a waiting one
	maxReportsOfUser = 5   // maximum number of open reports in one live that one user has opened
	maxReporters     = 20  // maximum number of users in one report; reports of further users change nothing
	maxReportText    = 200 // maximum length of the text of a report in characters
	claimSeconds     = 600 // time in seconds in which only the claimer of a report decides about it
)

// ReportCause is the cause for which a user reports a comment or another user.
type ReportCause string

// The causes of reports.
const (
	ReportSpam    ReportCause = "spam"    // advertising, or the same again and again
	ReportInsult  ReportCause = "insult"  // insults or threats
	ReportHate    ReportCause = "hate"    // hate against a group
	ReportSexual  ReportCause = "sexual"  // sexual content or harassment
	ReportPrivacy ReportCause = "privacy" // private data of somebody
	ReportFraud   ReportCause = "fraud"   // fraud, or somebody who pretends to be another
	ReportOther   ReportCause = "other"   // another cause, which the text of the report describes
)

// ReportCauses lists every cause.
var ReportCauses = [...]ReportCause{ReportSpam, ReportInsult, ReportHate, ReportSexual, ReportPrivacy, ReportFraud, ReportOther}

// ReportDecision says whether a report was upheld or rejected.
type ReportDecision string

// The decisions.
const (
	ReportUpheld   ReportDecision = "upheld"   // the report was right
	ReportRejected ReportDecision = "rejected" // the report was wrong, or nothing can be done
)

// Reports is the state of the open reports of one live.
type Reports struct {
	Last int64        `json:"last,omitempty"` // number of the newest report
	Open []OpenReport `json:"open,omitempty"` // oldest first
}

// OpenReport is a report about which nobody has decided. All reports of one target before the decision are one report.
type OpenReport struct {
	Report       int64    `json:"report"`
	Target       UserID   `json:"target"`            // the user who is reported
	Comment      int64    `json:"comment,omitempty"` // position of the reported comment; 0: the user is reported
	Reporters    []UserID `json:"reporters"`
	Claimer      string   `json:"claimer,omitempty"`       // name of the actor who claimed the report last
	ClaimedUntil int64    `json:"claimed_until,omitempty"` // end of the claim in Unix seconds
}

func reportsStream(live LiveID) Stream { return numberedStream("reports-", int64(live)) }

// Reports returns the open reports of a live.
func (v View) Reports(live LiveID) Reports { return look[Reports](v, reportsStream(live)) }

// find returns the index of the open report with a number, or -1.
func (r Reports) find(report int64) int {
	return slices.IndexFunc(r.Open, func(o OpenReport) bool { return o.Report == report })
}

// without returns r without a report.
func (r Reports) without(report int64) Reports {
	r.Open = slices.DeleteFunc(slices.Clone(r.Open), func(o OpenReport) bool { return o.Report == report })
	if len(r.Open) == 0 {
		r.Open = nil
	}
	return r
}

// SendReport reports a comment, or a user, to the moderators of a live. Reports of the same target are one report.
type SendReport struct {
	Live    LiveID      `json:"live"`    // the live of the report
	User    UserID      `json:"user"`    // the user to report; 0: the author of the comment
	Comment int64       `json:"comment"` // position of the comment to report; 0: the user is reported
	Cause   ReportCause `json:"cause"`   // cause of the report
	Text    string      `json:"text"`    // what happened: at most 200 characters; required for the cause other
	Author  UserID      `json:"-"`       // author of the comment; 0 if there is no such comment
}

func (SendReport) Type() string { return "report.send" }

// target returns the user who is reported.
func (c SendReport) target() UserID {
	if c.Comment != 0 {
		return c.Author
	}
	return c.User
}

func (c SendReport) Reads(actor Actor) []Stream {
	return []Stream{liveStream(c.Live), reportsStream(c.Live), visitStream(c.Live, actor.User), visitStream(c.Live, c.target())}
}

func (c SendReport) decide(view View) ([]Event, error) {
	live, reports, target := view.Live(c.Live), view.Reports(c.Live), c.target()
	reporter, reported := view.Visit(c.Live, view.Actor.User), view.Visit(c.Live, target)
	switch {
	case live.Streamer == 0:
		return nil, refuse(CodeLiveNotFound, "there is no live %d", c.Live)
	case isBanned(live.Bans, view.Actor.User, view.Now):
		return nil, refuse(CodeBanned, "you are banned from live %d", c.Live)
	case !reporter.Visited && live.Streamer != view.Actor.User:
		return nil, refuse(CodeForbidden, "only viewers of live %d may report: join it first", c.Live)
	case !slices.Contains(ReportCauses[:], c.Cause):
		return nil, refuse(CodeBadRequest, "cause must be one of %v", ReportCauses)
	case c.Comment != 0 && (target == 0 || c.User != 0 && c.User != target):
		return nil, refuse(CodeCommentNotFound, "there is no comment %d of the user in live %d", c.Comment, c.Live)
	case c.Comment == 0 && (target < 1 || !reported.Visited && target != live.Streamer):
		return nil, refuse(CodeUserUnavailable, "user must be the id of a user who was in live %d, or comment the position of a comment", c.Live)
	case target == view.Actor.User:
		return nil, refuse(CodeBadRequest, "you may not report yourself")
	}
	least := 0
	if c.Cause == ReportOther {
		least = 1
	}
	described, err := multilineText("text", c.Text, least, maxReportText)
	if err != nil {
		return nil, err
	}
	sent := ReportSent{c.Live, reports.Last + 1, view.Actor.User, target, c.Comment, c.Cause, described}
	if i := slices.IndexFunc(reports.Open, func(o OpenReport) bool { return o.Target == target && o.Comment == c.Comment }); i >= 0 {
		open := reports.Open[i]
		if slices.Contains(open.Reporters, view.Actor.User) || len(open.Reporters) >= maxReporters {
			return nil, nil
		}
		sent.Report = open.Report
		return []Event{sent}, nil
	}
	displaced, err := view.placeOfReport(c.Live, live, reports)
	if err != nil {
		return nil, err
	}
	return append(displaced, sent), nil
}

// placeOfReport returns the event that makes a place for a new report of the actor if there is none, or a *Refusal if
// the actor has too many open reports.
func (v View) placeOfReport(id LiveID, live Live, reports Reports) ([]Event, error) {
	queue, opened := make([]queued, len(reports.Open)), 0
	for i, o := range reports.Open {
		queue[i] = queued{o.Reporters, o.ClaimedUntil > v.Now.Unix()}
		if o.Reporters[0] == v.Actor.User {
			opened++
		}
	}
	switch {
	case opened >= maxReportsOfUser:
		return nil, refuse(CodeReportsFull, "%d of your reports in live %d wait for a decision: try again when one is decided", maxReportsOfUser, id)
	case len(queue) < maxReports:
		return nil, nil
	}
	at := v.displaced(queue, opened, opened == 0, live.Bans)
	if at < 0 {
		return nil, refuse(CodeReportsFull, "%d reports in live %d wait for a decision, and nobody has opened more there than you: try again when one of yours is decided", len(queue), id)
	}
	return []Event{ReportDisplaced{id, reports.Open[at].Report, reports.Open[at].Target}}, nil
}

// ReportSent records that a user reported a comment or another user. A second report of the same target has the number
// of the first.
type ReportSent struct {
	Live    LiveID      `json:"live"`    // the live in which the user reports
	Report  int64       `json:"report"`  // number of the report in the live: 1, 2, 3, …
	User    UserID      `json:"user"`    // the user who reports; never shown to the reported user
	Target  UserID      `json:"target"`  // the user who is reported
	Comment int64       `json:"comment"` // position of the reported comment; 0: the user is reported
	Cause   ReportCause `json:"cause"`   // cause of the report
	Text    string      `json:"text"`    // the words of the user who reports; may be empty
}

func (ReportSent) Type() string                     { return "report.sent.v1" }
func (e ReportSent) Stream() Stream                 { return reportsStream(e.Live) }
func (e ReportSent) EventLive() LiveID              { return e.Live }
func (e ReportSent) EventUser() UserID              { return e.User }
func (e *ReportSent) personal() (UserID, []*string) { return e.User, []*string{&e.Text} }
func (e ReportSent) evolve(r Reports) Reports {
	r.Open = slices.Clone(r.Open)
	if i := r.find(e.Report); i >= 0 {
		r.Open[i].Reporters = append(slices.Clone(r.Open[i].Reporters), e.User)
		return r
	}
	r.Last, r.Open = e.Report, append(r.Open, OpenReport{Report: e.Report, Target: e.Target, Comment: e.Comment, Reporters: []UserID{e.User}})
	return r
}

// ReportDisplaced records that a report has given its place to another one, because too many reports of the live were
// open. Nobody decides about it any more; another report of the same target is a new one.
type ReportDisplaced struct {
	Live   LiveID `json:"live"`   // the live of the report
	Report int64  `json:"report"` // number of the report
	User   UserID `json:"user"`   // the user who was reported
}

func (ReportDisplaced) Type() string               { return "report.displaced.v1" }
func (e ReportDisplaced) Stream() Stream           { return reportsStream(e.Live) }
func (e ReportDisplaced) EventLive() LiveID        { return e.Live }
func (e ReportDisplaced) EventUser() UserID        { return e.User }
func (e ReportDisplaced) evolve(r Reports) Reports { return r.without(e.Report) }

// openReport returns an open report about which the actor may decide. Nobody may decide about a report against
// themselves. Only the owner and operators may decide about a report against a moderator, and only operators about a
// report against the owner. During a claim, only its claimer, the owner and operators may decide.
func (v View) openReport(id LiveID, report int64) (OpenReport, error) {
	live, reports := v.Live(id), v.Reports(id)
	if err := v.checkModerator(live, id); err != nil {
		return OpenReport{}, err
	}
	at := reports.find(report)
	if at < 0 {
		return OpenReport{}, refuse(CodeReportNotFound, "there is no open report %d in live %d", report, id)
	}
	open := reports.Open[at]
	leads := live.Streamer == v.Actor.User || v.isOperator()
	switch {
	case open.Target == v.Actor.User, open.Target == live.Streamer && !v.isOperator(), slices.Contains(live.Moderators, open.Target) && !leads:
		return open, refuse(CodeReportNotFound, "there is no open report %d in live %d", report, id)
	case open.ClaimedUntil > v.Now.Unix() && open.Claimer != v.Actor.String() && !leads:
		return open, refuseUntil(open.ClaimedUntil, CodeReportClaimed, "another moderator has claimed report %d", report)
	}
	return open, nil
}

// ClaimReport tells other moderators that the actor works on a report. The claim lasts 10 minutes. The owner of the
// live, its moderators and operators may issue this command.
type ClaimReport struct {
	Live   LiveID `json:"live"`   // the live of the report
	Report int64  `json:"report"` // number of the report
}

func (ClaimReport) Type() string { return "report.claim" }

func (c ClaimReport) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), reportsStream(c.Live)}
}

func (c ClaimReport) decide(view View) ([]Event, error) {
	open, err := view.openReport(c.Live, c.Report)
	if err != nil {
		return nil, err
	}
	until := view.Now.Unix() + claimSeconds
	if open.Claimer == view.Actor.String() && open.ClaimedUntil >= until {
		return nil, nil
	}
	return []Event{ReportClaimed{c.Live, c.Report, open.Target, view.Actor.String(), until}}, nil
}

// ReportClaimed records that a moderator works on a report.
type ReportClaimed struct {
	Live    LiveID `json:"live"`    // the live of the report
	Report  int64  `json:"report"`  // number of the report
	User    UserID `json:"user"`    // the user who is reported
	Claimer string `json:"claimer"` // name of the actor who claimed the report
	Until   int64  `json:"until"`   // end of the claim in Unix seconds
}

func (ReportClaimed) Type() string        { return "report.claimed.v1" }
func (e ReportClaimed) Stream() Stream    { return reportsStream(e.Live) }
func (e ReportClaimed) EventLive() LiveID { return e.Live }
func (e ReportClaimed) EventUser() UserID { return e.User }
func (e ReportClaimed) evolve(r Reports) Reports {
	r.Open = slices.Clone(r.Open)
	if i := r.find(e.Report); i >= 0 {
		r.Open[i].Claimer, r.Open[i].ClaimedUntil = e.Claimer, e.Until
	}
	return r
}

// DecideReport decides about a report. The users who reported are notified of the decision. The owner of the live, its
// moderators and operators may issue this command.
type DecideReport struct {
	Live      LiveID         `json:"live"`     // the live of the report
	Report    int64          `json:"report"`   // number of the report
	Decision  ReportDecision `json:"decision"` // whether the report is upheld or rejected
	Reason    string         `json:"reason"`   // the reason, shown to those who reported and to the reported user: at most 100 characters, may be empty; must not identify a person
	Reporters []UserID       `json:"-"`        // the users who reported, as far as the sender knows them
}

func (DecideReport) Type() string { return "report.decide" }

func (c DecideReport) Reads(Actor) []Stream {
	streams := []Stream{liveStream(c.Live), reportsStream(c.Live)}
	for _, u := range c.Reporters[:min(len(c.Reporters), maxReporters)] {
		streams = append(streams, noticeStream(u))
	}
	return streams
}

func (c DecideReport) decide(view View) ([]Event, error) {
	open, err := view.openReport(c.Live, c.Report)
	switch {
	case err != nil:
		return nil, err
	case c.Decision != ReportUpheld && c.Decision != ReportRejected:
		return nil, refuse(CodeBadRequest, "decision must be upheld or rejected")
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	events := []Event{ReportDecided{c.Live, c.Report, open.Target, open.Comment, c.Decision, reason}}
	for _, reporter := range open.Reporters {
		if !slices.Contains(c.Reporters, reporter) { // reported a moment ago
			return nil, refuse(CodeBusy, "another user has just reported the same: repeat the request")
		}
		events = append(events, ViewerNotified{c.Live, reporter, NoticeReportDecided, c.Report, c.Decision, reason})
	}
	return events, nil
}

// ReportDecided records the decision about a report.
type ReportDecided struct {
	Live     LiveID         `json:"live"`     // the live of the report
	Report   int64          `json:"report"`   // number of the report
	User     UserID         `json:"user"`     // the user who was reported
	Comment  int64          `json:"comment"`  // position of the reported comment; 0: the user was reported
	Decision ReportDecision `json:"decision"` // whether the report was upheld or rejected
	Reason   string         `json:"reason"`   // the reason; not sealed; may be empty
}

func (ReportDecided) Type() string               { return "report.decided.v1" }
func (e ReportDecided) Stream() Stream           { return reportsStream(e.Live) }
func (e ReportDecided) EventLive() LiveID        { return e.Live }
func (e ReportDecided) EventUser() UserID        { return e.User }
func (e ReportDecided) evolve(r Reports) Reports { return r.without(e.Report) }
