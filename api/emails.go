package api

import (
	"context"
	"crypto/md5" //nolint:gosec // what pictures are called at gravatar.com
	"encoding/hex"
	"errors"
	"strings"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/projections"
)

type emailSignIn struct {
	Email string `json:"email" doc:"nothing is sent there"`
}

// emailLogin begins a session for whoever says an e-mail address, and opens the account if there is none; an
// earlier session ends. It answers the token.
func (s *server) emailLogin(ctx context.Context, in emailSignIn) (string, error) {
	if !s.GuestChat {
		return "", fail(domain.CodeForbidden, "this server lets nobody in without a password", says{domain.CodeForbidden: textNoGuests})
	}
	asked := askerOf(ctx)
	key := s.Store.NameKey(in.Email)
	err := errors.Join(s.limits.signInsByAddress.admit(byAddress(asked.address)), s.limits.signInsByName.admit(key))
	if err != nil {
		return "", err
	}
	user, err := s.emailAccount(ctx, asked, key, in.Email)
	if err != nil {
		return "", err
	}
	session := uuid.NewString()
	receipt, err := s.Commands.Execute(ctx, domain.Request{Command: domain.SignIn{User: user, Session: session}, Correlation: asked.id})
	if err != nil {
		return "", err
	}
	s.settle(ctx, receipt)
	return s.Tokens.issue(caller{user, session, receipt.Position})
}

// emailAccount answers the account of an e-mail address, which is opened if there is none.
func (s *server) emailAccount(ctx context.Context, asked *asker, key, email string) (domain.UserID, error) {
	account, err := s.Queries.EmailAccount(ctx, key)
	if err == nil || !isNotFound(err) {
		return account.User, err
	}
	if err := s.limits.registrations.admit(byAddress(asked.address)); err != nil {
		return 0, err
	}
	receipt, err := s.Commands.Execute(ctx, domain.Request{
		Command: domain.RegisterByEmail{Email: email, EmailKey: key, Avatar: gravatar(email)}, Correlation: asked.id,
	})
	if err != nil {
		return 0, err
	}
	s.settle(ctx, receipt)
	if opened, _, err := fact[domain.UserRegistered](receipt); err == nil {
		return opened.User, nil
	}
	account, err = s.Queries.EmailAccount(ctx, key) // somebody was faster
	if isNotFound(err) {
		err = fail(domain.CodeBusy, "the tables are behind: try again in a second", nil)
	}
	return account.User, err
}

// gravatar is the address of the picture that goes with an e-mail address.
func gravatar(email string) string {
	sum := md5.Sum([]byte(strings.ToLower(strings.TrimSpace(email)))) //nolint:gosec // that is how it is defined
	return "http://www.gravatar.com/avatar/" + hex.EncodeToString(sum[:])
}

type tokenSaid struct {
	Token string `json:"token"`
}

// ownChatUser is a person as that person sees it.
type ownChatUser struct {
	ChatUser
	Email    string `json:"email" doc:"empty for somebody who signs in by a password"`
	IssuedAt int64  `json:"iat" doc:"when the token was made, in Unix seconds"`
}

// validate answers whom a token names, if the session is the newest.
func (s *server) validate(ctx context.Context, in tokenSaid) (ownChatUser, error) {
	who, err := s.named(ctx, in.Token)
	if no := domain.AsRefusal(err); no != nil {
		return who, fail(no.Code, no.Text, says{no.Code: textNotAUser})
	}
	return who, err
}

func (s *server) named(ctx context.Context, token string) (own ownChatUser, err error) {
	user, said, err := s.Tokens.claimed(token)
	if err != nil {
		return own, err
	}
	confirmed, err := s.confirmed(ctx, caller{user, said.Session, said.Position})
	if err != nil {
		return own, err
	}
	room, online, err := s.Queries.ChatPresence(ctx, user)
	if err != nil {
		return own, err
	}
	account, err := s.Queries.EmailOf(ctx, user)
	if err != nil && !errors.Is(err, projections.ErrNotFound) {
		return own, err
	}
	own = ownChatUser{ChatUser: chatUser(confirmed.Profile, online, room, confirmed.CreatedAt.UTC().Format(utcTime)), Email: account.Email}
	if said.IssuedAt != nil {
		own.IssuedAt = said.IssuedAt.Unix()
	}
	return own, nil
}
