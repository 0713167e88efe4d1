package eventstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Errors of cursors that come from outside.
var (
	// ErrCursor: the text is no cursor.
	ErrCursor = errors.New("not a cursor: expected 0 or position.tag")
	// ErrCursorLost: the event that the cursor follows is not in this log. The log was restored to an
	// earlier day, or the cursor is another log's: its reader has to begin anew.
	ErrCursorLost = errors.New("the cursor follows an event that this log does not have")
)

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
// event it follows. It fails with ErrCursor or ErrCursorLost.
func (s *Store) ParseCursor(ctx context.Context, text string) (int64, error) {
	if text == "" || text == "0" {
		return 0, nil
	}
	number, _, _ := strings.Cut(text, ".")
	position, err := strconv.ParseInt(number, 10, 64)
	if err != nil || position < 1 || len(text) > 40 {
		return 0, ErrCursor
	}
	switch now, err := s.Cursor(ctx, position); {
	case err != nil:
		return 0, err
	case strings.Count(text, ".") != 1 || len(text) != len(now):
		return 0, ErrCursor
	case now != text:
		return 0, ErrCursorLost
	}
	return position, nil
}
