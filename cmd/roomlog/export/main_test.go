package export_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain also runs the process that TestExportIsKilled kills.
func TestMain(m *testing.M) {
	if dsn := os.Getenv("EXPORT_CHILD_DSN"); dsn != "" {
		os.Exit(child(dsn, os.Getenv("EXPORT_CHILD_DIR")))
	}
	goleak.VerifyTestMain(m)
}
