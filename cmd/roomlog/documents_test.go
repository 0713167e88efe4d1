package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Programs that use generated clients.
const (
	goClient         = "testdata/clients/go"
	typescriptClient = "testdata/clients/typescript"
)

// outcome contains the responses that a program with a generated client has received.
type outcome struct {
	User, Live, Listed, Gift, Code string
	Owner                          bool
	Media                          any
}

// serveDocuments starts a server with one gift, and writes its documents to a folder.
func serveDocuments(t *testing.T, dir string) *process {
	t.Helper()
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t)}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30", "--image", "https://cdn.example/rose.png")
	for _, name := range []string{"openapi.json", "asyncapi.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), at.fetch("/"+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

// inFolder runs a program in a folder and returns its standard output.
func inFolder(t *testing.T, dir, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return out
}

func checkOutcome(t *testing.T, printed []byte, want outcome) {
	t.Helper()
	var got outcome
	if err := json.Unmarshal(printed, &got); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	if got != want {
		t.Errorf("the program received %+v, want %+v", got, want)
	}
}

// TestGeneratedGoClient generates a client with oapi-codegen, compiles it, and uses it.
func TestGeneratedGoClient(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(goClient)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "client"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "main.go.txt"), filepath.Join(dir, "main.go")); err != nil { // no package of this module
		t.Fatal(err)
	}
	at := serveDocuments(t, dir)
	inFolder(t, dir, "go", "tool", "oapi-codegen", "-config", "oapi-codegen.yaml", "openapi.json")
	printed := inFolder(t, dir, "go", "run", "-trimpath", ".", "http://"+at.addr)
	checkOutcome(t, printed, outcome{User: "gopher", Live: "made by a program", Listed: "made by a program", Gift: "Rose", Code: "live_not_found", Owner: true})
}

// TestDocumentsForTypeScript validates the documents of a server with validators from npm, generates types with
// openapi-typescript, compiles a program with them, and runs it.
func TestDocumentsForTypeScript(t *testing.T) {
	t.Parallel()
	node := need(t, "node", "node")
	modules, err := filepath.Abs(npmPackages(t, typescriptClient))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "tsconfig.json", "main.ts", "validate.js"} {
		text, err := os.ReadFile(filepath.Join(typescriptClient, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	at := serveDocuments(t, dir)

	var valid struct {
		Version    string
		Operations int
		Faults     []string
	}
	if err := json.Unmarshal(inFolder(t, dir, node, "validate.js", "openapi.json", "asyncapi.json"), &valid); err != nil {
		t.Fatal(err)
	}
	if valid.Version != "3.1" || valid.Operations < 30 || len(valid.Faults) > 0 {
		t.Errorf("the validators report %+v, want version 3.1 and no faults", valid)
	}

	inFolder(t, dir, node, "node_modules/openapi-typescript/bin/cli.js", "openapi.json", "-o", "schema.d.ts")
	inFolder(t, dir, node, "node_modules/typescript/bin/tsc", "--outDir", ".")
	printed := inFolder(t, dir, node, "main.js", "http://"+at.addr)
	checkOutcome(t, printed, outcome{User: "typist", Live: "made by a page", Listed: "made by a page", Gift: "Rose", Code: "live_not_found", Owner: true})
}
