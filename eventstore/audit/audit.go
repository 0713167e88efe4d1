package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/domain/invariant"
	"roomlog/eventstore"
)

// clockTolerance is the maximum time by which an event may be ahead of the clock of the database.
const clockTolerance = time.Minute

// Auditor inspects the events of a log in order, and then the tables that belong to the log. It is not safe for
// concurrent use.
type Auditor struct {
	store  *eventstore.Store
	faults *Faults
	states *states

	position int64     // position of the last inspected event
	newest   time.Time // recorded_at of the last inspected event
	ahead    *Fault    // fault of the first event that is ahead of the clock; nil if none is, or if a later event records that the clock was set back
	sealed   bool      // whether a fault reports that a key does not decrypt its texts
	latest   time.Time // latest recorded_at that an event may have

	setAsides []setAside // the inspected events that set another event aside

	metadata  [][]byte  // metadata of the events of the last page
	snapshots snapshots // snapshots for the events of the last page

	owners, forgotten    idSet // owners of personal texts; owners whose texts are erased
	names, matchingNames int   // number of users with a name; number of those whose name fits its key
}

// New returns an auditor of a log. The auditor has read no event yet. It creates a temporary table in conn. While the
// auditor is used, nobody else may use conn.
func New(store *eventstore.Store, conn *pgx.Conn, faults *Faults) *Auditor {
	return &Auditor{store: store, faults: faults, states: newStates(conn), owners: idSet{}, forgotten: idSet{}}
}

