package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/google/uuid"

	"roomlog/api/password"
	"roomlog/api/signin"
	"roomlog/api/token"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/limit"
	"roomlog/projections"
)

// User is the data of a user in a response to that user.
type User struct {
	ID       domain.UserID `json:"id"`
	Username string        `json:"username" example:"ann"`
	Nickname string        `json:"nickname" example:"Ann"`
	Avatar   string        `json:"avatar" example:"https://live.example/uploads/0c9f3a7be1d24f5f.png"`
	Coin     domain.Coins  `json:"coin"`
}

func newUser(p projections.Profile, coins domain.Coins) User {
	return User{p.ID, p.Username, p.Nickname, p.Avatar, coins}
}

// PublicUser is the data of a user in responses to other users.
type PublicUser struct {
	ID     domain.UserID `json:"id"`
	Name   string        `json:"name" example:"ann"`
	Avatar string        `json:"avatar" example:"https://live.example/uploads/0c9f3a7be1d24f5f.png"`
}

func newPublicUser(p projections.Profile) PublicUser { return PublicUser{p.ID, p.Name(), p.Avatar} }

type registration struct {
	Body struct {
		Username   string `json:"username" example:"ann" doc:"1 to 32 characters"`
		Password   string `json:"password" example:"correct horse" doc:"6 to 128 characters"`
		Repassword string `json:"repassword" example:"correct horse" doc:"the password again"`
	}
}

// registerUser creates an account. It stores the password hash outside the log, under an id that the event contains.
func (s *server) registerUser(ctx context.Context, in *registration) (User, error) {
	if err := password.Check(in.Body.Password); err != nil {
		return User{}, err
	}
	if in.Body.Password != in.Body.Repassword {
		return User{}, refusal(codePasswordsDiff, "password and repassword differ")
	}
	name := s.Store.NameKey(in.Body.Username)
	if _, err := s.Queries.Account(ctx, name); err == nil { // avoids hashing the password for a name that is taken; the log decides finally
		return User{}, refusal(domain.CodeNameTaken, "the username is taken")
	}
	hash, err := s.passwords.Hash(ctx, in.Body.Password)
	if err != nil {
		return User{}, err
	}
	credential := eventstore.CredentialID(hash)
	if err := s.Store.InsertCredential(ctx, credential, hash); err != nil {
		return User{}, err
	}
	receipt, err := s.executeAnonymously(ctx, domain.RegisterUser{
		Username: in.Body.Username, NameKey: name, Credential: credential.String(),
	})
	if err != nil {
		s.deleteUnusedCredential(ctx, credential, err)
		return User{}, err
	}
	e, _, err := eventOf[domain.UserRegistered](receipt)
	return User{ID: e.User, Username: e.Username, Nickname: e.Nickname, Avatar: e.Avatar}, err
}

// deleteUnusedCredential deletes the password hash of a refused registration. After any other error the account may
// exist, so it keeps the hash; DeleteUnusedCredentials deletes the hash later if no account uses it.
func (s *server) deleteUnusedCredential(ctx context.Context, id uuid.UUID, cause error) {
	if domain.AsRefusal(cause) != nil {
		s.deleteCredential(ctx, id)
	}
}

// deleteCredential deletes a password hash that nobody uses. If this fails, DeleteUnusedCredentials deletes it later.
func (s *server) deleteCredential(ctx context.Context, id uuid.UUID) {
	if err := s.Store.DeleteCredential(ctx, id); err != nil {
		s.log.WarnContext(ctx, "unused credential not deleted, the cleaner will delete it", slog.Any("error", err))
	}
}

type credentials struct {
	Body struct {
		Username string `json:"username" example:"ann"`
		Password string `json:"password" example:"correct horse"`
	}
}

type signedIn struct {
	User
	Token string `json:"token" example:"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln"`
}

// login checks username and password, starts a sign-in session and ends the user's previous one. The response and its
// time are the same for an unknown username and for a wrong password.
func (s *server) login(ctx context.Context, in *credentials) (signedIn, error) {
	account, err := s.checkPassword(ctx, s.Store.NameKey(in.Body.Username), in.Body.Password)
	if err != nil {
		return signedIn{}, err
	}
	issued, err := s.startSession(ctx, account.ID)
	if err != nil {
		return signedIn{}, err
	}
	coins, err := s.Queries.Balance(ctx, account.ID)
	return signedIn{newUser(account.Profile, coins), issued}, err
}

