package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/pgtest"
)

// stopAt is a buffer that calls stop when it contains a certain text.
type stopAt struct {
	text string
	stop func()

	mu     sync.Mutex
	buffer bytes.Buffer
}

func (s *stopAt) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.buffer.Write(p)
	if bytes.Contains(s.buffer.Bytes(), []byte(s.text)) {
		s.stop()
	}
	return n, err
}

func (s *stopAt) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer.String()
}

// TestServersWithOtherSecretsAreRefused checks that a server does not start if other servers have other secrets, that
// secrets can be replaced, and that commands need no secret.
func TestServersWithOtherSecretsAreRefused(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t).DSN
	const first, second, third = "the-first-secret-of-these", "the-second-secret-of-these", "the-third-secret-of-these"
	signs, payments := "signs-of-these-tests", "payments-of-these-tests"
	// start starts a server. It returns what the server prints until it listens or ends.
	start := func(jwt string, args ...string) (output string, listens bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		env := map[string]string{"DATABASE_URL": dsn, "ROOMLOG_DATA": t.TempDir(), "ROOMLOG_JWT_SECRET": jwt,
			"ROOMLOG_SIGN_SECRET": signs, "ROOMLOG_PAYMENT_SECRET": payments}
		args = append([]string{"serve", "--http-addr", "127.0.0.1:0", "--rtmp-addr", "127.0.0.1:0", "--flv-addr", "127.0.0.1:0", "--log-format", "text"}, args...)
		stderr := &stopAt{text: "msg=listening", stop: cancel}
		run(ctx, args, cli.Shell{
			Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: stderr, Environ: environ(env), Now: time.Now, FingerprintKiB: 64})
		return stderr.String(), strings.Contains(stderr.String(), stderr.text)
	}
	for _, step := range []struct {
		jwt     string
		args    []string
		listens bool
	}{
		{jwt: first, listens: true},
		{jwt: second},
		{jwt: first + " " + second, listens: true},
		{jwt: second + " " + first, listens: true},
		{jwt: first},
		{jwt: second, listens: true},
		{jwt: third},
		{jwt: third, args: []string{"--replace-secrets"}, listens: true},
		{jwt: third, listens: true},
	} {
		output, listens := start(step.jwt, step.args...)
		if listens != step.listens {
			t.Fatalf("a server with %s %v listens: %v, want %v\n%s", step.jwt, step.args, listens, step.listens, output)
		}
		for _, want := range []string{"ROOMLOG_JWT_SECRET is not the secret of the other servers on this database", "set OLD NEW (both, separated by a space)", "--replace-secrets"} {
			if !listens && !strings.Contains(output, want) {
				t.Errorf("a server with %s prints %q, want %q in it", step.jwt, output, want)
			}
		}
		if strings.Contains(output, "ROOMLOG_SIGN_SECRET") {
			t.Errorf("a secret that is the same is named: %s", output)
		}
		for _, secret := range strings.Fields(step.jwt) {
			if strings.Contains(output, secret) {
				t.Errorf("the secret is printed: %s", output)
			}
		}
	}
	for name, secret := range map[string]*string{"ROOMLOG_SIGN_SECRET": &signs, "ROOMLOG_PAYMENT_SECRET": &payments} {
		same := *secret
		*secret = "another-secret-of-these-tests"
		want := name + " is not the secret of the other servers on this database"
		if output, listens := start(third); listens || !strings.Contains(output, want) {
			t.Errorf("a server with another %s listens: %v, and prints %q, want %q in it", name, listens, output, want)
		}
		*secret = same
	}
	for _, args := range [][]string{{"verify"}, {"user", "list"}, {"export"}, {"gift", "add", "--name", "Rose", "--coin", "3"}} {
		got := runIn(t.Context(), map[string]string{"DATABASE_URL": dsn, "ROOMLOG_DATA": t.TempDir()}, args...)
		if got.code != exitOK {
			t.Errorf("%v: %+v", args, got)
		}
	}
}
