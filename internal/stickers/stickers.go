package stickers

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the maximum length of the name of a sticker in bytes, without the colons.
const maxName = 32

// Only reports whether a text consists of emoji and of names of stickers like :rose:, with or without spaces, and has at
// least one of them. A name has 1 to 32 of a-z, 0-9 and _. Emoji are symbols of the emoji blocks of Unicode, with the
// characters that modify and join them, and flags: pairs of regional indicators. Letters and digits in circles and
// squares are no emoji, because words can be written with them.
func Only(text string) bool {
	found := false
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case unicode.IsSpace(r):
		case r == ':':
			name, _, closed := strings.Cut(text[1:], ":")
			if !closed || !isName(name) {
				return false
			}
			found, size = true, len(name)+2
		case isRegional(r):
			second, more := utf8.DecodeRuneInString(text[size:])
			if !isRegional(second) {
				return false
			}
			found, size = true, size+more
		case isEmoji(r):
			found = true
		case !found || !isModifier(r):
			return false
		}
		text = text[size:]
	}
	return found
}

func isName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_') {
			return false
		}
	}
	return name != "" && len(name) <= maxName
}

// isEmoji reports whether r is a symbol of a block of emoji.
func isEmoji(r rune) bool {
	switch {
	case r >= 0x2300 && r <= 0x23ff, r >= 0x2600 && r <= 0x27bf, r >= 0x2b00 && r <= 0x2bff,
		r >= 0x1f000 && r <= 0x1f0ff, r >= 0x1f300 && r <= 0x1faff:
		return unicode.In(r, unicode.So, unicode.Sk)
	}
	return false
}

// isRegional reports whether r is a regional indicator. Two of them are a flag.
func isRegional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// isModifier reports whether r changes or joins the emoji before it.
func isModifier(r rune) bool {
	return r == 0x200d || r == 0xfe0f || r == 0x20e3 || r >= 0xe0020 && r <= 0xe007f
}
