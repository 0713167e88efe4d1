package domain

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"roomlog/internal/names"
)

// Username is the state of a username, or of the lookalike form that several names share.
type Username struct {
	User UserID `json:"user"` // the user who has the name; 0 if there is none
}

// Username returns the state of the username with the given key.
func (v View) Username(key string) Username { return look[Username](v, usernameStream(key)) }

// RegisterUser creates an account with a password. No other user has the username or a username that looks like it.
type RegisterUser struct {
	Username   string `json:"username"` // username for signing in: 1–32 characters
	Nickname   string `json:"nickname"` // name shown instead of the username: at most 32 characters, may be empty
	Avatar     string `json:"avatar"`   // image of the profile: http or https URL, or path of an upload; may be empty
	NameKey    string `json:"-"`        // keyed hash of the case-folded username
	Credential string `json:"-"`        // id of the stored password hash

	LookalikeKey         string `json:"-"` // keyed hash of the lookalike form of the username
	NicknameLookalikeKey string `json:"-"` // keyed hash of the lookalike form of the nickname; "" if there is no nickname
}

func (RegisterUser) Type() string { return "user.register" }

// Reads returns the streams that the decision reads. The stream of the account is not among them, because it does not
// exist yet.
func (c RegisterUser) Reads(Actor) []Stream {
	return append(streamsOf(usernameStream, c.LookalikeKey, c.NicknameLookalikeKey), usernameStream(c.NameKey), nextUser)
}

// WithLookalikeKey sets LookalikeKey and NicknameLookalikeKey.
func (c RegisterUser) WithLookalikeKey(key func(name string) string) Command {
	c.LookalikeKey, c.NicknameLookalikeKey = key(c.Username), ""
	if c.Nickname != "" {
		c.NicknameLookalikeKey = key(c.Nickname)
	}
	return c
}

func (c RegisterUser) serverTexts() []string { return []string{c.Credential} }

func (c RegisterUser) decide(view View) ([]Event, error) {
	username, err := personName("username", c.Username, 1, maxName, CodeNameTaken)
	if err != nil {
		return nil, err
	}
	id := view.NextUser()
	nickname, err := view.profileNickname(id, c.Nickname, c.NicknameLookalikeKey)
	if err != nil {
		return nil, err
	}
	if err := checkOptionalURL("avatar", c.Avatar); err != nil {
		return nil, err
	}
	if c.NameKey == "" || c.LookalikeKey == "" { // a fault of the server: with an empty key, all users would have the same username
		return nil, refuse(CodeBadRequest, "a registration requires the keys of the username")
	}
	events := []Event{UserRegistered{id, username, nickname, c.Avatar, c.NameKey, c.Credential}}
	for _, key := range slices.Compact([]string{c.NameKey, c.LookalikeKey}) {
		if view.Username(key).User != 0 {
			return nil, refuse(CodeNameTaken, "the username %s is taken, or looks like one that is", username)
		}
		events = append(events, UsernameClaimed{key, id})
	}
	return events, nil
}

// profileNickname returns the nickname of a user without spaces at both ends. It refuses a nickname that looks like the
// username of another user. key is the keyed hash of the nickname's lookalike form.
func (v View) profileNickname(user UserID, wanted, key string) (string, error) {
	nickname, err := personName("nickname", wanted, 0, maxName, CodeNicknameTaken)
	switch {
	case err != nil || nickname == "":
		return nickname, err
	case key == "": // a fault of the server
		return "", refuse(CodeBadRequest, "a nickname requires its key")
	}
	if holder := v.Username(key).User; holder != 0 && holder != user {
		return "", refuse(CodeNicknameTaken, "this nickname is the name of another user")
	}
	return nickname, nil
}

// UserRegistered records a new account.
type UserRegistered struct {
	User       UserID `json:"user"`       // the new user
	Username   string `json:"username"`   // username for signing in
	Nickname   string `json:"nickname"`   // name shown instead of the username, unless empty
	Avatar     string `json:"avatar"`     // image of the profile: http or https URL, or path of an upload; may be empty
	NameKey    string `json:"name_key"`   // keyed hash of the case-folded username
	Credential string `json:"credential"` // id of the password hash, which is stored outside the log; "" if there is no password
}

func (UserRegistered) Type() string                 { return "user.registered.v1" }
func (e UserRegistered) Stream() Stream             { return userStream(e.User) }
func (e UserRegistered) EventUser() UserID          { return e.User }
func (e UserRegistered) count() int64               { return int64(e.User) }
func (e UserRegistered) ProfileAfter() ProfileTexts { return ProfileTexts{e.Nickname, e.Avatar} }
func (e UserRegistered) evolve(User) User           { return User{Registered: true} }
func (e UserRegistered) stamp(u User, at time.Time) User {
	u.RegisteredAt = at.Unix()
	return u
}
func (e *UserRegistered) personal() (UserID, []*string) {
	return e.User, []*string{&e.Username, &e.Nickname, &e.Avatar}
}

