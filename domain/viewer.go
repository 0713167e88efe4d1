package domain

import (
	"slices"
)

// Visit is the state of one user in one live.
type Visit struct {
	Present bool   `json:"present,omitempty"`
	Visited bool   `json:"visited,omitempty"` // whether the user is or was a viewer of the live
	Node    string `json:"node,omitempty"`    // the node that holds the user's connections

	Reviewed    bool  `json:"reviewed,omitempty"`     // whether a held comment of the user was released in the live
	CommentedAt int64 `json:"commented_at,omitempty"` // time of the newest comment in slow mode, in milliseconds since 1970; 0: none

	Credential string `json:"credential,omitempty"` // id of the hash of the newest password of the live that the user has entered
	Invitation int64  `json:"invitation,omitempty"` // id of the newest invitation to the live that the user has used
	Ticket     Ticket `json:"ticket,omitzero"`      // the newest ticket for the live that the user has bought
}

// Ticket is the part of a ticket for a live that refunds read. The zero Ticket means that there is none.
type Ticket struct {
	Coins    Coins `json:"coins"`              // what the user has paid
	Share    Coins `json:"share"`              // the platform's share of the coins
	Returned bool  `json:"returned,omitempty"` // whether the ticket was refunded
	Refunded int64 `json:"refunded,omitempty"` // position of the payment of the user's ticket that was refunded last; 0: none, or unknown
}

// Valid reports whether there is a ticket that was not refunded.
func (t Ticket) Valid() bool { return t.Coins != 0 && !t.Returned }

// Visit returns the state of a user in a live.
func (v View) Visit(live LiveID, user UserID) Visit { return look[Visit](v, visitStream(live, user)) }

// openLive returns a live that the actor may join, comment on and send gifts to. Otherwise it returns a *Refusal.
func (v View) openLive(id LiveID) (Live, error) {
	live, err := v.admittedLive(id, v.Visit(id, v.Actor.User), v.Follows(v.Actor.User))
	if open := live.checkOpen(id); open != nil {
		return live, open
	}
	return live, err
}

// admittedLive returns a live, and a *Refusal unless the actor may be in it: the actor is not banned, and the access of
// the live permits it.
func (v View) admittedLive(id LiveID, visit Visit, follows Follows) (Live, error) {
	live := v.Live(id)
	if isBanned(live.Bans, v.Actor.User, v.Now) {
		return live, refuse(CodeBanned, "you are banned from live %d", id)
	}
	entrant := v.entrant(live, visit)
	entrant.Follows = follows.Since(live.Streamer) != 0
	return live, live.Access.Check(id, live.MinAge, entrant)
}

// entrant returns the facts about the actor on which the access to a live depends, except whether the actor follows
// the streamer.
func (v View) entrant(live Live, visit Visit) Entrant {
	return Entrant{
		Moderates: live.isModerator(v.Actor.User) || v.isOperator(),
		Invited:   visit.Invitation != 0 && live.invitation(func(i Invitation) bool { return i.ID == visit.Invitation }).ID != 0,
		Password:  visit.Credential != "" && visit.Credential == live.Credential,
		Ticket:    visit.Ticket.Valid(),
		Age:       v.User(v.Actor.User).Age,
	}
}

// JoinLive makes the actor a viewer of a live. Nothing changes if the actor is already a viewer on the same node.
type JoinLive struct {
	Live LiveID `json:"live"` // the live to join
	Node string `json:"-"`    // the node that holds the connection
}

func (JoinLive) Type() string { return "live.join" }

func (c JoinLive) Reads(actor Actor) []Stream {
	return []Stream{liveStream(c.Live), visitStream(c.Live, actor.User), FollowsStream(actor.User)}
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

// LeaveCause is the cause for which a viewer left a live or a participant left the chat.
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
