package domain

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"roomlog/internal/links"
	"roomlog/internal/stickers"
	"roomlog/internal/words"
)

// PostComment posts a comment in a live, or holds it for a review. Words that the list of the live or of the service masks
// are masked in the event.
type PostComment struct {
	Live LiveID `json:"live"` // the live to which the comment belongs
	Text string `json:"text"` // the comment: 1–200 characters, in which line breaks and tabs are allowed
}

func (PostComment) Type() string { return "comment.post" }

func (c PostComment) Reads(actor Actor) []Stream {
	return []Stream{liveStream(c.Live), commentStream(c.Live), reviewStream(c.Live), visitStream(c.Live, actor.User), wordsStream(c.Live), wordsStream(serviceWords), FollowsStream(actor.User)}
}

func (c PostComment) decide(view View) ([]Event, error) {
	live, err := view.openLive(c.Live)
	if err != nil {
		return nil, err
	}
	visit, follows, waiting := view.Visit(c.Live, view.Actor.User), view.Follows(view.Actor.User), view.Review(c.Live)
	if mute := activeBan(live.Mutes, view.Actor.User, view.Now); mute.User != 0 {
		return nil, refuseUntil(mute.Until, CodeMuted, "you are muted in live %d", c.Live)
	}
	comment, err := multilineText("comment", c.Text, 1, maxComment)
	var held bool
	if err == nil {
		comment, held, err = view.applyWords(live, c.Live, comment)
	}
	if err != nil {
		return nil, err
	}
	events := append(make([]Event, 0, 2), CommentPosted{c.Live, view.Actor.User, comment}) // in slow mode there is a second event
	if len(live.Modes) == 0 && !held || live.isModerator(view.Actor.User) {
		return events, nil
	}
	slow, review, err := view.checkModes(live.Modes, live.Streamer, visit, follows, comment)
	if err != nil && !view.isOperator() {
		return nil, err
	}
	cause := HeldForWord
	if review && !held && !visit.Reviewed && !view.isOperator() {
		held, cause = true, HeldForFirst
	}
	if held {
		if events, err = view.holdComment(c.Live, live, waiting, comment, cause); err != nil {
			return nil, err
		}
	}
	if slow {
		events = append(events, ViewerCommented{c.Live, view.Actor.User, view.Now.UnixMilli()})
	}
	return events, nil
}

// checkModes returns a *Refusal if one of the modes of a live does not permit a comment of the actor now. It reports whether
// slow mode and the mode review are on, also if it refuses.
func (v View) checkModes(modes []Mode, streamer UserID, visit Visit, follows Follows, comment string) (slow, review bool, err error) {
	for _, m := range modes {
		if !m.Active(v.Now) {
			continue
		}
		slow, review = slow || m.Mode == ModeSlow, review || m.Mode == ModeReview
		if err != nil {
			continue
		}
		switch m.Mode {
		case ModeMuteAll:
			err = refuseUntil(m.Until, CodeCommentsOff, "only the owner and moderators of the live may comment")
		case ModeLinksOff:
			if links.Contains(comment) {
				err = refuseUntil(m.Until, CodeLinksOff, "comments must not contain links")
			}
		case ModeStickers:
			if !stickers.Only(comment) {
				err = refuseUntil(m.Until, CodeStickersOnly, "comments must consist of emoji and names of stickers like :rose: only")
			}
		case ModeSlow:
			if next := visit.CommentedAt + 1000*m.Value; visit.CommentedAt != 0 && v.Now.UnixMilli() < next {
				err = refuseUntil(earlier((next+999)/1000, m.Until), CodeSlowMode, "slow mode allows one comment in %d seconds: you may not comment", m.Value)
			}
		case ModeMembers:
			if member := v.User(v.Actor.User).RegisteredAt + 60*m.Value; v.Now.Unix() < member {
				err = refuseUntil(earlier(member, m.Until), CodeMembersOnly, "only users who registered at least %d minutes ago may comment", m.Value)
			}
		case ModeFollowers:
			err = m.checkFollower(streamer, follows, v.Now)
		}
	}
	return slow, review, err
}

// ownCommentSeconds is the time in seconds within which authors may remove their comments.
const ownCommentSeconds = 60

// RemovedComment is the state of one comment after its removal.
type RemovedComment struct {
	Removed bool `json:"removed"`
}

func removedCommentStream(live LiveID, comment int64) Stream {
	return numberedStream("removedcomment-"+strconv.FormatInt(int64(live), 10)+"-", comment)
}

// RemoveComment removes a comment from everything that clients see. The author may issue this command within 60 seconds,
// the owner of the live, its moderators and operators at any time.
type RemoveComment struct {
	Live     LiveID    `json:"live"`    // the live to which the comment belongs
	Comment  int64     `json:"comment"` // position of the comment in the log
	Reason   string    `json:"reason"`  // the reason, stored in the event: at most 100 characters, may be empty; must not identify a person
	Author   UserID    `json:"-"`       // author of the comment; 0 if there is no such comment
	PostedAt time.Time `json:"-"`       // time of the comment in the log
}

