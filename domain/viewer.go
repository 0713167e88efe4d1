package domain

import (
	"slices"
	"strconv"
	"time"

	"roomlog/internal/links"
	"roomlog/internal/stickers"
)

// Visit is the state of one user in one live.
type Visit struct {
	Present bool   `json:"present,omitempty"`
	Visited bool   `json:"visited,omitempty"` // whether the user is or was a viewer of the live
	Node    string `json:"node,omitempty"`    // the node that holds the user's connections

	Reviewed    bool  `json:"reviewed,omitempty"`     // whether a held comment of the user was released in the live
	CommentedAt int64 `json:"commented_at,omitempty"` // time of the newest comment in slow mode, in milliseconds since 1970; 0: none
}

// Visit returns the state of a user in a live.
func (v View) Visit(live LiveID, user UserID) Visit { return look[Visit](v, visitStream(live, user)) }

// JoinLive makes the actor a viewer of a live. Nothing changes if the actor is already a viewer on the same node.
type JoinLive struct {
	Live LiveID `json:"live"` // the live to join
	Node string `json:"-"`    // the node that holds the connection
}

func (JoinLive) Type() string { return "live.join" }

func (c JoinLive) Reads(actor Actor) []Stream {
	return []Stream{liveStream(c.Live), visitStream(c.Live, actor.User)}
}

func (c JoinLive) serverTexts() []string { return []string{c.Node} }

func (c JoinLive) decide(view View) ([]Event, error) {
	if _, err := view.openLive(c.Live); err != nil {
		return nil, err
	}
	user := view.Actor.User
	switch visit := view.Visit(c.Live, user); {
	case !visit.Present:
		return []Event{ViewerJoined{c.Live, user, !visit.Visited, c.Node}}, nil
	case visit.Node != c.Node:
		return []Event{ViewerMoved{c.Live, user, c.Node}}, nil
	}
	return nil, nil
}

// ViewerJoined records that a user has become a viewer of a live.
type ViewerJoined struct {
	Live       LiveID `json:"live"`        // the live that was joined
	User       UserID `json:"user"`        // the user who joined
	FirstVisit bool   `json:"first_visit"` // whether the user was never a viewer of this live before
	Node       string `json:"node"`        // the node that holds the connection
}

func (ViewerJoined) Type() string        { return "viewer.joined.v1" }
func (e ViewerJoined) Stream() Stream    { return visitStream(e.Live, e.User) }
func (e ViewerJoined) EventLive() LiveID { return e.Live }
func (e ViewerJoined) EventUser() UserID { return e.User }
func (e ViewerJoined) evolve(v Visit) Visit {
	v.Present, v.Visited, v.Node = true, true, e.Node
	return v
}

// ViewerMoved records that a viewer's connection is now on another node. If the previous node is lost afterwards, the
// viewer does not leave the live.
type ViewerMoved struct {
	Live LiveID `json:"live"` // the live that the viewer watches
	User UserID `json:"user"` // the viewer whose connection moved
	Node string `json:"node"` // the node that now holds the connection
}

func (ViewerMoved) Type() string           { return "viewer.moved.v1" }
func (e ViewerMoved) Stream() Stream       { return visitStream(e.Live, e.User) }
func (e ViewerMoved) EventLive() LiveID    { return e.Live }
func (e ViewerMoved) EventUser() UserID    { return e.User }
func (e ViewerMoved) evolve(v Visit) Visit { v.Node = e.Node; return v }

// LeaveCause is why a viewer left a live or a participant left the chat.
type LeaveCause string

// The causes. A participant leaves the chat only with the first three.
const (
	LeaveRequested      LeaveCause = "requested"       // the client sent a request to leave
	LeaveConnectionLost LeaveCause = "connection_lost" // the connection has closed
	LeaveNodeLost       LeaveCause = "node_lost"       // the node that held the connection was lost
	LeaveLiveEnded      LeaveCause = "live_ended"      // only for viewers: the live has ended
	LeaveRemoved        LeaveCause = "removed"         // only for viewers: the user was kicked or banned
)

var leaveCauses = [...]LeaveCause{LeaveRequested, LeaveConnectionLost, LeaveNodeLost, LeaveLiveEnded, LeaveRemoved}

// LeaveLive records that the last connection of a viewer to a live has ended. Nothing changes if the user is not a
// viewer or has a connection on another node.
type LeaveLive struct {
	Live  LiveID     `json:"live"`  // the live to leave
	User  UserID     `json:"user"`  // the viewer who leaves
	Cause LeaveCause `json:"cause"` // why the viewer leaves
	Node  string     `json:"node"`  // the node that held the connection
}

func (LeaveLive) Type() string { return "live.leave" }

func (c LeaveLive) Reads(Actor) []Stream { return []Stream{visitStream(c.Live, c.User)} }

func (c LeaveLive) serverTexts() []string { return []string{c.Node} }

func (c LeaveLive) decide(view View) ([]Event, error) {
	if !slices.Contains(leaveCauses[:], c.Cause) {
		return nil, refuse(CodeBadRequest, "cause must be one of %v", leaveCauses)
	}
	visit := view.Visit(c.Live, c.User)
	if !visit.Present || visit.Node != c.Node {
		return nil, nil
	}
	return []Event{ViewerLeft{c.Live, c.User, c.Cause}}, nil
}

// ViewerLeft records that a user is no longer a viewer of a live.
type ViewerLeft struct {
	Live  LiveID     `json:"live"`  // the live that was left
	User  UserID     `json:"user"`  // the viewer who left
	Cause LeaveCause `json:"cause"` // why the viewer left
}

func (ViewerLeft) Type() string         { return "viewer.left.v1" }
func (e ViewerLeft) Stream() Stream     { return visitStream(e.Live, e.User) }
func (e ViewerLeft) EventLive() LiveID  { return e.Live }
func (e ViewerLeft) EventUser() UserID  { return e.User }
func (ViewerLeft) evolve(v Visit) Visit { v.Present, v.Node = false, ""; return v }

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

// ViewerCommented records that a user has commented in a live in slow mode. It follows the comment, which may be held.
type ViewerCommented struct {
	Live LiveID `json:"live"` // the live in slow mode
	User UserID `json:"user"` // the author of the comment
	At   int64  `json:"at"`   // time of the comment in milliseconds since 1970
}

func (ViewerCommented) Type() string           { return "viewer.commented.v1" }
func (e ViewerCommented) Stream() Stream       { return visitStream(e.Live, e.User) }
func (e ViewerCommented) EventLive() LiveID    { return e.Live }
func (e ViewerCommented) EventUser() UserID    { return e.User }
func (e ViewerCommented) evolve(v Visit) Visit { v.CommentedAt = e.At; return v }

// CommentPosted records a comment in a live.
type CommentPosted struct {
	Live LiveID `json:"live"` // the live to which the comment belongs
	User UserID `json:"user"` // the author of the comment
	Text string `json:"text"` // the comment as typed, without surrounding space, with LF for every line break
}

func (CommentPosted) Type() string                     { return "comment.posted.v1" }
func (e CommentPosted) Stream() Stream                 { return commentStream(e.Live) }
func (e CommentPosted) EventLive() LiveID              { return e.Live }
func (e CommentPosted) EventUser() UserID              { return e.User }
func (CommentPosted) evolve(Stateless) Stateless       { return Stateless{} }
func (e *CommentPosted) personal() (UserID, []*string) { return e.User, []*string{&e.Text} }

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
