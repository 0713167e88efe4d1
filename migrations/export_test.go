package migrations

import (
	"context"
	"io/fs"

	"github.com/jackc/pgx/v5"
)

// ApplyFiles is Apply with other files.
func ApplyFiles(ctx context.Context, dsn string, files fs.FS, grants string) (Result, error) {
	return apply(ctx, dsn, files, grants, Config{}, true)
}

// FingerprintOf is Fingerprint of other files.
var FingerprintOf = fingerprint

// LockKey is the advisory lock that Apply holds.
const LockKey = lockKey

// DescribeSchema returns the golden text of the schema of a database.
func DescribeSchema(ctx context.Context, conn *pgx.Conn) (string, error) {
	s, err := schemaOf(ctx, conn)
	return s.String(), err
}
