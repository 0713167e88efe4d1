package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"roomlog/internal/pgsession"
)

// prefix is the prefix of the variables of settings, with a few exceptions such as DATABASE_URL.
const prefix = "ROOMLOG_"

// The settings that have no flag, because other users of the machine can read command lines. Each is a variable, or a file that
// the variable NAME_FILE names. In a configuration file, DATABASE_URL is database-url and ROOMLOG_JWT_SECRET is jwt-secret.
const (
	DatabaseURL   = "DATABASE_URL"
	JWTSecret     = "ROOMLOG_JWT_SECRET"
	SignSecret    = "ROOMLOG_SIGN_SECRET"
	PaymentSecret = "ROOMLOG_PAYMENT_SECRET"
	HookSecret    = "ROOMLOG_HOOK_SECRET"
	AuditSecret   = "ROOMLOG_AUDIT_SECRET"
	NATSPassword  = "ROOMLOG_NATS_PASSWORD"
	NATSToken     = "ROOMLOG_NATS_TOKEN"
	OTLPHeaders   = "ROOMLOG_OTLP_HEADERS"

	fileSuffix = "_FILE"
)

// variables are all settings without a flag.
var variables = []string{DatabaseURL, JWTSecret, SignSecret, PaymentSecret, HookSecret, AuditSecret, NATSPassword, NATSToken, OTLPHeaders}

// fileFlags are the flags whose values may contain a password. The variable NAME_FILE, or the key NAME-file of a configuration file, names
// a file with the value.
var fileFlags = []string{"read-url", "hook-url", "npm-registry"}

const keyFileSuffix = "-file"

// FileVariable returns the name of the variable that names a file with the value of a flag, or "" if the flag has none.
func FileVariable(flag string) string {
	if !slices.Contains(fileFlags, flag) {
		return ""
	}
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")) + fileSuffix
}

// Secrets returns the names of all settings without a flag.
func Secrets() []string { return slices.Clone(variables) }

// KeyOf returns the name of a variable in a configuration file.
func KeyOf(variable string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, prefix)), "_", "-")
}

// maxSmallFile bounds a file with a secret or an address, in bytes.
const maxSmallFile = 4 << 10

// Variable returns the environment variable with this name, or the content of the file whose path is in the variable
// NAME_FILE. It returns "" if neither is set, and an error if both are.
func Variable(getenv func(string) string, name string) (string, error) {
	value, path := getenv(name), getenv(name+fileSuffix)
	switch {
	case value != "" && path != "":
		return "", fmt.Errorf("both %s and %s_FILE are set: remove one of them", name, name)
	case path == "":
		return value, nil
	}
	return readNamed(name+fileSuffix, path)
}

// readNamed returns the content of the file at path, which the setting name names. An empty file is a fault.
func readNamed(name, path string) (string, error) {
	value, err := ReadSmallFile(path)
	if err == nil && value == "" {
		err = fmt.Errorf("%s is empty", path)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return value, nil
}

// ReadSmallFile returns the content of a regular file of at most 4 KiB, without the white space at both ends.
func ReadSmallFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSmallFile {
		return "", fmt.Errorf("%s is not a regular file of at most %d bytes", path, maxSmallFile)
	}
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}

// CheckDatabaseURL returns an error if DATABASE_URL is set, but is no address of a database. The error contains no password.
func CheckDatabaseURL(getenv func(string) string) error {
	dsn, err := Variable(getenv, DatabaseURL)
	if err != nil || dsn == "" {
		return err
	}
	if _, err := pgsession.Parse(dsn); err != nil {
		return fmt.Errorf("%s must be an address like postgres://user:password@host:5432/database: %w", DatabaseURL, err)
	}
	return nil
}
