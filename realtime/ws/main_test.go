package ws_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(clientsEnv); addr != "" { // runs the clients of the memory benchmark
		holdConnections(addr)
		return
	}
	goleak.VerifyTestMain(m)
}
