package docgen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"reflect"

	"roomlog/domain"
)

// schemaFile returns the path of the JSON Schema of an event type in the source tree. Its example is the golden payload.
func schemaFile(typ string) string { return "api/schemas/" + typ + ".json" }

// example returns the event in the golden file of an event type, decoded and as JSON.
func (p *page) example(spec domain.EventSpec) (domain.Event, []byte, error) {
	text, err := p.payload(spec.Type)
	if err != nil {
		return nil, nil, err
	}
	e, err := spec.Decode(text)
	return e, text, err
}

// payload returns the golden payload of an event type or of an earlier version, as one line.
func (p *page) payload(typ string) ([]byte, error) {
	text, err := fs.ReadFile(p.tree, schemaFile(typ))
	if err != nil {
		return nil, fmt.Errorf("read the golden file: %w", err)
	}
	var stored storedSchema
	if err := json.Unmarshal(text, &stored); err != nil {
		return nil, fmt.Errorf("%s: %w", typ, err)
	}
	if len(stored.Examples) != 1 {
		return nil, fmt.Errorf("%s contains %d examples, want the golden payload", schemaFile(typ), len(stored.Examples))
	}
	var line bytes.Buffer
	if err := json.Compact(&line, stored.Examples[0]); err != nil {
		return nil, fmt.Errorf("%s: %w", typ, err)
	}
	return line.Bytes(), nil
}

// storedSchema is the part of a schema file that this package reads. Dialect is "" if the file contains only the golden
// payload, because the schema was not generated yet.
type storedSchema struct {
	Dialect  string            `json:"$schema"`
	Examples []json.RawMessage `json:"examples"`
}

// personalFields returns the JSON names of the fields of an event that contain personal texts.
func personalFields(spec domain.EventSpec, e domain.Event) []string {
	if spec.Personal == nil {
		return nil
	}
	const mark = "\x00"
	changed, _, texts := spec.Personal(e)
	for _, text := range texts {
		*text = mark
	}
	var names []string
	after := reflect.ValueOf(changed())
	for i := range after.NumField() {
		if f := after.Field(i); f.Kind() == reflect.String && f.String() == mark {
			names = append(names, jsonName(after.Type().Field(i)))
		}
	}
	return names
}
