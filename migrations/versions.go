package migrations

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
)

// versions returns the numbers of the migrations of this program, in order.
func versions() []int64 {
	names, err := fs.Glob(files(), "0*.sql")
	if err != nil {
		panic(err) // cannot happen: the pattern is valid
	}
	var all []int64
	for _, name := range names {
		n, err := goose.NumericComponent(name)
		if err != nil {
			panic(err) // cannot happen: the files are embedded, and a test has applied each
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// Newest returns the number of the newest migration of this program.
func Newest() int64 { return slices.Max(versions()) }

// CompareVersions compares the table of migrations with the migrations of this program. Each must be recorded once, as
// applied, in order. It returns a sentence for each difference.
func CompareVersions(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT version_id, is_applied FROM public.goose_db_version ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read the migrations of the database: %w", err)
	}
	var differences []string
	report := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	missing := append([]int64{0}, versions()...) // goose records version 0 when it creates the table
	known := slices.Clone(missing)
	var version, before int64
	var applied bool
	_, err = pgx.ForEachRow(rows, []any{&version, &applied}, func() error {
		at := slices.Index(missing, version)
		switch {
		case at < 0 && slices.Contains(known, version):
			report("migration %d is recorded twice", version)
		case at < 0:
			report("migration %d is unknown to this program", version)
		case !applied:
			report("migration %d is recorded as not applied", version)
		case version < before:
			report("migration %d is recorded after migration %d", version, before)
		}
		if at >= 0 {
			missing = slices.Delete(missing, at, at+1)
		}
		before = max(before, version)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the migrations of the database: %w", err)
	}
	for _, version := range missing {
		report("migration %d is missing", version)
	}
	return differences, nil
}
