package eventstore

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// snapshotKeys are the keys of the checksums of snapshots, the newest first. The database does not contain them, so that an edit
// of table snapshot is noticed. Without keys, snapshots are neither written nor read.
type snapshotKeys [][]byte

// snapshotRow is a row of table snapshot, with the id of the event at its version.
type snapshotRow struct {
	stream   domain.Stream
	version  int
	format   int
	state    []byte
	event    uuid.UUID
	checksum []byte
}

// checksumVersion changes when the input of the checksum changes.
const checksumVersion = "roomlog snapshot 1"

// checksum returns the keyed hash of the row. It binds the state to its stream, its version, the event at that version and the
// events of the stream that were set aside.
func (r snapshotRow) sign(key []byte, aside aside) []byte {
	mac := hmac.New(sha256.New, key)
	part := func(b []byte) {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		mac.Write(b)
	}
	number := func(n int64) { mac.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	part([]byte(checksumVersion))
	part([]byte(r.stream))
	number(int64(r.version))
	number(int64(r.format))
	part(r.event[:])
	for _, position := range aside.of(r.stream) {
		number(position)
	}
	part(r.state)
	return mac.Sum(nil)
}

// valid reports whether one of the keys has made the checksum of the row.
func (k snapshotKeys) valid(r snapshotRow, aside aside) bool {
	return slices.ContainsFunc(k, func(key []byte) bool { return hmac.Equal(r.checksum, r.sign(key, aside)) })
}

// fromSnapshot returns the entry of a stored snapshot. It reports false if the snapshot is not valid; then the state has to be
// folded from all events of the stream.
func (k snapshotKeys) fromSnapshot(r snapshotRow, aside aside) (entry, bool) {
	spec, _ := domain.StateSpecOf(r.stream)
	r.format = spec.Format
	if !k.valid(r, aside) {
		return entry{}, false
	}
	state, err := spec.Decode(r.state)
	if err != nil {
		return entry{}, false
	}
	return entry{state: state, version: r.version, snapshot: r.version, event: r.event}, true
}

// refold loads the streams of b whose snapshots are not valid from all their events, and marks their snapshots for replacement.
func (q *Sequencer) refold(ctx context.Context, b *batch) error {
	if len(b.invalid) == 0 {
		return nil
	}
	w := wanted{folded: b.invalid, formats: slices.Repeat([]int{noFormat}, len(b.invalid))}
	b.invalid = nil
	p := &pgx.Batch{}
	w.queue(p, b, q.store)
	if err := q.conn.SendBatch(ctx, p).Close(); err != nil {
		return fmt.Errorf("load states without their snapshots: %w", err)
	}
	for _, s := range w.folded {
		e := b.loaded[s]
		e.invalid = true
		b.loaded[s] = e
		q.stats.snapshots.Add(1)
		if q.reported.once(s) {
			q.store.log.WarnContext(ctx, "snapshot is not valid, the state was folded from the events", slog.String("stream", string(s)))
		}
	}
	return nil
}

// queueSnapshots queues snapshots of streams that have grown by SnapshotEvery versions since their last snapshot, so that no
// stream is read from its beginning. It replaces snapshots that are not valid.
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

// queueRows queues the replacement of all snapshots of the streams of rows.
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
