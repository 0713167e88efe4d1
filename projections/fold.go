package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// folder turns events into rows: the one way to do it, for the projector, a rebuild and a verification.
// It writes to whichever tables the search_path finds.
type folder struct {
	parts   []Projection
	readers map[string][]reader // by type of event
	store   *eventstore.Store
}

type reader struct {
	part int
	fold func(batch any, r eventstore.Record)
}

func newFolder(store *eventstore.Store, parts []Projection) *folder {
	f := &folder{parts: parts, readers: make(map[string][]reader), store: store}
	for i, p := range parts {
		for _, h := range p.Handlers {
			f.readers[h.Type] = append(f.readers[h.Type], reader{i, h.fold})
		}
	}
	return f
}

// poison is one event that one projection could not take.
type poison struct {
	position         int64
	projection, kind string
	cause            string
}

// decode makes events ready to fold. Those that this program cannot read stay without Event: they are
// answered, to be set aside, unless coins may depend on them.
func (f *folder) decode(ctx context.Context, events []eventstore.Record) ([]poison, error) {
	err := f.store.Decode(ctx, events)
	var broken *eventstore.DecodeError
	if err != nil && !errors.As(err, &broken) {
		return nil, fmt.Errorf("decode: %w", err)
	}
	var aside []poison
	for i := range events {
		r := &events[i]
		if r.Event == nil {
			unreadable, err := f.unreadable(ctx, events[i:i+1])
			if err != nil {
				return nil, err
			}
			aside = append(aside, unreadable...)
			continue
		}
		if e, ok := r.Event.(domain.CoinEvent); ok {
			if sum := balanceOf(e.EventPostings()); sum != 0 {
				return nil, &HaltError{Position: r.Position, Err: fmt.Errorf("the postings of %s add up to %d, not to 0", r.Type, sum)}
			}
		}
	}
	return aside, nil
}

func balanceOf(postings []domain.Posting) (sum domain.Coins) {
	for _, p := range postings {
		sum += p.Amount
	}
	return sum
}

// unreadable answers what becomes of the one event of one that cannot be decoded.
func (f *folder) unreadable(ctx context.Context, one []eventstore.Record) ([]poison, error) {
	r := one[0]
	cause := f.store.Decode(ctx, one)
	spec, known := f.store.Spec(r.Type)
	if _, coins := spec.Zero.(domain.CoinEvent); !known || coins {
		return nil, &HaltError{Position: r.Position, Err: cause}
	}
	aside := []poison{}
	for _, to := range f.readers[spec.Type] {
		if f.parts[to.part].CountsCoins {
			return nil, &HaltError{Position: r.Position, Projection: f.parts[to.part].Name, Err: cause}
		}
		aside = append(aside, poison{r.Position, f.parts[to.part].Name, r.Type, causeOf(cause)})
	}
	if len(aside) == 0 {
		aside = append(aside, poison{r.Position, "none", r.Type, causeOf(cause)}) // counted, though nobody misses it
	}
	return aside, nil
}

// apply brings the tables up to date with decoded events, in tx. An event that cannot be taken is set aside
// in table poison, with aside, or stops everything if it counts coins: then the error is a *HaltError and tx
// has to be rolled back, as after any other error. It answers how many were set aside.
func (f *folder) apply(ctx context.Context, tx pgx.Tx, events []eventstore.Record, aside []poison) (int, error) {
	all := make([]bool, len(f.parts))
	for i := range all {
		all[i] = true
	}
	err := f.write(ctx, tx, events, all)
	if err != nil && ofEvent(err) {
		var found []poison
		found, err = f.writeEach(ctx, tx, events)
		aside = append(aside, found...)
	}
	if err != nil || len(aside) == 0 {
		return 0, err
	}
	var position []int64
	var projection, kind, cause []string
	for _, p := range aside {
		position, projection = append(position, p.position), append(projection, p.projection)
		kind, cause = append(kind, p.kind), append(cause, p.cause)
	}
	if _, err := tx.Exec(ctx, insertPoison, position, projection, kind, cause); err != nil {
		return 0, fmt.Errorf("insert poison: %w", err)
	}
	return len(aside), nil
}

// write folds events and writes what follows, for the parts that are wanted, in one round trip. After an
// error that ofEvent nothing of it is left.
func (f *folder) write(ctx context.Context, tx pgx.Tx, events []eventstore.Record, wanted []bool) error {
	batches, err := f.fold(events, wanted)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue("SAVEPOINT folded") // ends with the transaction
	owner := []int{-1}          // whose statement it is
	for i, batch := range batches {
		if batch == nil {
			continue
		}
		f.parts[i].Write.write(batch, b)
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
			if part := owner[i]; part >= 0 {
				err = fmt.Errorf("projection %s behind %d: %w", f.parts[part].Name, events[0].Position-1, err)
			}
			break
		}
	}
	if closing := results.Close(); err == nil {
		err = closing
	}
	if err != nil && ofEvent(err) {
		if _, back := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT folded"); back != nil {
			return fmt.Errorf("back to the savepoint: %w", back)
		}
	}
	return err
}

// fold answers the batch of each wanted part that reads one of events.
func (f *folder) fold(events []eventstore.Record, wanted []bool) (batches []any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &foldError{cause}
		}
	}()
	batches = make([]any, len(f.parts))
	for _, r := range events {
		if r.Event == nil {
			continue
		}
		for _, to := range f.readers[r.Event.Type()] {
			if !wanted[to.part] {
				continue
			}
			if batches[to.part] == nil {
				batches[to.part] = f.parts[to.part].Write.begin()
			}
			to.fold(batches[to.part], r)
		}
	}
	return batches, nil
}

// writeEach writes part by part, so that one that cannot take an event does not hold up the others.
func (f *folder) writeEach(ctx context.Context, tx pgx.Tx, events []eventstore.Record) ([]poison, error) {
	var aside []poison
	for i := range f.parts {
		found, err := f.bisect(ctx, tx, f.readBy(i, events), i)
		if err != nil {
			return nil, err
		}
		aside = append(aside, found...)
	}
	return aside, nil
}

// readBy answers those of events that a part reads.
func (f *folder) readBy(part int, events []eventstore.Record) []eventstore.Record {
	var read []eventstore.Record
	for _, r := range events {
		if r.Event == nil {
			continue
		}
		for _, to := range f.readers[r.Event.Type()] {
			if to.part == part {
				read = append(read, r)
			}
		}
	}
	return read
}

// bisect writes events for one part. What it cannot take is halved until the one event is found.
func (f *folder) bisect(ctx context.Context, tx pgx.Tx, events []eventstore.Record, part int) ([]poison, error) {
	if len(events) == 0 {
		return nil, nil
	}
	wanted := make([]bool, len(f.parts))
	wanted[part] = true
	err := f.write(ctx, tx, events, wanted)
	if err == nil || !ofEvent(err) {
		return nil, err
	}
	if len(events) > 1 {
		half := len(events) / 2
		left, err := f.bisect(ctx, tx, events[:half], part)
		if err != nil {
			return nil, err
		}
		right, err := f.bisect(ctx, tx, events[half:], part)
		return append(left, right...), err
	}
	r := events[0]
	if cause := errors.Unwrap(err); cause != nil {
		err = cause // which projection it was is said beside it
	}
	if f.parts[part].CountsCoins {
		return nil, &HaltError{Position: r.Position, Projection: f.parts[part].Name, Err: err}
	}
	return []poison{{r.Position, f.parts[part].Name, r.Type, causeOf(err)}}, nil
}
