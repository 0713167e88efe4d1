package api

import (
	"context"
	"errors"
	"log/slog"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// User is a person as that person sees it.
type User struct {
	ID       domain.UserID `json:"id"`
	Username string        `json:"username"`
	Nickname string        `json:"nickname"`
	Avatar   string        `json:"avatar"`
	Coin     domain.Coins  `json:"coin"`
}

func userOf(p projections.Profile, coins domain.Coins) User {
	return User{p.ID, p.Username, p.Nickname, p.Avatar, coins}
}

type registration struct {
	Body struct {
		Username   string `json:"username" doc:"1 to 32 characters"`
		Password   string `json:"password" doc:"6 to 128 characters"`
		Repassword string `json:"repassword" doc:"the same again"`
	}
}

// register opens an account. The password's hash is kept beside the log, under a random id
// that the log names.
func (s *server) register(ctx context.Context, in *registration) (User, error) {
	asked := askerOf(ctx)
	if err := s.limits.registrations.admit(byAddress(asked.address)); err != nil {
		return User{}, err
	}
	if err := s.passwords.check(in.Body.Password); err != nil {
		return User{}, err
	}
	if in.Body.Password != in.Body.Repassword {
		return User{}, refusal(codePasswordsDiff, "the two passwords differ")
	}
	name := s.Store.NameKey(in.Body.Username)
	if _, err := s.Queries.Account(ctx, name); err == nil { // spares the work on a hash; the log has the last word
		return User{}, refusal(domain.CodeNameTaken, "the name is taken")
	}
	hash, err := s.passwords.hash(ctx, in.Body.Password)
	if err != nil {
		return User{}, err
	}
	credential := uuid.New()
	if err := s.saveCredential(ctx, credential, hash); err != nil {
		return User{}, err
	}
	receipt, err := s.Commands.Execute(ctx, domain.Request{
		Command:     domain.RegisterUser{Username: in.Body.Username, NameKey: name, Credential: credential.String()},
		Correlation: asked.id,
	})
	if err != nil {
		s.dropCredential(ctx, credential, err)
		return User{}, err
	}
	s.settle(ctx, receipt)
	opened, _, err := fact[domain.UserRegistered](receipt)
	return User{ID: opened.User, Username: opened.Username, Nickname: opened.Nickname, Avatar: opened.Avatar}, err
}

type credentials struct {
	Body struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
}

type signedIn struct {
	User
	Token string `json:"token"`
}

func (s *server) login(ctx context.Context, in *credentials) (signedIn, error) {
	return s.signIn(ctx, in.Body.Username, in.Body.Password)
}

// signIn begins a session for whoever knows the password; an earlier session ends. Unknown
// names and wrong passwords answer alike and take as long.
func (s *server) signIn(ctx context.Context, username, password string) (signedIn, error) {
	asked := askerOf(ctx)
	name := s.Store.NameKey(username)
	err := errors.Join(s.limits.signInsByAddress.admit(byAddress(asked.address)), s.limits.signInsByName.admit(name))
	if err != nil {
		return signedIn{}, err
	}
	account, err := s.authenticate(ctx, name, password)
	if err != nil {
		return signedIn{}, err
	}
	session := uuid.NewString()
	receipt, err := s.Commands.Execute(ctx, domain.Request{
		Command: domain.SignIn{User: account.ID, Session: session}, Correlation: asked.id,
	})
	if err != nil {
		return signedIn{}, err
	}
	s.settle(ctx, receipt)
	coins, err := s.Queries.Balance(ctx, account.ID)
	if err != nil {
		return signedIn{}, err
	}
	token, err := s.Tokens.issue(caller{account.ID, session, receipt.Position})
	return signedIn{userOf(account.Profile, coins), token}, err
}

// authenticate answers the account of a name if the password is its own.
func (s *server) authenticate(ctx context.Context, name, password string) (projections.Account, error) {
	wrong := refusal(codeCredentials, "no account has this name and password")
	if s.passwords.check(password) != nil { // nobody's
		return projections.Account{}, wrong
	}
	account, err := s.Queries.Account(ctx, name)
	if err != nil && !isNotFound(err) {
		return account, err
	}
	hash, err := s.credential(ctx, account.Credential) // asked for unknown names too, for the time it takes
	if err != nil {
		return account, err
	}
	right, err := s.passwords.verify(ctx, hash, password)
	switch {
	case err != nil:
		return account, err
	case !right:
		return account, wrong
	case account.Disabled:
		return account, refusal(domain.CodeUserUnavailable, "user %d is disabled", account.ID)
	}
	return account, nil
}

func (s *server) logout(ctx context.Context, c caller, _ *struct{}) (string, error) {
	_, err := s.execute(ctx, c, domain.SignOut{})
	return "ok", err
}

func (s *server) info(ctx context.Context, _ caller, _ *struct{}) (User, error) {
	member, err := s.member(ctx)
	return userOf(member.Profile, member.Balance), err
}

// execute asks the log for a command of a person, and gives the tables a moment to follow.
func (s *server) execute(ctx context.Context, c caller, command domain.Command) (eventstore.Receipt, error) {
	if err := s.limits.writes.admit(byUser(c.user)); err != nil {
		return eventstore.Receipt{}, err
	}
	asked := askerOf(ctx)
	receipt, err := s.Commands.Execute(ctx, domain.Request{
		Command: command, Actor: domain.AuthenticatedActor(c.user, c.session), IdempotencyKey: asked.key, Correlation: asked.id,
	})
	if err == nil {
		s.settle(ctx, receipt)
	}
	return receipt, err
}

// settle waits until the tables have what followed from a command, so that whoever asked for it
// finds it there. When they are slow the answer does not wait for them: what it says is durable.
func (s *server) settle(ctx context.Context, receipt eventstore.Receipt) {
	s.reached(ctx, receipt.Position)
}

// reached says whether the tables have a position, after waiting for it as long as a request waits.
func (s *server) reached(ctx context.Context, position int64) bool {
	ctx, cancel := context.WithTimeout(ctx, s.Settle)
	defer cancel()
	err := s.Feed.WaitFor(ctx, position)
	if err != nil {
		s.log.DebugContext(ctx, "the tables are behind", slog.Int64("position", position), slog.Any("err", err))
	}
	return err == nil
}

func isNotFound(err error) bool { return errors.Is(err, projections.ErrNotFound) }
