package acts

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/words"
)

const wordEventsPerRead = 1000

// Words returns the list of words of a live, or of the service for the id 0, in the order in which they were added.
func Words(ctx context.Context, store *eventstore.Store, live domain.LiveID) ([]words.Entry, error) {
	aside, err := store.SetAside(ctx)
	if err != nil {
		return nil, err
	}
	stream := domain.WordsAdded{Live: live}.Stream()
	query := eventstore.Query{Stream: stream, Limit: wordEventsPerRead}
	list := list{words: make(map[string]listed)}
	for {
		page, err := store.Read(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Events {
			if _, ignored := aside[r.Position]; ignored {
				continue
			}
			if r.Fault != nil {
				return nil, fmt.Errorf("read the words of live %d: event %d: %w", live, r.Position, r.Fault)
			}
			switch e := r.Event.(type) {
			case domain.WordsAdded:
				list.add(e.Words, words.Entry{Exact: e.Exact, Mask: e.Mask})
			case domain.HoldWordsAdded:
				list.add(e.Words, words.Entry{Exact: e.Exact, Hold: true})
			case domain.WordsRemoved:
				for _, word := range e.Words {
					delete(list.words, word)
				}
			}
		}
		if query.After = page.Next; page.Next >= page.Head {
			break
		}
	}
	sorted := slices.SortedFunc(maps.Values(list.words), func(a, b listed) int { return cmp.Compare(a.place, b.place) })
	entries := make([]words.Entry, len(sorted))
	for i, word := range sorted {
		entries[i] = word.Entry
	}
	return entries, nil
}

// list is a list of words while it is read.
type list struct {
	words map[string]listed
	added int // number of words that were ever added
}

// add adds words with the options of an entry. A word that the list has keeps its place.
func (l *list) add(added []string, options words.Entry) {
	for _, word := range added {
		of, found := l.words[word]
		if !found {
			l.added++
			of.place = l.added
		}
		of.Entry = options
		of.Word = word
		l.words[word] = of
	}
}

// listed is an entry of a list with its place in the order in which the entries were added.
type listed struct {
	words.Entry
	place int
}
