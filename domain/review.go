package domain

import "slices"

// Bounds of the comments that wait for a review.
const (
	maxHeld        = 500 // in one live; every decision about a held comment loads all of them
	maxHeldOfUser  = 3   // of one user in one live
	commentNotHeld = "no comment %d waits for a review in live %d: it was released or dropped, or never held"
)

// HoldCause is why a comment is held.
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

// hold returns the event that holds a comment of the actor for a review, or a *Refusal if too many comments wait.
func (v View) hold(live LiveID, review Review, text string, cause HoldCause) (Event, error) {
	switch {
	case len(review.of(v.Actor.User)) >= maxHeldOfUser:
		return nil, refuse(CodeReviewFull, "%d of your comments wait for a review in live %d: wait until a moderator has decided about one", maxHeldOfUser, live)
	case len(review.Waiting) >= maxHeld:
		return nil, refuse(CodeReviewFull, "%d comments wait for a review in live %d: try again when moderators have decided about some", maxHeld, live)
	}
	return CommentHeld{live, review.Last + 1, v.Actor.User, text, cause, int64(len(review.Waiting) + 1)}, nil
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

// ModerationNotice is what a user is notified of.
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
