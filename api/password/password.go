package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"roomlog/domain"
)

// Cost is the memory and time that one password hash takes. The zero value stands for the defaults: argon2id parameters
// for servers with little memory, about 20 ms for each hash.
type Cost struct {
	MemoryKiB uint32 // memory in KiB; default 19456
	Passes    uint32 // number of passes over the memory; default 2
	AtOnce    int    // maximum number of passwords that are hashed at the same time; default: number of processors
	Queue     int    // maximum number of passwords that wait to be hashed; default: 64 times AtOnce
	// Wait is the maximum time that a password waits to be hashed; default: 2 s.
	Wait time.Duration
}

// ErrBusy means that a password was not hashed, because too many passwords are waiting, or because it has waited too
// long.
var ErrBusy = errors.New("too many passwords wait to be hashed")

// The bounds of passwords in Unicode code points.
const (
	minLength = 6
	maxLength = 128
)

// The refusal codes of Check.
const (
	CodeTooShort domain.Code = "password_too_short"
	CodeTooLong  domain.Code = "password_too_long"
)

const (
	argonLanes = 1
	saltLen    = 16
	keyLen     = 32
)

// Hasher hashes and verifies passwords. Callers wait while Cost.AtOnce passwords are being hashed. If too many callers
// wait, further passwords are refused immediately, so that the others get their result in time. It is safe for
// concurrent use.
type Hasher struct {
	cost  Cost
	slots chan struct{}
	queue chan struct{} // contains one element for each password that waits
	decoy string        // hash that fits no password, which is verified if the account does not exist
}

// NewHasher returns a Hasher. Fields of cost with the value zero get their defaults.
func NewHasher(cost Cost) *Hasher {
	if cost.MemoryKiB == 0 {
		cost.MemoryKiB = 19456
	}
	if cost.Passes == 0 {
		cost.Passes = 2
	}
	if cost.AtOnce <= 0 {
		cost.AtOnce = runtime.GOMAXPROCS(0)
	}
	if cost.Queue <= 0 {
		cost.Queue = 64 * cost.AtOnce
	}
	if cost.Wait <= 0 {
		cost.Wait = 2 * time.Second
	}
	p := &Hasher{cost: cost, slots: make(chan struct{}, cost.AtOnce), queue: make(chan struct{}, cost.Queue)}
	key := make([]byte, keyLen)
	rand.Read(key) // rand.Read never fails
	p.decoy = p.format(newSalt(), key)
	return p
}

// Check returns a *domain.Refusal if a password is too short or too long, or contains control characters or invalid
// UTF-8.
func Check(password string) error {
	if !utf8.ValidString(password) || strings.ContainsFunc(password, func(r rune) bool {
		return unicode.IsControl(r) || r == utf8.RuneError
	}) {
		return &domain.Refusal{Code: domain.CodeTextInvalid, Text: "the password must not contain control characters"}
	}
	switch n := utf8.RuneCountInString(password); {
	case n < minLength:
		return &domain.Refusal{Code: CodeTooShort, Text: fmt.Sprintf("the password must have at least %d characters", minLength)}
	case n > maxLength:
		return &domain.Refusal{Code: CodeTooLong, Text: fmt.Sprintf("the password must have at most %d characters", maxLength)}
	}
	return nil
}

// Hash returns the hash of a password. It waits for a free slot, and returns ErrBusy if there is none in time.
func (p *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	return p.encode(password), nil
}

// Verify reports whether hash is a hash of password. For an empty hash it returns false after the same time as for any
// other hash, so that the time does not reveal which accounts exist. It waits like Hash.
func (p *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = p.decoy
	}
	parsed, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	got := argon2.IDKey([]byte(password), parsed.salt, parsed.passes, parsed.memory, parsed.lanes, uint32(len(parsed.key)))
	return subtle.ConstantTimeCompare(got, parsed.key) == 1 && known, nil
}

// passwordHash is a hash, parsed into its parameters.
type passwordHash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func parseHash(hash string) (passwordHash, error) {
	var h passwordHash
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != "v=19" {
		return h, fmt.Errorf("verify a password: unknown kind of hash")
	}
	_, costs := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes)
	var salt, key error
	h.salt, salt = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, key = base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(costs, salt, key); err != nil {
		return h, fmt.Errorf("verify a password: parse the hash: %w", err)
	}
	if h.passes == 0 || h.lanes == 0 || len(h.key) == 0 {
		return h, fmt.Errorf("verify a password: damaged hash")
	}
	return h, nil
}

func (p *Hasher) encode(password string) string {
	salt := newSalt()
	return p.format(salt, argon2.IDKey([]byte(password), salt, p.cost.Passes, p.cost.MemoryKiB, argonLanes, keyLen))
}

func newSalt() []byte {
	salt := make([]byte, saltLen)
	rand.Read(salt) // rand.Read never fails
	return salt
}

// format returns the text of a hash with the cost of p.
func (p *Hasher) format(salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.cost.MemoryKiB, p.cost.Passes, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// enter takes a slot for hashing one password. It waits at most Cost.Wait, and not at all if Cost.Queue passwords are
// waiting.
func (p *Hasher) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case p.queue <- struct{}{}:
		defer func() { <-p.queue }()
	default:
		return ErrBusy
	}
	deadline := time.NewTimer(p.cost.Wait)
	defer deadline.Stop()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-deadline.C:
		return ErrBusy
	case <-ctx.Done():
		return fmt.Errorf("wait for a slot to hash a password: %w", ctx.Err())
	}
}

func (p *Hasher) leave() { <-p.slots }
