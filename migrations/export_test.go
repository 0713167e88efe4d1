package migrations

import (
	"context"
	"io/fs"

	"github.com/jackc/pgx/v5"
)

// ApplyFiles applies the given files and grants, as Apply does with the embedded ones.
func ApplyFiles(ctx context.Context, dsn string, files fs.FS, grants string) (Result, error) {
	return apply(ctx, dsn, files, grants, Config{}, true)
}

// FingerprintOf returns the fingerprint of the given files.
var FingerprintOf = fingerprint

// LockKey is the key of the advisory lock that Apply holds.
const LockKey = lockKey

// DescribeSchema returns a description of the schema of a database, in the form of the golden file.
func DescribeSchema(ctx context.Context, conn *pgx.Conn) (string, error) {
	s, err := schemaOf(ctx, conn)
	return s.String(), err
}
