package transparency

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const (
	minSecret  = 32 // minimum length of a secret in bytes; a shorter secret could be guessed from a checkpoint
	maxSecrets = 2  // the new secret, and the secret that it replaces
)

// algorithmEd25519 precedes the key in a signer key and in a verifier key of package note.
const algorithmEd25519 = 1

// CheckSecrets validates the secrets of the keys that sign checkpoints, newest first. There must be one or two secrets
// of at least 32 bytes.
func CheckSecrets(newestFirst []string) error {
	if n := len(newestFirst); n == 0 || n > maxSecrets {
		return fmt.Errorf("there must be one or two audit secrets (got %d)", n)
	}
	for i, secret := range newestFirst {
		if len(secret) < minSecret {
			return fmt.Errorf("audit secret %d must have at least %d bytes (got %d)", i+1, minSecret, len(secret))
		}
	}
	return nil
}

// Keys signs the checkpoints of one tree. While a secret is being replaced, checkpoints have a signature of each key.
type Keys struct {
	origin  string
	signers []note.Signer
	public  []string
}

// NewKeys returns the keys of the tree with the given origin. They are derived from the secrets, newest first.
func NewKeys(newestFirst []string, origin string) (*Keys, error) {
	if err := CheckSecrets(newestFirst); err != nil {
		return nil, err
	}
	k := &Keys{origin: origin}
	for _, secret := range newestFirst {
		seed, err := hkdf.Key(sha256.New, []byte(secret), nil, "roomlog transparency log", ed25519.SeedSize)
		if err != nil {
			return nil, fmt.Errorf("derive the key of checkpoints: %w", err)
		}
		public, err := note.NewEd25519VerifierKey(origin, ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
		if err != nil {
			return nil, fmt.Errorf("derive the key of checkpoints: %w", err)
		}
		rest := strings.TrimPrefix(public, origin+"+")
		hash, _, _ := strings.Cut(rest, "+")
		signer, err := note.NewSigner("PRIVATE+KEY+" + origin + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{algorithmEd25519}, seed...)))
		if err != nil {
			return nil, fmt.Errorf("derive the key of checkpoints: %w", err)
		}
		k.signers, k.public = append(k.signers, signer), append(k.public, public)
	}
	return k, nil
}

// Origin returns the origin of the tree, which is also the name of its keys.
func (k *Keys) Origin() string { return k.origin }

// Public returns the public keys, newest first, each in the text form of C2SP signed-note.
func (k *Keys) Public() []string { return k.public }

// Sign returns the signed checkpoint c, as a note.
func (k *Keys) Sign(c Checkpoint) ([]byte, error) {
	if c.Origin != k.origin {
		return nil, fmt.Errorf("the keys of %s cannot sign for %s", k.origin, c.Origin)
	}
	return note.Sign(&note.Note{Text: c.text()}, k.signers...)
}

// ParseKeys parses public keys in their text form, separated by white space.
func ParseKeys(text string) (note.Verifiers, error) {
	var all []note.Verifier
	for _, one := range strings.Fields(text) {
		v, err := note.NewVerifier(one)
		if err != nil {
			return nil, fmt.Errorf("%q is no public key of a transparency log: %w", one, err)
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		return nil, errors.New("no public key")
	}
	return note.VerifierList(all...), nil
}
