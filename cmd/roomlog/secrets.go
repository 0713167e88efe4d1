package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// secrets are what this server signs and checks with: of each the newest first, and perhaps the one
// that it replaces.
type secrets struct {
	jwt, sign, payment []string
}

// maxSecretFile bounds what is read of a file that should hold a secret or an address.
const maxSecretFile = 4 << 10

// openSecrets takes each secret from the environment, from the file that the environment names, or from
// the data folder, where it is made if it is not there. It never shows one.
func openSecrets(getenv func(string) string, data string, log *slog.Logger) (secrets, error) {
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
		if *one.into, err = openSecret(getenv, data, one.variable, one.file, log); err != nil {
			return s, err
		}
	}
	return s, nil
}

// openSecret takes one secret from wherever it is.
func openSecret(getenv func(string) string, data, variable, file string, log *slog.Logger) ([]string, error) {
	secret, err := given(getenv, variable)
	if err != nil {
		return nil, err
	}
	if secret == "" {
		if secret, err = keptSecret(filepath.Join(data, "secrets", file), log); err != nil {
			return nil, fmt.Errorf("%w\n  Give %s (or %s_FILE), or a data folder that can be written (--data)", err, variable, variable)
		}
	}
	newestFirst := strings.Fields(secret)
	if len(newestFirst) == 0 {
		return nil, fmt.Errorf("%s is blank: give a secret, or nothing to have one made", variable)
	}
	return newestFirst, nil
}

// given answers what the environment says under a name, or what is in the file that NAME_FILE names;
// "" if neither is there.
func given(getenv func(string) string, name string) (string, error) {
	value, path := getenv(name), getenv(name+"_FILE")
	switch {
	case value != "" && path != "":
		return "", fmt.Errorf("both %s and %s_FILE are set: take one away", name, name)
	case path == "":
		return value, nil
	}
	value, err := readSecret(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	if value == "" {
		return "", fmt.Errorf("%s_FILE: %s is empty", name, path)
	}
	return value, nil
}

func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecretFile {
		return "", fmt.Errorf("%s is not a file of at most %d bytes", path, maxSecretFile)
	}
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}

// keptSecret answers what the data folder keeps, and makes it first if there is nothing. Of several
// processes that do so at once, one wins and all answer the same.
func keptSecret(path string, log *slog.Logger) (string, error) {
	kept, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		var made bool
		if made, err = makeSecret(path); err == nil {
			kept, err = readSecret(path)
		}
		if made {
			log.Info("made a secret and keep it; processes that share a database need the same ones", slog.String("file", path))
		}
	}
	if err != nil {
		return "", fmt.Errorf("keep a secret: %w", err)
	}
	if kept == "" {
		return "", fmt.Errorf("keep a secret: %s is empty: remove it to have a new one made", path)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("others can read a secret: chmod 600 it", slog.String("file", path))
	}
	return kept, nil
}

func makeSecret(path string) (made bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return false, err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(rand.Text() + rand.Text() + "\n")
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return false, err
	}
	err = os.Link(draft.Name(), path) // never over one that is there
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}
