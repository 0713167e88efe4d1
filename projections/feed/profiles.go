package feed

import (
	"context"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// profiles caches the profiles of users. Only the goroutine that releases deltas adds and removes entries, in the order
// of the log. A profile that is read for an event is at least as new as that event. A later event that changes the
// profile removes the entry.
type profiles struct {
	queries *projections.Queries
	cache   *lru.Cache[domain.UserID, projections.Profile]
}

func newProfiles(queries *projections.Queries, size int) *profiles {
	cache, err := lru.New[domain.UserID, projections.Profile](size)
	if err != nil {
		panic(fmt.Sprintf("feed: a cache of %d profiles: %v", size, err)) // cannot happen: the default is above 0
	}
	return &profiles{queries, cache}
}

// forget removes the profiles that events have changed.
func (p *profiles) forget(events []eventstore.Record) {
	for _, r := range events {
		switch e := r.Event.(type) {
		case domain.UserProfileChanged:
			p.cache.Remove(e.User)
		case domain.UserForgotten:
			p.cache.Remove(e.User)
		}
	}
}

// fill sets the profiles of the deltas that need one. Only the goroutine that releases deltas may set cache.
func (p *profiles) fill(ctx context.Context, deltas []projections.Delta, cache bool) error {
	found := make(map[domain.UserID]projections.Profile)
	var missing []domain.UserID
	for _, d := range deltas {
		if _, seen := found[d.User]; seen || d.User == 0 || !d.NeedsProfile() {
			continue
		}
		profile, known := p.cache.Get(d.User)
		if !known {
			missing = append(missing, d.User)
		}
		found[d.User] = profile
	}
	if len(missing) > 0 {
		read, err := p.queries.Profiles(ctx, missing)
		if err != nil {
			return err
		}
		for _, id := range missing {
			profile, ok := read[id]
			profile.ID = id
			found[id] = profile
			if ok && cache {
				p.cache.Add(id, profile)
			}
		}
	}
	for i := range deltas {
		if d := &deltas[i]; d.NeedsProfile() {
			d.Profile = found[d.User]
		}
	}
	return nil
}

// fillLives sets the lives of the deltas that reach lives. The tables may already contain later joins and leaves: who
// joins later receives the profile with the join, and who has left is no longer shown.
func (p *profiles) fillLives(ctx context.Context, deltas []projections.Delta) error {
	var users []domain.UserID
	for _, d := range deltas {
		if d.ReachesLives() {
			users = append(users, d.User)
		}
	}
	if len(users) == 0 {
		return nil
	}
	lives, err := p.queries.LivesOf(ctx, users)
	if err != nil {
		return err
	}
	for i := range deltas {
		if d := &deltas[i]; d.ReachesLives() {
			d.Lives = lives[d.User]
		}
	}
	return nil
}
