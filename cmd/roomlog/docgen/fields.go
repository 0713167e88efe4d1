package docgen

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// moment is time.Time, the only struct type that is encoded as a JSON string.
var moment = reflect.TypeFor[time.Time]()

// row describes one field of a payload, or one field that the server adds to a command.
type row struct{ name, kind, meaning string }

// rows returns the rows for the fields of t, and for the fields of structs inside t. t is a struct of package domain
// with the name owner.
func (p *page) rows(owner string, t reflect.Type, prefix string) ([]row, error) {
	var rows []row
	for i := range t.NumField() {
		f := t.Field(i)
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		meaning, err := p.meaning(owner, f.Name)
		if err != nil {
			return nil, err
		}
		if one := p.oneOf(inner.Name()); one != "" {
			meaning += ": " + one
		}
		name := prefix + jsonName(f)
		if name == "-" {
			rows = append(rows, row{f.Name, "—", meaning})
			continue
		}
		rows = append(rows, row{name, kindOf(f.Type), meaning})
		if inner.Kind() == reflect.Struct && inner != moment {
			inside := name + "."
			if f.Type.Kind() == reflect.Slice {
				inside = name + "[]."
			}
			more, err := p.rows(inner.Name(), inner, inside)
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
	}
	return rows, nil
}

// oneOf returns a list of the values of an enumeration, or "" for other types.
func (p *page) oneOf(typ string) string {
	if len(p.values[typ]) < 2 { // the type has only one named constant, so it is not an enumeration
		return ""
	}
	var list []string
	for _, v := range p.values[typ] {
		text := code(strings.Trim(v.json, `"`))
		switch {
		case !strings.HasPrefix(v.json, `"`):
			text += " " + words(v.name, typ)
		case v.meaning != "":
			text += " (" + v.meaning + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

func (p *page) table(rows []row) {
	if len(rows) == 0 {
		return
	}
	p.printf("\n| Field | JSON type | Meaning |\n|---|---|---|\n")
	for _, r := range rows {
		p.printf("| `%s` | %s | %s |\n", r.name, r.kind, strings.ReplaceAll(r.meaning, "|", `\|`))
	}
}

// kindOf returns the name of the JSON type of a Go type.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer: // an optional field
		return kindOf(t.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64:
		return "number"
	case reflect.Slice:
		return "array"
	case reflect.Struct:
		if t == moment {
			return "string, RFC 3339"
		}
		return "object"
	default:
		panic(fmt.Sprintf("docgen: no name for the JSON form of a %s", t))
	}
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func goName(v any) string { return reflect.TypeOf(v).Name() }

func code(s string) string { return "`" + s + "`" }

// anchor returns a link to the heading of a command or event on the same page.
func anchor(typ string) string { return "[" + typ + "](#" + strings.ReplaceAll(typ, ".", "") + ")" }

func join(names []string, format func(string) string) string {
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = format(name)
	}
	return strings.Join(shown, ", ")
}
