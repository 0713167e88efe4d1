package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Email says who signs in by an e-mail address; User is 0 while nobody does.
type Email struct {
	User UserID `json:"user"`
}

// maxEmail is the length of an e-mail address in bytes, at most.
const maxEmail = 254

// RegisterByEmail asks for an account that signs in by an e-mail address alone. Nothing follows when there is one.
// It is called by what stands before the @.
type RegisterByEmail struct {
	Email    string `json:"email"` // at most 254 bytes; nothing is sent there
	EmailKey string `json:"-"`     // keyed hash of the folded address, added by the door
	Avatar   string `json:"-"`     // the address of a picture that goes with it
}

// Type implements Command.
func (RegisterByEmail) Type() string { return "user.register_by_email" }

// Reads implements Command. The account's own stream is new: there is nothing to read.
func (c RegisterByEmail) Reads(Actor) []Stream { return []Stream{emailOf(c.EmailKey), nextUser} }

func (c RegisterByEmail) decide(see View) ([]Event, error) {
	email, name, err := emailAddress(c.Email)
	if err != nil {
		return nil, err
	}
	if err := optionalAddress("avatar", c.Avatar); err != nil {
		return nil, err
	}
	if c.EmailKey == "" { // a door's mistake that would give everybody the same account
		return nil, refuse(CodeBadRequest, "a registration needs the key of its e-mail address")
	}
	if see.Email(c.EmailKey).User != 0 {
		return nil, nil
	}
	id := see.NextUser()
	return []Event{
		UserRegistered{id, name, "", c.Avatar, "email-" + c.EmailKey, ""}, // no name that anybody could sign in with
		UserEmailAdded{id, email},
		EmailClaimed{c.EmailKey, id},
	}, nil
}

// emailAddress answers an e-mail address and a name made of it, or refuses what cannot be one. Whether mail arrives
// there is nobody's business: nothing is sent.
func emailAddress(s string) (email, name string, err error) {
	if len(s) > maxEmail+2*utf8.UTFMax {
		return "", "", refuse(CodeEmailInvalid, "an e-mail address has %d bytes at most", maxEmail)
	}
	if err := readable("email", s); err != nil {
		return "", "", err
	}
	email = strings.TrimSpace(s)
	at := strings.LastIndexByte(email, '@')
	if at < 1 || at == len(email)-1 || len(email) > maxEmail || strings.ContainsFunc(email, unicode.IsSpace) {
		return "", "", refuse(CodeEmailInvalid, "this is no e-mail address")
	}
	local := []rune(email[:at])
	name = string(local[:min(len(local), maxName)])
	if reserved(name) {
		return "", "", refuse(CodeEmailInvalid, "nobody can be called by what stands before the @")
	}
	return email, name, nil
}

// UserEmailAdded says by which e-mail address a person signs in, without a password.
type UserEmailAdded struct {
	User  UserID `json:"user"`
	Email string `json:"email"` // as it was typed
}

// Type implements Event.
func (UserEmailAdded) Type() string { return "user.email_added.v1" }

// Stream implements Event.
func (e UserEmailAdded) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserEmailAdded) EventUser() UserID { return e.User }

func (UserEmailAdded) evolve(u User) User { u.Passwordless = true; return u }

func (e *UserEmailAdded) personal() (UserID, []*string) { return e.User, []*string{&e.Email} }

// EmailClaimed says who signs in by an e-mail address. Key is a keyed hash; the address itself is not in it.
type EmailClaimed struct {
	Key  string `json:"key"` // keyed hash of the folded address
	User UserID `json:"user"`
}

// Type implements Event.
func (EmailClaimed) Type() string { return "email.claimed.v1" }

// Stream implements Event.
func (e EmailClaimed) Stream() Stream { return emailOf(e.Key) }

// EventUser implements UserEvent.
func (e EmailClaimed) EventUser() UserID { return e.User }

func (e EmailClaimed) evolve(Email) Email { return Email{User: e.User} }
