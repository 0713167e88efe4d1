package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The documents that are made from the code are what the code says.
func TestDocsAreUpToDate(t *testing.T) {
	t.Parallel()
	const root = "../.."
	tree := t.TempDir()
	if err := os.CopyFS(filepath.Join(tree, "domain"), os.DirFS(filepath.Join(root, "domain"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(tree, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := runIn(t.Context(), nil, "docs", "--source", tree); got.code != exitDone {
		t.Fatal(got.stderr)
	}
	for _, name := range []string{"EVENTS.md", "openapi.json", "asyncapi.json"} {
		want, err := os.ReadFile(filepath.Join(tree, "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(root, "docs", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/%s is not what the code says (%v): run go run ./cmd/roomlog docs", name, err)
		}
	}
}
