package domain

import (
	"encoding/json"
	"fmt"
	"slices"

	"roomlog/internal/words"
)

// Bounds of word lists.
const (
	maxWords = 10_000 // words of one list

	// Bytes of all words of the list of a live, and of the service. The automaton of a list needs up to about a kilobyte
	// of memory for each byte, and is built while the log is locked.
	maxLiveBytes    = 32 << 10
	maxServiceBytes = 256 << 10

	maxChanged     = 500 // words of one command
	maxWord        = 50  // length of a word in characters
	serviceWords   = LiveID(0)
	wordsNotUsable = "the word %q must have at least two different letters, or one character of a script like Chinese"
)

// Words is the list of words of one live, or of the service. In contrast to other states, it contains texts of people,
// because a decision needs them.
type Words struct {
	entries []words.Entry
	list    *words.List // compiled when a comment is decided; shared by all copies of the state
}

func newWords(entries []words.Entry) Words { return Words{entries, words.NewList(entries)} }

// Weight returns the approximate number of bytes of memory that w needs when it is compiled.
func (w Words) Weight() int {
	const perByte = 400
	bytes := 0
	for _, entry := range w.entries {
		bytes += len(entry.Word)
	}
	return perByte * bytes
}

// wordsState is the encoding of Words.
type wordsState struct {
	Entries []words.Entry `json:"entries"`
}

// MarshalJSON encodes the entries.
func (w Words) MarshalJSON() ([]byte, error) { return json.Marshal(wordsState{w.entries}) }

// UnmarshalJSON decodes the entries.
func (w *Words) UnmarshalJSON(encoded []byte) error {
	var state wordsState
	if err := json.Unmarshal(encoded, &state); err != nil {
		return fmt.Errorf("decode a list of words: %w", err)
	}
	*w = newWords(state.Entries)
	return nil
}

// wordsStream returns the stream of the list of a live, or of the service for the id 0.
func wordsStream(live LiveID) Stream { return numberedStream("words-", int64(live)) }

// Words returns the list of a live, or of the service for the id 0.
func (v View) Words(live LiveID) Words { return look[Words](v, wordsStream(live)) }

// WordAct is what happens to a comment with a word of a list.
type WordAct string

// The acts.
const (
	WordRefuse WordAct = "refuse" // the comment is refused
	WordMask   WordAct = "mask"   // the word is replaced by asterisks
)

// AddWords adds words to the list of a live, or to the list of the service, which applies to all lives. A word that the
// list has already gets the new options. The owner of the live, its moderators and operators may change the list of the
// live, only operators that of the service.
type AddWords struct {
	Live  LiveID   `json:"live"`  // the live whose list changes; 0: the service
	Words []string `json:"words"` // 1 to 500 words of 1–50 characters; must not identify a person
	Exact bool     `json:"exact"` // whether the words must stand alone; otherwise they may be a part of another word
	Act   WordAct  `json:"act"`   // what happens to a comment with one of the words
}

func (AddWords) Type() string { return "words.add" }

func (c AddWords) Reads(Actor) []Stream { return wordsReads(c.Live) }

func wordsReads(live LiveID) []Stream { return []Stream{liveStream(live), wordsStream(live)} }

// checkWords returns nil if the actor may change the list of a live or of the service. It also checks the number of the words.
func (v View) checkWords(live LiveID, changed []string) error {
	state := v.Live(live)
	if live == serviceWords && !v.isOperator() {
		return refuse(CodeForbidden, "only operators may change the words of the service")
	}
	if live != serviceWords {
		if err := v.checkModerator(state, live); err != nil {
			return err
		}
	}
	if len(changed) < 1 || len(changed) > maxChanged {
		return refuse(CodeNumberOutOfRange, "words must contain 1 to %d words", maxChanged)
	}
	return nil
}

func (c AddWords) decide(view View) ([]Event, error) {
	before := view.Words(c.Live)
	if err := view.checkWords(c.Live, c.Words); err != nil {
		return nil, err
	}
	if c.Act != WordRefuse && c.Act != WordMask {
		return nil, refuse(CodeBadRequest, "act must be refuse or mask")
	}
	added := WordsAdded{Live: c.Live, Exact: c.Exact, Mask: c.Act == WordMask}
	for _, w := range c.Words {
		word, err := text("words", w, 1, maxWord)
		switch {
		case err != nil:
			return nil, err
		case !words.Usable(word):
			return nil, refuse(CodeTextInvalid, wordsNotUsable, word)
		}
		added.Words = append(added.Words, word)
	}
	added.Words = added.changes(before)
	if len(added.Words) == 0 {
		return nil, nil
	}
	after, bytes, most := added.evolve(before), 0, maxLiveBytes
	for _, entry := range after.entries {
		bytes += len(entry.Word)
	}
	if c.Live == serviceWords {
		most = maxServiceBytes
	}
	if len(after.entries) > maxWords || bytes > most {
		return nil, refuse(CodeNumberOutOfRange, "a list must have at most %d words, which together have at most %d bytes", maxWords, most)
	}
	return []Event{added}, nil
}

