package docgen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"roomlog/domain"
)

// Schema returns the JSON Schema of the payloads of an event type. The source tree contains the golden payload. If it
// also contains the schema, the schema is frozen: Schema fails if payloads of one schema would not be valid with the
// other.
func Schema(tree fs.FS, spec domain.EventSpec) ([]byte, error) {
	s, err := readSource(tree, "domain")
	if err != nil {
		return nil, err
	}
	schema, err := (&page{source: s, tree: tree}).schema(spec)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		return nil, fmt.Errorf("encode the schema of %s: %w", spec.Type, err)
	}
	before, err := fs.ReadFile(tree, schemaFile(spec.Type))
	if err != nil {
		return nil, fmt.Errorf("read the schema of %s: %w", spec.Type, err)
	}
	var stored storedSchema
	if err := json.Unmarshal(before, &stored); err != nil {
		return nil, fmt.Errorf("decode the schema of %s: %w", spec.Type, err)
	}
	if stored.Dialect == "" {
		return text.Bytes(), nil
	}
	if err := compatible(before, text.Bytes()); err != nil {
		return nil, fmt.Errorf("%s is frozen, because logs contain it: undo the change, or add the next version with an upcaster. Before the event is "+
			"merged, no log contains it: delete %s, which is its schema and its golden file, and run make generate. Reason: %w", spec.Type, schemaFile(spec.Type), err)
	}
	return text.Bytes(), nil
}

func (p *page) schema(spec domain.EventSpec) (*jsonschema.Schema, error) {
	name := goName(spec.Zero)
	description, err := p.sentence(name)
	if err != nil {
		return nil, err
	}
	example, payload, err := p.example(spec)
	if err != nil {
		return nil, err
	}
	schema, err := p.reflect(reflect.TypeOf(spec.Zero))
	if err != nil {
		return nil, err
	}
	schema.Title, schema.Description, schema.Examples = spec.Type, description, []any{json.RawMessage(payload)}
	personal := personalFields(spec, example)
	for pair := schema.Properties.Oldest(); pair != nil; pair = pair.Next() {
		marks := pair.Value.Extras
		if marks == nil {
			marks = map[string]any{}
		}
		if slices.Contains(personal, pair.Key) {
			marks[markPersonal] = true
		}
		if domain.IsPrivate(spec.Type, pair.Key) {
			marks[markPrivate] = true
		}
		pair.Value.Extras = marks
	}
	schema.Required = slices.DeleteFunc(schema.Required, func(field string) bool { return domain.IsPrivate(spec.Type, field) })
	return schema, nil
}

// reflect returns the schema of a struct of package domain. The descriptions are the comments of the fields.
func (p *page) reflect(t reflect.Type) (*jsonschema.Schema, error) {
	var faults []error
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true,
		LookupComment: func(t reflect.Type, field string) string {
			if field == "" {
				return ""
			}
			meaning, err := p.meaning(t.Name(), field)
			if err != nil {
				faults = append(faults, err)
			}
			return meaning
		},
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if t == moment {
				return &jsonschema.Schema{Type: "string", Format: "date-time"}
			}
			return p.enumeration(t)
		},
	}
	schema := r.ReflectFromType(t)
	allowNull(schema)
	return schema, errors.Join(faults...)
}

// allowNull permits null for every list: a list without elements is stored as null or as [].
func allowNull(schema *jsonschema.Schema) {
	for pair := schema.Properties.Oldest(); pair != nil; pair = pair.Next() {
		if field := pair.Value; field.Type == "array" {
			field.Type, field.Extras = "", map[string]any{"type": []string{"array", "null"}}
			allowNull(field.Items)
		} else {
			allowNull(field)
		}
	}
}

// enumeration returns the schema of an enumeration with its values as examples, or nil for other types.
func (p *page) enumeration(t reflect.Type) *jsonschema.Schema {
	values := p.values[t.Name()]
	if len(values) < 2 { // see oneOf
		return nil
	}
	s := &jsonschema.Schema{Type: "string"}
	if !strings.HasPrefix(values[0].json, `"`) {
		s.Type = "integer"
	}
	for _, v := range values {
		s.Examples = append(s.Examples, json.RawMessage(v.json))
	}
	return s
}