// UsernameClaimed records that a user has taken a username. If the lookalike form of the username differs, a second
// event claims that form.
type UsernameClaimed struct {
	Key  string `json:"key"`  // keyed hash of the case-folded username, or of its lookalike form
	User UserID `json:"user"` // the user who has taken the username
}

func (UsernameClaimed) Type() string               { return "username.claimed.v1" }
func (e UsernameClaimed) Stream() Stream           { return usernameStream(e.Key) }
func (e UsernameClaimed) EventUser() UserID        { return e.User }
func (e UsernameClaimed) evolve(Username) Username { return Username{User: e.User} }

// ChangeProfile changes the nickname, the avatar and the age of the actor: all given members, or none if it is refused.
type ChangeProfile struct {
	Nickname *string `json:"nickname,omitempty"` // name shown instead of the username: at most 32 characters, may be empty; absent: unchanged
	Avatar   *string `json:"avatar,omitempty"`   // image of the profile: http or https URL, or path of an upload; may be empty; absent: unchanged
	Age      *int    `json:"age,omitempty"`      // age in years: 0–1,000,000; absent: unchanged

	LookalikeKey string       `json:"-"` // keyed hash of the lookalike form of the nickname; "" if there is no nickname
	Before       ProfileTexts `json:"-"` // the texts of the actor's profile before the command
}

func (ChangeProfile) Type() string { return "user.change_profile" }

func (c ChangeProfile) Reads(actor Actor) []Stream {
	return append(streamsOf(usernameStream, c.LookalikeKey), userStream(actor.User))
}

// WithLookalikeKey returns the command with LookalikeKey set to the key of the nickname.
func (c ChangeProfile) WithLookalikeKey(key func(name string) string) Command {
	if c.LookalikeKey = ""; c.Nickname != nil && *c.Nickname != "" {
		c.LookalikeKey = key(*c.Nickname)
	}
	return c
}

// WithProfile returns the command with Before set to the texts of the profile that it changes.
func (c ChangeProfile) WithProfile(before ProfileTexts) Command { c.Before = before; return c }

func (c ChangeProfile) decide(view View) (events []Event, err error) {
	user := view.Actor.User
	switch {
	case c.Nickname == nil && c.Avatar == nil && c.Age == nil:
		return nil, refuse(CodeBadRequest, "nothing to change: send nickname, avatar or age")
	case c.Age != nil && (*c.Age < 0 || *c.Age > MaxAge):
		return nil, refuse(CodeNumberOutOfRange, "age must be from 0 to %d", MaxAge)
	}
	if c.Nickname != nil || c.Avatar != nil {
		changed := UserProfileChanged{user, c.Before.Nickname, c.Before.Avatar}
		if c.Nickname != nil {
			if changed.Nickname, err = view.profileNickname(user, *c.Nickname, c.LookalikeKey); err != nil {
				return nil, err
			}
		}
		if c.Avatar != nil {
			if err := checkOptionalURL("avatar", *c.Avatar); err != nil {
				return nil, err
			}
			changed.Avatar = *c.Avatar
		}
		events = append(events, changed)
	}
	if c.Age != nil && *c.Age != view.User(user).Age {
		events = append(events, UserAgeChanged{user, *c.Age})
	}
	return events, nil
}

// UserProfileChanged records the new nickname and avatar of a user.
type UserProfileChanged struct {
	User     UserID `json:"user"`     // the user whose profile changed
	Nickname string `json:"nickname"` // name shown instead of the username, unless empty
	Avatar   string `json:"avatar"`   // image of the profile: http or https URL, or path of an upload; may be empty
}

func (UserProfileChanged) Type() string                 { return "user.profile_changed.v1" }
func (e UserProfileChanged) Stream() Stream             { return userStream(e.User) }
func (e UserProfileChanged) EventUser() UserID          { return e.User }
func (e UserProfileChanged) ProfileAfter() ProfileTexts { return ProfileTexts{e.Nickname, e.Avatar} }
func (UserProfileChanged) evolve(u User) User           { return u }
func (e *UserProfileChanged) personal() (UserID, []*string) {
	return e.User, []*string{&e.Nickname, &e.Avatar}
}

// MaxAge is the maximum age in years. Every client can display it.
const MaxAge = 1_000_000

// IncrementAge adds one year to the age of the actor.
type IncrementAge struct{}

func (IncrementAge) Type() string { return "user.increment_age" }

func (IncrementAge) Reads(actor Actor) []Stream { return []Stream{userStream(actor.User)} }

func (IncrementAge) decide(view View) ([]Event, error) {
	age := view.User(view.Actor.User).Age + 1
	if age > MaxAge {
		return nil, refuse(CodeNumberOutOfRange, "the age must be at most %d", MaxAge)
	}
	return []Event{UserAgeChanged{view.Actor.User, age}}, nil
}

