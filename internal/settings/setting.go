package settings

import (
	"reflect"
	"strings"
	"unicode"
)

// Off is the value of a numeric setting that is switched off. It is not 0, because 0 means the default.
const Off = -1

// Setting describes one field of a Config.
type Setting struct {
	Field       string // name of the Go field: CommentRate
	Default     string
	Min, Max    string
	Zero        string // the zero tag: the meaning of 0; empty if 0 has no special meaning
	OneOf       []string
	Unit        string
	Text        string // the help tag; empty for a setting without a flag
	Placeholder string

	owner reflect.Type // the struct that contains the field
	value reflect.Value
}

// Name returns the name of the flag without dashes, for example comment-rate.
func (s Setting) Name() string { return kebab(s.Field) }

// Env returns the name of the environment variable, for example ROOMLOG_COMMENT_RATE.
func (s Setting) Env() string {
	return "ROOMLOG_" + strings.ToUpper(strings.ReplaceAll(s.Name(), "-", "_"))
}

// Help returns the help text of the flag: the sentence, the unit, the bounds and the meaning of 0.
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

// Value returns the value of the field.
func (s Setting) Value() any { return s.value.Interface() }
