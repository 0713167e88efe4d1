package media

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// publishKeyPrefix is the beginning of every publish key. Encoders send a publish key in place of a sign; no sign begins with
// the prefix.
const publishKeyPrefix = "pk_"

var anyPublishKey = regexp.MustCompile(publishKeyPrefix + "[A-Z2-7]+")

// NewPublishKey returns a random publish key and its hash. Nothing stores the key itself.
func (*Signer) NewPublishKey() (key, hash string) {
	key = publishKeyPrefix + rand.Text()
	return key, PublishKeyHash(key)
}

// IsPublishKey reports whether the argument sign of a client has the form of a publish key.
func IsPublishKey(sign string) bool { return strings.HasPrefix(sign, publishKeyPrefix) }

// PublishKeyHash returns the hash of a publish key: its lower-case hexadecimal SHA-256. It needs no salt, because publish keys
// have 130 random bits.
func PublishKeyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// HidePublishKeys replaces the publish keys in a text that leaves the server, because a publish key is valid for a long time.
func HidePublishKeys(text string) string {
	return anyPublishKey.ReplaceAllString(text, publishKeyPrefix+"hidden")
}
