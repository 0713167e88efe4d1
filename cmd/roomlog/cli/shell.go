package cli

import (
	"context"
	"io"
	"time"

	"roomlog/api/password"
)

// Shell contains everything that a command uses from its environment, besides its arguments.
type Shell struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string // environment variables, as NAME=value
	Now            func() time.Time
	Execute        func(ctx context.Context, args []string, sh Shell) (code int) // executes another command line in this process

	// The cost of hashes in a server. The zero values stand for the defaults.

	PasswordCost   password.Cost
	FingerprintKiB int // memory in KiB that hashing the fingerprint of a secret takes; the same on all servers with one log

	// The following fields are set when the command line is parsed.

	Getenv  func(string) string // returns an environment variable, or a setting without a flag from the configuration file
	Sources *Sources
	Report  func(error) // writes an error that ends the command, before the command stops its parts; nil errors are ignored
}
