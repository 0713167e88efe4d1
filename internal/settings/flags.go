package settings

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Flags are the settings of several Configs as one struct that the kong parser understands. A setting that reaches
// two Configs through the same nested struct is one flag, and both get its value.
type Flags struct {
	configs []any
	flags   []flag
	parsed  reflect.Value // pointer to a struct with one field for each flag
}

type flag struct {
	Setting
	group string
	into  []reflect.Value // the fields that get the value
}

// Add adds the settings of config that have a help tag. The help shows them under a group of flags. Add panics when
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

// Struct returns the pointer that kong parses into: an element of a kong.Plugins field. Add must not be called
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

// Apply copies what was parsed into the Configs, fills their other defaults, and returns every fault, joined. Here an
// explicit 0 must be permitted by the bounds or by the zero tag, which turns it into Off.
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
