package projections

import (
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/domain"
	"roomlog/eventstore"
)

// A Projection is what some tables are made of: the events it reads, how it folds a batch of them
// in memory, and how it writes the result. It is the only writer of its tables.
//
// Folding n batches one after another has to lead to the same rows as folding their events in
// any other number of batches: a rebuild takes larger ones.
type Projection struct {
	Name        string
	Version     int      // changes when the same log leads to other rows: that needs a rebuild
	Tables      []string // written by nobody else
	CountsCoins bool     // counts coins: it stops at an event it cannot take, instead of setting it aside
	Handlers    []Handler
	Write       Writer
}

// All is every projection.
var All = []Projection{Users, Sessions, Lives, Broadcasts, Recordings, Viewers, LookCounts, Comments, Emails, ChatRooms, Participants, Messages, GiftCatalogue, SentGifts, Coins}

// A Handler folds one type of event into a batch.
type Handler struct {
	Type string // the present version's
	fold func(batch any, r eventstore.Record)
}

// on makes a handler of E. It may not fail, read a clock or look anything up: it has happened.
func on[B any, E domain.Event](fold func(b *B, r eventstore.Record, e E)) Handler {
	var zero E
	return Handler{zero.Type(), func(batch any, r eventstore.Record) { fold(batch.(*B), r, r.Event.(E)) }}
}

// A Writer begins batches and writes them.
type Writer struct {
	begin func() any
	write func(batch any, tables *pgx.Batch)
}

// writes makes a writer of batches of type B, whose zero value is an empty batch. write queues the
// statements that bring the tables up to date, each once for the whole batch.
func writes[B any](write func(b *B, tables *pgx.Batch)) Writer {
	return Writer{
		begin: func() any { return new(B) },
		write: func(batch any, tables *pgx.Batch) { write(batch.(*B), tables) },
	}
}

// expect makes a queued statement fail when it does not concern exactly n rows: the event is about something that
// the tables do not have, and that shall not pass in silence.
func expect(n int, q *pgx.QueuedQuery) {
	q.Exec(func(tag pgconn.CommandTag) error {
		if got := tag.RowsAffected(); got != int64(n) {
			return &foldError{fmt.Sprintf("%d rows of %d that the events are about", got, n)}
		}
		return nil
	})
}

// set puts a value into a map that may not be there yet.
func set[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[k] = v
}

// add adds to a number in a map that may not be there yet.
func add[K comparable](m *map[K]int64, k K, n int64) {
	if *m == nil {
		*m = make(map[K]int64)
	}
	(*m)[k] += n
}

// columns answers what a map of id and number holds as two columns of a statement.
func columns[K ~int64](m map[K]int64) (ids, numbers []int64) {
	for id, n := range m {
		ids, numbers = append(ids, int64(id)), append(numbers, n)
	}
	return ids, numbers
}

// idLength is how many characters of an event's id are shown to people's programs.
const idLength = 10

// shortID names an event to people's programs.
func shortID(r eventstore.Record) string {
	id := r.ID.String()
	return id[len(id)-idLength:]
}
