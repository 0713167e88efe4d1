package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"roomlog/domain"
	"roomlog/internal/tracing"
)

// Receipt is the result of a request that was not refused.
type Receipt struct {
	Position int64    // position of the last event of the request; if there is none, of the newest event of the log
	Events   []Record // the events of the request, in order; empty if the command changed nothing
	Repeated bool     // whether the idempotency key was used before; this is then the result of the first request
}

// Execute decides r.Command against the newest state and appends its events, all or none. It returns after the commit.
// If the same actor has sent the same command with the same idempotency key before, it returns the first result.
// Errors:
//   - *domain.Refusal: the rules refuse the command.
//   - ErrBusy (immediately, because the queue is full), ErrClosed or ErrUnavailable: the command was not executed and
//     will not be.
//   - ErrOutcomeUnknown, or the error of ctx if ctx ends first: the command may have been executed. Repeat it with the
//     same key.
//
// Execute is safe for concurrent use.
func (q *Sequencer) Execute(ctx context.Context, r domain.Request) (Receipt, error) {
	begun := q.config.Tracer.Now()
	receipt, batch, err := q.execute(ctx, r)
	if q.config.Tracer != nil {
		q.config.Tracer.Command(ctx, tracing.Command{
			Type: r.Command.Type(), Begun: begun, Ended: q.config.Tracer.Now(), Batch: batch,
			Events: tracedEvents(receipt.Events), Repeated: receipt.Repeated, Code: ErrorCode(err),
		})
	}
	return receipt, err
}

// tracedEvents returns the parts of events that traces contain.
func tracedEvents(events []Record) []tracing.Event {
	traced := make([]tracing.Event, len(events))
	for i := range events {
		traced[i] = events[i].Traced()
	}
	return traced
}

// ErrorCode returns the code of a refusal, or a word for another error of Execute. It returns "" if err is nil.
func ErrorCode(err error) string {
	refusal := domain.AsRefusal(err)
	switch {
	case err == nil:
		return ""
	case refusal != nil:
		return string(refusal.Code)
	case errors.Is(err, ErrBusy):
		return string(domain.CodeBusy)
	case errors.Is(err, ErrOutcomeUnknown):
		return "outcome_unknown"
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	case errors.Is(err, ErrClosed):
		return "closed"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "timeout"
	}
	return string(domain.CodeInternal)
}

// execute does the work of Execute. It also returns the transaction that has executed the command, if a tracer needs
// it.
func (q *Sequencer) execute(ctx context.Context, r domain.Request) (Receipt, *tracing.Batch, error) {
	if named, ok := r.Command.(domain.NamedCommand); ok {
		r.Command = named.WithLookalikeKey(q.store.LookalikeKey)
	}
	c, err := newCall(r)
	if err != nil {
		return Receipt{}, nil, err
	}
	if err := q.enqueue(c); err != nil {
		return Receipt{}, nil, err
	}
	if err := c.wait(ctx, q.config.Timeout); err != nil {
		return Receipt{}, nil, fmt.Errorf("%s: %w", r.Command.Type(), err)
	}
	out := c.outcome
	switch {
	case c.err != nil:
		return Receipt{}, out.batch, c.err
	case out.refusal != nil:
		return Receipt{}, out.batch, out.refusal
	case out.repeated && out.events > 0:
		out.records, err = q.store.between(ctx, out.position-int64(out.events), out.position)
		if err != nil {
			return Receipt{}, out.batch, fmt.Errorf("%s: read the first result: %w", r.Command.Type(), err)
		}
	}
	return Receipt{Position: out.position, Events: out.records, Repeated: out.repeated}, out.batch, nil
}

// between returns the events with after < position ≤ upTo, in order. If one of them cannot be decoded, it fails with a
// *DecodeError.
func (s *Store) between(ctx context.Context, after, upTo int64) ([]Record, error) {
	page, err := s.Read(ctx, Query{After: after, UpTo: upTo, Limit: int(upTo - after)})
	for _, r := range page.Events {
		if r.Fault != nil {
			return nil, &DecodeError{r.Position, r.Type, r.Fault}
		}
	}
	return page.Events, err
}

func (q *Sequencer) enqueue(c *call) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closing {
		return ErrClosed
	}
	select {
	case q.queue <- c:
		return nil
	default:
		return ErrBusy
	}
}

// deleteBatch is the maximum number of rows that one statement deletes, so that a statement does not hold many row
// locks.
const deleteBatch = 1000

// DeleteCommands deletes the stored results of commands that were recorded before the given time. It returns the number
// of deleted results. The results of coin commands are never deleted.
func (s *Store) DeleteCommands(ctx context.Context, before time.Time) (int64, error) {
	total := int64(0)
	for {
		tag, err := s.pool.Exec(ctx, deleteOldCommands, before, deleteBatch)
		total += tag.RowsAffected()
		if err != nil {
			return total, fmt.Errorf("delete commands before %s: %w", before.UTC().Format(time.RFC3339), err)
		}
		if tag.RowsAffected() < deleteBatch {
			return total, nil
		}
	}
}
