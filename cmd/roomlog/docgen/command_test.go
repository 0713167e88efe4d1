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
	"roomlog/domain"
)

func TestGeneratedDocumentsAreUpToDate(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	if err := os.CopyFS(filepath.Join(tree, "domain"), os.DirFS(filepath.Join(root, "domain"))); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(tree, "api/schemas"), os.DirFS(filepath.Join(root, "api/schemas"))); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"docs", "api/refusals"} {
		if err := os.MkdirAll(filepath.Join(tree, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	command := docgen.Command{Source: tree}
	if err := command.Run(t.Context(), cli.Shell{Stdout: io.Discard, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	asyncAPI := filepath.Join(tree, "docs/asyncapi.json")
	if err := os.WriteFile(asyncAPI, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	if err := command.Run(t.Context(), cli.Shell{Stdout: &printed, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	if printed.String() != asyncAPI+"\n" {
		t.Errorf("after a change of one document, the command prints %q, want %s alone", printed.String(), asyncAPI)
	}
	names := []string{"docs/EVENTS.md", "docs/openapi.json", "docs/asyncapi.json", "api/refusals/table.go"}
	for _, spec := range domain.Events {
		names = append(names, "api/schemas/"+spec.Type+".json")
	}
	for _, name := range names {
		want, err := os.ReadFile(filepath.Join(tree, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v): run make generate", name, err)
		}
	}
}
