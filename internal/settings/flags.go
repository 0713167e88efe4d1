package settings

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Flags combines the settings of several Configs in one struct that the kong parser can parse into. If two Configs
// contain the same nested struct, each of its settings is one flag, and both Configs receive the value.
type Flags struct {
	configs []any
	flags   []flag
	parsed  reflect.Value // pointer to a struct with one field per flag
}

type flag struct {
	Setting
	group string
	into  []reflect.Value // the fields that receive the value
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

// Struct returns the pointer that kong parses into, as an element of a kong.Plugins field. Do not call Add
// afterwards.
func (f *Flags) Struct() any {
	fields := make([]reflect.StructField, len(f.flags))
	for i, one := range f.flags {
		fields[i] = reflect.StructField{Name: one.Field, Type: one.value.Type(), Tag: one.kongTag()}
	}
	f.parsed = reflect.New(reflect.StructOf(fields))
	return f.parsed.Interface()
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

// Apply copies the parsed values into the Configs, sets their other defaults, and returns all invalid settings as one
// joined error. An explicit 0 is valid if the bounds include 0 or the setting has a zero tag; the zero tag turns it
// into Off.
func (f *Flags) Apply() error {
	var faults []error
	for i, one := range f.flags {
		parsed := f.parsed.Elem().Field(i)
		if fault := one.fault(parsed); fault != nil && (one.Default != "" || !parsed.IsZero()) {
			faults = append(faults, fault)
			continue
		}
		if one.Zero != "" && one.Default != "" && parsed.IsZero() {
			parsed = reflect.ValueOf(Off).Convert(parsed.Type())
		}
		for _, field := range one.into {
			field.Set(parsed)
		}
	}
	for _, config := range f.configs {
		Defaults(config)
		faults = append(faults, rules(reflect.ValueOf(config))...)
	}
	return errors.Join(faults...)
}
