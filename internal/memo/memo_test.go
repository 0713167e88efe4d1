package memo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"roomlog/internal/memo"
)

func TestGet(t *testing.T) {
	var v memo.Value[int]
	var failure error
	reads := 0
	read := func(context.Context) (int, error) { reads++; return reads, failure }
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	get := func(want int) {
		t.Helper()
		if got, err := v.Get(t.Context(), now, time.Second, read); got != want || !errors.Is(err, failure) {
			t.Errorf("got %d, %v, want %d", got, err, want)
		}
	}
	get(1)
	get(1)
	now = now.Add(time.Second)
	failure = errors.New("no database")
	get(2)
	failure = nil
	get(3)
	get(3)
}
