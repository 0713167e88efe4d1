package eventstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"roomlog/eventstore"
)

func TestCursor(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	for range 12 {
		l.list(1)
	}
	for _, r := range l.all() {
		text, err := l.store.Cursor(t.Context(), r.Position)
		if err != nil || text != eventstore.CursorOf(r) {
			t.Fatalf("cursor %s, of the event %s, %v", text, eventstore.CursorOf(r), err)
		}
		id := strings.ReplaceAll(r.ID.String(), "-", "")
		if want := fmt.Sprintf("%d.%s", r.Position, id[len(id)-8:]); text != want {
			t.Fatalf("cursor %s, want %s", text, want)
		}
		if position, err := l.store.ParseCursor(t.Context(), text); err != nil || position != r.Position {
			t.Fatalf("cursor %s stands for %d, %v, want %v", text, position, err, r.Position)
		}
	}
	for _, beginning := range []string{"", "0"} {
		if position, err := l.store.ParseCursor(t.Context(), beginning); err != nil || position != 0 {
			t.Errorf("%q stands for %d, %v, want 0", beginning, position, err)
		}
	}
	if text, err := l.store.Cursor(t.Context(), 0); err != nil || text != "0" {
		t.Errorf(`the beginning is %q, %v, want "0"`, text, err)
	}
	if _, err := l.store.Cursor(t.Context(), 13); !errors.Is(err, eventstore.ErrCursorLost) {
		t.Errorf("beyond the end: %v", err)
	}
}

func TestParseCursorRejectsInvalidTexts(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.list(1)
	good := eventstore.CursorOf(l.all()[0])
	tag := good[2:]
	for _, text := range []string{
		"1", "1.", "." + tag, "x", "-1." + tag, "+1." + tag, "01." + tag, " 1." + tag, "1 ." + tag, "1." + strings.ToUpper("abcdef12"),
		"1." + tag + "0", "1." + tag[1:], good + ".", good + "\n", "0." + tag, "00", "1.zzzzzzzz", "1e3." + tag, "0x1." + tag,
		"9223372036854775808." + tag, "99999999999999999999999." + tag, strings.Repeat("1", 1000) + "." + tag, "١." + tag, "1\x00." + tag,
	} {
		if _, err := l.store.ParseCursor(t.Context(), text); !errors.Is(err, eventstore.ErrInvalidCursor) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestParseCursorDetectsAnotherLog checks cursors on a log that was restored to an earlier state. Such a log has other
// events, or none, at the positions of its readers.
func TestParseCursorDetectsAnotherLog(t *testing.T) {
	t.Parallel()
	before, after := newLog(t), newLog(t)
	for range 3 {
		before.list(1)
	}
	after.list(1)
	for _, r := range before.all() {
		if _, err := after.store.ParseCursor(t.Context(), eventstore.CursorOf(r)); !errors.Is(err, eventstore.ErrCursorLost) {
			t.Errorf("%s: %v", eventstore.CursorOf(r), err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	l := newLog(f)
	l.list(1)
	good := eventstore.CursorOf(l.all()[0])
	for _, seed := range []string{"", "0", good, good + "0", "1." + strings.Repeat("0", 8), "12.zzzzzzzz", "9223372036854775807.00000000", "-1.00000000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		switch position, err := l.store.ParseCursor(t.Context(), text); {
		case err == nil && position == 0:
			if text != "" && text != "0" {
				t.Errorf("cursor %q was accepted as the beginning of the log", text)
			}
		case err == nil:
			if text != good || position != 1 {
				t.Errorf("%q stands for %d, want %v, 1", text, position, good)
			}
		case !errors.Is(err, eventstore.ErrInvalidCursor) && !errors.Is(err, eventstore.ErrCursorLost):
			t.Errorf("%q: %v", text, err)
		}
	})
}
