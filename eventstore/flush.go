package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"roomlog/internal/tracing"
	"roomlog/internal/wait"
)

const (
	firstRetry   = 20 * time.Millisecond
	longestRetry = 500 * time.Millisecond
	outageDelay  = 100 * time.Millisecond // wait before the next attempt while the database is unreachable
)

// flush executes calls in one transaction and finishes them. It retries until the database has been unreachable for
// SequencerConfig.Timeout, or until ctx ends.
func (q *Sequencer) flush(ctx context.Context, calls []*call) {
	backoff := wait.Backoff{Min: firstRetry, Max: longestRetry}
	begun := q.store.now()
	q.writable.begin(begun)
	defer q.writable.end()
	var lost *batch // the last batch that was sent, if its COMMIT got no reply
	for calls = present(calls); len(calls) > 0; {
		q.outage.begin()
		b, err := q.attempt(ctx, calls, lost)
		if err == nil || isDataError(err) {
			q.reached(ctx)
		}
		switch {
		case err == nil:
			q.settle(b, begun)
			return
		case isDataError(err):
			q.isolate(ctx, calls, err)
			return
		}
		q.stats.retries.Add(1)
		q.writable.failed(err, q.store.now())
		lost = nil
		if unclear := (*unclearError)(nil); errors.As(err, &unclear) {
			lost = unclear.batch
		}
		q.store.log.Log(ctx, q.outage.level(), "append failed, retrying",
			slog.Int("count", len(calls)), slog.String("status", lost.outcome()), slog.Any("error", err))
		if q.outage.tooLong() || ctx.Err() != nil {
			reason := ErrUnavailable
			if lost != nil {
				reason = ErrOutcomeUnknown
			}
			q.fail(calls, fmt.Errorf("%w: %w", reason, err))
			wait.Sleep(ctx, outageDelay)
			return
		}
		backoff.Wait(ctx)
		if lost == nil {
			calls = present(calls)
		}
	}
}

// reached records that the database can be reached. This ends an outage.
func (q *Sequencer) reached(ctx context.Context) {
	q.writable.succeeded()
	if q.outage.expired {
		q.store.log.InfoContext(ctx, "database reachable again")
	}
	q.outage.end()
}

// isolate executes the calls one by one after the database has rejected a batch because of its content. Only the call
// with the rejected content fails.
func (q *Sequencer) isolate(ctx context.Context, calls []*call, err error) {
	if len(calls) == 1 {
		q.fail(calls, fmt.Errorf("%s: %w", calls[0].request.Command.Type(), err))
		return
	}
	q.stats.retries.Add(1)
	q.store.log.WarnContext(ctx, "event batch rejected, executing its commands one by one", slog.Int("count", len(calls)), slog.Any("error", err))
	for i := range calls {
		if q.outage.expired { // the database became unreachable during this loop
			q.fail(calls[i:], ErrUnavailable)
			return
		}
		q.flush(ctx, calls[i:i+1])
	}
}

// present returns the calls whose callers still wait, and marks these calls as being executed.
func present(calls []*call) []*call {
	taken := make([]*call, 0, len(calls))
	for _, c := range calls {
		if c.take() {
			taken = append(taken, c)
		}
	}
	return taken
}

// fail finishes calls with an error.
func (q *Sequencer) fail(calls []*call, err error) {
	q.stats.commands.Add(int64(len(calls)))
	for _, c := range calls {
		c.finish(outcome{}, err)
	}
}

// settle finishes the calls of a committed batch, whose execution began at begun. It drops the keys of forgotten users
// and participants.
func (q *Sequencer) settle(b *batch, begun time.Time) {
	var traced *tracing.Batch
	if q.config.Tracer != nil {
		traced = &tracing.Batch{Begun: begun, Ended: q.config.Tracer.Now(), Commands: len(b.calls), Events: len(b.records)}
	}
	for _, id := range b.forgotten {
		q.store.codec.keys.forget(id)
	}
	q.stats.batches.Add(1)
	q.stats.commands.Add(int64(len(b.calls)))
	q.stats.events.Add(int64(len(b.records)))
	if len(b.records) > 0 {
		q.store.recent.add(q.history, b.head, b.records)
		q.store.appended.Notify()
	}
	for i, c := range b.calls {
		out := b.outcomes[i]
		out.batch = traced
		switch {
		case out.repeated:
			q.stats.repeated.Add(1)
		case out.refusal != nil:
			q.stats.refused.Add(1)
		default:
			out.records = b.records[out.first : out.first+out.events : out.first+out.events]
		}
		c.finish(out, b.faults[i])
	}
}
