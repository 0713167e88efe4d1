package query

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/domain"
)

// Check returns a *domain.Refusal if the query cannot be decoded, contains a parameter that is not in known, contains a
// parameter twice that is not a list, or contains a value that is not text: the database would refuse it.
func Check(rawQuery string, known []*huma.Param) error {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return refusal("the query is malformed: %.80v", err)
	}
	for name, sent := range values {
		p := find(known, name)
		switch {
		case p == nil:
			return refusal("there is no query parameter %.40q: %s", name, list(known))
		case len(sent) > 1 && !isList(p):
			return refusal("%s must be sent at most once (got %d)", name, len(sent))
		}
		if i := slices.IndexFunc(sent, notText); i >= 0 {
			return refusal("%s must be text in UTF-8 without the character NUL (got %.40q)", name, sent[i])
		}
	}
	return nil
}

// notText reports whether PostgreSQL cannot store a value as text.
func notText(value string) bool { return !utf8.ValidString(value) || strings.ContainsRune(value, 0) }

func find(known []*huma.Param, name string) *huma.Param {
	i := slices.IndexFunc(known, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
	if i < 0 {
		return nil
	}
	return known[i]
}

func isList(p *huma.Param) bool { return p.Schema != nil && p.Schema.Type == huma.TypeArray }

// list returns a sentence with the names of the query parameters in known.
func list(known []*huma.Param) string {
	var names []string
	for _, p := range known {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return "this endpoint has none"
	}
	slices.Sort(names)
	return "this endpoint has " + strings.Join(names, ", ")
}

// Explain returns a sentence about a wrong value of p, such as "limit must be a whole number from 1 to 500 (got -1)".
// It reports false if the schema of p does not define the correct values.
func Explain(p *huma.Param, value any) (sentence string, ok bool) {
	if p.Schema == nil {
		return "", false
	}
	if p.Required && value == "" {
		return p.Name + " is missing: send " + p.Description, true
	}
	var right string
	switch s := p.Schema; {
	case s.Type == huma.TypeInteger:
		right = "a whole number" + bounds(s)
	case s.Type == huma.TypeBoolean:
		right = "true or false"
	case len(s.Enum) > 0:
		right = "one of " + strings.Join(strings.Fields(fmt.Sprintln(s.Enum...)), ", ")
	case s.Format == "date-time":
		right = "a time like 2026-01-31T15:04:05Z"
	case s.MaxLength != nil:
		right = fmt.Sprintf("a text of at most %d characters", *s.MaxLength)
	default:
		return "", false
	}
	return fmt.Sprintf("%s must be %s (got %.40s)", p.Name, right, fmt.Sprint(value)), true
}

func bounds(s *huma.Schema) string {
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		return fmt.Sprintf(" from %.0f to %.0f", *s.Minimum, *s.Maximum)
	case s.Minimum != nil:
		return fmt.Sprintf(" of at least %.0f", *s.Minimum)
	}
	return ""
}

// Reader reads the query parameters of a request. It keeps the first error.
type Reader struct {
	values url.Values
	known  []*huma.Param
	err    error
}

// NewReader returns a Reader for the parameters in known.
func NewReader(values url.Values, known []*huma.Param) *Reader {
	return &Reader{values: values, known: known}
}

// Err returns a *domain.Refusal if a value that was read is wrong.
func (r *Reader) Err() error { return r.err }

// Integer sets *v to the value of a parameter, if the query contains it. The schema of the parameter defines the
// bounds.
func (r *Reader) Integer(name string, v *int64) {
	p, text := find(r.known, name), r.values.Get(name)
	if text == "" {
		return
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if s := p.Schema; err != nil || s.Minimum != nil && float64(n) < *s.Minimum || s.Maximum != nil && float64(n) > *s.Maximum {
		r.refuse(p, text)
		return
	}
	*v = n
}

// Boolean sets *v to the value of a parameter, if the query contains it.
func (r *Reader) Boolean(name string, v *bool) {
	text := r.values.Get(name)
	if text == "" {
		return
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		r.refuse(find(r.known, name), text)
		return
	}
	*v = b
}

// Word sets *v to the value of a parameter, if the query contains it. The schema of the parameter lists the words.
func (r *Reader) Word(name string, v *string) {
	p, text := find(r.known, name), r.values.Get(name)
	if text == "" {
		return
	}
	if !slices.Contains(p.Schema.Enum, any(text)) {
		r.refuse(p, text)
		return
	}
	*v = text
}

func (r *Reader) refuse(p *huma.Param, text string) {
	if sentence, ok := Explain(p, text); ok && r.err == nil {
		r.err = refusal("%s", sentence)
	}
}

func refusal(format string, args ...any) error {
	return &domain.Refusal{Code: domain.CodeBadRequest, Text: fmt.Sprintf(format, args...)}
}
