package hub

import (
	"maps"
	"slices"
	"sync"

	"roomlog/domain"
	"roomlog/projections"
)

// registry contains the subscribers, clients and followers of this node. It is locked while a batch is delivered, so
// that position always matches what the receivers have received.
type registry struct {
	mu          sync.Mutex
	history     int64 // number of the history of the log whose deltas are delivered
	position    int64 // position up to which all deltas have been delivered
	subscribers map[domain.LiveID]map[Subscriber]struct{}
	clients     map[domain.UserID]map[Client]struct{}
	dialects    []Dialect
	followers   []Follower
}

func newRegistry() *registry {
	return &registry{
		subscribers: make(map[domain.LiveID]map[Subscriber]struct{}),
		clients:     make(map[domain.UserID]map[Client]struct{}),
	}
}

// subscribe returns the position after which s receives all deltas, and the history to which this position belongs.
func (r *registry) subscribe(live domain.LiveID, s Subscriber) (history, from int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.subscribers[live] == nil {
		r.subscribers[live] = make(map[Subscriber]struct{})
	}
	r.subscribers[live][s] = struct{}{}
	return r.history, r.position
}

func (r *registry) unsubscribe(live domain.LiveID, s Subscriber) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.subscribers[live], s)
	if len(r.subscribers[live]) == 0 {
		delete(r.subscribers, live)
	}
}

// register returns the position after which c receives all deltas. It reports false if the user already has limit
// clients; a limit of 0 or less means no limit.
func (r *registry) register(user domain.UserID, c Client, limit int) (from int64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clients := r.clients[user]
	if limit > 0 && len(clients) >= limit {
		return 0, false
	}
	if clients == nil {
		clients = make(map[Client]struct{})
		r.clients[user] = clients
	}
	clients[c] = struct{}{}
	return r.position, true
}

func (r *registry) unregister(user domain.UserID, c Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.clients[user], c)
	if len(r.clients[user]) == 0 {
		delete(r.clients, user)
	}
}

func (r *registry) addDialect(d Dialect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dialects = append(r.dialects, d)
}

func (r *registry) addFollower(f Follower) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.followers = append(r.followers, f)
}

func (r *registry) allClients() (all []Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, clients := range r.clients {
		all = slices.AppendSeq(all, maps.Keys(clients))
	}
	return all
}

func (r *registry) allDialects() []Dialect {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.dialects)
}

func (r *registry) allFollowers() []Follower {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.followers)
}

// counts returns the number of lives with subscribers and the number of users with clients.
func (r *registry) counts() (lives, users int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.subscribers), len(r.clients)
}

// resetAll resets all subscribers, clients and followers. The caller must have locked mu.
func (r *registry) resetAll() {
	for _, subscribers := range r.subscribers {
		for s := range subscribers {
			s.Reset()
		}
	}
	clear(r.subscribers)
	for _, clients := range r.clients {
		for c := range clients {
			c.Reset()
		}
	}
	for _, f := range r.followers {
		f.Reset()
	}
}

// historyChanged makes all receivers start again after position. The caller must have locked mu.
func (r *registry) historyChanged(history, position int64) {
	r.history, r.position = history, position
	for _, subscribers := range r.subscribers {
		for s := range subscribers {
			s.HistoryChanged(history, position)
		}
	}
	for _, clients := range r.clients {
		for c := range clients {
			c.HistoryChanged(history, position)
		}
	}
	for _, f := range r.followers {
		f.HistoryChanged(history, position)
	}
}

// deliverToSubscribers delivers a public delta to the subscribers of its live. The caller must have locked mu.
func (r *registry) deliverToSubscribers(d projections.Delta) {
	if d.Public() {
		for s := range r.subscribers[d.Live] {
			s.Deliver(d)
		}
	}
}

// receives reports whether this node has clients that may receive d. The caller must have locked mu.
func (r *registry) receives(d projections.Delta) bool {
	switch d.Audience {
	case projections.AudienceLive:
		return len(r.subscribers[d.Live]) > 0
	case projections.AudienceUser:
		return len(r.clients[d.Recipient]) > 0
	}
	return d.Chat() && len(r.followers) > 0
}

// userForgotten notifies all subscribers that a user was erased. The caller must have locked mu.
func (r *registry) userForgotten() {
	for _, subscribers := range r.subscribers {
		for s := range subscribers {
			s.UserForgotten()
		}
	}
}

// moderate kicks or bans the clients that an event concerns. The caller must have locked mu.
func (r *registry) moderate(d projections.Delta) {
	switch e := d.Event.(type) {
	case domain.UserKicked:
		for c := range r.clients[e.User] {
			c.Kick(e.Reason)
		}
	case domain.ViewerBanned:
		for c := range r.clients[e.User] {
			c.BanFrom(e.Live, e.Reason)
		}
	case domain.ConnectionKicked:
		for _, dialect := range r.dialects {
			if dialect.Kick(e.Connection, e.Reason) {
				return
			}
		}
	}
}
