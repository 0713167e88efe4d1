package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const (
	firstBackoff   = 20 * time.Millisecond
	longestBackoff = 500 * time.Millisecond
	awayBackoff    = 100 * time.Millisecond // while the database is known to be away
)

// flush carries out calls in one transaction and answers them. It tries until the database has been
// away for longer than requests wait for it, or ctx ends.
func (q *Sequencer) flush(ctx context.Context, calls []*call) {
	backoff := firstBackoff
	var lost *batch // sent with its commit, but the reply never came
	for calls = present(calls); len(calls) > 0; {
		q.away.watch()
		b, err := q.attempt(ctx, calls, lost)
		if err == nil || isDataError(err) {
			q.reached(ctx)
		}
		switch {
		case err == nil:
			q.settle(b)
			return
		case isDataError(err):
			q.blame(ctx, calls, err)
			return
		}
		q.stats.retries.Add(1)
		lost = nil
		if unclear := (*unclearError)(nil); errors.As(err, &unclear) {
			lost = unclear.batch
		}
		q.store.log.Log(ctx, q.away.level(), "writing to the log failed", "requests", len(calls), "outcome_known", lost == nil, "err", err)
		if q.away.tooLong() || ctx.Err() != nil {
			why := ErrUnavailable
			if lost != nil {
				why = ErrOutcomeUnknown
			}
			q.refuse(calls, fmt.Errorf("%w: %w", why, err))
			pause(ctx, awayBackoff)
			return
		}
		pause(ctx, backoff)
		backoff = min(2*backoff, longestBackoff)
		if lost == nil {
			calls = present(calls)
		}
	}
}

// reached says that the database is there.
func (q *Sequencer) reached(ctx context.Context) {
	if q.away.expired {
		q.store.log.InfoContext(ctx, "the log can be written again")
	}
	q.away.over()
}

// blame finds out which of the calls has content that the database does not take: the others are
// not to suffer for it.
func (q *Sequencer) blame(ctx context.Context, calls []*call, err error) {
	if len(calls) == 1 {
		q.refuse(calls, fmt.Errorf("%s: %w", calls[0].request.Command.Type(), err))
		return
	}
	q.stats.retries.Add(1)
	q.store.log.WarnContext(ctx, "a batch has a request that cannot be written", "requests", len(calls), "err", err)
	for i := range calls {
		if q.away.expired { // meanwhile
			q.refuse(calls[i:], ErrUnavailable)
			return
		}
		q.flush(ctx, calls[i:i+1])
	}
}

// present takes the calls whose callers still wait.
func present(calls []*call) []*call {
	taken := make([]*call, 0, len(calls))
	for _, c := range calls {
		if c.take() {
			taken = append(taken, c)
		}
	}
	return taken
}

func (q *Sequencer) refuse(calls []*call, err error) {
	q.stats.commands.Add(int64(len(calls)))
	for _, c := range calls {
		c.answer(outcome{}, err)
	}
}

// settle takes over what a committed batch has changed, and answers its calls.
func (q *Sequencer) settle(b *batch) {
	for _, id := range b.gone {
		q.store.codec.keys.forget(id)
	}
	q.stats.batches.Add(1)
	q.stats.commands.Add(int64(len(b.calls)))
	q.stats.events.Add(int64(len(b.records)))
	if len(b.records) > 0 {
		q.store.appended.Notify()
	}
	for i, c := range b.calls {
		out := b.outcomes[i]
		switch {
		case out.repeated:
			q.stats.repeated.Add(1)
		case out.refusal != nil:
			q.stats.refused.Add(1)
		default:
			out.records = b.records[out.first : out.first+out.events : out.first+out.events]
		}
		c.answer(out, b.faults[i])
	}
}

// away watches how long the database has been away.
type away struct {
	patience time.Duration
	timer    *time.Timer // nil while all is well
	expired  bool
}

// watch begins to count, unless the database is away already.
func (a *away) watch() {
	if a.timer == nil {
		a.timer = time.NewTimer(a.patience)
	}
}

// tooLong says whether patience has ended.
func (a *away) tooLong() bool {
	select {
	case <-a.timer.C:
		a.expired = true
	default:
	}
	return a.expired
}

// level is how loudly to tell of a failure: while the database is known to be away there is nothing
// new to tell.
func (a *away) level() slog.Level {
	if a.expired {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// over says that the database is there.
func (a *away) over() {
	a.timer.Stop()
	a.timer, a.expired = nil, false
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