// startSession starts a sign-in session of a user and returns its token. A user without a password continues the current session,
// if there is one.
func (s *server) startSession(ctx context.Context, user domain.UserID) (string, error) {
	session := uuid.NewString()
	receipt, err := s.executeAnonymously(ctx, domain.SignIn{User: user, Session: session})
	if err != nil {
		return "", err
	}
	if len(receipt.Events) == 0 {
		if session, err = s.Admission.CurrentSession(ctx, user); err != nil {
			return "", err
		}
	}
	return s.Tokens.Issue(token.Claims{User: user, Session: session, Position: receipt.Position})
}

// checkPassword returns the account with a username if the password is correct, and otherwise a *domain.Refusal. An account can be
// newer than the tables: before checkPassword refuses, it waits for them, and returns CodeBusy if they stay behind the log. It does so for
// every wrong password, so that the response does not show whether the account exists. A sign-in is one attempt against the limits of
// wrong passwords.
func (s *server) checkPassword(ctx context.Context, nameKey, guess string) (projections.Account, error) {
	if password.Check(guess) != nil { // no account can have this password
		return projections.Account{}, wrongPassword()
	}
	account, err := s.accountIfAny(ctx, nameKey)
	if err != nil {
		return account, err
	}
	end, retryAfter, ok := s.signIns.Begin(s.signInAttempt(ctx, nameKey, account.ID))
	if !ok {
		return account, rateLimited("too many wrong passwords: try again later", retryAfter)
	}
	outcome := signin.Undecided
	defer func() { end(outcome) }()
	account, outcome, err = s.tryPassword(ctx, nameKey, account, guess)
	switch {
	case err != nil:
		return account, err
	case outcome != signin.Right:
		return account, wrongPassword()
	case account.Disabled:
		return account, refusal(domain.CodeUserUnavailable, "user %d is disabled", account.ID)
	}
	return account, nil
}

// accountIfAny returns the account that the tables contain under a username, or the zero Account.
func (s *server) accountIfAny(ctx context.Context, nameKey string) (projections.Account, error) {
	account, err := s.Queries.Account(ctx, nameKey)
	if isNotFound(err) {
		return projections.Account{}, nil
	}
	return account, err
}

// tryPassword compares a password with that of an account, which is the zero Account if the tables have none under the username. If the
// password differs, it waits for the tables, reads the account again and compares once more if the password hash is another one. It returns
// the account that it has read last.
//
// An attempt that ends in CodeBusy is undecided, because its password may be right. A client that disconnects while it waits has sent a
// wrong password: it could otherwise guess without waiting for the response.
func (s *server) tryPassword(ctx context.Context, nameKey string, account projections.Account, guess string) (
	_ projections.Account, _ signin.Outcome, err error,
) {
	right, err := s.verify(ctx, account, guess)
	switch {
	case err != nil:
		return account, signin.Undecided, err
	case right:
		return account, signin.Right, nil
	}
	newest := account
	if err = s.waitForHead(ctx); err == nil {
		newest, err = s.accountIfAny(ctx, nameKey)
	}
	if err == nil && newest.Credential != account.Credential {
		right, err = s.verify(ctx, newest, guess)
	}
	switch {
	case err != nil && !errors.Is(ctx.Err(), context.Canceled):
		return newest, signin.Undecided, err
	case right:
		return newest, signin.Right, nil
	}
	return newest, signin.Wrong, err
}

// verify reports whether a password is that of an account. It takes the same time for the zero Account.
func (s *server) verify(ctx context.Context, account projections.Account, guess string) (bool, error) {
	hash, err := s.Store.Credential(ctx, account.Credential)
	if err != nil {
		return false, err
	}
	return s.passwords.Verify(ctx, hash, guess)
}

func wrongPassword() error {
	return refusal(codeCredentials, "no account has this username and password")
}

// signInAttempt describes an attempt to sign in as user. user is 0 if no account has the username. A client that sends
// an earlier token of the user is a known device, because clients send the last token that they have.
func (s *server) signInAttempt(ctx context.Context, nameKey string, user domain.UserID) signin.Attempt {
	rc := requestOf(ctx)
	attempt := signin.Attempt{Name: nameKey, Address: limit.Key(rc.addr)}
	if owner, session, ok := s.Tokens.Issued(rc.token); ok && owner == user {
		attempt.Device = session
	}
	return attempt
}

func (s *server) logout(ctx context.Context, _ *struct{}) (string, error) {
	_, err := s.execute(ctx, domain.SignOut{})
	return "ok", err
}

