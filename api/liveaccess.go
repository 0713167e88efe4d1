package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"

	"roomlog/api/password"
	"roomlog/api/signin"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/limit"
	"roomlog/projections"
)

type setAccessInput struct {
	Body struct {
		ID       number            `json:"id" doc:"id of the live"`
		Access   domain.AccessKind `json:"access" enum:"open,unlisted,password,followers,invited,paid" doc:"open: everybody; unlisted: everybody, but lists do not contain the live; password: users who have entered the password; followers: followers of the streamer; invited: only invited users; paid: users who have bought a ticket"`
		Password string            `json:"password,omitempty" example:"correct horse" doc:"for the access password only: 6 to 128 characters"`
		Price    number            `json:"price,omitempty" example:"30" doc:"for the access paid only: price of a ticket, 1 to 1,000,000 coins"`
	}
}

// setAccess sets who may be in a live. A repeated request with the access password sets the password again.
func (s *server) setAccess(ctx context.Context, in *setAccessInput) (string, error) {
	ctx = withoutIdempotencyKey(ctx)
	credential, err := s.liveCredential(ctx, in.Body.Access, in.Body.Password)
	if err != nil {
		return "", err
	}
	_, err = s.execute(ctx, domain.SetAccess{
		Live: domain.LiveID(in.Body.ID), Access: in.Body.Access, Credential: textOf(credential), Price: domain.Coins(in.Body.Price),
	})
	if err != nil && credential != uuid.Nil {
		s.deleteUnusedCredential(ctx, credential, err)
	}
	return "ok", err
}

// liveCredential stores the hash of the password of a live and returns its id, or uuid.Nil for another access.
func (s *server) liveCredential(ctx context.Context, access domain.AccessKind, secret string) (uuid.UUID, error) {
	switch {
	case access != domain.AccessPassword && secret != "":
		return uuid.Nil, badRequest("password is for the access password only")
	case access != domain.AccessPassword:
		return uuid.Nil, nil
	}
	if err := password.Check(secret); err != nil {
		return uuid.Nil, err
	}
	hash, err := s.passwords.Hash(ctx, secret)
	if err != nil {
		return uuid.Nil, err
	}
	credential := eventstore.CredentialID(hash)
	return credential, s.Store.InsertCredential(ctx, credential, hash)
}

// checkRepeatedPassword returns a refusal if a request that repeats an idempotency key has another password than the first
// one, which has the receipt. If the hash of the first password has been deleted, nothing is checked.
func (s *server) checkRepeatedPassword(ctx context.Context, receipt eventstore.Receipt, secret string) error {
	first, _, err := eventOf[domain.LiveAccessSet](receipt)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(first.Credential)
	if err != nil {
		return fmt.Errorf("the credential of a new live: %w", err)
	}
	hash, err := s.Store.Credential(ctx, id)
	if err != nil || hash == "" {
		return err
	}
	same, err := s.passwords.Verify(ctx, hash, secret)
	if err == nil && !same {
		return refusal(domain.CodeKeyReused, "the idempotency key was used with another password")
	}
	return err
}

// textOf returns the text of the id of a credential, "" for none.
func textOf(credential uuid.UUID) string {
	if credential == uuid.Nil {
		return ""
	}
	return credential.String()
}

type enterInput struct {
	Body struct {
		ID         number `json:"id" doc:"id of the live"`
		Password   string `json:"password,omitempty" maxLength:"512" example:"correct horse" doc:"the password of the live"`
		Invitation string `json:"invitation,omitempty" maxLength:"64" example:"MZXW6YTBOI3DAMBQGEZDGNBVGY" doc:"the secret of an invitation to the live"`
	}
}

// enterLive lets the caller into a live by its password or by an invitation. A repeated request changes nothing, unless
// the caller has lost the right meanwhile.
func (s *server) enterLive(ctx context.Context, in *enterInput) (string, error) {
	command, err := s.enterCommand(ctx, requestOf(ctx).user.ID, domain.LiveID(in.Body.ID), in.Body.Password, in.Body.Invitation)
	if err == nil {
		_, err = s.execute(withoutIdempotencyKey(ctx), command)
	}
	return "ok", err
}

// enterCommand returns the command with which user enters a live by its password or by an invitation; one of the two is "".
func (s *server) enterCommand(ctx context.Context, user domain.UserID, live domain.LiveID, secret, invitation string) (domain.Command, error) {
	switch {
	case (secret == "") == (invitation == ""):
		return nil, badRequest("send either password or invitation")
	case invitation != "":
		return domain.UseInvitation{Live: live, Hash: secretHash(invitation)}, nil
	}
	credential, err := s.checkLivePassword(ctx, user, live, secret)
	return domain.EnterPassword{Live: live, Credential: credential}, err
}

// checkLivePassword returns the id of the hash of a live's password if guess is the password. Wrong guesses are limited per
// user and live, and all guesses per address.
func (s *server) checkLivePassword(ctx context.Context, user domain.UserID, live domain.LiveID, guess string) (string, error) {
	wrong := refusal(domain.CodeLivePasswordWrong, "this is not the password of live %d", live)
	if password.Check(guess) != nil { // no live can have this password
		return "", wrong
	}
	access, err := s.Queries.LiveAccess(ctx, live)
	if err != nil {
		return "", err
	}
	if access.Access != domain.AccessPassword {
		return "", nil // the log refuses the command
	}
	end, retryAfter, ok := s.guesses.Begin(signin.Attempt{Name: fmt.Sprintf("live %d user %d", live, user), Address: limit.AddressOf(ctx)})
	if !ok {
		return "", rateLimited("too many wrong passwords: try again later", retryAfter)
	}
	outcome := signin.Undecided
	defer func() { end(outcome) }()
	id, err := uuid.Parse(access.Credential)
	if err != nil {
		return "", fmt.Errorf("the credential of live %d: %w", live, err)
	}
	hash, err := s.Store.Credential(ctx, id)
	if err != nil {
		return "", err
	}
	right, err := s.passwords.Verify(ctx, hash, guess)
	if err != nil {
		return "", err
	}
	if !right {
		outcome = signin.Wrong
		return "", wrong
	}
	outcome = signin.Right
	return access.Credential, nil
}

