package feed

import (
	"context"
	"fmt"
	"slices"

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

// forgetChanged removes the profiles that the events of deltas have changed.
func (p *profiles) forgetChanged(deltas []projections.Delta) {
	for _, d := range deltas {
		p.forget([]eventstore.Record{{Event: d.Event}})
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

// distribute replaces each delta that belongs to the lives of a user by one delta for each of these lives.
//
// The tables may already contain later joins and leaves. This is harmless: a later join has the current profile, and a
// later leave follows as a delta.
func (p *profiles) distribute(ctx context.Context, deltas []projections.Delta) ([]projections.Delta, error) {
	deltas = dropSuperseded(deltas)
	var users []domain.UserID
	for _, d := range deltas {
		if d.LivesOfUser() {
			users = append(users, d.User)
		}
	}
	if len(users) == 0 {
		return deltas, nil
	}
	lives, err := p.queries.LivesOf(ctx, users)
	if err != nil {
		return nil, err
	}
	all := make([]projections.Delta, 0, len(deltas))
	for _, d := range deltas {
		if !d.LivesOfUser() {
			all = append(all, d)
			continue
		}
		for _, d.Live = range lives[d.User] {
			all = append(all, d)
		}
	}
	return all, nil
}

// dropSuperseded returns deltas without those that belong to the lives of a user and are followed by a later one of the
// same user. Both would have the same profile, the current one.
func dropSuperseded(deltas []projections.Delta) []projections.Delta {
	newest := make(map[domain.UserID]int64)
	for _, d := range deltas {
		if d.LivesOfUser() {
			newest[d.User] = d.Position
		}
	}
	if len(newest) == 0 {
		return deltas
	}
	return slices.DeleteFunc(deltas, func(d projections.Delta) bool { return d.LivesOfUser() && d.Position < newest[d.User] })
}
