package api

import (
	"context"
	"crypto/md5" //nolint:gosec // gravatar.com names images by the MD5 of the address
	"encoding/hex"
	"errors"
	"strings"

	"roomlog/domain"
	"roomlog/projections"
)

type emailSignIn struct {
	Email string `json:"email" example:"ann@example.org" doc:"no mail is sent"`
}

// emailLogin starts a sign-in session for an e-mail address, without a password, and returns its token. It creates the
// account if there is none. It requires the setting --guest-chat.
func (s *server) emailLogin(ctx context.Context, in emailSignIn) (string, error) {
	if !s.GuestChat {
		return "", newFailure(domain.CodeForbidden, "this server requires a password to sign in", texts{domain.CodeForbidden: textNoGuests})
	}
	key := s.Store.NameKey(in.Email)
	user, err := s.emailAccount(ctx, key, in.Email)
	if err != nil {
		return "", err
	}
	return s.startSession(ctx, user)
}

// emailAccount returns the account of an e-mail address. It creates the account if there is none.
func (s *server) emailAccount(ctx context.Context, key, email string) (domain.UserID, error) {
	account, err := s.Queries.EmailAccount(ctx, key)
	if err == nil || !isNotFound(err) {
		return account.User, err
	}
	if err := s.rates.admit(ctx, rateRegistrations); err != nil {
		return 0, err
	}
	receipt, err := s.executeAnonymously(ctx, domain.RegisterByEmail{Email: email, EmailKey: key, Avatar: gravatar(email)})
	if err != nil {
		return 0, err
	}
	if registered, _, err := eventOf[domain.UserRegistered](receipt); err == nil {
		return registered.User, nil
	}
	account, err = s.Queries.EmailAccount(ctx, key) // another request has created the account at the same time
	if isNotFound(err) {
		err = newFailure(domain.CodeBusy, "the tables are behind the log: try again in a second", nil)
	}
	return account.User, err
}

// gravatar returns the URL of the image that gravatar.com has for an e-mail address.
func gravatar(email string) string {
	sum := md5.Sum([]byte(strings.ToLower(strings.TrimSpace(email)))) //nolint:gosec // defined by gravatar.com
	return "http://www.gravatar.com/avatar/" + hex.EncodeToString(sum[:])
}

type tokenInput struct {
	Token string `json:"token" example:"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln"`
}

// ownChatUser is the data of a chat user in a response to that user.
type ownChatUser struct {
	ChatUser
	Email    string `json:"email" example:"ann@example.org" doc:"empty for a user who signs in with a password"`
	IssuedAt int64  `json:"iat" doc:"Unix time in seconds at which the token was issued"`
}

// validate returns the user of a token. It refuses if the token is invalid or its sign-in session is not current.
func (s *server) validate(ctx context.Context, in tokenInput) (ownChatUser, error) {
	own, err := s.chatUserOf(ctx, in.Token)
	if r := domain.AsRefusal(err); r != nil {
		return own, newFailure(r.Code, r.Text, texts{r.Code: textNotAUser})
	}
	return own, err
}

func (s *server) chatUserOf(ctx context.Context, token string) (own ownChatUser, err error) {
	claims, err := s.Tokens.Read(token)
	if err != nil {
		return own, err
	}
	user, err := s.Admission.CheckSession(ctx, sessionRef(claims))
	if err != nil {
		return own, err
	}
	room, online, err := s.Queries.ChatPresence(ctx, claims.User)
	if err != nil {
		return own, err
	}
	account, err := s.Queries.EmailOf(ctx, claims.User)
	if err != nil && !errors.Is(err, projections.ErrNotFound) {
		return own, err
	}
	own = ownChatUser{ChatUser: newChatUser(user.Profile, online, room, user.CreatedAt.UTC().Format(utcTime)), Email: account.Email}
	if !claims.IssuedAt.IsZero() {
		own.IssuedAt = claims.IssuedAt.Unix()
	}
	return own, nil
}
