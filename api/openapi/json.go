package openapi

// schemaPrefix begins every reference to a schema.
const schemaPrefix = "#/components/schemas/"

// object is a JSON object of a document.
type object = map[string]any

// each calls visit for every object in a value.
func each(value any, visit func(object)) {
	switch value := value.(type) {
	case object:
		visit(value)
		for _, member := range value {
			each(member, visit)
		}
	case []any:
		for _, item := range value {
			each(item, visit)
		}
	}
}

// at returns the object at a path of members, or nil if there is none.
func at(o object, path ...string) object {
	for _, name := range path {
		o, _ = o[name].(object)
	}
	return o
}
