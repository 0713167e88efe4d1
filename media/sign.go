package media

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
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
	maxKeyLen    = 64 // maximum length of a stream key in bytes; those of lives have 20 characters
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

// Signer creates and verifies the signs in stream URLs: `EXP-HASH`. EXP is the last Unix second in which the sign is
// valid. HASH is the lower-case hexadecimal MD5 of `/live/KEY-EXP-SECRET`, where SECRET is the secret itself in a
// publish sign, and hex(hmac_sha256(secret, "play")) in a play sign. So one URL format carries both rights. A play sign
// for one user is `EXP-HASH-USER-SINCE`, with hex(hmac_sha256(secret, "play-USER-SINCE")) as SECRET. SINCE is the time of
// the registration in Unix microseconds. It tells two accounts apart that had the same id in two histories of the log. A
// Signer is safe for concurrent use.
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

// PlayAs returns a new sign with which a user, who has registered at a time, may play the stream of key. user must be
// positive, and registered after 1970.
func (s *Signer) PlayAs(key string, user int64, registered time.Time) string {
	account := account{user, registered.UnixMicro()}
	return s.sign(key, account.secret(s.keys[0].publish)) + "-" + account.String()
}

// account identifies the account of a user in all histories of the log. The zero account is none.
type account struct {
	user       int64
	registered int64 // time of the registration in Unix microseconds
}

func (a account) String() string {
	return strconv.FormatInt(a.user, 10) + "-" + strconv.FormatInt(a.registered, 10)
}

func (a account) secret(secret string) string { return derive(secret, "play-"+a.String()) }

// SignUser returns the user that a sign names, or 0. It does not verify the sign.
func SignUser(sign string) int64 {
	_, _, account, err := parseSign(sign)
	if err != nil {
		return 0
	}
	return account.user
}

// SignIsOf reports whether a sign names no user, or a user who has registered at a time. Otherwise the sign was given to
// another account, which had the same id before the log fell back to an earlier state. SignIsOf does not verify the sign.
func SignIsOf(sign string, registered time.Time) bool {
	_, _, account, err := parseSign(sign)
	return err == nil && (account.user == 0 || account.registered == registered.UnixMicro())
}

// relayLife is the time for which a relay sign is valid: longer than clocks of nodes differ.
const relayLife = 30 * time.Second

// Relay returns a sign of the scope relay: with it the node from may send one request for a path to the node to. Such a sign is
// `EXP-NONCE-HASH-FROM`, where HASH is the hexadecimal HMAC-SHA256 of expiry, nonce, path and both nodes. The random nonce gives each
// request its own sign, so that the receiver can refuse a second use. It is no sign for players, and signs of players are no relay
// signs.
func (s *Signer) Relay(path, from, to string) string {
	exp, nonce := s.now().Add(relayLife).Unix(), rand.Text()[:nonceLen]
	return strconv.FormatInt(exp, 10) + "-" + nonce + "-" + relayHash(s.keys[0].publish, nonce, path, exp, from, to) + "-" + from
}

// VerifyRelay returns the node that may send a request for a path to the node to. It returns the same errors as Verify. It does not
// remember signs: the caller must refuse a sign that was used before. A sign has one valid spelling.
func (s *Signer) VerifyRelay(path, sign, to string) (from string, err error) {
	if len(sign) > maxRelaySign || len(path) > maxRelayPath {
		return "", ErrSignMalformed
	}
	parts := strings.SplitN(sign, "-", 4)
	if len(parts) != 4 || len(parts[1]) != nonceLen || parts[3] == "" {
		return "", ErrSignMalformed
	}
	exp, ok := parseCanonical(parts[0])
	if !ok {
		return "", ErrSignMalformed
	}
	nonce, hash, from := parts[1], parts[2], parts[3]
	same := 0
	for _, k := range s.keys {
		same |= subtle.ConstantTimeCompare([]byte(hash), []byte(relayHash(k.publish, nonce, path, exp, from, to)))
	}
	now := s.now().Unix()
	switch {
	case same != 1:
		return "", ErrSignWrong
	case exp < now || exp > now+2*int64(relayLife/time.Second):
		return "", ErrSignExpired
	}
	return from, nil
}

const (
	maxRelaySign = 256
	maxRelayPath = 512
	nonceLen     = 16 // characters of the base32 alphabet: 80 random bits
)

// relayHash returns the hash of a relay sign. The texts are quoted, so that no two requests have the same message.
func relayHash(secret, nonce, path string, exp int64, from, to string) string {
	return derive(derive(secret, "relay"), fmt.Sprintf("%d %q %q %q %q", exp, nonce, path, from, to))
}

// ExpiryOf returns the time at which a sign expires or has expired. It does not verify the sign.
func ExpiryOf(sign string) (time.Time, error) {
	exp, _, _, err := parseSign(sign)
	return time.Unix(exp, 0), err
}

// Verify returns nil if sign grants scope on the stream of key now. Otherwise it returns ErrSignMalformed, ErrSignWrong
// (the hash does not match) or ErrSignExpired (the hash matches, but the sign has expired).
func (s *Signer) Verify(scope Scope, key, sign string) error {
	exp, hash, account, err := parseSign(sign)
	if err != nil {
		return err
	}
	if len(key) > maxKeyLen || !s.matches(scope, key, exp, hash, account) {
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

// matches reports whether hash grants scope. It always compares all hashes in constant time, so that its duration
// reveals nothing about the secrets. A sign that names a user grants nothing but playing.
func (s *Signer) matches(scope Scope, key string, exp int64, hash string, named account) bool {
	same := 0
	for _, k := range s.keys {
		if named.user > 0 {
			if scope == ScopePlay {
				same |= subtle.ConstantTimeCompare([]byte(hash), []byte(hashOf(key, exp, named.secret(k.publish))))
			}
			continue
		}
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

// parseSign splits a sign into its expiry, its hash and the account that it names. It accepts only the canonical spelling
// of the numbers, so that there is one valid sign for each expiry and account.
func parseSign(sign string) (exp int64, hash string, named account, err error) {
	parts := strings.SplitN(sign, "-", 5)
	if len(parts) != 2 && len(parts) != 4 || len(parts[1]) != hashLen {
		return 0, "", account{}, ErrSignMalformed
	}
	exp, ok := parseCanonical(parts[0])
	if ok && len(parts) == 4 {
		var since bool
		named.user, ok = parseCanonical(parts[2])
		named.registered, since = parseCanonical(parts[3])
		ok = ok && since && named.user > 0
	}
	if !ok {
		return 0, "", account{}, ErrSignMalformed
	}
	return exp, parts[1], named, nil
}

// parseCanonical parses a number that is not negative. It reports whether the text is its canonical spelling.
func parseCanonical(digits string) (n int64, ok bool) {
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n >= 0 && strconv.FormatInt(n, 10) == digits
}

func hashOf(key string, exp int64, secret string) string {
	sum := md5.Sum([]byte("/live/" + key + "-" + strconv.FormatInt(exp, 10) + "-" + secret))
	return hex.EncodeToString(sum[:])
}

func playSecret(secret string) string { return derive(secret, "play") }

func derive(secret, purpose string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(purpose))
	return hex.EncodeToString(mac.Sum(nil))
}
