package domain

// Username is the state of a username.
type Username struct {
	User UserID `json:"user"` // the user who has the name; 0: none
}

// Username returns the state of the username with the given key.
func (v View) Username(key string) Username { return look[Username](v, usernameStream(key)) }

// RegisterUser creates an account with a password, under a username that is not in use.
type RegisterUser struct {
	Username   string `json:"username"` // used to sign in: 1–32 characters
	Nickname   string `json:"nickname"` // shown instead of the username: at most 32 characters, may be empty
	Avatar     string `json:"avatar"`   // http or https URL of an image, or path of an upload; may be empty
	NameKey    string `json:"-"`        // keyed hash of the case-folded username
	Credential string `json:"-"`        // id of the stored password hash
}

func (RegisterUser) Type() string { return "user.register" }

// Reads returns the streams that the decision reads. It omits the stream of the account, which does not exist yet.
func (c RegisterUser) Reads(Actor) []Stream { return []Stream{usernameStream(c.NameKey), nextUser} }

func (c RegisterUser) serverTexts() []string { return []string{c.Credential} }

func (c RegisterUser) decide(view View) ([]Event, error) {
	username, err := text("username", c.Username, 1, maxName)
	if err != nil {
		return nil, err
	}
	if reserved(username) {
		return nil, refuse(CodeNameTaken, "the username %s is taken", username)
	}
	nickname, err := profileNickname(c.Nickname)
	if err != nil {
		return nil, err
	}
	if err := checkOptionalURL("avatar", c.Avatar); err != nil {
		return nil, err
	}
	if c.NameKey == "" { // an error of the server that would give every user the same username
		return nil, refuse(CodeBadRequest, "a registration requires the key of the username")
	}
	if holder := view.Username(c.NameKey); holder.User != 0 {
		return nil, refuse(CodeNameTaken, "the username %s is taken", username)
	}
	id := view.NextUser()
	return []Event{
		UserRegistered{id, username, nickname, c.Avatar, c.NameKey, c.Credential},
		UsernameClaimed{c.NameKey, id},
	}, nil
}

// profileNickname returns the nickname of a user with an account without spaces at both ends, or a *Refusal.
func profileNickname(wanted string) (string, error) {
	nickname, err := text("nickname", wanted, 0, maxName)
	if err == nil && reserved(nickname) {
		err = refuse(CodeNicknameTaken, "this nickname is taken")
	}
	return nickname, err
}

// UserRegistered records a new account.
type UserRegistered struct {
	User       UserID `json:"user"`
	Username   string `json:"username"`   // used to sign in
	Nickname   string `json:"nickname"`   // shown instead of the username if not empty
	Avatar     string `json:"avatar"`     // http or https URL of an image, or path of an upload; may be empty
	NameKey    string `json:"name_key"`   // keyed hash of the case-folded username
	Credential string `json:"credential"` // id of the password hash, which is stored outside the log; "" for none
}

func (UserRegistered) Type() string        { return "user.registered.v1" }
func (e UserRegistered) Stream() Stream    { return userStream(e.User) }
func (e UserRegistered) EventUser() UserID { return e.User }
func (e UserRegistered) count() int64      { return int64(e.User) }
func (e UserRegistered) evolve(User) User  { return User{Registered: true} }
func (e *UserRegistered) personal() (UserID, []*string) {
	return e.User, []*string{&e.Username, &e.Nickname, &e.Avatar}
}

// UsernameClaimed records that a user has taken a username.
type UsernameClaimed struct {
	Key  string `json:"key"` // keyed hash of the case-folded username
	User UserID `json:"user"`
}

func (UsernameClaimed) Type() string               { return "username.claimed.v1" }
func (e UsernameClaimed) Stream() Stream           { return usernameStream(e.Key) }
func (e UsernameClaimed) EventUser() UserID        { return e.User }
func (e UsernameClaimed) evolve(Username) Username { return Username{User: e.User} }

// ChangeProfile changes the nickname and avatar of the actor.
type ChangeProfile struct {
	Nickname string `json:"nickname"` // shown instead of the username: at most 32 characters, may be empty
	Avatar   string `json:"avatar"`   // http or https URL of an image, or path of an upload; may be empty
}

func (ChangeProfile) Type() string { return "user.change_profile" }

func (ChangeProfile) Reads(actor Actor) []Stream { return []Stream{userStream(actor.User)} }

func (c ChangeProfile) decide(view View) ([]Event, error) {
	nickname, err := profileNickname(c.Nickname)
	if err != nil {
		return nil, err
	}
	if err := checkOptionalURL("avatar", c.Avatar); err != nil {
		return nil, err
	}
	return []Event{UserProfileChanged{view.Actor.User, nickname, c.Avatar}}, nil
}

// UserProfileChanged records the new nickname and avatar of a user.
type UserProfileChanged struct {
	User     UserID `json:"user"`
	Nickname string `json:"nickname"` // shown instead of the username if not empty
	Avatar   string `json:"avatar"`   // http or https URL of an image, or path of an upload; may be empty
}

func (UserProfileChanged) Type() string        { return "user.profile_changed.v1" }
func (e UserProfileChanged) Stream() Stream    { return userStream(e.User) }
func (e UserProfileChanged) EventUser() UserID { return e.User }
func (UserProfileChanged) evolve(u User) User  { return u }
func (e *UserProfileChanged) personal() (UserID, []*string) {
	return e.User, []*string{&e.Nickname, &e.Avatar}
}

// maxAge is the maximum age in years. Every client can display it.
const maxAge = 1_000_000

// IncrementAge adds one year to the age of the actor.
type IncrementAge struct{}

func (IncrementAge) Type() string { return "user.increment_age" }

func (IncrementAge) Reads(actor Actor) []Stream { return []Stream{userStream(actor.User)} }

func (IncrementAge) decide(view View) ([]Event, error) {
	age := view.User(view.Actor.User).Age + 1
	if age > maxAge {
		return nil, refuse(CodeNumberOutOfRange, "the age must be at most %d", maxAge)
	}
	return []Event{UserAgeChanged{view.Actor.User, age}}, nil
}

// UserAgeChanged records the new age of a user.
type UserAgeChanged struct {
	User UserID `json:"user"`
	Age  int    `json:"age"` // in years
}

func (UserAgeChanged) Type() string         { return "user.age_changed.v1" }
func (e UserAgeChanged) Stream() Stream     { return userStream(e.User) }
func (e UserAgeChanged) EventUser() UserID  { return e.User }
func (e UserAgeChanged) evolve(u User) User { u.Age = e.Age; return u }
