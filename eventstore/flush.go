package eventstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	attemptTimeout = 15 * time.Second // one try of one batch, connecting included
	firstBackoff   = 20 * time.Millisecond
	longestBackoff = 500 * time.Millisecond
)

// flush carries out calls in one transaction and answers them, however often it has to try.
func (q *Sequencer) flush(ctx context.Context, calls []*call) {
	waiting := calls[:0]
	for _, c := range calls {
		if !c.abandoned.Load() {
			waiting = append(waiting, c)
		}
	}
	if len(waiting) == 0 {
		return
	}
	began := q.store.now()
	backoff := firstBackoff
	var lost *batch // written, but the reply to its commit never came
	for {
		b, err := q.attempt(ctx, waiting, lost)
		if err == nil {
			q.settle(b)
			return
		}
		q.stats.retries.Add(1)
		var unclear *unclearError
		switch {
		case isDataError(err) && len(waiting) > 1: // one of them is to blame: find out which
			for _, c := range waiting {
				q.flush(ctx, []*call{c})
			}
			return
		case isDataError(err):
			q.refuse(waiting, fmt.Errorf("%s: %w", waiting[0].request.Command.Type(), err))
			return
		case errors.As(err, &unclear):
			lost = unclear.batch
		}
		waited := q.store.now().Sub(began)
		q.store.log.WarnContext(ctx, "writing to the log failed, trying again",
			"requests", len(waiting), "outcome_known", lost == nil, "waited", waited, "err", err)
		switch {
		case lost == nil && (waited >= q.config.Patience || ctx.Err() != nil && waited >= q.config.Drain):
			q.refuse(waiting, fmt.Errorf("%w: %w", ErrUnavailable, err))
			return
		case ctx.Err() != nil && waited >= q.config.Drain:
			q.refuse(waiting, fmt.Errorf("%w: %w", ErrUnknown, err))
			return
		}
		pause(ctx, backoff)
		backoff = min(2*backoff, longestBackoff)
	}
}

// pause waits for d; a shutdown shortens it but does not make it a busy loop.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		<-timer.C
	}
}

func (q *Sequencer) refuse(calls []*call, err error) {
	for _, c := range calls {
		c.answer(outcome{}, err)
	}
	q.stats.commands.Add(int64(len(calls)))
}

// settle takes over what a committed batch has changed, and answers its calls.
func (q *Sequencer) settle(b *batch) {
	for _, id := range b.gone {
		q.store.codec.keys.forget(id)
	}
	for i, c := range b.calls {
		out := b.outcomes[i]
		switch {
		case out.repeated:
			q.stats.repeated.Add(1)
		case out.refusal != nil:
			q.stats.refused.Add(1)
		}
		c.answer(out, b.faults[i])
	}
	q.stats.batches.Add(1)
	q.stats.commands.Add(int64(len(b.calls)))
	if n := len(b.records); n > 0 {
		q.stats.events.Add(int64(n))
		q.store.appended.Ring()
	}
}

// unclearError says that the batch was sent with its COMMIT and no reply came: it may or may not be
// in the log, and only looking under the lock tells.
type unclearError struct {
	batch *batch
	err   error
}

func (e *unclearError) Error() string { return "no reply to the commit: " + e.err.Error() }
func (e *unclearError) Unwrap() error { return e.err }

// attempt tries once to carry out the calls. After an error nothing of them is in the log, unless
// the error is an *unclearError; lost is the batch of an earlier one.
func (q *Sequencer) attempt(ctx context.Context, calls []*call, lost *batch) (*batch, error) {
	// A shutdown does not interrupt a transaction; time does.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTimeout)
	defer cancel()
	if err := q.connected(ctx); err != nil {
		return nil, err
	}
	if lost != nil {
		landed, err := q.landed(ctx, lost)
		switch {
		case err != nil:
			q.disconnect()
			return nil, &unclearError{lost, err}
		case landed:
			return lost, nil
		}
	}
	b := newBatch(calls)
	if err := q.load(ctx, b); err != nil {
		q.rollback(ctx, err)
		return nil, err
	}
	b.decide(q.states)
	if err := q.write(ctx, b); err != nil {
		refused := refusedByServer(err)
		q.rollback(ctx, err)
		if !refused {
			return nil, &unclearError{b, err}
		}
		return nil, err
	}
	q.states.put(b.loaded)
	q.states.put(b.work)
	q.states.head = b.end()
	return b, nil
}

// connected makes sure that there is a connection.
func (q *Sequencer) connected(ctx context.Context) error {
	if q.conn != nil && !q.conn.IsClosed() {
		return nil
	}
	q.disconnect()
	conn, err := connect(ctx, q.store.pool, map[string]string{
		"application_name": "roomlog sequencer",
		// A process that is frozen, or cut off, while it holds the lock must not stop the others.
		"idle_in_transaction_session_timeout": "2000",
		"lock_timeout":                        "5000",
		"tcp_keepalives_idle":                 "5",
		"tcp_keepalives_interval":             "2",
		"tcp_keepalives_count":                "3",
		"tcp_user_timeout":                    "10000",
		// Acknowledged means durable, whatever the database's default is.
		"synchronous_commit": "on",
		// Every look-up here is by key. A plan made while the tables were nearly empty must not read
		// them from end to end when they have grown.
		"enable_seqscan":   "off",
		"enable_hashjoin":  "off",
		"enable_mergejoin": "off",
	})
	if err != nil {
		return err
	}
	q.conn = conn
	return nil
}

func (q *Sequencer) disconnect() {
	if q.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = q.conn.Close(ctx)
		cancel()
	}
	q.conn = nil
	q.states.empty()
}

// rollback ends a failed transaction: politely if the server is still talking to us, else by hanging up.
func (q *Sequencer) rollback(ctx context.Context, cause error) {
	q.states.empty()
	if refusedByServer(cause) && !q.conn.IsClosed() {
		if _, err := q.conn.Exec(ctx, "ROLLBACK"); err == nil {
			return
		}
	}
	q.disconnect()
}

// refusedByServer says that the server reported an error and undid the transaction, the connection
// being still good. Anything else (a cut connection, a terminated backend) says nothing about it.
func refusedByServer(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Severity == "ERROR"
}

// isDataError says that the content of a request is to blame, not the state of the database.
func isDataError(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Severity == "ERROR" && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23"))
	}
	return errors.Is(err, errEncoding)
}
