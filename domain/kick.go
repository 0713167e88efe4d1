package domain

// KickUser closes every connection of a user. The user may connect again; BanUser prevents it.
type KickUser struct {
	User   UserID `json:"user"`   // the user whose connections are closed
	Reason string `json:"reason"` // the operator's reason, shown to the user: at most 100 characters, may be empty
}

func (KickUser) Type() string { return "user.kick" }

func (c KickUser) Reads(Actor) []Stream { return []Stream{userStream(c.User)} }

func (c KickUser) decide(view View) ([]Event, error) {
	if _, err := view.existingUser(c.User); err != nil {
		return nil, err
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{UserKicked{c.User, reason}}, nil
}

// UserKicked records that the connections of a user were closed.
type UserKicked struct {
	User   UserID `json:"user"`   // the user whose connections were closed
	Reason string `json:"reason"` // the operator's reason, shown to the user; may be empty
}

func (UserKicked) Type() string                     { return "user.kicked.v1" }
func (e UserKicked) Stream() Stream                 { return userStream(e.User) }
func (e UserKicked) EventUser() UserID              { return e.User }
func (UserKicked) evolve(u User) User               { return u }
func (e *UserKicked) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// maxConnectionID is the maximum length of a ConnectionID or PlayerID in bytes.
const maxConnectionID = 64

// KickConnection closes one connection of a client, signed in or not.
type KickConnection struct {
	Connection ConnectionID `json:"connection"` // the connection to close: 1–64 bytes
	Reason     string       `json:"reason"`     // the operator's reason, shown to the client: at most 100 characters, may be empty; must not identify a person
}

func (KickConnection) Type() string { return "connection.kick" }

func (c KickConnection) Reads(Actor) []Stream { return []Stream{connectionStream(c.Connection)} }

func (c KickConnection) decide(View) ([]Event, error) {
	if c.Connection == "" || len(c.Connection) > maxConnectionID {
		return nil, refuse(CodeBadRequest, "connection must have 1 to %d bytes", maxConnectionID)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{ConnectionKicked{c.Connection, reason}}, nil
}

// ConnectionKicked records that one connection of a client was closed.
type ConnectionKicked struct {
	Connection ConnectionID `json:"connection"` // the connection that was closed
	Reason     string       `json:"reason"`     // the operator's reason, shown to the client; not sealed; may be empty
}

func (ConnectionKicked) Type() string               { return "connection.kicked.v1" }
func (e ConnectionKicked) Stream() Stream           { return connectionStream(e.Connection) }
func (ConnectionKicked) evolve(Stateless) Stateless { return Stateless{} }

// KickPlayer disconnects one player of a live's media.
type KickPlayer struct {
	Live   LiveID   `json:"live"`   // the live that the player plays
	Player PlayerID `json:"player"` // the player to disconnect: 1–64 bytes
	Reason string   `json:"reason"` // the operator's reason, stored in the event: at most 100 characters, may be empty; must not identify a person
}

func (KickPlayer) Type() string { return "player.kick" }

func (c KickPlayer) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), playerStream(c.Player)}
}

func (c KickPlayer) decide(view View) ([]Event, error) {
	if c.Player == "" || len(c.Player) > maxConnectionID {
		return nil, refuse(CodeBadRequest, "player must have 1 to %d bytes", maxConnectionID)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	if view.Live(c.Live).Streamer == 0 {
		return nil, refuse(CodeLiveNotFound, "there is no live %d", c.Live)
	}
	return []Event{PlayerKicked{c.Live, c.Player, reason}}, nil
}

// PlayerKicked records that a player of a live's media was disconnected.
type PlayerKicked struct {
	Live   LiveID   `json:"live"`   // the live that the player played
	Player PlayerID `json:"player"` // the player that was disconnected
	Reason string   `json:"reason"` // the operator's reason; not sealed; may be empty
}

func (PlayerKicked) Type() string               { return "player.kicked.v1" }
func (e PlayerKicked) Stream() Stream           { return playerStream(e.Player) }
func (e PlayerKicked) EventLive() LiveID        { return e.Live }
func (PlayerKicked) evolve(Stateless) Stateless { return Stateless{} }
