package links

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Contains reports whether a reader would take a part of text for a link: "https://…", "www.…", or a host name such as
// example.org. Full-width letters and dots count like the others. A name and its top-level domain need letters, so
// numbers like 1.5 and abbreviations like e.g. are no links.
//
// It reads text once if text has neither a dot nor a colon.
func Contains(text string) bool {
	if !mayContain(text) {
		return false
	}
	text = strings.ToLower(norm.NFKC.String(text))
	for word := range strings.FieldsFuncSeq(text, separates) {
		if _, rest, found := strings.Cut(word, "://"); found && rest != "" || isHost(word) {
			return true
		}
	}
	return false
}

// mayContain reports whether text has a dot or a colon of any form.
func mayContain(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '.', c == ':':
			return true
		case c >= utf8.RuneSelf:
			return strings.ContainsAny(text[i:], ".:。．：｡")
		}
	}
	return false
}

// separates reports whether a character cannot be part of a link.
func separates(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("()[]{}<>\"'«»“”、，！？；!,;|", r)
}

// shortestDomain is the minimum number of letters of a top-level domain.
const shortestDomain = 2

// isHost reports whether a word begins with a host name: labels of letters, digits and hyphens, separated by single dots,
// of which the last consists of at least two letters, and the one before has at least two characters with a letter.
func isHost(word string) bool {
	word = strings.ReplaceAll(word, "。", ".")
	if end := strings.IndexAny(word, "/?#:@"); end >= 0 {
		word = word[:end]
	}
	labels := strings.Split(strings.Trim(word, ".-_*~"), ".")
	last := len(labels) - 1
	if last < 1 || !isDomain(labels[last]) {
		return false
	}
	for _, l := range labels[:last] {
		if l == "" || strings.ContainsFunc(l, func(r rune) bool { return r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			return false
		}
	}
	name := labels[last-1]
	return len(name) > 1 && strings.ContainsFunc(name, unicode.IsLetter)
}

// isDomain reports whether a label can be a top-level domain.
func isDomain(label string) bool {
	n := 0
	for _, r := range label {
		if !unicode.IsLetter(r) {
			return strings.HasPrefix(label, "xn--")
		}
		n++
	}
	return n >= shortestDomain
}
