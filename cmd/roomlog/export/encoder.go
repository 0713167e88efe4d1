package export

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"roomlog/api/replay"
	"roomlog/cmd/roomlog/eventtable"
)

// encoder writes the rows of events to the file of a table.
type encoder interface {
	write(line *replay.EventLine) error
	flush() error // writes the buffered rows to the file, which bounds their memory
	close() error // completes the file
}

// newEncoder returns the encoder of a new file. codec compresses the pages of all Parquet files of an export, which share
// its memory.
func newEncoder(f Format, t *eventtable.Table, w io.Writer, codec *zstd.Codec) (encoder, error) {
	switch f {
	case Parquet:
		return newParquet(t, w, codec), nil
	case CSV:
		c := &csvEncoder{table: t, out: csv.NewWriter(w)}
		return c, c.out.Write(t.Names())
	}
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	return &lineEncoder{t, out, lines}, nil
}

// parquetPage is the size in bytes of a page that is not compressed yet. It is small because a segment has a page of
// each column in memory.
const parquetPage = 64 << 10

// parquetRows is the number of rows that a file collects before it writes them to the pages of its columns.
const parquetRows = 64

type parquetEncoder struct {
	batch *eventtable.Batch
	out   *parquet.Writer //nolint:staticcheck // its successor needs row types that are known at compile time
}

func newParquet(t *eventtable.Table, w io.Writer, codec *zstd.Codec) *parquetEncoder {
	return &parquetEncoder{t.NewBatch(), parquet.NewWriter(w, parquet.SchemaOf(t.Empty()), parquet.Compression(codec),
		parquet.PageBufferSize(parquetPage), parquet.CreatedBy("roomlog", "", ""))}
}

func (e *parquetEncoder) write(line *replay.EventLine) error {
	e.batch.Add(line)
	if e.batch.Rows() < parquetRows {
		return nil
	}
	return e.writeBatch()
}

func (e *parquetEncoder) writeBatch() error {
	if e.batch.Rows() == 0 {
		return nil
	}
	columns := e.out.ColumnWriters()
	for i, values := range e.batch.Columns() {
		if _, err := columns[i].WriteRowValues(values); err != nil {
			return err
		}
	}
	e.batch.Reset()
	return nil
}

func (e *parquetEncoder) flush() error {
	if err := e.writeBatch(); err != nil {
		return err
	}
	return e.out.Flush()
}

func (e *parquetEncoder) close() error {
	if err := e.writeBatch(); err != nil {
		return err
	}
	return e.out.Close()
}

type csvEncoder struct {
	table *eventtable.Table
	out   *csv.Writer
	cells []string
}

func (e *csvEncoder) write(line *replay.EventLine) error {
	e.cells = e.table.Cells(e.cells[:0], e.table.Row(line))
	return e.out.Write(e.cells)
}

func (e *csvEncoder) flush() error { e.out.Flush(); return e.out.Error() }
func (e *csvEncoder) close() error { return e.flush() }

type lineEncoder struct {
	table *eventtable.Table
	out   *bufio.Writer
	lines *json.Encoder
}

func (e *lineEncoder) write(line *replay.EventLine) error { return e.lines.Encode(e.table.Row(line)) }
func (e *lineEncoder) flush() error                       { return e.out.Flush() }
func (e *lineEncoder) close() error                       { return e.flush() }
