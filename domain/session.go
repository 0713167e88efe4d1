package domain

// Session is the newest session of a person; every older one has ended.
type Session struct {
	ID string `json:"id,omitempty"`
}

// SignIn asks for a new session, after the door has checked the password.
type SignIn struct {
	User    UserID `json:"user"`
	Session string `json:"-"` // random, drawn by the door
}

// Type implements Command.
func (SignIn) Type() string { return "user.sign_in" }

// Reads implements Command.
func (c SignIn) Reads(Actor) []Stream { return []Stream{userOf(c.User), sessionOf(c.User)} }

func (c SignIn) drawn() []string { return []string{c.Session} }

func (c SignIn) decide(see View) ([]Event, error) {
	switch user := see.User(c.User); {
	case !user.Active():
		return nil, refuse(CodeUserUnavailable, "user %d does not exist or is disabled", c.User)
	case user.Ban.Active(see.Now):
		return nil, refuse(CodeBanned, "user %d is kept out", c.User)
	case c.Session == "":
		return nil, refuse(CodeBadRequest, "a session needs an id")
	}
	return []Event{UserSignedIn{c.User, c.Session}}, nil
}

// UserSignedIn says that a session began, and that the person's older one has ended.
type UserSignedIn struct {
	User    UserID `json:"user"`
	Session string `json:"session"` // the random id that its token names
}

// Type implements Event.
func (UserSignedIn) Type() string { return "user.signed_in.v1" }

// Stream implements Event.
func (e UserSignedIn) Stream() Stream { return sessionOf(e.User) }

// EventUser implements UserEvent.
func (e UserSignedIn) EventUser() UserID { return e.User }

func (e UserSignedIn) evolve(Session) Session { return Session{ID: e.Session} }

// SignOut asks to end one's own session.
type SignOut struct{}

// Type implements Command.
func (SignOut) Type() string { return "user.sign_out" }

// Reads implements Command.
func (SignOut) Reads(by Actor) []Stream { return []Stream{sessionOf(by.User)} }

func (SignOut) decide(see View) ([]Event, error) {
	return []Event{UserSignedOut{see.Actor.User, see.Actor.Session}}, nil
}

// UserSignedOut says that a session has ended.
type UserSignedOut struct {
	User    UserID `json:"user"`
	Session string `json:"session"` // the random id that its token names
}

// Type implements Event.
func (UserSignedOut) Type() string { return "user.signed_out.v1" }

// Stream implements Event.
func (e UserSignedOut) Stream() Stream { return sessionOf(e.User) }

// EventUser implements UserEvent.
func (e UserSignedOut) EventUser() UserID { return e.User }

func (UserSignedOut) evolve(Session) Session { return Session{} }
