package export

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"roomlog/cmd/roomlog/eventtable"
)

// encoder writes rows of a table to a file.
type encoder interface {
	write(row any) error
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
	return &lineEncoder{out, lines}, nil
}

// parquetPage is the size in bytes of a page that is not compressed yet. It is small because a segment has a page of
// each column in memory.
const parquetPage = 64 << 10

type parquetEncoder struct {
	out *parquet.Writer //nolint:staticcheck // its successor needs row types that are known at compile time
}

func newParquet(t *eventtable.Table, w io.Writer, codec *zstd.Codec) parquetEncoder {
	return parquetEncoder{parquet.NewWriter(w, parquet.SchemaOf(t.Empty()), parquet.Compression(codec),
		parquet.PageBufferSize(parquetPage), parquet.CreatedBy("roomlog", "", ""))}
}

func (e parquetEncoder) write(row any) error { return e.out.Write(row) }
func (e parquetEncoder) flush() error        { return e.out.Flush() }
func (e parquetEncoder) close() error        { return e.out.Close() }

type csvEncoder struct {
	table *eventtable.Table
	out   *csv.Writer
	cells []string
}

func (e *csvEncoder) write(row any) error {
	e.cells = e.table.Cells(e.cells[:0], row)
	return e.out.Write(e.cells)
}

func (e *csvEncoder) flush() error { e.out.Flush(); return e.out.Error() }
func (e *csvEncoder) close() error { return e.flush() }

type lineEncoder struct {
	out   *bufio.Writer
	lines *json.Encoder
}

func (e *lineEncoder) write(row any) error { return e.lines.Encode(row) }
func (e *lineEncoder) flush() error        { return e.out.Flush() }
func (e *lineEncoder) close() error        { return e.flush() }
