package token

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"roomlog/api/secret"
	"roomlog/domain"
	"roomlog/internal/settings"
)

// Settings configures an Issuer.
type Settings struct {
	TokenLife time.Duration `default:"720h" min:"1m" max:"87600h" help:"Time for which a sign-in token is valid. With the default, a phone signs in about once a month."`
}

const maxLength = 2048 // maximum length of a token in bytes

// Issuer issues and verifies tokens. It is safe for concurrent use.
type Issuer struct {
	secrets [][]byte // secrets, newest first
	life    time.Duration
	now     func() time.Time
	parser  *jwt.Parser
}

// NewIssuer returns an Issuer. It signs with the first of secrets and accepts tokens that are signed with any of
// them. secrets contains one or two secrets of at least 16 bytes: two while you replace a secret. If life is zero,
// the default of Settings applies.
func NewIssuer(secrets []string, life time.Duration, now func() time.Time) (*Issuer, error) {
	checked, err := secret.Check("token", secrets)
	switch {
	case err != nil:
		return nil, err
	case life < 0:
		return nil, fmt.Errorf("--token-life must not be negative (got %v)", life)
	case now == nil:
		return nil, errors.New("token: an Issuer needs a clock")
	}
	t := &Issuer{secrets: checked, life: life, now: now}
	if life == 0 {
		var s Settings
		settings.Defaults(&s)
		t.life = s.TokenLife
	}
	t.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(now),
	)
	return t, nil
}

// payload is the JSON payload of a token.
type payload struct {
	jwt.RegisteredClaims        // the claim sub is the id of the user
	Session              string `json:"sid"`
	Position             int64  `json:"pos"` // position of the sign-in event in the log
}

// Claims holds the contents of a token.
type Claims struct {
	User     domain.UserID
	Session  string
	Position int64     // position of the sign-in event in the log; tables that have reached it contain the sign-in session
	IssuedAt time.Time // time of issue; zero if the token does not contain it; ignored by Issue
}

// Issue returns a token for a user and a sign-in session.
func (t *Issuer) Issue(c Claims) (string, error) {
	now := t.now()
	content := payload{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject:   strconv.FormatInt(int64(c.User), 10),
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(t.life)),
		},
		Session:  c.Session,
		Position: c.Position,
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, content).SignedString(t.secrets[0])
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}

// Verify returns the user and the sign-in session in a token. The token may begin with "Bearer ". The error is a
// *domain.Refusal: token_missing for an empty token, token_expired for an expired token with a valid signature, and
// token_invalid otherwise. Verify does not check that the sign-in session is current: the log does so for every
// command.
func (t *Issuer) Verify(token string) (domain.UserID, string, error) {
	c, err := t.Read(token)
	return c.User, c.Session, err
}

// Until returns the time at which a token expires. Connections that last longer must end then. It returns the zero time
// for a token that Verify refuses.
func (t *Issuer) Until(token string) time.Time {
	if _, content, err := t.parse(token); err == nil {
		return content.ExpiresAt.Time
	}
	return time.Time{}
}

// Read returns the claims of a token. It returns the same errors as Verify.
func (t *Issuer) Read(token string) (Claims, error) {
	user, content, err := t.parse(token)
	if err != nil {
		return Claims{}, err
	}
	c := Claims{User: user, Session: content.Session, Position: content.Position}
	if content.IssuedAt != nil {
		c.IssuedAt = content.IssuedAt.Time
	}
	return c, nil
}

// Issued returns the user and the sign-in session in a token that this system has issued, even if the token has
// expired. It reports false for other tokens.
func (t *Issuer) Issued(token string) (user domain.UserID, session string, ok bool) {
	var content payload
	token = withoutScheme(token)
	if token == "" || len(token) > maxLength {
		return 0, "", false
	}
	if _, err := t.parser.ParseWithClaims(token, &content, t.keys); err != nil && !errors.Is(err, jwt.ErrTokenExpired) {
		return 0, "", false
	}
	id, err := strconv.ParseInt(content.Subject, 10, 64)
	return domain.UserID(id), content.Session, err == nil && id > 0 && content.Session != ""
}

// parse returns the user and the payload of a token, or the errors of Verify.
func (t *Issuer) parse(token string) (domain.UserID, payload, error) {
	token = withoutScheme(token)
	if token == "" {
		return 0, payload{}, &domain.Refusal{Code: domain.CodeTokenMissing, Text: "this needs a token: sign in first"}
	}
	var content payload
	err := errors.New("too long")
	if len(token) <= maxLength {
		_, err = t.parser.ParseWithClaims(token, &content, t.keys)
	}
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return 0, payload{}, &domain.Refusal{Code: domain.CodeTokenExpired, Text: "the token has expired: sign in again"}
	case err != nil:
		return 0, payload{}, Invalid()
	}
	user, err := strconv.ParseInt(content.Subject, 10, 64)
	if err != nil || user < 1 || content.Session == "" {
		return 0, payload{}, Invalid()
	}
	return domain.UserID(user), content, nil
}

// Invalid returns the refusal for an invalid token.
func Invalid() error {
	return &domain.Refusal{Code: domain.CodeTokenInvalid, Text: "the token is not valid: sign in again"}
}

// keys returns all secrets. The JWT parser tries each.
func (t *Issuer) keys(*jwt.Token) (any, error) {
	set := jwt.VerificationKeySet{}
	for _, secret := range t.secrets {
		set.Keys = append(set.Keys, secret)
	}
	return set, nil
}

// withoutScheme returns token without "Bearer " at the beginning, in upper or lower case.
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
