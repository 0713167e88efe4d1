package domain

// Session is the state of a user's sign-in session. A user has at most one sign-in session: a new one ends the previous
// one.
type Session struct {
	ID string `json:"id,omitempty"`
}

// Session returns the current sign-in session of a user.
func (v View) Session(id UserID) Session { return look[Session](v, sessionStream(id)) }

// CheckSession returns nil if current and presented are the same sign-in session. current is the user's current
// session; presented is the session in a token. Otherwise CheckSession refuses with CodeSessionEnded.
func CheckSession(current, presented string) error {
	if presented == "" || presented != current {
		return refuse(CodeSessionEnded, "this session has ended: sign in again")
	}
	return nil
}

// SignIn starts a new sign-in session of a user. The server must have checked the password. A user without a password
// keeps the current session, if there is one.
type SignIn struct {
	User    UserID `json:"user"` // the user who signs in
	Session string `json:"-"`    // random id of the sign-in session
}

func (SignIn) Type() string { return "user.sign_in" }

func (c SignIn) Reads(Actor) []Stream { return []Stream{userStream(c.User), sessionStream(c.User)} }

func (c SignIn) serverTexts() []string { return []string{c.Session} }

func (c SignIn) decide(view View) ([]Event, error) {
	if err := view.User(c.User).Status().Check(c.User, view.Now); err != nil {
		return nil, err
	}
	if c.Session == "" {
		return nil, refuse(CodeBadRequest, "a session requires an id")
	}
	if view.User(c.User).Passwordless && view.Session(c.User).ID != "" {
		return nil, nil // a new session would add no protection, and would end the sign-ins of the user's other pages
	}
	return []Event{UserSignedIn{c.User, c.Session}}, nil
}

// UserSignedIn records that a user has signed in. The user's previous sign-in session has ended.
type UserSignedIn struct {
	User    UserID `json:"user"`    // the user who signed in
	Session string `json:"session"` // random id of the sign-in session, which the token contains
}

func (UserSignedIn) Type() string             { return "user.signed_in.v1" }
func (e UserSignedIn) Stream() Stream         { return sessionStream(e.User) }
func (e UserSignedIn) EventUser() UserID      { return e.User }
func (e UserSignedIn) evolve(Session) Session { return Session{ID: e.Session} }

// SignOut ends the sign-in session of the actor.
type SignOut struct{}

func (SignOut) Type() string { return "user.sign_out" }

func (SignOut) Reads(actor Actor) []Stream { return []Stream{sessionStream(actor.User)} }

func (SignOut) decide(view View) ([]Event, error) {
	return []Event{UserSignedOut{view.Actor.User, view.Actor.Session}}, nil
}

// UserSignedOut records that a user has signed out: the sign-in session has ended.
type UserSignedOut struct {
	User    UserID `json:"user"`    // the user who signed out
	Session string `json:"session"` // random id of the sign-in session, which the token contained
}

func (UserSignedOut) Type() string           { return "user.signed_out.v1" }
func (e UserSignedOut) Stream() Stream       { return sessionStream(e.User) }
func (e UserSignedOut) EventUser() UserID    { return e.User }
func (UserSignedOut) evolve(Session) Session { return Session{} }
