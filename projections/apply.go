package projections

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// All returns every projection, in the order in which their tables are written.
func All() []Projection {
	return []Projection{
		Users, Sessions, Lives, Broadcasts, Recordings, Uploads, Viewers, LookCounts, Comments, Emails,
		ChatRooms, Participants, Messages, GiftCatalogue, SentGifts, Coins, Corrections, ShareRules, Payouts, CoinClosings, StreamAccess, Restreams, Moderation, Follows, Access, Reviews, Webhooks,
	}
}

// An Applier applies events to the read tables. The projector, rebuilds and verifications use it. It writes to the
// tables that search_path finds. It is not safe for concurrent use, except that Decode and Apply may run at the same
// time.
type Applier struct {
	projections []Projection
	readers     map[string][]reader // event type → the projections that read it
	store       *eventstore.Store
	aside       map[int64]domain.Stream // events that operators have set aside, see HonorSetAside
	held        bool                    // whether coins may still be closed: they were when the last batch was written in the order of the log
}

type reader struct {
	projection int
	fold       func(batch any, r eventstore.Record)
}

// NewApplier returns an Applier that uses the given projections; nil means All.
func NewApplier(store *eventstore.Store, projections []Projection) *Applier {
	if projections == nil {
		projections = All()
	}
	a := &Applier{projections: projections, readers: make(map[string][]reader), store: store}
	for i, p := range projections {
		for _, h := range p.Handlers {
			a.readers[h.Type] = append(a.readers[h.Type], reader{i, h.Fold})
		}
	}
	return a
}

// HonorSetAside sets the events, by position, that operators have set aside. a gives coin events among them no effect,
// even if it could apply them, because the wallets are folded without them. It can apply one if somebody had edited a
// table so that a good event failed.
func (a *Applier) HonorSetAside(aside map[int64]domain.Stream) { a.aside = aside }

// CheckContiguous returns a *HaltError unless events have the positions after+1, after+2 and so on.
func CheckContiguous(events []eventstore.Record, after int64) error {
	for i, r := range events {
		if want := after + 1 + int64(i); r.Position != want {
			return GapError(want)
		}
	}
	return nil
}

// GapError returns the *HaltError for a log that has no event at position.
func GapError(position int64) error {
	return &HaltError{Position: position, Err: errors.New("the log has a gap: this position is missing")}
}

// CheckVersions returns a *HaltError unless exactly the current versions of a's projections have written the tables. after is
// the position of the tables. If it is 0, the tables are empty and CheckVersions records the versions of a.
func (a *Applier) CheckVersions(ctx context.Context, tx pgx.Tx, after int64) error {
	rows, err := tx.Query(ctx, selectVersions)
	if err != nil {
		return fmt.Errorf("read the versions of the tables: %w", err)
	}
	found := make(map[string]int)
	var name string
	var version int
	if _, err := pgx.ForEachRow(rows, []any{&name, &version}, func() error { found[name] = version; return nil }); err != nil {
		return fmt.Errorf("read the versions of the tables: %w", err)
	}
	if after == 0 && len(found) == 0 {
		return a.WriteVersions(ctx, tx)
	}
	for _, p := range a.projections {
		if found[p.Name] != p.Version {
			return &HaltError{Position: after + 1, Projection: p.Name, Err: fmt.Errorf(
				"its tables have version %d, this program writes version %d: rebuild them, or run the program that fits", found[p.Name], p.Version)}
		}
		delete(found, p.Name)
	}
	if len(found) > 0 {
		unknown := slices.Min(slices.Collect(maps.Keys(found)))
		return &HaltError{Position: after + 1, Projection: unknown, Err: fmt.Errorf(
			"its tables have version %d, this program does not write them: run the program that fits", found[unknown])}
	}
	return nil
}

// WriteVersions writes the names and versions of the projections of a into empty tables.
func (a *Applier) WriteVersions(ctx context.Context, tx pgx.Tx) error {
	var names []string
	var versions []int32
	for _, p := range a.projections {
		names, versions = append(names, p.Name), append(versions, int32(p.Version))
	}
	if _, err := tx.Exec(ctx, insertVersions, names, versions); err != nil {
		return fmt.Errorf("insert the versions of the tables: %w", err)
	}
	return nil
}

