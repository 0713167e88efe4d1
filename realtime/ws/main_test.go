package ws_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(clientsEnv); addr != "" { // the other half of the memory benchmark
		holdConnections(addr)
		return
	}
	goleak.VerifyTestMain(m)
}
