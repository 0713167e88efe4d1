package migrations

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// grant is one statement of grants.sql. It grants privileges on a schema, on a table, or on all tables of a schema to
// the serving role.
type grant struct {
	sql        string
	kind       string // kind of object: "schema", "table" or "tables of schema"
	object     string
	privileges []string
}

var grantPattern = regexp.MustCompile(`^GRANT ([A-Z, ]+) ON (SCHEMA |ALL TABLES IN SCHEMA |)([a-z_.]+) TO ([a-z_]+)$`)

// parseGrants parses the statements of grants.sql. It accepts no other form of statement.
func parseGrants(sql string) ([]grant, error) {
	var grants []grant
	var text strings.Builder
	for line := range strings.Lines(sql) {
		if !strings.HasPrefix(line, "--") {
			text.WriteString(line)
		}
	}
	for statement := range strings.SplitSeq(text.String(), ";") {
		statement = strings.TrimSpace(statement)
		if statement == "" {
			continue
		}
		m := grantPattern.FindStringSubmatch(statement)
		if m == nil || m[4] != Role {
			return nil, fmt.Errorf("no grant to %s: %q", Role, statement)
		}
		kind := map[string]string{"": "table", "SCHEMA ": "schema", "ALL TABLES IN SCHEMA ": "tables of schema"}[m[2]]
		grants = append(grants, grant{statement, kind, m[3], strings.Split(m[1], ", ")})
	}
	return grants, nil
}

// lacking contains a query for each kind of object. The query returns the objects of a grant on which the role $2 lacks
// one of the privileges $3.
var lacking = map[string]string{
	"schema": `SELECT nspname FROM pg_namespace n WHERE nspname = $1 AND EXISTS (SELECT unnest($3::text[])
		EXCEPT SELECT a.privilege_type FROM aclexplode(n.nspacl) a JOIN pg_roles r ON r.oid = a.grantee WHERE r.rolname = $2)`,
	"table": `SELECT relname FROM pg_class c WHERE c.oid = $1::regclass AND EXISTS (SELECT unnest($3::text[])
		EXCEPT SELECT a.privilege_type FROM aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee WHERE r.rolname = $2)`,
	"tables of schema": `SELECT relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = $1::regnamespace AND EXISTS (SELECT unnest($3::text[])
		EXCEPT SELECT a.privilege_type FROM aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee WHERE r.rolname = $2)`,
}

// applyGrants executes the grants whose privileges the serving role lacks. It does not execute the others: a GRANT that
// changes nothing still updates rows of the system catalogue, and would fail while another connection renames the
// schema. The caller must hold the lock of migrations.
func applyGrants(ctx context.Context, conn *pgx.Conn, sql string) error {
	grants, err := parseGrants(sql)
	if err != nil {
		return err
	}
	for _, g := range grants {
		rows, err := conn.Query(ctx, lacking[g.kind], g.object, Role, g.privileges)
		if err != nil {
			return err
		}
		missing, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("%s: %w", g.sql, err)
		}
		if len(missing) == 0 {
			continue
		}
		if _, err := conn.Exec(ctx, g.sql); err != nil {
			return fmt.Errorf("%s: %w", g.sql, err)
		}
	}
	return nil
}