// Decode decodes events in place. It returns the events that are poison whatever the tables contain: events that this
// program cannot decode, whose Event remains nil, and coin events with inconsistent bookkeeping.
func (a *Applier) Decode(ctx context.Context, events []eventstore.Record) ([]PoisonEvent, error) {
	err := a.store.Decode(ctx, events)
	var broken *eventstore.DecodeError
	if err != nil && !errors.As(err, &broken) {
		return nil, fmt.Errorf("decode: %w", err)
	}
	var poison []PoisonEvent
	for i := range events {
		r := &events[i]
		if r.Event == nil {
			poison = append(poison, a.undecodable(*r)...)
			continue
		}
		if e, ok := r.Event.(domain.CoinEvent); ok {
			if err := domain.CheckCoinEvent(r.Stream, e); err != nil {
				poison = append(poison, coinPoison(*r, err, concerned(a.store, *r)))
			}
		}
	}
	return poison, nil
}

// undecodable returns the poison events for an event that cannot be decoded: one for each projection that reads its
// type. All projections that count coins together get one. They also get one for an event of an unknown type, because
// it may concern coins.
func (a *Applier) undecodable(r eventstore.Record) []PoisonEvent {
	cause := &eventstore.DecodeError{Position: r.Position, Type: r.Type, Err: r.Fault}
	var poison []PoisonEvent
	if closes := concerned(a.store, r); len(closes) > 0 {
		poison = append(poison, coinPoison(r, cause, closes))
	}
	spec, _ := a.store.Spec(r.Type)
	for _, to := range a.readers[spec.Type] {
		if p := a.projections[to.projection]; !p.CountsCoins {
			poison = append(poison, PoisonEvent{Position: r.Position, Projection: p.Name, Type: r.Type, Cause: causeText(cause)})
		}
	}
	if len(poison) == 0 { // recorded although no projection reads the event
		poison = append(poison, PoisonEvent{Position: r.Position, Projection: "none", Type: r.Type, Cause: causeText(cause)})
	}
	return poison
}

// Apply updates the tables with decoded events, in tx, and returns the number of poison events. It adds the events that
// a projection cannot apply to poison, and writes all of poison to table poison. After an error the caller must roll tx
// back.
func (a *Applier) Apply(ctx context.Context, tx pgx.Tx, events []eventstore.Record, poison []PoisonEvent) (int, error) {
	ordered, err := a.needsOrder(ctx, tx, events, poison)
	if err != nil {
		return 0, err
	}
	if !ordered {
		err := a.write(ctx, tx, events, a.selectBy(func(Projection) bool { return true }))
		if err == nil {
			return len(poison), insertPoisonEvents(ctx, tx, poison)
		}
		if !causedByEvent(err) {
			return 0, err
		}
	}
	a.held = true
	found, err := a.writeOthers(ctx, tx, events)
	if err != nil {
		return 0, err
	}
	poison = append(poison, found...)
	if err := insertPoisonEvents(ctx, tx, poison); err != nil {
		return 0, err
	}
	coins, err := a.ledger().apply(ctx, tx, events, poison)
	return len(poison) + coins, err
}

// ledger returns the part of a that applies coin events in the order of the log.
func (a *Applier) ledger() coinLedger {
	selected := a.selectBy(func(p Projection) bool { return p.CountsCoins })
	return coinLedger{a.store, a.aside, a.Decode, func(ctx context.Context, tx pgx.Tx, events []eventstore.Record) error {
		return a.write(ctx, tx, events, selected)
	}}
}

// needsOrder reports whether the coin events of a batch cannot be written together: an event of the batch closes or
// opens coins, or coins are closed already. It queries the tables only if the previous batch was written in the order
// of the log. Otherwise, if coins are closed, write fails with errHeld.
func (a *Applier) needsOrder(ctx context.Context, tx pgx.Tx, events []eventstore.Record, poison []PoisonEvent) (bool, error) {
	if slices.ContainsFunc(poison, func(p PoisonEvent) bool { return len(p.Closes) > 0 }) ||
		slices.ContainsFunc(events, func(r eventstore.Record) bool {
			_, ok := r.Event.(domain.EventSetAside)
			_, aside := a.aside[r.Position]
			return ok || aside
		}) {
		return true, nil
	}
	if !a.held || !slices.ContainsFunc(events, func(r eventstore.Record) bool { _, ok := r.Event.(domain.CoinEvent); return ok }) {
		return false, nil
	}
	if err := tx.QueryRow(ctx, selectAnyHold).Scan(&a.held); err != nil {
		return false, fmt.Errorf("read the coin holds: %w", err)
	}
	return a.held, nil
}

// selectBy returns, for each projection, whether want returns true for it.
func (a *Applier) selectBy(want func(Projection) bool) []bool {
	selected := make([]bool, len(a.projections))
	for i, p := range a.projections {
		selected[i] = want(p)
	}
	return selected
}

