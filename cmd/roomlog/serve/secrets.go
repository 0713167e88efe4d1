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
	"time"

	"roomlog/api/payment"
	"roomlog/api/token"
	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/transparency"
	"roomlog/media"
	"roomlog/media/hooks"
)

// secrets contains the keys with which this server signs and verifies. Each list has the newest key first; a second one
// is accepted while it is being replaced.
type secrets struct {
	jwt, sign, payment []string
	audit              []string // secrets that sign the checkpoints of the transparency log; nil: this server signs none
}

// openSecrets returns each secret. It comes from an environment variable, from the file whose path is in the variable
// NAME_FILE, or from the data folder, where a missing secret is generated. openSecrets never logs a secret.
func openSecrets(getenv func(string) string, dataDir string, log *slog.Logger) (secrets, error) {
	var s secrets
	var err error
	if s.jwt, err = jwtSecret.open(getenv, dataDir, log); err != nil {
		return s, err
	}
	if s.sign, err = signSecret.open(getenv, dataDir, log); err != nil {
		return s, err
	}
	if s.payment, err = paymentSecret.open(getenv, dataDir, log); err != nil {
		return s, err
	}
	s.audit, err = openAuditSecret(getenv, dataDir, log)
	return s, err
}

// openAuditSecret returns the secret of the keys that sign checkpoints of the transparency log. Without
// this secret, and without a data folder in which it could be stored, a server does not sign.
func openAuditSecret(getenv func(string) string, dataDir string, log *slog.Logger) ([]string, error) {
	newestFirst, err := auditSecret.set(getenv)
	if err != nil || newestFirst != nil {
		return newestFirst, err
	}
	cause := errNoDataFolder
	if dataDir != "" {
		if newestFirst, cause = auditSecret.open(getenv, dataDir, log); cause == nil {
			return newestFirst, nil
		}
	}
	log.Warn("transparency log is not signed by this server, set ROOMLOG_AUDIT_SECRET", slog.Any("error", cause))
	return nil, nil
}

var errNoDataFolder = errors.New("there is no data folder to store a secret in")

// secretsAreSet reports whether no secret has to be stored in the data folder.
func secretsAreSet(getenv func(string) string) bool {
	for _, one := range []secretSetting{jwtSecret, signSecret, paymentSecret} {
		if set, err := one.set(getenv); err != nil || set == nil {
			return false
		}
	}
	return true
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

// secretSetting is a secret that can be set or generated.
type secretSetting struct {
	variable string               // environment variable with the secret; the variable with the suffix _FILE contains the path of a file instead
	file     string               // name of the generated file in the folder secrets of the data folder
	check    func([]string) error // returns an error if the secrets cannot be used
}

var (
	jwtSecret = secretSetting{cli.JWTSecret, "jwt", func(all []string) error {
		_, err := token.NewIssuer(all, 0, time.Now)
		return err
	}}
	signSecret = secretSetting{cli.SignSecret, "sign", func(all []string) error {
		_, err := media.NewSigner(all, 0, time.Now)
		return err
	}}
	paymentSecret = secretSetting{cli.PaymentSecret, "payment", func(all []string) error {
		_, err := payment.NewSharedSecret(all)
		return err
	}}
	auditSecret = secretSetting{cli.AuditSecret, "audit", transparency.CheckSecrets}
	hookSecret  = secretSetting{cli.HookSecret, "hook", func(all []string) error {
		return hooks.CheckSecret(all[0]) // receivers accept an older secret, the server signs with the newest alone
	}}
)

// set returns the secrets in the environment variable, or in the file to which it refers, newest first. It returns nil
// if neither variable is set.
func (s secretSetting) set(getenv func(string) string) ([]string, error) {
	text, err := cli.Variable(getenv, s.variable)
	if err != nil || text == "" {
		return nil, err
	}
	newestFirst := strings.Fields(text)
	if len(newestFirst) == 0 {
		return nil, fmt.Errorf("%s is blank: set a secret, or unset it to have one generated", s.variable)
	}
	if err := s.check(newestFirst); err != nil {
		return nil, fmt.Errorf("%s: %w", s.variable, err)
	}
	return newestFirst, nil
}

// open returns the secrets, newest first: those that are set, or else those in the data folder, where it generates a
// missing secret.
func (s secretSetting) open(getenv func(string) string, dataDir string, log *slog.Logger) ([]string, error) {
	newestFirst, err := s.set(getenv)
	if err != nil || newestFirst != nil {
		return newestFirst, err
	}
	path := filepath.Join(dataDir, "secrets", s.file)
	text, err := storedSecret(path, log)
	if err != nil {
		return nil, fmt.Errorf("%w\n  Set %s (or %s_FILE), or choose a data folder that can be written (--data)", err, s.variable, s.variable)
	}
	newestFirst = strings.Fields(text)
	if err := s.check(newestFirst); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return newestFirst, nil
}

// storedSecret returns the secret in the file path. If the file does not exist, it first generates a secret. If several
// processes do so at the same time, all return the same secret.
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
	draft, err := os.CreateTemp(filepath.Dir(path), ".new-*") // the file has mode 0600
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

// warnExposed calls warn for each secret in the configuration file if other users can read it.
func warnExposed(sh cli.Shell, warn func(path, key string)) {
	path, keys := sh.Sources.Exposed()
	for _, key := range keys {
		warn(path, key)
	}
}
