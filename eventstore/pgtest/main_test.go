package pgtest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A package that looks for leaked goroutines must not find any of ours.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
