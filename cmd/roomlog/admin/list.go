package admin

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// listWriter writes a list as a table, as CSV, or as one JSON object whose last member is an array. It does not keep the
// items, except for a table. The first error is returned by end.
type listWriter struct {
	format  string
	array   string // name of the array in JSON
	columns []string

	out   *bufio.Writer
	table *table
	csv   *csv.Writer
	items int
	err   error
}

// headValue is a member of the JSON object before the array.
type headValue struct {
	name  string
	value any
}

// newListWriter returns a writer for a format: table, json or csv.
func newListWriter(to io.Writer, format, array string, columns ...string) *listWriter {
	w := &listWriter{format: format, array: array, columns: columns, out: bufio.NewWriter(to)}
	switch format {
	case "csv":
		w.csv = csv.NewWriter(w.out)
	case "table":
		head := make([]string, len(columns))
		for i, c := range columns {
			head[i] = strings.ToUpper(c)
		}
		w.table = newTable(w.out, head...)
	}
	return w
}

// begin writes what precedes the items. Only JSON contains the values.
func (w *listWriter) begin(values ...headValue) {
	switch w.format {
	case "csv":
		w.keep(w.csv.Write(w.columns))
	case "json":
		fmt.Fprint(w.out, "{")
		for _, v := range values {
			w.member(v.name, v.value)
			fmt.Fprint(w.out, ",")
		}
		fmt.Fprintf(w.out, "%q:[", w.array)
	}
}

func (w *listWriter) member(name string, value any) {
	text, err := json.Marshal(value)
	w.keep(err)
	fmt.Fprintf(w.out, "%q:%s", name, text)
}

// item writes an item: value in JSON, the cells otherwise.
func (w *listWriter) item(value any, cells ...string) {
	if w.format != "json" {
		w.cells(cells...)
		return
	}
	if w.items++; w.items > 1 {
		fmt.Fprint(w.out, ",")
	}
	text, err := json.Marshal(value)
	w.keep(err)
	fmt.Fprintf(w.out, "\n%s", text)
}

// cells writes a line that JSON does not contain.
func (w *listWriter) cells(cells ...string) {
	switch w.format {
	case "csv":
		w.keep(w.csv.Write(cells))
	case "table":
		all := make([]any, len(cells))
		for i, c := range cells {
			all[i] = orDash(c)
		}
		w.table.row(all...)
	}
}

// end writes the rest. A table without a line is replaced by the sentence empty.
func (w *listWriter) end(empty string) error {
	switch w.format {
	case "csv":
		w.csv.Flush()
		w.keep(w.csv.Error())
	case "json":
		fmt.Fprint(w.out, "]}\n")
	case "table":
		w.keep(w.table.end(empty))
	}
	return errors.Join(w.err, w.out.Flush())
}

// keep stores err, unless an earlier error is stored.
func (w *listWriter) keep(err error) {
	if w.err == nil {
		w.err = err
	}
}
