package migrations

import (
	"context"
	"io/fs"
	"log/slog"
)

// ApplyFiles is Apply with other files.
func ApplyFiles(ctx context.Context, dsn string, files fs.FS, grants string) (Result, error) {
	return apply(ctx, dsn, files, grants, slog.New(slog.DiscardHandler), true)
}

// FingerprintOf is Fingerprint of other files.
var FingerprintOf = fingerprint

// LockKey is the advisory lock that Apply holds.
const LockKey = lockKey
