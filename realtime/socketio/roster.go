package socketio

import (
	"slices"

	"roomlog/domain"
	"roomlog/projections"
)

// rosterSize is how many people a roster names: as many as a snapshot of a room does, so that some may leave
// before it has to be read again.
const rosterSize = 100

// roster is who is in a room: how many, and the newest of them.
type roster struct {
	ready  bool
	asOf   int64 // position of the snapshot that it began with
	total  int64
	newest []projections.Profile // newest first
}

func rosterOf(found projections.LiveSnapshot) roster {
	return roster{ready: true, asOf: found.Position, total: found.Online, newest: found.Viewers}
}

// count notes that somebody came or went.
func (r *roster) count(d projections.Delta) {
	if !r.ready || d.Position <= r.asOf {
		return
	}
	r.drop(d.User)
	if d.Kind == projections.KindLeave {
		r.total--
		return
	}
	r.total++
	r.newest = slices.Insert(r.newest, 0, d.Profile)
	if len(r.newest) > rosterSize {
		r.newest = r.newest[:rosterSize]
	}
}

func (r *roster) drop(user domain.UserID) {
	r.newest = slices.DeleteFunc(r.newest, func(p projections.Profile) bool { return p.ID == user })
}

// rename notes how somebody is shown from now on.
func (r *roster) rename(p projections.Profile) {
	if i := r.find(p.ID); i >= 0 {
		r.newest[i] = p
	}
}

func (r *roster) find(user domain.UserID) int {
	return slices.IndexFunc(r.newest, func(p projections.Profile) bool { return p.ID == user })
}

// short says that too many of those have left who were named.
func (r *roster) short(listed int) bool {
	return !r.ready || int64(len(r.newest)) < min(r.total, int64(listed))
}