func (RemoveComment) Type() string { return "comment.remove" }

func (c RemoveComment) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), removedCommentStream(c.Live, c.Comment)}
}

func (c RemoveComment) decide(view View) ([]Event, error) {
	live, comment := view.Live(c.Live), look[RemovedComment](view, removedCommentStream(c.Live, c.Comment))
	if live.Streamer == 0 || c.Author == 0 {
		return nil, refuse(CodeCommentNotFound, "there is no comment %d in live %d", c.Comment, c.Live)
	}
	own := view.Actor.User == c.Author
	err := view.checkModerator(live, c.Live)
	switch {
	case err == nil && !own:
		if c.Author != live.Streamer || !view.isOperator() { // operators may remove the comments of the owner
			err = view.checkTarget(live, c.Author)
		}
	case err != nil && own && view.Now.Sub(c.PostedAt) <= ownCommentSeconds*time.Second:
		err = nil
	case err != nil && own:
		err = refuse(CodeForbidden, "you may remove a comment within %d seconds", ownCommentSeconds)
	}
	reason, invalid := operatorReason(c.Reason)
	switch {
	case err != nil:
		return nil, err
	case invalid != nil:
		return nil, invalid
	case comment.Removed:
		return nil, nil
	}
	return []Event{CommentRemoved{c.Live, c.Comment, c.Author, reason}}, nil
}

// CommentRemoved records that clients no longer see a comment.
type CommentRemoved struct {
	Live    LiveID `json:"live"`    // the live to which the comment belongs
	Comment int64  `json:"comment"` // position of the comment in the log
	User    UserID `json:"user"`    // the author of the comment
	Reason  string `json:"reason"`  // the reason; not sealed; may be empty
}

func (CommentRemoved) Type() string                         { return "comment.removed.v1" }
func (e CommentRemoved) Stream() Stream                     { return removedCommentStream(e.Live, e.Comment) }
func (e CommentRemoved) EventLive() LiveID                  { return e.Live }
func (e CommentRemoved) EventUser() UserID                  { return e.User }
func (CommentRemoved) evolve(RemovedComment) RemovedComment { return RemovedComment{Removed: true} }

// ClearComments removes all comments that a user has posted in one live so far, and drops those that are held. The owner of the live, its moderators and
// operators may issue this command.
type ClearComments struct {
	Live   LiveID `json:"live"`   // the live to which the comments belong
	User   UserID `json:"user"`   // the author of the comments
	Reason string `json:"reason"` // the reason, stored in the event: at most 100 characters, may be empty; must not identify a person
}

func (ClearComments) Type() string { return "comment.clear" }

func (c ClearComments) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), commentStream(c.Live), reviewStream(c.Live)}
}

func (c ClearComments) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	err := view.checkModerator(live, c.Live)
	if err == nil {
		err = view.checkTarget(live, c.User)
	}
	if err != nil {
		return nil, err
	}
	if c.User < 1 {
		return nil, refuse(CodeBadRequest, "user must be the id of a user")
	}
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return append([]Event{CommentsCleared(c)}, view.dropHeldOf(c.Live, c.User, c.Reason)...), nil
}

// CommentsCleared records that clients no longer see the comments that a user posted in a live before.
type CommentsCleared struct {
	Live   LiveID `json:"live"`   // the live to which the comments belong
	User   UserID `json:"user"`   // the author of the comments
	Reason string `json:"reason"` // the reason; not sealed; may be empty
}

func (CommentsCleared) Type() string               { return "comments.cleared.v1" }
func (e CommentsCleared) Stream() Stream           { return commentStream(e.Live) }
func (e CommentsCleared) EventLive() LiveID        { return e.Live }
func (e CommentsCleared) EventUser() UserID        { return e.User }
func (CommentsCleared) evolve(Stateless) Stateless { return Stateless{} }

