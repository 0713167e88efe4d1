package eventstore

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// CursorOf returns the cursor "position.tag" of a reader that has read up to r. The tag is the last 8 hexadecimal
// digits of the event's id. If the log is restored to an earlier state and another event gets the position, the tag no
// longer fits.
func CursorOf(r Record) string { return cursor(r.Position, r.ID) }

func cursor(position int64, id uuid.UUID) string {
	return strconv.FormatInt(position, 10) + "." + hex.EncodeToString(id[12:])
}

// Cursor returns the cursor of the event at position, for a reader outside the process. The cursor of position 0, the
// beginning of the log, is "0". Cursor fails with ErrCursorLost if the log has no event at position.
func (s *Store) Cursor(ctx context.Context, position int64) (string, error) {
	if position == 0 {
		return "0", nil
	}
	found, _, err := s.cursors.Get(ctx, position)
	switch {
	case err != nil:
		return "", fmt.Errorf("cursor of position %d: %w", position, err)
	case found.id != nil:
		return cursor(position, *found.id), nil
	case found.standby:
		return "", fmt.Errorf("cursor of position %d: %w", position, errStandby)
	}
	return "", fmt.Errorf("cursor of position %d: %w", position, ErrCursorLost)
}

// ParseCursor returns the position in a cursor, after it has checked that the log contains the event of the cursor.
// Otherwise it fails with ErrInvalidCursor or ErrCursorLost. An empty string means the beginning of the log, like "0".
func (s *Store) ParseCursor(ctx context.Context, text string) (int64, error) {
	position, ok := cursorPosition(text)
	if !ok {
		return 0, ErrInvalidCursor
	}
	if position == 0 {
		return 0, nil
	}
	now, err := s.Cursor(ctx, position)
	if err != nil {
		return 0, err
	}
	if now != text {
		return 0, fmt.Errorf("cursor of position %d: %w", position, ErrCursorLost)
	}
	return position, nil
}

// CheckCursor returns ErrInvalidCursor if text cannot be a cursor. It does not look for the event in the log.
func CheckCursor(text string) error {
	if _, ok := cursorPosition(text); !ok {
		return ErrInvalidCursor
	}
	return nil
}

// cursorPosition returns the position in a cursor. It reports false if the string is not a cursor in canonical form.
func cursorPosition(text string) (int64, bool) {
	if text == "" || text == "0" {
		return 0, true
	}
	number, tag, _ := strings.Cut(text, ".")
	if len(number) > 19 || number == "" || number[0] < '1' || number[0] > '9' || len(tag) != 8 || strings.Trim(tag, "0123456789abcdef") != "" {
		return 0, false
	}
	position, err := strconv.ParseInt(number, 10, 64)
	return position, err == nil
}
