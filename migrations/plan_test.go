package migrations_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/sqltemplate"
)

// smallTables are the tables that always have few rows, so that a plan may scan them.
var smallTables = map[string]string{
	"store": "one row", "goose_db_version": "one row for each migration", "projection": "one row for each projection",
	"checkpoint": "one row for each consumer group", "secret_fingerprint": "one row for each secret",
	"share_rule": "one row for each rule that operators have set", "survey_reply": "deleted when the survey ends", "gift": "the catalogue",
	"poison": "events that a projection could not apply", "coin_hold": "closed coins", "coin_held": "events that wait for closed coins",
	"coin_closing": "closed coins", "tlog_tree": "one row", "tlog_fork": "evidence of a rewritten history, at most 100 rows", "chat_room": "package domain limits how many there are",
	"webhook": "package domain limits how many there are", "webhook_cursor": "one row for each webhook",
}

// scanningStatements are the statements that may read a whole table, and those that cannot be explained, with the reason. Each key
// is the beginning of the faults that are permitted.
var scanningStatements = map[string]string{
	"eventstore/audit/":          "roomlog verify compares everything with everything",
	"cmd/roomlog/analytics/sql/": "a script that creates the views of analysts, which read all events",
	"cmd/roomlog/admin/auditproof.go: Seq Scan on gift_record":                                                  "an auditor looks up one gift by its id; an index would make every gift slower",
	"cmd/roomlog/backup/sql/count_files.sql: Seq Scan":                                                          "a backup counts the files that it should contain, and reads the whole database anyway",
	"eventstore/transparency/tree/restart.go: Seq Scan on tlog_tile":                                            "an operator begins a new tree",
	"eventstore/transparency/tree/sql/count_tiles.sql: Seq Scan on tlog_tile":                                   "roomlog verify counts the tiles",
	"eventstore/transparency/tree/sql/select_checkpoints.sql: index tlog_checkpoint_pkey of tlog_checkpoint":    "roomlog verify checks all checkpoints",
	"eventstore/transparency/tree/sql/select_cosignatures.sql: index tlog_cosignature_pkey of tlog_cosignature": "roomlog verify checks all cosignatures",
	"projections/ledger/sql/select_totals.sql: Seq Scan on coin,":                                               "a trial balance has all accounts",
	"projections/reconcile/sql/select_open.sql: index correction_open of correction is read":                    "the index has only the corrections that nobody has decided",
	"projections/reconcile/sql/select_open.sql: index payout_held of payout is read":                            "the index has only the payouts that wait for the payment",
	"projections/rebuild/":                                                                   "roomlog rebuild and verify read all tables, and put the names of schemas into statements",
	"projections/sql/select_unused_uploads.sql: Seq Scan":                                    "the cleaner looks for the names of old uploads in all texts, if there are old uploads",
	"projections/sql/select_unused_credentials.sql: Seq Scan":                                "the cleaner compares all credentials with all users",
	"projections/sql/select_live.sql: index live_pkey of live is read with":                  "an operator's list of the lives on air begins with the newest live; an index would be changed whenever a live begins or ends",
	"projections/sql/select_live.sql: index broadcast_current of broadcast is read":          "the same list; the index has only the broadcasts that run",
	"projections/sql/select_gift_records.sql: index gift_record_pkey of gift_record is read": "an auditor's list of one gift in all lives; an index would make every gift slower",
}

// TestEveryStatementReadsByKey fills all tables and explains every statement of the program. PostgreSQL uses the generic plan
// of a statement, which knows no values of parameters, after five executions. It must not read a whole table.
//
// The statements are all SQL files and all SQL texts in Go files, so that new ones are tested, too. All tables that are not
// listed in smallTables are filled.
func TestEveryStatementReadsByKey(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	filled := fill(t, db.Owner)
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	used := map[string]bool{}
	for name, texts := range statementsOf(t, os.DirFS("..")) {
		faults := map[string]bool{}
		for _, text := range texts {
			plan, err := explain(t.Context(), pool, text)
			if err != nil {
				faults[name+": "+err.Error()] = true
			}
			for _, fault := range plan.scans(above{}, filled) {
				faults[name+": "+fault] = true
			}
		}
		for fault := range faults {
			if rule := ruleOf(fault); rule != "" {
				used[rule] = true
				continue
			}
			t.Errorf("%s\n\tAdd an index, leave out conditions that are not given (internal/sqltemplate), or give a reason in scanningStatements", fault)
		}
	}
	for rule := range scanningStatements {
		if !used[rule] {
			t.Errorf("no statement needs the entry %q of scanningStatements: remove it", rule)
		}
	}
}

