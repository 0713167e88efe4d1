package realtimetest

import (
	"encoding/json"
	"strings"
	"time"

	"roomlog/domain"
	"roomlog/realtime/hub"
)

// token is a token of these tests in JSON. Tokens of servers are tested in package api.
type token struct {
	User    domain.UserID
	Session string
	Expires time.Time
}

// Verify returns the identity that a token names. It accepts a token of User.Token, with or without "Bearer ".
func Verify(text string) (hub.Identity, error) {
	text = strings.TrimPrefix(text, "Bearer ")
	var t token
	switch {
	case text == "":
		return hub.Identity{}, &domain.Refusal{Code: domain.CodeTokenMissing, Text: "no token"}
	case json.Unmarshal([]byte(text), &t) != nil || t.User == 0:
		return hub.Identity{}, &domain.Refusal{Code: domain.CodeTokenInvalid, Text: "not ours"}
	case !t.Expires.IsZero() && time.Now().After(t.Expires):
		return hub.Identity{}, &domain.Refusal{Code: domain.CodeTokenExpired, Text: "expired"}
	}
	return hub.Identity(t), nil
}

// User is a user who is signed in. The fields may be changed to make a user whose token is invalid.
type User struct {
	ID      domain.UserID
	Name    string
	Session string
	Expires time.Time // of the token; zero: never
}

// Token returns the user's token.
func (u User) Token() string {
	b, _ := json.Marshal(token{u.ID, u.Session, u.Expires}) // strings and numbers can always be encoded
	return string(b)
}

// Actor returns the user as the actor of commands.
func (u User) Actor() domain.Actor { return domain.AuthenticatedActor(u.ID, u.Session) }
