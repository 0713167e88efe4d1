package cli

import (
	"io"
	"time"
)

// Shell contains everything that a command uses from its environment, besides its arguments.
type Shell struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time
}