// ruleOf returns the entry of scanningStatements with which a fault begins, or "".
func ruleOf(fault string) string {
	for rule := range scanningStatements {
		if strings.HasPrefix(fault, rule) {
			return rule
		}
	}
	return ""
}

// fillRows is the number of rows of each table. Plans for more rows are the same.
const fillRows = 50_000

// columnValues are the values of columns, for a row number n, where the type of a column is not enough. The name of a table before
// that of the column selects the column of one table.
var columnValues = map[string]string{
	"live_id": "n % 5 * 9000 + 1", "user_id": "n % 4999 * 10 + 1", "gift_id": "n % 31 + 1", "type": "'type ' || n % 7",
	"status": "CASE WHEN n % 5000 = 0 THEN 1 ELSE 3 END", "account": "'user-' || n % 4999", "node": "'node ' || n % 300",
	"restream.live_id": "n / 5 + 1", // a live has at most five targets
}

// typeValues are the values of columns by their type.
var typeValues = map[string]string{
	"bigint": "n", "integer": "n % 50 + 1", "boolean": "n % 100 = 0", "text": "'text ' || n", "uuid": "gen_random_uuid()",
	"json": "'{}'", "jsonb": "'[]'", "bytea": "sha256(n::text::bytea)", "ARRAY": "'{}'", "timestamp with time zone": "now() - n * interval '1 s'",
}

// fill fills all tables except the small ones, makes statistics, and returns the names of the filled tables.
func fill(t *testing.T, owner *pgxpool.Pool) map[string]bool {
	t.Helper()
	type column struct {
		Table, Column, Type string
		Nullable, Unique    bool // Unique: the column alone is a key
	}
	rows, err := owner.Query(t.Context(), `
		SELECT format('%I.%I', table_schema, table_name), column_name::text, data_type::text, is_nullable = 'YES', EXISTS (
			SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
			WHERE i.indrelid = format('%I.%I', table_schema, table_name)::regclass AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL
				AND a.attname = column_name)
		FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
		WHERE table_schema IN ('public', 'read') AND table_type = 'BASE TABLE' ORDER BY 1, ordinal_position`)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		t.Fatal(err)
	}
	inserted, filled := map[string][2][]string{}, map[string]bool{}
	for _, c := range columns {
		name := c.Table[strings.Index(c.Table, ".")+1:]
		if _, small := smallTables[name]; small {
			continue
		}
		filled[name] = true
		value, ok := typeValues[c.Type]
		if named := cmp.Or(columnValues[name+"."+c.Column], columnValues[c.Column]); named != "" && !c.Unique {
			value, ok = named, true
		}
		if !ok {
			t.Fatalf("column %s of %s has the type %s: add a value to typeValues", c.Column, c.Table, c.Type)
		}
		if c.Nullable {
			value = "CASE WHEN n % 2000 > 0 THEN " + value + " END"
		}
		i := inserted[c.Table]
		inserted[c.Table] = [2][]string{append(i[0], c.Column), append(i[1], value)}
	}
	dropChecks := `DO $$ DECLARE c record; BEGIN
		FOR c IN SELECT conrelid::regclass AS tbl, conname FROM pg_constraint WHERE contype = 'c' AND connamespace IN ('public'::regnamespace, 'read'::regnamespace)
		LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.tbl, c.conname); END LOOP; END $$`
	if _, err := owner.Exec(t.Context(), dropChecks); err != nil { // the rows need only the right number and the right keys
		t.Fatal(err)
	}
	for table, i := range inserted {
		insert := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM generate_series(1, %d) AS n ON CONFLICT DO NOTHING",
			table, strings.Join(i[0], ", "), strings.Join(i[1], ", "), fillRows)
		if _, err := owner.Exec(t.Context(), insert); err != nil {
			t.Fatalf("fill %s: %v", table, err)
		}
	}
	if _, err := owner.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	return filled
}

