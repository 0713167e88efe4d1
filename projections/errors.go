package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/domain"

	"roomlog/eventstore/consumer"
)

// ErrNotFound means that the tables do not contain the row, or do not contain it yet.
var ErrNotFound = errors.New("not found")

// A HaltError stops the projector before a position. To continue would mean to skip an event silently, or to write
// tables of another version.
type HaltError struct {
	Position   int64
	Projection string // name of the projection; "" if the error concerns all projections
	Err        error
}

func (e *HaltError) Error() string {
	if e.Projection == "" {
		return fmt.Sprintf("projections at %d: %v", e.Position, e.Err)
	}
	return fmt.Sprintf("projection %s at %d: %v", e.Projection, e.Position, e.Err)
}

func (e *HaltError) Unwrap() error { return e.Err }

// foldError reports a fold that panicked, or that changed another number of rows than it should have.
type foldError struct{ cause any }

func (e *foldError) Error() string { return fmt.Sprintf("fold: %v", e.cause) }

// causedByEvent reports whether the content of an event caused err. Such an error would occur again, unlike errors of
// the database or the network.
func causedByEvent(err error) bool {
	var fold *foldError
	if errors.As(err, &fold) {
		return true
	}
	switch sqlClass(err) {
	case "22", "23", "54": // classes data exception, integrity constraint violation and program limit exceeded
		return true
	}
	return false
}

// isTransient reports whether err will probably not occur again after some time.
func isTransient(err error) bool {
	var halt *HaltError
	var lost *consumer.CheckpointError
	if errors.As(err, &halt) || errors.As(err, &lost) {
		return false
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return true // an error of the network, or the end of ctx
	}
	switch sqlClass(err) {
	case "08", "25", "40", "53", "55", "57", "58": // classes connection, transaction state, rollback, resources, locks, operator intervention and system error
		return true
	}
	return false
}

// sqlClass returns the class of an SQLSTATE, which is its first two characters. It returns "" for other errors.
func sqlClass(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && len(pg.Code) == 5 {
		return pg.Code[:2]
	}
	return ""
}

// isCanceled reports whether err occurred only because ctx has ended.
func isCanceled(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err()) || isTransient(err))
}

// maxCause is the maximum size in bytes of a cause in table poison.
const maxCause = 500

// causeText returns the message of err in the form that table poison stores.
func causeText(err error) string {
	s := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(err.Error(), ""))
	if len(s) > maxCause {
		s = strings.ToValidUTF8(s[:maxCause], "")
	}
	return s
}

// A PoisonEvent is an event that a projection cannot apply. It is stored as a row of table poison.
type PoisonEvent struct {
	Position         int64
	Projection, Type string
	Cause            string
	Closes           []domain.UserID // the users whose coins the event closes; user 0 stands for everybody
}

// insertPoisonEvents writes events to table poison.
func insertPoisonEvents(ctx context.Context, tx pgx.Tx, poison []PoisonEvent) error {
	if len(poison) == 0 {
		return nil
	}
	var position []int64
	var projection, eventType, cause []string
	for _, p := range poison {
		position, projection = append(position, p.Position), append(projection, p.Projection)
		eventType, cause = append(eventType, p.Type), append(cause, p.Cause)
	}
	if _, err := tx.Exec(ctx, insertPoison, position, projection, eventType, cause); err != nil {
		return fmt.Errorf("insert poison: %w", err)
	}
	return nil
}
