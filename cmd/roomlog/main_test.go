package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"roomlog/cmd/roomlog/cli"
)

// TestMain makes the test binary act as the command roomlog when a script starts it under that name.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"roomlog": main}) }

// result is the outcome of one command line.
type result struct {
	code           int
	stdout, stderr string
}

// runIn runs a command line in this process with the environment env.
func runIn(ctx context.Context, env map[string]string, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, cli.Shell{
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Getenv: func(name string) string { return env[name] }, Now: time.Now})
	return result{code, stdout.String(), stderr.String()}
}
