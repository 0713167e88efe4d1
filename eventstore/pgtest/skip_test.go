package pgtest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Tests that need a database are skipped where it is left out, and are seen to be.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestNew$", "-test.v")
	command.Env = append(os.Environ(), "ROOMLOG_SKIP=lint,postgres")
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- SKIP: TestNew") || !strings.Contains(string(out), "postgres is left out by ROOMLOG_SKIP") {
		t.Errorf("%v: %s", err, out)
	}
}
