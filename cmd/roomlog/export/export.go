package export

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/parquet-go/parquet-go/compress/zstd"

	"roomlog/cmd/roomlog/analytics"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/replica"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
	"roomlog/internal/filelock"
)

// ViewsName is the name of the file with SQL for DuckDB in the folder of an export with Parquet files.
const ViewsName = "views.sql"

// Exporter writes the folder of an export. It is not safe for concurrent use.
type Exporter struct {
	o        Options
	store    *eventstore.Store
	events   *replica.Reader // reads the events of store
	db       tree.Querier
	history  int64    // number of the history of the log to which the positions belong
	types    []string // types as stored in the log
	tables   tables
	codec    *zstd.Codec
	manifest *Manifest
	lock     *filelock.Lock
}

// Open opens the folder of an export, or creates it. It fails if the folder contains anything else, or belongs to
// another log or another history of the log. It also fails if the folder was made with other options, or while another
// Exporter uses it. events reads the events of store, perhaps from a standby; db reads the transparency log. Call Close at the end.
func Open(ctx context.Context, store *eventstore.Store, events *replica.Reader, db tree.Querier, o Options) (*Exporter, error) {
	if o.SegmentEvents == 0 {
		o.SegmentEvents = defaultSegment
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	o.Filter.Types = slices.Compact(slices.Sorted(slices.Values(o.Filter.Types)))
	if _, err := ReadManifest(o.Dir); err != nil { // before the folder is changed
		return nil, err
	}
	held, err := lock(o.Dir)
	if err != nil {
		return nil, err
	}
	e := &Exporter{o: o, store: store, events: events, db: db, history: store.History().Number, types: storedTypes(o.Filter.Types), tables: newTables(o.Personal),
		codec: &zstd.Codec{Level: zstd.SpeedFastest}, lock: held}
	if err := e.resume(ctx); err != nil {
		return nil, errors.Join(err, held.Unlock())
	}
	return e, nil
}

// Close permits other exports to use the folder.
func (e *Exporter) Close() error { return e.lock.Unlock() }

// Manifest returns the content of the folder. The caller must not change it.
func (e *Exporter) Manifest() *Manifest { return e.manifest }

// storedTypes returns event types with the types of their earlier versions, which are converted when they are read.
func storedTypes(types []string) (stored []string) {
	for _, spec := range domain.Events {
		if slices.ContainsFunc(types, func(t string) bool { _, earlier := spec.Upcasters[t]; return earlier || t == spec.Type }) {
			stored = slices.AppendSeq(append(stored, spec.Type), maps.Keys(spec.Upcasters))
		}
	}
	return stored
}

// resume reads the manifest, or begins one.
func (e *Exporter) resume(ctx context.Context) (err error) {
	if e.manifest, err = ReadManifest(e.o.Dir); err != nil {
		return err
	}
	if e.manifest == nil {
		e.manifest = &Manifest{Format: manifestFormat, Log: e.store.ID(), FileFormat: e.o.Format, Filter: e.o.Filter, Personal: e.o.Personal, Cursor: "0", Segments: []Segment{}}
		if e.o.Personal { // texts that are erased now will not be written
			if e.manifest.ErasedUpTo, err = e.store.Head(ctx); err != nil {
				return err
			}
		}
	}
	if err := e.manifest.check(e.o, e.store.ID()); err != nil {
		return err
	}
	if _, err := e.store.ParseCursor(ctx, e.manifest.Cursor); err != nil {
		return fmt.Errorf("%s in %s (cursor %q): %w", ManifestName, e.o.Dir, e.manifest.Cursor, err)
	}
	if err := removeLeftovers(e.o.Dir, e.manifest); err != nil || e.manifest.Position == 0 {
		return err
	}
	return e.writeViews() // a killed export may not have written them, and an older roomlog has written others
}

// Update adds the events of the log that the folder does not contain yet, and erases the texts of people who were
// forgotten.
func (e *Exporter) Update(ctx context.Context) error {
	head, err := e.store.Head(ctx)
	if err != nil {
		return err
	}
	for e.manifest.Position < head {
		if err := e.grow(ctx, head); err != nil {
			return err
		}
	}
	if e.manifest.Position == 0 { // the log is empty
		return e.commit(ctx)
	}
	return e.erase(ctx)
}

// grow writes one segment: the last one again with more events, if it is not complete, or a new one.
func (e *Exporter) grow(ctx context.Context, head int64) error {
	m := e.manifest
	rest := span{m.Position, head}
	from, earlier := e.read(rest), Segment{}
	if n := len(m.Segments); n > 0 && !m.Segments[n-1].Complete {
		earlier = m.Segments[n-1]
		from = e.read(span{earlier.From - 1, earlier.To}, rest)
	}
	now, position, err := e.write(ctx, from, head)
	if err != nil {
		return err
	}
	if earlier.Events > 0 {
		m.Segments = m.Segments[:len(m.Segments)-1]
	}
	if now.Events > 0 {
		m.Segments = append(m.Segments, now)
	}
	m.Events += now.Events - earlier.Events
	m.Position = position
	return e.commit(ctx)
}

// write writes a segment with the events of a reader, until the segment is full, its day is over, or there are no more
// events up to head. It returns the position up to which it has read.
func (e *Exporter) write(ctx context.Context, from *reader, head int64) (Segment, int64, error) {
	w, position := newSegment(e.o, e.tables, e.codec), head
	defer w.abort()
	defer from.close()
	for {
		r, err := from.peek(ctx)
		if err != nil {
			return Segment{}, 0, err
		}
		if r == nil {
			break
		}
		if w.segment.Events == e.o.SegmentEvents || w.segment.Events > 0 && dayOf(*r) != w.segment.Day {
			w.segment.Complete, position = true, r.Position-1
			break
		}
		if err := w.add(*r); err != nil {
			return Segment{}, 0, err
		}
		if w.segment.Events%progressEvents == 0 {
			e.o.Progress(Progress{r.Position, head})
		}
		from.advance()
	}
	s, err := w.publish()
	e.o.Progress(Progress{position, head})
	return s, position, err
}

// erase writes all segments again if somebody was forgotten since they were written. The log does not contain the texts
// any more.
func (e *Exporter) erase(ctx context.Context) error {
	m := e.manifest
	if !m.Personal || m.ErasedUpTo >= m.Position {
		return nil
	}
	n, err := e.events.Count(ctx, eventstore.Query{After: m.ErasedUpTo, UpTo: m.Position, Types: forgetTypes()})
	if err != nil {
		return err
	}
	for i := range m.Segments {
		if n == 0 {
			break
		}
		earlier := m.Segments[i]
		now, _, err := e.write(ctx, e.read(span{earlier.From - 1, earlier.To}), m.Position)
		if err != nil {
			return err
		}
		now.Complete = earlier.Complete
		m.Segments[i] = now
		if err := e.commit(ctx); err != nil {
			return err
		}
	}
	m.ErasedUpTo = m.Position
	return e.commit(ctx)
}

// forgetTypes returns the types of the events that erase texts, as stored in the log.
func forgetTypes() []string {
	var types []string
	for _, spec := range domain.Events {
		if _, forgets := spec.Zero.(domain.ForgetEvent); forgets {
			types = append(types, spec.Type)
		}
	}
	return storedTypes(types)
}

// commit writes the manifest. From then on, an export continues after its position.
func (e *Exporter) commit(ctx context.Context) (err error) {
	m := e.manifest
	if m.Cursor, err = e.store.Cursor(ctx, m.Position); err != nil {
		return err
	}
	state, err := tree.ReadState(ctx, e.db)
	if err != nil {
		return err
	}
	m.Checkpoint = string(state.Signed)
	if err := m.write(e.o.Dir); err != nil {
		return err
	}
	return e.writeViews()
}

// writeViews writes the SQL for DuckDB over the tables in the manifest.
func (e *Exporter) writeViews() error {
	if e.o.Format != Parquet {
		return nil
	}
	return transparency.ReplaceFile(filepath.Join(e.o.Dir, ViewsName), []byte(analytics.DuckDB(".", e.manifest.Tables())))
}

// read returns a reader of the selected events in some spans.
func (e *Exporter) read(spans ...span) *reader {
	f := e.o.Filter
	return &reader{events: e.events, query: eventstore.Query{History: e.history, Types: e.types, Live: f.Live, User: f.User, Limit: pageEvents}, spans: spans}
}
