package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// everybody stands for all users in the tables coin_hold and coin_closing.
const everybody domain.UserID = 0

// CoinClosings projects the closings: the events of the log that close coins.
var CoinClosings = Projection{
	Name: "coin_closings", Version: 1, Tables: []string{"coin_hold", "coin_held", "coin_closing"},
	Handlers: []Handler{on(foldCoinsClosed), on(foldCoinsOpened)},
	Write:    writes(writeCoinClosings),
}

type coinClosingsBatch struct {
	closed map[int64][]domain.UserID
	opened []int64
}

func foldCoinsClosed(b *coinClosingsBatch, _ eventstore.Record, e domain.CoinsClosed) {
	users := append(slices.Clone(b.closed[e.Position]), e.Users...)
	if e.All {
		users = append(users, everybody)
	}
	set(&b.closed, e.Position, users)
}

func foldCoinsOpened(b *coinClosingsBatch, _ eventstore.Record, e domain.CoinsOpened) {
	delete(b.closed, e.Position)
	b.opened = append(b.opened, e.Position)
}

func writeCoinClosings(b *coinClosingsBatch, tables *pgx.Batch) {
	if len(b.opened) > 0 {
		tables.Queue(deleteCoinClosing, b.opened)
	}
	var users, positions []int64
	for position, closed := range b.closed {
		for _, u := range closed {
			users, positions = append(users, int64(u)), append(positions, position)
		}
	}
	if len(users) > 0 {
		tables.Queue(insertCoinClosing, users, positions)
	}
}

// concerned returns the users whose coins the event r closes if it cannot be applied. It returns everybody if these
// users cannot be determined, and no user if the event does not concern coins.
func concerned(store *eventstore.Store, r eventstore.Record) []domain.UserID {
	spec, known := store.Spec(r.Type)
	users, all := domain.CoinsConcerned(r.Stream, spec, known, r.Event)
	if all {
		return []domain.UserID{everybody}
	}
	return users
}

// coinPoison returns the poison event for an event that closes coins.
func coinPoison(r eventstore.Record, cause error, closes []domain.UserID) PoisonEvent {
	return PoisonEvent{Position: r.Position, Projection: Coins.Name, Type: r.Type, Cause: causeText(cause), Closes: closes}
}

// errHeld means that the coins of a user are closed, so coin events must be applied in the order of the log.
var errHeld = &foldError{"coins are closed"}

// selectAnyHold reports whether any coins are closed.
const selectAnyHold = "SELECT EXISTS (SELECT FROM coin_hold)"

// expectNoHolds makes a queued query for holds fail with errHeld if it finds one.
func expectNoHolds(q *pgx.QueuedQuery) {
	q.QueryRow(func(row pgx.Row) error {
		var held bool
		if err := row.Scan(&held); err != nil {
			return err
		}
		if held {
			return errHeld
		}
		return nil
	})
}

// coinLedger applies coin events to the tables that count coins.
type coinLedger struct {
	store  *eventstore.Store
	aside  map[int64]domain.Stream                                           // events that are kept without effect
	decode func(context.Context, []eventstore.Record) ([]PoisonEvent, error) // the method Applier.Decode
	write  func(context.Context, pgx.Tx, []eventstore.Record) error          // writes the tables that count coins
}

// apply applies the coin events of a batch in the order of the log. A coin event that cannot be applied closes the
// coins of the users whom it concerns: it gets rows in poison and coin_hold, and later coin events of these users wait
// in coin_held. When an event is set aside, its holds end and the events that waited for it are applied. The parameter
// poison contains the events of the batch that are known to be poison. apply returns the number of other poison events
// that it has found.
func (l coinLedger) apply(ctx context.Context, tx pgx.Tx, events []eventstore.Record, poison []PoisonEvent) (found int, err error) {
	closes := make(map[int64][]domain.UserID)
	for _, p := range poison {
		if len(p.Closes) > 0 {
			closes[p.Position] = p.Closes
		}
	}
	var run []eventstore.Record // consecutive coin events
	applyRun := func() error {
		n, err := l.run(ctx, tx, run)
		run, found = nil, found+n
		return err
	}
	for _, r := range events {
		if users, ok := closes[r.Position]; ok {
			if err := applyRun(); err != nil {
				return found, err
			}
			if err := hold(ctx, tx, r.Position, users); err != nil {
				return found, err
			}
			continue
		}
		switch e := r.Event.(type) {
		case domain.CoinEvent:
			run = append(run, r)
		case domain.EventSetAside:
			if err := applyRun(); err != nil {
				return found, err
			}
			n, err := l.release(ctx, tx, e.Position, r.Position)
			if found += n; err != nil {
				return found, err
			}
		}
	}
	return found, applyRun()
}