// write folds events and writes the results of the selected projections in one round trip. If an event causes an error,
// write rolls its own writes back. It fails with errHeld if it writes coins together with other tables while coins are
// closed.
func (a *Applier) write(ctx context.Context, tx pgx.Tx, events []eventstore.Record, selected []bool) error {
	batches, err := a.fold(events, selected)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue("SAVEPOINT folded") // the savepoint ends with the transaction
	owner := []int{-1}          // index of the projection that each statement belongs to
	if a.mixesCoins(batches, selected) {
		expectNoHolds(b.Queue(selectAnyHold))
		owner = append(owner, -1)
	}
	for i, batch := range batches {
		if batch == nil {
			continue
		}
		a.projections[i].Write.write(batch, b)
		for len(owner) < b.Len() {
			owner = append(owner, i)
		}
	}
	if b.Len() == 1 {
		return nil
	}
	results := tx.SendBatch(ctx, b)
	for i, q := range b.QueuedQueries {
		if q.Fn != nil {
			err = q.Fn(results)
		} else {
			_, err = results.Exec()
		}
		if err != nil {
			if p := owner[i]; p >= 0 {
				err = fmt.Errorf("projection %s after %d: %w", a.projections[p].Name, events[0].Position-1, err)
			}
			break
		}
	}
	if closing := results.Close(); err == nil {
		err = closing
	}
	if err != nil && causedByEvent(err) {
		if _, back := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT folded"); back != nil {
			return fmt.Errorf("roll back to the savepoint: %w", back)
		}
	}
	return err
}

// mixesCoins reports whether batches contain coin events while tables that do not count coins are selected, too.
func (a *Applier) mixesCoins(batches []any, selected []bool) bool {
	coins, others := false, false
	for i, p := range a.projections {
		coins = coins || batches[i] != nil && p.CountsCoins
		others = others || selected[i] && !p.CountsCoins
	}
	return coins && others
}

// fold returns the folded batch of each selected projection that reads one of the events. For the other projections it
// returns nil.
func (a *Applier) fold(events []eventstore.Record, selected []bool) (batches []any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &foldError{cause}
		}
	}()
	batches = make([]any, len(a.projections))
	for _, r := range events {
		if r.Event == nil {
			continue
		}
		for _, to := range a.readers[r.Event.Type()] {
			if !selected[to.projection] {
				continue
			}
			if batches[to.projection] == nil {
				batches[to.projection] = a.projections[to.projection].Write.begin()
			}
			to.fold(batches[to.projection], r)
		}
	}
	return batches, nil
}

// writeOthers writes the projections that do not count coins. It writes all at once, or one after another if an event
// cannot be applied: a projection that cannot apply it must not block the others.
func (a *Applier) writeOthers(ctx context.Context, tx pgx.Tx, events []eventstore.Record) ([]PoisonEvent, error) {
	err := a.write(ctx, tx, events, a.selectBy(func(p Projection) bool { return !p.CountsCoins }))
	if err == nil || !causedByEvent(err) {
		return nil, err
	}
	var poison []PoisonEvent
	for i := range a.projections {
		if a.projections[i].CountsCoins {
			continue
		}
		found, err := a.bisect(ctx, tx, a.readBy(i, events), i)
		if err != nil {
			return nil, err
		}
		poison = append(poison, found...)
	}
	return poison, nil
}

// readBy returns the events that a projection reads.
func (a *Applier) readBy(projection int, events []eventstore.Record) []eventstore.Record {
	var read []eventstore.Record
	for _, r := range events {
		if r.Event == nil {
			continue
		}
		for _, to := range a.readers[r.Event.Type()] {
			if to.projection == projection {
				read = append(read, r)
			}
		}
	}
	return read
}

// bisect writes events for one projection. If a batch fails, it halves the batch, until it has found the single events
// that cause the failure.
func (a *Applier) bisect(ctx context.Context, tx pgx.Tx, events []eventstore.Record, projection int) ([]PoisonEvent, error) {
	if len(events) == 0 {
		return nil, nil
	}
	selected := make([]bool, len(a.projections))
	selected[projection] = true
	err := a.write(ctx, tx, events, selected)
	if err == nil || !causedByEvent(err) {
		return nil, err
	}
	if len(events) > 1 {
		half := len(events) / 2
		left, err := a.bisect(ctx, tx, events[:half], projection)
		if err != nil {
			return nil, err
		}
		right, err := a.bisect(ctx, tx, events[half:], projection)
		return append(left, right...), err
	}
	r := events[0]
	if cause := errors.Unwrap(err); cause != nil {
		err = cause // omits the name of the projection, which has its own column
	}
	return []PoisonEvent{{Position: r.Position, Projection: a.projections[projection].Name, Type: r.Type, Cause: causeText(err)}}, nil
}
