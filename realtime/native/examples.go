package native

import (
	"slices"

	"github.com/invopop/jsonschema"
)

// exampleTexts are the examples of texts, by the name of their member. Other texts are their own example.
var exampleTexts = map[string]string{
	"token": "eyJhbGciOiJIUzI1NiJ9.e30.signature", "text": "good evening", "name": "anna", "nickname": "anna", "title": "An evening with Anna",
	"avatar": "https://live.example/uploads/0c9f3a7be1d24f5f.png", "image": "https://live.example/uploads/0c9f3a7be1d24f5f.png",
	"url": "https://live.example/uploads/0c9f3a7be1d24f5f.ogg", "room": "demo", "epoch": "5f0c9f3a", "cursor": "5f0c9f3a.80", "next": "80",
}

// exampleOf returns a value that a schema allows. It contains the required members, and the members type and data.
func exampleOf(name string, s *jsonschema.Schema) any {
	switch {
	case s.Const != nil:
		return s.Const
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.OneOf) > 0:
		return exampleOf(name, s.OneOf[0])
	case len(s.AnyOf) > 0:
		return exampleOf(name, s.AnyOf[0])
	}
	switch s.Type {
	case "object":
		o := map[string]any{}
		if s.Properties == nil {
			return o
		}
		for p := s.Properties.Oldest(); p != nil; p = p.Next() {
			if slices.Contains(s.Required, p.Key) || p.Key == "type" || p.Key == "data" {
				o[p.Key] = exampleOf(p.Key, p.Value)
			}
		}
		return o
	case "array":
		if s.Items == nil {
			return []any{}
		}
		n := 1
		if s.MinItems != nil {
			n = max(n, int(*s.MinItems))
		}
		return slices.Repeat([]any{exampleOf(name, s.Items)}, n)
	case "integer", "number":
		return 1
	case "boolean":
		return true
	case "string":
		if s.Format == "date-time" {
			return "2026-01-31T15:04:05Z"
		}
		if text := exampleTexts[name]; text != "" {
			return text
		}
		return name
	}
	return map[string]any{}
}