// UserAgeChanged records the new age of a user.
type UserAgeChanged struct {
	User UserID `json:"user"` // the user whose age changed
	Age  int    `json:"age"`  // age in years
}

func (UserAgeChanged) Type() string         { return "user.age_changed.v1" }
func (e UserAgeChanged) Stream() Stream     { return userStream(e.User) }
func (e UserAgeChanged) EventUser() UserID  { return e.User }
func (e UserAgeChanged) evolve(u User) User { u.Age = e.Age; return u }

// Email is the state of an e-mail address.
type Email struct {
	User UserID `json:"user"` // the user who signs in with the address; 0 if there is none
}

// Email returns the state of the e-mail address with the given key.
func (v View) Email(key string) Email { return look[Email](v, emailStream(key)) }

// maxEmail is the maximum length of an e-mail address in bytes.
const maxEmail = 254

// RegisterByEmail creates an account for signing in with an e-mail address and no password. Nothing changes if the
// address already has an account. The username is the part of the address before the @.
type RegisterByEmail struct {
	Email    string `json:"email"` // the address as the client sent it: at most 254 bytes; no mail is sent to it
	EmailKey string `json:"-"`     // keyed hash of the case-folded address
	Avatar   string `json:"-"`     // image of the profile: http or https URL
}

func (RegisterByEmail) Type() string { return "user.register_by_email" }

// Reads returns the streams that the decision reads. The stream of the account is not among them, because it does not
// exist yet.
func (c RegisterByEmail) Reads(Actor) []Stream { return []Stream{emailStream(c.EmailKey), nextUser} }

func (c RegisterByEmail) decide(view View) ([]Event, error) {
	email, name, err := parseEmail(c.Email)
	if err != nil {
		return nil, err
	}
	if err := checkOptionalURL("avatar", c.Avatar); err != nil {
		return nil, err
	}
	if c.EmailKey == "" { // a fault of the server: with an empty key, all addresses would have the same account
		return nil, refuse(CodeBadRequest, "a registration requires the key of the e-mail address")
	}
	if view.Email(c.EmailKey).User != 0 {
		return nil, nil
	}
	id := view.NextUser()
	return []Event{
		UserRegistered{id, name, "", c.Avatar, "email-" + c.EmailKey, ""}, // the name key begins with "email-", so no username can have the same key
		UserEmailAdded{id, email},
		EmailClaimed{c.EmailKey, id},
	}, nil
}

// parseEmail returns the address in s and a username derived from the address. It does not check whether the address
// can receive mail.
func parseEmail(s string) (email, name string, err error) {
	if len(s) > maxEmail+2*utf8.UTFMax {
		return "", "", refuse(CodeEmailInvalid, "email must have at most %d bytes", maxEmail)
	}
	if err := checkReadable("email", s); err != nil {
		return "", "", err
	}
	email = strings.TrimSpace(s)
	at := strings.LastIndexByte(email, '@')
	if at < 1 || at == len(email)-1 || len(email) > maxEmail || strings.ContainsFunc(email, unicode.IsSpace) {
		return "", "", refuse(CodeEmailInvalid, "email must be an address like name@example.com")
	}
	local := []rune(email[:at])
	name = string(local[:min(len(local), maxName)])
	switch {
	case reserved(name):
		return "", "", refuse(CodeEmailInvalid, "email must be another address: the part before the @ is reserved")
	case !names.HasVisible(name):
		return "", "", refuse(CodeTextInvalid, "email must have a visible character before the @")
	}
	return email, name, nil
}

// UserEmailAdded records the e-mail address with which a user signs in without a password.
type UserEmailAdded struct {
	User  UserID `json:"user"`  // the user who signs in with the address
	Email string `json:"email"` // the address as the user typed it
}

func (UserEmailAdded) Type() string                     { return "user.email_added.v1" }
func (e UserEmailAdded) Stream() Stream                 { return userStream(e.User) }
func (e UserEmailAdded) EventUser() UserID              { return e.User }
func (UserEmailAdded) evolve(u User) User               { u.Passwordless = true; return u }
func (e *UserEmailAdded) personal() (UserID, []*string) { return e.User, []*string{&e.Email} }

// EmailClaimed records which user signs in with an e-mail address.
type EmailClaimed struct {
	Key  string `json:"key"`  // keyed hash of the case-folded address
	User UserID `json:"user"` // the user who signs in with the address
}

func (EmailClaimed) Type() string         { return "email.claimed.v1" }
func (e EmailClaimed) Stream() Stream     { return emailStream(e.Key) }
func (e EmailClaimed) EventUser() UserID  { return e.User }
func (e EmailClaimed) evolve(Email) Email { return Email{User: e.User} }
