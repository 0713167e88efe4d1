package serve

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"roomlog/cmd/roomlog/cli"
)

// secrets are the keys with which this server signs and verifies. Each list has the newest key first; a second one is
// still accepted while it is being replaced.
type secrets struct {
	jwt, sign, payment []string
}

// openSecrets returns each secret from its environment variable, from the file that the variable NAME_FILE names, or
// from the data folder, where a missing one is generated. It never logs a secret.
func openSecrets(getenv func(string) string, dataDir string, log *slog.Logger) (secrets, error) {
	var s secrets
	for _, one := range []struct {
		variable, file string
		into           *[]string
	}{
		{"ROOMLOG_JWT_SECRET", "jwt", &s.jwt},
		{"ROOMLOG_SIGN_SECRET", "sign", &s.sign},
		{"ROOMLOG_PAYMENT_SECRET", "payment", &s.payment},
	} {
		var err error
		if *one.into, err = openSecret(getenv, dataDir, one.variable, one.file, log); err != nil {
			return s, err
		}
	}
	return s, nil
}

// snapshotKeys returns the keys of the checksums of snapshots. They are derived from the secrets of tokens, which all nodes share
// and the database does not contain.
func (s secrets) snapshotKeys() [][]byte {
	var keys [][]byte
	for _, secret := range s.jwt {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte("roomlog snapshots"))
		keys = append(keys, mac.Sum(nil))
	}
	return keys
}

// openSecret returns one secret: from variable, from its file, or from the file in the data folder.
func openSecret(getenv func(string) string, dataDir, variable, file string, log *slog.Logger) ([]string, error) {
	secret, err := cli.Variable(getenv, variable)
	if err != nil {
		return nil, err
	}
	if secret == "" {
		if secret, err = storedSecret(filepath.Join(dataDir, "secrets", file), log); err != nil {
			return nil, fmt.Errorf("%w\n  Set %s (or %s_FILE), or choose a data folder that can be written (--data)", err, variable, variable)
		}
	}
	newestFirst := strings.Fields(secret)
	if len(newestFirst) == 0 {
		return nil, fmt.Errorf("%s is blank: set a secret, or unset it to have one generated", variable)
	}
	return newestFirst, nil
}

// storedSecret returns the secret in the file path, and generates it first if the file does not exist. Of several
// processes that do so at the same time one wins, and all return the same secret.
func storedSecret(path string, log *slog.Logger) (string, error) {
	secret, err := cli.ReadSmallFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		var generated bool
		if generated, err = generateSecret(path); err == nil {
			secret, err = cli.ReadSmallFile(path)
		}
		if generated {
			log.Info("generated a secret, all nodes on one database need the same one", slog.String("path", path))
		}
	}
	if err != nil {
		return "", fmt.Errorf("store a secret: %w", err)
	}
	if secret == "" {
		return "", fmt.Errorf("store a secret: %s is empty: remove it to have a new one generated", path)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("a secret can be read by other users, run chmod 600 on it", slog.String("path", path))
	}
	return secret, nil
}

// generateSecret writes a new secret to path, unless path exists.
func generateSecret(path string) (generated bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return false, err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(rand.Text() + rand.Text() + "\n")
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return false, err
	}
	err = os.Link(draft.Name(), path) // fails if path exists
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}
