package api

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"roomlog/domain"
)

// DefaultTokenLife is how long a token is good for: phones sign in about once a month.
const DefaultTokenLife = 30 * 24 * time.Hour

const (
	maxSecrets   = 2  // the newest and the one it replaces
	minSecretLen = 16 // a token shows its signature to whoever holds it: a shorter secret could be guessed
	maxTokenLen  = 2048
)

// Tokens makes and verifies the tokens that people sign requests with: JWT with HS256 and no
// other method, naming a user and a session, good until it expires or the session ends. It is
// safe for concurrent use.
type Tokens struct {
	secrets [][]byte // newest first
	life    time.Duration
	now     func() time.Time
	parser  *jwt.Parser
}

// NewTokens signs with the first of secrets and accepts the tokens of all of them: one, or two
// while the older is being replaced. A life of zero is DefaultTokenLife.
func NewTokens(secrets []string, life time.Duration, now func() time.Time) (*Tokens, error) {
	switch {
	case len(secrets) == 0 || len(secrets) > maxSecrets:
		return nil, fmt.Errorf("tokens: want one or two secrets, got %d", len(secrets))
	case life < 0:
		return nil, fmt.Errorf("tokens: life %v is negative", life)
	case now == nil:
		return nil, errors.New("tokens: no clock")
	}
	t := &Tokens{life: life, now: now}
	if life == 0 {
		t.life = DefaultTokenLife
	}
	for i, secret := range secrets {
		if len(secret) < minSecretLen {
			return nil, fmt.Errorf("tokens: secret %d has %d bytes, want at least %d", i+1, len(secret), minSecretLen)
		}
		t.secrets = append(t.secrets, []byte(secret))
	}
	t.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(now),
	)
	return t, nil
}

// claims is what a token says.
type claims struct {
	jwt.RegisteredClaims        // sub is the user's id
	Session              string `json:"sid"`
	Position             int64  `json:"pos"` // of the sign-in in the log
}

// caller is who a good token names.
type caller struct {
	user     domain.UserID
	session  string
	position int64 // of the sign-in: tables behind it do not know the session yet
}

// issue makes a token for a session that began at a position of the log.
func (t *Tokens) issue(c caller) (string, error) {
	now := t.now()
	said := claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject:   strconv.FormatInt(int64(c.user), 10),
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(t.life)),
		},
		Session:  c.session,
		Position: c.position,
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, said).SignedString(t.secrets[0])
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}

// Verify answers the user and the session that token names, with or without "Bearer " before it.
// Otherwise its error is a *domain.Refusal: token_missing for an empty one, token_expired for a
// good one whose time is over, token_invalid for anything else. Whether the session is still the
// user's newest is not in the token: the log decides that with every command.
func (t *Tokens) Verify(token string) (domain.UserID, string, error) {
	c, err := t.read(token)
	return c.user, c.session, err
}

// Until answers until when a token is good, for a door whose connections may outlive it; the zero
// time for one that Verify refuses.
func (t *Tokens) Until(token string) time.Time {
	if _, said, err := t.claimed(token); err == nil {
		return said.ExpiresAt.Time
	}
	return time.Time{}
}

func (t *Tokens) read(token string) (caller, error) {
	user, said, err := t.claimed(token)
	if err != nil {
		return caller{}, err
	}
	return caller{user, said.Session, said.Position}, nil
}

// claimed answers what a good token says.
func (t *Tokens) claimed(token string) (domain.UserID, claims, error) {
	token = bare(token)
	if token == "" {
		return 0, claims{}, refusal(domain.CodeTokenMissing, "this needs a token: sign in first")
	}
	var said claims
	err := errors.New("too long")
	if len(token) <= maxTokenLen {
		_, err = t.parser.ParseWithClaims(token, &said, t.keys)
	}
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return 0, claims{}, refusal(domain.CodeTokenExpired, "the token has expired: sign in again")
	case err != nil:
		return 0, claims{}, invalid()
	}
	user, err := strconv.ParseInt(said.Subject, 10, 64)
	if err != nil || user < 1 || said.Session == "" {
		return 0, claims{}, invalid()
	}
	return domain.UserID(user), said, nil
}

func invalid() error {
	return refusal(domain.CodeTokenInvalid, "the token is not one of ours")
}

// keys offers every secret: the parser takes the one that fits.
func (t *Tokens) keys(*jwt.Token) (any, error) {
	set := jwt.VerificationKeySet{}
	for _, secret := range t.secrets {
		set.Keys = append(set.Keys, secret)
	}
	return set, nil
}

// bare takes "Bearer " off a token, in any spelling of the word.
func bare(token string) string {
	const scheme = "bearer"
	token = strings.TrimSpace(token)
	if len(token) >= len(scheme) && strings.EqualFold(token[:len(scheme)], scheme) {
		if rest := token[len(scheme):]; rest == "" || rest[0] == ' ' {
			return strings.TrimSpace(rest)
		}
	}
	return token
}
