package fingerprint

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
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

// MismatchError means that the servers on the log use other secrets.
type MismatchError struct{ Names []string }

func (e *MismatchError) Error() string {
	return "the servers on this log use other secrets: " + strings.Join(e.Names, ", ")
}

// Config describes what Check compares.
type Config struct {
	Log     string // id of the log: one secret has different fingerprints in two logs
	Secrets []Secret
	Replace bool // whether to replace the fingerprints of secrets that are not known
}

// Check compares the secrets of this server with those of the servers that have used the log. It stores the fingerprint of a
// secret that the log does not know, and of a newest secret whose predecessor the server still accepts. If secrets differ in
// another way, Check stores nothing and returns a *MismatchError, unless Replace is set. Check returns the names of the secrets
// whose fingerprints it has replaced.
func Check(ctx context.Context, pool *pgxpool.Pool, c Config) (replaced []string, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var differ []string
		for _, secret := range c.Secrets {
			same, known, err := c.check(ctx, tx, secret)
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

// check compares one secret, and stores its fingerprint. same reports that the newest value is the one of the log, known that the
// server accepts the value of the log.
func (c Config) check(ctx context.Context, tx pgx.Tx, secret Secret) (same, known bool, err error) {
	var own [][]byte
	for _, value := range secret.NewestFirst {
		own = append(own, c.fingerprint(secret.Name, value))
	}
	if _, err := tx.Exec(ctx, insertFingerprint, secret.Name, own[0]); err != nil {
		return false, false, fmt.Errorf("store the fingerprint of the secret %s: %w", secret.Name, err)
	}
	var stored []byte
	if err := tx.QueryRow(ctx, selectFingerprint, secret.Name).Scan(&stored); err != nil {
		return false, false, fmt.Errorf("read the fingerprint of the secret %s: %w", secret.Name, err)
	}
	at := slices.IndexFunc(own, func(f []byte) bool { return hmac.Equal(f, stored) })
	if at == 0 {
		return true, true, nil
	}
	if _, err := tx.Exec(ctx, updateFingerprint, secret.Name, own[0]); err != nil {
		return false, false, fmt.Errorf("replace the fingerprint of the secret %s: %w", secret.Name, err)
	}
	return false, at > 0, nil
}

// fingerprint returns the fingerprint of one value of a secret.
func (c Config) fingerprint(name, value string) []byte {
	key := hmac.New(sha256.New, []byte(value))
	key.Write([]byte("roomlog fingerprint")) // The key differs from the secret: what the secret signs can never be a fingerprint.
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write([]byte(name + " " + c.Log))
	return mac.Sum(nil)
}
