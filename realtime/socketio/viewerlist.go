package socketio

import (
	"cmp"
	"slices"

	"roomlog/domain"
	"roomlog/projections"
)

// viewerListSize is the number of viewers that a list keeps. It is as large as in a snapshot, so that some viewers may
// leave before the list must be read again.
const viewerListSize = 100

// viewerList contains the number of viewers of a live and the newest viewers.
type viewerList struct {
	ready  bool
	asOf   int64 // position of the snapshot from which the list was made
	total  int64
	newest []projections.Profile // newest viewers, newest first
}

func viewerListOf(found projections.LiveSnapshot) viewerList {
	return viewerList{ready: true, asOf: found.Position, total: found.Online, newest: found.Viewers}
}

// apply applies a join, a leave or a changed profile that the snapshot does not contain.
func (l *viewerList) apply(d projections.Delta) {
	if !l.ready || d.Position <= l.asOf {
		return
	}
	i := l.find(d.User)
	if d.Kind == projections.KindViewerProfile {
		if i >= 0 {
			l.newest[i] = d.Profile
		}
		return
	}
	if i >= 0 {
		l.newest = slices.Delete(l.newest, i, i+1)
	}
	if d.Kind == projections.KindLeave {
		l.total--
		return
	}
	l.total++
	l.newest = slices.Insert(l.newest, 0, d.Profile)
	if len(l.newest) > viewerListSize {
		l.newest = l.newest[:viewerListSize]
	}
}

func (l *viewerList) find(user domain.UserID) int {
	return slices.IndexFunc(l.newest, func(p projections.Profile) bool { return p.ID == user })
}

// short reports whether the newest viewers must be read again, because they are not loaded or there are too few for a
// list of size.
func (l *viewerList) short(size int) bool {
	return !l.ready || int64(len(l.newest)) < min(l.total, int64(size))
}

// listedSocket is a socket in a live, as in the reply of a node to a survey.
type listedSocket struct {
	ID       string `json:"id"`       // public id of the socket
	Position int64  `json:"position"` // position of the log when the user of the socket joined; the sockets of all nodes are ordered by it
}

// newestSockets orders sockets, newest first, and returns the newest ones up to limit.
func newestSockets(all []listedSocket, limit int) []listedSocket {
	slices.SortStableFunc(all, func(a, b listedSocket) int { return cmp.Compare(b.Position, a.Position) })
	return all[:min(len(all), limit)]
}
