package place_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/place"
	"roomlog/projections/projtest"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1": "1", "1099511627776": "1099511627776", "now": "now", "2026-01-31": "2026-01-31T00:00:00Z", "2026-01-31T15:04:05+01:00": "2026-01-31T14:04:05Z",
		"2026-01-31T15:04:05.5Z": "2026-01-31T15:04:05.5Z",
		"":                       "", "0": "", "-1": "", "01": "", "+1": "", "1099511627777": "", "later": "", "2026-02-30": "", "2026-01-31 15:04": "", "0000-01-01": "", "1.5": "",
	} {
		p, ok := place.Parse(text, "now")
		got := p.Word
		switch {
		case !ok:
			got = ""
		case p.Position > 0:
			got = fmt.Sprint(p.Position)
		case !p.Time.IsZero():
			got = p.Time.UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestRange checks the bounds of ranges: a position belongs to both the range up to it and the range from it on, and a time
// to the range from it on only.
func TestRange(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := projtest.New(t)
	receipt := w.Do(domain.AddGift{Name: "rose", Price: 1})
	for range 3 {
		receipt = w.Do(domain.AddGift{Name: fmt.Sprint("gift ", receipt.Position), Price: 1})
	}
	event := receipt.Events[0]
	head := w.Head()
	if event.Position != head {
		t.Fatalf("the last event has position %d, want %d", event.Position, head)
	}
	at := event.RecordedAt.UTC()
	for _, tt := range []struct {
		text        string
		upTo, after int64
	}{
		{"", head, 0},
		{"1", 1, 0},
		{fmt.Sprint(head), head, head - 1},
		{at.Format(time.RFC3339Nano), head - 1, head - 1},
		{at.Add(time.Microsecond).Format(time.RFC3339Nano), head, head},
		{"2000-01-01", 0, 0},
	} {
		upTo, err := place.UpTo(ctx, w.Store, tt.text, head)
		if err != nil || upTo != tt.upTo {
			t.Errorf("up to %q: got %d, %v, want %d", tt.text, upTo, err, tt.upTo)
		}
		after, err := place.After(ctx, w.Store, tt.text, head)
		if err != nil || after != tt.after {
			t.Errorf("after %q: got %d, %v, want %d", tt.text, after, err, tt.after)
		}
	}
	for _, text := range []string{"0", "x", fmt.Sprint(head + 1), "2999-01-01"} {
		_, err := place.UpTo(ctx, w.Store, text, head)
		_, beginErr := place.After(ctx, w.Store, text, head)
		var wrong *place.Error
		if !errors.As(err, &wrong) || !errors.As(beginErr, &wrong) {
			t.Errorf("%q: got %v and %v, want an *Error", text, err, beginErr)
		}
	}
}
