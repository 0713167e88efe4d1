package restream

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrSealed is returned for a secret that was sealed with another secret of the server, or for another target.
var ErrSealed = errors.New("the stream key was sealed with another secret of the server: set the target again")

// separator is between the two parts of a sealed secret. Neither contains it.
const separator = "\n"

// Sealer seals the secrets of targets with AES-256-GCM. The nodes of a service have the same secrets. It is safe for concurrent use.
type Sealer struct {
	service string
	keys    []cipher.AEAD // the newest first
}

// NewSealer returns a Sealer whose keys are derived from secrets, of which the first is the newest. It opens what was sealed with
// any of them.
func NewSealer(secrets []string) (*Sealer, error) {
	if len(secrets) == 0 {
		return nil, errors.New("restream: a Sealer needs a secret")
	}
	s := &Sealer{}
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(secret), nil, "roomlog restream", 32)
		if err != nil {
			return nil, fmt.Errorf("restream: %w", err)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("restream: %w", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("restream: %w", err)
		}
		s.keys = append(s.keys, aead)
	}
	id, err := hkdf.Key(sha256.New, []byte(secrets[0]), nil, "roomlog restream service", 16)
	s.service = hex.EncodeToString(id)
	return s, err
}

// Service returns an id that all nodes with the same newest secret share. The secret cannot be derived from it.
func (s *Sealer) Service() string { return s.service }

// Seal returns the sealed secret of a target of a live. The URL of the target is authenticated, so that the secret is never sent
// elsewhere.
func (s *Sealer) Seal(live int64, name string, t Target) (string, error) {
	text := t.Secret.Query + separator + t.Secret.Name
	aead := s.keys[0]
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("restream: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, []byte(text), bound(live, name, t.URL))), nil
}

// Open returns the target of a live with this URL and this sealed secret.
func (s *Sealer) Open(live int64, name, url, sealed string) (Target, error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return Target{}, ErrSealed
	}
	for _, aead := range s.keys {
		if len(b) < aead.NonceSize() {
			break
		}
		text, err := aead.Open(nil, b[:aead.NonceSize()], b[aead.NonceSize():], bound(live, name, url))
		if err != nil {
			continue
		}
		query, streamName, _ := strings.Cut(string(text), separator)
		return Target{url, Secret{query, streamName}}, nil
	}
	return Target{}, ErrSealed
}

// bound returns the additional data with which AES-GCM binds a secret to its target.
func bound(live int64, name, url string) []byte {
	return []byte(strconv.FormatInt(live, 10) + " " + name + " " + url)
}
