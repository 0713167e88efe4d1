package cli

import (
	"io"
	"time"
)

// Shell is everything that a command uses of its environment besides its arguments.
type Shell struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time
}