// run applies coin events that are not separated by an event that sets another one aside. It returns the number of
// poison events.
func (l coinLedger) run(ctx context.Context, tx pgx.Tx, events []eventstore.Record) (int, error) {
	if len(events) == 0 {
		return 0, nil
	}
	since, err := holds(ctx, tx)
	if err != nil {
		return 0, err
	}
	var free []eventstore.Record
	var users, positions []int64
	for _, r := range events {
		user := coinHolder(r)
		if earlier(since, everybody, r.Position) || earlier(since, user, r.Position) {
			users, positions = append(users, int64(user)), append(positions, r.Position)
			continue
		}
		free = append(free, r)
	}
	if len(users) > 0 {
		if _, err := tx.Exec(ctx, insertCoinHeld, users, positions); err != nil {
			return 0, fmt.Errorf("hold coin events: %w", err)
		}
	}
	return l.bisect(ctx, tx, free)
}

// coinHolder returns the user whose wallet a coin event changes.
func coinHolder(r eventstore.Record) domain.UserID {
	if e, ok := r.Event.(domain.UserEvent); ok {
		return e.EventUser()
	}
	return everybody
}

// earlier reports whether an event before position has closed the coins of a user.
func earlier(since map[domain.UserID]int64, user domain.UserID, position int64) bool {
	first, ok := since[user]
	return ok && first < position
}

// bisect writes coin events of users whose coins are open. If a batch fails, it halves the batch, until it has found
// the events that cannot be applied. It closes coins because of these events.
func (l coinLedger) bisect(ctx context.Context, tx pgx.Tx, events []eventstore.Record) (int, error) {
	if len(events) == 0 {
		return 0, nil
	}
	err := l.writeUnlessAside(ctx, tx, events)
	if err == nil || !causedByEvent(err) {
		return 0, err
	}
	if half := len(events) / 2; half > 0 {
		left, err := l.run(ctx, tx, events[:half])
		if err != nil {
			return left, err
		}
		right, err := l.run(ctx, tx, events[half:]) // the left half may have closed coins that events of the right half concern
		return left + right, err
	}
	r := events[0]
	if cause := errors.Unwrap(err); cause != nil {
		err = cause // omits the position of the batch
	}
	p := coinPoison(r, err, concerned(l.store, r))
	if err := insertPoisonEvents(ctx, tx, []PoisonEvent{p}); err != nil {
		return 0, err
	}
	return 1, hold(ctx, tx, p.Position, p.Closes)
}

var errSetAside = &foldError{"operators have set the event aside, although it could be applied"}

// CauseSetAside is the cause in table poison of an event that could be applied, but was set aside.
var CauseSetAside = errSetAside.Error()

// writeUnlessAside writes coin events. It fails if one of them was set aside. If events contains only that event, the
// error is the one with which the event cannot be applied, or errSetAside if it could be.
func (l coinLedger) writeUnlessAside(ctx context.Context, tx pgx.Tx, events []eventstore.Record) error {
	aside := slices.ContainsFunc(events, func(r eventstore.Record) bool { _, is := l.aside[r.Position]; return is })
	if aside && len(events) > 1 {
		return errSetAside
	}
	if !aside {
		return l.write(ctx, tx, events)
	}
	if _, err := tx.Exec(ctx, "SAVEPOINT applied"); err != nil {
		return fmt.Errorf("set a savepoint: %w", err)
	}
	if err := l.write(ctx, tx, events); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT applied"); err != nil {
		return fmt.Errorf("roll back to the savepoint: %w", err)
	}
	return errSetAside
}

