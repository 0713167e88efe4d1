package cli

import (
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"strings"

	"roomlog/internal/settings"
)

// minQuery is the minimum length in bytes of a query that is hidden where it occurs without its URL. Shorter queries
// occur in other texts.
const minQuery = 6

// Redactor writes texts, such as log messages and errors of libraries, without secrets. It removes the passwords,
// user names and queries of the URLs in the command line, the environment, the configuration file and the files of
// secrets. Write may be called concurrently; Hide must be called before.
type Redactor struct {
	to     io.Writer
	pairs  []string // text, replacement, text, replacement, …
	hidden *strings.Replacer
}

// NewRedactor returns a Redactor that writes to w.
func NewRedactor(w io.Writer) *Redactor { return &Redactor{to: w} }

// Unwrap returns the writer that the Redactor writes to.
func (r *Redactor) Unwrap() io.Writer { return r.to }

// Write writes p without secrets. A secret in two writes is not found, so a text must be written with one.
func (r *Redactor) Write(p []byte) (int, error) {
	if r.hidden == nil {
		return r.to.Write(p)
	}
	// One write, so that texts of several writers are not mixed.
	if _, err := io.WriteString(r.to, r.hidden.Replace(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Hide hides the secrets of values: arguments like --name=URL, variables like NAME=URL, URLs, and lists of URLs.
func (r *Redactor) Hide(values ...string) {
	for _, value := range values {
		r.hide(value)
		if _, behind, found := strings.Cut(value, "="); found {
			r.hide(behind)
		}
	}
	if len(r.pairs) > 0 {
		r.hidden = strings.NewReplacer(r.pairs...)
	}
}

func (r *Redactor) hide(value string) {
	shown := settings.Redact(value)
	if shown == value {
		return
	}
	r.replace(value, shown)
	_, rest, isURL := strings.Cut(value, "//")
	if !isURL {
		return
	}
	if items := strings.Split(value, ","); len(items) > 1 { // a list, or one URL with a comma in its password
		for _, item := range items {
			item = strings.TrimSpace(item)
			if at := strings.LastIndexByte(item, '@'); at >= 0 && !strings.Contains(item, "//") {
				r.replace(item, "xxxxx"+item[at:])
			}
			r.hide(item)
		}
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		r.replace(rest[:at+1], "xxxxx@")
	}
	if u, err := url.Parse(value); err == nil {
		if u.User != nil {
			r.replace(u.User.String()+"@", "xxxxx@")
			r.replace(url.User(u.User.Username()).String()+":***@", "xxxxx@") // as package net/http shows it
		}
		if len(u.RawQuery) >= minQuery {
			r.replace("?"+u.RawQuery, "?xxxxx")
		}
	}
}

// replace replaces a text, also where it is quoted.
func (r *Redactor) replace(text, by string) {
	quoted := strconv.Quote(text)
	r.pairs = append(r.pairs, text, by, quoted[1:len(quoted)-1], by)
	if inJSON, err := json.Marshal(text); err == nil {
		r.pairs = append(r.pairs, string(inJSON[1:len(inJSON)-1]), by)
	}
}
