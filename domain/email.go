package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"roomlog/internal/names"
)

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
		return "", "", refuse(CodeEmailInvalid, "an e-mail address must have at most %d bytes", maxEmail)
	}
	if err := checkReadable("email", s); err != nil {
		return "", "", err
	}
	email = strings.TrimSpace(s)
	at := strings.LastIndexByte(email, '@')
	if at < 1 || at == len(email)-1 || len(email) > maxEmail || strings.ContainsFunc(email, unicode.IsSpace) {
		return "", "", refuse(CodeEmailInvalid, "this is not an e-mail address")
	}
	local := []rune(email[:at])
	name = string(local[:min(len(local), maxName)])
	switch {
	case reserved(name):
		return "", "", refuse(CodeEmailInvalid, "the part before the @ is reserved")
	case !names.HasVisible(name):
		return "", "", refuse(CodeTextInvalid, "the part before the @ must have a visible character")
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
