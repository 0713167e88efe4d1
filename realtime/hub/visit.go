package hub

import (
	"slices"
	"sync"

	"roomlog/domain"
)

// visit is the presence of one user in one live through connections to this node. The fields below turn are guarded by
// presence.mu.
type visit struct {
	live domain.LiveID
	user domain.UserID
	turn sync.Mutex // locked while a command about the visit is executed; locked before presence.mu

	clients []Client          // the user's clients in the live, in the order of their joins
	joined  bool              // whether the log may contain a join of the user on this node
	since   int64             // position of the newest join
	rejoin  bool              // whether the log contains a leave of the user although clients are present
	ended   bool              // whether the live has ended, so that nobody can join it
	cause   domain.LeaveCause // why the last client left
	queued  bool
}

// Membership is a user who is in a live on a connection.
type Membership struct {
	User domain.UserID
	Live domain.LiveID
}

// hold adds a client and reports whether it is new.
func (v *visit) hold(c Client) bool {
	if slices.Contains(v.clients, c) {
		return false
	}
	v.clients = append(v.clients, c)
	return true
}

func (v *visit) drop(c Client) {
	v.clients = slices.DeleteFunc(v.clients, func(other Client) bool { return other == c })
}

// dropSession removes and returns the clients with a session.
func (v *visit) dropSession(session string) (dropped []Client) {
	v.clients = slices.DeleteFunc(v.clients, func(c Client) bool {
		ended := c.Identity().Session == session
		if ended {
			dropped = append(dropped, c)
		}
		return ended
	})
	return dropped
}
