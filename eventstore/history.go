package eventstore

import (
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// History describes the history of the log that the memory of a process belongs to. The history changes when the database falls
// back to an earlier state and continues differently: after the promotion of a standby that was behind, or after the restore of a
// backup. Positions, cached states and keys of the former history are then invalid.
type History struct {
	Number int64 // 1 in a new process, incremented by each change that the process notices

	// The newest event that the process knew of the former history. The log does not have it any more. Zero if there was no
	// change.
	Lost   int64
	LostID uuid.UUID

	// The newest event of the log when the change was noticed. Zero if there was no change, or if the log is empty.
	Head   int64
	HeadID uuid.UUID
}

// event names one event of the log. Two logs that contain the same event are equal up to it, because an event is never
// changed and its id is random. The zero event is the beginning of the log.
type event struct {
	position int64
	id       uuid.UUID
}

// expectation is what a reader expects of the log: that it contains an event that was read in the history with this number.
type expectation struct {
	number int64
	event
}

// head is the result of select_head.sql.
type head struct {
	event
	clock    time.Time // of the database
	standby  bool      // the database is a standby, which may receive more events
	recorded time.Time // recorded_at of the event
	found    uuid.UUID // id of the event at the expected position; zero if the log has none
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

// history holds the current History of a Store and the newest event that the process knows of it.
type history struct {
	onChange func(History) // drops what belongs to the former history; called before anybody sees the new one

	mu     sync.Mutex
	now    History
	newest event
}

// current returns the current history.
func (h *history) current() History {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// known returns the newest event that the process knows.
func (h *history) known() expectation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return expectation{h.now.Number, h.newest}
}

// remember records that the log contains newest. Call it only after the log was compared with an expectation of the same number.
func (h *history) remember(number int64, newest event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.Number == number && newest.position > h.newest.position {
		h.newest = newest
	}
}

// change begins a new history with the log that ends with newest, because the log lacks the expected event. It reports false if
// the history has already changed after the expectation.
func (h *history) change(lost expectation, newest event) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.Number != lost.number {
		return false
	}
	known := lost.event
	if h.newest.position > known.position { // another reader has seen more of the former history since the expectation
		known = h.newest
	}
	now := History{lost.number + 1, known.position, known.id, newest.position, newest.id}
	h.onChange(now)
	h.now, h.newest = now, newest
	return true
}
