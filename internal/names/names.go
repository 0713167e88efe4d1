package names

import (
	"strings"
	"unicode"

	"github.com/mtibben/confusables"
	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// maxLength is the length in bytes up to which Lookalike compares strings. Longer strings are not names.
const maxLength = 1024

// Code points that join or vary emoji (UTS #51).
const (
	zeroWidthJoiner = '\u200d'
	emojiVariation  = '\ufe0f'
)

// blanks contains the symbols and letters whose glyph is empty: a braille pattern, a notehead, two hieroglyphs.
const blanks = "\u2800\U0001d159\U00013441\U00013442"

// Visible reports whether a name contains a visible character, and no character that the freeform class of PRECIS does not
// allow (RFC 8264 section 4.3): invisible characters, direction marks, unassigned code points. Joiners and variation
// selectors are allowed inside emoji sequences.
func Visible(name string) bool {
	_, err := precis.Nickname.String(withoutEmojiJoiners(name))
	return err == nil && HasVisible(name)
}

// withoutEmojiJoiners removes the joiners and variation selectors that belong to an emoji sequence.
func withoutEmojiJoiners(s string) string {
	emoji := false // whether the previous character is an emoji
	return strings.Map(func(r rune) rune {
		if emoji && (r == zeroWidthJoiner || r == emojiVariation) {
			return -1
		}
		emoji = unicode.Is(unicode.So, r) || r >= 0x1f3fb && r <= 0x1f3ff // The range contains the skin tones.
		return r
	}, s)
}

// HasVisible reports whether a reader sees anything of a text. Spaces, control characters, characters without a glyph,
// and marks that combine with the character before them are not visible. Characters that this program does not know
// count as visible, because they may be new letters or emoji.
func HasVisible(text string) bool { return strings.ContainsFunc(text, visible) }

// visible reports whether a reader sees r without other characters beside it.
func visible(r rune) bool {
	return !unicode.In(r, unicode.Z, unicode.M, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point) && !strings.ContainsRune(blanks, r)
}

// smallCapitals replaces small capitals. UTS #39 uses them for small letters of other scripts; after the replacement,
// both cases of such a letter have one form.
var smallCapitals = strings.NewReplacer("ᴀ", "a", "ʙ", "b", "ᴄ", "c", "ᴅ", "d", "ᴇ", "e", "ɢ", "g", "ʜ", "h", "ᴊ", "j", "ᴋ", "k",
	"ʟ", "l", "ᴍ", "m", "ɴ", "n", "ᴏ", "o", "ᴘ", "p", "ʀ", "r", "ꜱ", "s", "ᴛ", "t", "ᴜ", "u", "ᴠ", "v", "ᴡ", "w", "ʏ", "y", "ᴢ", "z")

// Lookalike returns a form that is the same for names that a reader may confuse. Such names differ in case, width,
// invisible characters, spaces, or in characters of other scripts that look the same (UTS #39 section 4). The form is
// for comparison only. A text that is too long to be a name is returned unchanged, because the log also compares the
// texts of commands whose length was not checked yet.
func Lookalike(name string) string {
	if len(name) > maxLength {
		return name
	}
	seen := strings.Map(func(r rune) rune {
		if strings.ContainsRune(blanks, r) || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, norm.NFKC.String(name))
	skeleton := strings.Join(strings.Fields(seen), " ")
	for range 2 { // Some characters look alike only as capitals, others only as small letters.
		skeleton = cases.Fold().String(smallCapitals.Replace(confusables.Skeleton(skeleton)))
	}
	skeleton = norm.NFKC.String(skeleton)
	return strings.ReplaceAll(skeleton, "i", "l") // A capital i looks like a small l.
}
