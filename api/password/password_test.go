package password

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/internal/waittest"
)

func cheapHasher() *Hasher {
	return NewHasher(Cost{MemoryKiB: 64, Passes: 1, AtOnce: 1})
}

func TestVerify(t *testing.T) {
	p := cheapHasher()
	hash, err := p.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("hash %q", hash)
	}
	again, _ := p.Hash(t.Context(), "correct horse")
	if again == hash {
		t.Fatal("two hashes of one password are equal: no salt")
	}
	for name, c := range map[string]struct {
		hash, password string
		right          bool
	}{
		"the right password":               {hash, "correct horse", true},
		"the right password, another salt": {again, "correct horse", true},
		"another password":                 {hash, "correct horsf", false},
		"an empty password":                {hash, "", false},
		"an empty hash":                    {"", "correct horse", false},
	} {
		t.Run(name, func(t *testing.T) {
			if right, err := p.Verify(t.Context(), c.hash, c.password); err != nil || right != c.right {
				t.Fatalf("got %v, %v", right, err)
			}
		})
	}
}

func TestCost(t *testing.T) {
	t.Run("a hash of another cost verifies", func(t *testing.T) {
		hash, _ := NewHasher(Cost{MemoryKiB: 128, Passes: 2}).Hash(t.Context(), "correct horse")
		if right, err := cheapHasher().Verify(t.Context(), hash, "correct horse"); err != nil || !right {
			t.Fatalf("got %v, %v", right, err)
		}
	})
	t.Run("a hash of the reference implementation verifies", func(t *testing.T) {
		// A vector of the reference implementation: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32
		const golden = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
		if right, err := cheapHasher().Verify(t.Context(), golden, "password"); err != nil || !right {
			t.Fatalf("got %v, %v", right, err)
		}
	})
	t.Run("the default has the recommended work", func(t *testing.T) {
		if p := NewHasher(Cost{}); p.cost.MemoryKiB < 19456 || p.cost.Passes < 2 || p.cost.AtOnce < 1 {
			t.Fatalf("cost %+v", p.cost)
		}
	})
	t.Run("a missing account costs as much as any other", func(t *testing.T) {
		p := NewHasher(Cost{MemoryKiB: 128, Passes: 3})
		hash, _ := p.Hash(t.Context(), "correct horse")
		want, _ := parseHash(hash)
		got, err := parseHash(p.decoy)
		if err != nil || got.memory != want.memory || got.passes != want.passes || got.lanes != want.lanes || len(got.salt) != len(want.salt) || len(got.key) != len(want.key) {
			t.Fatalf("got %+v, %v, want the parameters of %+v", got, err, want)
		}
	})
	for _, damaged := range []string{
		"x", "$argon2i$v=19$m=64,t=1,p=1$YQ$YQ", "$argon2id$v=18$m=64,t=1,p=1$YQ$YQ", "$argon2id$v=19$m=64,t=0,p=1$YQ$YQ",
		"$argon2id$v=19$m=64,t=1,p=0$YQ$YQ", "$argon2id$v=19$m=64,t=1,p=1$YQ$", "$argon2id$v=19$m=64,t=1,p=1$!$YQ", "$argon2id$v=19$m=,t=1,p=1$YQ$YQ",
	} {
		t.Run("damaged "+damaged, func(t *testing.T) {
			if right, err := cheapHasher().Verify(t.Context(), damaged, "a"); err == nil || right {
				t.Fatalf("got %v, %v", right, err)
			}
		})
	}
}

func TestHashAndVerifyWaitForASlot(t *testing.T) {
	p := cheapHasher()
	if err := p.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Hash(ended, "correct horse"); !errors.Is(err, context.Canceled) {
		t.Fatalf("hash with no slot free: %v", err)
	}
	if _, err := p.Verify(ended, "", "correct horse"); !errors.Is(err, context.Canceled) {
		t.Fatalf("verify with no slot free: %v", err)
	}
	p.leave()
	if _, err := p.Hash(t.Context(), "correct horse"); err != nil {
		t.Fatal(err)
	}
}

func TestFloodIsRefused(t *testing.T) {
	p := NewHasher(Cost{MemoryKiB: 64, Passes: 1, AtOnce: 1, Queue: 2, Wait: time.Hour})
	if err := p.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := p.Verify(t.Context(), "", "correct horse")
			results <- err
		}()
	}
	for len(p.queue) < 2 { // waits until both passwords wait
		runtime.Gosched()
	}
	for range 300 {
		if _, err := p.Hash(t.Context(), "correct horse"); !errors.Is(err, ErrBusy) {
			t.Fatalf("with a full queue: %v", err)
		}
	}
	p.leave()
	for range 2 {
		if err := waittest.Receive(t, results, "a password that waits"); err != nil {
			t.Fatalf("a password that waited: %v", err)
		}
	}
}

func TestWaitIsBounded(t *testing.T) {
	p := NewHasher(Cost{MemoryKiB: 64, Passes: 1, AtOnce: 1, Wait: time.Nanosecond})
	if err := p.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Verify(t.Context(), "", "correct horse"); !errors.Is(err, ErrBusy) {
		t.Fatalf("after the deadline: %v", err)
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		password string
		code     domain.Code
	}{
		"six characters":                  {"123456", ""},
		"six Chinese characters":          {"密码密码密码", ""},
		"128 characters":                  {strings.Repeat("密", 128), ""},
		"five characters":                 {"密码密码密", CodeTooShort},
		"129 characters":                  {strings.Repeat("a", 129), CodeTooLong},
		"invalid UTF-8":                   {"abcdef\xff", domain.CodeTextInvalid},
		"a NUL":                           {"abcdef\x00", domain.CodeTextInvalid},
		"a replacement character":         {"abcdef\ufffd", domain.CodeTextInvalid},
		"a line feed":                     {"abcdef\n", domain.CodeTextInvalid},
		"a space inside":                  {"abc def", ""},
		"surrounding spaces, which count": {" abcd ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check(c.password)
			if r := domain.AsRefusal(err); c.code == "" && err != nil || c.code != "" && (r == nil || r.Code != c.code) {
				t.Fatalf("got %v, want %q", err, c.code)
			}
		})
	}
}
