package place_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
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

// TestBounds checks ranges that two places select, and what is refused.
func TestBounds(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := projtest.New(t)
	var events []eventstore.Record
	for i := range 4 {
		events = append(events, w.Do(domain.AddGift{Name: fmt.Sprint("gift ", i), Price: 1}).Events...)
	}
	head := w.Head()
	at := func(i int) string { return events[i].RecordedAt.UTC().Format(time.RFC3339Nano) }
	cursor := func(i int) string { return eventstore.CursorOf(events[i]) }
	lost := "2" + strings.TrimLeft(cursor(2), "0123456789")
	p := func(i int) string { return fmt.Sprint(events[i].Position) }
	for _, tt := range []struct {
		from, to    string
		open        bool
		after, upTo int64
		want        string
	}{
		{upTo: head},
		{from: p(1), to: p(2), after: events[0].Position, upTo: events[2].Position},
		{from: p(2), to: p(2), after: events[1].Position, upTo: events[2].Position},
		{from: cursor(1), to: p(2), after: events[0].Position, upTo: events[2].Position},
		{from: at(1), to: at(3), after: events[0].Position, upTo: events[2].Position},
		{from: at(1), to: at(1), after: events[0].Position, upTo: events[0].Position},
		{from: at(1), to: "2999-01-01", open: true, after: events[0].Position, upTo: head},
		{from: at(1), to: "2999-01-01", want: "--to must not be in the future (got 2999-01-01)"},
		{from: "2999-01-01", open: true, want: "--from must not be in the future (got 2999-01-01)"},
		{from: p(2), to: p(1), want: "--from must not be after --to"},
		{from: cursor(2), to: cursor(1), want: "--from must not be after --to"},
		{from: at(2), to: at(1), want: "--from must not be after --to"},
		{from: at(2), to: "2001-01-01", want: "--from must not be after --to"},
		{from: p(1), to: at(2), want: "--from and --to must both be positions or cursors, or both be times or days"},
		{from: "2001-01-01", to: cursor(2), want: "--from and --to must both be positions or cursors, or both be times or days"},
		{from: "yesterday", want: "--from must be a position like 4711, a day"},
		{to: "1.x", want: "--to must be a position like 4711, a day"},
		{to: fmt.Sprint(head + 1), want: fmt.Sprintf("--to must be at most %d, the end of the log", head)},
		{from: fmt.Sprint(head + 1), want: fmt.Sprintf("--from must be at most %d, the end of the log", head)},
		{from: lost, want: eventstore.ErrCursorLost.Error()},
		{to: "99" + cursor(0)[1:], want: eventstore.ErrCursorLost.Error()},
	} {
		b := place.Bounds{From: tt.from, To: tt.to, Open: tt.open, Names: [2]string{"--from", "--to"}}
		after, upTo, err := b.Find(ctx, w.Store, head)
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v: got %v, want %s", b, err, tt.want)
			}
		} else if err != nil || after != tt.after || upTo != tt.upTo {
			t.Errorf("%+v: got %d, %d, %v, want %d, %d", b, after, upTo, err, tt.after, tt.upTo)
		}
	}
}
