package waittest

import (
	"testing"
	"time"
)

// Timeout is the maximum time that a test waits for something that should happen soon.
const Timeout = 3 * time.Minute

// Receive returns the next value of a channel, or the zero value of a closed one. It fails the test after Timeout.
func Receive[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(Timeout):
		t.Fatalf("timed out waiting for %s", what)
		panic("unreachable")
	}
}
