package domain

import (
	"strconv"
	"time"

	"roomlog/internal/links"
	"roomlog/internal/stickers"
)

// PostComment posts a comment in a live, or holds it for a review. Words that the list of the live or of the service masks
// are masked in the event.
type PostComment struct {
	Live LiveID `json:"live"` // the live to which the comment belongs
	Text string `json:"text"` // the comment: 1–200 characters, in which line breaks and tabs are allowed
}

func (PostComment) Type() string { return "comment.post" }

func (c PostComment) Reads(actor Actor) []Stream {
	return []Stream{liveStream(c.Live), commentStream(c.Live), reviewStream(c.Live), visitStream(c.Live, actor.User), wordsStream(c.Live), wordsStream(serviceWords), FollowsStream(actor.User)}
}

func (c PostComment) decide(view View) ([]Event, error) {
	live, err := view.openLive(c.Live)
	if err != nil {
		return nil, err
	}
	visit, follows, review := view.Visit(c.Live, view.Actor.User), view.Follows(view.Actor.User), view.Review(c.Live)
	if mute := activeBan(live.Mutes, view.Actor.User, view.Now); mute.User != 0 {
		return nil, refuseUntil(mute.Until, CodeMuted, "you are muted in live %d", c.Live)
	}
	comment, err := multilineText("comment", c.Text, 1, maxComment)
	var held bool
	if err == nil {
		comment, held, err = view.applyWords(live, c.Live, comment)
	}
	if err != nil {
		return nil, err
	}
	var posted Event = CommentPosted{c.Live, view.Actor.User, comment}
	if len(live.Modes) == 0 && !held || live.isModerator(view.Actor.User) {
		return []Event{posted}, nil
	}
	if err := view.checkModes(live, visit, follows, comment); err != nil && !view.isOperator() {
		return nil, err
	}
	cause := HeldForWord
	if first := live.mode(ModeReview, view.Now).Value != 0 && !visit.Reviewed && !view.isOperator(); first && !held {
		held, cause = true, HeldForFirst
	}
	if held {
		if posted, err = view.hold(c.Live, review, comment, cause); err != nil {
			return nil, err
		}
	}
	if live.mode(ModeSlow, view.Now).Value != 0 {
		return []Event{posted, ViewerCommented{c.Live, view.Actor.User, view.Now.UnixMilli()}}, nil
	}
	return []Event{posted}, nil
}

// checkModes returns a *Refusal if a mode of the live does not permit a comment of the actor now.
func (v View) checkModes(live Live, visit Visit, follows Follows, comment string) error {
	for _, m := range live.Modes {
		if !m.Active(v.Now) {
			continue
		}
		switch m.Mode {
		case ModeMuteAll:
			return refuseUntil(m.Until, CodeCommentsOff, "only the owner and moderators of the live may comment")
		case ModeLinksOff:
			if links.Contains(comment) {
				return refuseUntil(m.Until, CodeLinksOff, "comments must not contain links")
			}
		case ModeStickers:
			if !stickers.Only(comment) {
				return refuseUntil(m.Until, CodeStickersOnly, "comments must consist of emoji and names of stickers like :rose: only")
			}
		case ModeSlow:
			if next := visit.CommentedAt + 1000*m.Value; visit.CommentedAt != 0 && v.Now.UnixMilli() < next {
				return refuseUntil(earlier((next+999)/1000, m.Until), CodeSlowMode, "you may comment once in %d seconds", m.Value)
			}
		case ModeMembers:
			if member := v.User(v.Actor.User).RegisteredAt + 60*m.Value; v.Now.Unix() < member {
				return refuseUntil(earlier(member, m.Until), CodeMembersOnly, "only users who registered %d minutes ago may comment", m.Value)
			}
		case ModeFollowers:
			if err := m.checkFollower(live.Streamer, follows, v.Now); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownCommentSeconds is the time in seconds within which authors may remove their comments.
const ownCommentSeconds = 60

// RemovedComment is the state of one comment after its removal.
type RemovedComment struct {
	Removed bool `json:"removed"`
}

func removedCommentStream(live LiveID, comment int64) Stream {
	return numberedStream("removedcomment-"+strconv.FormatInt(int64(live), 10)+"-", comment)
}

// RemoveComment removes a comment from everything that clients see. The author may issue this command within 60 seconds,
// the owner of the live, its moderators and operators at any time.
type RemoveComment struct {
	Live     LiveID    `json:"live"`    // the live to which the comment belongs
	Comment  int64     `json:"comment"` // position of the comment in the log
	Reason   string    `json:"reason"`  // the reason, stored in the event: at most 100 characters, may be empty; must not identify a person
	Author   UserID    `json:"-"`       // author of the comment; 0 if there is no such comment
	PostedAt time.Time `json:"-"`       // time of the comment in the log
}

func (RemoveComment) Type() string { return "comment.remove" }

func (c RemoveComment) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), removedCommentStream(c.Live, c.Comment)}
}