// holds returns the position of the first event that closes the coins of each user.
func holds(ctx context.Context, tx pgx.Tx) (map[domain.UserID]int64, error) {
	rows, err := tx.Query(ctx, selectCoinHolds)
	if err != nil {
		return nil, fmt.Errorf("read the coin holds: %w", err)
	}
	since := make(map[domain.UserID]int64)
	var user domain.UserID
	var position int64
	if _, err := pgx.ForEachRow(rows, []any{&user, &position}, func() error { since[user] = position; return nil }); err != nil {
		return nil, fmt.Errorf("read the coin holds: %w", err)
	}
	return since, nil
}

// hold closes the coins of users because of the event at position.
func hold(ctx context.Context, tx pgx.Tx, position int64, users []domain.UserID) error {
	if _, err := tx.Exec(ctx, insertCoinHold, users, position); err != nil {
		return fmt.Errorf("close coins: %w", err)
	}
	return nil
}

// heldChunk is the number of events that release applies in one step.
const heldChunk = 5000

// release records that the event at position was set aside by the event at by. It ends the holds of the event and
// applies the events that have waited for it. Events that wait for another hold, too, continue to wait. release returns
// the number of poison events among those that it has applied.
func (l coinLedger) release(ctx context.Context, tx pgx.Tx, position, by int64) (found int, err error) {
	if position >= by {
		return 0, nil // only an earlier event can be set aside
	}
	if _, err := tx.Exec(ctx, updatePoisonSetAside, position, by); err != nil {
		return 0, fmt.Errorf("set position %d aside: %w", position, err)
	}
	users, err := collectNumbers(ctx, tx, deleteCoinHold, position)
	if err != nil || len(users) == 0 {
		return 0, err
	}
	waiting, err := collectNumbers(ctx, tx, deleteCoinHeld.With(sqltemplate.Options{"users": !slices.Contains(users, int64(everybody))}),
		pgx.NamedArgs{"users": users, "position": position})
	if err != nil {
		return 0, err
	}
	slices.Sort(waiting)
	for chunk := range slices.Chunk(waiting, heldChunk) {
		events, err := l.store.ReadRawAt(ctx, chunk)
		if err != nil {
			return found, err
		}
		poison, err := l.decode(ctx, events)
		if err != nil {
			return found, err
		}
		if err := insertPoisonEvents(ctx, tx, poison); err != nil {
			return found, err
		}
		n, err := l.apply(ctx, tx, events, poison)
		if found += n + len(poison); err != nil {
			return found, err
		}
	}
	return found, nil
}

// collectNumbers returns the results of a query with one number in each row.
func collectNumbers(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]int64, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("release coin events: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("release coin events: %w", err)
	}
	return found, nil
}

// A CoinHold is an event that cannot be applied and therefore closes coins.
type CoinHold struct {
	Position int64
	Users    []domain.UserID // the users whose coins are closed; user 0 stands for everybody
	Cause    string
}

// UnrecordedHolds returns the holds for which the log has no closing yet.
func (q *Queries) UnrecordedHolds(ctx context.Context) ([]CoinHold, error) {
	return many(ctx, q, "coin holds", pgx.RowToStructByPos[CoinHold], selectUnrecordedHolds)
}

// ReleasedHolds returns the positions of the events whose closings are in the log although their holds in the tables
// have ended.
func (q *Queries) ReleasedHolds(ctx context.Context) ([]int64, error) {
	return many(ctx, q, "coin holds", pgx.RowTo[int64], selectReleasedHolds)
}

// PoisonRow is a row of table poison.
type PoisonRow struct {
	PoisonEvent
	SetAside int64 // position of the event that set this event aside; 0 if none has
}

// Poison returns the rows of table poison. If position is not 0, it returns only those of the event at position.
func (q *Queries) Poison(ctx context.Context, position int64) ([]PoisonRow, error) {
	return many(ctx, q, "poison events", func(row pgx.CollectableRow) (p PoisonRow, err error) {
		err = row.Scan(&p.Position, &p.Projection, &p.Type, &p.Cause, &p.SetAside, &p.Closes)
		return p, err
	}, selectPoison.With(sqltemplate.Options{"position": position != 0}), pgx.NamedArgs{"position": position})
}
