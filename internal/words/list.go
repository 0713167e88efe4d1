package words

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/coregx/ahocorasick"
)

// Entry is a word of a list.
type Entry struct {
	Word  string `json:"word"`
	Exact bool   `json:"exact,omitempty"` // whether the word must stand alone; otherwise it may be a part of another word
	Mask  bool   `json:"mask,omitempty"`  // whether the word is masked
	Hold  bool   `json:"hold,omitempty"`  // whether texts that contain the word are held; texts with other words are refused
}

// shortest is the minimum length of a folded word in bytes: two different Latin letters, or one character of another
// script.
const shortest = 2

// Usable reports whether a word can be found in texts: whether it has at least two different letters, or one character
// of a script like Chinese.
func Usable(word string) bool {
	_, collapsed := folded(word)
	return len(collapsed) >= shortest
}

// folded returns the folded forms of a word without the spaces at its ends.
func folded(word string) (plain, collapsed string) {
	form, _ := forms(word)
	return strings.Trim(string(form.bytes), " "), strings.Trim(string(newForm(collapse(form.pieces)).bytes), " ")
}

// List is a list of words. It is compiled when it is used for the first time. It is safe for concurrent use.
type List struct {
	entries   []Entry
	once      sync.Once
	plain     *ahocorasick.Automaton // finds the words in plain forms; nil if there are no words
	collapsed *ahocorasick.Automaton // finds the words in collapsed forms
	options   []Entry                // for each word of the automatons, what happens to texts with the word
}

// NewList returns a list of words. It ignores words that are not Usable. The caller must not change entries.
func NewList(entries []Entry) *List { return &List{entries: entries} }

func (l *List) compile() {
	var plain, collapsed []string
	for _, e := range l.entries {
		word, short := folded(e.Word)
		if len(short) < shortest {
			continue
		}
		if e.Exact {
			word, short = " "+word+" ", " "+short+" "
		}
		plain, collapsed, l.options = append(plain, word), append(collapsed, short), append(l.options, e)
	}
	if len(plain) > 0 {
		l.plain, l.collapsed = automaton(plain), automaton(collapsed)
	}
}

// automaton returns an automaton that finds some words.
func automaton(words []string) *ahocorasick.Automaton {
	a, err := ahocorasick.NewBuilder().AddStrings(words).Build()
	if err != nil {
		panic("words: " + err.Error()) // cannot happen: no word is empty
	}
	return a
}

// Result is the result of a check of a text against a list.
type Result struct {
	Text    string // text with a * instead of each character of the words that are masked
	Refused bool   // whether the text contains a word that is refused; Text is then not masked
	Held    bool   // whether the text contains a word for which texts are held, and is not refused
}

// Check looks for the words of the list in a text. plain is Plain of the text.
func (l *List) Check(text string, plain []byte) Result {
	if l == nil {
		return Result{Text: text}
	}
	l.once.Do(l.compile)
	if l.plain == nil || plain != nil && len(l.plain.FindAllOverlapping(plain)) == 0 { // IsMatch searches for each first letter of a word at every separator
		return Result{Text: text}
	}
	return l.search(text)
}

// search does the same as Check, for a list with words, and any text.
func (l *List) search(text string) Result {
	typed := text
	held := false
	plain, collapsed := forms(text)
	if len(collapsed.bytes) > 0 {
		found, result := l.places(l.collapsed, collapsed, func(s span) bool {
			return slices.ContainsFunc(collapsed.covered(s), func(p piece) bool { return p.times >= manyTimes })
		})
		if result.Refused {
			return Result{Text: typed, Refused: true}
		}
		if held = result.Held; len(found) > 0 {
			text = collapsed.mask(text, found)
			plain, _ = forms(text)
		}
	}
	found, result := l.places(l.plain, plain, func(span) bool { return true })
	if result.Refused {
		return Result{Text: typed, Refused: true}
	}
	result.Text, result.Held = text, result.Held || held
	if len(found) > 0 {
		result.Text = plain.mask(text, found)
	}
	return result
}

// places returns the ranges of masked words in a form, ordered by start. They may overlap. It ignores matches for which
// counts returns false. r says whether the form has words that are refused or held; r.Text is not set. If a word is
// refused, found is nil.
func (l *List) places(a *ahocorasick.Automaton, f form, counts func(span) bool) (found []span, r Result) {
	for _, m := range a.FindAllOverlapping(f.bytes) {
		switch s, options := (span{m.Start, m.End}), l.options[m.PatternID]; {
		case !counts(s):
		case options.Hold:
			r.Held = true
		case !options.Mask:
			return nil, Result{Refused: true}
		default:
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	return found, r
}
