package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// copyTimeout is the maximum time for reading a page of a copy, or for comparing it. A copy that needs longer is of no use. No read of
// a copy uses more than half of the time that its caller has left, so that the caller can still read the log.
const copyTimeout = 5 * time.Second

// countTimeout is the maximum time for counting events in a copy, which reads many of them.
const countTimeout = time.Minute

// Copy describes another database with a copy of the log: a hot standby of the primary.
type Copy struct {
	Position int64         // position up to which the copy certainly has the events of the log
	Lacks    int64         // number of newer events that the log has and the copy lacks
	Behind   time.Duration // age of the oldest event that the copy lacks; 0 if it lacks none
}

// The reasons for which a copy of the log cannot be used, in a *CopyError.
var (
	ErrNotStandby  = errors.New("the database is no standby: it was promoted, or its address is that of the primary")
	ErrAnotherCopy = errors.New("the database has other events than the log: it is a standby of another log, or of a history that the log has lost")
	ErrCopyBehind  = errors.New("the database has fewer events than before: its address leads to another standby now")
)

// CopyError means that a copy of the log cannot be used now. The log itself is not affected.
type CopyError struct{ Err error }

// Error returns the message of the cause.
func (e *CopyError) Error() string { return "read a copy of the log: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *CopyError) Unwrap() error { return e.Err }

// CheckCopy compares a copy of the log with the log. It returns a *CopyError if the copy cannot be used, and another error if the
// log cannot be read.
func (s *Store) CheckCopy(ctx context.Context, db *pgxpool.Pool) (Copy, error) {
	position, err := s.Head(ctx)
	if err != nil {
		return Copy{}, err
	}
	copied, err := s.readCopy(ctx, db, copyTimeout, position, func(*pgx.Batch) {})
	if err != nil {
		return Copy{}, err
	}
	at := event{position, copied.found}
	if copied.position < position {
		at = copied.event
	}
	_, c, err := s.vouch(ctx, at)
	return c, err
}

// ReadCopy reads like Read, but takes the events from a copy of the log. It reads only up to position upTo, which an earlier
// CheckCopy has returned as the position of the copy, and which must be greater than q.After. Page.Head and the keys of personal
// texts come from the log, so what was erased there is erased here at once.
//
// Every page is compared with the log: the event at its last position has the same id in both databases. The page is then a part
// of the log, because events are never changed and their ids are random. ReadCopy returns a *CopyError if the copy cannot be used.
// All other errors are those of Read.
func (s *Store) ReadCopy(ctx context.Context, db *pgxpool.Pool, upTo int64, q Query) (Page, error) {
	q = q.bounded()
	q.UpTo = min(q.UpTo, upTo)
	var page Page
	copied, err := s.readCopy(ctx, db, copyTimeout, q.UpTo, func(b *pgx.Batch) {
		sql, args := q.statement()
		b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
			page.Events, err = pgx.CollectRows(rows, scanRecord)
			return err
		})
	})
	if err != nil {
		return Page{}, err
	}
	now, _, err := s.vouch(ctx, event{q.UpTo, copied.found})
	if err != nil {
		return Page{}, err
	}
	if q.History != 0 && s.History().Number != q.History {
		return Page{}, fmt.Errorf("read events after %d: %w", q.After, ErrCursorLost)
	}
	page.Head, page.Next = max(now.position, q.UpTo), max(q.After, q.UpTo)
	if n := len(page.Events); n == q.Limit {
		page.Next = page.Events[n-1].Position
	}
	return s.selected(ctx, page, q)
}

// CountCopy counts like Count, but in a copy of the log, and only up to position upTo. See ReadCopy.
func (s *Store) CountCopy(ctx context.Context, db *pgxpool.Pool, upTo int64, q Query) (n int64, err error) {
	q = q.bounded()
	q.UpTo = min(q.UpTo, upTo)
	copied, err := s.readCopy(ctx, db, countTimeout, q.UpTo, func(b *pgx.Batch) {
		sql, args := q.countStatement()
		b.Queue(sql, args).QueryRow(func(row pgx.Row) error { return row.Scan(&n) })
	})
	if err == nil {
		_, _, err = s.vouch(ctx, event{q.UpTo, copied.found})
	}
	return n, err
}

// readCopy executes statements on a copy of the log that must have an event at a position. It returns the head of the copy, with the
// id of that event.
func (s *Store) readCopy(ctx context.Context, db *pgxpool.Pool, timeout time.Duration, position int64, queue func(*pgx.Batch)) (head, error) {
	if end, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(end)/2)
	}
	short, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var copied head
	b := &pgx.Batch{}
	b.Queue(selectHead, position).QueryRow(copied.scan) // first: the statements after it see at least as much
	queue(b)
	err := db.SendBatch(short, b).Close()
	switch {
	case err != nil && ctx.Err() != nil:
		return head{}, ctx.Err()
	case err != nil:
		return head{}, &CopyError{err}
	case !copied.standby:
		return head{}, &CopyError{ErrNotStandby}
	}
	return copied, nil
}

// vouch compares the event at a position of a copy with the log. It returns the head of the log, and the Copy with how
// far the copy is behind. Like every read, it notices another history of the log, and drops the keys of users who were
// forgotten.
func (s *Store) vouch(ctx context.Context, at event) (now head, c Copy, err error) {
	if at.id == uuid.Nil && at.position > 0 {
		return head{}, Copy{}, &CopyError{ErrCopyBehind}
	}
	var id *uuid.UUID
	var next *time.Time
	expected := s.history.known()
	b := &pgx.Batch{}
	b.Queue(selectHead, expected.position).QueryRow(now.scan)
	s.queueForgotten(b)
	b.Queue(selectCopied, at.position).QueryRow(func(row pgx.Row) error { return row.Scan(&id, &next) })
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return head{}, Copy{}, fmt.Errorf("compare a copy with the log: %w", err)
	}
	if err := s.compare(ctx, expected, now); err != nil && !errors.Is(err, ErrCursorLost) {
		return head{}, Copy{}, fmt.Errorf("compare a copy with the log: %w", err)
	}
	if at.position > 0 && (id == nil || *id != at.id) {
		return head{}, Copy{}, &CopyError{ErrAnotherCopy}
	}
	c = Copy{Position: at.position, Lacks: max(now.position-at.position, 0)}
	if next != nil {
		c.Behind = max(now.clock.Sub(*next), 1)
	}
	return now, c, nil
}