// Bounds of word lists.
const (
	maxWords = 10_000 // maximum number of words of one list

	// Maximum sizes in bytes of all words together, for the list of a live and for the list of the service. For each
	// byte, the automatons of a list need about 130 to 260 bytes of memory for Latin words, 1000 for Chinese and 1700
	// for words that mix many scripts. They are built while the log is locked.
	maxLiveBytes    = 32 << 10
	maxServiceBytes = 256 << 10

	maxChanged     = 500 // maximum number of words of one command
	maxWord        = 50  // maximum length of a word in characters
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

// Weight returns an estimate of the memory in bytes that w needs when it is compiled. The estimate is too high for
// most scripts, and less than half of the true size for Chinese.
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

// WordAct is the effect of a word of a list on a comment.
type WordAct string

// The acts.
const (
	WordRefuse WordAct = "refuse" // the comment is refused
	WordMask   WordAct = "mask"   // the word is replaced by asterisks
	WordHold   WordAct = "hold"   // the comment is held for a review
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
	if c.Act != WordRefuse && c.Act != WordMask && c.Act != WordHold {
		return nil, refuse(CodeBadRequest, "act must be refuse, mask or hold")
	}
	var added []string
	options := words.Entry{Exact: c.Exact, Mask: c.Act == WordMask, Hold: c.Act == WordHold}
	for _, w := range c.Words {
		word, err := text("words", w, 1, maxWord)
		switch {
		case err != nil:
			return nil, err
		case !words.Usable(word):
			return nil, refuse(CodeTextInvalid, wordsNotUsable, word)
		}
		added = append(added, word)
	}
	if added = before.changes(added, options); len(added) == 0 {
		return nil, nil
	}
	after, bytes, most := before.with(added, options), 0, maxLiveBytes
	for _, entry := range after.entries {
		bytes += len(entry.Word)
	}
	if c.Live == serviceWords {
		most = maxServiceBytes
	}
	if len(after.entries) > maxWords || bytes > most {
		return nil, refuse(CodeNumberOutOfRange, "a list must have at most %d words, which together have at most %d bytes", maxWords, most)
	}
	if c.Act == WordHold {
		return []Event{HoldWordsAdded{c.Live, added, c.Exact}}, nil
	}
	return []Event{WordsAdded{c.Live, added, c.Exact, options.Mask}}, nil
}

// WordsAdded records that words with the act refuse or mask were added to a list, or got other options.
type WordsAdded struct {
	Live  LiveID   `json:"live"`  // the live whose list changed; 0: the service
	Words []string `json:"words"` // the words that were added or got other options
	Exact bool     `json:"exact"` // whether the words must stand alone
	Mask  bool     `json:"mask"`  // whether the words are masked; otherwise comments that contain them are refused
}

// changes returns the words in added that the list lacks or has with other options, each once.
func (w Words) changes(added []string, options words.Entry) (changed []string) {
	known := make(map[words.Entry]bool, len(w.entries)+len(added))
	for _, entry := range w.entries {
		known[entry] = true
	}
	for _, word := range added {
		entry := options
		entry.Word = word
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
	return w.with(e.Words, words.Entry{Exact: e.Exact, Mask: e.Mask})
}

// HoldWordsAdded records that words with the act hold were added to a list, or got other options.
type HoldWordsAdded struct {
	Live  LiveID   `json:"live"`  // the live whose list changed; 0: the service
	Words []string `json:"words"` // the words that were added or got other options
	Exact bool     `json:"exact"` // whether the words must stand alone
}

func (HoldWordsAdded) Type() string        { return "words.hold_added.v1" }
func (e HoldWordsAdded) Stream() Stream    { return wordsStream(e.Live) }
func (e HoldWordsAdded) EventLive() LiveID { return e.Live }
func (e HoldWordsAdded) evolve(w Words) Words {
	return w.with(e.Words, words.Entry{Exact: e.Exact, Hold: true})
}

// with returns the list with the words in added, all with the options. Words that the list already has get the new
// options.
func (w Words) with(added []string, options words.Entry) Words {
	at := make(map[string]int, len(w.entries)+len(added))
	entries := slices.Clone(w.entries)
	for i, entry := range entries {
		at[entry.Word] = i
	}
	for _, word := range added {
		entry := options
		entry.Word = word
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
	Words []string `json:"words"` // the words that were removed
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

// applyWords returns a comment with masked words, and whether it is held for a word. It returns a *Refusal if the
// comment contains a refused word. The list of the live does not apply to its owner and moderators, and no list applies
// to operators. Comments of the owner and moderators are not held.
func (v View) applyWords(live Live, id LiveID, comment string) (masked string, held bool, err error) {
	ofLive, ofService := v.Words(id), v.Words(serviceWords)
	if live.isModerator(v.Actor.User) {
		ofLive = Words{}
	}
	if len(ofLive.entries) == 0 && len(ofService.entries) == 0 {
		return comment, false, nil
	}
	var buffer [2 + 2*maxComment]byte
	typed, plain := comment, words.Plain(comment, buffer[:0])
	for _, list := range []*words.List{ofService.list, ofLive.list} {
		found := list.Check(comment, plain)
		switch {
		case found != (words.Result{Text: typed}) && v.isOperator():
			return typed, false, nil
		case found.Refused:
			return "", false, refuse(CodeWordRefused, "the comment contains a word that is not allowed here")
		case found.Text != comment:
			comment, plain = found.Text, words.Plain(found.Text, nil)
		}
		held = held || found.Held
	}
	return comment, held && !live.isModerator(v.Actor.User), nil
}
