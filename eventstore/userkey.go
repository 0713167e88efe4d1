package eventstore

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
)

// userKey seals the personal texts of one user or participant with AES-256-GCM. A sealed text is "1." followed by the
// unpadded base64 of a random nonce and the ciphertext.
type userKey struct {
	bytes []byte
	aead  cipher.AEAD
}

const encryptedPrefix = "1."

func newUserKey(bytes []byte) (userKey, error) {
	block, err := aes.NewCipher(bytes)
	if err != nil {
		return userKey{}, fmt.Errorf("user key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return userKey{}, fmt.Errorf("user key: %w", err)
	}
	return userKey{bytes, aead}, nil
}

func generateUserKey() (userKey, error) {
	bytes := make([]byte, 32)
	if _, err := rand.Read(bytes); err != nil {
		return userKey{}, fmt.Errorf("generate a user key: %w", err)
	}
	return newUserKey(bytes)
}

func (k userKey) encrypt(text string) (string, error) {
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(text)+k.aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("generate a nonce: %w", err)
	}
	return encryptedPrefix + base64.RawStdEncoding.EncodeToString(k.aead.Seal(nonce, nonce, []byte(text), nil)), nil
}

// ErrNotDecrypted means that a text in the log cannot be decrypted with the key of its user or participant.
var ErrNotDecrypted = errors.New("a personal text cannot be decrypted")

func (k userKey) decrypt(encrypted string) (string, error) {
	if len(encrypted) < len(encryptedPrefix) || encrypted[:len(encryptedPrefix)] != encryptedPrefix {
		return "", ErrNotDecrypted
	}
	b, err := base64.RawStdEncoding.DecodeString(encrypted[len(encryptedPrefix):])
	if err != nil || len(b) < k.aead.NonceSize() {
		return "", ErrNotDecrypted
	}
	text, err := k.aead.Open(nil, b[:k.aead.NonceSize()], b[k.aead.NonceSize():], nil)
	if err != nil {
		return "", ErrNotDecrypted
	}
	return string(text), nil
}

// keyringSize is the maximum number of keys in memory. A key takes about 600 bytes.
const keyringSize = 50_000

// keyring caches the keys of users whose texts were recently read or written. It drops a key as soon as this process
// has read the event that forgets the owner.
//
// Sealing needs more certainty than reading: if the database does not have the key that sealed a text, the text is
// lost. Therefore a sequencer seals only with keys that it has read itself, under the lock of the log, in its current
// keyring session. A keyring session begins when the sequencer drops its states.
type keyring struct {
	pool     *pgxpool.Pool
	keys     *lru.Cache[domain.UserID, cachedKey]
	sessions atomic.Uint64 // number of the newest keyring session

	mu      sync.Mutex // keeps forget from running while lookUp caches keys
	forgets uint64     // number of calls of forget and drop; a key whose query began before the newest call is not cached
	drops   uint64     // number of calls of drop; a position that was read before the newest call is not recorded
	upTo    int64      // position up to which the keys of forgotten users are dropped
}

// cachedKey is a key, with the keyring session in which it was read; 0 if it was read outside a session.
type cachedKey struct {
	userKey
	session uint64
}

func newKeyring(pool *pgxpool.Pool) (*keyring, error) {
	keys, err := lru.New[domain.UserID, cachedKey](keyringSize)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return &keyring{pool: pool, keys: keys}, nil
}

// begin begins a keyring session of a sequencer and returns the number of the session.
func (k *keyring) begin() uint64 { return k.sessions.Add(1) }

// drop drops all keys from memory, because the log has another history. The new history ends with position upTo.
func (k *keyring) drop(upTo int64) {
	k.mu.Lock()
	k.forgets++
	k.drops++
	k.keys.Purge()
	k.upTo = upTo
	k.mu.Unlock()
}

// forget drops the key of owner from memory.
func (k *keyring) forget(owner domain.UserID) {
	k.mu.Lock()
	k.forgets++
	k.keys.Remove(owner)
	k.mu.Unlock()
}

// known returns the position up to which the keys of forgotten users are dropped, and the number of calls of drop.
func (k *keyring) known() (upTo int64, drops uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.upTo, k.drops
}

// forgottenUpTo records that the keys of all users who were forgotten up to position are dropped. drops is the result
// of a call of known that was made before position was read.
func (k *keyring) forgottenUpTo(position int64, drops uint64) {
	k.mu.Lock()
	if k.drops == drops {
		k.upTo = max(k.upTo, position)
	}
	k.mu.Unlock()
}

// of returns the keys of owners. Forgotten users have no key in the result.
func (k *keyring) of(ctx context.Context, owners []domain.UserID) (map[domain.UserID]userKey, error) {
	return k.lookUp(ctx, k.pool, 0, owners)
}

type rowsQuerier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// lookUp returns the keys of owners. Forgotten users have no key in the result. A cached key is used only if it was
// read in the given keyring session; if session is 0, every cached key is used. All other keys are read from db.
func (k *keyring) lookUp(ctx context.Context, db rowsQuerier, session uint64, owners []domain.UserID) (map[domain.UserID]userKey, error) {
	k.mu.Lock()
	before := k.forgets
	k.mu.Unlock()
	found := make(map[domain.UserID]userKey, len(owners))
	var missing []int64
	for _, owner := range owners {
		if _, ok := found[owner]; ok {
			continue
		}
		if key, ok := k.keys.Get(owner); ok && (session == 0 || key.session == session) {
			found[owner] = key.userKey
		} else {
			missing = append(missing, int64(owner))
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	rows, err := db.Query(ctx, selectUserKeys, missing)
	if err != nil {
		return nil, fmt.Errorf("read user keys: %w", err)
	}
	var owner int64
	var bytes []byte
	_, err = pgx.ForEachRow(rows, []any{&owner, &bytes}, func() error {
		key, err := newUserKey(append([]byte(nil), bytes...))
		found[domain.UserID(owner)] = key
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read user keys: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.forgets == before {
		for _, owner := range missing {
			if key, ok := found[domain.UserID(owner)]; ok {
				k.keys.Add(domain.UserID(owner), cachedKey{key, session})
			}
		}
	}
	return found, nil
}
