package api_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestAnalyticsPage runs every command of docs/ANALYTICS.md, and compares what it prints.
func TestAnalyticsPage(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "jq", "awk"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the page needs %s", tool)
		}
	}
	page, err := os.ReadFile("../docs/ANALYTICS.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```\n```text\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if n := strings.Count(string(page), "```sh\n"); n < 10 || n != len(blocks) {
		t.Fatalf("%d blocks of commands, %d of them with their output", n, len(blocks))
	}
	a, _, _ := withHistory(t)
	const mark = "end of block\n"
	var script, want strings.Builder
	for _, b := range blocks {
		script.WriteString(strings.ReplaceAll(b[1], "localhost:7001", strings.TrimPrefix(a.url, "http://")) + "echo " + mark)
		want.WriteString(b[2] + mark)
	}
	shell := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", script.String())
	shell.Dir, shell.Env = t.TempDir(), append(os.Environ(), "TOKEN="+a.Token)
	out, err := shell.CombinedOutput()
	if got := regexp.MustCompile(`(?m)^ +`).ReplaceAllString(string(out), ""); err != nil || got != want.String() {
		t.Errorf("the commands print (%v)\n%s\nwant\n%s", err, got, want.String())
	}
}
