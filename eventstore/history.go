package eventstore

import (
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// History describes the history of the log that this process currently works with. The history changes when the
// database falls back to an earlier state and continues from there: after the promotion of a standby that was behind,
// or after a backup was restored. Positions, cached states and keys of the former history are then invalid.
type History struct {
	Number int64 // number of the history: 1 in a new process, incremented by each change that the process notices

	// The newest event of the former history that the process knew and that the log does not have any more. Zero if
	// there was no change.
	Lost   int64
	LostID uuid.UUID

	// The newest event of the log when the change was noticed. Zero if there was no change, or if the log is empty.
	Head   int64
	HeadID uuid.UUID
}

// event identifies one event of the log. Two logs that contain the same event are equal up to that event, because an
// event is never changed and its id is random. The zero event is the beginning of the log.
type event struct {
	position int64
	id       uuid.UUID
}

// expectation is an event that a reader expects in the log, with the number of the history in which it was read.
type expectation struct {
	number int64
	event
}

// head is the result of select_head.sql.
type head struct {
	event
	clock    time.Time // time of the database's clock
	standby  bool      // whether the database is a standby, which may receive more events
	recorded time.Time // recorded_at of the newest event
	found    uuid.UUID // id of the event at the expected position; zero if there is none
}

func (h *head) scan(row pgx.Row) error {
	var position *int64
	var id, found *uuid.UUID
	var recorded *time.Time
	if err := row.Scan(&h.clock, &h.standby, &position, &id, &recorded, &found); err != nil {
		return err
	}
	if position != nil {
		h.position, h.id, h.recorded = *position, *id, recorded.UTC()
	}
	if found != nil {
		h.found = *found
	}
	return nil
}

// has reports whether the log contains the expected event.
func (h *head) has(expected expectation) bool {
	return expected.position == 0 || h.found == expected.id
}

// history holds the current History of a Store, and the newest event that the process knows in it.
type history struct {
	onChange func(History) // drops what belongs to the former history; called before anybody can read the new one

	mu     sync.Mutex
	now    History
	newest event
}

func (h *history) current() History {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// known returns the newest event that the process knows, and the number of its history. The caller compares them with
// the log.
func (h *history) known() expectation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return expectation{h.now.Number, h.newest}
}

// remember records that the log contains newest. Call it only after the log was compared with an expectation of the
// same history.
func (h *history) remember(number int64, newest event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.Number == number && newest.position > h.newest.position {
		h.newest = newest
	}
}

// change begins a new history, because the log does not contain the expected event. The new history ends with newest.
// change reports false if the history has already changed after the expectation was made.
func (h *history) change(lost expectation, newest event) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.Number != lost.number {
		return false
	}
	known := lost.event
	if h.newest.position > known.position { // another reader has read more of the former history after the expectation was made
		known = h.newest
	}
	now := History{lost.number + 1, known.position, known.id, newest.position, newest.id}
	h.onChange(now)
	h.now, h.newest = now, newest
	return true
}

// recentLimit is the maximum number of events that are kept in memory for Follow.
const recentLimit = 4096

// recent holds the newest events that the Sequencers of a Store have committed, without a gap. Readers that have read
// the event before them need no query.
type recent struct {
	mu      sync.Mutex
	number  int64 // number of the history of the log to which the events belong
	before  event // the event before the first one
	records []Record
	sent    []Record // the batch that was sent to the database last; it may be committed or not
}

// send records a batch that is about to be sent to the database. A reader may find its events there before add is
// called.
func (r *recent) send(records []Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = records
}

// mark sets Own of those records of the database that are also in memory.
func (r *recent) mark(records []Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range records {
		e := &records[i]
		e.Own = contains(r.sent, e) || contains(r.records, e)
	}
}

// contains reports whether records, which have no gap, contain the event e.
func contains(records []Record, e *Record) bool {
	if len(records) == 0 {
		return false
	}
	i := e.Position - records[0].Position
	return i >= 0 && i < int64(len(records)) && records[i].ID == e.ID
}

// add appends committed events that follow the event before in the log. If another process has appended events
// meanwhile, the earlier ones are dropped.
func (r *recent) add(number int64, before event, records []Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if number < r.number { // the batch was committed in a former history
		return
	}
	if number != r.number || before != r.end() || len(r.records)+len(records) > recentLimit {
		r.number, r.before, r.records = number, before, nil
	}
	for _, e := range records[max(0, len(records)-recentLimit):] {
		e.Metadata, e.Own = Metadata{}, true
		r.records = append(r.records, e)
	}
	if dropped := len(records) - recentLimit; dropped > 0 {
		r.before = event{records[dropped-1].Position, records[dropped-1].ID}
	}
}

// end returns the newest event. The caller must hold the lock.
func (r *recent) end() event {
	if n := len(r.records); n > 0 {
		return event{r.records[n-1].Position, r.records[n-1].ID}
	}
	return r.before
}

// after returns at most limit events that follow e, and the number of their history. The caller may change the slice.
func (r *recent) after(e event, limit int) ([]Record, int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := e.position - r.before.position
	switch {
	case first < 0 || first >= int64(len(r.records)):
		return nil, 0
	case first == 0 && e != r.before, first > 0 && r.records[first-1].ID != e.id:
		return nil, 0
	}
	return slices.Clone(r.records[first:min(first+int64(limit), int64(len(r.records)))]), r.number
}

// clear drops all events, because the log has another history with this number.
func (r *recent) clear(number int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number, r.before, r.records, r.sent = number, event{}, nil, nil
}
