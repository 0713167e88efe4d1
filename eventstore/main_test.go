package eventstore_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain verifies that no goroutine is left running, and lets tests start this program as another process of the log.
func TestMain(m *testing.M) {
	if dsn := os.Getenv(processEnv); dsn != "" {
		os.Exit(otherProcess(dsn))
	}
	goleak.VerifyTestMain(m,
		// Goroutines of toxiproxy after it has cut a connection.
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*NoopToxic).Pipe"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write"))
}
