package eventtable

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

var timeType = reflect.TypeFor[time.Time]()

// kindOf returns the kind of the column of a Go type. It panics if no column can have the type; a test builds the tables
// of all events.
func kindOf(t reflect.Type) Kind {
	switch {
	case t == timeType:
		return Time
	case t == reflect.TypeFor[json.RawMessage]() || t.Kind() == reflect.Interface:
		return JSON
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		return Integer
	case t.Kind() == reflect.String:
		return Text
	case t.Kind() == reflect.Bool:
		return Boolean
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Slice:
		return Nested
	}
	panic(fmt.Sprintf("eventtable: no column has the type %v: add it to kindOf", t))
}

// columnType returns the type of a field of a row. It has the same values as t, and the tags of all encodings.
func columnType(t reflect.Type) reflect.Type {
	switch kindOf(t) {
	case Integer:
		return reflect.TypeFor[int64]()
	case Text:
		return reflect.TypeFor[string]()
	case JSON:
		return reflect.TypeFor[json.RawMessage]()
	case Boolean, Time:
		return t
	}
	if t.Kind() == reflect.Slice {
		return reflect.SliceOf(columnType(t.Elem()))
	}
	var fields []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		c := columnOf(f)
		fields = append(fields, reflect.StructField{Name: f.Name, Type: columnType(f.Type), Tag: tagOf(c, f.Type)})
	}
	return reflect.StructOf(fields)
}

// columnOf returns the column of a field of a struct.
func columnOf(f reflect.StructField) Column {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return Column{Name: name, Kind: kindOf(f.Type), Optional: strings.Contains(options, "omit")}
}

// tagOf returns the tags of a field of a row. t is the Go type of the column's values.
func tagOf(c Column, t reflect.Type) reflect.StructTag {
	parquet, text := c.Name, c.Name
	switch {
	case c.Kind == Time:
		parquet += ",timestamp(microsecond)"
	case c.Kind == JSON:
		parquet += ",json"
	case t.Kind() == reflect.Slice:
		parquet += ",list"
	}
	if c.Optional {
		parquet, text = parquet+",optional", text+",omitempty"
	}
	return reflect.StructTag(fmt.Sprintf(`parquet:%q json:%q`, parquet, text))
}

// fill copies the fields of the struct from into the fields of row, beginning with the field of row at the index
// first.
func fill(row reflect.Value, first int, from reflect.Value) {
	for i := range from.NumField() {
		set(row.Field(first+i), from.Field(i))
	}
}

// set copies a value into a field whose type is columnType of the value's type.
func set(to, from reflect.Value) {
	switch kindOf(from.Type()) {
	case JSON:
		if raw, ok := from.Interface().(json.RawMessage); ok {
			to.SetBytes(raw)
		} else if from.IsValid() && !from.IsNil() {
			to.SetBytes(encode(from.Interface()))
		}
	case Nested:
		if from.Kind() == reflect.Struct {
			fill(to, 0, from)
			return
		}
		to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			set(to.Index(i), from.Index(i))
		}
	default:
		to.Set(from.Convert(to.Type()))
	}
}

// encode returns a value as JSON, without escaping for HTML.
func encode(v any) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("eventtable: " + err.Error()) // cannot happen: payloads consist of numbers, texts and times
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
