package eventtable

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"
)

// Names returns the names of the columns.
func (t *Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// Cells appends the values of a row, which Row has returned, as texts: for CSV. Times are in RFC 3339 and UTC, nested
// values are JSON, and a column without a value is empty.
func (t *Table) Cells(cells []string, row any) []string {
	values := reflect.ValueOf(row).Elem()
	for i, c := range t.Columns {
		cells = append(cells, cell(c, values.Field(i)))
	}
	return cells
}

func cell(c Column, v reflect.Value) string {
	if c.Optional && v.IsZero() {
		return ""
	}
	switch c.Kind {
	case Integer:
		return strconv.FormatInt(v.Int(), 10)
	case Boolean:
		return strconv.FormatBool(v.Bool())
	case Time:
		at, _ := v.Interface().(time.Time)
		return at.UTC().Format(time.RFC3339Nano)
	case Nested:
		return string(encode(v.Interface()))
	case JSON:
		raw, _ := v.Interface().(json.RawMessage)
		return string(raw)
	}
	return v.String()
}
