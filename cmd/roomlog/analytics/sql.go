package analytics

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"roomlog/cmd/roomlog/eventtable"
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
		if !slices.Contains(present, t.Name) {
			b.WriteString(list(t, func(c eventtable.Column) string {
				return "CAST(NULL AS " + duckTypes[c.Kind] + ") AS " + quote(c.Name)
			}) + ", CAST(NULL AS TIMESTAMP) AS at_utc, CAST(NULL AS DATE) AS day WHERE false;\n")
			continue
		}
		b.WriteString(list(t, func(c eventtable.Column) string { return quote(c.Name) }))
		fmt.Fprintf(&b, ", make_timestamp(epoch_us(recorded_at)) AS at_utc, day FROM read_parquet(%s, hive_partitioning = true, hive_types = {'day': DATE}, union_by_name = true);\n",
			literal(path.Join(dir, t.Name, "*", "*.parquet")))
	}
	return b.String() + "\n" + questions
}

// Postgres returns the statements that create the schema analytics and the role that may read it. They can be executed
// again.
func Postgres() string {
	var b strings.Builder
	b.WriteString("-- Schema for analysts over the log of roomlog. Execute it as the owner of the database.\n" + createSchema)
	for _, t := range tables() {
		condition := ""
		if t.Name != eventtable.LogName {
			condition = " WHERE type = " + literal(t.Name)
		}
		// security_barrier: functions in a query see only the rows of the view.
		fmt.Fprintf(&b, "CREATE OR REPLACE VIEW %s WITH (security_barrier) AS SELECT %s, recorded_at AT TIME ZONE 'UTC' AS at_utc, CAST(recorded_at AT TIME ZONE 'UTC' AS date) AS day FROM public.events%s;\n",
			ViewOf(t.Name), list(t, postgresColumn), condition)
	}
	return b.String() + "\n" + questions + "\n" + role
}

// tables returns the tables that are views, without private fields. The view of the whole log has no payloads.
func tables() []*eventtable.Table {
	whole := *eventtable.Log(false)
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

func quote(name string) string { return `"` + name + `"` }

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