// secretHash returns the lower-case hexadecimal SHA-256 of the secret of an invitation. A slow hash is not needed for 128
// random bits.
func secretHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

type invitationInput struct {
	Body struct {
		ID      number `json:"id" doc:"id of the live"`
		Uses    int64  `json:"uses" example:"10" doc:"maximum number of users: 1 to 100,000"`
		Seconds int64  `json:"seconds,omitempty" example:"86400" doc:"time until the invitation ends; 0: it has no end"`
	}
}

// createdInvitation is a new invitation, in a response.
type createdInvitation struct {
	Invitation int64      `json:"invitation" doc:"id, for revoke"`
	Secret     string     `json:"secret" example:"MZXW6YTBOI3DAMBQGEZDGNBVGY" doc:"for invitation of /api/live/enter; it is shown only once"`
	Until      *time.Time `json:"until" doc:"end of the invitation; null: it has none"`
}

// createInvitation creates an invitation. A repeated request creates another one, because the secret is stored nowhere.
func (s *server) createInvitation(ctx context.Context, in *invitationInput) (createdInvitation, error) {
	secret := rand.Text()
	receipt, err := s.execute(withoutIdempotencyKey(ctx), domain.CreateInvitation{
		Live: domain.LiveID(in.Body.ID), Uses: in.Body.Uses, Seconds: in.Body.Seconds, Hash: secretHash(secret),
	})
	if err != nil {
		return createdInvitation{}, err
	}
	e, _, err := eventOf[domain.InvitationCreated](receipt)
	return createdInvitation{e.Invitation, secret, endOf(e.Until)}, err
}

type revokeInvitationInput struct {
	Body struct {
		ID         number `json:"id" doc:"id of the live"`
		Invitation number `json:"invitation" doc:"id of the invitation"`
	}
}

func revokeInvitation(in *revokeInvitationInput) domain.Command {
	return domain.RevokeInvitation{Live: domain.LiveID(in.Body.ID), Invitation: int64(in.Body.Invitation)}
}

// invitation is an invitation to a live, in a response.
type invitation struct {
	ID    int64      `json:"id"`
	Uses  int64      `json:"uses" doc:"maximum number of users"`
	Used  int64      `json:"used" doc:"number of users who have used it"`
	Until *time.Time `json:"until" doc:"end of the invitation; null: it has none"`
}

func (s *server) listInvitations(ctx context.Context, in *LivePath) ([]invitation, error) {
	found, err := s.Queries.Invitations(ctx, in.ID)
	list := make([]invitation, len(found))
	for i, v := range found {
		list[i] = invitation{v.ID, v.Uses, v.Used, endOf(v.Until)}
	}
	return list, err
}

// liveAccess is the access of a live for the caller, in a response.
type liveAccess struct {
	Access   domain.AccessKind `json:"access" enum:"open,unlisted,password,followers,invited,paid"`
	Allowed  bool              `json:"allowed" doc:"whether the caller may be in the live"`
	Code     domain.Code       `json:"code" example:"live_password" doc:"code of the refusal; empty if the caller may be in the live"`
	Price    domain.Coins      `json:"price,omitempty" example:"30" doc:"price of a ticket, for the access paid"`
	MinAge   int               `json:"min_age,omitempty" example:"18" doc:"age in years that viewers need; absent: none"`
	Streamer *PublicUser       `json:"streamer" doc:"the owner of the live; null if the caller may not be in the live and lists do not contain it"`
}

func (s *server) readAccess(ctx context.Context, in *LivePath) (liveAccess, error) {
	live, err := s.live(ctx, in.ID)
	if err != nil {
		return liveAccess{}, err
	}
	user, err := s.optionalUser(ctx)
	if err == nil {
		err = s.Queries.CheckViewer(ctx, in.ID, user, s.Now())
	}
	streamer := newPublicUser(live.Owner)
	if r := domain.AsRefusal(err); r != nil {
		found := liveAccess{Access: live.Access, Code: r.Code, Price: live.Price, MinAge: live.MinAge}
		if live.Access.Listed() {
			found.Streamer = &streamer
		}
		return found, nil // the response contains the refusal
	}
	return liveAccess{live.Access, err == nil, "", live.Price, live.MinAge, &streamer}, err
}

// checkRestricted returns a refusal if a live is not for everybody and the caller may not be in it.
func (s *server) checkRestricted(ctx context.Context, live projections.Live) error {
	if !live.Restricted() {
		return nil
	}
	user, err := s.optionalUser(ctx)
	if err != nil {
		return err
	}
	return s.Queries.CheckViewer(ctx, live.ID, user, s.Now())
}

type minAgeInput struct {
	Body struct {
		ID     number `json:"id" doc:"id of the live"`
		MinAge number `json:"min_age" example:"18" doc:"age in years that the profile of a viewer must have: 1 to 100; 0: none"`
	}
}

func setMinAge(in *minAgeInput) domain.Command {
	return domain.SetMinAge{Live: domain.LiveID(in.Body.ID), MinAge: int(in.Body.MinAge)}
}
