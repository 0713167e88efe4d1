package token

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"roomlog/domain"
)

const (
	testSecret  = "a secret that is long enough"
	olderSecret = "the secret before that one"
)

func clock(at time.Time) func() time.Time { return func() time.Time { return at } }

func newIssuer(t *testing.T, now time.Time, secrets ...string) *Issuer {
	t.Helper()
	issuer, err := NewIssuer(secrets, time.Hour, clock(now))
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

func TestVerify(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	issuer := newIssuer(t, now, testSecret, olderSecret)
	good, err := issuer.Issue(Claims{User: 12, Session: "s1", Position: 40})
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
	hs256, secret := jwt.SigningMethodHS256, []byte(testSecret)
	parts := strings.Split(good, ".")
	for name, c := range map[string]struct {
		token string
		code  domain.Code
	}{
		"is good":                       {good, ""},
		"is good with Bearer before it": {"Bearer " + good, ""},
		"is good with bearer and spaces before it": {"  bEaReR   " + good + " ", ""},
		"is signed with the older secret":          {sign(hs256, []byte(olderSecret), full(same)), ""},
		"is missing":                               {"", domain.CodeTokenMissing},
		"is missing behind Bearer":                 {"Bearer ", domain.CodeTokenMissing},
		"is the text null":                         {"Bearer null", domain.CodeTokenInvalid},
		"is garbage":                               {"a.b.c", domain.CodeTokenInvalid},
		"is too long":                              {good + strings.Repeat("a", maxLength), domain.CodeTokenInvalid},
		"has expired":                              {sign(hs256, secret, full(func(c jwt.MapClaims) { c["exp"] = now.Unix() - 1 })), domain.CodeTokenExpired},
		"has expired and a foreign signature":      {sign(hs256, []byte("some other secret"), full(func(c jwt.MapClaims) { c["exp"] = 1 })), domain.CodeTokenInvalid},
		"never expires":                            {sign(hs256, secret, full(func(c jwt.MapClaims) { delete(c, "exp") })), domain.CodeTokenInvalid},
		"is signed with another secret":            {sign(hs256, []byte("some other secret"), full(same)), domain.CodeTokenInvalid},
		"is signed with another method":            {sign(jwt.SigningMethodHS512, secret, full(same)), domain.CodeTokenInvalid},
		"is signed with the method none":           {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, full(same)), domain.CodeTokenInvalid},
		"is cut":                                   {good[:len(good)-1], domain.CodeTokenInvalid},
		"has the claims of another token":          {parts[0] + "." + strings.Split(sign(hs256, []byte("x"), full(same)), ".")[1] + "." + parts[2], domain.CodeTokenInvalid},
		"names no session":                         {sign(hs256, secret, full(func(c jwt.MapClaims) { delete(c, "sid") })), domain.CodeTokenInvalid},
		"names no user":                            {sign(hs256, secret, full(func(c jwt.MapClaims) { delete(c, "sub") })), domain.CodeTokenInvalid},
		"names an impossible user":                 {sign(hs256, secret, full(func(c jwt.MapClaims) { c["sub"] = "-1" })), domain.CodeTokenInvalid},
		"has a session of another type":            {sign(hs256, secret, full(func(c jwt.MapClaims) { c["sid"] = 7 })), domain.CodeTokenInvalid},
		"has an invalid issue time":                {sign(hs256, secret, full(func(c jwt.MapClaims) { c["iat"] = "x" })), domain.CodeTokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			user, session, err := issuer.Verify(c.token)
			if c.code == "" {
				if err != nil || user != 12 || session != "s1" {
					t.Fatalf("got user %d, session %q, %v", user, session, err)
				}
				return
			}
			if r := domain.AsRefusal(err); r == nil || r.Code != c.code {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			if user != 0 || session != "" {
				t.Fatalf(`a refused token names user %d, session %q, want 0, ""`, user, session)
			}
		})
	}
}

