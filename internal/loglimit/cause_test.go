package loglimit_test

import (
	"errors"
	"testing"

	"roomlog/internal/loglimit"
)

func TestCause(t *testing.T) {
	t.Parallel()
	var c loglimit.Cause
	one, same, two := errors.New("one"), errors.New("one"), errors.New("two")
	for i, step := range []struct {
		err     error
		changed bool
	}{{nil, false}, {one, true}, {same, false}, {two, true}, {one, true}, {nil, true}, {nil, false}, {one, true}} {
		if got := c.Changed(step.err); got != step.changed {
			t.Errorf("attempt %d with the error %v: changed %v, want %v", i, step.err, got, step.changed)
		}
	}
}
