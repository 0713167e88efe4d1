package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// A HaltError is why projecting cannot go on behind a position: going on would count coins wrongly, or
// skip an event in silence.
type HaltError struct {
	Position   int64
	Projection string // "" when it concerns all of them
	Err        error
}

// Error implements error.
func (e *HaltError) Error() string {
	if e.Projection == "" {
		return fmt.Sprintf("projections at %d: %v", e.Position, e.Err)
	}
	return fmt.Sprintf("projection %s at %d: %v", e.Projection, e.Position, e.Err)
}

// Unwrap answers the cause.
func (e *HaltError) Unwrap() error { return e.Err }

// foldError is a fold that panicked, or wrote other rows than it should: the event is one that it cannot take.
type foldError struct{ cause any }

// Error implements error.
func (e *foldError) Error() string { return fmt.Sprintf("fold: %v", e.cause) }

// ofEvent says whether err comes from what an event says, and not from the state of the database or
// the network: the same event would fail again.
func ofEvent(err error) bool {
	var fold *foldError
	if errors.As(err, &fold) {
		return true
	}
	switch class(err) {
	case "22", "23", "54": // data exception, integrity constraint violation, program limit exceeded
		return true
	}
	return false
}

// passing says whether err is likely to go away by itself.
func passing(err error) bool {
	var halt *HaltError
	if errors.As(err, &halt) {
		return false
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return true // the network, or the context
	}
	switch class(err) {
	case "08", "25", "40", "53", "55", "57", "58": // connection, transaction state, rollback, resources, locks, operator, system
		return true
	}
	return false
}

// class is the class of an SQLSTATE: its first two characters.
func class(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && len(pg.Code) == 5 {
		return pg.Code[:2]
	}
	return ""
}

// maxCause bounds what table poison keeps of a cause.
const maxCause = 500

// causeOf is err as table poison keeps it.
func causeOf(err error) string {
	s := strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\x00", ""), "")
	if len(s) > maxCause {
		s = strings.ToValidUTF8(s[:maxCause], "")
	}
	return s
}

// ended says whether err only means that ctx has ended.
func ended(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err()) || passing(err))
}
