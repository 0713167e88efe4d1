package place

import (
	"context"
	"fmt"
	"strconv"
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

// Error says what is wrong with a place. It continues the name of the parameter or flag: "must be …".
type Error struct{ text string }

// Error returns the text.
func (e *Error) Error() string { return e.text }

func failure(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Check returns an *Error if a text is neither empty nor a place.
func Check(text string) error {
	if _, ok := Parse(text); text != "" && !ok {
		return failure("must be %s (got %.40q)", Forms, text)
	}
	return nil
}

// UpTo returns the position of the last event that belongs to a range up to a place: the event at a position, or the last
// one that was recorded before a time. An empty text is the end of the log. head is the position of the end. UpTo returns
// an *Error if the place is after the end or in the future.
func UpTo(ctx context.Context, store *eventstore.Store, text string, head int64) (int64, error) {
	if err := Check(text); err != nil || text == "" {
		return head, err
	}
	p, _ := Parse(text)
	switch {
	case p.Position > head:
		return 0, failure("must be at most %d, the end of the log (got %d)", head, p.Position)
	case p.Position > 0:
		return p.Position, nil
	case p.Time.After(store.Now()):
		return 0, failure("must not be in the future (got %.40s)", text)
	}
	position, _, err := store.PositionBefore(ctx, p.Time)
	return min(position, head), err
}

// After returns the position before the first event that belongs to a range from a place on: the event at a position, or
// the first one that was recorded at a time or later. An empty text is the beginning of the log.
func After(ctx context.Context, store *eventstore.Store, text string, head int64) (int64, error) {
	if text == "" {
		return 0, nil
	}
	position, err := UpTo(ctx, store, text, head)
	if p, _ := Parse(text); p.Position > 0 {
		position--
	}
	return position, err
}
