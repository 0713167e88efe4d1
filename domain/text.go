package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"roomlog/internal/names"
)

// Maximum lengths of texts in Unicode code points, without spaces at both ends.
const (
	MaxReason = 100 // maximum length of the reasons of operators and streamers

	maxName    = 32
	maxTitle   = 100
	maxComment = 200
)

// maxURL is the maximum length of a URL in bytes.
const maxURL = 1024

// text returns s without spaces at both ends. It refuses the result unless it is valid UTF-8 of least to most code
// points, without control characters. It also refuses U+FFFD, which decoders substitute for invalid bytes, and a text
// that is not empty but has no visible character. Tables can store every text that passes, and clients and terminals
// can display it.
func text(field, s string, least, most int) (string, error) {
	return boundedText(field, s, least, most, "")
}

// multilineText does the same as text, for a field that may contain line breaks and tabs. It replaces CR LF and CR by
// LF.
func multilineText(field, s string, least, most int) (string, error) {
	return boundedText(field, s, least, most, "\r\n\t")
}

// lineBreaks replaces the line breaks of other systems by LF.
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// boundedText does the same as text, for a field that may contain the control characters in allowed.
func boundedText(field, s string, least, most int, allowed string) (string, error) {
	if len(s) > 8*utf8.UTFMax*most { // too long in any case; refused before the bytes are read
		return "", tooLong(field, most)
	}
	if err := checkCharacters(field, s, allowed); err != nil {
		return "", err
	}
	s = strings.TrimSpace(lineBreaks.Replace(s))
	switch n := utf8.RuneCountInString(s); {
	case n < least:
		return "", refuse(codesFor(field).empty, "%s must not be empty", field)
	case n > most:
		return "", tooLong(field, most)
	case n > 0 && !names.HasVisible(s):
		return "", refuse(CodeTextInvalid, "%s must have a visible character: a letter, a digit, a sign or an emoji", field)
	}
	return s, nil
}

// operatorReason returns the reason of an operator's action without spaces at both ends, or a *Refusal.
func operatorReason(s string) (string, error) { return text("reason", s, 0, MaxReason) }

// personName does the same as visibleName, for the name of a person. It also refuses, with the code taken, a name that
// looks like SystemName or ErasedText.
func personName(field, s string, least, most int, taken Code) (string, error) {
	name, err := text(field, s, least, most)
	switch {
	case err != nil || name == "":
		return name, err
	case reserved(name):
		return "", refuse(taken, "the name %s is reserved", name)
	}
	return visibleName(field, s, least, most)
}

// visibleName returns a name without spaces at both ends. It checks the name like text, and refuses a name that is not
// names.Visible: readers could take it for another name.
func visibleName(field, s string, least, most int) (string, error) {
	name, err := text(field, s, least, most)
	if err != nil || name == "" {
		return name, err
	}
	if !names.Visible(name) {
		return "", refuse(CodeTextInvalid, "%s must consist of visible characters: letters, digits, signs, emoji, and spaces between them", field)
	}
	return name, nil
}

func tooLong(field string, most int) error {
	return refuse(codesFor(field).tooLong, "%s must have at most %d characters", field, most)
}

type textCodes struct{ empty, tooLong Code }

// codesFor returns the refusal codes for a field. Comments and messages have their own codes, because clients display
// different texts for them.
func codesFor(field string) textCodes {
	switch field {
	case "comment":
		return textCodes{CodeCommentEmpty, CodeCommentTooLong}
	case "message":
		return textCodes{CodeMessageEmpty, CodeMessageTooLong}
	}
	return textCodes{CodeTextEmpty, CodeTextTooLong}
}

func checkReadable(field, s string) error { return checkCharacters(field, s, "") }

// checkCharacters does the same as checkReadable, for a field that may also contain the control characters in allowed.
func checkCharacters(field, s, allowed string) error {
	if !utf8.ValidString(s) {
		return refuse(CodeTextInvalid, "%s must be valid UTF-8", field)
	}
	for _, r := range s {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) || r == utf8.RuneError {
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

// onlyOf reports whether s contains no other characters than those in allowed.
func onlyOf(s, allowed string) bool { return strings.Trim(s, allowed) == "" }

// hexadecimal reports whether every byte of s is one of 0-9a-f.
func hexadecimal(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// uploadPath begins the path of every uploaded file.
const uploadPath = "/uploads/"

// checkOptionalURL returns a *Refusal if s is neither empty nor the URL of an image. Pages put such URLs into img and
// anchor elements, so only http and https URLs and paths of uploads are accepted.
func checkOptionalURL(field, s string) error {
	switch {
	case s == "":
		return nil
	case len(s) > maxURL:
		return refuse(CodeTextTooLong, "%s must have at most %d bytes", field, maxURL)
	case strings.ContainsFunc(s, unicode.IsSpace):
		return refuse(CodeTextInvalid, "%s must not contain spaces", field)
	}
	if err := checkReadable(field, s); err != nil {
		return err
	}
	if strings.ContainsAny(s, "\"<>\\`") || !isWebURL(s) && !isUploadPath(s) {
		return refuse(CodeTextInvalid, "%s must be a URL that begins with http:// or https://, or the path of an upload, like %s…", field, uploadPath)
	}
	return nil
}

// isWebURL reports whether s is an http or https URL with a host and without a user name.
func isWebURL(s string) bool {
	scheme, rest, found := strings.Cut(s, "://")
	if !found || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return false
	}
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	return host != "" && host[0] != ':' && !strings.Contains(host, "@")
}

// isUploadPath reports whether s is the path of an uploaded file.
func isUploadPath(s string) bool {
	name, ours := strings.CutPrefix(s, uploadPath)
	return ours && name != "" && !strings.ContainsAny(name, "/?#%")
}

// Names that users cannot take.
const (
	SystemName = "系统"     // name of the server as the author of chat messages
	ErasedText = "erased" // what readers see instead of the names and texts of a user or participant who was forgotten
)

// reserved reports whether users could mistake a name for SystemName or ErasedText.
func reserved(name string) bool {
	form := strings.ReplaceAll(names.Lookalike(name), " ", "")
	return form == names.Lookalike(SystemName) || form == names.Lookalike(ErasedText)
}
