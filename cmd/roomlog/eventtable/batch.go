package eventtable

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/parquet-go/parquet-go"

	"roomlog/api/replay"
)

// Batch collects rows of a table as the values of Parquet columns. It gives the same values as the Deconstruct method of
// the schema of Empty, without a row in between. It is not safe for concurrent use.
type Batch struct {
	table   *Table
	fields  []node
	columns [][]parquet.Value
	rows    int
	texts   texts // memory of the texts in columns
	lines   *json.Encoder
}

// node is a field of a row: one column, or the columns of a struct or a list.
type node struct {
	kind     Kind
	optional bool
	column   int    // index of its first column
	columns  int    // number of its columns
	depth    int    // number of lists around the elements of a list; 0: the field is no list
	children []node // fields of a struct; the element of a list
}

// NewBatch returns an empty batch of rows of t.
func (t *Table) NewBatch() *Batch {
	b := &Batch{table: t}
	for i := range t.row.NumField() {
		n := newNode(t.row.Field(i).Type, t.Columns[i].Kind, t.Columns[i].Optional, len(b.columns), 0)
		b.fields = append(b.fields, n)
		b.columns = append(b.columns, make([][]parquet.Value, n.columns)...)
	}
	b.lines = json.NewEncoder(&b.texts)
	b.lines.SetEscapeHTML(false)
	return b
}

// newNode returns the node of a field of a row. column is the index of its first column, depth the number of lists around it.
func newNode(t reflect.Type, kind Kind, optional bool, column, depth int) node {
	n := node{kind: kind, optional: optional, column: column, columns: 1}
	if kind != Nested {
		return n
	}
	n.columns = 0
	if t.Kind() == reflect.Slice {
		n.depth = depth + 1
		element := newNode(t.Elem(), kindOf(t.Elem()), false, column, n.depth)
		n.children, n.columns = []node{element}, element.columns
		return n
	}
	for i := range t.NumField() {
		f := t.Field(i)
		c := columnOf(f)
		child := newNode(f.Type, c.Kind, c.Optional, column+n.columns, depth)
		n.children, n.columns = append(n.children, child), n.columns+child.columns
	}
	return n
}

// Rows returns the number of rows.
func (b *Batch) Rows() int { return b.rows }

// Columns returns the values of each column. They are valid until the next call of Reset.
func (b *Batch) Columns() [][]parquet.Value { return b.columns }

// Reset removes all rows.
func (b *Batch) Reset() {
	for i, values := range b.columns {
		b.columns[i] = values[:0]
	}
	b.rows, b.texts = 0, b.texts[:0]
}

// Add adds the row of an event, see Row.
func (b *Batch) Add(line *replay.EventLine) {
	fields := b.fields
	for _, part := range b.table.parts(line) {
		for i := range part.NumField() {
			b.add(&fields[i], part.Field(i), 0, 0)
		}
		fields = fields[part.NumField():]
	}
	b.rows++
}

// add adds a value. repetition and definition are the levels of Parquet at which the value begins.
func (b *Batch) add(n *node, v reflect.Value, repetition, definition int) {
	if n.optional {
		if n.depth == 0 && v.IsZero() { // an empty list is no null
			b.addNulls(n, repetition, definition)
			return
		}
		definition++
	}
	switch {
	case n.kind != Nested:
		b.columns[n.column] = append(b.columns[n.column], b.value(n.kind, v).Level(repetition, definition, n.column))
	case n.depth == 0:
		for i := range n.children {
			b.add(&n.children[i], v.Field(i), repetition, definition)
		}
	case v.Len() == 0:
		b.addNulls(n, repetition, definition)
	default:
		for i := range v.Len() {
			b.add(&n.children[0], v.Index(i), repetition, definition+1)
			repetition = n.depth
		}
	}
}

func (b *Batch) addNulls(n *node, repetition, definition int) {
	for column := n.column; column < n.column+n.columns; column++ {
		b.columns[column] = append(b.columns[column], parquet.NullValue().Level(repetition, definition, column))
	}
}

// value returns the value of a column that is neither a struct nor a list.
func (b *Batch) value(kind Kind, v reflect.Value) parquet.Value {
	switch kind {
	case Integer:
		return parquet.Int64Value(v.Int())
	case Boolean:
		return parquet.BooleanValue(v.Bool())
	case Time:
		at, _ := v.Interface().(time.Time)
		return parquet.Int64Value(at.UnixMicro())
	case JSON:
		return parquet.ByteArrayValue(b.json(v))
	}
	begin := len(b.texts)
	b.texts = append(b.texts, v.String()...)
	return parquet.ByteArrayValue(b.texts[begin:len(b.texts):len(b.texts)])
}

// json returns a value as JSON.
func (b *Batch) json(v reflect.Value) []byte {
	value := v.Interface()
	switch raw, ok := value.(json.RawMessage); {
	case ok:
		return raw
	case value == nil:
		return nil
	}
	begin := len(b.texts)
	if err := b.lines.Encode(value); err != nil {
		panic("eventtable: " + err.Error()) // cannot happen: payloads consist of numbers, texts and times
	}
	end := len(b.texts) - 1 // without the end of the line
	return b.texts[begin:end:end]
}

// texts is memory for texts that are not needed individually.
type texts []byte

func (t *texts) Write(b []byte) (int, error) {
	*t = append(*t, b...)
	return len(b), nil
}
