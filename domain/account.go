package domain

import (
	"slices"
	"time"
)

// User is the part of a user's account that decisions read.
type User struct {
	Registered bool   `json:"registered"`
	Disabled   bool   `json:"disabled,omitempty"`
	Forgotten  bool   `json:"forgotten,omitempty"` // whether the user is forgotten, which is permanent
	Roles      []Role `json:"roles,omitempty"`
	Age        int    `json:"age,omitempty"` // age in years; 0 until the first change
	Ban        Ban    `json:"ban,omitzero"`

	RegisteredAt int64 `json:"registered_at,omitempty"` // time of the registration in Unix seconds

	Passwordless bool `json:"passwordless,omitempty"` // whether the user signs in with an e-mail address and no password
}

// User returns the state of a user, the zero User if nobody has this id.
func (v View) User(id UserID) User {
	if id != v.Actor.User {
		return look[User](v, userStream(id))
	}
	if known, ok := v.actorState.(User); ok {
		return known
	}
	s := userStream(id)
	v.actorState = v.state(s)
	return typed[User](v, s, v.actorState)
}

// NextUser returns the next free user id.
func (v View) NextUser() UserID { return UserID(v.next(nextUser)) }

// Active reports whether the account exists and is neither disabled nor forgotten.
func (u User) Active() bool { return u.Registered && !u.Disabled && !u.Forgotten }

// HasRole reports whether the user has role.
func (u User) HasRole(role Role) bool { return slices.Contains(u.Roles, role) }

// Status returns the part of the account that admission checks read.
func (u User) Status() UserStatus {
	return UserStatus{Exists: u.Registered, Disabled: u.Disabled, Forgotten: u.Forgotten, Ban: u.Ban}
}

// UserStatus is the part of an account that decides whether the user may act. Decisions read it from a User state,
// servers from their tables.
type UserStatus struct {
	Exists, Disabled, Forgotten bool
	Ban                         Ban
}

// Check returns nil if the user may act at the time now. Otherwise it refuses with CodeUserUnavailable (the user
// does not exist, is disabled or is forgotten) or CodeBanned.
func (s UserStatus) Check(id UserID, now time.Time) error {
	switch {
	case !s.Exists || s.Disabled || s.Forgotten:
		return refuse(CodeUserUnavailable, "user %d does not exist or is disabled", id)
	case s.Ban.Active(now):
		return refuse(CodeBanned, "user %d is banned", id)
	}
	return nil
}

// existingUser returns the account of a user. It refuses if the account does not exist or is forgotten.
func (v View) existingUser(id UserID) (User, error) {
	user := v.User(id)
	if !user.Registered || user.Forgotten {
		return user, refuse(CodeUserUnavailable, "there is no user %d", id)
	}
	return user, nil
}

// isOperator reports whether the actor is an operator at the command line or a user with RoleOperator.
func (v View) isOperator() bool {
	return v.Actor.Kind == Operator || v.Actor.Kind == Authenticated && v.User(v.Actor.User).HasRole(RoleOperator)
}

// Role is a right that an operator grants to users.
type Role string

// The roles.
const (
	RoleOperator Role = "operator" // manages users and the gift catalogue
	RoleAuditor  Role = "auditor"  // reads every wallet and gift
	RoleAnalyst  Role = "analyst"  // reads the log without private fields
	RolePersonal Role = "personal" // reads the private fields of the log, together with the role analyst
)

// Roles lists every role.
var Roles = [...]Role{RoleOperator, RoleAuditor, RoleAnalyst, RolePersonal}

// Ban excludes a user. The zero Ban has no effect.
type Ban struct {
	User  UserID `json:"user"`
	Until int64  `json:"until"` // end of the ban in Unix seconds; 0: permanent
}

// maxBanSeconds is the maximum duration of a temporary ban in seconds: ten years.
const maxBanSeconds = 10 * 365 * 24 * 3600

// newBan returns a ban of user that starts at now. It lasts the given seconds, or is permanent if seconds is 0.
func newBan(user UserID, now time.Time, seconds int64) (Ban, error) {
	switch {
	case seconds < 0 || seconds > maxBanSeconds:
		return Ban{}, refuse(CodeNumberOutOfRange, "seconds must be from 1 to %d, or 0 for good", maxBanSeconds)
	case seconds == 0:
		return Ban{user, 0}, nil
	}
	return Ban{user, now.Unix() + seconds}, nil
}

// Active reports whether the ban excludes its user at the time now.
func (b Ban) Active(now time.Time) bool {
	return b.User != 0 && (b.Until == 0 || now.Unix() < b.Until)
}

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
