package main

import (
	"bytes"
	"context"
	"os"
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
	code := run(ctx, args, shell{&stdout, &stderr, func(name string) string { return env[name] }, time.Now})
	return ran{code, stdout.String(), stderr.String()}
}

// dataDir answers a folder that PostgreSQL can live in: as root it runs as somebody else, whom
// t.TempDir shuts out.
func dataDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "roomlog-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}
