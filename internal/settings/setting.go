package settings

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// Off is the value of a numeric setting that has been switched off. Zero means the default instead.
const Off = -1

// Setting describes one field of a Config.
type Setting struct {
	Field       string // the Go name: CommentRate
	Default     string
	Min, Max    string
	Zero        string // what 0 means; empty if 0 is like any other number
	OneOf       []string
	Unit        string
	Text        string // the help tag; empty for a setting without a flag
	Placeholder string

	owner reflect.Type // the struct that declares the field
	value reflect.Value
}

// Name returns the name of the flag without dashes: comment-rate.
func (s Setting) Name() string { return kebab(s.Field) }

// Env returns the name of the environment variable: ROOMLOG_COMMENT_RATE.
func (s Setting) Env() string {
	return "ROOMLOG_" + strings.ToUpper(strings.ReplaceAll(s.Name(), "-", "_"))
}

// Help returns the help of the flag: the sentence, then unit, bounds and the meaning of 0.
func (s Setting) Help() string {
	var notes []string
	if s.Unit != "" {
		notes = append(notes, s.Unit)
	}
	switch {
	case s.Min != "" && s.Max != "":
		notes = append(notes, s.Min+" to "+s.Max)
	case s.Min != "":
		notes = append(notes, "at least "+s.Min)
	case s.Max != "":
		notes = append(notes, "at most "+s.Max)
	case len(s.OneOf) > 0:
		notes = append(notes, "one of "+strings.Join(s.OneOf, ", "))
	}
	if s.Zero != "" {
		notes = append(notes, "0: "+s.Zero)
	}
	if len(notes) == 0 {
		return s.Text
	}
	return s.Text + " (" + strings.Join(notes, "; ") + ")"
}

// Of returns the settings of config, a pointer to a struct, in the order of its fields. It panics when a tag is
// malformed.
func Of(config any) []Setting {
	v := reflect.ValueOf(config)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("settings: %T is not a pointer to a struct", config))
	}
	return collect(v.Elem(), nil)
}

func collect(v reflect.Value, found []Setting) []Setting {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		text, hasHelp := field.Tag.Lookup("help")
		_, hasDefault := field.Tag.Lookup("default")
		switch {
		case !field.IsExported():
		case hasHelp || hasDefault:
			s := Setting{
				Field: field.Name, Text: text, Default: field.Tag.Get("default"), Min: field.Tag.Get("min"), Max: field.Tag.Get("max"),
				Zero: field.Tag.Get("zero"), Unit: field.Tag.Get("unit"), Placeholder: field.Tag.Get("placeholder"),
				owner: v.Type(), value: value,
			}
			if values := field.Tag.Get("oneof"); values != "" {
				s.OneOf = strings.Split(values, ",")
			}
			s.mustBeSound()
			found = append(found, s)
		case value.Kind() == reflect.Struct:
			found = collect(value, found)
		}
	}
	return found
}

// mustBeSound panics when the tags contradict each other: a fault of the program, found by any test that builds the
// Config.
func (s Setting) mustBeSound() {
	fail := func(problem string) { panic(fmt.Sprintf("settings: %s.%s: %s", s.owner, s.Field, problem)) }
	if s.Default != "" && s.value.Kind() == reflect.Bool {
		fail("a bool cannot have a default, because false cannot be told from unset")
	}
	for _, text := range []string{s.Default, s.Min, s.Max} {
		if text == "" {
			continue
		}
		parsed, err := parse(text, s.value.Type())
		if err != nil {
			fail(err.Error())
		}
		if problem := s.problem(parsed); problem != "" {
			fail(text + " " + problem)
		}
	}
}

// kebab converts a Go name to a flag name: MaxHTTPConnections to max-http-connections.
func kebab(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		upper := unicode.IsUpper(r)
		afterLower := i > 0 && !unicode.IsUpper(runes[i-1])
		beforeLower := i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if upper && (afterLower || beforeLower) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
