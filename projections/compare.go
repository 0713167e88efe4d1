package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/jackc/pgx/v5"
)

// compare says which tables of two schemas differ, and in which row first. It reads each table once, row by row,
// and looks for the row only when the sums differ.
func compare(ctx context.Context, tx pgx.Tx, tables []tableOf, have, want string) ([]Difference, error) {
	var differences []Difference
	for _, t := range tables {
		haveRows, haveSum, err := sum(ctx, tx, t, have)
		if err != nil {
			return nil, err
		}
		wantRows, wantSum, err := sum(ctx, tx, t, want)
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

// columnsOf answers what of a table is compared: the cause of a poison row is for people, and may say where it was.
func columnsOf(t tableOf) string {
	if t.Name == "poison" {
		return "t.position, t.projection, t.type"
	}
	return "t.*"
}

// sum answers how many rows a table has and a sum that differs when the rows do.
func sum(ctx context.Context, tx pgx.Tx, t tableOf, schema string) (rows int64, hash string, err error) {
	query := fmt.Sprintf("SELECT count(*), coalesce(sum(hash_record_extended(r, 0)), 0)::text FROM (SELECT %s FROM %s.%s t) r",
		columnsOf(t), schema, t.Name)
	if err := tx.QueryRow(ctx, query).Scan(&rows, &hash); err != nil {
		return 0, "", fmt.Errorf("sum up %s.%s: %w", schema, t.Name, err)
	}
	return rows, hash, nil
}

// firstDifference names the first row, in the order of the key, that two tables do not share.
func firstDifference(ctx context.Context, tx pgx.Tx, t tableOf, have, want string) (string, error) {
	extra, err := firstOnly(ctx, tx, t, have, want)
	if err != nil {
		return "", err
	}
	missing, err := firstOnly(ctx, tx, t, want, have)
	if err != nil {
		return "", err
	}
	switch {
	case extra == nil && missing == nil:
		return "", nil
	case missing == nil || extra != nil && less(extra, missing, t.Key):
		return fmt.Sprintf("row %s does not follow from the log", keyOf(extra, t.Key)), nil
	case extra == nil || less(missing, extra, t.Key):
		return fmt.Sprintf("row %s is missing", keyOf(missing, t.Key)), nil
	}
	return fmt.Sprintf("row %s: %s", keyOf(extra, t.Key), columnsThatDiffer(extra, missing)), nil
}

// firstOnly answers the first row that is in one table and not in the other, or nil.
func firstOnly(ctx context.Context, tx pgx.Tx, t tableOf, in, notIn string) (map[string]any, error) {
	columns := columnsOf(t)
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

// less orders rows by their key.
func less(a, b map[string]any, key []string) bool {
	for _, k := range key {
		x, y := fmt.Sprint(a[k]), fmt.Sprint(b[k])
		if _, number := a[k].(json.Number); number && len(x) != len(y) {
			return len(x) < len(y) // positions and ids are positive
		}
		if x != y {
			return x < y
		}
	}
	return false
}

func keyOf(row map[string]any, key []string) string {
	var parts []string
	for _, k := range key {
		parts = append(parts, fmt.Sprintf("%s %v", k, row[k]))
	}
	return strings.Join(parts, ", ")
}

// private are the columns with people's texts, which no report repeats.
var private = map[string]bool{"username": true, "nickname": true, "avatar": true, "title": true, "cover": true, "text": true, "email": true}

// columnsThatDiffer says how two rows of one key differ.
func columnsThatDiffer(have, want map[string]any) string {
	var texts []string
	for column := range want {
		switch h, w := fmt.Sprint(have[column]), fmt.Sprint(want[column]); {
		case h == w:
		case private[column]:
			texts = append(texts, column+" is not what the log says")
		default:
			texts = append(texts, fmt.Sprintf("%s is %v, the log says %v", column, have[column], want[column]))
		}
	}
	sort.Strings(texts)
	return strings.Join(texts, "; ")
}
