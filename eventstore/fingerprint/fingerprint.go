package fingerprint

import (
	"context"
	"crypto/hmac"
	_ "embed"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/argon2"

	"roomlog/internal/settings"
)

var (
	//go:embed sql/insert_fingerprint.sql
	insertFingerprint string
	//go:embed sql/select_fingerprint.sql
	selectFingerprint string
	//go:embed sql/update_fingerprint.sql
	updateFingerprint string
)

// Secret is a secret that all servers on one log share.
type Secret struct {
	Name        string   // name of the secret in the table, such as "jwt"
	NewestFirst []string // the secret with which the server signs, followed by those that it still accepts
}

// MismatchError means that other servers on the log use other secrets. Names are the names of these secrets.
type MismatchError struct{ Names []string }

func (e *MismatchError) Error() string {
	return "the servers on this log use other secrets: " + strings.Join(e.Names, ", ")
}

// Config describes what Check compares.
type Config struct {
	Log     string // id of the log: one secret has different fingerprints in two logs
	Secrets []Secret
	Replace bool // whether to replace the fingerprints of secrets that are not known

	// MemoryKiB is the memory in KiB that the computation of a fingerprint takes; the default takes about 50 ms. It
	// must be the same on all servers on the log.
	MemoryKiB int `default:"32768"`
}

// Parameters of argon2id besides the memory.
const (
	argonPasses = 2
	argonLanes  = 1
	keyLen      = 32
)

// Check compares the secrets of this server with those of the servers that have used the log. It stores the fingerprint of a
// secret that the log does not know, and of a newest secret whose predecessor the server still accepts. If secrets differ in
// another way, Check stores nothing and returns a *MismatchError, unless Replace is set. Check returns the names of the secrets
// whose fingerprints it has replaced.
func Check(ctx context.Context, pool *pgxpool.Pool, c Config) (replaced []string, err error) {
	settings.Defaults(&c)
	newest := make([][]byte, len(c.Secrets)) // computed before the transaction, because that takes long
	for i, secret := range c.Secrets {
		newest[i] = c.fingerprint(secret.Name, secret.NewestFirst[0])
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var differ []string
		for i, secret := range c.Secrets {
			same, known, err := c.check(ctx, tx, secret, newest[i])
			switch {
			case err != nil:
				return err
			case !known && !c.Replace:
				differ = append(differ, secret.Name)
			case !same:
				replaced = append(replaced, secret.Name)
			}
		}
		if len(differ) > 0 {
			return &MismatchError{differ}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return replaced, nil
}

// check compares one secret, and stores the fingerprint of its newest value. same reports that the newest value is the
// one of the log, known that the server accepts the value of the log.
func (c Config) check(ctx context.Context, tx pgx.Tx, secret Secret, newest []byte) (same, known bool, err error) {
	if _, err := tx.Exec(ctx, insertFingerprint, secret.Name, newest); err != nil {
		return false, false, fmt.Errorf("store the fingerprint of the secret %s: %w", secret.Name, err)
	}
	var stored []byte
	if err := tx.QueryRow(ctx, selectFingerprint, secret.Name).Scan(&stored); err != nil {
		return false, false, fmt.Errorf("read the fingerprint of the secret %s: %w", secret.Name, err)
	}
	if hmac.Equal(newest, stored) {
		return true, true, nil
	}
	if _, err := tx.Exec(ctx, updateFingerprint, secret.Name, newest); err != nil {
		return false, false, fmt.Errorf("replace the fingerprint of the secret %s: %w", secret.Name, err)
	}
	for _, older := range secret.NewestFirst[1:] {
		if hmac.Equal(c.fingerprint(secret.Name, older), stored) {
			return false, true, nil
		}
	}
	return false, false, nil
}

// fingerprint returns the fingerprint of one value of a secret.
func (c Config) fingerprint(name, value string) []byte {
	salt := []byte("roomlog fingerprint " + name + " " + c.Log)
	return argon2.IDKey([]byte(value), salt, argonPasses, uint32(c.MemoryKiB), argonLanes, keyLen)
}
