package domain

import (
	"slices"
	"time"
)

// User is what a decision needs of an account.
type User struct {
	Registered bool   `json:"registered"`
	Disabled   bool   `json:"disabled,omitempty"`
	Forgotten  bool   `json:"forgotten,omitempty"` // erased; never comes back
	Roles      []Role `json:"roles,omitempty"`
	Age        int    `json:"age,omitempty"` // in years; 0 until somebody counts
	Ban        Ban    `json:"ban,omitzero"`

	Passwordless bool `json:"passwordless,omitempty"` // signs in by an e-mail address alone
}

// UserStatus is what admission checks of a user. The servers fill it from their tables, decisions from User.
type UserStatus struct {
	Exists, Disabled, Forgotten bool
	Ban                         Ban
}

// Check returns nil if the user may act at the time now. It refuses with CodeUserUnavailable a user who does not
// exist, is disabled or is forgotten, and with CodeBanned one who is banned.
func (s UserStatus) Check(id UserID, now time.Time) error {
	switch {
	case !s.Exists || s.Disabled || s.Forgotten:
		return refuse(CodeUserUnavailable, "user %d does not exist or is disabled", id)
	case s.Ban.Active(now):
		return refuse(CodeBanned, "user %d is banned", id)
	}
	return nil
}

// Status returns what admission checks of u.
func (u User) Status() UserStatus {
	return UserStatus{Exists: u.Registered, Disabled: u.Disabled, Forgotten: u.Forgotten, Ban: u.Ban}
}

// Active says whether the person may do anything at all.
func (u User) Active() bool { return u.Registered && !u.Disabled && !u.Forgotten }

// HasRole says whether the person was granted role.
func (u User) HasRole(role Role) bool { return slices.Contains(u.Roles, role) }

// Role is a right beyond that of everybody.
type Role string

// The roles.
const (
	RoleOperator Role = "operator" // runs the shop: gifts, people
	RoleAuditor  Role = "auditor"  // reviews every wallet and gift
	RoleAnalyst  Role = "analyst"  // replays the log
)

// Roles lists every role.
var Roles = [...]Role{RoleOperator, RoleAuditor, RoleAnalyst}

// Username says who holds a name; User is 0 while nobody does.
type Username struct {
	User UserID `json:"user"`
}

// RegisterUser asks for an account under a name that nobody holds.
type RegisterUser struct {
	Username   string `json:"username"` // to sign in with: 1–32 characters
	Nickname   string `json:"nickname"` // shown instead of the username: at most 32 characters, may be empty
	Avatar     string `json:"avatar"`   // the address of a picture; may be empty
	NameKey    string `json:"-"`        // keyed hash of the folded username, added by the door
	Credential string `json:"-"`        // the random id under which the door keeps the password's hash
}

// Type implements Command.
func (RegisterUser) Type() string { return "user.register" }

// Reads implements Command. The account's own stream is new: there is nothing to read.
func (c RegisterUser) Reads(Actor) []Stream { return []Stream{nameOf(c.NameKey), nextUser} }

func (c RegisterUser) drawn() []string { return []string{c.Credential} }

func (c RegisterUser) decide(see View) ([]Event, error) {
	username, err := text("username", c.Username, 1, maxName)
	if err != nil {
		return nil, err
	}
	if reserved(username) {
		return nil, refuse(CodeNameTaken, "the name %s is taken", username)
	}
	nickname, err := ownNickname(c.Nickname)
	if err != nil {
		return nil, err
	}
	if err := optionalAddress("avatar", c.Avatar); err != nil {
		return nil, err
	}
	if c.NameKey == "" { // a door's mistake that would give everybody the same name
		return nil, refuse(CodeBadRequest, "a registration needs the key of its name")
	}
	if holder := see.Username(c.NameKey); holder.User != 0 {
		return nil, refuse(CodeNameTaken, "the name %s is taken", username)
	}
	id := see.NextUser()
	return []Event{
		UserRegistered{id, username, nickname, c.Avatar, c.NameKey, c.Credential},
		UsernameClaimed{c.NameKey, id},
	}, nil
}

// ownNickname answers what somebody with an account wants to be shown as, or why not so.
func ownNickname(wanted string) (string, error) {
	nickname, err := text("nickname", wanted, 0, maxName)
	if err == nil && reserved(nickname) {
		err = refuse(CodeNicknameTaken, "this nickname is taken")
	}
	return nickname, err
}

// UserRegistered says that there is a new account.
type UserRegistered struct {
	User       UserID `json:"user"`
	Username   string `json:"username"`   // to sign in with
	Nickname   string `json:"nickname"`   // shown instead of the username, unless empty
	Avatar     string `json:"avatar"`     // the address of a picture; may be empty
	NameKey    string `json:"name_key"`   // keyed hash of the folded username
	Credential string `json:"credential"` // where the password's hash is, beside the log; "" for none
}

// Type implements Event.
func (UserRegistered) Type() string { return "user.registered.v1" }

// Stream implements Event.
func (e UserRegistered) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserRegistered) EventUser() UserID { return e.User }

func (e UserRegistered) number() int64 { return int64(e.User) }

func (e UserRegistered) evolve(User) User { return User{Registered: true} }

func (e *UserRegistered) personal() (UserID, []*string) {
	return e.User, []*string{&e.Username, &e.Nickname, &e.Avatar}
}

// UsernameClaimed says who holds a name from now on. Key is a keyed hash; the name itself is not in it.
type UsernameClaimed struct {
	Key  string `json:"key"` // keyed hash of the folded username
	User UserID `json:"user"`
}

// Type implements Event.
func (UsernameClaimed) Type() string { return "username.claimed.v1" }

// Stream implements Event.
func (e UsernameClaimed) Stream() Stream { return nameOf(e.Key) }

// EventUser implements UserEvent.
func (e UsernameClaimed) EventUser() UserID { return e.User }

func (e UsernameClaimed) evolve(Username) Username { return Username{User: e.User} }

// ChangeProfile asks for another nickname and avatar of one's own.
type ChangeProfile struct {
	Nickname string `json:"nickname"` // shown instead of the username: at most 32 characters, may be empty
	Avatar   string `json:"avatar"`   // the address of a picture; may be empty
}

// Type implements Command.
func (ChangeProfile) Type() string { return "user.change_profile" }

// Reads implements Command.
func (ChangeProfile) Reads(by Actor) []Stream { return []Stream{userOf(by.User)} }

func (c ChangeProfile) decide(see View) ([]Event, error) {
	nickname, err := ownNickname(c.Nickname)
	if err != nil {
		return nil, err
	}
	if err := optionalAddress("avatar", c.Avatar); err != nil {
		return nil, err
	}
	return []Event{UserProfileChanged{see.Actor.User, nickname, c.Avatar}}, nil
}

// UserProfileChanged says what a person is called and looks like from now on.
type UserProfileChanged struct {
	User     UserID `json:"user"`
	Nickname string `json:"nickname"` // shown instead of the username, unless empty
	Avatar   string `json:"avatar"`   // the address of a picture; may be empty
}

// Type implements Event.
func (UserProfileChanged) Type() string { return "user.profile_changed.v1" }

// Stream implements Event.
func (e UserProfileChanged) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserProfileChanged) EventUser() UserID { return e.User }

func (UserProfileChanged) evolve(u User) User { return u }

func (e *UserProfileChanged) personal() (UserID, []*string) {
	return e.User, []*string{&e.Nickname, &e.Avatar}
}
