package pgtest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// skip skips a test that needs a database, if ROOMLOG_SKIP contains postgres.
func skip(t testing.TB) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("ROOMLOG_SKIP"), ","), "postgres") {
		t.Skip("ROOMLOG_SKIP contains postgres")
	}
}
