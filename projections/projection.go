package projections

import (
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/domain"
	"roomlog/eventstore"
)

// A Projection derives the rows of some tables from events: it folds a batch of events in memory and writes the result.
// No other code writes its tables.
//
// The rows must not depend on how the events are divided into batches, because a rebuild uses larger batches than the
// projector.
type Projection struct {
	Name        string
	Version     int      // version of the projection. Increase it when the same log results in other rows; the tables then need a rebuild.
	Tables      []string // the tables that only this projection writes
	CountsCoins bool     // whether an event that the projection cannot apply closes coins, see coinLedger
	Handlers    []Handler
	Write       Writer
}

// A Handler folds the events of one type into a batch.
type Handler struct {
	Type string // current version of the event type
	Fold func(batch any, r eventstore.Record)
}

// on returns a Handler for E. fold must not fail, read a clock or query anything: the event is already in the log and
// cannot be refused.
func on[B any, E domain.Event](fold func(b *B, r eventstore.Record, e E)) Handler {
	var zero E
	return Handler{zero.Type(), func(batch any, r eventstore.Record) { fold(batch.(*B), r, r.Event.(E)) }}
}

// A Writer creates empty batches and writes folded batches.
type Writer struct {
	begin func() any
	write func(batch any, tables *pgx.Batch)
}

// writes returns a Writer for batches of type B, whose zero value is an empty batch. write queues the statements that
// update the tables, each once for the whole batch.
func writes[B any](write func(b *B, tables *pgx.Batch)) Writer {
	return Writer{
		begin: func() any { return new(B) },
		write: func(batch any, tables *pgx.Batch) { write(batch.(*B), tables) },
	}
}

// expect makes a queued statement fail unless it changes exactly n rows. Without it, an event about a missing row would
// be ignored silently.
func expect(n int, q *pgx.QueuedQuery) {
	q.Exec(func(tag pgconn.CommandTag) error {
		if got := tag.RowsAffected(); got != int64(n) {
			return &foldError{fmt.Sprintf("%d rows of %d that the events are about", got, n)}
		}
		return nil
	})
}

// set sets m[k] and creates the map if it is nil.
func set[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[k] = v
}

// add adds n to m[k] and creates the map if it is nil.
func add[K comparable](m *map[K]int64, k K, n int64) {
	if *m == nil {
		*m = make(map[K]int64)
	}
	(*m)[k] += n
}

// columns returns the keys and the values of m, as two parameters for a statement.
func columns[K ~int64](m map[K]int64) (ids, numbers []int64) {
	for id, n := range m {
		ids, numbers = append(ids, int64(id)), append(numbers, n)
	}
	return ids, numbers
}

// idLength is the number of characters of an event's id that clients see.
const idLength = 10

// shortID returns the id of an event as clients see it.
func shortID(r eventstore.Record) string {
	id := r.ID.String()
	return id[len(id)-idLength:]
}
