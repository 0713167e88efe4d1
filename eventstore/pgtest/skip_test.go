package pgtest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestSkip checks that ROOMLOG_SKIP visibly skips tests that need a database.
func TestSkip(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestNew$", "-test.v")
	command.Env = append(os.Environ(), "ROOMLOG_SKIP=lint,postgres")
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- SKIP: TestNew") || !strings.Contains(string(out), "ROOMLOG_SKIP contains postgres") {
		t.Errorf("%v: %s", err, out)
	}
}
