package pgtest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// needed skips a test that needs a database if ROOMLOG_SKIP leaves postgres out, so that it is seen to be skipped.
func needed(t testing.TB) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("ROOMLOG_SKIP"), ","), "postgres") {
		t.Skip("postgres is left out by ROOMLOG_SKIP")
	}
}
