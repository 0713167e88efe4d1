package links

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"

	"roomlog/internal/names"
)

// Contains reports whether a reader would take a part of text for an address on the internet. Addresses are:
// "https://…", an e-mail address, an IPv4 address, a host name of a known top-level domain such as t.me or
// example.org, and a host name of any top-level domain with a path. Characters that a reader does not see, or takes for
// others, hide no address. Numbers like 1.5, times and abbreviations like a.m. are no addresses.
func Contains(text string) bool {
	if !mayContain(text) {
		return false
	}
	for word := range strings.FieldsFuncSeq(fold(text), separates) {
		if scheme, rest, found := strings.Cut(word, "://"); found && scheme != "" && rest != "" || hasHost(word) {
			return true
		}
	}
	return false
}

// mayContain reports whether text has a dot, a colon, or a character that is not ASCII and might be folded to one.
func mayContain(text string) bool {
	if strings.IndexByte(text, '.') >= 0 || strings.IndexByte(text, ':') >= 0 {
		return true
	}
	const notASCII = 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] { // eight bytes at a time, as one load
		word := uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
			uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
		if word&notASCII != 0 {
			return true
		}
	}
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// lookalikes replaces characters that have no compatible form by the ASCII characters that they look like, or for which
// browsers take them.
var lookalikes = strings.NewReplacer("。", ".", "\u0701", ".", "\u0702", ".", "\ua4f8", ".", "\ua60e", ".", "\U00010a50", ".", "\U0001d16d", ".",
	"\u2236", ":", "\ua789", ":", "\u02d0", ":", "\u2044", "/", "\u2215", "/", "\u29f8", "/", `\`, "/")

// bracketed matches a dot in brackets; spaced matches a dot after a space.
var (
	bracketed = regexp.MustCompile(`\s*[(\[{<【〔]\s*\.\s*[)\]}>】〕]\s*`)
	spaced    = regexp.MustCompile(`([\pL\pM\pN_])\s+\.([\pL\pN])`)
)

// fold returns text in small letters, without invisible characters, with ASCII dots, colons and slashes. A dot that is in
// brackets, or that begins a word, belongs to the word before it.
func fold(text string) string {
	text = lookalikes.Replace(strings.ToLower(norm.NFKC.String(strings.Map(dropInvisible, text))))
	return spaced.ReplaceAllString(bracketed.ReplaceAllString(text, "."), "$1.$2")
}

func dropInvisible(r rune) rune {
	if unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
		return -1
	}
	return r
}

// separates reports whether a character cannot be part of an address.
func separates(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("()[]{}<>【】〔〕\"'«»“”、，！？；!,;|*~", r)
}

// hasHost reports whether a part of a word is a host name or an IPv4 address.
func hasHost(word string) bool {
	for word != "" {
		end := strings.IndexAny(word, "/?#:@=&")
		if end < 0 {
			return isHost(word, false)
		}
		if isHost(word[:end], word[end] == '/' && end+1 < len(word)) {
			return true
		}
		word = word[end+1:]
	}
	return false
}

// isHost reports whether s is an IPv4 address or a host name. A host name has a known top-level domain, or a path follows
// it and its top-level domain consists of letters.
func isHost(s string, path bool) bool {
	s = strings.Trim(s, ".-_")
	if address, err := netip.ParseAddr(s); err == nil {
		return address.Is4()
	}
	labels := strings.Split(s, ".")
	last := len(labels) - 1
	if last < 1 {
		return false
	}
	for _, l := range labels[:last] {
		if l == "" || strings.ContainsFunc(l, outsideLabel) {
			return false
		}
	}
	domain := labels[last]
	if path && len(domain) > 1 && !strings.ContainsFunc(domain, func(r rune) bool { return !unicode.IsLetter(r) }) {
		return true
	}
	if !isDomain(domain) {
		return false
	}
	return strings.ContainsFunc(labels[last-1], unicode.IsLetter) || len(labels[last-1]) >= shortestNumber && strings.Contains(numbered, domain)
}

// A name of digits is a host name only if it has shortestNumber digits, as 163.com has, and one of the domains in numbered.
// "5.in total" contains no host name.
const (
	shortestNumber = 3
	numbered       = "com net org cn"
)

// outsideLabel reports whether a host name cannot contain r in a label.
func outsideLabel(r rune) bool {
	return r != '-' && r != '_' && !unicode.In(r, unicode.Letter, unicode.Mark, unicode.Digit)
}

// isDomain reports whether a label begins with a known top-level domain, up to the end or to the text in another script
// that follows.
func isDomain(label string) bool {
	if known(label) {
		return true
	}
	end := strings.IndexFunc(label, func(r rune) bool { return r >= utf8.RuneSelf })
	return end >= 0 && (known(names.Lookalike(label)) || known(label[:end]))
}

// known reports whether a top-level domain is one of the internet.
func known(domain string) bool {
	ascii, err := idna.ToASCII(domain)
	if err != nil || len(ascii) < 2 {
		return false
	}
	_, listed := publicsuffix.PublicSuffix("host." + ascii) // Some domains are listed only as *.domain.
	return listed
}
