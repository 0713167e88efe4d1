package settings

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Flags combines the settings of several Configs in one struct that the kong parser can parse into. If two Configs
// contain the same nested struct, each of its settings is one flag, and both Configs receive the value.
type Flags struct {
	configs []any
	flags   []flag
	given   reflect.Value // pointer to a struct with one field of type text or toggle per flag
}

type flag struct {
	Setting
	group string
	into  []reflect.Value // fields that receive the value
}

// Add adds the settings of config that have a help tag. The help lists them under the heading group. Add panics if
// another Config declares a setting of the same name.
func (f *Flags) Add(group string, config any) {
	f.configs = append(f.configs, config)
	for _, s := range Of(config) {
		if s.Text == "" {
			continue
		}
		known := slices.IndexFunc(f.flags, func(other flag) bool { return other.Field == s.Field })
		switch {
		case known < 0:
			f.flags = append(f.flags, flag{s, group, []reflect.Value{s.value}})
		case f.flags[known].owner == s.owner:
			f.flags[known].into = append(f.flags[known].into, s.value)
		default:
			panic(fmt.Sprintf("settings: --%s is declared by %s and by %s", s.Name(), f.flags[known].owner, s.owner))
		}
	}
}

// Struct returns the pointer that kong parses into, as an element of a kong.Plugins field. The parser only collects texts, so
// that Apply can return the faults of all settings at once. Do not call Add afterwards.
func (f *Flags) Struct() any {
	fields := make([]reflect.StructField, len(f.flags))
	for i, one := range f.flags {
		holder := reflect.TypeFor[text]()
		if one.value.Kind() == reflect.Bool {
			holder = reflect.TypeFor[toggle]()
		}
		fields[i] = reflect.StructField{Name: one.Field, Type: holder, Tag: one.kongTag()}
	}
	f.given = reflect.New(reflect.StructOf(fields))
	return f.given.Interface()
}

func (f flag) kongTag() reflect.StructTag {
	var b strings.Builder
	for _, tag := range [][2]string{
		{"name", f.Name()}, {"env", f.Env()}, {"group", f.group}, {"help", f.Help()}, {"default", f.Default}, {"placeholder", f.Placeholder},
	} {
		if tag[1] != "" {
			fmt.Fprintf(&b, "%s:%s ", tag[0], strconv.Quote(tag[1]))
		}
	}
	return reflect.StructTag(strings.TrimSpace(b.String()))
}

// Apply parses the texts that were given, copies the values into the Configs, and sets their other defaults. It returns
// all invalid settings as one joined error, with the names that sources returns. An explicit 0 is valid if the bounds
// include 0 or the setting has a zero tag; the zero tag turns it into Off.
func (f *Flags) Apply(sources Sources) error {
	var faults []error
	for i, one := range f.flags {
		given, ok := f.given.Elem().Field(i).Interface().(interface{ last(list bool) string })
		if !ok {
			panic("settings: the struct was changed")
		}
		value := given.last(one.value.Kind() == reflect.Slice)
		if value == "" {
			continue
		}
		if fault := one.set(value, sources.source(one.Name()).Name); fault != nil {
			faults = append(faults, fault)
		}
	}
	for _, config := range f.configs {
		Defaults(config)
		for _, fault := range rules(reflect.ValueOf(config)) {
			faults = append(faults, rename(fault, sources))
		}
	}
	return errors.Join(faults...)
}

// set parses a text, checks it and copies the value into the Configs. name is the name of the setting that the user has
// written.
func (f flag) set(given, name string) error {
	parsed, err := parse(given, f.value.Type())
	if err != nil {
		return fmt.Errorf("%s %w (got %q)", name, err, given)
	}
	if problem := f.problem(parsed); problem != "" {
		return fmt.Errorf("%s %s (got %s)", name, problem, given)
	}
	if f.Zero != "" && f.Default != "" && parsed.IsZero() {
		parsed = reflect.ValueOf(Off).Convert(parsed.Type())
	}
	for _, field := range f.into {
		field.Set(parsed)
	}
	return nil
}

var flagName = regexp.MustCompile(`--[a-z][a-z0-9-]*`)

// rename replaces the flags in a fault by the names that the user has used. Configs know their flags only.
func rename(fault error, sources Sources) error {
	if fault == nil {
		return nil
	}
	return errors.New(flagName.ReplaceAllStringFunc(fault.Error(), func(flag string) string {
		return sources.source(strings.TrimPrefix(flag, "--")).Name
	}))
}

// Values returns all settings with a flag after Apply, in the order of the help.
func (f *Flags) Values(sources Sources) []Sourced {
	var all []Sourced
	for _, one := range f.flags {
		all = append(all, Sourced{one.Setting, sources.source(one.Name())})
	}
	return all
}

// Names returns the names of all flags without dashes.
func (f *Flags) Names() []string {
	var names []string
	for _, one := range f.flags {
		names = append(names, one.Name())
	}
	return names
}