var (
	sqlVerb        = regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\s`)
	skippedFolders = []string{"migrations", "eventstore/pgtest", "projections/projtest"} // statements of migrations, and of tests
	catalogue      = regexp.MustCompile(`\bpg_[a-z_]+|\$1::regnamespace`)                // statements about PostgreSQL itself
	placeholder    = regexp.MustCompile(`\{[a-z]+\}`)
)

// statementsOf returns all statements of the program by the names of their files, with all their variants.
func statementsOf(t *testing.T, tree fs.FS) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	read := func(name string) string {
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules" || slices.Contains(skippedFolders, name)):
			return fs.SkipDir
		case path.Ext(name) == ".sql":
			for _, text := range sqltemplate.Must(read(name)).All() {
				all[name] = append(all[name], placeholder.ReplaceAllStringFunc(text, func(p string) string {
					switch p { // see eventstore/consumer/schema.go
					case "{checkpoint}":
						return read("eventstore/consumer/sql/select_checkpoint.sql")
					case "{limit}":
						return "1000"
					}
					return p
				}))
			}
		case path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go"):
			for _, text := range literals(t, name, read(name)) {
				if sqlVerb.MatchString(text) && !catalogue.MatchString(text) {
					all[name] = append(all[name], text)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 150 {
		t.Fatalf("found only %d files with statements", len(all))
	}
	return all
}

// literals returns the string literals of a Go file.
func literals(t *testing.T, name, source string) (all []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			text, err := strconv.Unquote(l.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
		return true
	})
	return all
}

// explain returns the generic plan of a statement.
func explain(ctx context.Context, pool *pgxpool.Pool, text string) (node, error) {
	var plans []struct{ Plan node }
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		text, _, err := pgx.NamedArgs{}.RewriteQuery(ctx, tx.Conn(), text, nil)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SET LOCAL plan_cache_mode = force_generic_plan; PREPARE explained AS "+text, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		var parameters int
		if err := tx.QueryRow(ctx, "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'explained'").Scan(&parameters); err != nil {
			return err
		}
		call := "explained"
		if parameters > 0 {
			call += "(" + strings.Join(slices.Repeat([]string{"NULL"}, parameters), ", ") + ")"
		}
		var found []byte
		if err := tx.QueryRow(ctx, "EXPLAIN (FORMAT JSON) EXECUTE "+call, pgx.QueryExecModeSimpleProtocol).Scan(&found); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DEALLOCATE explained"); err != nil {
			return err
		}
		return json.Unmarshal(found, &plans)
	})
	if err != nil {
		return node{}, err
	}
	return plans[0].Plan, nil
}

// node is a node of a plan.
type node struct {
	Type      string `json:"Node Type"`
	Parent    string `json:"Parent Relationship"`
	Table     string `json:"Relation Name"`
	Index     string `json:"Index Name"`
	IndexCond string `json:"Index Cond"`
	Recheck   string `json:"Recheck Cond"` // the condition of a bitmap scan
	Filter    string `json:"Filter"`
	Plans     []node
}

// above describes the nodes above a node.
type above struct {
	limited bool // whether the node is read only until a LIMIT is reached
}

// parameterOr is a condition that a parameter switches off.
var parameterOr = regexp.MustCompile(`\$\d+ (?:=|IS|<>) [^()]*\) OR|OR \((?:NOT )?\$\d+|OR \$\d+`)

// scans returns the parts of the plan that read a whole table, or a part of it that grows with the table.
func (n node) scans(a above, filled map[string]bool) (faults []string) {
	switch n.Type {
	case "Limit":
		a.limited = true
	case "Nested Loop", "Append", "Merge Append", "Subquery Scan", "Result", "LockRows":
	case "Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan":
		if filled[n.Table] {
			faults = append(faults, n.scan(a)...)
		}
	default: // reads all of its input
		a.limited = false
	}
	for _, below := range n.Plans {
		inner := a
		if below.Parent == "InitPlan" || below.Parent == "SubPlan" {
			inner = above{}
		}
		faults = append(faults, below.scans(inner, filled)...)
	}
	return faults
}

// scan returns the fault of a node that reads a large table.
func (n node) scan(a above) []string {
	condition := n.IndexCond + n.Recheck
	equal := strings.Contains(condition, " = ") || strings.Contains(condition, "ROW(")
	switch {
	case n.Type == "Seq Scan":
		return []string{fmt.Sprintf("Seq Scan on %s, filter %q", n.Table, n.Filter)}
	case parameterOr.MatchString(n.Filter):
		return []string{fmt.Sprintf("a parameter switches a condition of %s off: %q", n.Table, n.Filter)}
	case !equal && n.Filter != "":
		return []string{fmt.Sprintf("index %s of %s is read with %q, filter %q", n.Index, n.Table, condition, n.Filter)}
	case !equal && !a.limited && condition == "":
		return []string{fmt.Sprintf("index %s of %s is read from end to end", n.Index, n.Table)}
	}
	return nil
}
