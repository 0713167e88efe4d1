package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"roomlog/internal/names"
)

// A piece is one character of a text, with the combining characters that follow it, in folded form.
type piece struct {
	folded     string // "" for a separator
	start, end int    // place in the text, in bytes
	times      int    // number of equal characters that directly follow this one
}

// ascii contains the folded forms of the ASCII letters and digits; "" for all other ASCII characters.
var ascii = func() (table [utf8.RuneSelf]string) {
	for c := range table {
		if r := rune(c); unicode.IsLetter(r) || unicode.IsDigit(r) {
			table[c] = names.Lookalike(string(r))
		}
	}
	return table
}()

// foreign is the entry of pairs for a byte of a character that is not ASCII.
const foreign = 0xffff

// pairs is the table ascii for bytes, without pointers: the first byte of a folded form, and the second one in the high
// byte; 0 for a separator. A longer form is foreign, too.
var pairs = func() (table [256]uint16) {
	for c := range table {
		table[c] = foreign
	}
	for c, folded := range ascii {
		switch len(folded) {
		case 0:
			table[c] = 0
		case 1:
			table[c] = uint16(folded[0])
		case 2:
			table[c] = uint16(folded[0]) | uint16(folded[1])<<8
		}
	}
	return table
}()

// manyTimes is the least number of equal characters in a row that also count as one character.
const manyTimes = 3

// form is a text in the form in which words are compared: words of folded characters, separated by single spaces, with a
// space at each end.
type form struct {
	bytes  []byte
	pieces []piece
}

// Plain returns the bytes of the plain form of a text of ASCII characters. It returns nil for texts with another character,
// with a row of manyTimes, or with shortestSpaced single characters in a row: List.Check folds them itself. The form is stored
// in buffer if its capacity is two bytes for each byte of the text, and two more. buffer may be nil.
func Plain(text string, buffer []byte) []byte {
	bytes := buffer[:cap(buffer)]
	if most := 2*len(text) + 2; len(bytes) < most {
		bytes = make([]byte, most)
	}
	bytes[0] = ' '
	size, begin, singles := 1, 0, 0 // bytes, index of the word in text, words of one character before it
	var last, before uint16         // the two characters of the word before this one
	for i := range len(text) {
		folded := pairs[text[i]]
		if folded != 0 {
			if folded == foreign || folded == last && last == before {
				return nil
			}
			before, last = last, folded
			bytes[size] = byte(folded)
			size++
			if folded > 0xff {
				bytes[size] = byte(folded >> 8)
				size++
			}
			continue
		}
		if i > begin {
			bytes[size] = ' '
			size++
			if singles++; i-begin > 1 {
				singles = 0
			}
			if singles == shortestSpaced {
				return nil
			}
		}
		begin, last, before = i+1, 0, 0
	}
	if n := len(text) - begin; n == 1 && singles == shortestSpaced-1 {
		return nil
	} else if n > 0 {
		bytes[size] = ' '
		size++
	}
	return bytes[:size]
}

// forms returns the plain form, and the form in which equal characters in a row are one piece. The second is empty if the
// text has no row of manyTimes.
func forms(text string) (plain, collapsed form) {
	pieces := join(split(text, make([]piece, 0, len(text))))
	plain = newForm(pieces)
	if repeats(pieces) {
		collapsed = newForm(collapse(pieces))
	}
	return plain, collapsed
}

func newForm(pieces []piece) form {
	f := form{make([]byte, 0, len(pieces)+len(pieces)/4+2), pieces}
	f.bytes = append(f.bytes, ' ')
	for _, p := range pieces {
		if p.folded == "" {
			f.bytes = append(f.bytes, ' ')
		} else {
			f.bytes = append(f.bytes, p.folded...)
		}
	}
	f.bytes = append(f.bytes, ' ')
	return f
}

// split appends the pieces of a text to pieces. Consecutive separators are one piece; there is none at the ends.
func split(text string, pieces []piece) []piece {
	separated := false
	for at := 0; at < len(text); {
		next := at + 1
		var folded string
		var separator bool
		if c := text[at]; c < utf8.RuneSelf && (next == len(text) || text[next] < utf8.RuneSelf) {
			folded = ascii[c]
			separator = folded == ""
		} else {
			next = at + max(norm.NFKC.NextBoundaryInString(text[at:], true), 1)
			folded, separator = foldSegment(text[at:next])
		}
		switch {
		case separator:
			separated = len(pieces) > 0
		case folded != "":
			if separated {
				pieces = append(pieces, piece{start: at, end: at})
			}
			pieces, separated = append(pieces, piece{folded, at, next, 1}), false
		case len(pieces) > 0 && !separated: // an invisible character belongs to the one before
			pieces[len(pieces)-1].end = next
		}
		at = next
	}
	return pieces
}