// ownUser is the data of a user in the response of /api/user/info.
type ownUser struct {
	User
	Age int `json:"age" doc:"years; 0 if the user has set none"`
}

func (s *server) userInfo(ctx context.Context, _ *struct{}) (ownUser, error) {
	user := requestOf(ctx).user
	return ownUser{newUser(user.Profile, user.Balance), user.Age}, nil
}

// userRoles are the roles of a user, in a response.
type userRoles struct {
	Roles []domain.Role `json:"roles" enum:"operator,auditor,analyst,personal" example:"[\"operator\"]"`
}

// listRoles returns the roles of the caller, for pages that show only what the user may do.
func (s *server) listRoles(ctx context.Context, _ *struct{}) (userRoles, error) {
	return userRoles{append([]domain.Role{}, requestOf(ctx).user.Roles...)}, nil
}

type profileChange struct {
	Body struct {
		Nickname *string `json:"nickname,omitempty" doc:"at most 32 characters; empty: the username is shown"`
		Avatar   *string `json:"avatar,omitempty" doc:"http or https address of an image, or path of an upload; may be empty"`
		Age      *number `json:"age,omitempty" doc:"0 to 1,000,000 years"`
	}
}

// changeProfile changes the members of the profile that the request contains, and returns the user.
func (s *server) changeProfile(ctx context.Context, in *profileChange) (User, error) {
	change := domain.ChangeProfile{Nickname: in.Body.Nickname, Avatar: in.Body.Avatar}
	if in.Body.Age != nil {
		change.Age = new(int(min(max(*in.Body.Age, -1), domain.MaxAge+1))) // the command refuses both bounds
	}
	profile, err := s.Admission.CurrentProfile(ctx, requestOf(ctx).caller.User) // for the response
	if err != nil {
		return User{}, err
	}
	receipt, err := s.execute(ctx, change)
	if err != nil {
		return User{}, err
	}
	if changed, _, err := eventOf[domain.UserProfileChanged](receipt); err == nil {
		profile.Nickname, profile.Avatar = changed.Nickname, changed.Avatar
	}
	coins, err := s.Queries.Balance(ctx, profile.ID)
	return newUser(profile, coins), err
}

// browserLogin is a middleware that responds to a sign-in of the browser app in the envelope of that app. It recognizes the app by the
// header Authorization, which the app sends with every request ("Bearer null" without a token). Other clients do not send this header to
// the sign-in.
func (s *server) browserLogin(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	if r.Header.Get("Authorization") == "" {
		next(ctx)
		return
	}
	result, err := s.browserSignIn(w, r)
	if err != nil {
		writeBrowserEnvelope(w, browserEnvelope{Code: http.StatusBadRequest, Message: s.failure(r.Context(), err, nil).Data})
		return
	}
	writeBrowserEnvelope(w, browserEnvelope{Code: http.StatusOK, Data: result.Token})
}

func (s *server) browserSignIn(w http.ResponseWriter, r *http.Request) (signedIn, error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
	defer cancel()
	if err := s.rates.admit(ctx, rateSignIns); err != nil {
		return signedIn{}, err
	}
	body, err := s.readObject(w, r)
	if err != nil {
		return signedIn{}, err
	}
	var in credentials
	if err := decodeBody(body, &in.Body, "the body must be a JSON object with username and password"); err != nil {
		return signedIn{}, err
	}
	return s.login(ctx, &in)
}

// documentBrowserLogin adds the response envelope of the browser app to the documentation of the sign-in.
func documentBrowserLogin(o *huma.Operation, schemas huma.Registry) {
	schema := o.Responses["200"].Content["application/json"].Schema
	o.Responses["200"].Content["application/json"].Schema = &huma.Schema{
		Description: "The second form is the response to a request with the header Authorization.",
		OneOf:       []*huma.Schema{schema, schemas.Schema(typeOf[browserEnvelope](), true, "")},
	}
	o.Responses["200"].Content["application/json"].Examples = map[string]*huma.Example{
		"browser":         {Value: browserEnvelope{Code: http.StatusOK, Data: exampleToken}},
		"browser_refused": {Value: browserEnvelope{Code: http.StatusBadRequest, Message: chinese[codeCredentials]}},
	}
}

