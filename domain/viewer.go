package domain

import "slices"

// Visit is one person in one room: there now or not, and whether ever.
type Visit struct {
	Present bool   `json:"present,omitempty"`
	Visited bool   `json:"visited,omitempty"` // was here before, or is
	Node    string `json:"node,omitempty"`    // the server process that holds the connection
}

// JoinLive asks to enter a room.
type JoinLive struct {
	Live LiveID `json:"live"`
	Node string `json:"-"` // the server process that holds the connection
}

// Type implements Command.
func (JoinLive) Type() string { return "live.join" }

// Reads implements Command.
func (c JoinLive) Reads(by Actor) []Stream {
	return []Stream{liveOf(c.Live), visitOf(c.Live, by.User)}
}

func (c JoinLive) drawn() []string { return []string{c.Node} }

func (c JoinLive) decide(see View) ([]Event, error) {
	if err := see.Live(c.Live).openTo(see, c.Live); err != nil {
		return nil, err
	}
	user := see.Actor.User
	switch visit := see.Visit(c.Live, user); {
	case !visit.Present:
		return []Event{ViewerJoined{c.Live, user, !visit.Visited, c.Node}}, nil
	case visit.Node != c.Node:
		return []Event{ViewerMoved{c.Live, user, c.Node}}, nil
	}
	return nil, nil
}

// ViewerJoined says that somebody entered a room.
type ViewerJoined struct {
	Live       LiveID `json:"live"`
	User       UserID `json:"user"`
	FirstVisit bool   `json:"first_visit"` // the first visit ever of this person to this room
	Node       string `json:"node"`        // the server process that holds the connection
}

// Type implements Event.
func (ViewerJoined) Type() string { return "viewer.joined.v1" }

// Stream implements Event.
func (e ViewerJoined) Stream() Stream { return visitOf(e.Live, e.User) }

// EventLive implements LiveEvent.
func (e ViewerJoined) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e ViewerJoined) EventUser() UserID { return e.User }

func (e ViewerJoined) evolve(Visit) Visit {
	return Visit{Present: true, Visited: true, Node: e.Node}
}

// ViewerMoved says that somebody who is in a room is held by another server process from now on,
// so that the end of the earlier one does not count as leaving.
type ViewerMoved struct {
	Live LiveID `json:"live"`
	User UserID `json:"user"`
	Node string `json:"node"` // the server process that holds the connection from now on
}

// Type implements Event.
func (ViewerMoved) Type() string { return "viewer.moved.v1" }

// Stream implements Event.
func (e ViewerMoved) Stream() Stream { return visitOf(e.Live, e.User) }

// EventLive implements LiveEvent.
func (e ViewerMoved) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e ViewerMoved) EventUser() UserID { return e.User }

func (e ViewerMoved) evolve(v Visit) Visit { v.Node = e.Node; return v }

// LeaveCause says why somebody is not in a room any more.
type LeaveCause string

// The causes.
const (
	LeaveRequested      LeaveCause = "requested"
	LeaveConnectionLost LeaveCause = "connection_lost"
	LeaveNodeLost       LeaveCause = "node_lost"
	LeaveLiveEnded      LeaveCause = "live_ended"
	LeaveRemoved        LeaveCause = "removed" // by an operator or the streamer
)

var leaveCauses = [...]LeaveCause{LeaveRequested, LeaveConnectionLost, LeaveNodeLost, LeaveLiveEnded, LeaveRemoved}

// LeaveLive says for a person that the connections to a room have ended. It is silent when the
// person is not there, or is held by another process by now.
type LeaveLive struct {
	Live  LiveID     `json:"live"`
	User  UserID     `json:"user"`
	Cause LeaveCause `json:"cause"` // why
	Node  string     `json:"node"`  // the server process that held the connection
}

// Type implements Command.
func (LeaveLive) Type() string { return "live.leave" }

// Reads implements Command.
func (c LeaveLive) Reads(Actor) []Stream { return []Stream{visitOf(c.Live, c.User)} }

func (c LeaveLive) drawn() []string { return []string{c.Node} }

func (c LeaveLive) decide(see View) ([]Event, error) {
	if !slices.Contains(leaveCauses[:], c.Cause) {
		return nil, refuse(CodeBadRequest, "the cause is one of %v", leaveCauses)
	}
	visit := see.Visit(c.Live, c.User)
	if !visit.Present || visit.Node != c.Node {
		return nil, nil
	}
	return []Event{ViewerLeft{c.Live, c.User, c.Cause}}, nil
}

// ViewerLeft says that somebody left a room.
type ViewerLeft struct {
	Live  LiveID     `json:"live"`
	User  UserID     `json:"user"`
	Cause LeaveCause `json:"cause"` // why
}

// Type implements Event.
func (ViewerLeft) Type() string { return "viewer.left.v1" }

// Stream implements Event.
func (e ViewerLeft) Stream() Stream { return visitOf(e.Live, e.User) }

// EventLive implements LiveEvent.
func (e ViewerLeft) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e ViewerLeft) EventUser() UserID { return e.User }

func (ViewerLeft) evolve(v Visit) Visit { return Visit{Visited: v.Visited} }
