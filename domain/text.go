package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Maximum lengths of texts in Unicode code points, without spaces at both ends.
const (
	maxName    = 32
	maxTitle   = 100
	maxReason  = 100
	maxComment = 200
)

// text returns s without spaces at both ends. It refuses the result unless it is valid UTF-8 of least to most code
// points, without control characters and without U+FFFD, which decoders substitute for invalid bytes. Tables can
// therefore store every text of the log, and clients and terminals can display it.
func text(field, s string, least, most int) (string, error) {
	if len(s) > 8*utf8.UTFMax*most { // refused without reading the text
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

// operatorReason returns the reason of an action without spaces at both ends, or a *Refusal.
func operatorReason(s string) (string, error) { return text("reason", s, 0, maxReason) }

func tooLong(field string, most int) error {
	return refuse(codesFor(field).tooLong, "%s must have at most %d characters", field, most)
}

type textCodes struct{ empty, tooLong Code }

// codesFor returns the refusal codes for a field. Comments and messages have codes of their own, because clients
// display other texts for them.
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

// reserved reports whether users could mistake a name for SystemName. It ignores spaces and invisible characters.
func reserved(name string) bool {
	visible := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Mn, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, name)
	return visible == SystemName
}

// SystemName is the name of the server as the author of chat messages. Users cannot take it.
const SystemName = "系统"
