package eventstore

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// wanted is the streams to load, by how their state is found.
type wanted struct {
	folded   []domain.Stream // from a snapshot and the events after it
	formats  []int           // of the snapshots, one for each of folded
	versions []domain.Stream // only the version: nobody looks at the state
	counters []domain.Stream // from the newest event that took an id
}

func (q *Sequencer) sort(streams []domain.Stream) (wanted, error) {
	var w wanted
	counters := domain.Counters()
	for _, s := range streams {
		if _, ok := counters[s]; ok {
			w.counters = append(w.counters, s)
			continue
		}
		spec, ok := domain.StateOf(s)
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

// queue adds the queries to p; their answers go into loaded, where every wanted stream has an entry.
func (w wanted) queue(p *pgx.Batch, loaded map[domain.Stream]entry, codec *codec) {
	for _, streams := range [][]domain.Stream{w.folded, w.versions, w.counters} {
		for _, s := range streams {
			loaded[s] = entry{}
		}
	}
	if len(w.folded) > 0 {
		p.Queue(selectSnapshots, names(w.folded), w.formats).Query(func(rows pgx.Rows) error {
			return readSnapshots(rows, loaded)
		})
		p.Queue(selectStates, names(w.folded), w.formats).Query(func(rows pgx.Rows) error {
			return foldEvents(rows, loaded, codec)
		})
	}
	if len(w.versions) > 0 {
		p.Queue(selectVersions, names(w.versions)).Query(func(rows pgx.Rows) error {
			var s domain.Stream
			var version int
			_, err := pgx.ForEachRow(rows, []any{&s, &version}, func() error {
				loaded[s] = entry{version: version}
				return nil
			})
			return err
		})
	}
	for _, s := range w.counters {
		p.Queue(selectNewestOfType, domain.Counters()[s]).Query(func(rows pgx.Rows) error {
			var position int64
			var eventType string
			var payload []byte
			_, err := pgx.ForEachRow(rows, []any{&position, &eventType, &payload}, func() error {
				e, err := codec.parse(eventType, payload)
				if err != nil {
					return &DecodeError{position, eventType, err}
				}
				state, err := domain.Fold(s, nil, e)
				loaded[s] = entry{state: state}
				return err
			})
			return err
		})
	}
}

func readSnapshots(rows pgx.Rows, loaded map[domain.Stream]entry) error {
	var s domain.Stream
	var version int
	var stored []byte
	_, err := pgx.ForEachRow(rows, []any{&s, &version, &stored}, func() error {
		spec, _ := domain.StateOf(s)
		state, err := spec.Decode(stored)
		loaded[s] = entry{state, version}
		return err
	})
	return err
}

func foldEvents(rows pgx.Rows, loaded map[domain.Stream]entry, codec *codec) error {
	var s domain.Stream
	var version int
	var eventType string
	var payload []byte
	_, err := pgx.ForEachRow(rows, []any{&s, &version, &eventType, &payload}, func() error {
		e, err := codec.parse(eventType, payload)
		if err != nil {
			return fmt.Errorf("version %d of %s: %w", version, s, err)
		}
		state, err := domain.Fold(s, loaded[s].state, e)
		loaded[s] = entry{state, version}
		return err
	})
	return err
}

func names(streams []domain.Stream) []string {
	s := make([]string, len(streams))
	for i := range streams {
		s[i] = string(streams[i])
	}
	return s
}
