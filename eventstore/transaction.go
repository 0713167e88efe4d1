package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// lockKey is the advisory lock under which positions are handed out ("roomlog" in ASCII).
const lockKey int64 = 0x726f6f6d6c6f67

const takeLock = "SELECT pg_advisory_xact_lock($1)"

// maxCatchUp bounds how many events of other processes are folded into the remembered states;
// beyond it they are loaded anew.
const maxCatchUp = 5000

var errEncoding = errors.New("an event could not be written down")

// load begins the transaction, takes the lock, and reads all that the batch's decisions look at.
// The lock is a statement of its own: what follows it sees everything that was committed before.
func (q *Sequencer) load(ctx context.Context, b *batch) error {
	streams := make(map[domain.Stream]struct{})
	actors, keys := []string(nil), []string(nil)
	for _, c := range b.calls {
		for _, s := range c.streams {
			streams[s] = struct{}{}
		}
		if c.request.Key != "" {
			actors, keys = append(actors, c.actor), append(keys, c.request.Key)
		}
	}
	want, err := q.sort(q.states.missing(streams))
	if err != nil {
		return err
	}
	p := &pgx.Batch{}
	p.Queue("BEGIN")
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
		rows, err := q.conn.Query(ctx, selectEvents, q.states.head, b.head, behind)
		if err != nil {
			return fmt.Errorf("catch up with other processes: %w", err)
		}
		found, err := pgx.CollectRows(rows, scanRecorded)
		if err != nil {
			return fmt.Errorf("catch up with other processes: %w", err)
		}
		for _, r := range found {
			if r.Event, err = q.store.codec.parse(r.Type, r.Payload); err != nil {
				return &DecodeError{r.Position, r.Type, err}
			}
			if gone, ok := r.Event.(domain.UserForgotten); ok {
				q.store.codec.keys.forget(gone.User)
			}
			if err := q.states.catchUp(r); err != nil {
				return err
			}
		}
		q.states.head = b.head
		return nil
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
	if err := q.conn.SendBatch(ctx, p).Close(); err != nil {
		return fmt.Errorf("load states anew: %w", err)
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

// write appends what the batch decided and commits. Without anything to write it only lets go of the lock.
func (q *Sequencer) write(ctx context.Context, b *batch) error {
	p := &pgx.Batch{}
	if err := q.queueEvents(ctx, p, b); err != nil {
		return err
	}
	queueCommands(p, b)
	if err := q.queueSnapshots(p, b); err != nil {
		return err
	}
	p.Queue("COMMIT")
	if err := q.conn.SendBatch(ctx, p).Close(); err != nil {
		return fmt.Errorf("append a batch: %w", err)
	}
	return nil
}

func (q *Sequencer) queueEvents(ctx context.Context, p *pgx.Batch, b *batch) error {
	n := len(b.records)
	if n == 0 {
		return nil
	}
	keys, err := q.keysFor(ctx, b)
	if err != nil {
		return err
	}
	streams, types := make([]string, n), make([]string, n)
	versions, lives := make([]int32, n), make([]int64, n)
	ids := make([][16]byte, n)
	payloads, metadata := make([][]byte, n), make([][]byte, n)
	for i := range b.records {
		r := &b.records[i]
		if r.Payload, err = q.store.codec.encode(r.Event, keys); err != nil {
			return fmt.Errorf("%w: %w", errEncoding, err)
		}
		if metadata[i], err = json.Marshal(r.Metadata); err != nil {
			return fmt.Errorf("%w: metadata: %w", errEncoding, err)
		}
		streams[i], versions[i], ids[i], types[i] = string(r.Stream), int32(r.Version), r.ID, r.Type
		payloads[i], lives[i] = r.Payload, int64(r.LiveID)
	}
	if len(b.newKeys) > 0 {
		owners, bytes := make([]int64, 0, len(b.newKeys)), make([][]byte, 0, len(b.newKeys))
		for owner, key := range b.newKeys {
			owners, bytes = append(owners, int64(owner)), append(bytes, key.bytes)
		}
		p.Queue(insertPersonKeys, owners, bytes)
	}
	p.Queue(insertEvents, b.head, b.at, streams, versions, ids, types, payloads, metadata, lives)
	if len(b.gone) > 0 {
		gone, streams := make([]int64, len(b.gone)), make([]string, len(b.gone))
		for i, id := range b.gone {
			gone[i], streams[i] = int64(id), string(domain.UserForgotten{User: id}.Stream())
		}
		p.Queue(deletePerson, gone)
		p.Queue(deleteCredentials, streams)
	}
	p.Queue("SELECT pg_notify($1, '')", ChannelEvents)
	return nil
}

// keysFor answers the keys to seal the batch's texts with, drawing those of new people.
func (q *Sequencer) keysFor(ctx context.Context, b *batch) (map[domain.UserID]personKey, error) {
	var owners []domain.UserID
	for _, r := range b.records {
		if owner := q.store.codec.owner(r.Event); owner != 0 {
			owners = append(owners, owner)
		}
	}
	if len(owners) == 0 {
		return nil, nil
	}
	keys, err := q.store.codec.keys.lookUp(ctx, q.conn, owners)
	if err != nil {
		return nil, err
	}
	for _, owner := range owners {
		if _, ok := keys[owner]; ok {
			continue
		}
		key, err := drawPersonKey()
		if err != nil {
			return nil, err
		}
		keys[owner], b.newKeys[owner] = key, key
	}
	return keys, nil
}

func queueCommands(p *pgx.Batch, b *batch) {
	n := len(b.rows)
	if n == 0 {
		return
	}
	actors, keys, hashes, coins := make([]string, n), make([]string, n), make([][]byte, n), make([]bool, n)
	positions, events := make([]int64, n), make([]int32, n)
	codes, texts := make([]string, n), make([]string, n)
	for i, row := range b.rows {
		actors[i], keys[i], hashes[i], coins[i] = row.actor, row.key, row.hash, row.coins
		positions[i], events[i] = row.outcome.position, int32(row.outcome.events)
		if no := row.outcome.refusal; no != nil {
			codes[i], texts[i] = string(no.Code), no.Text
		}
	}
	p.Queue(insertCommands, b.at, actors, keys, hashes, coins, positions, events, codes, texts)
}

func (q *Sequencer) queueSnapshots(p *pgx.Batch, b *batch) error {
	streams, versions, formats, states, err := b.snapshots(q.states, q.config.SnapshotEvery)
	if err != nil {
		return fmt.Errorf("%w: %w", errEncoding, err)
	}
	if len(streams) > 0 {
		p.Queue(insertSnapshots, streams, versions, formats, states)
		p.Queue(deleteSnapshots, streams, versions)
	}
	return nil
}

// landed finds out whether a batch whose commit got no reply is in the log. Looking at once would find
// nothing while the old backend is still at it: taking the lock waits for its end.
func (q *Sequencer) landed(ctx context.Context, b *batch) (bool, error) {
	if len(b.records) == 0 {
		return false, nil // decided anew: its commands find their own rows, if it landed
	}
	first := b.records[0]
	var found uuid.UUID
	p := &pgx.Batch{}
	p.Queue("BEGIN")
	p.Queue(takeLock, lockKey)
	p.Queue("SELECT event_id FROM events WHERE position = $1", first.Position).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&found)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	p.Queue("COMMIT")
	if err := q.conn.SendBatch(ctx, p).Close(); err != nil {
		return false, fmt.Errorf("look for a batch whose commit got no reply: %w", err)
	}
	return found == first.ID, nil
}
