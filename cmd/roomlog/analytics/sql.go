package analytics

import (
	_ "embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"roomlog/cmd/roomlog/eventtable"
	"roomlog/domain"
)

var (
	//go:embed sql/questions.sql
	questions string

	//go:embed sql/role.sql
	role string
)

const createSchema = "CREATE SCHEMA IF NOT EXISTS analytics;\n\n"

// ViewOf returns the name of the view of an event type, or of the whole log.
func ViewOf(table string) string { return "analytics." + strings.ReplaceAll(table, ".", "_") }

// DuckDB returns the views over the Parquet files of an export in the folder dir. present are the names of the tables that
// have files; the views of the other tables have no rows.
func DuckDB(dir string, present []string) string {
	var b strings.Builder
	b.WriteString("-- Views for DuckDB over the Parquet files of an export. Read this file in the folder of the export.\n" + createSchema)
	for _, t := range tables() {
		fmt.Fprintf(&b, "CREATE OR REPLACE VIEW %s AS SELECT ", ViewOf(t.Name))
		versions := slices.DeleteFunc(versionsOf(t.Name), func(name string) bool { return !slices.Contains(present, name) })
		if len(versions) == 0 {
			b.WriteString(list(t, func(c eventtable.Column) string {
				return "CAST(NULL AS " + duckTypes[c.Kind] + ") AS " + quote(c.Name)
			}) + ", CAST(NULL AS TIMESTAMP) AS at_utc, CAST(NULL AS DATE) AS day WHERE false;\n")
			continue
		}
		var files []string
		for _, name := range versions {
			files = append(files, literal(path.Join(dir, name, "*", "*.parquet")))
		}
		from := files[0]
		if len(files) > 1 {
			from = "[" + strings.Join(files, ", ") + "]"
		}
		rows := fmt.Sprintf("read_parquet(%s, hive_partitioning = true, hive_types = {'day': DATE}, union_by_name = true)", from)
		column := func(c eventtable.Column) string { return quote(c.Name) }
		if len(versionsOf(t.Name)) > 1 { // exports of an earlier roomlog lack columns
			var lacking []string
			for _, c := range t.Columns {
				if mayLack(c) {
					lacking = append(lacking, "CAST(NULL AS BIGINT) AS "+quote(c.Name))
				}
			}
			rows = fmt.Sprintf("(SELECT * FROM %s UNION ALL BY NAME SELECT %s WHERE false)", rows, strings.Join(lacking, ", "))
			column = func(c eventtable.Column) string {
				if mayLack(c) {
					return fmt.Sprintf("coalesce(%s, 0) AS %[1]s", quote(c.Name))
				}
				return quote(c.Name)
			}
		}
		b.WriteString(list(t, column))
		fmt.Fprintf(&b, ", make_timestamp(epoch_us(recorded_at)) AS at_utc, day FROM %s;\n", rows)
	}
	return b.String() + "\n" + questions
}

// versionsOf returns the name of a table, and the types of the earlier versions of its events.
func versionsOf(table string) []string {
	names := []string{table}
	for _, spec := range domain.Events {
		if spec.Type == table {
			names = slices.AppendSeq(names, maps.Keys(spec.Upcasters))
		}
	}
	slices.Sort(names[1:])
	return names
}

// mayLack reports whether payloads of an earlier version may lack a column. The column is then 0, as in the event
// that domain.EventSpec decodes.
func mayLack(c eventtable.Column) bool { return c.Field != "" && c.Kind == eventtable.Integer }

// Postgres returns the statements that create the schema analytics and the role that may read it. They can be executed
// again.
func Postgres() string {
	var b strings.Builder
	outdated := "" // drops the views of earlier versions, on which the questions of an earlier installation depend
	b.WriteString("-- Schema for analysts over the log of roomlog. Execute it as the owner of the database.\n" + createSchema)
	for _, t := range tables() {
		condition, column := "", postgresColumn
		versions := versionsOf(t.Name)
		if t.Name != eventtable.LogName {
			condition = " WHERE type = " + literal(t.Name)
		}
		if len(versions) > 1 {
			types := make([]string, len(versions))
			for i, name := range versions {
				types[i] = literal(name)
			}
			condition = " WHERE type IN (" + strings.Join(types, ", ") + ")"
			column = func(c eventtable.Column) string {
				if mayLack(c) {
					return "coalesce((payload->>" + literal(c.Field) + ")::bigint, 0) AS " + quote(c.Name)
				}
				return postgresColumn(c)
			}
			for _, name := range versions[1:] {
				outdated += "DROP VIEW IF EXISTS " + ViewOf(name) + ";\n"
			}
		}
		// security_barrier: functions in a query see only the rows of the view.
		fmt.Fprintf(&b, "CREATE OR REPLACE VIEW %s WITH (security_barrier) AS SELECT %s, recorded_at AT TIME ZONE 'UTC' AS at_utc, CAST(recorded_at AT TIME ZONE 'UTC' AS date) AS day FROM public.events%s;\n",
			ViewOf(t.Name), list(t, column), condition)
	}
	return b.String() + "\n" + questions + "\n" + outdated + "\n" + role
}

// tables returns the tables that are views, without private fields. The view of the whole log has no payloads.
func tables() []*eventtable.Table {
	whole := *eventtable.Log()
	whole.Columns = slices.DeleteFunc(slices.Clone(whole.Columns), func(c eventtable.Column) bool {
		return c.Kind == eventtable.JSON || c.Kind == eventtable.Nested || c.Name == "undecodable" || c.Name == "cursor"
	})
	return append([]*eventtable.Table{&whole}, eventtable.Events(false)...)
}

func list(t *eventtable.Table, column func(eventtable.Column) string) string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = column(c)
	}
	return strings.Join(columns, ", ")
}

var duckTypes = map[eventtable.Kind]string{
	eventtable.Integer: "BIGINT", eventtable.Text: "VARCHAR", eventtable.Boolean: "BOOLEAN", eventtable.Time: "TIMESTAMPTZ", eventtable.Nested: "JSON", eventtable.JSON: "JSON",
}

// logColumns maps columns of the envelope to expressions over the table of the log. Other columns have their own name.
var logColumns = map[string]string{"event_id": "event_id::text", "actor": "metadata->>'actor'", "live": "live_id"}

// postgresTypes are the types of columns whose text in a payload is converted.
var postgresTypes = map[eventtable.Kind]string{eventtable.Integer: "bigint", eventtable.Boolean: "boolean", eventtable.Time: "timestamptz"}

func postgresColumn(c eventtable.Column) string {
	if c.Field == "" {
		if c.Name == "type" {
			return currentType() + " AS type"
		}
		if expression, ok := logColumns[c.Name]; ok {
			return expression + " AS " + c.Name
		}
		return c.Name
	}
	value := "payload->>" + literal(c.Field)
	switch kind, convert := postgresTypes[c.Kind]; {
	case convert:
		value = "(" + value + ")::" + kind
	case c.Kind == eventtable.Nested:
		value = "payload->" + literal(c.Field)
	}
	return value + " AS " + quote(c.Name)
}

// currentType returns an expression for the type of an event as exports contain it: that of the current version.
func currentType() string {
	var b strings.Builder
	for _, spec := range domain.Events {
		for _, older := range versionsOf(spec.Type)[1:] {
			fmt.Fprintf(&b, " WHEN %s THEN %s", literal(older), literal(spec.Type))
		}
	}
	return "CASE type" + b.String() + " ELSE type END"
}

func quote(name string) string { return `"` + name + `"` }

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
