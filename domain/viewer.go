package domain

import "slices"

// Visit is one person in one room: there now or not, and whether ever.
type Visit struct {
	Present bool   `json:"present,omitempty"`
	Been    bool   `json:"been,omitempty"`    // was here before, or is
	Process string `json:"process,omitempty"` // the server process that holds the connection
}

// JoinLive asks to enter a room.
type JoinLive struct {
	Live    LiveID `json:"live"`
	Process string `json:"-"` // the server process that holds the connection
}

// Type implements Command.
func (JoinLive) Type() string { return "live.join" }

// Reads implements Command.
func (c JoinLive) Reads(by Actor) []Stream {
	return []Stream{liveOf(c.Live), visitOf(c.Live, by.User)}
}

func (c JoinLive) drawn() []string { return []string{c.Process} }

func (c JoinLive) decide(see View) ([]Event, error) {
	if err := see.Live(c.Live).openTo(see, c.Live); err != nil {
		return nil, err
	}
	user := see.By.User
	switch visit := see.Visit(c.Live, user); {
	case !visit.Present:
		return []Event{ViewerJoined{c.Live, user, !visit.Been, c.Process}}, nil
	case visit.Process != c.Process:
		return []Event{ViewerMoved{c.Live, user, c.Process}}, nil
	}
	return nil, nil
}

// ViewerJoined says that somebody entered a room.
type ViewerJoined struct {
	Live    LiveID `json:"live"`
	User    UserID `json:"user"`
	First   bool   `json:"first"`   // the first visit ever of this person to this room
	Process string `json:"process"` // the server process that holds the connection
}

// Type implements Event.
func (ViewerJoined) Type() string { return "viewer.joined.v1" }

// Stream implements Event.
func (e ViewerJoined) Stream() Stream { return visitOf(e.Live, e.User) }

// InLive implements LiveEvent.
func (e ViewerJoined) InLive() LiveID { return e.Live }

// ByUser implements UserEvent.
func (e ViewerJoined) ByUser() UserID { return e.User }

func (e ViewerJoined) evolve(Visit) Visit {
	return Visit{Present: true, Been: true, Process: e.Process}
}

// ViewerMoved says that somebody who is in a room is held by another server process from now on,
// so that the end of the earlier one does not count as leaving.
type ViewerMoved struct {
	Live    LiveID `json:"live"`
	User    UserID `json:"user"`
	Process string `json:"process"` // the server process that holds the connection from now on
}

// Type implements Event.
func (ViewerMoved) Type() string { return "viewer.moved.v1" }

// Stream implements Event.
func (e ViewerMoved) Stream() Stream { return visitOf(e.Live, e.User) }

// InLive implements LiveEvent.
func (e ViewerMoved) InLive() LiveID { return e.Live }

// ByUser implements UserEvent.
func (e ViewerMoved) ByUser() UserID { return e.User }

func (e ViewerMoved) evolve(v Visit) Visit { v.Process = e.Process; return v }

// LeaveCause says why somebody is not in a room any more.
type LeaveCause string

// The causes.
const (
	LeftAsked          LeaveCause = "asked"
	LeftConnectionLost LeaveCause = "connection_lost"
	LeftProcessLost    LeaveCause = "process_lost"
	LeftLiveEnded      LeaveCause = "live_ended"
	LeftPutOut         LeaveCause = "put_out" // by an operator or the streamer
)

var leaveCauses = [...]LeaveCause{LeftAsked, LeftConnectionLost, LeftProcessLost, LeftLiveEnded, LeftPutOut}

// LeaveLive says for a person that the connections to a room have ended. It is silent when the
// person is not there, or is held by another process by now.
type LeaveLive struct {
	Live    LiveID     `json:"live"`
	User    UserID     `json:"user"`
	Cause   LeaveCause `json:"cause"`   // why
	Process string     `json:"process"` // the server process that held the connection
}

// Type implements Command.
func (LeaveLive) Type() string { return "live.leave" }

// Reads implements Command.
func (c LeaveLive) Reads(Actor) []Stream { return []Stream{visitOf(c.Live, c.User)} }

func (c LeaveLive) drawn() []string { return []string{c.Process} }

func (c LeaveLive) decide(see View) ([]Event, error) {
	if !slices.Contains(leaveCauses[:], c.Cause) {
		return nil, refuse(CodeBadRequest, "the cause is one of %v", leaveCauses)
	}
	visit := see.Visit(c.Live, c.User)
	if !visit.Present || visit.Process != c.Process {
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

// InLive implements LiveEvent.
func (e ViewerLeft) InLive() LiveID { return e.Live }

// ByUser implements UserEvent.
func (e ViewerLeft) ByUser() UserID { return e.User }

func (ViewerLeft) evolve(v Visit) Visit { return Visit{Been: v.Been} }
