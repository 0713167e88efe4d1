package eventstore

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// wanted holds the streams whose states are missing, grouped by the way to load the state.
type wanted struct {
	folded   []domain.Stream // from a snapshot and the events after it
	formats  []int           // format of the snapshot, one for each stream of folded
	versions []domain.Stream // only the version: no decision reads the state
	counters []domain.Stream // from the newest event that took an id
}

// classify groups streams by the way to load their state. It returns an error if a stream is of an unknown kind.
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
		default:
			w.folded, w.formats = append(w.folded, s), append(w.formats, spec.Format)
		}
	}
	return w, nil
}

// queue adds the queries to p. They store their results in loaded, where every wanted stream gets an entry.
func (w wanted) queue(p *pgx.Batch, loaded map[domain.Stream]entry, codec *codec) {
	for _, streams := range [][]domain.Stream{w.folded, w.versions, w.counters} {
		for _, s := range streams {
			loaded[s] = entry{}
		}
	}
	if len(w.folded) > 0 {
		p.Queue(selectStates, streamNames(w.folded), w.formats).Query(func(rows pgx.Rows) error {
			return foldEvents(rows, loaded, codec)
		})
	}
	if len(w.versions) > 0 {
		p.Queue(selectVersions, streamNames(w.versions)).Query(func(rows pgx.Rows) error {
			return readVersions(rows, loaded)
		})
	}
	for _, s := range w.counters {
		p.Queue(selectNewestOfType, codec.counters[s]).Query(func(rows pgx.Rows) error {
			return readCounter(rows, s, loaded, codec)
		})
	}
}

// foldEvents folds the snapshot of each stream, which is a row without a type, and the events after it. A snapshot or an
// event that cannot be decoded or folded becomes the fault of its stream, and not an error of the query.
func foldEvents(rows pgx.Rows, loaded map[domain.Stream]entry, codec *codec) error {
	var s domain.Stream
	var version int
	var position int64
	var eventType string
	var payload []byte
	_, err := pgx.ForEachRow(rows, []any{&s, &position, &version, &eventType, &payload}, func() error {
		e := loaded[s]
		switch {
		case e.fault != nil:
		case eventType == "":
			e = fromSnapshot(s, version, payload)
		default:
			e.fault = e.fold(s, version, position, eventType, payload, codec)
		}
		loaded[s] = e
		return nil //nolint:nilerr // only the commands that read the state fail
	})
	return err
}

// fromSnapshot returns the entry of stream s from a stored snapshot of the given version. A snapshot that cannot be decoded
// is a fault.
func fromSnapshot(s domain.Stream, version int, stored []byte) entry {
	spec, _ := domain.StateSpecOf(s)
	state, err := spec.Decode(stored)
	if err != nil {
		return entry{fault: fmt.Errorf("snapshot of version %d of %s cannot be read (it may be deleted): %w", version, s, err)}
	}
	return entry{state: state, version: version, snapshot: version}
}

// fold applies the next event of the stream to e.
func (e *entry) fold(s domain.Stream, version int, position int64, eventType string, payload []byte, codec *codec) error {
	if version != e.version+1 {
		return fmt.Errorf("fold version %d of %s into version %d: %w", version, s, e.version, errNotNext)
	}
	event, err := codec.parse(eventType, payload)
	if err != nil {
		return &DecodeError{position, eventType, err}
	}
	if e.state, err = domain.Fold(s, e.state, event); err != nil {
		return fmt.Errorf("fold version %d of %s: %w", version, s, err)
	}
	e.version = version
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
