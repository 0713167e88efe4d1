package rebuild

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/select_tables.sql
var selectTables string

// table describes a read table as a rebuild creates it.
type table struct {
	Name    string
	Options string   // storage parameters of the table
	Key     []string // columns of the primary key
}

// isAppendOnly reports whether folding only inserts rows into t and never changes them. This is so if the key begins
// with the position.
func (t table) isAppendOnly() bool { return len(t.Key) > 0 && t.Key[0] == "position" }

// comparedColumns returns the columns of t that a comparison reads. It leaves out the cause in table poison, which is
// an error message and may differ.
func (t table) comparedColumns() string {
	if t.Name == "poison" {
		return "t.position, t.projection, t.type"
	}
	return "t.*"
}

// readTables returns the tables of a schema, ordered by name.
func readTables(ctx context.Context, conn *pgx.Conn, schema string) ([]table, error) {
	rows, err := conn.Query(ctx, selectTables, schema)
	if err != nil {
		return nil, fmt.Errorf("read the tables of %s: %w", schema, err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		return nil, fmt.Errorf("read the tables of %s: %w", schema, err)
	}
	return tables, nil
}
