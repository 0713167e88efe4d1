package settings

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// Off is the value of a numeric setting that is switched off. It is not 0, because 0 means the default.
const Off = -1

var duration = reflect.TypeFor[time.Duration]()

// Setting describes one field of a Config.
type Setting struct {
	Field       string // name of the Go field: CommentRate
	Default     string
	Min, Max    string
	Zero        string // zero tag: the meaning of 0; empty if 0 has no special meaning
	OneOf       []string
	Unit        string
	Text        string // help tag; empty for a setting without a flag
	Placeholder string
	Variable    string // the env tag: the environment variable, if its name does not follow from the field

	owner reflect.Type // struct that contains the field
	value reflect.Value
}

// Name returns the name of the flag without dashes, for example comment-rate.
func (s Setting) Name() string { return kebab(s.Field) }

// Env returns the name of the environment variable, for example ROOMLOG_COMMENT_RATE.
func (s Setting) Env() string {
	if s.Variable != "" {
		return s.Variable
	}
	return "ROOMLOG_" + strings.ToUpper(strings.ReplaceAll(s.Name(), "-", "_"))
}

// TypeName returns the type of the value in words.
func (s Setting) TypeName() string {
	t := s.value.Type()
	switch {
	case t == duration:
		return "duration"
	case s.value.CanInt():
		return "whole number"
	case s.value.CanFloat():
		return "number"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Slice:
		return "list"
	}
	return "text"
}

// Bounds returns the permitted values: the bounds of a number, which are inclusive, or the values of a text. It returns ""
// if there are none.
func (s Setting) Bounds() string {
	switch {
	case s.Min != "" && s.Max != "":
		return s.Min + " to " + s.Max
	case s.Min != "":
		return "at least " + s.Min
	case s.Max != "":
		return "at most " + s.Max
	}
	return strings.Join(s.OneOf, ", ")
}

// Help returns the help text of the flag: the sentence, the unit, the bounds and the meaning of 0.
func (s Setting) Help() string {
	var notes []string
	if s.Unit != "" {
		notes = append(notes, s.Unit)
	}
	switch bounds := s.Bounds(); {
	case len(s.OneOf) > 0:
		notes = append(notes, "one of "+bounds)
	case bounds != "":
		notes = append(notes, bounds)
	}
	if s.Zero != "" {
		notes = append(notes, "0: "+s.Zero)
	}
	if len(notes) == 0 {
		return s.Text
	}
	return s.Text + " (" + strings.Join(notes, "; ") + ")"
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

// Value returns the current value of the Config field that the setting sets.
func (s Setting) Value() any { return s.value.Interface() }

// String returns the value of the field in the syntax in which it is set.
func (s Setting) String() string {
	switch {
	case s.Zero != "" && s.off():
		return "0"
	case s.value.Kind() == reflect.Slice:
		var items []string
		for i := range s.value.Len() {
			items = append(items, fmt.Sprint(s.value.Index(i)))
		}
		return strings.Join(items, ",")
	}
	text := fmt.Sprint(s.value)
	if s.value.Type() == duration {
		for _, zero := range []string{"m0s", "h0m"} { // 720h0m0s is 720h
			if strings.HasSuffix(text, zero) {
				text = text[:len(text)-2]
			}
		}
	}
	return text
}

// Unset returns the text that the help displays in place of a value, for a setting without a value and without a default.
func (s Setting) Unset() string {
	_, text, _ := strings.Cut(s.Text, "Default: ")
	return strings.TrimSuffix(text, ".")
}

// off reports whether the setting has been switched off.
func (s Setting) off() bool {
	return s.value.CanInt() && s.value.Int() == Off || s.value.CanFloat() && s.value.Float() == Off
}
