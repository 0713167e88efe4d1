package domain

// maxReason bounds what an operator says about putting somebody out, in characters.
const maxReason = 100

// operatorReason returns the reason of an operator's action without surrounding space.
func operatorReason(s string) (string, error) { return text("reason", s, 0, maxReason) }

// KickUser asks to put a person out: every connection in this person's name is closed, and its client stays
// away. Who comes back all the same is let in: see BanUser.
type KickUser struct {
	User   UserID `json:"user"`
	Reason string `json:"reason"` // told the person: at most 100 characters, may be empty
}

// Type implements Command.
func (KickUser) Type() string { return "user.kick" }

// Reads implements Command.
func (c KickUser) Reads(Actor) []Stream { return []Stream{userOf(c.User)} }

func (c KickUser) decide(see View) ([]Event, error) {
	if _, err := see.existingUser(c.User); err != nil {
		return nil, err
	}
	reason, err := text("reason", c.Reason, 0, maxReason)
	if err != nil {
		return nil, err
	}
	return []Event{UserKicked{c.User, reason}}, nil
}

// UserKicked says that the connections of a person were closed.
type UserKicked struct {
	User   UserID `json:"user"`
	Reason string `json:"reason"` // told the person; may be empty
}

// Type implements Event.
func (UserKicked) Type() string { return "user.kicked.v1" }

// Stream implements Event.
func (e UserKicked) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserKicked) EventUser() UserID { return e.User }

func (UserKicked) evolve(u User) User { return u }

func (e *UserKicked) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// ConnectionID names one connection while it is open. The door that holds it draws it.
type ConnectionID string

// maxConnectionID bounds the name of a connection, in bytes.
const maxConnectionID = 64

// KickConnection asks to put one connection out, whoever it is of.
type KickConnection struct {
	Connection ConnectionID `json:"connection"` // 1–64 bytes
	Reason     string       `json:"reason"`     // told the client: at most 100 characters, may be empty
}

// Type implements Command.
func (KickConnection) Type() string { return "connection.kick" }

// Reads implements Command.
func (c KickConnection) Reads(Actor) []Stream { return []Stream{connectionOf(c.Connection)} }

func (c KickConnection) decide(View) ([]Event, error) {
	if c.Connection == "" || len(c.Connection) > maxConnectionID {
		return nil, refuse(CodeBadRequest, "the id of a connection has 1 to %d bytes", maxConnectionID)
	}
	reason, err := text("reason", c.Reason, 0, maxReason)
	if err != nil {
		return nil, err
	}
	return []Event{ConnectionKicked{c.Connection, reason}}, nil
}

// ConnectionKicked says that one connection was closed. It is nobody's: its reason is readable for ever, and is
// not the place for a name.
type ConnectionKicked struct {
	Connection ConnectionID `json:"connection"`
	Reason     string       `json:"reason"` // told the client; may be empty
}

// Type implements Event.
func (ConnectionKicked) Type() string { return "connection.kicked.v1" }

// Stream implements Event.
func (e ConnectionKicked) Stream() Stream { return connectionOf(e.Connection) }

func (ConnectionKicked) evolve(Stateless) Stateless { return Stateless{} }

// PlayerID names one player of a live's media while it is connected. The media server draws it.
type PlayerID string

// KickPlayer disconnects one player of a live's media.
type KickPlayer struct {
	Live   LiveID   `json:"live"`
	Player PlayerID `json:"player"` // 1–64 bytes
	Reason string   `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (KickPlayer) Type() string { return "player.kick" }

// Reads implements Command.
func (c KickPlayer) Reads(Actor) []Stream { return []Stream{liveOf(c.Live), playerOf(c.Player)} }

func (c KickPlayer) decide(see View) ([]Event, error) {
	if c.Player == "" || len(c.Player) > maxConnectionID {
		return nil, refuse(CodeBadRequest, "player must have 1 to %d bytes", maxConnectionID)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	if see.Live(c.Live).Streamer == 0 {
		return nil, refuse(CodeLiveNotFound, "there is no live %d", c.Live)
	}
	return []Event{PlayerKicked{c.Live, c.Player, reason}}, nil
}

// PlayerKicked records that an operator disconnected a player of a live's media. Its reason is not sealed: it
// must not name anybody.
type PlayerKicked struct {
	Live   LiveID   `json:"live"`
	Player PlayerID `json:"player"`
	Reason string   `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (PlayerKicked) Type() string { return "player.kicked.v1" }

// Stream implements Event.
func (e PlayerKicked) Stream() Stream { return playerOf(e.Player) }

// EventLive implements LiveEvent.
func (e PlayerKicked) EventLive() LiveID { return e.Live }

func (PlayerKicked) evolve(Stateless) Stateless { return Stateless{} }
