package eventstore

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// noFormat is a format that no snapshot has.
const noFormat = -1

// wanted holds the streams whose states are missing, grouped by how their states are loaded.
type wanted struct {
	folded   []domain.Stream // states folded from a snapshot and the events after it
	formats  []int           // format of the snapshots of each stream in folded
	versions []domain.Stream // streams whose versions alone are loaded, because no decision reads their states
	counters []domain.Stream // counters, loaded from the newest event that assigned an id or carries a count
}

// classify groups streams by how their states are loaded. It returns an error if a stream is of an unknown kind.
func (q *Sequencer) classify(streams []domain.Stream) (wanted, error) {
	var w wanted
	for _, s := range streams {
		if _, ok := q.store.codec.counters[s]; ok {
			w.counters = append(w.counters, s)
			continue
		}
		spec, ok := domain.StateSpecOf(s)
		switch {
		case !ok:
			return w, fmt.Errorf("%w: no such kind of stream: %s", errEncoding, s)
		case spec.Stateless:
			w.versions = append(w.versions, s)
		case len(q.store.snapshotKeys) == 0:
			w.folded, w.formats = append(w.folded, s), append(w.formats, noFormat)
		default:
			w.folded, w.formats = append(w.folded, s), append(w.formats, spec.Format)
		}
	}
	return w, nil
}

// queue adds the queries to p. Their callbacks store the results in b.loaded, where every wanted stream gets an entry.
// Call it only when b.aside is set.
func (w wanted) queue(p *pgx.Batch, b *batch, store *Store) {
	loaded, codec := b.loaded, store.codec
	for _, streams := range [][]domain.Stream{w.folded, w.versions, w.counters} {
		for _, s := range streams {
			loaded[s] = entry{}
		}
	}
	if len(w.folded) > 0 {
		p.Queue(selectStates, streamNames(w.folded), w.formats).Query(func(rows pgx.Rows) error {
			return b.foldEvents(rows, store)
		})
	}
	if len(w.versions) > 0 {
		p.Queue(selectVersions, streamNames(w.versions)).Query(func(rows pgx.Rows) error {
			return readVersions(rows, loaded)
		})
	}
	for _, s := range w.counters {
		p.Queue(selectNewestOfType, codec.counters[s], b.aside.positions()).Query(func(rows pgx.Rows) error {
			return readCounter(rows, s, loaded, codec)
		})
	}
}

// foldEvents folds the snapshot of each stream and the events after it. A row without an event type is a snapshot.
// Streams with an invalid snapshot are added to b.invalid. An event that cannot be decoded or folded becomes the fault
// of its stream, and not an error of the query.
func (b *batch) foldEvents(rows pgx.Rows, store *Store) error {
	var r loadedRow
	_, err := pgx.ForEachRow(rows, []any{&r.stream, &r.position, &r.version, &r.eventType, &r.payload, &r.event, &r.checksum, &r.at}, func() error {
		e := b.loaded[r.stream]
		switch {
		case e.fault != nil || slices.Contains(b.invalid, r.stream):
		case r.eventType == "":
			var ok bool
			e, ok = store.snapshotKeys.fromSnapshot(snapshotRow{
				stream: r.stream, version: r.version, state: r.payload, event: r.event, checksum: r.checksum}, b.aside)
			if !ok {
				b.invalid = append(b.invalid, r.stream)
			}
		default:
			e.fault = e.fold(r, b.aside, store.codec)
		}
		b.loaded[r.stream] = e
		return nil //nolint:nilerr // only the commands that read the state fail
	})
	return err
}

// loadedRow is a row of selectStates: a snapshot if eventType is empty, otherwise an event.
type loadedRow struct {
	stream    domain.Stream
	position  int64
	version   int
	eventType string
	payload   []byte
	event     uuid.UUID // id of the event at the version
	checksum  []byte
	at        time.Time // time of the event
}

// refold loads the streams of b with invalid snapshots from all their events, and marks the snapshots for replacement.
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

// fold applies the next event of the stream to e. Most events that were set aside have no effect: those that move coins
// and those that cannot be applied to a state. An event that only a table could not apply keeps its effect on states.
func (e *entry) fold(r loadedRow, aside aside, codec *codec) error {
	if r.version != e.version+1 {
		return fmt.Errorf("fold version %d of %s into version %d: %w", r.version, r.stream, e.version, errNotNext)
	}
	_, without := aside[r.position]
	event, err := codec.parse(r.eventType, r.payload)
	state := e.state
	switch _, coins := event.(domain.CoinEvent); {
	case err != nil:
		err = &DecodeError{r.position, r.eventType, err}
	case without && coins:
	default:
		if state, err = domain.FoldAt(r.stream, e.state, event, r.at); err != nil {
			err = fmt.Errorf("fold version %d of %s: %w", r.version, r.stream, err)
		}
	}
	if err != nil && !without {
		return err
	}
	if err == nil {
		e.state = state
	}
	e.version, e.event = r.version, r.event
	return nil
}

func readVersions(rows pgx.Rows, loaded map[domain.Stream]entry) error {
	var s domain.Stream
	var version int
	_, err := pgx.ForEachRow(rows, []any{&s, &version}, func() error {
		loaded[s] = entry{version: version}
		return nil
	})
	return err
}

func readCounter(rows pgx.Rows, s domain.Stream, loaded map[domain.Stream]entry, codec *codec) error {
	var position int64
	var eventType string
	var payload []byte
	_, err := pgx.ForEachRow(rows, []any{&position, &eventType, &payload}, func() error {
		event, err := codec.parse(eventType, payload)
		if err != nil {
			loaded[s] = entry{fault: &DecodeError{position, eventType, err}}
			return nil //nolint:nilerr // only the commands that read the state fail
		}
		state, err := domain.Fold(s, nil, event)
		loaded[s] = entry{state: state, fault: err}
		return nil
	})
	return err
}

func streamNames(streams []domain.Stream) []string {
	s := make([]string, len(streams))
	for i := range streams {
		s[i] = string(streams[i])
	}
	return s
}
