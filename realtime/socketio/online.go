package socketio

import (
	"context"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// count notes in the list that somebody came or went.
func (r *room) count(d projections.Delta) {
	r.people.count(d)
	if r.reads {
		r.late = append(r.late, d)
	}
}

// load reads who is in the room, unless that is known.
func (r *room) load(ctx context.Context, at int64) error {
	r.loads.Lock()
	defer r.loads.Unlock()
	r.mu.Lock()
	needed := r.people.short(r.door.cfg.Listed)
	r.reads, r.late = needed, nil
	r.mu.Unlock()
	if !needed {
		return nil
	}
	found, err := r.door.cfg.Hub.Snapshot(ctx, r.live, at)
	r.mu.Lock()
	defer r.mu.Unlock()
	late := r.late
	r.reads, r.late = false, nil
	if err != nil {
		return err
	}
	r.people = rosterOf(found)
	for _, d := range late {
		r.people.count(d)
	}
	return nil
}

// changed tells everybody who is there after somebody came or went: at once, or in a crowd after a while.
func (r *room) changed(c change) {
	r.news = c
	switch now := r.door.cfg.Now(); {
	case len(r.seats) == 0 || !r.people.ready: // whoever comes first is shown the list
	case r.people.short(r.door.cfg.Listed):
		r.door.herald.later(r, now)
	case r.crowded() && now.Before(r.last.Add(r.door.cfg.Interval)):
		r.door.herald.later(r, r.last.Add(r.door.cfg.Interval))
	default:
		r.announce(c)
	}
}

// crowded says that not every coming and going is told at once.
func (r *room) crowded() bool {
	return r.door.cfg.Crowd > 0 && r.people.total > int64(r.door.cfg.Crowd)
}

// announce sends everybody the list.
func (r *room) announce(c change) {
	r.lists++
	r.last = r.door.cfg.Now()
	r.group.PushMade(func() *ws.Frame { return ws.DroppableFrame(r.list(c), ws.Span{Group: int64(r.live)}) })
}

// show makes sure that a visitor sees the list in which somebody is who has just entered.
func (r *room) show(ctx context.Context, v *visitor, user domain.UserID, came bool) error {
	profile, err := r.profile(ctx, user)
	if err != nil {
		return err
	}
	c := change{actionJoin, personOf(profile)}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.seats[v]
	switch {
	case s == nil:
	case came && !r.crowded() && r.lists > s.lists: // has seen it
	case came && !r.crowded(): // the others have not seen this socket
		r.announce(c)
	default:
		v.socket.Send(ws.TextFrame(r.list(c)))
	}
	return nil
}

// profile is how somebody is shown who may be in the list.
func (r *room) profile(ctx context.Context, user domain.UserID) (projections.Profile, error) {
	r.mu.Lock()
	if i := r.people.find(user); i >= 0 {
		defer r.mu.Unlock()
		return r.people.newest[i], nil
	}
	r.mu.Unlock()
	return r.door.cfg.Queries.Profile(ctx, user)
}

// refresh sends everybody the list, after reading it again if need be.
func (r *room) refresh(ctx context.Context) error {
	if err := r.load(ctx, 0); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seats) > 0 && !r.cut {
		r.announce(r.news)
	}
	return nil
}
