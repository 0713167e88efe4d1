package eventstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Errors of cursors that come from outside.
var (
	// ErrInvalidCursor: the text is no cursor.
	ErrInvalidCursor = errors.New("not a cursor: expected 0 or position.tag")
	// ErrCursorLost: the event that the cursor follows is not in this log. The log was restored to an
	// earlier day, or the cursor is another log's: its reader has to begin anew.
	ErrCursorLost = errors.New("the cursor follows an event that this log does not have")
)

// CursorOf names r as the newest event that a reader has seen: "position.tag", the tag being the
// last 8 hex digits of its id, so that a log that was restored to an earlier day is noticed.
func CursorOf(r Record) string { return cursor(r.Position, r.ID) }

func cursor(position int64, id uuid.UUID) string {
	return strconv.FormatInt(position, 10) + "." + hex.EncodeToString(id[12:])
}

// Cursor names the event at position, for a reader outside the process; "0" is the beginning.
func (s *Store) Cursor(ctx context.Context, position int64) (string, error) {
	if position == 0 {
		return "0", nil
	}
	var id uuid.UUID
	err := s.pool.QueryRow(ctx, "SELECT event_id FROM events WHERE position = $1", position).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("cursor of position %d: %w", position, ErrCursorLost)
	}
	if err != nil {
		return "", fmt.Errorf("cursor of position %d: %w", position, err)
	}
	return cursor(position, id), nil
}

// ParseCursor answers the position that a cursor stands for, after checking that this log has the
// event it follows. It fails with ErrInvalidCursor or ErrCursorLost. No text is the beginning, like "0".
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

// cursorPosition answers the position in a cursor, or false unless the text is exactly what cursor
// would write for some event.
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