func (c RemoveComment) decide(view View) ([]Event, error) {
	live, comment := view.Live(c.Live), look[RemovedComment](view, removedCommentStream(c.Live, c.Comment))
	if live.Streamer == 0 || c.Author == 0 {
		return nil, refuse(CodeCommentNotFound, "there is no comment %d in live %d", c.Comment, c.Live)
	}
	own := view.Actor.User == c.Author
	err := view.checkModerator(live, c.Live)
	switch {
	case err == nil && !own:
		if c.Author != live.Streamer || !view.isOperator() { // operators may remove the comments of the owner
			err = view.checkTarget(live, c.Author)
		}
	case err != nil && own && view.Now.Sub(c.PostedAt) <= ownCommentSeconds*time.Second:
		err = nil
	case err != nil && own:
		err = refuse(CodeForbidden, "you may remove a comment within %d seconds", ownCommentSeconds)
	}
	reason, invalid := operatorReason(c.Reason)
	switch {
	case err != nil:
		return nil, err
	case invalid != nil:
		return nil, invalid
	case comment.Removed:
		return nil, nil
	}
	return []Event{CommentRemoved{c.Live, c.Comment, c.Author, reason}}, nil
}

// CommentRemoved records that clients no longer see a comment.
type CommentRemoved struct {
	Live    LiveID `json:"live"`    // the live to which the comment belongs
	Comment int64  `json:"comment"` // position of the comment in the log
	User    UserID `json:"user"`    // the author of the comment
	Reason  string `json:"reason"`  // the reason; not sealed; may be empty
}

func (CommentRemoved) Type() string                         { return "comment.removed.v1" }
func (e CommentRemoved) Stream() Stream                     { return removedCommentStream(e.Live, e.Comment) }
func (e CommentRemoved) EventLive() LiveID                  { return e.Live }
func (e CommentRemoved) EventUser() UserID                  { return e.User }
func (CommentRemoved) evolve(RemovedComment) RemovedComment { return RemovedComment{Removed: true} }

// ClearComments removes all comments that a user has posted in one live so far, and drops those that are held. The owner of the live, its moderators and
// operators may issue this command.
type ClearComments struct {
	Live   LiveID `json:"live"`   // the live to which the comments belong
	User   UserID `json:"user"`   // the author of the comments
	Reason string `json:"reason"` // the reason, stored in the event: at most 100 characters, may be empty; must not identify a person
}

func (ClearComments) Type() string { return "comment.clear" }

func (c ClearComments) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), commentStream(c.Live), reviewStream(c.Live)}
}

func (c ClearComments) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	err := view.checkModerator(live, c.Live)
	if err == nil {
		err = view.checkTarget(live, c.User)
	}
	if err != nil {
		return nil, err
	}
	if c.User < 1 {
		return nil, refuse(CodeBadRequest, "user must be the id of a user")
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return append([]Event{CommentsCleared(c)}, view.dropHeldOf(c.Live, c.User, c.Reason)...), nil
}

// CommentsCleared records that clients no longer see the comments that a user posted in a live before.
type CommentsCleared struct {
	Live   LiveID `json:"live"`   // the live to which the comments belong
	User   UserID `json:"user"`   // the author of the comments
	Reason string `json:"reason"` // the reason; not sealed; may be empty
}

func (CommentsCleared) Type() string               { return "comments.cleared.v1" }
func (e CommentsCleared) Stream() Stream           { return commentStream(e.Live) }
func (e CommentsCleared) EventLive() LiveID        { return e.Live }
func (e CommentsCleared) EventUser() UserID        { return e.User }
func (CommentsCleared) evolve(Stateless) Stateless { return Stateless{} }
