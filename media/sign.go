package media

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DefaultSignLife is how long a sign opens its stream: a day and some hours, so that an
// evening's stream never outlives it.
const DefaultSignLife = 100_000 * time.Second

const (
	maxSecrets   = 2  // the newest and the one it replaces
	minSecretLen = 16 // a sign shows its hash to everybody: a shorter secret could be guessed from one
	maxKeyLen    = 64 // room keys have 20 characters; nothing near this is one of ours
	hashLen      = 2 * md5.Size
)

// What Verify says about a sign that opens nothing.
var (
	ErrSignMalformed = errors.New("sign is malformed")
	ErrSignWrong     = errors.New("sign is wrong")
	ErrSignExpired   = errors.New("sign has expired")
)

// Scope is what a sign is asked to open.
type Scope int

// The zero Scope is none of them: no sign opens it.
const (
	ScopePlay    Scope = iota + 1 // watch the stream
	ScopePublish                  // send the stream
)

// Signer makes and verifies the signs in stream URLs: `EXP-HASH`, where EXP is the last unix
// second it is good for and HASH the lower-hex md5 of `/live/KEY-EXP-SECRET`. Publishing uses
// the secret as it stands; playing uses hex(hmac_sha256(secret, "play")) in its place, so that
// one URL format carries two rights. It is safe for concurrent use.
type Signer struct {
	keys []scopedSecrets // newest first
	life time.Duration
	now  func() time.Time
}

type scopedSecrets struct{ publish, play string }

// NewSigner signs with the first of secrets and accepts the signs of all of them: one, or two
// while the older is being replaced. A life of zero is DefaultSignLife.
func NewSigner(secrets []string, life time.Duration, now func() time.Time) (*Signer, error) {
	switch {
	case len(secrets) == 0 || len(secrets) > maxSecrets:
		return nil, fmt.Errorf("signer: want one or two secrets, got %d", len(secrets))
	case life < 0 || life > 0 && life < time.Second:
		return nil, fmt.Errorf("signer: life %v is shorter than a second", life)
	case now == nil:
		return nil, errors.New("signer: no clock")
	}
	s := &Signer{life: life, now: now}
	if life == 0 {
		s.life = DefaultSignLife
	}
	for i, secret := range secrets {
		if len(secret) < minSecretLen {
			return nil, fmt.Errorf("signer: secret %d has %d bytes, want at least %d", i+1, len(secret), minSecretLen)
		}
		s.keys = append(s.keys, scopedSecrets{publish: secret, play: playSecret(secret)})
	}
	return s, nil
}

// Publish returns a fresh sign that opens the stream of key for publishing, and for playing:
// the streamer's preview.
func (s *Signer) Publish(key string) string { return s.sign(key, s.keys[0].publish) }

// Play returns a fresh sign that opens the stream of key for playing only.
func (s *Signer) Play(key string) string { return s.sign(key, s.keys[0].play) }

// Verify answers nil when sign opens scope on the stream of key now. Otherwise the error is
// ErrSignMalformed when it cannot be a sign, ErrSignWrong when its hash does not fit, or
// ErrSignExpired when it was a good one whose time is over.
func (s *Signer) Verify(scope Scope, key, sign string) error {
	exp, hash, err := parseSign(sign)
	if err != nil {
		return err
	}
	if len(key) > maxKeyLen || !s.fits(scope, key, exp, hash) {
		return ErrSignWrong
	}
	if exp < s.now().Unix() {
		return ErrSignExpired
	}
	return nil
}

func (s *Signer) sign(key, secret string) string {
	exp := s.now().Add(s.life).Unix()
	return strconv.FormatInt(exp, 10) + "-" + hashOf(key, exp, secret)
}

// fits compares with every secret that could have opened scope, always all of them: the time
// it takes tells nothing about which one was near.
func (s *Signer) fits(scope Scope, key string, exp int64, hash string) bool {
	same := 0
	for _, k := range s.keys {
		publish := subtle.ConstantTimeCompare([]byte(hash), []byte(hashOf(key, exp, k.publish)))
		play := subtle.ConstantTimeCompare([]byte(hash), []byte(hashOf(key, exp, k.play)))
		switch scope {
		case ScopePublish:
			same |= publish
		case ScopePlay:
			same |= publish | play
		}
	}
	return same == 1
}

// parseSign takes the one spelling that Publish and Play write: another spelling of the same
// number would be a second sign that opens the same door.
func parseSign(sign string) (exp int64, hash string, err error) {
	digits, hash, found := strings.Cut(sign, "-")
	if !found || len(hash) != hashLen {
		return 0, "", ErrSignMalformed
	}
	exp, err = strconv.ParseInt(digits, 10, 64)
	if err != nil || exp < 0 || strconv.FormatInt(exp, 10) != digits {
		return 0, "", ErrSignMalformed
	}
	return exp, hash, nil
}

func hashOf(key string, exp int64, secret string) string {
	sum := md5.Sum([]byte("/live/" + key + "-" + strconv.FormatInt(exp, 10) + "-" + secret))
	return hex.EncodeToString(sum[:])
}

func playSecret(secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("play"))
	return hex.EncodeToString(mac.Sum(nil))
}