func documentIncrementAge(o *huma.Operation, _ huma.Registry) {
	example := func(code int, text string) *huma.Example {
		return &huma.Example{Value: browserEnvelope{Code: code, Message: text}}
	}
	o.Responses["200"].Content["application/json"].Examples = map[string]*huma.Example{
		"ok": example(http.StatusOK, textAdded), "no_header": example(browserCodeSignInFirst, textSignInFirst),
		"token_invalid": example(http.StatusUnauthorized, domain.CodeTokenInvalid.Chinese()), "refused": example(http.StatusBadRequest, textNotAdded),
	}
}

// incrementAge adds one year to the age of the signed-in user.
func (s *server) incrementAge(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		writeBrowserEnvelope(w, browserEnvelope{Code: browserCodeSignInFirst, Message: textSignInFirst})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
	defer cancel()
	if _, err := s.execute(ctx, domain.IncrementAge{}); err != nil {
		refuseIncrementAge(w, r, s.failure(ctx, err, nil))
		return
	}
	writeBrowserEnvelope(w, browserEnvelope{Code: http.StatusOK, Message: textAdded})
}

// refuseIncrementAge writes a refusal in the envelope of the browser app.
func refuseIncrementAge(w http.ResponseWriter, r *http.Request, f *failure) {
	switch {
	case r.Header.Get("Authorization") == "":
		writeBrowserEnvelope(w, browserEnvelope{Code: browserCodeSignInFirst, Message: textSignInFirst})
	case f.status == http.StatusUnauthorized:
		writeBrowserEnvelope(w, browserEnvelope{Code: f.status, Message: f.Data})
	default:
		writeBrowserEnvelope(w, browserEnvelope{Code: http.StatusBadRequest, Message: textNotAdded})
	}
}

type usersInput struct {
	User  domain.UserID `query:"user" minimum:"1" doc:"only this user"`
	Name  string        `query:"name" maxLength:"32" doc:"only the user with this username, or with one that looks the same"`
	After domain.UserID `query:"after" minimum:"0" maximum:"9007199254740991" doc:"value of next in the former page"`
}

// listedUser is a user in a list for operators.
type listedUser struct {
	User        PublicUser    `json:"user"`
	Username    string        `json:"username" example:"ann"`
	Coin        domain.Coins  `json:"coin"`
	Roles       []domain.Role `json:"roles" enum:"operator,auditor,analyst,personal"`
	State       string        `json:"state" enum:"active,banned,disabled,forgotten"`
	BannedUntil *time.Time    `json:"banned_until" doc:"end of the ban; null: there is no ban, or it has no end"`
	CreatedAt   time.Time     `json:"created_at"`
}

// listedUsers is a page of users, ordered by id.
type listedUsers struct {
	Items []listedUser  `json:"items"`
	Next  domain.UserID `json:"next" doc:"send it as after to get the next page; 0: there is none"`
}

const usersPage = 50

// listUsers lists users for operators: all users, or the user with an id or a username.
func (s *server) listUsers(ctx context.Context, in *usersInput) (listedUsers, error) {
	after, limit := in.After, usersPage
	switch {
	case in.User != 0 && in.Name != "", in.After != 0 && (in.User != 0 || in.Name != ""):
		return listedUsers{}, badRequest("send at most one of user, name and after")
	case in.User != 0:
		after, limit = in.User-1, 1
	case in.Name != "":
		account, err := s.Queries.Account(ctx, s.Store.NameKey(in.Name))
		if isNotFound(err) {
			return listedUsers{Items: []listedUser{}}, nil
		}
		if err != nil {
			return listedUsers{}, err
		}
		after, limit = account.ID-1, 1
	}
	found, err := s.Queries.Users(ctx, after, limit)
	if in.User != 0 { // without this user, the page begins with the next one
		found = slices.DeleteFunc(found, func(u projections.User) bool { return u.ID != in.User })
	}
	page := listedUsers{Items: make([]listedUser, len(found))}
	for i, u := range found {
		page.Items[i] = newListedUser(u, s.Now())
	}
	if limit == usersPage && len(found) == limit {
		page.Next = found[len(found)-1].ID
	}
	return page, err
}

func newListedUser(u projections.User, now time.Time) listedUser {
	listed := listedUser{User: newPublicUser(u.Profile), Username: u.Username, Coin: u.Balance, Roles: u.Roles, State: "active", CreatedAt: u.CreatedAt}
	switch {
	case u.Forgotten:
		listed.State = "forgotten"
	case u.Disabled:
		listed.State = "disabled"
	case u.Ban.Active(now):
		listed.State, listed.BannedUntil = "banned", endOf(u.Ban.Until)
	}
	return listed
}
