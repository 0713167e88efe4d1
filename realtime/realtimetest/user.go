package realtimetest

import (
	"encoding/json"
	"strings"
	"time"

	"roomlog/domain"
	"roomlog/realtime/hub"
)

// token is the JSON content of a token in these tests. Tests of package api use real tokens.
type token struct {
	User    domain.UserID
	Session string
	Expires time.Time
}

// Verify returns the identity in a token that User.Token has returned, with or without "Bearer ".
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

// User is a user who is signed in. A test may change the fields to get an invalid token.
type User struct {
	ID      domain.UserID
	Name    string
	Session string
	Expires time.Time // time when the token expires; zero: never
}

// Token returns the user's token.
func (u User) Token() string {
	b, _ := json.Marshal(token{u.ID, u.Session, u.Expires}) // cannot fail: the token contains strings and numbers
	return string(b)
}

// Actor returns the actor for commands of the user.
func (u User) Actor() domain.Actor { return domain.AuthenticatedActor(u.ID, u.Session) }
