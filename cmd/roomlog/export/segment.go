package export

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/parquet-go/parquet-go/compress/zstd"

	"roomlog/api/replay"
	"roomlog/cmd/roomlog/eventtable"
	"roomlog/eventstore"
)

// flushEvents is the number of events after which all files are flushed, so that the memory of a segment is bounded.
const flushEvents = 20_000

// tables contains the tables of an export.
type tables struct {
	log    *eventtable.Table
	byType map[string]*eventtable.Table
}

func newTables(personal bool) tables {
	t := tables{eventtable.Log(), make(map[string]*eventtable.Table)}
	for _, one := range eventtable.Events(personal) {
		t.byType[one.Name] = one
	}
	return t
}

// segmentWriter writes the files of one segment.
type segmentWriter struct {
	dir      string
	format   Format
	personal bool
	tables   tables
	codec    *zstd.Codec

	segment Segment
	files   map[string]*file // files by the name of their table
	order   []*file          // files in the order of their creation
}

func newSegment(o Options, t tables, codec *zstd.Codec) *segmentWriter {
	return &segmentWriter{dir: o.Dir, format: o.Format, personal: o.Personal, tables: t, codec: codec, files: make(map[string]*file)}
}

// add adds an event to the table of the whole log and, if this program can decode it, to the table of its type.
func (w *segmentWriter) add(r eventstore.Record) error {
	s := &w.segment
	if s.Events == 0 {
		s.From, s.Day = r.Position, dayOf(r)
	}
	s.To, s.Events = r.Position, s.Events+1
	line := replay.NewEventLine(r, w.personal)
	if err := w.write(w.tables.log, &line); err != nil {
		return err
	}
	if r.Fault == nil {
		if err := w.write(w.tables.byType[line.Type], &line); err != nil {
			return err
		}
	}
	if s.Events%flushEvents == 0 {
		for _, f := range w.order {
			if err := f.encoder.flush(); err != nil {
				return fmt.Errorf("write %s: %w", f.Path, err)
			}
		}
	}
	return nil
}

func (w *segmentWriter) write(t *eventtable.Table, line *replay.EventLine) (err error) {
	f := w.files[t.Name]
	if f == nil {
		if f, err = createFile(w.dir, filePath(t.Name, w.segment.Day, w.segment.From, w.format), t, w.format, w.codec); err != nil {
			return err
		}
		w.files[t.Name], w.order = f, append(w.order, f)
	}
	if err := f.write(line); err != nil {
		return fmt.Errorf("write %s: %w", f.Path, err)
	}
	return nil
}

// publish completes all files and gives them their final names, in place of the files of an earlier state of the segment.
func (w *segmentWriter) publish() (Segment, error) {
	for _, f := range w.order {
		if err := f.complete(); err != nil {
			return Segment{}, fmt.Errorf("write %s: %w", f.Path, err)
		}
		w.segment.Files = append(w.segment.Files, f.File)
	}
	for _, f := range w.order {
		day := filepath.Dir(f.path)
		if err := errors.Join(f.publish(), syncDir(day), syncDir(filepath.Dir(day))); err != nil {
			return Segment{}, err
		}
	}
	return w.segment, nil
}

// abort removes the files that were not published.
func (w *segmentWriter) abort() {
	for _, f := range w.order {
		f.abort()
	}
}
