package wstest

import (
	"net"
	"testing"
	"time"

	"roomlog/internal/waittest"
)

// Listen listens on a free port of the loopback interface.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Receive returns the next value of a channel. It fails the test after Timeout.
func Receive[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	return waittest.Receive(t, from, what)
}

// Eventually polls until ok returns true.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(Timeout)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}
