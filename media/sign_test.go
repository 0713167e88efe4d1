package media_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roomlog/media"
)

const (
	goldenKey    = "L3V8KhRHin40gNug58zy"
	goldenSecret = "nodemedia2017privatekey"
	otherSecret  = "another-secret-of-this-server"
)

func at(unix int64) func() time.Time { return func() time.Time { return time.Unix(unix, 0) } }

func newSigner(t testing.TB, now func() time.Time, secrets ...string) *media.Signer {
	t.Helper()
	s, err := media.NewSigner(secrets, 0, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPublishSign(t *testing.T) {
	for _, tt := range []struct {
		name string
		now  int64
		want string
	}{
		{"matches the golden signs", 1602680596 - 100_000, "1602680596-95e13144c935f3fbb045d8fe06374297"},
		{"depends on the expiry", 1602691779 - 100_000, "1602691779-4c4cde8b52e829a17a6baf5b6c404ada"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSigner(t, at(tt.now), goldenSecret)
			if got := s.Publish(goldenKey); got != tt.want {
				t.Fatalf("got %s, want %s", got, tt.want)
			}
			if err := s.Verify(media.ScopePublish, goldenKey, tt.want); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestPlaySignUsesAKeyedHashOfTheSecret(t *testing.T) {
	mac := hmac.New(sha256.New, []byte(goldenSecret))
	mac.Write([]byte("play"))
	want := fmt.Sprintf("%d-%x", 100_500, md5.Sum(fmt.Appendf(nil, "/live/%s-%d-%x", goldenKey, 100_500, mac.Sum(nil))))
	if got := newSigner(t, at(500), goldenSecret).Play(goldenKey); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestVerify(t *testing.T) {
	const now, good = 1602680596, "1602680596-95e13144c935f3fbb045d8fe06374297"
	hash := good[len("1602680596-"):]
	play := newSigner(t, at(now), goldenSecret).Play(goldenKey)
	for _, tt := range []struct {
		name  string
		now   int64
		scope media.Scope
		key   string
		sign  string
		want  error
	}{
		{"grants publishing with a publish sign", now - 9, media.ScopePublish, goldenKey, good, nil},
		{"grants playing with a publish sign", now - 9, media.ScopePlay, goldenKey, good, nil},
		{"grants playing with a play sign", now, media.ScopePlay, goldenKey, play, nil},
		{"refuses publishing with a play sign", now, media.ScopePublish, goldenKey, play, media.ErrSignWrong},
		{"accepts the last second", now, media.ScopePublish, goldenKey, good, nil},
		{"refuses one second later", now + 1, media.ScopePublish, goldenKey, good, media.ErrSignExpired},
		{"refuses an expired play sign", now + 100_001, media.ScopePlay, goldenKey, play, media.ErrSignExpired},
		{"refuses another key", now, media.ScopePublish, goldenKey + "x", good, media.ErrSignWrong},
		{"refuses an empty key", now, media.ScopePublish, "", good, media.ErrSignWrong},
		{"refuses a very long key", now, media.ScopePublish, strings.Repeat("k", 65), good, media.ErrSignWrong},
		{"refuses a later expiry with the same hash", now, media.ScopePublish, goldenKey, "1602680597-" + hash, media.ErrSignWrong},
		{"does not reveal the expiry of a wrong sign", now, media.ScopePublish, goldenKey, "1-" + hash, media.ErrSignWrong},
		{"refuses an unknown scope", now, 0, goldenKey, good, media.ErrSignWrong},
		{"refuses an empty sign", now, media.ScopePlay, goldenKey, "", media.ErrSignMalformed},
		{"refuses upper-case hex", now, media.ScopePublish, goldenKey, strings.ToUpper(good), media.ErrSignWrong},
		{"refuses a missing expiry", now, media.ScopePublish, goldenKey, "-" + hash, media.ErrSignMalformed},
		{"refuses a missing hash", now, media.ScopePublish, goldenKey, "1602680596-", media.ErrSignMalformed},
		{"refuses a missing dash", now, media.ScopePublish, goldenKey, "1602680596" + hash, media.ErrSignMalformed},
		{"refuses a longer hash", now, media.ScopePublish, goldenKey, good + "0", media.ErrSignMalformed},
		{"refuses a negative expiry", now, media.ScopePublish, goldenKey, "-1602680596-" + hash, media.ErrSignMalformed},
		{"refuses an expiry with a plus sign", now, media.ScopePublish, goldenKey, "+" + good, media.ErrSignMalformed},
		{"refuses leading zeros", now, media.ScopePublish, goldenKey, "0" + good, media.ErrSignMalformed},
		{"refuses spaces", now, media.ScopePublish, goldenKey, " " + good, media.ErrSignMalformed},
		{"refuses a hexadecimal expiry", now, media.ScopePublish, goldenKey, "0x5F86F5D4-" + hash, media.ErrSignMalformed},
		{"refuses an expiry beyond int64", now, media.ScopePublish, goldenKey, "9223372036854775808-" + hash, media.ErrSignMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := newSigner(t, at(tt.now), goldenSecret).Verify(tt.scope, tt.key, tt.sign)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestSecretsRotate(t *testing.T) {
	before := newSigner(t, at(0), otherSecret)
	during := newSigner(t, at(0), goldenSecret, otherSecret)
	after := newSigner(t, at(0), goldenSecret)
	check := func(s *media.Signer, sign string, want error) {
		t.Helper()
		if err := s.Verify(media.ScopePublish, goldenKey, sign); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	check(during, before.Publish(goldenKey), nil)
	check(during, during.Publish(goldenKey), nil)
	check(after, during.Publish(goldenKey), nil) // signed with the newest secret
	check(after, before.Publish(goldenKey), media.ErrSignWrong)
	check(during, before.Play(goldenKey), media.ErrSignWrong)
	if err := during.Verify(media.ScopePlay, goldenKey, before.Play(goldenKey)); err != nil {
		t.Errorf("play sign of the older secret: %v", err)
	}
}

func TestNewSigner(t *testing.T) {
	for _, tt := range []struct {
		name    string
		secrets []string
		life    time.Duration
		now     func() time.Time
	}{
		{"refuses no secret", nil, 0, at(0)},
		{"refuses three secrets", []string{goldenSecret, otherSecret, goldenSecret + "3"}, 0, at(0)},
		{"refuses a short secret", []string{"fifteen-bytes-x"}, 0, at(0)},
		{"refuses a short older secret", []string{goldenSecret, ""}, 0, at(0)},
		{"refuses a negative lifetime", []string{goldenSecret}, -time.Second, at(0)},
		{"refuses a lifetime below a second", []string{goldenSecret}, time.Millisecond, at(0)},
		{"refuses a missing clock", []string{goldenSecret}, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := media.NewSigner(tt.secrets, tt.life, tt.now); err == nil {
				t.Fatal("accepted")
			} else if strings.Contains(err.Error(), "fifteen") {
				t.Fatalf("the error shows the secret: %v", err)
			}
		})
	}
	t.Run("uses the given lifetime", func(t *testing.T) {
		s, err := media.NewSigner([]string{goldenSecret}, time.Minute, at(1000))
		if err != nil {
			t.Fatal(err)
		}
		if sign := s.Play(goldenKey); !strings.HasPrefix(sign, "1060-") {
			t.Fatalf("sign %s does not end at 1060", sign)
		}
	})
}

func TestPlaySignNeverGrantsPublishing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		secrets := rapid.SliceOfN(rapid.StringN(16, 40, 80), 1, 2).Draw(rt, "secrets")
		key := rapid.StringMatching(`[0-9a-zA-Z]{20}`).Draw(rt, "key")
		s := newSigner(t, at(rapid.Int64Range(0, 1<<40).Draw(rt, "now")), secrets...)
		if err := s.Verify(media.ScopePublish, key, s.Play(key)); !errors.Is(err, media.ErrSignWrong) {
			rt.Fatalf("publishing opened by a play sign: %v", err)
		}
		for _, sign := range []string{s.Play(key), s.Publish(key)} {
			if err := s.Verify(media.ScopePlay, key, sign); err != nil {
				rt.Fatalf("playing not opened by %s: %v", sign, err)
			}
		}
		if err := s.Verify(media.ScopePublish, key, s.Publish(key)); err != nil {
			rt.Fatalf("a publish sign does not grant publishing: %v", err)
		}
	})
}

// FuzzVerify modifies valid signs. A sign with a changed byte must not be accepted.
func FuzzVerify(f *testing.F) {
	const now = 1602680000
	s := newSigner(f, at(now), goldenSecret, otherSecret)
	publish, play := s.Publish(goldenKey), s.Play(goldenKey)
	older := newSigner(f, at(now), otherSecret)
	good := map[string]bool{publish: true, play: true, older.Publish(goldenKey): true, older.Play(goldenKey): true,
		"1602680596-95e13144c935f3fbb045d8fe06374297": true, "1602691779-4c4cde8b52e829a17a6baf5b6c404ada": true}
	for sign := range good {
		f.Add(goldenKey, sign)
		f.Add(goldenKey, strings.ToUpper(sign))
		f.Add(goldenKey, "0"+sign)
		f.Add(goldenKey[1:], sign)
		f.Add(goldenKey, sign+" ")
		f.Add(goldenKey, sign[1:])
	}
	f.Add("", "-")
	f.Add("\x00", "9223372036854775807-"+strings.Repeat("\xff", 32))
	f.Fuzz(func(t *testing.T, key, sign string) {
		for _, scope := range []media.Scope{0, media.ScopePlay, media.ScopePublish} {
			opened := s.Verify(scope, key, sign) == nil
			if opened && (scope == 0 || key != goldenKey || !good[sign]) {
				t.Fatalf("scope %d of %q granted by %q", scope, key, sign)
			}
			if scope == media.ScopePublish && opened && sign == play {
				t.Fatal("a play sign grants publishing")
			}
		}
	})
}

func TestPlaySignNamesAUser(t *testing.T) {
	s := newSigner(t, at(500), goldenSecret)
	registered := time.UnixMicro(77)
	sign := s.PlayAs(goldenKey, 42, registered)
	anonymous, _, _ := strings.Cut(strings.TrimPrefix(sign, "100500-"), "-")
	if !strings.HasPrefix(sign, "100500-") || !strings.HasSuffix(sign, "-42-77") || media.SignUser(sign) != 42 || media.SignUser(s.Play(goldenKey)) != 0 {
		t.Fatal(sign)
	}
	if !media.SignIsOf(sign, registered) || media.SignIsOf(sign, registered.Add(time.Microsecond)) || media.SignIsOf("x", registered) || !media.SignIsOf(s.Play(goldenKey), registered) {
		t.Error("the sign names another account")
	}
	if err := s.Verify(media.ScopePlay, goldenKey, sign); err != nil {
		t.Fatal(err)
	}
	if err := newSigner(t, at(500), otherSecret, goldenSecret).Verify(media.ScopePlay, goldenKey, sign); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(media.ScopePublish, goldenKey, sign); !errors.Is(err, media.ErrSignWrong) {
		t.Errorf("for publishing: %v", err)
	}
	if err := newSigner(t, at(200_000), goldenSecret).Verify(media.ScopePlay, goldenKey, sign); !errors.Is(err, media.ErrSignExpired) {
		t.Errorf("after its expiry: %v", err)
	}
	for _, other := range []string{
		"100500-" + anonymous, "100500-" + anonymous + "-43-77", "100500-" + anonymous + "-42-78", "100500-" + anonymous + "-042-77", "100500-" + anonymous + "-42-077",
		"100500-" + anonymous + "-0-77", "100500-" + anonymous + "-42-", "100500-" + anonymous + "-42", "100500-" + anonymous + "--77", "100500-" + anonymous + "-42--77",
		"100500-" + anonymous + "-42-77-77", s.Play(goldenKey) + "-42-77", s.Publish(goldenKey) + "-42-77", "100501-" + anonymous + "-42-77",
	} {
		if s.Verify(media.ScopePlay, goldenKey, other) == nil {
			t.Errorf("%s is accepted", other)
		}
	}
}
