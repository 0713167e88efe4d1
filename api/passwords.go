package api

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"roomlog/domain"
)

// PasswordCost says how much work one guess at a password is. The zero value is a good one:
// the second choice of RFC 9106 scaled to servers with little memory, about 20 ms.
type PasswordCost struct {
	MemoryKiB uint32 // default 19456
	Passes    uint32 // default 2
	AtOnce    int    // how many are worked on at the same time; default: one a processor
}

// Bounds of passwords, in Unicode code points.
const (
	minPassword = 6
	maxPassword = 128
)

const (
	argonLanes = 1
	saltLen    = 16
	keyLen     = 32
)

// passwords hashes and verifies with argon2id. The work is bounded: more callers wait.
type passwords struct {
	cost  PasswordCost
	slots chan struct{}
	decoy string // a hash that nobody knows the password of
}

func newPasswords(cost PasswordCost) *passwords {
	if cost.MemoryKiB == 0 {
		cost.MemoryKiB = 19456
	}
	if cost.Passes == 0 {
		cost.Passes = 2
	}
	if cost.AtOnce <= 0 {
		cost.AtOnce = runtime.GOMAXPROCS(0)
	}
	p := &passwords{cost: cost, slots: make(chan struct{}, cost.AtOnce)}
	p.decoy = p.encode(rand.Text())
	return p
}

// check refuses what cannot be a password of ours.
func (p *passwords) check(password string) error {
	if !utf8.ValidString(password) || strings.ContainsFunc(password, func(r rune) bool {
		return unicode.IsControl(r) || r == utf8.RuneError
	}) {
		return &domain.Refusal{Code: domain.CodeTextInvalid, Text: "password has a character that cannot be typed"}
	}
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return refusal(codePasswordShort, "a password has at least %d characters", minPassword)
	case n > maxPassword:
		return refusal(codePasswordLong, "a password has %d characters at most", maxPassword)
	}
	return nil
}

// hash answers what is kept of password. It waits for a free slot, or for ctx.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	return p.encode(password), nil
}

// verify says whether hash is one of password. An empty hash is never: finding that out takes
// as long as with any other, so that the time tells nobody which names exist.
func (p *passwords) verify(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = p.decoy
	}
	kept, err := decode(hash)
	if err != nil {
		return false, err
	}
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	got := argon2.IDKey([]byte(password), kept.salt, kept.passes, kept.memory, kept.lanes, uint32(len(kept.key)))
	return subtle.ConstantTimeCompare(got, kept.key) == 1 && known, nil
}

// kept is a password's hash, taken apart.
type kept struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func decode(hash string) (kept, error) {
	var k kept
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != "v=19" {
		return k, fmt.Errorf("verify a password: its hash is of an unknown kind")
	}
	_, costs := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &k.memory, &k.passes, &k.lanes)
	var salt, key error
	k.salt, salt = base64.RawStdEncoding.DecodeString(parts[4])
	k.key, key = base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(costs, salt, key); err != nil {
		return k, fmt.Errorf("verify a password: read its hash: %w", err)
	}
	if k.passes == 0 || k.lanes == 0 || len(k.key) == 0 {
		return k, fmt.Errorf("verify a password: its hash is damaged")
	}
	return k, nil
}

func (p *passwords) encode(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails
	key := argon2.IDKey([]byte(password), salt, p.cost.Passes, p.cost.MemoryKiB, argonLanes, keyLen)
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.cost.MemoryKiB, p.cost.Passes, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

func (p *passwords) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to work on a password: %w", ctx.Err())
	}
}

func (p *passwords) leave() { <-p.slots }
