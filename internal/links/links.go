package links

import (
	"net/netip"
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
	text = strings.ToLower(norm.NFKC.String(strings.Map(visible, text)))
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
			return strings.ContainsAny(text[i:], ".:。．：｡․﹒︓﹕")
		}
	}
	return false
}

// visible removes characters that nobody sees, and makes slashes of backslashes, as browsers do.
func visible(r rune) rune {
	switch {
	case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return -1
	case r == '\\':
		return '/'
	}
	return r
}

// separates reports whether a character cannot be part of a link.
func separates(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("()[]{}<>\"'«»“”、，！？；!,;|", r)
}

// shortestDomain is the minimum number of letters of a top-level domain.
const shortestDomain = 2

// isHost reports whether a word begins with a host name: labels of letters, digits and hyphens, separated by single dots,
// of which the last consists of at least two letters, and the one before has at least two characters with a letter, or one
// letter before a path such as t.me/name or before a top-level domain that is not in Latin letters. An address of IPv4 before a
// path or port counts, too. E-mail addresses are no links.
func isHost(word string) bool {
	word = strings.ReplaceAll(word, "。", ".")
	path := false
	if end := strings.IndexAny(word, "/?#:@"); end >= 0 {
		path = word[end] != '@' && end+1 < len(word)
		word = word[:end]
	}
	if ip, err := netip.ParseAddr(word); err == nil && ip.Is4() {
		return path
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
	long := len(name) > 1 || path || labels[last][0] >= utf8.RuneSelf
	return long && strings.ContainsFunc(name, unicode.IsLetter)
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
