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

	"roomlog/internal/settings"
)

// SignSettings are the settings of a Signer.
type SignSettings struct {
	// SignLife is about 28 hours, so that a sign does not expire during a long broadcast.
	SignLife time.Duration `default:"100000s" min:"1m" max:"8760h" help:"Time for which the sign of a stream address is valid. A sign authorizes publishing or playing one stream."`
}

const (
	maxSecrets   = 2  // the current secret, and the secret that it replaces
	minSecretLen = 16 // minimum length in bytes; a shorter secret could be guessed from the hash in a sign
	maxKeyLen    = 64 // stream keys have 20 characters
	hashLen      = 2 * md5.Size
)

// The errors of Verify.
var (
	ErrSignMalformed = errors.New("media: malformed sign")
	ErrSignWrong     = errors.New("media: wrong sign")
	ErrSignExpired   = errors.New("media: expired sign")
)

// Scope is the right that a sign must grant.
type Scope int

// The scopes. No sign grants the zero Scope.
const (
	ScopePlay    Scope = iota + 1 // the right to play the stream
	ScopePublish                  // the right to publish the stream
)

// Signer creates and verifies the signs in stream URLs, which have the form EXP-HASH. EXP is the last Unix second in
// which the sign is valid. HASH is the lower-case hexadecimal MD5 of "/live/KEY-EXP-SECRET". SECRET is the secret
// itself in a publish sign, and hex(hmac_sha256(secret, "play")) in a play sign. Both rights therefore use the same URL
// format. A Signer is safe for concurrent use.
type Signer struct {
	keys []scopedSecrets // secrets, newest first
	life time.Duration
	now  func() time.Time
}

type scopedSecrets struct{ publish, play string }

// NewSigner returns a Signer that signs with the first secret and accepts signs made with any of them. There are two
// secrets while the older one is being replaced. If life is 0, the default of SignSettings applies.
func NewSigner(secrets []string, life time.Duration, now func() time.Time) (*Signer, error) {
	switch {
	case len(secrets) == 0 || len(secrets) > maxSecrets:
		return nil, fmt.Errorf("there must be one or two sign secrets (got %d)", len(secrets))
	case life < 0 || life > 0 && life < time.Second:
		return nil, fmt.Errorf("media: the lifetime of signs must be at least 1s (got %v)", life)
	case now == nil:
		return nil, errors.New("media: a signer needs a clock")
	}
	s := &Signer{life: life, now: now}
	if life == 0 {
		var defaults SignSettings
		settings.Defaults(&defaults)
		s.life = defaults.SignLife
	}
	for i, secret := range secrets {
		if len(secret) < minSecretLen {
			return nil, fmt.Errorf("sign secret %d must have at least %d bytes (got %d)", i+1, minSecretLen, len(secret))
		}
		s.keys = append(s.keys, scopedSecrets{publish: secret, play: playSecret(secret)})
	}
	return s, nil
}

// Publish returns a new sign for publishing the stream of key. The sign also grants playing, for the preview of the
// streamer.
func (s *Signer) Publish(key string) string { return s.sign(key, s.keys[0].publish) }

// Play returns a new sign for playing the stream of key.
func (s *Signer) Play(key string) string { return s.sign(key, s.keys[0].play) }

// Verify returns nil if sign grants scope on the stream of key now. Otherwise it returns ErrSignMalformed, ErrSignWrong
// (the hash does not match) or ErrSignExpired (the hash matches, but the sign has expired).
func (s *Signer) Verify(scope Scope, key, sign string) error {
	exp, hash, err := parseSign(sign)
	if err != nil {
		return err
	}
	if len(key) > maxKeyLen || !s.matches(scope, key, exp, hash) {
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

// matches reports whether hash grants scope. It always compares all hashes, in constant time, so that its duration
// reveals nothing about the secrets.
func (s *Signer) matches(scope Scope, key string, exp int64, hash string) bool {
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

// parseSign splits a sign into its expiry and its hash. It accepts only the canonical form of the number, so that each
// expiry has only one valid sign.
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
