package pgtest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// The package leaves no goroutines behind: tests that use it look for leaks.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
