package eventstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/internal/wait"
)

const writeTimeout = 6 * time.Second // time after which the connection counts as dead

// write appends the events of the batch and commits. If the batch has nothing to write, the commit only releases the
// lock.
func (q *Sequencer) write(ctx context.Context, b *batch) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
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

// confirm returns nil when a synchronous standby has everything on disk that was committed before, or at once if
// SequencerConfig.RequireSynchronous is off. PostgreSQL already waits for the standby in COMMIT. But it does not wait
// while synchronous_standby_names is empty, and it commits without the standby if the wait is cancelled.
func (q *Sequencer) confirm(ctx context.Context) error {
	if !q.config.RequireSynchronous {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	backoff := wait.Backoff{Min: time.Millisecond, Max: 50 * time.Millisecond}
	var committed int64
	for {
		var s standbyState
		if err := s.scan(q.conn.QueryRow(ctx, selectStandby)); err != nil {
			return err
		}
		if committed == 0 {
			committed = s.here
		}
		if s.there != nil && *s.there >= committed {
			return nil
		}
		if backoff.Wait(ctx); ctx.Err() != nil {
			return ErrNoSynchronousStandby
		}
	}
}

// standbyState is what the primary knows about its synchronous standbys.
type standbyState struct {
	here  int64  // position up to which the write-ahead log of the primary is on disk
	there *int64 // the newest such position of a synchronous standby; nil if none is connected
}

// scan reads a row of select_standby.sql. It returns ErrNoSynchronousStandby if no synchronous standby is connected,
// and a *StandbysHiddenError if the database does not show standbys to this role. It sets s in all these cases.
func (s *standbyState) scan(row pgx.Row) error {
	var connected bool
	var role *string
	if err := row.Scan(&role, &connected, &s.here, &s.there); err != nil {
		return fmt.Errorf("look for a synchronous standby: %w", err)
	}
	switch {
	case role != nil:
		return &StandbysHiddenError{*role}
	case !connected:
		return ErrNoSynchronousStandby
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
	queueNewKeys(p, b)
	p.Queue(insertEvents, b.head.position, b.at, streams, versions, ids, types, payloads, metadata, lives)
	q.queueErasures(p, b)
	p.Queue("SELECT pg_notify($1, '')", ChannelEvents)
	return nil
}

// keysFor returns the keys that seal the texts of the batch. It generates a key for each owner without one.
func (q *Sequencer) keysFor(ctx context.Context, b *batch) (map[domain.UserID]userKey, error) {
	var owners []domain.UserID
	for i := range b.records {
		if owner := q.store.codec.owner(b.records[i].Event); owner != 0 {
			owners = append(owners, owner)
		}
	}
	if len(owners) == 0 {
		return nil, nil
	}
	keys, err := q.store.codec.keys.lookUp(ctx, q.conn, q.session, owners)
	if err != nil {
		return nil, err
	}
	for _, owner := range owners {
		if _, ok := keys[owner]; ok {
			continue
		}
		key, err := generateUserKey()
		if err != nil {
			return nil, err
		}
		keys[owner], b.newKeys[owner] = key, key
	}
	return keys, nil
}

func queueNewKeys(p *pgx.Batch, b *batch) {
	if len(b.newKeys) == 0 {
		return
	}
	owners, keys := make([]int64, 0, len(b.newKeys)), make([][]byte, 0, len(b.newKeys))
	for owner, key := range b.newKeys {
		owners, keys = append(owners, int64(owner)), append(keys, key.bytes)
	}
	p.Queue(insertUserKeys, owners, keys)
}

// queueErasures queues the deletion of the keys and password hashes of the users and participants that the batch
// forgets, and of the password hashes of their lives.
func (q *Sequencer) queueErasures(p *pgx.Batch, b *batch) {
	if len(b.forgotten) == 0 {
		return
	}
	ids, streams := make([]int64, len(b.forgotten)), make([]string, len(b.forgotten))
	for i, id := range b.forgotten {
		ids[i], streams[i] = int64(id), string(domain.UserForgotten{User: id}.Stream())
	}
	p.Queue(deleteUserKeys, ids)
	p.Queue(deleteUserCredentials, streams, ids, q.store.codec.creationTypes, q.store.codec.accessTypes)
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
		if refusal := row.outcome.refusal; refusal != nil {
			codes[i], texts[i] = string(refusal.Code), refusal.Text
		}
	}
	p.Queue(insertCommands, b.at, actors, keys, hashes, coins, positions, events, codes, texts)
}

// queueSnapshots queues a snapshot of each stream that has grown by SnapshotEvery versions since its last snapshot, so
// that no stream must be read from its beginning. It also replaces invalid snapshots.
func (q *Sequencer) queueSnapshots(p *pgx.Batch, b *batch) error {
	if len(q.store.snapshotKeys) == 0 {
		return nil
	}
	var rows []snapshotRow
	take := func(s domain.Stream, e entry) (entry, error) {
		spec, ok := domain.StateSpecOf(s)
		if !ok || spec.Stateless || e.fault != nil || !e.invalid && e.version-e.snapshot < q.config.SnapshotEvery {
			return e, nil //nolint:nilerr // a state that cannot be loaded gets no snapshot; the commands that read it fail
		}
		state, err := json.Marshal(e.state)
		if err != nil {
			return e, fmt.Errorf("%w: snapshot of %s: %w", errEncoding, s, err)
		}
		rows = append(rows, snapshotRow{stream: s, version: e.version, format: spec.Format, state: state, event: e.event})
		e.snapshot, e.invalid = e.version, false
		return e, nil
	}
	for s, e := range b.work {
		var err error
		if b.work[s], err = take(s, e); err != nil {
			return err
		}
	}
	for s, e := range b.loaded { // a state that the batch only read may also be far ahead of its snapshot
		if _, changed := b.work[s]; changed {
			continue
		}
		var err error
		if b.loaded[s], err = take(s, e); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		q.queueRows(p, rows, b.aside)
	}
	return nil
}

// queueRows queues statements that replace all snapshots of the streams in rows.
func (q *Sequencer) queueRows(p *pgx.Batch, rows []snapshotRow, aside aside) {
	var streams, written []string
	var versions, formats []int
	var states, checksums [][]byte
	for _, r := range rows {
		streams = append(streams, string(r.stream))
		if r.version == 0 {
			continue
		}
		written, versions, formats = append(written, string(r.stream)), append(versions, r.version), append(formats, r.format)
		states, checksums = append(states, r.state), append(checksums, r.sign(q.store.snapshotKeys[0], aside))
	}
	p.Queue(deleteSnapshots, streams)
	p.Queue(insertSnapshots, written, versions, formats, states, checksums)
}
