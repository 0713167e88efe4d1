package duckdbtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Query executes the statements in the file views, in its folder, and then queries. It returns the rows of each query as
// texts. clients is the path of the folder cmd/roomlog/testdata/clients.
func Query(t testing.TB, clients, views string, queries []string) (results [][][]string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("ROOMLOG_SKIP"), ","), "node") {
		t.Skip("DuckDB is left out by ROOMLOG_SKIP, which contains node")
	}
	dir, err := filepath.Abs(filepath.Join(clients, "duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if have, err := os.ReadFile(filepath.Join(dir, "node_modules", ".installed")); err != nil || !bytes.Equal(have, wanted) {
		t.Fatal("DuckDB is missing or old; install it with `make deps`, or leave it out with ROOMLOG_SKIP=node")
	}
	input, err := json.Marshal(queries)
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "node", filepath.Join(dir, "query.js"), filepath.Base(views))
	run.Dir, run.Stdin = filepath.Dir(views), bytes.NewReader(input)
	out, err := run.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		t.Fatalf("%v: %s", err, exit.Stderr)
	}
	if err == nil {
		err = json.Unmarshal(out, &results)
	}
	if err != nil {
		t.Fatal(err)
	}
	return results
}
