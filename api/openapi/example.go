package openapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const exampleTime = "2026-01-31T15:04:05Z"

// addExamples adds an example to each required parameter, and to each request and successful response without one.
func addExamples(paths, schemas object) error {
	x := &examples{schemas: schemas}
	for path, item := range paths {
		for method, operation := range item.(object) {
			operation := operation.(object)
			place := strings.ToUpper(method) + " " + path
			parameters, _ := operation["parameters"].([]any)
			for _, p := range parameters {
				p := p.(object)
				if required, _ := p["required"].(bool); required && p["example"] == nil {
					p["example"] = x.example(place+" "+p["name"].(string), p["schema"].(object), nil)
				}
			}
			x.addContentExample(place+" request", at(operation, "requestBody", "content"))
			x.addContentExample(place+" response", at(operation, "responses", "200", "content"))
		}
	}
	return errors.Join(x.faults...)
}

// examples makes examples of schemas.
type examples struct {
	schemas object
	faults  []error
}

func (x *examples) addContentExample(place string, content object) {
	for _, media := range content {
		media := media.(object)
		schema := at(media, "schema")
		if schema == nil || media["example"] != nil || schema["format"] == "binary" {
			continue
		}
		named, is := media["examples"].(object)
		switch {
		case !is:
			media["example"] = x.example(place, schema, nil)
		case named["ok"] == nil:
			named["ok"] = object{"value": x.example(place, schema, nil)}
		}
	}
}

// example returns an example of a schema: the example of the Go field, or else a value that the schema allows. Optional
// fields are left out unless they have examples. open lists the references that are being followed.
func (x *examples) example(place string, schema object, open []string) any {
	if reference, is := schema["$ref"].(string); is {
		if slices.Contains(open, reference) {
			return object{}
		}
		target := at(x.schemas, strings.TrimPrefix(reference, schemaPrefix))
		return x.example(place, target, append(slices.Clone(open), reference))
	}
	for _, list := range []string{"examples", "enum"} {
		if values, is := schema[list].([]any); is {
			return values[0]
		}
	}
	for _, list := range []string{"anyOf", "oneOf"} {
		if values, is := schema[list].([]any); is {
			return x.example(place, values[0].(object), open)
		}
	}
	if value, is := schema["default"]; is {
		return value
	}
	switch typeOf(schema) {
	case huma.TypeObject:
		return x.objectExample(place, schema, open)
	case huma.TypeArray:
		return []any{x.example(place+"[]", at(schema, "items"), open)}
	case huma.TypeInteger, huma.TypeNumber:
		if least, is := schema["minimum"]; is {
			return least
		}
		return 1
	case huma.TypeBoolean:
		return true
	case huma.TypeString:
		return x.textExample(place, schema)
	}
	return object{}
}

func (x *examples) objectExample(place string, schema object, open []string) any {
	value := object{}
	required, _ := schema["required"].([]any)
	for name, property := range at(schema, "properties") {
		property := property.(object)
		if slices.Contains(required, any(name)) || property["examples"] != nil {
			value[name] = x.example(place+"."+name, property, open)
		}
	}
	return value
}

func (x *examples) textExample(place string, schema object) any {
	switch schema["format"] {
	case "date-time":
		return exampleTime
	case "uri":
		return "https://live.example/"
	}
	x.faults = append(x.faults, fmt.Errorf(`%s has no example: add the tag example:"…" to its field`, place))
	return ""
}

// typeOf returns the type of a schema that is not null, or "" if the schema allows every type.
func typeOf(schema object) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		for _, each := range t {
			if name, is := each.(string); is && name != "null" {
				return name
			}
		}
	}
	return ""
}

// JSON returns JSON content with a schema and an example for each name.
func JSON(schema *huma.Schema, examples map[string]any) map[string]*huma.MediaType {
	media := &huma.MediaType{Schema: schema}
	for name, value := range examples {
		if media.Examples == nil {
			media.Examples = make(map[string]*huma.Example)
		}
		media.Examples[name] = &huma.Example{Value: value}
	}
	return map[string]*huma.MediaType{"application/json": media}
}