func TestRead(t *testing.T) {
	issuer := newIssuer(t, time.Unix(1_800_000_000, 0), testSecret)
	want := Claims{User: 12, Session: "s1", Position: 40, IssuedAt: time.Unix(1_800_000_000, 0)}
	token, err := issuer.Issue(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := issuer.Read(token); err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
	after, _ := NewIssuer([]string{testSecret}, time.Hour, clock(time.Unix(1_800_000_000+3601, 0)))
	if _, _, err := after.Verify(token); domain.AsRefusal(err) == nil || domain.AsRefusal(err).Code != domain.CodeTokenExpired {
		t.Fatalf("an hour later: %v", err)
	}
}

func TestUntil(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	issuer := newIssuer(t, now, testSecret)
	good, err := issuer.Issue(Claims{User: 12, Session: "s1", Position: 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{good, "Bearer " + good} {
		if got := issuer.Until(token); !got.Equal(now.Add(time.Hour)) {
			t.Errorf("until %v, want an hour from %v", got, now)
		}
	}
	foreign, err := newIssuer(t, now, olderSecret).Issue(Claims{User: 12, Session: "s1", Position: 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"", "x", foreign} {
		if got := issuer.Until(token); !got.IsZero() {
			t.Errorf("%q: got %v, want the zero time", token, got)
		}
	}
}

func TestDefaultLife(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	issuer, err := NewIssuer([]string{testSecret}, 0, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	token, _ := issuer.Issue(Claims{User: 12, Session: "s1", Position: 1})
	at = at.Add(720*time.Hour - time.Second)
	if _, _, err := issuer.Verify(token); err != nil {
		t.Fatalf("a second before the end: %v", err)
	}
	at = at.Add(2 * time.Second)
	if _, _, err := issuer.Verify(token); err == nil {
		t.Fatal("accepted after its expiry")
	}
}

// TestGoldenVector checks a token that another implementation has issued. Its signature is valid, but it is refused
// because it never expires.
func TestGoldenVector(t *testing.T) {
	const golden = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJlbWFpbCI6IjFAMS5jb20iLCJpYXQiOjE1MjcyNTY0NzF9." +
		"2tVGRzHLh75oDKbdc7WHciM80JeW3y2Pqu9WKdjeGGU"
	issuer := newIssuer(t, time.Unix(1_527_256_500, 0), testSecret)
	issuer.secrets = [][]byte{[]byte("zfpx")}
	signatureOnly := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithoutClaimsValidation())
	if _, err := signatureOnly.Parse(golden, issuer.keys); err != nil {
		t.Fatalf("the signature does not verify: %v", err)
	}
	if _, _, err := issuer.Verify(golden); domain.AsRefusal(err) == nil || domain.AsRefusal(err).Code != domain.CodeTokenInvalid {
		t.Fatalf("a token without exp: %v", err)
	}
}

func TestNewIssuer(t *testing.T) {
	now := clock(time.Unix(0, 0))
	for name, make := range map[string]func() (*Issuer, error){
		"refuses no secret": func() (*Issuer, error) { return NewIssuer(nil, 0, now) },
		"refuses three secrets": func() (*Issuer, error) {
			return NewIssuer([]string{testSecret, olderSecret, "the one before those"}, 0, now)
		},
		"refuses a short secret":  func() (*Issuer, error) { return NewIssuer([]string{"fifteen letters"}, 0, now) },
		"refuses a negative life": func() (*Issuer, error) { return NewIssuer([]string{testSecret}, -1, now) },
		"refuses a missing clock": func() (*Issuer, error) { return NewIssuer([]string{testSecret}, 0, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			if issuer, err := make(); err == nil || issuer != nil {
				t.Fatal("accepted")
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	issuer, err := NewIssuer([]string{testSecret}, time.Hour, clock(time.Unix(1_800_000_000, 0)))
	if err != nil {
		f.Fatal(err)
	}
	good, _ := issuer.Issue(Claims{User: 12, Session: "s1", Position: 40})
	f.Add(good)
	f.Add("Bearer " + good)
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		user, session, err := issuer.Verify(token)
		if err == nil && (user != 12 || session != "s1" || !strings.HasPrefix(withoutScheme(token), good[:len(good)-1])) {
			t.Fatalf("%q was accepted for user %d", token, user)
		}
		if err != nil && domain.AsRefusal(err) == nil {
			t.Fatalf("%q: %v", token, err)
		}
	})
}
