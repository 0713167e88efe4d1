package eventstore_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes sure that nothing is left running, and lets the tests start this program once more
// as another process of roomlog.
func TestMain(m *testing.M) {
	if dsn := os.Getenv(processEnv); dsn != "" {
		os.Exit(otherProcess(dsn))
	}
	goleak.VerifyTestMain(m,
		// What toxiproxy leaves behind of a connection that it has cut.
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*NoopToxic).Pipe"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write"))
}
