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

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
)

// userKey seals one person's texts with AES-256-GCM. A sealed text is "1." and the unpadded
// base64 of a random nonce and the ciphertext.
type userKey struct {
	bytes []byte
	aead  cipher.AEAD
}

const sealedPrefix = "1."

func newUserKey(bytes []byte) (userKey, error) {
	block, err := aes.NewCipher(bytes)
	if err != nil {
		return userKey{}, fmt.Errorf("person key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return userKey{}, fmt.Errorf("person key: %w", err)
	}
	return userKey{bytes, aead}, nil
}

func generateUserKey() (userKey, error) {
	bytes := make([]byte, 32)
	if _, err := rand.Read(bytes); err != nil {
		return userKey{}, fmt.Errorf("draw a person key: %w", err)
	}
	return newUserKey(bytes)
}

func (k userKey) seal(text string) (string, error) {
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(text)+k.aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("draw a nonce: %w", err)
	}
	return sealedPrefix + base64.RawStdEncoding.EncodeToString(k.aead.Seal(nonce, nonce, []byte(text), nil)), nil
}

var errNotSealed = errors.New("a person's text is not sealed as it should be")

func (k userKey) open(sealed string) (string, error) {
	if len(sealed) < len(sealedPrefix) || sealed[:len(sealedPrefix)] != sealedPrefix {
		return "", errNotSealed
	}
	b, err := base64.RawStdEncoding.DecodeString(sealed[len(sealedPrefix):])
	if err != nil || len(b) < k.aead.NonceSize() {
		return "", errNotSealed
	}
	text, err := k.aead.Open(nil, b[:k.aead.NonceSize()], b[k.aead.NonceSize():], nil)
	if err != nil {
		return "", errNotSealed
	}
	return string(text), nil
}

// keyring remembers the keys of people whose texts were read or written lately. It forgets a key
// as soon as this process sees that the person is forgotten.
type keyring struct {
	pool *pgxpool.Pool
	keys *lru.Cache[domain.UserID, userKey]

	mu   sync.Mutex // orders remembering what was looked up with forget
	gone uint64     // counts forgets: a look-up that began before one is not remembered
	seen int64      // the position up to which this process knows who was forgotten
}

// keyringSize bounds the remembered keys; one takes about 600 bytes.
const keyringSize = 50_000

func newKeyring(pool *pgxpool.Pool) (*keyring, error) {
	keys, err := lru.New[domain.UserID, userKey](keyringSize)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return &keyring{pool: pool, keys: keys}, nil
}

func (k *keyring) forget(id domain.UserID) {
	k.mu.Lock()
	k.gone++
	k.keys.Remove(id)
	k.mu.Unlock()
}

// known answers the position up to which this process knows who was forgotten.
func (k *keyring) known() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.seen
}

// knows says that everybody who was forgotten up to position has been dropped.
func (k *keyring) knows(position int64) {
	k.mu.Lock()
	k.seen = max(k.seen, position)
	k.mu.Unlock()
}

// of answers the keys of ids; those of forgotten people are missing.
func (k *keyring) of(ctx context.Context, ids []domain.UserID) (map[domain.UserID]userKey, error) {
	return k.lookUp(ctx, k.pool, ids)
}

type rowsQuerier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (k *keyring) lookUp(ctx context.Context, db rowsQuerier, ids []domain.UserID) (map[domain.UserID]userKey, error) {
	k.mu.Lock()
	before := k.gone
	k.mu.Unlock()
	found := make(map[domain.UserID]userKey, len(ids))
	var missing []int64
	for _, id := range ids {
		if _, ok := found[id]; ok {
			continue
		}
		if key, ok := k.keys.Get(id); ok {
			found[id] = key
		} else {
			missing = append(missing, int64(id))
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	rows, err := db.Query(ctx, selectUserKeys, missing)
	if err != nil {
		return nil, fmt.Errorf("look up person keys: %w", err)
	}
	var id int64
	var bytes []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &bytes}, func() error {
		key, err := newUserKey(append([]byte(nil), bytes...))
		found[domain.UserID(id)] = key
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up person keys: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone == before {
		for _, id := range missing {
			if key, ok := found[domain.UserID(id)]; ok {
				k.keys.Add(domain.UserID(id), key)
			}
		}
	}
	return found, nil
}
