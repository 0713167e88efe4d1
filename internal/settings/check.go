package settings

import (
	"errors"
	"fmt"
	"reflect"
)

// checker is implemented by a Config with rules that tags cannot express.
type checker interface{ CheckSettings() error }

// Defaults sets every setting of config that has the zero value to its default.
func Defaults(config any) {
	for _, s := range Of(config) {
		if s.Default == "" || !s.value.IsZero() {
			continue
		}
		v, err := parse(s.Default, s.value.Type())
		if err != nil {
			panic(fmt.Sprintf("settings: %s: %v", s.Field, err))
		}
		s.value.Set(v)
	}
}

// Check returns all invalid settings of config as one joined error. The messages are for users of the command line:
// "--coins-per-unit must be at least 1 (got -3)". The zero value is valid, because it means the default.
func Check(config any) error {
	var faults []error
	for _, s := range Of(config) {
		if !s.value.IsZero() && (s.Zero == "" || !s.off()) {
			faults = append(faults, s.fault(s.value))
		}
	}
	return errors.Join(append(faults, rules(reflect.ValueOf(config))...)...)
}

func (s Setting) fault(v reflect.Value) error {
	problem := s.problem(v)
	switch {
	case problem == "":
		return nil
	case s.Text == "":
		return fmt.Errorf("%s %s (got %v)", s.Field, problem, v)
	}
	return fmt.Errorf("--%s %s (got %v)", s.Name(), problem, v)
}

// rules calls CheckSettings of config and of its nested structs and returns the errors.
func rules(config reflect.Value) (faults []error) {
	if own, ok := config.Interface().(checker); ok {
		faults = append(faults, own.CheckSettings())
	}
	for i := range config.Elem().NumField() {
		field := config.Elem().Field(i)
		if config.Elem().Type().Field(i).IsExported() && field.Kind() == reflect.Struct {
			faults = append(faults, rules(field.Addr())...)
		}
	}
	return faults
}
