package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Maximum lengths of texts in Unicode code points, without surrounding space.
const (
	maxName    = 32
	maxTitle   = 100
	maxReason  = 100
	maxComment = 200
)

// maxURL is the maximum length of a URL in bytes.
const maxURL = 1024

// text returns s without surrounding space. It refuses s unless it is valid UTF-8 of least to most code points,
// without control characters and without U+FFFD, which decoders substitute for a broken character. Every text in
// the log can therefore be stored in tables and shown by clients and terminals.
func text(field, s string, least, most int) (string, error) {
	if len(s) > 8*utf8.UTFMax*most { // refused before the text is scanned
		return "", tooLong(field, most)
	}
	if err := checkReadable(field, s); err != nil {
		return "", err
	}
	s = strings.TrimSpace(s)
	switch n := utf8.RuneCountInString(s); {
	case n < least:
		return "", refuse(codesFor(field).empty, "%s must not be empty", field)
	case n > most:
		return "", tooLong(field, most)
	}
	return s, nil
}

// operatorReason returns the reason of an action without surrounding space.
func operatorReason(s string) (string, error) { return text("reason", s, 0, maxReason) }

func tooLong(field string, most int) error {
	return refuse(codesFor(field).tooLong, "%s must have at most %d characters", field, most)
}

type textCodes struct{ empty, tooLong Code }

// codesFor returns the codes of a field. Clients show comments and messages with texts of their own.
func codesFor(field string) textCodes {
	switch field {
	case "comment":
		return textCodes{CodeCommentEmpty, CodeCommentTooLong}
	case "message":
		return textCodes{CodeMessageEmpty, CodeMessageTooLong}
	}
	return textCodes{CodeTextEmpty, CodeTextTooLong}
}

func checkReadable(field, s string) error {
	if !utf8.ValidString(s) {
		return refuse(CodeTextInvalid, "%s must be valid UTF-8", field)
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return refuse(CodeTextInvalid, "%s has a character that cannot be shown", field)
		}
	}
	return nil
}

// printable reports whether every byte of s is printable ASCII.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// hexadecimal reports whether every byte of s is one of 0-9a-f.
func hexadecimal(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// checkOptionalURL refuses what cannot be the URL of an image. Old clients send every scheme, so it accepts all.
func checkOptionalURL(field, s string) error {
	switch {
	case s == "":
		return nil
	case len(s) > maxURL:
		return refuse(CodeTextTooLong, "%s must have at most %d bytes", field, maxURL)
	case strings.ContainsFunc(s, unicode.IsSpace):
		return refuse(CodeTextInvalid, "%s must not contain spaces", field)
	}
	return checkReadable(field, s)
}

// reserved reports whether a name could be mistaken for SystemName. It ignores spaces and invisible characters.
func reserved(name string) bool {
	visible := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Mn, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, name)
	return visible == SystemName
}

// SystemName is the name under which the server speaks in the chat. It is reserved.
const SystemName = "系统"
