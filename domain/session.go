package domain

// Session is the newest session of a person; every older one has ended.
type Session struct {
	ID string `json:"id,omitempty"`
}

// CheckSession returns nil if presented, the session that a token names, is the current session of its user.
// Otherwise it refuses with CodeSessionEnded.
func CheckSession(current, presented string) error {
	if presented == "" || presented != current {
		return refuse(CodeSessionEnded, "this session has ended: sign in again")
	}
	return nil
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
	if err := see.User(c.User).Status().Check(c.User, see.Now); err != nil {
		return nil, err
	}
	if c.Session == "" {
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
