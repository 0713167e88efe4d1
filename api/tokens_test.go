package api

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"roomlog/domain"
)

const (
	secretOfTests = "a secret that is long enough"
	olderSecret   = "the secret before that one"
)

func clock(at time.Time) func() time.Time { return func() time.Time { return at } }

func newTokens(t *testing.T, now time.Time, secrets ...string) *Tokens {
	t.Helper()
	tokens, err := NewTokens(secrets, time.Hour, clock(now))
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestTokensVerify(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	tokens := newTokens(t, now, secretOfTests, olderSecret)
	good, err := tokens.issue(caller{12, "s1", 40})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(method jwt.SigningMethod, key any, c jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(method, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	full := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{"sub": "12", "sid": "s1", "exp": now.Add(time.Minute).Unix()}
		change(c)
		return c
	}
	same := func(jwt.MapClaims) {}
	hs256, secret := jwt.SigningMethodHS256, []byte(secretOfTests)
	parts := strings.Split(good, ".")
	for name, c := range map[string]struct {
		token string
		code  domain.Code
	}{
		"is good":                               {good, ""},
		"is good with Bearer before it":         {"Bearer " + good, ""},
		"is good with bearer and spaces":        {"  bEaReR   " + good + " ", ""},
		"is good with the older secret":         {sign(hs256, []byte(olderSecret), full(same)), ""},
		"is missing":                            {"", domain.CodeTokenMissing},
		"is missing behind Bearer":              {"Bearer ", domain.CodeTokenMissing},
		"is the word null":                      {"Bearer null", domain.CodeTokenInvalid},
		"is garbage":                            {"a.b.c", domain.CodeTokenInvalid},
		"is too long":                           {good + strings.Repeat("a", maxTokenLen), domain.CodeTokenInvalid},
		"has expired":                           {sign(hs256, secret, full(func(c jwt.MapClaims) { c["exp"] = now.Unix() - 1 })), domain.CodeTokenExpired},
		"has expired and is another's":          {sign(hs256, []byte("some other secret"), full(func(c jwt.MapClaims) { c["exp"] = 1 })), domain.CodeTokenInvalid},
		"never expires":                         {sign(hs256, secret, full(func(c jwt.MapClaims) { delete(c, "exp") })), domain.CodeTokenInvalid},
		"is signed with another secret":         {sign(hs256, []byte("some other secret"), full(same)), domain.CodeTokenInvalid},
		"is signed with another method":         {sign(jwt.SigningMethodHS512, secret, full(same)), domain.CodeTokenInvalid},
		"is signed with the method none":        {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, full(same)), domain.CodeTokenInvalid},
		"is cut":                                {good[:len(good)-1], domain.CodeTokenInvalid},
		"has the claims of another":             {parts[0] + "." + strings.Split(sign(hs256, []byte("x"), full(same)), ".")[1] + "." + parts[2], domain.CodeTokenInvalid},
		"names no session":                      {sign(hs256, secret, full(func(c jwt.MapClaims) { delete(c, "sid") })), domain.CodeTokenInvalid},
		"names no user":                         {sign(hs256, secret, full(func(c jwt.MapClaims) { delete(c, "sub") })), domain.CodeTokenInvalid},
		"names a user who cannot be":            {sign(hs256, secret, full(func(c jwt.MapClaims) { c["sub"] = "-1" })), domain.CodeTokenInvalid},
		"has a session that is no text":         {sign(hs256, secret, full(func(c jwt.MapClaims) { c["sid"] = 7 })), domain.CodeTokenInvalid},
		"has an issue time that is not a clock": {sign(hs256, secret, full(func(c jwt.MapClaims) { c["iat"] = "x" })), domain.CodeTokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			user, session, err := tokens.Verify(c.token)
			if c.code == "" {
				if err != nil || user != 12 || session != "s1" {
					t.Fatalf("got user %d, session %q, %v", user, session, err)
				}
				return
			}
			if no := domain.AsRefusal(err); no == nil || no.Code != c.code {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			if user != 0 || session != "" {
				t.Fatalf("a refused token names user %d, session %q", user, session)
			}
		})
	}
}

func TestTokensRemember(t *testing.T) {
	tokens := newTokens(t, time.Unix(1_800_000_000, 0), secretOfTests)
	want := caller{12, "s1", 40}
	token, err := tokens.issue(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tokens.read(token); err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
	after, _ := NewTokens([]string{secretOfTests}, time.Hour, clock(time.Unix(1_800_000_000+3601, 0)))
	if _, _, err := after.Verify(token); domain.AsRefusal(err) == nil || domain.AsRefusal(err).Code != domain.CodeTokenExpired {
		t.Fatalf("an hour later: %v", err)
	}
}

func TestTokensUntil(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	tokens := newTokens(t, now, secretOfTests)
	good, err := tokens.issue(caller{12, "s1", 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{good, "Bearer " + good} {
		if got := tokens.Until(token); !got.Equal(now.Add(time.Hour)) {
			t.Errorf("until %v, want an hour from %v", got, now)
		}
	}
	foreign, err := newTokens(t, now, olderSecret).issue(caller{12, "s1", 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"", "x", foreign} {
		if got := tokens.Until(token); !got.IsZero() {
			t.Errorf("%q is good until %v", token, got)
		}
	}
}

func TestTokenDefaultLife(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	tokens, err := NewTokens([]string{secretOfTests}, 0, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	token, _ := tokens.issue(caller{12, "s1", 1})
	at = at.Add(720*time.Hour - time.Second)
	if _, _, err := tokens.Verify(token); err != nil {
		t.Fatalf("a second before the end: %v", err)
	}
	at = at.Add(2 * time.Second)
	if _, _, err := tokens.Verify(token); err == nil {
		t.Fatal("it outlives its life")
	}
}

// The golden vector of the contract: the signature is what other implementations make, and a
// token without an end is refused nevertheless.
func TestTokenGoldenVector(t *testing.T) {
	const golden = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJlbWFpbCI6IjFAMS5jb20iLCJpYXQiOjE1MjcyNTY0NzF9." +
		"2tVGRzHLh75oDKbdc7WHciM80JeW3y2Pqu9WKdjeGGU"
	tokens := newTokens(t, time.Unix(1_527_256_500, 0), secretOfTests)
	tokens.secrets = [][]byte{[]byte("zfpx")}
	signatureOnly := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithoutClaimsValidation())
	if _, err := signatureOnly.Parse(golden, tokens.keys); err != nil {
		t.Fatalf("the signature does not verify: %v", err)
	}
	if _, _, err := tokens.Verify(golden); domain.AsRefusal(err) == nil || domain.AsRefusal(err).Code != domain.CodeTokenInvalid {
		t.Fatalf("a token without exp: %v", err)
	}
}

func TestNewTokens(t *testing.T) {
	now := clock(time.Unix(0, 0))
	for name, make := range map[string]func() (*Tokens, error){
		"refuses no secret": func() (*Tokens, error) { return NewTokens(nil, 0, now) },
		"refuses three secrets": func() (*Tokens, error) {
			return NewTokens([]string{secretOfTests, olderSecret, "the one before those"}, 0, now)
		},
		"refuses a short secret":  func() (*Tokens, error) { return NewTokens([]string{"fifteen letters"}, 0, now) },
		"refuses a negative life": func() (*Tokens, error) { return NewTokens([]string{secretOfTests}, -1, now) },
		"refuses to have no time": func() (*Tokens, error) { return NewTokens([]string{secretOfTests}, 0, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			if tokens, err := make(); err == nil || tokens != nil {
				t.Fatal("accepted")
			}
		})
	}
}

func FuzzTokens(f *testing.F) {
	tokens, err := NewTokens([]string{secretOfTests}, time.Hour, clock(time.Unix(1_800_000_000, 0)))
	if err != nil {
		f.Fatal(err)
	}
	good, _ := tokens.issue(caller{12, "s1", 40})
	f.Add(good)
	f.Add("Bearer " + good)
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		user, session, err := tokens.Verify(token)
		if err == nil && (user != 12 || session != "s1" || !strings.HasPrefix(withoutScheme(token), good[:len(good)-1])) {
			t.Fatalf("%q opens the door for user %d", token, user)
		}
		if err != nil && domain.AsRefusal(err) == nil {
			t.Fatalf("%q: %v", token, err)
		}
	})
}
