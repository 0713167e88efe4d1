package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of texts, in Unicode code points after trimming; of addresses, in bytes.
const (
	maxName    = 32
	maxTitle   = 100
	maxComment = 200
	maxAddress = 1024
)

// text answers s without surrounding space, or refuses it: every text in the log is valid UTF-8
// without NUL and other control characters and of bounded length, so that no table, client or
// terminal stumbles over it. U+FFFD is refused as well: it is what decoders make of half a character.
func text(field, s string, least, most int) (string, error) {
	if len(s) > 8*utf8.UTFMax*most { // before anything reads it through
		return "", tooLong(field, most)
	}
	if err := readable(field, s); err != nil {
		return "", err
	}
	s = strings.TrimSpace(s)
	switch n := utf8.RuneCountInString(s); {
	case n < least:
		return "", refuse(codesOf(field).empty, "%s cannot be empty", field)
	case n > most:
		return "", tooLong(field, most)
	}
	return s, nil
}

func tooLong(field string, most int) error {
	return refuse(codesOf(field).tooLong, "%s has %d characters at most", field, most)
}

type textCodes struct{ empty, tooLong Code }

// codesOf answers the codes of what people say most, which clients show with texts of their own.
func codesOf(field string) textCodes {
	switch field {
	case "comment":
		return textCodes{CodeCommentEmpty, CodeCommentTooLong}
	case "message":
		return textCodes{CodeMessageEmpty, CodeMessageTooLong}
	}
	return textCodes{CodeTextEmpty, CodeTextTooLong}
}

func readable(field, s string) error {
	if !utf8.ValidString(s) {
		return refuse(CodeTextInvalid, "%s is not valid UTF-8", field)
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return refuse(CodeTextInvalid, "%s has a character that cannot be shown", field)
		}
	}
	return nil
}

// printable says whether every byte of s is printable ASCII.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// optionalAddress refuses what cannot be the address of a picture. Which schemes they open is the
// clients' business: old ones send all kinds.
func optionalAddress(field, s string) error {
	switch {
	case s == "":
		return nil
	case len(s) > maxAddress:
		return refuse(CodeTextTooLong, "%s has %d bytes at most", field, maxAddress)
	case strings.ContainsFunc(s, unicode.IsSpace):
		return refuse(CodeTextInvalid, "%s has a space", field)
	}
	return readable(field, s)
}
