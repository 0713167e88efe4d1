package logtest

import (
	"io"
	"strings"
	"testing"
)

// Output returns an io.Writer that writes to the log of a test. It drops what is written after the end of the test.
func Output(t testing.TB) io.Writer { return output{t} }

type output struct{ testing.TB }

func (o output) Write(p []byte) (int, error) {
	if o.Context().Err() == nil {
		o.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}
