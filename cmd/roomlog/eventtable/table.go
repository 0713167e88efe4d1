package eventtable

import (
	"reflect"
	"slices"
	"time"

	"roomlog/api/replay"
	"roomlog/domain"
)

// LogName is the name of the table of the whole log.
const LogName = "events"

// Table describes the rows of one event type, or of the whole log.
type Table struct {
	Name    string // event type, or LogName
	Columns []Column

	row   reflect.Type // struct with one field for each column, with the tags of its encodings
	whole bool         // whether the rows are lines of a replay, as in the whole log
}

// envelope contains the columns that every table of an event type begins with.
type envelope struct {
	Position   int64         `json:"position"`
	RecordedAt time.Time     `json:"recorded_at"`
	EventID    string        `json:"event_id"`
	Stream     domain.Stream `json:"stream"`
	Version    int           `json:"version"`
	Actor      string        `json:"actor"`
}

// Log returns the table of the whole log. Its rows are the lines of a replay.
func Log() *Table {
	b := builder{}
	b.add(reflect.TypeFor[replay.EventLine](), false)
	return b.table(LogName, true)
}

// Events returns the tables of all event types.
func Events(personal bool) []*Table {
	var tables []*Table
	for _, spec := range domain.Events {
		data, _ := replay.Data(spec.Zero, personal)
		b := builder{}
		b.add(reflect.TypeFor[envelope](), false)
		b.add(reflect.TypeOf(data), true)
		tables = append(tables, b.table(spec.Type, false))
	}
	return tables
}

// Row returns the row of an event as a pointer to a struct, for encoding/json. Only the table of the whole log has rows
// for events that this program cannot decode. The data of the line is complete only if the table has the private fields.
func (t *Table) Row(line *replay.EventLine) any {
	row := reflect.New(t.row).Elem()
	column := 0
	for _, part := range t.parts(line) {
		fill(row, column, part)
		column += part.NumField()
	}
	return row.Addr().Interface()
}

// parts returns the structs whose fields are the columns of a row, in order.
func (t *Table) parts(line *replay.EventLine) []reflect.Value {
	if t.whole {
		return []reflect.Value{reflect.ValueOf(line).Elem()}
	}
	return []reflect.Value{
		reflect.ValueOf(envelope{line.Position, line.RecordedAt, line.EventID, line.Stream, line.Version, line.Actor}),
		reflect.ValueOf(line.Data),
	}
}

// Empty returns a pointer to a row without values.
func (t *Table) Empty() any { return reflect.New(t.row).Interface() }

// builder collects the columns of a table.
type builder struct {
	columns []Column
	fields  []reflect.StructField
}

func (b *builder) table(name string, whole bool) *Table {
	return &Table{name, b.columns, reflect.StructOf(b.fields), whole}
}

// add adds a column for each field of a struct. A field of a payload whose name a column already has gets the prefix
// "data_".
func (b *builder) add(from reflect.Type, payload bool) {
	for i := range from.NumField() {
		f := from.Field(i)
		c := columnOf(f)
		name := c.Name
		if payload {
			c.Field = name
			if slices.ContainsFunc(b.columns, func(other Column) bool { return other.Name == name }) {
				c.Name = "data_" + name
			}
		}
		b.columns = append(b.columns, c)
		b.fields = append(b.fields, reflect.StructField{Name: f.Name + suffix(payload), Type: columnType(f.Type), Tag: tagOf(c, f.Type)})
	}
}

// suffix returns what to append to the name of a Go field, so that a field of the payload has another name than a column of the record.
func suffix(payload bool) string {
	if payload {
		return "Data"
	}
	return ""
}
