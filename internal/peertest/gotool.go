package peertest

import (
	"os/exec"
	"strings"
	"testing"
)

// GoTool builds a tool of the Go module in the folder, and returns the path of the program. Go keeps it in its cache.
func GoTool(t testing.TB, folder, name string) string {
	t.Helper()
	cmd := exec.Command("go", "tool", "-n", name)
	cmd.Dir = folder
	var problem strings.Builder
	cmd.Stderr = &problem
	path, err := cmd.Output()
	if err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, problem.String())
	}
	return strings.TrimSpace(string(path))
}
