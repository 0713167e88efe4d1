package eventstore_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain checks that no goroutine is left running, and lets tests start the test program as another process of the
// log.
func TestMain(m *testing.M) {
	if dsn := os.Getenv(processEnv); dsn != "" {
		os.Exit(otherProcess(dsn))
	}
	goleak.VerifyTestMain(m,
		// toxiproxy leaves these goroutines after it has cut a connection.
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*NoopToxic).Pipe"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write"))
}
