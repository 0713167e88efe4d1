package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/internal/wait"
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

// history holds the current History of a Store and the newest event that the process knows of it.
type history struct {
	changed *wait.Signal

	mu     sync.Mutex
	now    History
	newest event
}

// History returns the history of the log as this process knows it. It does no I/O.
func (s *Store) History() History {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	return s.history.now
}

// HistoryChanged returns the signal that is notified after each change of the history. By then the store has dropped all that
// it remembered of the former history.
func (s *Store) HistoryChanged() *wait.Signal { return s.history.changed }

// CheckHistory compares the log with the newest event that this process knows, and returns the current history. Appends, Read
// and Listen make the same comparison.
func (s *Store) CheckHistory(ctx context.Context) (History, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.History(), fmt.Errorf("check the history of the log: %w", err)
	}
	var h head
	expected := s.known()
	begun := s.now()
	err = h.scan(conn.QueryRow(ctx, selectHead, expected.position))
	ended := s.now()
	conn.Release()
	if err != nil {
		return s.History(), fmt.Errorf("check the history of the log: %w", err)
	}
	s.clock.measure(ctx, begun, ended, h.clock)
	s.compare(ctx, expected, h)
	return s.History(), nil
}

// expectation is what a reader expects of the log: that it contains the newest event of the history with this number.
type expectation struct {
	number int64
	event
}

// known returns the newest event that the process knows.
func (s *Store) known() expectation {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	return expectation{s.history.now.Number, s.history.newest}
}

// head is the result of select_head.sql.
type head struct {
	event
	clock    time.Time // of the database
	recorded time.Time // recorded_at of the event
	found    uuid.UUID // id of the event at the expected position; zero if the log has none
}

func (h *head) scan(row pgx.Row) error {
	var position *int64
	var id, found *uuid.UUID
	var recorded *time.Time
	if err := row.Scan(&h.clock, &position, &id, &recorded, &found); err != nil {
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

// compare reports whether the log contains the expected event. If it does, compare remembers the head. Otherwise it changes the
// history, unless that was done after the expectation.
func (s *Store) compare(ctx context.Context, expected expectation, h head) bool {
	if h.has(expected) {
		s.remember(expected.number, h.event)
		return true
	}
	s.changeHistory(ctx, expected, h.event)
	return false
}

// remember records that the log contains newest. Call it only after the log was compared with an expectation of the same number.
func (s *Store) remember(number int64, newest event) {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	if s.history.now.Number == number && newest.position > s.history.newest.position {
		s.history.newest = newest
	}
}

// changeHistory begins a new history with the log that ends with newest, because the log lacks the expected event. It does
// nothing if the history has already changed after the expectation.
func (s *Store) changeHistory(ctx context.Context, lost expectation, newest event) {
	s.history.mu.Lock()
	if s.history.now.Number != lost.number {
		s.history.mu.Unlock()
		return
	}
	s.history.now = History{lost.number + 1, lost.position, lost.id, newest.position, newest.id}
	s.history.newest = newest
	s.codec.keys.drop(newest.position)
	s.history.mu.Unlock()
	s.log.ErrorContext(ctx, "log has another history: the database has fallen back to an earlier state; everything remembered of the lost events is dropped",
		slog.Int64("lost_position", lost.position), slog.String("lost_event_id", lost.id.String()),
		slog.Int64("position", newest.position), slog.String("event_id", newest.id.String()))
	s.pool.Reset() // an old connection may lead to the former server
	s.history.changed.Notify()
	s.appended.Notify()
	s.projected.Notify()
}

// missing changes the history because a reader has found that the log lacks an event that the reader has read before.
func (s *Store) missing(ctx context.Context, lost expectation) error {
	var h head
	if err := h.scan(s.pool.QueryRow(ctx, selectHead, lost.position)); err != nil {
		return fmt.Errorf("check the history of the log: %w", err)
	}
	if !h.has(lost) {
		s.changeHistory(ctx, lost, h.event)
	}
	return nil
}

// watchHistory checks the history at intervals, so that a process that appends nothing notices a change.
func (s *Store) watchHistory(ctx context.Context) {
	failing := false
	for wait.Sleep(ctx, s.poll) {
		_, err := s.CheckHistory(ctx)
		if err != nil && !failing && !errors.Is(err, ctx.Err()) {
			s.log.WarnContext(ctx, "check of the history of the log failed, retrying", slog.Any("error", err))
		}
		failing = err != nil
	}
}