// Read returns at most limit events with after < position ≤ upTo, in order and not decoded. Decode them and pass them
// to the next call of Inspect.
func (a *Auditor) Read(ctx context.Context, db Querier, after, upTo int64, limit int) ([]eventstore.Record, error) {
	if a.latest.IsZero() {
		if err := db.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&a.latest); err != nil {
			return nil, fmt.Errorf("read the clock of the database: %w", err)
		}
		a.latest = a.latest.Add(clockTolerance)
		var err error
		if a.states.aside, err = a.store.SetAside(ctx); err != nil {
			return nil, err
		}
	}
	rows, err := db.Query(ctx, selectEvents, after, upTo, limit)
	if err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	a.metadata = a.metadata[:0]
	var metadata []byte
	found, err := pgx.CollectRows(rows, func(pgx.CollectableRow) (eventstore.Record, error) {
		r, err := eventstore.ScanRaw(rows, &metadata)
		a.metadata = append(a.metadata, metadata)
		metadata = nil
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	a.snapshots, err = readSnapshots(ctx, db, found)
	return found, err
}

// SetAside returns the number of events that an operator has set aside.
func (a *Auditor) SetAside() int { return len(a.states.aside) }

// CheckSetAsides checks each inspected event that sets another event aside. The other event must be earlier, must have
// the stated stream and type, and must be one that could not be applied. Otherwise states would be folded without an
// event that the tables contain. by maps the position of each event that could not be applied and was set aside to the
// position of the first event that set it aside.
func (a *Auditor) CheckSetAsides(ctx context.Context, by map[int64]int64) error {
	return checkSetAsides(ctx, a.store, a.setAsides, by, a.faults)
}

// Inspect checks the events that Read has returned and that the caller has decoded.
func (a *Auditor) Inspect(ctx context.Context, events []eventstore.Record) error {
	if err := a.states.prepare(ctx, events); err != nil {
		return err
	}
	for i, r := range events {
		switch missing := a.position + 1; {
		case r.Position == missing:
		case r.Position == missing+1:
			a.fault(missing, "the log has a gap: this position is missing")
		default:
			a.fault(missing, "the log has a gap: positions %d to %d are missing", missing, r.Position-1)
		}
		a.position = r.Position
		if err := a.inspect(ctx, r, a.metadata[i]); err != nil {
			return fmt.Errorf("inspect position %d: %w", r.Position, err)
		}
	}
	return nil
}

func (a *Auditor) fault(position int64, format string, args ...any) {
	a.faults.Add(Fault{Position: position, Text: fmt.Sprintf(format, args...)})
}

func (a *Auditor) inspect(ctx context.Context, r eventstore.Record, metadata []byte) error {
	if a.states.skipped(r) {
		return a.fold(ctx, r)
	}
	if r.ID.Version() != 7 {
		a.fault(r.Position, "the event id %s is not one that roomlog gives", r.ID)
	}
	m := a.inspectMetadata(r, metadata)
	actor := m.Actor
	a.inspectTime(r, m.ClockSetBack)
	if r.Event == nil {
		a.fault(r.Position, "event %s cannot be read: %v", r.Type, r.Fault)
		if errors.Is(r.Fault, eventstore.ErrNotDecrypted) && !a.sealed {
			a.sealed = true // one fault of table user_key stands for all texts
			a.faults.Add(Fault{Table: "user_key", Text: fmt.Sprintf("the key of the owner does not open the texts of position %d", r.Position)})
		}
		return a.fold(ctx, r)
	}
	a.inspectPlace(r)
	a.inspectKeys(r)
	if e, ok := r.Event.(domain.EventSetAside); ok {
		a.setAsides = append(a.setAsides, setAside{r.Position, e})
	}
	if actor != "" && r.Event.Stream() == r.Stream {
		text, err := invariant.Check(r.Event, actor, func(s domain.Stream) (any, error) {
			if isCounter(s) {
				return a.states.counters[s], nil
			}
			if s == r.Stream && r.Version == 1 {
				return nil, nil
			}
			e, err := a.states.before(ctx, s)
			if err == nil && e.unknown {
				err = errUnknown
			}
			return e.state, err
		})
		switch {
		case errors.Is(err, errUnknown):
		case err != nil:
			return err
		case text != "":
			a.fault(r.Position, "%s", text)
		}
	}
	if e, ok := r.Event.(domain.TicketReturned); ok && e.Position != 0 {
		if err := a.checkPayment(ctx, r.Position, e); err != nil {
			return err
		}
	}
	return a.fold(ctx, r)
}

// Types of the events that issue a ticket and pay for it, as stored in the log: those of all versions.
var (
	ticketTypes  = domain.StoredTypes(domain.TicketIssued{}.Type())
	paymentTypes = domain.StoredTypes(domain.TicketBought{}.Type())
)

// checkPayment checks that a returned ticket names the payment of the user's newest ticket. It reads the log instead of
// keeping the payments of all tickets in memory; few tickets are refunded.
func (a *Auditor) checkPayment(ctx context.Context, position int64, e domain.TicketReturned) error {
	var paid int64
	if err := a.states.db.QueryRow(ctx, selectPayment, e.Stream(), ticketTypes, domain.WalletStream(e.User), paymentTypes, position).Scan(&paid); err != nil {
		return fmt.Errorf("read the payment of a ticket: %w", err)
	}
	if e.Position != paid {
		a.fault(position, "the ticket of user %d for live %d was paid at position %d, not %d", e.User, e.Live, paid, e.Position)
	}
	return nil
}

// fold checks the version of an event in its stream, and folds the event into the states.
func (a *Auditor) fold(ctx context.Context, r eventstore.Record) error {
	before, err := a.states.before(ctx, r.Stream)
	if err != nil {
		return err
	}
	switch {
	case r.Version == before.version+1:
	case before.version == 0:
		a.fault(r.Position, "%s begins with version %d", r.Stream, r.Version)
	default:
		a.fault(r.Position, "version %d of %s follows version %d", r.Version, r.Stream, before.version)
	}
	a.snapshots.check(r, a.states.after(r, before), a.faults)
	return nil
}

// inspectTime checks that recorded_at is not ahead of the database's clock. It may be earlier than that of the previous
// event only if the metadata of the event records that the clock of the database was set back.
func (a *Auditor) inspectTime(r eventstore.Record, setBack bool) {
	at, newest := r.RecordedAt.Format(time.RFC3339Nano), a.newest.Format(time.RFC3339Nano)
	switch earlier := r.RecordedAt.Before(a.newest); {
	case earlier && !setBack:
		a.fault(r.Position, "recorded_at is %s, before the previous event (%s)", at, newest)
	case setBack && !earlier:
		a.fault(r.Position, "recorded_at is %s, not before the previous event (%s), but the metadata says so", at, newest)
	case setBack:
		a.ahead = nil
	}
	if r.RecordedAt.After(a.latest) && a.ahead == nil { // only the first such event is reported
		a.ahead = &Fault{Position: r.Position, Text: fmt.Sprintf("recorded_at is %s, ahead of the clock of the database", at)}
	}
	a.newest = r.RecordedAt
}

// inspectMetadata checks the form of the metadata and returns it, or the zero Metadata.
func (a *Auditor) inspectMetadata(r eventstore.Record, raw []byte) eventstore.Metadata {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	var m eventstore.Metadata
	err := decoder.Decode(&m)
	if err != nil {
		a.fault(r.Position, "the metadata cannot be read: %v", err)
		return eventstore.Metadata{}
	}
	if again, err := json.Marshal(m); err != nil || !bytes.Equal(again, raw) {
		a.fault(r.Position, "the metadata is not written as roomlog writes it")
	}
	return m
}

// inspectPlace checks that an event is recorded in its own stream and with its own live.
func (a *Auditor) inspectPlace(r eventstore.Record) {
	if stream := r.Event.Stream(); stream != r.Stream {
		a.fault(r.Position, "the event of stream %s is recorded in %s", stream, r.Stream)
	}
	var live domain.LiveID
	if e, ok := r.Event.(domain.LiveEvent); ok {
		live = e.EventLive()
	}
	if live != r.LiveID {
		a.fault(r.Position, "the event of live %d is recorded under live %d", live, r.LiveID)
	}
}

// inspectKeys remembers the users and participants whose keys the log needs, and compares usernames with their keyed
// hashes.
func (a *Auditor) inspectKeys(r eventstore.Record) {
	if spec, ok := a.store.Spec(r.Event.Type()); ok && spec.Personal != nil {
		if _, owner, texts := spec.Personal(r.Event); owner != 0 && len(texts) > 0 {
			a.owners.add(int64(owner))
		}
	}
	switch e := r.Event.(type) {
	case domain.ForgetEvent:
		a.forgotten.add(int64(e.ForgottenKeyOwner()))
	case domain.UserRegistered:
		if e.Credential != "" && e.Username != eventstore.ErasedText {
			a.names++
			if e.NameKey == a.store.NameKey(e.Username) {
				a.matchingNames++
			}
		}
	}
}
