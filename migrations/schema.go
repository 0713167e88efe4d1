package migrations

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed describe_schema.sql
	describeSchema string

	//go:embed schema.golden
	expectedSchema string
)

// CompareSchema compares the schema of a database with the schema that the migrations create: tables, constraints,
// indexes, triggers, functions, owners and privileges. It returns a sentence for each difference. If there is no
// serving role, or the owner cannot take it, the role's missing privileges are no difference. Other roles may have the
// privilege to read events and read tables; every other privilege of another role is a difference. A login that may
// take the serving role is a difference, too. Other tables in schema public are ignored.
func CompareSchema(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	found, err := schemaOf(ctx, conn)
	if err != nil {
		return nil, err
	}
	differences := compareSchemas(found, parseSchema(expectedSchema))
	if len(differences) == 0 {
		return nil, nil
	}
	if found, err = schemaOf(ctx, conn); err != nil { // a rebuild may have renamed the schema during the query
		return nil, err
	}
	return compareSchemas(found, parseSchema(expectedSchema)), nil
}

// schema maps the name of each object to its definition: "index x of table read.y" → "CREATE INDEX …".
type schema map[string]string

func schemaOf(ctx context.Context, conn *pgx.Conn) (schema, error) {
	rows, err := conn.Query(ctx, describeSchema, Role)
	if err != nil {
		return nil, fmt.Errorf("read the schema of the database: %w", err)
	}
	found := make(schema)
	var object, definition string
	_, err = pgx.ForEachRow(rows, []any{&object, &definition}, func() error {
		found[object] = strings.Join(strings.Fields(definition), " ")
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the schema of the database: %w", err)
	}
	return found, nil
}

// String returns s in the form that parseSchema reads.
func (s schema) String() string {
	var lines []string
	for object, definition := range s {
		lines = append(lines, object+": "+definition+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func parseSchema(text string) schema {
	s := make(schema)
	for line := range strings.Lines(text) {
		object, definition, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		s[object] = definition
	}
	return s
}

var (
	ownPrivilege  = regexp.MustCompile(`^privilege \S+ of ` + Role + ` on `)
	readPrivilege = regexp.MustCompile(`^privilege (SELECT of \S+ on (table|column) (read\.|public\.events)|USAGE of \S+ on schema )`)
	foreignOwner  = regexp.MustCompile(` owner \S+$`)
	foreignObject = regexp.MustCompile(`^(owner of )?(table|column) (public\.[^ .]+)|^function public\.| of table (public\.\S+)$`)
)

// compareSchemas returns a sentence for each difference, ordered by object.
func compareSchemas(found, want schema) []string {
	var differences []string
	_, role := found["role "+Role]
	for object, definition := range want {
		is, ok := found[object]
		switch {
		case ok && is == definition:
		case ok:
			differences = append(differences, fmt.Sprintf("%s is %s, expected %s", object, is, definition))
		case !role && (ownPrivilege.MatchString(object) || object == "role "+Role):
		default:
			differences = append(differences, fmt.Sprintf("%s is missing, expected %s", object, definition))
		}
	}
	for object, definition := range found {
		if _, ok := want[object]; ok || isForeign(object, definition, want) || readPrivilege.MatchString(object) && definition == "granted" {
			continue
		}
		differences = append(differences, fmt.Sprintf("%s is unexpected: %s", object, definition))
	}
	slices.Sort(differences)
	return differences
}

// isForeign reports whether an object belongs to a table or function in schema public that does not belong to roomlog. A
// function that executes with the rights of the owner is not foreign: everybody who may call it has these rights.
func isForeign(object, definition string, want schema) bool {
	m := foreignObject.FindStringSubmatch(object)
	if m == nil || strings.HasPrefix(definition, "SECURITY DEFINER ") && !foreignOwner.MatchString(definition) {
		return false
	}
	table := m[3] + m[4]
	_, own := want["table "+table]
	return !own
}
