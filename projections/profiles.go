package projections

import (
	"context"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"roomlog/domain"
	"roomlog/eventstore"
)

// profiles remembers how people are shown. Only the feed's own goroutine remembers and forgets, in the order
// of the log: what it looks up is at least as new as the event that made it look, and the event that
// changes it makes it forgotten again.
type profiles struct {
	queries *Queries
	known   *lru.Cache[domain.UserID, Profile]
}

func newProfiles(queries *Queries, size int) *profiles {
	known, err := lru.New[domain.UserID, Profile](size)
	if err != nil {
		panic(fmt.Sprintf("projections: remember %d profiles: %v", size, err)) // the size has a default above 0
	}
	return &profiles{queries, known}
}

// forget drops what events have changed.
func (p *profiles) forget(events []eventstore.Record) {
	for _, r := range events {
		switch e := r.Event.(type) {
		case domain.UserProfileChanged:
			p.known.Remove(e.User)
		case domain.UserForgotten:
			p.known.Remove(e.User)
		}
	}
}

// fill puts the profiles into deltas that are shown with one. Only the feed's goroutine may have them remembered.
func (p *profiles) fill(ctx context.Context, deltas []Delta, remember bool) error {
	found := make(map[domain.UserID]Profile)
	var missing []domain.UserID
	for _, d := range deltas {
		if _, seen := found[d.User]; seen || d.User == 0 || !d.shown() {
			continue
		}
		profile, known := p.known.Get(d.User)
		if !known {
			missing = append(missing, d.User)
		}
		found[d.User] = profile
	}
	if len(missing) > 0 {
		looked, err := p.queries.Profiles(ctx, missing)
		if err != nil {
			return err
		}
		for _, id := range missing {
			profile, ok := looked[id]
			profile.ID = id
			found[id] = profile
			if ok && remember {
				p.known.Add(id, profile)
			}
		}
	}
	for i := range deltas {
		if d := &deltas[i]; d.shown() {
			d.Profile = found[d.User]
		}
	}
	return nil
}
