package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// lockKey is the advisory lock under which positions are handed out ("log" in ASCII).
const lockKey int64 = 0x6c6f67

const takeLock = "SELECT pg_advisory_xact_lock($1)"

// maxCatchUp bounds how many events of other processes are folded into the remembered states;
// beyond it they are loaded anew.
const maxCatchUp = 5000

// load begins the transaction, takes the lock, and reads all that the batch's decisions look at.
// The lock is a statement of its own: what follows it sees everything that was committed before.
func (q *Sequencer) load(ctx context.Context, b *batch) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	streams := make(map[domain.Stream]struct{}, len(b.calls))
	actors, keys := []string(nil), []string(nil)
	for _, c := range b.calls {
		for _, s := range c.streams {
			streams[s] = struct{}{}
		}
		if c.request.IdempotencyKey != "" {
			actors, keys = append(actors, c.actor), append(keys, c.request.IdempotencyKey)
		}
	}
	want, err := q.sort(q.states.missing(streams))
	if err != nil {
		return err
	}
	p := &pgx.Batch{}
	p.Queue(begin)
	p.Queue(takeLock, lockKey)
	var newest time.Time
	p.Queue(selectHead).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&b.head, &newest)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if len(keys) > 0 {
		p.Queue(selectCommands, actors, keys).Query(b.readCommands)
	}
	want.queue(p, b.loaded, q.store.codec)
	if err := q.conn.SendBatch(ctx, p).Close(); err != nil {
		return fmt.Errorf("load a batch: %w", err)
	}
	b.at = q.store.now().UTC().Truncate(time.Microsecond)
	if b.at.Before(newest) {
		b.at = newest.UTC()
	}
	return q.catchUp(ctx, b, streams)
}

// catchUp makes the remembered states those at the head of the log.
func (q *Sequencer) catchUp(ctx context.Context, b *batch, streams map[domain.Stream]struct{}) error {
	behind := b.head - q.states.head
	switch {
	case behind == 0 || q.states.head == headUnknown:
		return nil
	case behind > 0 && behind <= maxCatchUp:
		folded, err := q.foldNewer(ctx, b.head)
		if err != nil || folded {
			return err
		}
	}
	q.states.empty()
	for s := range b.loaded {
		delete(streams, s)
	}
	want, err := q.sort(q.states.missing(streams))
	if err != nil {
		return err
	}
	p := &pgx.Batch{}
	want.queue(p, b.loaded, q.store.codec)
	if p.Len() == 0 {
		return nil
	}
	if err := q.conn.SendBatch(ctx, p).Close(); err != nil {
		return fmt.Errorf("load states anew: %w", err)
	}
	return nil
}

// foldNewer folds what other processes appended up to head into the remembered states. It answers
// false when that cannot be done, be it that a newer program wrote something that this one does not
// know: then the states have to be loaded, and what is wrong with one concerns those who ask for it.
func (q *Sequencer) foldNewer(ctx context.Context, head int64) (bool, error) {
	rows, err := q.conn.Query(ctx, selectEvents, q.states.head, head, head-q.states.head)
	if err != nil {
		return false, fmt.Errorf("catch up with other processes: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanRecorded)
	if err != nil {
		return false, fmt.Errorf("catch up with other processes: %w", err)
	}
	for _, r := range found {
		if r.Event, err = q.store.codec.parse(r.Type, r.Payload); err == nil {
			err = q.states.catchUp(r)
		}
		if gone, ok := r.Event.(domain.ForgetEvent); ok {
			q.store.codec.keys.forget(gone.ForgottenKeyOwner())
		}
		if err != nil {
			q.store.log.WarnContext(ctx, "what another process appended cannot be folded", "position", r.Position, "err", err)
			return false, nil
		}
	}
	q.states.head = head
	return true, nil
}

func (b *batch) readCommands(rows pgx.Rows) error {
	var row commandRow
	var code, text *string
	_, err := pgx.ForEachRow(rows, []any{&row.actor, &row.key, &row.hash, &row.outcome.position, &row.outcome.events, &code, &text}, func() error {
		found := row
		found.hash = append([]byte(nil), row.hash...)
		if code != nil {
			found.outcome.refusal = &domain.Refusal{Code: domain.Code(*code)}
			if text != nil {
				found.outcome.refusal.Text = *text
			}
		}
		b.known[found.commandID] = found
		return nil
	})
	return err
}
