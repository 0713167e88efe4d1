package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/rogpeppe/go-internal/testscript"

	"roomlog/api/password"
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
	testscript.Main(tests{m}, map[string]func(){"roomlog": main, testServer: mainOfTestServer})
}

const (
	testServer = "roomlog-of-a-test" // name under which the test binary acts as a server of a test
	clockAhead = "TEST_CLOCK_AHEAD"  // variable with the duration by which the clock of that server is ahead; it may be negative
)

// mainOfTestServer runs the command roomlog with cheap hashes. Otherwise the hashes of secrets would take a third of
// the time of a start, and those of passwords most of the time of a registration.
func mainOfTestServer() {
	now := time.Now
	if text := os.Getenv(clockAhead); text != "" {
		ahead, err := time.ParseDuration(text)
		if err != nil {
			panic(err)
		}
		now = func() time.Time { return shifted(time.Now(), ahead) }
	}
	mainWith(cli.Shell{Now: now, PasswordCost: password.Cost{MemoryKiB: 64, Passes: 1}, FingerprintKiB: 64})
}

// shifted returns t, which has a monotonic reading, with another wall clock. As on a host with a wrong clock, the
// monotonic reading, which timeouts use, is right.
func shifted(t time.Time, ahead time.Duration) time.Time {
	const seconds = 30                                                            // the first word of such a Time has the seconds of the wall clock from this bit on
	*(*uint64)(unsafe.Pointer(&t)) += uint64(int64(ahead/time.Second)) << seconds //nolint:gosec // package time has no function for this
	return t
}

func TestShifted(t *testing.T) {
	t.Parallel()
	const ahead = 20 * 24 * time.Hour
	for _, by := range []time.Duration{ahead, -ahead, 0} {
		now := time.Now()
		got := shifted(now, by)
		if d := got.Round(0).Sub(now.Round(0)); d != by { // Round removes the monotonic reading
			t.Errorf("the wall clock is shifted by %s, want %s", d, by)
		}
		if d := got.Sub(now); d != 0 {
			t.Errorf("the monotonic reading is shifted by %s", d)
		}
	}
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
