package api

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"roomlog/domain"
	"roomlog/internal/settings"
	"roomlog/projections"
)

// TokenSettings are the settings of Tokens.
type TokenSettings struct {
	TokenLife time.Duration `default:"720h" min:"1m" max:"87600h" help:"Time for which a sign-in token is valid. Phones sign in about once a month."`
}

const (
	maxSecrets   = 2  // the newest secret and the one that it replaces
	minSecretLen = 16 // bytes; a shorter secret can be guessed from the signature of a token
	maxTokenLen  = 2048
)

// Tokens issues and verifies the tokens that authenticate requests. A token is a JWT with HS256 that names a user and a
// session. Tokens is safe for concurrent use.
type Tokens struct {
	secrets [][]byte // newest first
	life    time.Duration
	now     func() time.Time
	parser  *jwt.Parser
}

// NewTokens returns Tokens that sign with the first of secrets and accept tokens signed with any of them. There are one or
// two secrets of at least 16 bytes: two while the older one is being replaced. A life of zero means the default of TokenSettings.
func NewTokens(secrets []string, life time.Duration, now func() time.Time) (*Tokens, error) {
	switch {
	case len(secrets) == 0 || len(secrets) > maxSecrets:
		return nil, fmt.Errorf("there must be one or two token secrets (got %d)", len(secrets))
	case life < 0:
		return nil, fmt.Errorf("--token-life must not be negative (got %v)", life)
	case now == nil:
		return nil, errors.New("api: tokens need a clock")
	}
	t := &Tokens{life: life, now: now}
	if life == 0 {
		var s TokenSettings
		settings.Defaults(&s)
		t.life = s.TokenLife
	}
	for i, secret := range secrets {
		if len(secret) < minSecretLen {
			return nil, fmt.Errorf("token secret %d must have at least %d bytes (got %d)", i+1, minSecretLen, len(secret))
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

// claims are the claims of a token.
type claims struct {
	jwt.RegisteredClaims        // sub: id of the user
	Session              string `json:"sid"`
	Position             int64  `json:"pos"` // position of the sign-in in the log
}

// caller is the user and the session that a valid token names.
type caller struct {
	user     domain.UserID
	session  string
	position int64 // of the sign-in; tables behind it do not have the session yet
}

func (c caller) ref() projections.SessionRef {
	return projections.SessionRef{User: c.user, Session: c.session, Position: c.position}
}

// issue returns a token for c.
func (t *Tokens) issue(c caller) (string, error) {
	now := t.now()
	content := claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject:   strconv.FormatInt(int64(c.user), 10),
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(t.life)),
		},
		Session:  c.session,
		Position: c.position,
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, content).SignedString(t.secrets[0])
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}

// Verify returns the user and the session that a token names. The token may follow "Bearer ". The error is a
// *domain.Refusal: token_missing for an empty token, token_expired for a valid token that has expired, token_invalid
// otherwise. Verify does not check that the session is current: the log does with every command.
func (t *Tokens) Verify(token string) (domain.UserID, string, error) {
	c, err := t.read(token)
	return c.user, c.session, err
}

// Until returns the expiry of a token, for connections that may outlive it. It returns the zero time for a token that
// Verify refuses.
func (t *Tokens) Until(token string) time.Time {
	if _, content, err := t.parse(token); err == nil {
		return content.ExpiresAt.Time
	}
	return time.Time{}
}

// read returns the caller that a token names.
func (t *Tokens) read(token string) (caller, error) {
	user, content, err := t.parse(token)
	if err != nil {
		return caller{}, err
	}
	return caller{user, content.Session, content.Position}, nil
}

// parse returns the user and the claims of a valid token.
func (t *Tokens) parse(token string) (domain.UserID, claims, error) {
	token = withoutScheme(token)
	if token == "" {
		return 0, claims{}, refusal(domain.CodeTokenMissing, "this needs a token: sign in first")
	}
	var content claims
	err := errors.New("too long")
	if len(token) <= maxTokenLen {
		_, err = t.parser.ParseWithClaims(token, &content, t.keys)
	}
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return 0, claims{}, refusal(domain.CodeTokenExpired, "the token has expired: sign in again")
	case err != nil:
		return 0, claims{}, invalidToken()
	}
	user, err := strconv.ParseInt(content.Subject, 10, 64)
	if err != nil || user < 1 || content.Session == "" {
		return 0, claims{}, invalidToken()
	}
	return domain.UserID(user), content, nil
}

func invalidToken() error {
	return refusal(domain.CodeTokenInvalid, "the token is not valid: sign in again")
}

// keys returns all secrets. The parser tries each.
func (t *Tokens) keys(*jwt.Token) (any, error) {
	set := jwt.VerificationKeySet{}
	for _, secret := range t.secrets {
		set.Keys = append(set.Keys, secret)
	}
	return set, nil
}

// withoutScheme returns token without a leading "Bearer ", in upper or lower case.
func withoutScheme(token string) string {
	const scheme = "bearer"
	token = strings.TrimSpace(token)
	if len(token) >= len(scheme) && strings.EqualFold(token[:len(scheme)], scheme) {
		if rest := token[len(scheme):]; rest == "" || rest[0] == ' ' {
			return strings.TrimSpace(rest)
		}
	}
	return token
}
