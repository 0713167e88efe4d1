package migrations

import (
	"context"
	"io/fs"
	"log/slog"
)

// ApplyFiles applies other files than those of roomlog.
func ApplyFiles(ctx context.Context, dsn string, files fs.FS, grants string) (Result, error) {
	return apply(ctx, dsn, files, grants, slog.New(slog.DiscardHandler))
}

// FingerprintOf is the fingerprint of other files.
var FingerprintOf = fingerprint

// LockKey is the advisory lock that Apply holds.
const LockKey = lockKey
