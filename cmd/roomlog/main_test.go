package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"roomlog/cmd/roomlog/cli"
)

const (
	raceOptions  = "GORACE"           // variable with the options of the race detector; every program that a test starts gets it
	sharedFolder = "TEST_PROGRAM_DIR" // variable with the folder for the files that tests share; the end of the tests deletes it
)

// TestMain makes the test binary act as the command roomlog when a script starts it under that name.
func TestMain(m *testing.M) {
	if _, set := os.LookupEnv(raceOptions); !set {
		_ = os.Setenv(raceOptions, "atexit_sleep_ms=0") // a program with the race detector sleeps a second before it ends
	}
	testscript.Main(tests{m}, map[string]func(){"roomlog": main})
}

// tests runs the tests in an environment with sharedFolder.
type tests struct{ *testing.M }

func (m tests) Run() int {
	dir, err := os.MkdirTemp("", "roomlog-tests-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	_ = os.Setenv(sharedFolder, dir)
	return m.M.Run()
}

// result is the outcome of one command line.
type result struct {
	code           int
	stdout, stderr string
}

// runIn runs a command line in this process with the environment env.
func runIn(ctx context.Context, env map[string]string, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, cli.Shell{
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Environ: environ(env), Now: time.Now})
	return result{code, stdout.String(), stderr.String()}
}

// environ returns env as NAME=value.
func environ(env map[string]string) (variables []string) {
	for name, value := range env {
		variables = append(variables, name+"="+value)
	}
	return variables
}