// WordsAdded records that words were added to a list, or got other options.
type WordsAdded struct {
	Live  LiveID   `json:"live"`  // the live whose list changed; 0: the service
	Words []string `json:"words"` // the words
	Exact bool     `json:"exact"` // whether the words must stand alone
	Mask  bool     `json:"mask"`  // whether the words are masked; otherwise comments that contain them are refused
}

// changes returns those words of e that the list lacks, or has with other options, each once.
func (e WordsAdded) changes(w Words) (changed []string) {
	known := make(map[words.Entry]bool, len(w.entries)+len(e.Words))
	for _, entry := range w.entries {
		known[entry] = true
	}
	for _, word := range e.Words {
		entry := words.Entry{Word: word, Exact: e.Exact, Mask: e.Mask}
		if !known[entry] {
			known[entry] = true
			changed = append(changed, word)
		}
	}
	return changed
}

func (WordsAdded) Type() string        { return "words.added.v1" }
func (e WordsAdded) Stream() Stream    { return wordsStream(e.Live) }
func (e WordsAdded) EventLive() LiveID { return e.Live }
func (e WordsAdded) evolve(w Words) Words {
	at := make(map[string]int, len(w.entries)+len(e.Words))
	entries := slices.Clone(w.entries)
	for i, entry := range entries {
		at[entry.Word] = i
	}
	for _, word := range e.Words {
		entry := words.Entry{Word: word, Exact: e.Exact, Mask: e.Mask}
		if i, found := at[word]; found {
			entries[i] = entry
			continue
		}
		at[word] = len(entries)
		entries = append(entries, entry)
	}
	return newWords(entries)
}

// RemoveWords removes words from the list of a live, or from the list of the service. The owner of the live, its
// moderators and operators may change the list of the live, only operators that of the service.
type RemoveWords struct {
	Live  LiveID   `json:"live"`  // the live whose list changes; 0: the service
	Words []string `json:"words"` // 1 to 500 words, as they were added
}

func (RemoveWords) Type() string { return "words.remove" }

func (c RemoveWords) Reads(Actor) []Stream { return wordsReads(c.Live) }

func (c RemoveWords) decide(view View) ([]Event, error) {
	before := view.Words(c.Live)
	if err := view.checkWords(c.Live, c.Words); err != nil {
		return nil, err
	}
	gone := make(map[string]bool, len(c.Words))
	for _, word := range c.Words {
		gone[word] = true
	}
	removed := WordsRemoved{Live: c.Live}
	for _, entry := range before.entries {
		if gone[entry.Word] {
			removed.Words = append(removed.Words, entry.Word)
		}
	}
	if len(removed.Words) == 0 {
		return nil, nil
	}
	return []Event{removed}, nil
}

// WordsRemoved records that words were removed from a list.
type WordsRemoved struct {
	Live  LiveID   `json:"live"`  // the live whose list changed; 0: the service
	Words []string `json:"words"` // the words
}

func (WordsRemoved) Type() string        { return "words.removed.v1" }
func (e WordsRemoved) Stream() Stream    { return wordsStream(e.Live) }
func (e WordsRemoved) EventLive() LiveID { return e.Live }
func (e WordsRemoved) evolve(w Words) Words {
	gone := make(map[string]bool, len(e.Words))
	for _, word := range e.Words {
		gone[word] = true
	}
	return newWords(slices.DeleteFunc(slices.Clone(w.entries), func(entry words.Entry) bool { return gone[entry.Word] }))
}

// applyWords returns a comment with masked words, or a *Refusal if the comment contains a word that is refused. The list of
// the live does not apply to its owner and moderators, and no list applies to operators.
func (v View) applyWords(live Live, id LiveID, comment string) (string, error) {
	ofLive, ofService := v.Words(id), v.Words(serviceWords)
	if live.isModerator(v.Actor.User) {
		ofLive = Words{}
	}
	if len(ofLive.entries) == 0 && len(ofService.entries) == 0 {
		return comment, nil
	}
	typed, folded := comment, words.Fold(comment)
	for _, list := range []*words.List{ofService.list, ofLive.list} {
		masked, refused := list.Check(folded)
		switch {
		case (refused || masked != typed) && v.isOperator():
			return typed, nil
		case refused:
			return "", refuse(CodeWordRefused, "the comment contains a word that is not allowed here")
		case masked != comment:
			comment, folded = masked, words.Fold(masked)
		}
	}
	return comment, nil
}
