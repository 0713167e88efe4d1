package eventstore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// explain returns the query plan of a statement of the package.
func explain(t *testing.T, tx pgx.Tx, file, types, call string) string {
	t.Helper()
	statement, err := os.ReadFile(filepath.Join("sql", file))
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimSuffix(file, ".sql")
	if types != "" {
		types = "(" + types + ")"
	}
	if _, err := tx.Exec(t.Context(), fmt.Sprintf("PREPARE %s %s AS %s", name, types, statement)); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	rows, err := tx.Query(t.Context(), fmt.Sprintf("EXPLAIN EXECUTE %s %s", name, call))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return strings.Join(lines, "\n")
}
