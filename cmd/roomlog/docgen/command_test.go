package docgen_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/cmd/roomlog/docgen"
)

func TestGeneratedDocumentsAreUpToDate(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	if err := os.CopyFS(filepath.Join(tree, "domain"), os.DirFS(filepath.Join(root, "domain"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(tree, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	command := docgen.Command{Source: tree}
	if err := command.Run(t.Context(), cli.Shell{Stdout: io.Discard, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"EVENTS.md", "openapi.json", "asyncapi.json"} {
		want, err := os.ReadFile(filepath.Join(tree, "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(root, "docs", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/%s is stale (%v): run make generate", name, err)
		}
	}
}