// foldSegment folds a character and the combining characters that follow it. It reports whether the segment separates
// words. Invisible characters have the folded form "" and separate nothing.
func foldSegment(segment string) (folded string, separator bool) {
	r, size := utf8.DecodeRuneInString(segment)
	if ideograph(r) && size == len(segment) {
		return segment, false
	}
	if (unicode.IsPunct(r) || unicode.Is(unicode.Sm, r)) && !strings.ContainsFunc(norm.NFKD.String(segment), isWordRune) {
		return "", true // also signs that look like a letter, such as |
	}
	visible := false
	folded = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r):
			return -1
		case isWordRune(r):
			return r
		}
		visible = true
		return -1
	}, norm.NFKD.String(names.Lookalike(segment)))
	return folded, folded == "" && (visible || unicode.IsSpace(r))
}

// isWordRune reports whether r can be a character of a word.
func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Mc, r)
}

// ideograph reports whether r is a CJK character that has no other form. Most of these texts consist of such characters, so
// they are not looked up in the tables.
func ideograph(r rune) bool { return r >= 0x3400 && r <= 0x4dbf || r >= 0x4e00 && r <= 0x9fff }

func ideographic(p piece) bool {
	r, _ := utf8.DecodeRuneInString(p.folded)
	return ideograph(r)
}

// shortestSpaced is the least number of single characters in a row between which separators are ignored.
const shortestSpaced = 3

// join removes the separators between single characters, as in "s p a m", and between ideographs, in place.
func join(pieces []piece) []piece {
	kept := pieces[:0]
	for i, p := range pieces {
		if p.folded != "" || !ideographic(pieces[i-1]) || !ideographic(pieces[i+1]) {
			kept = append(kept, p)
		}
	}
	pieces, kept = kept, kept[:0]
	for at := 0; at < len(pieces); {
		last := at // the last piece of a row of single characters
		for last+2 < len(pieces) && single(pieces, last) && single(pieces, last+2) {
			last += 2
		}
		if (last-at)/2+1 >= shortestSpaced {
			for i := at; i <= last; i += 2 {
				kept = append(kept, pieces[i])
			}
			at = last + 1
			continue
		}
		kept = append(kept, pieces[at])
		at++
	}
	return kept
}

// single reports whether a piece is a character with a separator or an end of the text on both sides.
func single(pieces []piece, at int) bool {
	return pieces[at].folded != "" && (at == 0 || pieces[at-1].folded == "") && (at+1 == len(pieces) || pieces[at+1].folded == "")
}

// repeats reports whether a character follows itself manyTimes.
func repeats(pieces []piece) bool {
	times := 0
	for i, p := range pieces {
		if times++; i > 0 && pieces[i-1].folded != p.folded {
			times = 1
		}
		if times == manyTimes {
			return true
		}
	}
	return false
}

// collapse returns pieces with one piece for equal characters that follow each other.
func collapse(pieces []piece) []piece {
	var kept []piece
	for _, p := range pieces {
		if n := len(kept); n > 0 && kept[n-1].folded == p.folded {
			kept[n-1].end = p.end
			kept[n-1].times++
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// span is a range of the bytes of a folded text.
type span struct{ start, end int }

// covered returns the pieces that have a byte in the range.
func (f form) covered(s span) []piece {
	first, last := -1, -1
	offset := 1 // after the space at the beginning
	for i, p := range f.pieces {
		size := max(len(p.folded), 1) // a separator is one space
		if offset < s.end && s.start < offset+size {
			if first < 0 {
				first = i
			}
			last = i
		}
		offset += size
	}
	if first < 0 {
		return nil
	}
	return f.pieces[first : last+1]
}

// mask returns text with a * in place of each character that the ranges cover. f is the folded form of text, and the ranges
// are ranges of f, ordered by start.
func (f form) mask(text string, ranges []span) string {
	var masked strings.Builder
	at := 0
	for _, r := range ranges {
		for _, p := range f.covered(r) {
			if p.folded == "" || p.start < at {
				continue
			}
			masked.WriteString(text[at:p.start])
			masked.WriteString(strings.Repeat("*", utf8.RuneCountInString(text[p.start:p.end])))
			at = p.end
		}
	}
	masked.WriteString(text[at:])
	return masked.String()
}
