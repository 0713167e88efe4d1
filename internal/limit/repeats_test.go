package limit_test

import (
	"testing"
	"time"

	"roomlog/internal/limit"
)

func TestRepeats(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	r := limit.NewRepeats(time.Second)
	for i, want := range []struct {
		after time.Duration
		count int // 0: the message is not written
	}{
		{0, 1}, {0, 0}, {time.Second - 1, 0}, {1, 3}, {0, 0}, {time.Minute, 2}, {time.Minute, 1},
	} {
		now = now.Add(want.after)
		if count, ok := r.Next(now); count != want.count || ok != (want.count > 0) {
			t.Errorf("message %d: got %d, %v, want %d", i, count, ok, want.count)
		}
	}
}
