package strictjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// shape describes the JSON objects and arrays that decode into a type.
type shape struct {
	fields map[string]*shape // for a struct: shapes of the values by name; nil: not a struct
	names  map[uint64]string // for a struct: names by the hash of the folded name
	items  *shape            // shape of the items of an array, or of the values of a map
}

// member returns the shape of the value of a member. It returns a *MemberError if the member differs only in case from
// a field.
func (s *shape) member(n name) (*shape, error) {
	if s.fields == nil {
		return s.items, nil
	}
	if value, known := s.fields[string(n.plain)]; known {
		return value, nil
	}
	if like := s.names[n.hash]; like != "" && n.same(newName([]byte(like))) {
		return nil, &MemberError{string(n.plain), like}
	}
	return nil, nil
}

// shapes caches the shapes of types. A nil shape means that nothing is known about the members.
var shapes sync.Map // reflect.Type → *shape

// shapeOf returns the shape of the type of a value that json.Unmarshal receives.
func shapeOf(t reflect.Type) *shape {
	if known, found := shapes.Load(t); found {
		return known.(*shape)
	}
	built := builder{}.shape(t)
	shapes.Store(t, built)
	return built
}

// builder holds the shapes of the types that were seen, because types may refer to themselves.
type builder map[reflect.Type]*shape

var (
	jsonDecoder = reflect.TypeFor[json.Unmarshaler]()
	textDecoder = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (b builder) shape(t reflect.Type) *shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if known, found := b[t]; found {
		return known
	}
	if p := reflect.PointerTo(t); p.Implements(jsonDecoder) || p.Implements(textDecoder) {
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		built := &shape{fields: make(map[string]*shape), names: make(map[uint64]string)}
		b[t] = built
		b.addFields(built, t)
		return built
	case reflect.Slice, reflect.Array, reflect.Map:
		built := &shape{}
		b[t] = built
		built.items = b.shape(t.Elem())
		return built
	}
	return nil
}

// addFields adds the fields of a struct type: first its own, and then those fields of embedded structs whose names are
// not used yet.
func (b builder) addFields(s *shape, t reflect.Type) {
	var embedded []reflect.Type
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case f.Tag.Get("json") == "-":
		case f.Anonymous && tag == "" && inner.Kind() == reflect.Struct:
			embedded = append(embedded, inner)
		case f.IsExported():
			if tag == "" {
				tag = f.Name
			}
			if _, hidden := s.fields[tag]; !hidden {
				s.fields[tag], s.names[newName([]byte(tag)).hash] = b.shape(f.Type), tag
			}
		}
	}
	for _, inner := range embedded {
		b.addFields(s, inner)
	}
}
