package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// lockKey is the key of the advisory lock under which events get their positions ("log" in ASCII).
const lockKey int64 = 0x6c6f67

const takeLock = "SELECT pg_advisory_xact_lock($1)"

const (
	// maxCatchUp is the maximum number of events of other nodes that are folded into the cached states. If there are
	// more, the states are loaded again.
	maxCatchUp = 5000

	// loadTimeout is the time after which the connection counts as dead. It includes the wait for the lock; see
	// lock_timeout.
	loadTimeout = 8 * time.Second
)

// load begins the transaction, takes the lock, and loads the states that the decisions of the batch read. A separate
// statement takes the lock, so that later statements see everything that was committed before.
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
	expected := q.store.history.known()
	changed := q.history != expected.number // a reader has noticed another history
	if changed {
		q.forget()
	}
	want, err := q.classify(q.states.missing(streams))
	if err != nil {
		return err
	}
	var h head
	p := &pgx.Batch{}
	p.Queue(beginTransaction)
	p.Queue(takeLock, lockKey)
	if b.aside = q.states.aside; b.aside == nil { // needs a separate round trip; only at the start and after an error
		if err := q.loadAside(ctx, p, b); err != nil {
			return err
		}
		p = &pgx.Batch{}
	}
	p.Queue(q.head, expected.position).QueryRow(h.scan)
	if len(keys) > 0 {
		p.Queue(selectCommands, actors, keys).Query(b.readCommands)
	}
	want.queue(p, b, q.store)
	if q.config.RequireSynchronous {
		p.Queue(selectStandby).QueryRow(new(standbyState).scan)
	}
	if err := q.conn.SendBatch(ctx, p).Close(); err != nil {
		return fmt.Errorf("load a batch: %w", err)
	}
	if err := q.refold(ctx, b); err != nil {
		return err
	}
	b.head = h.event
	if q.store.fixed != nil {
		h.clock = q.store.fixed()
	}
	b.setTimes(h.clock, h.recorded)
	err = q.store.compare(ctx, expected, h)
	lost := errors.Is(err, ErrCursorLost)
	if err != nil && !lost {
		return fmt.Errorf("load a batch: %w", err)
	}
	if changed || lost {
		if err := q.store.verify(ctx, q.conn); err != nil {
			return err
		}
	}
	q.history = expected.number
	if lost {
		q.history++ // if the history has changed again, the next load starts from the beginning
		return q.reload(ctx, b, streams)
	}
	defer func() { q.reportFaults(ctx, b) }()
	return q.catchUp(ctx, b, streams)
}

// reportFaults logs each stream of b whose state cannot be loaded, once for each stream.
func (q *Sequencer) reportFaults(ctx context.Context, b *batch) {
	for s, e := range b.loaded {
		if e.fault != nil && q.reported.once(s) {
			q.store.log.ErrorContext(ctx, "state of a stream cannot be loaded, its commands are refused", slog.String("stream", string(s)), slog.Any("error", e.fault))
		}
	}
}

// loadAside adds the query for the events that were set aside to p, and sends p.
func (q *Sequencer) loadAside(ctx context.Context, p *pgx.Batch, b *batch) error {
	b.aside = make(aside)
	p.Queue(selectSetAside, q.store.codec.asideTypes).Query(func(rows pgx.Rows) error { return b.aside.read(rows, q.store.codec) })
	if err := q.conn.SendBatch(ctx, p).Close(); err != nil {
		return fmt.Errorf("load the events that were set aside: %w", err)
	}
	return nil
}

// catchUp applies the events up to the head of the log to the cached states, or loads the states again.
func (q *Sequencer) catchUp(ctx context.Context, b *batch, streams map[domain.Stream]struct{}) error {
	behind := b.head.position - q.states.head
	switch {
	case behind == 0 || q.states.head == headUnknown:
		return nil
	case behind > 0 && behind <= maxCatchUp:
		folded, err := q.foldNewer(ctx, b.head.position)
		if err != nil || folded {
			return err
		}
	}
	return q.reload(ctx, b, streams)
}

// reload drops the cached states and loads those that the batch reads. It also reloads states that were loaded in this
// transaction, because an event that changed them may have been set aside.
func (q *Sequencer) reload(ctx context.Context, b *batch, streams map[domain.Stream]struct{}) error {
	q.forget()
	b.invalid = nil
	clear(b.loaded)
	if err := q.loadAside(ctx, &pgx.Batch{}, b); err != nil {
		return err
	}
	want, err := q.classify(q.states.missing(streams))
	if err != nil {
		return err
	}
	p := &pgx.Batch{}
	want.queue(p, b, q.store)
	if err := q.conn.SendBatch(ctx, p).Close(); err != nil {
		return fmt.Errorf("load states again: %w", err)
	}
	return q.refold(ctx, b)
}

// foldNewer folds the events of other nodes up to head into the cached states. It reports false if it cannot, for
// example because a newer program wrote an event type that this program does not know. The caller then loads the states
// again, and only the commands that read a state that cannot be loaded fail.
func (q *Sequencer) foldNewer(ctx context.Context, head int64) (bool, error) {
	rows, err := q.conn.Query(ctx, selectEvents, q.states.head, head, head-q.states.head)
	if err != nil {
		return false, fmt.Errorf("catch up with other nodes: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanRecord)
	if err != nil {
		return false, fmt.Errorf("catch up with other nodes: %w", err)
	}
	for _, r := range found {
		if r.Event, err = q.store.codec.parse(r.Type, r.Payload); err == nil {
			err = q.states.catchUp(r)
		}
		if forget, ok := r.Event.(domain.ForgetEvent); ok {
			q.store.codec.keys.forget(forget.ForgottenKeyOwner())
		}
		if errors.Is(err, errSetAside) {
			return false, nil
		}
		if err != nil {
			q.store.log.WarnContext(ctx, "event of another node not folded, loading states again", slog.Int64("position", r.Position), slog.Any("error", err))
			return false, nil
		}
	}
	q.states.head = head
	return true, nil
}

// loadProfiles reads the profiles of the users whose commands change a part of a profile. Call it under the lock of the
// log. The texts are never cached, so they are never older than the log.
func (q *Sequencer) loadProfiles(ctx context.Context, b *batch) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	var users []domain.UserID
	var streams []domain.Stream
	for _, c := range b.calls {
		if _, ok := c.request.Command.(domain.ProfileCommand); ok && !slices.Contains(users, c.request.Actor.User) {
			users = append(users, c.request.Actor.User)
			streams = append(streams, domain.UserProfileChanged{User: c.request.Actor.User}.Stream())
		}
	}
	if len(users) == 0 {
		return nil
	}
	b.profiles = make(map[domain.UserID]profile, len(users))
	keys, err := q.store.codec.keys.lookUp(ctx, q.conn, q.session, users)
	if err != nil {
		return err
	}
	rows, err := q.conn.Query(ctx, selectProfiles, streamNames(streams), b.aside.positions())
	if err != nil {
		return fmt.Errorf("load profiles: %w", err)
	}
	var stream domain.Stream
	var position int64
	var eventType string
	var payload []byte
	_, err = pgx.ForEachRow(rows, []any{&stream, &position, &eventType, &payload}, func() error {
		user := users[slices.Index(streams, stream)]
		texts, err := q.store.codec.profile(eventType, payload, keys)
		if err != nil {
			err = &DecodeError{position, eventType, err}
		}
		b.profiles[user] = profile{texts, err}
		return nil // after a decode error only the commands that change this profile fail
	})
	if err != nil {
		return fmt.Errorf("load profiles: %w", err)
	}
	return nil
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
