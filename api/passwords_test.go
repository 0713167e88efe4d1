package api

import (
	"context"
	"errors"
	"strings"
	"testing"

	"roomlog/domain"
)

func cheapPasswords() *passwords {
	return newPasswords(PasswordCost{MemoryKiB: 64, Passes: 1, AtOnce: 1})
}

func TestPasswords(t *testing.T) {
	p := cheapPasswords()
	hash, err := p.hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("hash %q", hash)
	}
	again, _ := p.hash(t.Context(), "correct horse")
	if again == hash {
		t.Fatal("two hashes of one password are equal: no salt")
	}
	for name, c := range map[string]struct {
		hash, password string
		right          bool
	}{
		"the right one":             {hash, "correct horse", true},
		"the right one, other salt": {again, "correct horse", true},
		"another one":               {hash, "correct horsf", false},
		"an empty one":              {hash, "", false},
		"no account":                {"", "correct horse", false},
	} {
		t.Run(name, func(t *testing.T) {
			if right, err := p.verify(t.Context(), c.hash, c.password); err != nil || right != c.right {
				t.Fatalf("got %v, %v", right, err)
			}
		})
	}
}

func TestPasswordCosts(t *testing.T) {
	t.Run("a hash of another cost still verifies", func(t *testing.T) {
		hash, _ := newPasswords(PasswordCost{MemoryKiB: 128, Passes: 2}).hash(t.Context(), "correct horse")
		if right, err := cheapPasswords().verify(t.Context(), hash, "correct horse"); err != nil || !right {
			t.Fatalf("got %v, %v", right, err)
		}
	})
	t.Run("a golden hash verifies", func(t *testing.T) {
		// echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32: a vector of the reference implementation.
		const golden = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
		if right, err := cheapPasswords().verify(t.Context(), golden, "password"); err != nil || !right {
			t.Fatalf("got %v, %v", right, err)
		}
	})
	t.Run("the default is worth its name", func(t *testing.T) {
		if p := newPasswords(PasswordCost{}); p.cost.MemoryKiB < 19456 || p.cost.Passes < 2 || p.cost.AtOnce < 1 {
			t.Fatalf("cost %+v", p.cost)
		}
	})
	for _, damaged := range []string{
		"x", "$argon2i$v=19$m=64,t=1,p=1$YQ$YQ", "$argon2id$v=18$m=64,t=1,p=1$YQ$YQ", "$argon2id$v=19$m=64,t=0,p=1$YQ$YQ",
		"$argon2id$v=19$m=64,t=1,p=0$YQ$YQ", "$argon2id$v=19$m=64,t=1,p=1$YQ$", "$argon2id$v=19$m=64,t=1,p=1$!$YQ", "$argon2id$v=19$m=,t=1,p=1$YQ$YQ",
	} {
		t.Run("damaged "+damaged, func(t *testing.T) {
			if right, err := cheapPasswords().verify(t.Context(), damaged, "a"); err == nil || right {
				t.Fatalf("got %v, %v", right, err)
			}
		})
	}
}

func TestPasswordWorkIsBounded(t *testing.T) {
	p := cheapPasswords()
	if err := p.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.hash(ended, "correct horse"); !errors.Is(err, context.Canceled) {
		t.Fatalf("hash with no slot free: %v", err)
	}
	if _, err := p.verify(ended, "", "correct horse"); !errors.Is(err, context.Canceled) {
		t.Fatalf("verify with no slot free: %v", err)
	}
	p.leave()
	if _, err := p.hash(t.Context(), "correct horse"); err != nil {
		t.Fatal(err)
	}
}

func TestPasswordCheck(t *testing.T) {
	p := cheapPasswords()
	for name, c := range map[string]struct {
		password string
		code     domain.Code
	}{
		"six characters":            {"123456", ""},
		"six Chinese characters":    {"密码密码密码", ""},
		"128 characters":            {strings.Repeat("密", 128), ""},
		"five characters":           {"密码密码密", codePasswordShort},
		"129 characters":            {strings.Repeat("a", 129), codePasswordLong},
		"invalid UTF-8":             {"abcdef\xff", domain.CodeTextInvalid},
		"a NUL":                     {"abcdef\x00", domain.CodeTextInvalid},
		"half a character":          {"abcdef\ufffd", domain.CodeTextInvalid},
		"a line feed":               {"abcdef\n", domain.CodeTextInvalid},
		"a space inside":            {"abc def", ""},
		"spaces around, which hold": {" abcd ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := p.check(c.password)
			if no := domain.AsRefusal(err); c.code == "" && err != nil || c.code != "" && (no == nil || no.Code != c.code) {
				t.Fatalf("got %v, want %q", err, c.code)
			}
		})
	}
}
