package hub

import (
	"slices"
	"sync"

	"roomlog/domain"
)

// visit is the presence of one user in one live by connections to this node. The fields below turn are guarded by
// presence.mu.
type visit struct {
	live domain.LiveID
	user domain.UserID
	turn sync.Mutex // held while a command about the visit is executed; taken before presence.mu

	clients []Client          // the user's clients in the live, in the order of their joins
	joined  bool              // the log may contain a join of the user by this node
	since   int64             // position of the newest join
	rejoin  bool              // the log contains a leave of the user, but clients are present
	ended   bool              // the live has ended: there are no more joins
	cause   domain.LeaveCause // the cause for which the last client left
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
