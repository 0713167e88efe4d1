package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Document returns the completed OpenAPI document of api as JSON.
func Document(api *huma.OpenAPI) ([]byte, error) {
	encoded, err := json.Marshal(api)
	if err != nil {
		return nil, fmt.Errorf("encode the OpenAPI document: %w", err)
	}
	var root object
	if err := json.Unmarshal(encoded, &root); err != nil {
		return nil, fmt.Errorf("decode the OpenAPI document: %w", err)
	}
	schemas := at(root, "components", "schemas")
	err = completeSchemas(schemas, api.Components.Schemas)
	each(root, removeDefaults)
	if err := errors.Join(err, addExamples(at(root, "paths"), schemas)); err != nil {
		return nil, fmt.Errorf("complete the OpenAPI document: %w", err)
	}
	return json.Marshal(root) //nolint:wrapcheck // cannot fail: the document was decoded from JSON
}

// completeSchemas completes the schemas of structs with what their Go types say.
func completeSchemas(schemas object, registry huma.Registry) error {
	for name, schema := range schemas {
		if name == "" {
			return errors.New("a schema has no name: give its Go type a name")
		}
		properties := at(schema.(object), "properties")
		t := registry.TypeFromRef(schemaPrefix + name)
		if t == nil || t.Kind() != reflect.Struct || properties == nil {
			continue
		}
		fields := fieldsByName(t)
		allowNull(properties, fields)
		nameFields(properties, fields)
	}
	return nil
}

// fieldsByName returns the fields of a struct, and of the structs embedded in it, by their JSON names.
func fieldsByName(t reflect.Type) map[string]reflect.StructField {
	fields := make(map[string]reflect.StructField)
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = f
		}
	}
	return fields
}

// allowNull adds null to the fields that are pointers to structs. huma describes them like the structs themselves.
func allowNull(properties object, fields map[string]reflect.StructField) {
	for name, property := range properties {
		property := property.(object)
		f := fields[name]
		reference, refers := property["$ref"]
		if !refers || f.Type == nil || f.Type.Kind() != reflect.Pointer || strings.Contains(f.Tag.Get("json"), ",omitempty") {
			continue
		}
		delete(property, "$ref")
		property["anyOf"] = []any{object{"$ref": reference}, object{"type": "null"}}
	}
}

// nameFields gives fields their Go names if their JSON names differ only in case and punctuation. Generators would
// give them the same name.
func nameFields(properties object, fields map[string]reflect.StructField) {
	similar := make(map[string][]string)
	for name := range properties {
		plain := strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
		similar[plain] = append(similar[plain], name)
	}
	for _, names := range similar {
		if len(names) == 1 {
			continue
		}
		for _, name := range names {
			properties[name].(object)["x-go-name"] = fields[name].Name
		}
	}
}

// removeDefaults removes members that only state the default: additional properties are allowed.
func removeDefaults(o object) {
	if allowed, is := o["additionalProperties"].(bool); is && allowed {
		delete(o, "additionalProperties")
	}
}
