package rebuild

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/jackc/pgx/v5"
)

// compare compares the tables of two schemas. It returns the tables that differ, each with its first row that differs.
// It reads each table once and adds up hashes of the rows. It searches for the row only if the sums differ.
func compare(ctx context.Context, tx pgx.Tx, tables []table, have, want string) ([]Difference, error) {
	var differences []Difference
	for _, t := range tables {
		haveRows, haveSum, err := sumHashes(ctx, tx, t, have)
		if err != nil {
			return nil, err
		}
		wantRows, wantSum, err := sumHashes(ctx, tx, t, want)
		if err != nil {
			return nil, err
		}
		if haveRows == wantRows && haveSum == wantSum {
			continue
		}
		text, err := firstDifference(ctx, tx, t, have, want)
		if err != nil {
			return nil, err
		}
		if text != "" {
			differences = append(differences, Difference{t.Name, text})
		}
	}
	return differences, nil
}

// sumHashes returns the number of rows of a table and the sum of the hashes of the rows.
func sumHashes(ctx context.Context, tx pgx.Tx, t table, schema string) (rows int64, sum string, err error) {
	query := fmt.Sprintf("SELECT count(*), coalesce(sum(hash_record_extended(r, 0)), 0)::text FROM (SELECT %s FROM %s.%s t) r",
		t.comparedColumns(), schema, t.Name)
	if err := tx.QueryRow(ctx, query).Scan(&rows, &sum); err != nil {
		return 0, "", fmt.Errorf("sum up %s.%s: %w", schema, t.Name, err)
	}
	return rows, sum, nil
}

// firstDifference describes the first row that differs between two tables, in the order of the key.
func firstDifference(ctx context.Context, tx pgx.Tx, t table, have, want string) (string, error) {
	extra, err := firstRowOnlyIn(ctx, tx, t, have, want)
	if err != nil {
		return "", err
	}
	missing, err := firstRowOnlyIn(ctx, tx, t, want, have)
	if err != nil {
		return "", err
	}
	switch {
	case extra == nil && missing == nil:
		return "", nil
	case missing == nil || extra != nil && less(extra, missing, t.Key):
		return fmt.Sprintf("row %s does not follow from the log", keyText(extra, t.Key)), nil
	case extra == nil || less(missing, extra, t.Key):
		return fmt.Sprintf("row %s is missing", keyText(missing, t.Key)), nil
	}
	return fmt.Sprintf("row %s: %s", keyText(extra, t.Key), differentColumns(extra, missing)), nil
}

// firstRowOnlyIn returns the first row that is only in the table in schema in, or nil if there is none.
func firstRowOnlyIn(ctx context.Context, tx pgx.Tx, t table, in, notIn string) (map[string]any, error) {
	columns := t.comparedColumns()
	query := fmt.Sprintf("SELECT to_jsonb(r) FROM (SELECT %s FROM %s.%s t EXCEPT ALL SELECT %s FROM %s.%s t) r ORDER BY %s LIMIT 1",
		columns, in, t.Name, columns, notIn, t.Name, "r."+strings.Join(t.Key, ", r."))
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", t.Name, err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", t.Name, err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	var row map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(found[0])))
	decoder.UseNumber()
	if err := decoder.Decode(&row); err != nil {
		return nil, fmt.Errorf("compare %s: %w", t.Name, err)
	}
	return row, nil
}

// less reports whether row a precedes row b in the order of their key.
func less(a, b map[string]any, key []string) bool {
	for _, k := range key {
		x, y := fmt.Sprint(a[k]), fmt.Sprint(b[k])
		if _, number := a[k].(json.Number); number && len(x) != len(y) {
			return len(x) < len(y) // the longer number is larger, because positions and ids are positive
		}
		if x != y {
			return x < y
		}
	}
	return false
}

// keyText returns the key of a row in the form "position 28, seq 1".
func keyText(row map[string]any, key []string) string {
	var parts []string
	for _, k := range key {
		parts = append(parts, fmt.Sprintf("%s %v", k, row[k]))
	}
	return strings.Join(parts, ", ")
}

// isPersonal reports whether a column contains texts of users. Reports do not contain such texts.
func isPersonal(column string) bool {
	switch column {
	case "username", "nickname", "avatar", "title", "cover", "text", "email":
		return true
	}
	return false
}

// differentColumns describes the columns in which two rows with the same key differ.
func differentColumns(have, want map[string]any) string {
	var texts []string
	for column := range want {
		switch h, w := fmt.Sprint(have[column]), fmt.Sprint(want[column]); {
		case h == w:
		case isPersonal(column):
			texts = append(texts, column+" differs")
		default:
			texts = append(texts, fmt.Sprintf("%s is %v, expected %v", column, have[column], want[column]))
		}
	}
	sort.Strings(texts)
	return strings.Join(texts, "; ")
}
