package acts

import (
	"context"
	"fmt"

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
	var state any
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
			if state, err = domain.Fold(stream, state, r.Event); err != nil {
				return nil, fmt.Errorf("read the words of live %d: event %d: %w", live, r.Position, err)
			}
		}
		if query.After = page.Next; page.Next >= page.Head {
			break
		}
	}
	list, _ := state.(domain.Words)
	return list.Entries(), nil
}
