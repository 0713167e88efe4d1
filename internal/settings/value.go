package settings

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parse converts the text of a tag, a flag, a variable or a file to a value of type t. The elements of a slice are separated
// by commas. The error describes the values that are allowed.
func parse(text string, t reflect.Type) (reflect.Value, error) {
	v := reflect.New(t).Elem()
	if unmarshaler, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return v, unmarshaler.UnmarshalText([]byte(text))
	}
	switch {
	case t == duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			err = errors.New("must be a duration like 500ms, 30s, 10m or 24h")
		}
		v.SetInt(int64(d))
		return v, err
	case v.CanInt():
		n, err := strconv.ParseInt(text, 10, t.Bits())
		if err != nil {
			return v, fmt.Errorf("must be a whole number of at most %d digits", len(strconv.FormatInt(1<<(t.Bits()-1)-1, 10))-1)
		}
		v.SetInt(n)
		return v, nil
	case v.CanFloat():
		f, err := strconv.ParseFloat(text, t.Bits())
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return v, errors.New("must be a number")
		}
		v.SetFloat(f)
		return v, nil
	case t.Kind() == reflect.Bool:
		return parseBool(text, v)
	case t.Kind() == reflect.String:
		v.SetString(text)
		return v, nil
	case t.Kind() == reflect.Slice:
		for item := range strings.SplitSeq(text, ",") {
			one, err := parse(strings.TrimSpace(item), t.Elem())
			if err != nil {
				return v, err
			}
			v = reflect.Append(v, one)
		}
		return v, nil
	}
	return v, fmt.Errorf("cannot be of type %s", t)
}

func parseBool(text string, v reflect.Value) (reflect.Value, error) {
	switch strings.ToLower(text) {
	case "true", "1", "yes":
		v.SetBool(true)
	case "false", "0", "no":
		v.SetBool(false)
	default:
		return v, errors.New("must be true or false")
	}
	return v, nil
}

// Problem returns a description of the error in the number v, or "" if v is within the bounds. If least is empty, v must not be
// negative. If most is empty, there is no upper bound.
func Problem(v reflect.Value, least, most string) string {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return Setting{Min: least, Max: most}.problem(v)
}

// problem returns a description of the error in the value v, or "" if v is valid.
func (s Setting) problem(v reflect.Value) string {
	if len(s.OneOf) > 0 {
		return s.notOneOf(v)
	}
	switch {
	case s.Zero != "" && v.IsZero():
		return ""
	case s.Min != "" && s.compare(v, s.Min) < 0:
		return "must be at least " + s.Min
	case s.Max != "" && s.compare(v, s.Max) > 0:
		return "must be at most " + s.Max
	case s.Min == "" && (v.CanInt() && v.Int() < 0 || v.CanFloat() && v.Float() < 0):
		return "must not be negative"
	}
	return ""
}

func (s Setting) notOneOf(v reflect.Value) string {
	values := []string{}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			values = append(values, v.Index(i).String())
		}
	} else {
		values = append(values, v.String())
	}
	for _, value := range values {
		if !slices.Contains(s.OneOf, value) {
			return "must be one of " + strings.Join(s.OneOf, ", ")
		}
	}
	return ""
}

func (s Setting) compare(v reflect.Value, bound string) int {
	limit, err := parse(bound, v.Type())
	switch {
	case err != nil:
		panic(fmt.Sprintf("settings: %s: %v", s.Field, err))
	case v.CanInt():
		return cmp.Compare(v.Int(), limit.Int())
	case v.CanFloat():
		return cmp.Compare(v.Float(), limit.Float())
	}
	panic(fmt.Sprintf("settings: %s: min and max are for numbers", s.Field))
}
