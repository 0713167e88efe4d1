package place

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"roomlog/eventstore"
)

// MaxPosition is the largest position that a place may contain.
const MaxPosition = 1 << 40

// Place is a place in the log. Exactly one field is set.
type Place struct {
	Position int64     // position of an event, at least 1
	Time     time.Time // time at which an event was recorded
	Word     string    // a word that Parse was told to accept, such as "now"
}

// Forms describes the texts that Parse accepts, without the words.
const Forms = "a position like 4711, a day like 2026-01-31 (UTC), or a time like 2026-01-31T15:04:05Z"

// Parse parses a place. words are the words that it accepts. It reports false for other texts.
func Parse(text string, words ...string) (Place, bool) {
	for _, word := range words {
		if text == word {
			return Place{Word: word}, true
		}
	}
	if position, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Place{Position: position}, position >= 1 && position <= MaxPosition && strconv.FormatInt(position, 10) == text
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1 {
			return Place{Time: t}, true
		}
	}
	return Place{}, false
}

// Error describes what is wrong with a place or with bounds. If it concerns a place, its text follows the name of the
// parameter or flag: "must be …".
type Error struct{ text string }

// Error returns the text without the name of the parameter or flag.
func (e *Error) Error() string { return e.text }

func failure(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// isCursor reports whether a text has the form of a cursor of an event.
func isCursor(text string) bool {
	return strings.Contains(text, ".") && eventstore.CheckCursor(text) == nil
}

// Check returns an *Error if a text is neither empty, nor a place, nor a cursor of an event.
func Check(text string) error {
	if _, ok := Parse(text); text != "" && !ok && !isCursor(text) {
		return failure("must be %s; or a cursor like 4711.5f0c2a77 (got %.40q)", Forms, text)
	}
	return nil
}

// UpTo returns the position of the last event that belongs to a range up to a place: the event at a position or cursor, or
// the last one that was recorded before a time. An empty text is the end of the log. head is the position of the end. UpTo
// returns an *Error if the place is after the end or in the future, and eventstore.ErrCursorLost if the log does not contain
// the event of a cursor.
func UpTo(ctx context.Context, store *eventstore.Store, text string, head int64) (int64, error) {
	if err := Check(text); err != nil || text == "" {
		return head, err
	}
	p, _ := Parse(text)
	if p.Time.After(store.Now()) {
		return 0, failure("must not be in the future (got %.40s)", text)
	}
	return find(ctx, store, text, head)
}

// find returns the position of the last event up to a place, which may be in the future.
func find(ctx context.Context, store *eventstore.Store, text string, head int64) (position int64, err error) {
	p, _ := Parse(text)
	switch {
	case isCursor(text):
		position, err = store.ParseCursor(ctx, text)
	case p.Position > 0:
		position = p.Position
	default:
		position, _, err = store.PositionBefore(ctx, p.Time)
		return min(position, head), err
	}
	if err == nil && position > head {
		err = failure("must be at most %d, the end of the log (got %d)", head, position)
	}
	return position, err
}

// After returns the position before the first event that belongs to a range from a place on: the event at a position or
// cursor, or the first one that was recorded at a time or later. An empty text is the beginning of the log.
func After(ctx context.Context, store *eventstore.Store, text string, head int64) (int64, error) {
	if text == "" {
		return 0, nil
	}
	position, err := UpTo(ctx, store, text, head)
	if p, _ := Parse(text); p.Time.IsZero() {
		position--
	}
	return position, err
}

// Bounds are two places that select a range of the log. An empty place stands for the beginning or the end of the log.
type Bounds struct {
	From, To string
	Names    [2]string // names of the parameters or flags that contain them, for errors
	Open     bool      // permit a To in the future, for lists that grow
}

// Find returns the positions of the range: its events have after < position ≤ upTo. head is the position of the end of the
// log. Find returns an *Error with the names of the bounds, or eventstore.ErrCursorLost. It refuses a position together with a
// time: the event at a position belongs to the range on both sides, the events of a time only at the beginning.
func (b Bounds) Find(ctx context.Context, store *eventstore.Store, head int64) (after, upTo int64, err error) {
	if err := errors.Join(named(b.Names[0], Check(b.From)), named(b.Names[1], Check(b.To))); err != nil {
		return 0, 0, err
	}
	from, _ := Parse(b.From)
	to, _ := Parse(b.To)
	if b.From != "" && b.To != "" && from.Time.IsZero() != to.Time.IsZero() {
		return 0, 0, failure("%s and %s must both be positions or cursors, or both be times or days (got %.40s and %.40s)", b.Names[0], b.Names[1], b.From, b.To)
	}
	if b.Open && !to.Time.IsZero() {
		upTo, err = find(ctx, store, b.To, head)
	} else {
		upTo, err = UpTo(ctx, store, b.To, head)
	}
	if err != nil {
		return 0, 0, named(b.Names[1], err)
	}
	if after, err = After(ctx, store, b.From, head); err != nil {
		return 0, 0, named(b.Names[0], err)
	}
	positions, times := b.From != "" && b.To != "" && from.Time.IsZero(), !from.Time.IsZero() && !to.Time.IsZero()
	if after > upTo || positions && after == upTo || times && from.Time.After(to.Time) {
		return 0, 0, failure("%s must not be after %s (got %.40s and %.40s)", b.Names[0], b.Names[1], orEnd(b.From, "the beginning"), orEnd(b.To, "the end"))
	}
	return after, upTo, nil
}

// orEnd returns a place, or the words for an end of the log that an empty place stands for.
func orEnd(text, end string) string {
	if text == "" {
		return end
	}
	return text
}

// named puts the name of a parameter before an error about its place, and returns other errors as they are.
func named(name string, err error) error {
	wrong := (*Error)(nil)
	switch {
	case errors.As(err, &wrong):
		return failure("%s %s", name, wrong.text)
	case errors.Is(err, eventstore.ErrCursorLost):
		return fmt.Errorf("%s: %w", name, err)
	}
	return err
}
