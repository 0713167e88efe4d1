package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mtibben/confusables"
	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// personName returns the name of a person without spaces at both ends. In addition to text, it refuses the name of the
// server with the code taken, characters that the PRECIS class for names does not allow (RFC 8264 section 4.3, RFC
// 8266: invisible characters, direction marks, unassigned code points), and names without a visible character. Emoji
// sequences are accepted.
func personName(field, s string, least, most int, taken Code) (string, error) {
	name, err := text(field, s, least, most)
	switch {
	case err != nil || name == "":
		return name, err
	case reserved(name):
		return "", refuse(taken, "the name %s is reserved", name)
	}
	if _, err := precis.Nickname.String(withoutEmojiJoiners(name)); err != nil || !strings.ContainsFunc(name, visible) {
		return "", refuse(CodeTextInvalid, "%s must consist of visible characters: letters, digits, signs, emoji, and spaces between them", field)
	}
	return name, nil
}

// Code points that join or vary emoji (UTS #51).
const (
	zeroWidthJoiner = '\u200d'
	emojiVariation  = '\ufe0f'
	brailleBlank    = '\u2800'
)

// withoutEmojiJoiners removes the joiners and variation selectors that belong to an emoji sequence.
func withoutEmojiJoiners(s string) string {
	emoji := false // the previous character is an emoji
	return strings.Map(func(r rune) rune {
		if emoji && (r == zeroWidthJoiner || r == emojiVariation) {
			return -1
		}
		emoji = unicode.Is(unicode.So, r) || r >= 0x1f3fb && r <= 0x1f3ff // skin tones
		return r
	}, s)
}

// visible reports whether a reader sees r.
func visible(r rune) bool {
	return r != brailleBlank && unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// Lookalike returns a form that a name shares with the names that a reader could take for it: names that differ in
// case, width, invisible characters, spaces, or in characters of other scripts that look the same (UTS #39 section 4).
// It is for comparison only.
//
// The text of a command is not bounded yet when the log compares names, so a text that is too long to be a name is
// returned unchanged.
func Lookalike(name string) string {
	if len(name) > 8*utf8.UTFMax*maxName {
		return name
	}
	seen := strings.Map(func(r rune) rune {
		if r == brailleBlank || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, norm.NFKC.String(name))
	skeleton := strings.Join(strings.Fields(seen), " ")
	for range 2 { // some characters look alike only as capitals, others only as small letters
		skeleton = cases.Fold().String(confusables.Skeleton(skeleton))
	}
	skeleton = norm.NFKC.String(skeleton)
	return strings.ReplaceAll(skeleton, "i", "l") // a capital i looks like a small l
}

// NamedCommand is a command that gives a user a name. The log sets the keyed hash of the name's Lookalike before it
// executes the command.
type NamedCommand interface {
	Command
	// WithLookalikeKey returns the command with the keyed hashes that key computes of a name's Lookalike.
	WithLookalikeKey(key func(name string) string) Command
}

// reserved reports whether users could mistake a name for SystemName.
func reserved(name string) bool {
	return strings.ReplaceAll(Lookalike(name), " ", "") == Lookalike(SystemName)
}

// SystemName is the name of the server as the author of chat messages. Users cannot take it.
const SystemName = "系统"
