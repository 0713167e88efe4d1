package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is the command as well: scripts and tests start it under the name roomlog.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"roomlog": main}) }

// ran is what a command line did.
type ran struct {
	code           int
	stdout, stderr string
}

// runIn carries out a command line in this process, with no environment but env.
func runIn(ctx context.Context, env map[string]string, args ...string) ran {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, shell{strings.NewReader(""), &stdout, &stderr, func(name string) string { return env[name] }, time.Now})
	return ran{code, stdout.String(), stderr.String()}
}
