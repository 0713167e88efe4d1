package settings

import (
	"fmt"
	"reflect"
	"strings"
)

// Of returns the settings of config, a pointer to a struct, in the order of its fields. It panics if a tag is
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
				Zero: field.Tag.Get("zero"), Unit: field.Tag.Get("unit"), Placeholder: field.Tag.Get("placeholder"), Variable: field.Tag.Get("env"),
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

// mustBeSound panics if the tags contradict each other. That is a programming error, which every test that builds the
// Config finds.
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
