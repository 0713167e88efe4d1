package pgtest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain checks that the package leaves no goroutine running, because tests that use the package look for leaked
// goroutines.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
