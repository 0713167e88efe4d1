package record_test

import (
	"testing"

	"go.uber.org/goleak"
)

func leaks(m *testing.M) { goleak.VerifyTestMain(m) }
